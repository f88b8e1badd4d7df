//! Glue.

use rusqlite::Transaction;
use serde_json::Value;

use crate::context::Context;
use crate::error::AwsError;

/// The tables of this service in the state store.
pub const TABLES: &str = "";

/// The answer to one request.
pub struct Answer {
    /// The JSON body.
    pub body: Value,
    /// A crawl to start once the request's transaction is committed.
    pub crawl: Option<CrawlJob>,
}

/// What a crawl is to do.
pub struct CrawlJob {}

/// Answers one request.
///
/// # Errors
/// As Glue.
pub fn call(_tx: &Transaction, _context: &Context, operation: &str, _body: &Value) -> Result<Answer, AwsError> {
    Err(AwsError::new("UnknownOperationException", format!("Glue.{operation} is not served here")))
}

/// Resets the crawlers that a killed process left running.
///
/// # Errors
/// If the state store fails.
pub fn recover(_tx: &Transaction, _now: i64) -> Result<(), AwsError> {
    Ok(())
}

/// Crawls.
pub mod crawl {
    use std::sync::Arc;

    use super::CrawlJob;
    use crate::engine::Engine;

    /// Runs one crawl to its end.
    pub async fn run(_engine: Arc<Engine>, _job: CrawlJob) {}
}
