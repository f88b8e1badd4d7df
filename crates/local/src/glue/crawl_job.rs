//! What StartCrawler sets going.

use std::collections::BTreeMap;

use crawl::options::{DeleteBehavior, UpdateBehavior};

/// One crawl to do: the crawler as it was when it was started.
#[derive(Debug, Clone)]
pub(crate) struct CrawlJob {
    /// Where the crawler lives, and the tables that it reads.
    pub(crate) region: String,
    /// The crawler's name.
    pub(crate) crawler: String,
    /// The crawl's id, a UUID.
    pub(crate) id: String,
    /// The role, by name, with its path if it was given with one.
    pub(crate) role: String,
    /// The catalog database to write to.
    pub(crate) database: String,
    /// In front of the names of new tables.
    pub(crate) prefix: String,
    /// What to read.
    pub(crate) targets: Vec<Target>,
    /// What the crawl before found, as a fingerprint, by catalog table.
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
    /// A table of the catalog that was made from DynamoDB, to be crawled again.
    Catalog {
        /// Its database.
        database: String,
        /// Its name.
        table: String,
    },
    /// A kind of target that is kept but can't be crawled here.
    Other(&'static str),
}
