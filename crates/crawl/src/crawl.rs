//! The native crawl: read a DynamoDB table, settle what its items look like, publish it to the catalog.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::types::TableDescription;
use aws_sdk_glue::types::Table;
use schema::{Key, Shape};

use crate::catalog::{self, Source, Statistics};
use crate::checkpoint::Unfinished;
use crate::dynamodb::{describe, gone, keys};
use crate::error::{Error, Kind};
use crate::observed::Collected;
use crate::options::{DeleteBehavior, ReadOptions, Readers, UpdateBehavior};
use crate::publication::Publication;
use crate::read::scan;
use crate::{Clients, naming};

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
    pub memory: Memory,
    /// What to do when the catalog table differs.
    pub on_update: UpdateBehavior,
    /// What to do when the DynamoDB table is gone.
    pub on_delete: DeleteBehavior,
    /// How observed items become types.
    pub types: schema::TypeOptions,
    /// Whom the types are for.
    pub readers: Readers,
}

/// What becomes of what earlier crawls saw of a table: its Shape, kept in a parameter of the catalog table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// There is none, as with a crawler of Glue.
    None,
    /// It counts as if it had been read now: what is known never narrows.
    Kept,
    /// It is replaced by what is read now.
    Forgotten,
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
}

/// The end of a crawl.
#[derive(Debug, Clone)]
pub struct Crawled {
    /// What happened in the catalog.
    pub change: Change,
    /// Items read.
    pub items: u64,
    /// Bytes of DynamoDB JSON of those items.
    pub bytes: u64,
    /// Read units that DynamoDB reported.
    pub read_units: f64,
    /// Whether every item was read.
    pub complete: bool,
    /// Of a sample: an attribute that a smaller share of the items has may have been missed, with a chance of 1 %.
    pub missed_below: Option<f64>,
}

/// Reads the table, settles its schema and publishes it.
///
/// The table's location is the ARN it has in the catalog's own account and region, which is the table's ARN in AWS;
/// DynamoDB emulators answer with accounts and regions of their own.
///
/// # Errors
/// If the table can't be read or the catalog can't be written. A DynamoDB table that does not exist is an error only
/// where there is no catalog table to retire.
///
/// # Cost
/// DescribeTable, GetTable, one Scan a page (an eventually consistent read unit is two 4 KB blocks), and CreateTable or
/// UpdateTable only where something changed. A table that says it has 8 MB or less and has more: 8 pages twice.
pub async fn crawl(clients: &Clients, request: &CrawlRequest) -> Result<Crawled, Error> {
    crawl_until(clients, request, std::future::pending()).await
}

/// The same, until `stop` returns: what was read to that point is published, and where to go on is noted with it.
///
/// # Errors
/// As [`crawl`]; [`Kind::Deadline`] if it was stopped.
pub async fn crawl_until(
    clients: &Clients,
    request: &CrawlRequest,
    stop: impl Future<Output = ()>,
) -> Result<Crawled, Error> {
    let Some(description) = describe(clients, &request.table).await? else { return retire(clients, request).await };
    let existing = request.catalogued(clients).await?;
    let before = existing.as_ref().and_then(|existing| Unfinished::of(existing, &description));
    let reading = scan::scan(clients, &description, request, before, stop).await?;
    let crawled = publish_reading(clients, request, &description, existing, &reading).await?;
    match reading.unfinished {
        None => Ok(crawled),
        Some(Unfinished { items, .. }) => {
            let message = format!("the run was cut off after {items} items; a later run goes on from there");
            Err(Error::new(Kind::Deadline, message))
        }
    }
}

/// Publishes what was read elsewhere of the whole table.
///
/// # Errors
/// As [`crawl`].
pub async fn publish_read(clients: &Clients, request: &CrawlRequest, read: &Collected) -> Result<Crawled, Error> {
    let description = describe(clients, &request.table).await?.ok_or_else(|| gone(&request.table))?;
    let existing = request.catalogued(clients).await?;
    publish_reading(clients, request, &description, existing, &Reading::whole(read.shape.clone(), read.read_units))
        .await
}

/// What a crawl saw of a table, before anything is made of it.
#[derive(Debug)]
pub struct Seen {
    /// What its items look like.
    pub shape: Shape,
    /// Hash key, then range key.
    pub keys: Vec<Key>,
    /// Its items; where not all were read, those that DynamoDB tells of.
    pub items: u64,
    /// Its size in bytes, likewise.
    pub bytes: u64,
}

/// Reads a table as [`crawl`] does, and publishes nothing; `None` if it does not exist.
///
/// # Errors
/// If the table can't be read.
pub async fn read(clients: &Clients, request: &CrawlRequest) -> Result<Option<Seen>, Error> {
    let Some(description) = describe(clients, &request.table).await? else { return Ok(None) };
    let reading = scan::scan(clients, &description, request, None, std::future::pending()).await?;
    let Statistics { items, bytes } = statistics(&description, &reading);
    Ok(Some(Seen { shape: reading.shape, keys: keys(&description), items, bytes }))
}

