//! Names of tables: in ARNs and in the catalog.

use std::collections::BTreeMap;

use schema::naming::{fold, unique};
use sha2::{Digest, Sha256};

/// The longest name of a catalog table, in bytes.
const MAX_TABLE_NAME: usize = 128;

/// The first `bytes` bytes of the SHA-256 of `text`, in hex.
pub fn hash(text: &str, bytes: usize) -> String {
    Sha256::digest(text).iter().take(bytes).map(|byte| format!("{byte:02x}")).collect()
}

/// The catalog name of each DynamoDB table: `prefix` and the folded name.
///
/// A table in `given` (DynamoDB table -> catalog table) keeps the name it once got. Of two tables that fold to one name,
/// the one already spelled so keeps it, else the byte-wise smallest; each other gets a hash of its own name as a suffix.
pub fn catalog_names(tables: &[String], given: &BTreeMap<String, String>, prefix: &str) -> BTreeMap<String, String> {
    unique(tables.iter().map(String::as_str), given, MAX_TABLE_NAME, prefix, fold)
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
