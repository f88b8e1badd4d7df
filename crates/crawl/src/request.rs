//! What a crawl is asked for, and what it answers.

use crate::history::HistoryUse;
use crate::observed::Observed;
use crate::options::{DeleteBehavior, ReadOptions, Readers, UpdateBehavior};

/// One crawl of one DynamoDB table into one catalog table.
#[derive(Debug, Clone)]
pub struct CrawlRequest {
    /// The DynamoDB table's name.
    pub table: String,
    /// The account of the catalog, twelve digits.
    pub account: String,
    /// The Glue database.
    pub database: String,
    /// The name the table has, or gets, in the catalog.
    pub catalog_table: String,
    /// Written as `UPDATED_BY_CRAWLER`.
    pub crawled_by: String,
    /// How much is read, and how fast.
    pub read: ReadOptions,
    /// What becomes of what earlier crawls saw.
    pub history: HistoryUse,
    /// What to do when the catalog table differs.
    pub on_update: UpdateBehavior,
    /// What to do when the DynamoDB table is gone.
    pub on_delete: DeleteBehavior,
    /// How observed items become types.
    pub types: schema::TypeOptions,
    /// Whom the types are for.
    pub readers: Readers,
}

/// What a crawl did to the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A new catalog table.
    Created,
    /// Columns or names changed.
    Updated,
    /// Only statistics changed.
    Statistics,
    /// Nothing changed, nothing was written.
    Unchanged,
    /// The table differs and the policy says to leave it.
    Logged,
    /// The DynamoDB table is gone; the catalog table is marked.
    Deprecated,
    /// The DynamoDB table is gone and so is the catalog table.
    Deleted,
    /// There is no such DynamoDB table, and no catalog table of it.
    NotFound,
}

/// The end of a crawl.
#[derive(Debug, Clone)]
pub struct Crawled {
    /// What happened in the catalog.
    pub change: Change,
    /// What was read; nothing, if the DynamoDB table is gone.
    pub observed: Observed,
}