/// What was read of a table.
#[derive(Debug)]
pub(crate) struct Reading {
    /// What its items look like.
    pub shape: Shape,
    /// All of them were read.
    pub complete: bool,
    /// What that cost.
    pub read_units: f64,
    /// The share of items below which an attribute may have been missed; `None` if none can have been.
    pub missed_below: Option<f64>,
    /// Items that an earlier crawl read, if this one went on from there: the memory of the table has them.
    pub earlier: Option<u64>,
    /// Where to go on, if it was cut off.
    pub unfinished: Option<Unfinished>,
}

impl Reading {
    /// Of everything there is.
    pub(crate) fn whole(shape: Shape, read_units: f64) -> Reading {
        Reading { shape, complete: true, read_units, missed_below: None, earlier: None, unfinished: None }
    }
}

/// Settles what was read, and publishes it to the catalog table, which is `existing` or new.
pub(crate) async fn publish_reading(
    clients: &Clients,
    request: &CrawlRequest,
    description: &TableDescription,
    existing: Option<Table>,
    reading: &Reading,
) -> Result<Crawled, Error> {
    let publication = Publication {
        request,
        source: Source { table: request.table.clone(), arn: request.arn(clients), keys: keys(description) },
        statistics: statistics(description, reading),
        reading,
    };
    let change = match existing {
        None => match publication.create(clients).await? {
            None => Change::Created,
            Some(existing) => {
                check_source(request, &existing, &publication.source.arn)?;
                publication.update(clients, existing).await?
            }
        },
        Some(existing) => publication.update(clients, existing).await?,
    };
    let Reading { shape, complete, read_units, missed_below, .. } = reading;
    let (items, bytes) = (shape.items(), shape.bytes());
    Ok(Crawled { change, items, bytes, read_units: *read_units, complete: *complete, missed_below: *missed_below })
}

impl CrawlRequest {
    /// The ARN that the table has in the catalog's own account and region.
    fn arn(&self, clients: &Clients) -> String {
        naming::table_arn(&clients.region, &self.account, &self.table)
    }

    /// The catalog table as it is, with its columns, if there is one.
    ///
    /// # Errors
    /// [`Kind::Conflict`] if it is another's.
    pub(crate) async fn catalogued(&self, clients: &Clients) -> Result<Option<Table>, Error> {
        let existing = catalog::get_with_columns(clients, &self.database, &self.catalog_table).await?;
        if let Some(existing) = &existing {
            check_source(self, existing, &self.arn(clients))?;
        }
        Ok(existing)
    }
}

/// Another's catalog table is not ours to write, whatever its name.
fn check_source(request: &CrawlRequest, existing: &Table, arn: &str) -> Result<(), Error> {
    if catalog::location(existing) == Some(arn) {
        return Ok(());
    }
    let CrawlRequest { database, catalog_table, .. } = request;
    let message =
        format!("{database}.{catalog_table} exists and was not made from this table: rename it, or set a table prefix");
    Err(Error::new(Kind::Conflict, message))
}

/// Counts of what was read where everything was; DynamoDB's own count, up to six hours old, where it was not.
fn statistics(description: &TableDescription, reading: &Reading) -> Statistics {
    let reported = |value: Option<i64>| value.and_then(|v| u64::try_from(v).ok()).filter(|v| *v > 0);
    let seen = reading.shape.items() + reading.earlier.unwrap_or_default();
    let items = if reading.complete { seen } else { reported(description.item_count()).unwrap_or(seen) };
    Statistics { items, bytes: reported(description.table_size_bytes()).unwrap_or(reading.shape.bytes()) }
}

async fn retire(clients: &Clients, request: &CrawlRequest) -> Result<Crawled, Error> {
    let gone = || gone(&request.table);
    let existing = catalog::get(clients, &request.database, &request.catalog_table).await?.ok_or_else(gone)?;
    if catalog::location(&existing) != Some(&request.arn(clients)) {
        return Err(gone());
    }
    let changed = catalog::retire(clients, &request.database, existing, request.on_delete, now_millis()).await?;
    let change = match (changed, request.on_delete) {
        (false, DeleteBehavior::Log) => Change::Logged,
        (false, _) => Change::Unchanged,
        (true, DeleteBehavior::DeleteFromDatabase) => Change::Deleted,
        (true, _) => Change::Deprecated,
    };
    Ok(Crawled { change, items: 0, bytes: 0, read_units: 0.0, complete: true, missed_below: None })
}

/// The time of `DEPRECATED_BY_CRAWLER`.
pub fn now_millis() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map(|d| d.as_millis()).unwrap_or_default()
}
