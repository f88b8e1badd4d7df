//! The native crawl: read a DynamoDB table, settle what its items look like, publish it to the catalog.

use std::time::{SystemTime, UNIX_EPOCH};

use schema::Key;

use crate::Clients;
use crate::catalog::{self, Entry, Statistics};
use crate::checkpoint::{Checkpoint, Continuation};
use crate::dynamodb::{describe, keys};
use crate::error::{Error, Kind};
use crate::observed::Observed;
use crate::options::DeleteBehavior;
use crate::publication::{Publication, existing_table, source_arn, statistics};
use crate::read::scan;
use crate::request::{Change, CrawlRequest, Crawled};

/// Reads the table, settles its schema and publishes it. When `stop` returns, what was read to that point is published, and
/// where to go on is noted with it.
///
/// The table's location is the ARN it has in the catalog's own account and region, which is the table's ARN in AWS;
/// DynamoDB emulators answer with accounts and regions of their own.
///
/// # Errors
/// If the table can't be read or the catalog can't be written; [`Kind::Deadline`] if the crawl was stopped. A table that does
/// not exist is no error: see [`Change::NotFound`].
///
/// # Cost
/// DescribeTable, GetTable, one Scan a page (an eventually consistent read unit is two 4 KB blocks), and CreateTable or
/// UpdateTable only where something changed. A table that says it has 8 MB or less and has more: 8 pages twice.
pub async fn crawl(
    clients: &Clients,
    request: &CrawlRequest,
    stop: impl Future<Output = ()>,
) -> Result<Crawled, Error> {
    let Some(description) = describe(clients, &request.table).await? else { return retire(clients, request).await };
    let existing = existing_table(clients, request).await?;
    let before = existing.as_ref().and_then(|existing| Checkpoint::stored(existing, &description));
    let (observed, continuation) = scan::scan(clients, &description, request, before, stop).await?;
    let cut_off_after = continuation.checkpoint.as_ref().map(|checkpoint| checkpoint.items);
    let publication = Publication::new(clients, request, &description, &observed, continuation);
    let change = publication.write(clients, existing).await?;
    match cut_off_after {
        None => Ok(Crawled { change, observed }),
        Some(items) => {
            let message = format!("the run was cut off after {items} items; a later run goes on from there");
            Err(Error::new(Kind::Deadline, message))
        }
    }
}

/// Publishes what was read elsewhere of the whole table.
///
/// # Errors
/// As [`crawl`].
pub async fn publish(clients: &Clients, request: &CrawlRequest, observed: &Observed) -> Result<Crawled, Error> {
    let observed = observed.clone();
    let Some(description) = describe(clients, &request.table).await? else {
        return Ok(Crawled { change: Change::NotFound, observed });
    };
    let existing = existing_table(clients, request).await?;
    let publication = Publication::new(clients, request, &description, &observed, Continuation::default());
    let change = publication.write(clients, existing).await?;
    Ok(Crawled { change, observed })
}

/// A table that was read and not published.
#[derive(Debug)]
pub struct TableRead {
    /// What was read of it.
    pub observed: Observed,
    /// Hash key, then range key.
    pub keys: Vec<Key>,
    /// How large it is.
    pub statistics: Statistics,
}

/// Reads a table as [`crawl`] does, and publishes nothing; `None` if it does not exist.
///
/// # Errors
/// If the table can't be read.
pub async fn read(clients: &Clients, request: &CrawlRequest) -> Result<Option<TableRead>, Error> {
    let Some(description) = describe(clients, &request.table).await? else { return Ok(None) };
    let (observed, _) = scan::scan(clients, &description, request, None, std::future::pending()).await?;
    let statistics = statistics(&description, &observed, 0);
    Ok(Some(TableRead { observed, keys: keys(&description), statistics }))
}

/// Retires the catalog table of a DynamoDB table that does not exist.
async fn retire(clients: &Clients, request: &CrawlRequest) -> Result<Crawled, Error> {
    let existing = catalog::get(clients, &request.database, &request.catalog_table).await?;
    let arn = source_arn(clients, request);
    let change = match existing.filter(|existing| Entry(existing).location() == Some(&arn)) {
        None => Change::NotFound,
        Some(existing) => {
            let changed =
                catalog::retire(clients, &request.database, existing, request.on_delete, now_millis()).await?;
            match (changed, request.on_delete) {
                (false, DeleteBehavior::Log) => Change::Logged,
                (false, _) => Change::Unchanged,
                (true, DeleteBehavior::DeleteFromDatabase) => Change::Deleted,
                (true, _) => Change::Deprecated,
            }
        }
    };
    Ok(Crawled { change, observed: Observed::default() })
}

/// Milliseconds since 1970, as `DEPRECATED_BY_CRAWLER` counts them.
pub fn now_millis() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map(|d| d.as_millis()).unwrap_or_default()
}
