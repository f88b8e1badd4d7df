//! Names of what the job creates.
use std::collections::BTreeMap;

/// The partition (`aws`, `aws-cn`, `aws-us-gov`, …) of a region.
pub fn partition(_region: &str) -> &'static str {
    "aws"
}

/// The catalog name of each DynamoDB table: `prefix` + folded name; those in `given` (table -> catalog table) keep theirs.
pub fn catalog_names(_tables: &[String], _given: &BTreeMap<String, String>, _prefix: &str) -> BTreeMap<String, String> {
    BTreeMap::new()
}
