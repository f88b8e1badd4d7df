//! The names of what the job creates: crawlers, roles and catalog tables.

use std::collections::BTreeMap;

use crawl::naming::hash;
use schema::naming::bounded;

/// Limit of a Glue crawler's name.
const CRAWLER_MAX: usize = 255;
/// Limit of an IAM role's name.
const ROLE_MAX: usize = 64;

/// The path of every role that the job creates, so that policies and listings can refer to all of them.
pub const ROLE_PATH: &str = "/glue-ddb-crawler/";

/// The name of a DynamoDB table's crawler, from a template with one `{table}` in it (`{table}_crawler`).
///
/// A name over 255 characters is cut before its suffix and gets 8 hex digits of a hash, so it stays unique.
pub fn crawler(template: &str, table: &str) -> String {
    let (before, after) = template.split_once("{table}").unwrap_or(("", template));
    bounded(&format!("{before}{table}"), after, CRAWLER_MAX)
}

/// The role of each table's crawler: `{table}_crawler_{region}`. Roles are global to an account, hence the region.
///
/// IAM ignores case in role names ("CreateRole", IAM API reference), DynamoDB respects it in table names. So tables that
/// differ only in case each get 8 hex digits of a hash, `{table}_{hash}_crawler_{region}`. None of them keeps the plain name,
/// so no table ever takes over the role of another.
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

/// The schema of a catalog table in the registry: `{database}.{catalog table}`, at most 255 characters.
pub fn schema(database: &str, catalog_table: &str) -> String {
    bounded(&format!("{database}.{catalog_table}"), "", 255)
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
}
