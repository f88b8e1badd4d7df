//! One crawl, as stored and as returned.

use std::collections::BTreeMap;

use rusqlite::Row;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::seconds;

/// The log group of crawlers in AWS. Here the endpoint logs them itself.
pub(super) const LOG_GROUP: &str = "/aws-glue/crawlers";

/// One run of a crawler, as it is stored.
pub(super) struct Crawl {
    pub(super) id: String,
    /// RUNNING, COMPLETED, FAILED or STOPPED.
    pub(super) state: String,
    pub(super) started: i64,
    pub(super) ended: Option<i64>,
    pub(super) error: Option<String>,
    pub(super) summary: Summary,
}

/// The catalog tables that a crawl touched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) created: Vec<String>,
    pub(crate) updated: Vec<String>,
    pub(crate) deleted: Vec<String>,
    /// Fingerprints of what was found, by catalog table.
    #[serde(default)]
    pub(crate) found: BTreeMap<String, String>,
}

pub(super) const COLUMNS: &str = "id, state, started, ended, error, summary";

impl Crawl {
    /// Reads [`COLUMNS`] of a row, starting at column `first`.
    pub(super) fn from_row(row: &Row, first: usize) -> rusqlite::Result<Crawl> {
        let summary: Option<String> = row.get(first + 5)?;
        Ok(Crawl {
            id: row.get(first)?,
            state: row.get(first + 1)?,
            started: row.get(first + 2)?,
            ended: row.get(first + 3)?,
            error: row.get(first + 4)?,
            summary: summary.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
        })
    }

    pub(super) fn to_wire(&self, crawler: &str) -> Value {
        let mut crawl = json!({
            "CrawlId": self.id,
            "State": self.state,
            "StartTime": seconds(self.started),
            "LogGroup": LOG_GROUP,
            "LogStream": crawler,
            "MessagePrefix": self.id,
            // Crawls here use no data processing units.
            "DPUHour": 0.0,
        });
        if let Some(ended) = self.ended {
            crawl["EndTime"] = seconds(ended);
            crawl["Summary"] = self.summary.to_wire().into();
        }
        if let Some(error) = &self.error {
            crawl["ErrorMessage"] = error.clone().into();
        }
        crawl
    }
}

impl Summary {
    /// The summary as JSON text: counts by kind of change, with table names if all fit the model's 255 characters.
    fn to_wire(&self) -> String {
        let kinds = [("ADD", &self.created), ("UPDATE", &self.updated), ("DELETE", &self.deleted)];
        let changed = || kinds.iter().filter(|(_, names)| !names.is_empty());
        let named: serde_json::Map<_, _> = changed()
            .map(|(kind, names)| ((*kind).to_owned(), json!({ "Count": names.len(), "Details": {"names": names} })))
            .collect();
        let text = json!({ "TABLE": named }).to_string();
        if text.chars().count() <= 255 {
            return text;
        }
        let counted: serde_json::Map<_, _> =
            changed().map(|(kind, names)| ((*kind).to_owned(), json!({ "Count": names.len() }))).collect();
        json!({ "TABLE": counted }).to_string()
    }
}
