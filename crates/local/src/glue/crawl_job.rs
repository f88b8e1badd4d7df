//! What StartCrawler starts.

use std::collections::BTreeMap;

use crawl::options::{DeleteBehavior, UpdateBehavior};

/// A crawl to run: the crawler as it was when the crawl started.
#[derive(Debug, Clone)]
pub(crate) struct CrawlJob {
    /// The region of the crawler and of the tables that it reads.
    pub(crate) region: String,
    /// The crawler's name.
    pub(crate) crawler: String,
    /// The crawl's id, a UUID.
    pub(crate) id: String,
    /// The role, by name, with its path if it was given with one.
    pub(crate) role: String,
    /// The catalog database to write to.
    pub(crate) database: String,
    /// The prefix of the names of new tables.
    pub(crate) prefix: String,
    /// What to read.
    pub(crate) targets: Vec<Target>,
    /// Fingerprints of what the previous crawl found, by catalog table.
    pub(crate) before: BTreeMap<String, String>,
    /// What to do with a catalog table that differs.
    pub(crate) on_update: UpdateBehavior,
    /// What to do with a catalog table whose source is gone.
    pub(crate) on_delete: DeleteBehavior,
}

/// One thing to crawl.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// A DynamoDB table.
    DynamoDb {
        /// Its name.
        table: String,
        /// Every item, or a sample.
        scan_all: bool,
        /// Share of the read capacity to use; `None` for the default.
        scan_rate: Option<f64>,
    },
    /// A catalog table that was made from DynamoDB, to crawl again.
    Catalog {
        /// Its database.
        database: String,
        /// Its name.
        table: String,
    },
    /// A kind of target that is stored but cannot be crawled here.
    Other(&'static str),
}
