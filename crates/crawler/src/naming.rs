//! The names of what the job creates: crawlers, roles and catalog tables.

use std::collections::BTreeMap;

use schema::naming::{bounded, fold, unique};
use sha2::{Digest, Sha256};

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

/// The role of each table's crawler: `{table}_crawler_{region}`. Roles are global to an account, hence the region.
///
/// IAM does not tell roles apart by case ("CreateRole", IAM API reference), DynamoDB does so with tables: those that differ
/// in nothing else each get 8 hex digits of a hash, `{table}_{hash}_crawler_{region}`. None of them keeps the plain name, so
/// that no table ever takes over the role of another.
pub fn roles<'a>(tables: &'a [String], region: &str) -> BTreeMap<&'a str, String> {
    let mut spellings: BTreeMap<String, usize> = BTreeMap::new();
    for table in tables {
        *spellings.entry(table.to_ascii_lowercase()).or_default() += 1;
    }
    let suffix = format!("_crawler_{region}");
    let role = |table: &str| match spellings.get(&table.to_ascii_lowercase()) {
        Some(2..) => bounded(&format!("{table}_{}", hash(table, 4)), &suffix, ROLE_MAX),
        _ => bounded(table, &suffix, ROLE_MAX),
    };
    tables.iter().map(|table| (table.as_str(), role(table))).collect()
}

/// The first `bytes` bytes of the SHA-256 of `text`, in hex.
pub(crate) fn hash(text: &str, bytes: usize) -> String {
    Sha256::digest(text).iter().take(bytes).map(|byte| format!("{byte:02x}")).collect()
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
        assert_eq!(roles(&["Orders".to_owned()], "eu-west-1")["Orders"], "Orders_crawler_eu-west-1");
        assert_eq!(schema("ddb_tables", "orders"), "ddb_tables.orders");
    }

    #[test]
    fn long_names_are_cut_and_stay_distinct() {
        let tables = ["t".repeat(254) + "1", "t".repeat(254) + "2"];
        let crawlers = tables.clone().map(|table| crawler("{table}_crawler", &table));
        let roles: Vec<String> = roles(&tables, "ap-southeast-1").into_values().collect();
        for (max, names) in [(CRAWLER_MAX, &crawlers[..]), (ROLE_MAX, &roles)] {
            assert_eq!([names[0].len(), names[1].len()], [max, max]);
            assert_ne!(names[0], names[1]);
        }
        assert!(roles[0].ends_with("_crawler_ap-southeast-1"));
    }

    #[test]
    fn roles_differ_in_more_than_case() {
        let tables = ["Orders".to_owned(), "orders".to_owned(), "users".to_owned()];
        let roles = roles(&tables, "eu-west-1");
        assert_eq!(roles["Orders"], "Orders_b7e8acdd_crawler_eu-west-1");
        assert_eq!(roles["orders"], "orders_1c168adb_crawler_eu-west-1");
        assert_eq!(roles["users"], "users_crawler_eu-west-1");
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
