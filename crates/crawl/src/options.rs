//! The options of a crawl: how much it reads, and what becomes of the catalog table.

use serde::{Deserialize, Serialize};

/// Seconds that a request waits for its answer.
pub const ANSWER_LIMIT: u64 = 60;

/// How much of a table is read, and how fast. The default is everything, as fast as a crawler of Glue.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadOptions {
    /// Only the first page (1 MB), whatever `sample` says, as a crawler of Glue reads whose `scanAll` is false.
    pub first_page: bool,
    /// All items, or some.
    pub sample: Sample,
    /// Share of the read capacity to use, 0.1 to 1.5; `None`: 0.5 of provisioned, 0.25 of the on-demand maximum.
    pub scan_rate: Option<f64>,
    /// Read units a second that are never exceeded; `None`: what `scan_rate` says.
    pub max_rcu: Option<f64>,
    /// Segments of a full scan; `None`: chosen from the table's size and the budget.
    pub segments: Option<u32>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        ReadOptions { first_page: false, sample: Sample::All, scan_rate: None, max_rcu: None, segments: None }
    }
}

/// How much of a table the native engine reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sample {
    /// Every item.
    All,
    /// Pages spread over the table, until the chance that an attribute of at least 0.1 % of the items was missed is under
    /// 1 %. A table of up to 8 MB as a whole.
    Auto,
    /// About so many items, from pages spread over the table.
    #[serde(untagged)]
    Items(u64),
}

/// Whom the columns' types are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Readers {
    /// Athena's DynamoDB connector, Glue ETL, Spark, Hive and Trino: `array<…>` and `map<…>`.
    Athena,
    /// sosw's client as well, which maps types by the words that AWS's crawler writes: `set<…>` and `struct<…>`.
    Sosw,
}

/// `SchemaChangePolicy.UpdateBehavior` of Glue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UpdateBehavior {
    /// Leave the catalog table as it is.
    Log,
    /// Update it.
    UpdateInDatabase,
}

/// `SchemaChangePolicy.DeleteBehavior` of Glue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeleteBehavior {
    /// Leave the catalog table as it is.
    Log,
    /// Delete it.
    DeleteFromDatabase,
    /// Mark it with the parameter `DEPRECATED_BY_CRAWLER`.
    DeprecateInDatabase,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_a_word_or_a_number() {
        for (json, sample) in [("\"all\"", Sample::All), ("\"auto\"", Sample::Auto), ("5000", Sample::Items(5000))] {
            assert_eq!(serde_json::from_str::<Sample>(json).unwrap(), sample);
            assert_eq!(serde_json::to_string(&sample).unwrap(), json);
        }
        assert!(serde_json::from_str::<Sample>("\"some\"").is_err());
    }
}
