//! The names of what the job creates: crawlers, roles and catalog tables.

use std::collections::BTreeMap;

use schema::naming::{bounded, fold, unique};

/// Limit of a Glue crawler's name.
const CRAWLER_MAX: usize = 255;
/// Limit of an IAM role's name.
const ROLE_MAX: usize = 64;
/// Limit of a catalog table's name.
const TABLE_MAX: usize = 128;

/// The path of every role that the job creates, so that policies and listings can name them all.
pub const ROLE_PATH: &str = "/glue-ddb-crawler/";

/// The crawler of a DynamoDB table, from a template with one `{table}` in it (`{table}_crawler`).
///
/// A name over 255 characters is cut before its suffix and gets 8 hex digits of a hash, so it stays unique.
pub fn crawler(template: &str, table: &str) -> String {
    let (before, after) = template.split_once("{table}").unwrap_or(("", template));
    bounded(&format!("{before}{table}"), after, CRAWLER_MAX)
}

/// The role of a table's crawler: `{table}_crawler_{region}`. Roles are global to an account, hence the region.
pub fn role(table: &str, region: &str) -> String {
    bounded(table, &format!("_crawler_{region}"), ROLE_MAX)
}

/// The catalog name of each DynamoDB table: `prefix` and the folded name.
///
/// A table in `given` (DynamoDB table -> catalog table) keeps the name it once got. Of two tables that fold to one name,
/// the one already spelled so keeps it, else the byte-wise smallest; each other gets a hash of its own name as a suffix.
pub fn catalog_names(tables: &[String], given: &BTreeMap<String, String>, prefix: &str) -> BTreeMap<String, String> {
    unique(tables.iter().map(String::as_str), given, TABLE_MAX, prefix, fold)
}

/// The schema of a catalog table in the registry: `{database}.{catalog table}`, at most 255 characters.
pub fn schema(database: &str, catalog_table: &str) -> String {
    bounded(&format!("{database}.{catalog_table}"), "", 255)
}

/// The partition of a region, by its prefix.
///
/// Source: the partitions file of the AWS SDKs (`partitions.json`), prefixes of its region expressions.
pub fn partition(region: &str) -> &'static str {
    const PREFIXES: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
        ("eusc-", "aws-eusc"),
    ];
    PREFIXES.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}

/// `arn:{partition}:dynamodb:{region}:{account}:table/{table}`.
pub fn table_arn(region: &str, account: &str, table: &str) -> String {
    format!("arn:{}:dynamodb:{region}:{account}:table/{table}", partition(region))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_ordinary_tables() {
        assert_eq!(crawler("{table}_crawler", "Orders"), "Orders_crawler");
        assert_eq!(crawler("ddb_{table}_crawler", "Orders"), "ddb_Orders_crawler");
        assert_eq!(role("Orders", "eu-west-1"), "Orders_crawler_eu-west-1");
        assert_eq!(schema("ddb_tables", "orders"), "ddb_tables.orders");
    }

    #[test]
    fn long_names_are_cut_and_stay_distinct() {
        let (one, two) = ("t".repeat(254) + "1", "t".repeat(254) + "2");
        for (max, a, b) in [
            (CRAWLER_MAX, crawler("{table}_crawler", &one), crawler("{table}_crawler", &two)),
            (ROLE_MAX, role(&one, "ap-southeast-1"), role(&two, "ap-southeast-1")),
        ] {
            assert_eq!(a.len(), max);
            assert_ne!(a, b);
        }
        assert!(role(&one, "ap-southeast-1").ends_with("_crawler_ap-southeast-1"));
    }

    #[test]
    fn colliding_tables_get_distinct_catalog_names() {
        let tables = ["A-b".to_owned(), "a.b".to_owned(), "a_b".to_owned(), "Z".to_owned()];
        let names = catalog_names(&tables, &BTreeMap::new(), "");
        assert_eq!(names["a_b"], "a_b");
        assert_eq!(names["Z"], "z");
        assert!(names["A-b"].starts_with("a_b_") && names["a.b"].starts_with("a_b_"));
        assert_ne!(names["A-b"], names["a.b"]);

        let prefixed = catalog_names(&tables, &BTreeMap::new(), "raw_");
        assert_eq!(prefixed["a_b"], "raw_a_b", "the one spelled so keeps the name under a prefix too");

        let given = BTreeMap::from([("a.b".to_owned(), "a_b".to_owned())]);
        let kept = catalog_names(&tables, &given, "");
        assert_eq!(kept["a.b"], "a_b");
        assert_ne!(kept["a_b"], "a_b");
    }

    #[test]
    fn partitions_come_from_the_region() {
        let partitions =
            ["us-east-1", "cn-north-1", "us-gov-west-1", "us-isob-east-1", "eusc-de-east-1"].map(partition);
        assert_eq!(partitions, ["aws", "aws-cn", "aws-us-gov", "aws-iso-b", "aws-eusc"]);
    }
}
