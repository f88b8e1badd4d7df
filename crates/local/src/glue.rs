//! Glue: the Data Catalog, crawlers that really crawl, and the Schema Registry, over AWS JSON 1.1.
//!
//! Names, limits and messages follow the service model of AWS Glue (2017-03-31) and what is publicly known of the service;
//! everything is kept per account and region.

mod asked;
mod compatibility;
pub mod crawl;
mod crawl_history;
mod crawled_table;
mod crawler;
mod crawler_input;
mod crawler_state;
mod database;
pub(crate) mod operations;
mod paging;
mod reference;
mod registry;
mod schedule;
mod schema;
mod schema_metadata;
mod schema_version;
mod search;
mod table;
mod table_input;
mod table_version;
mod tags;
#[cfg(test)]
mod tests;
mod types;
mod unkept;
mod validate;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use rusqlite::Transaction;
use serde_json::{Map, Value, json};

pub(crate) use self::asked::Asked;
use self::asked::Names;
pub use self::crawl::CrawlJob;
use self::schema::SchemaKey;
use self::schema_version::VersionKey;
pub(crate) use self::tags::spread as spread_tags;
use self::validate::Members;
use crate::context::Context;
use crate::error::AwsError;

/// The tables of this service in the state store. `scope` is the account and the region; times are in milliseconds.
pub const TABLES: &str = include_str!("glue/tables.sql");

/// What a request is answered, and what it sets going.
#[derive(Debug)]
pub struct Answer {
    /// The JSON body of the response.
    pub body: Value,
    /// A crawl for [`crawl::run`], once the request's transaction is committed.
    pub crawl: Option<CrawlJob>,
}

/// One request: what it names, its other members, and where it takes effect.
struct Request<'a> {
    tx: &'a Transaction<'a>,
    context: &'a Context,
    scope: String,
    asked: &'a Asked,
    names: &'a Names,
    body: Members<'a>,
}

/// The names that were judged. Operations take them from here alone, never from the members.
impl<'a> Request<'a> {
    fn database(&self) -> Result<&'a str, AwsError> {
        self.name(self.names.database.as_deref())
    }

    fn table(&self) -> Result<&'a str, AwsError> {
        self.name(self.names.tables.first().map(String::as_str))
    }

    fn crawler(&self) -> Result<&'a str, AwsError> {
        self.name(self.names.crawlers.first().map(String::as_str))
    }

    fn registry(&self) -> Result<&'a str, AwsError> {
        self.name(self.names.registry.as_deref())
    }

    fn schema(&self) -> Result<&'a SchemaKey, AwsError> {
        self.name(self.names.schema.as_ref())
    }

    fn version(&self) -> Result<&'a VersionKey, AwsError> {
        self.name(self.names.version.as_ref())
    }

    fn arn(&self) -> Result<&'a str, AwsError> {
        self.name(self.names.arn.as_deref())
    }

    /// [`operations`] says what each operation names: a name that is missing here is missing there.
    fn name<T>(&self, name: Option<T>) -> Result<T, AwsError> {
        let operation = &self.asked.operation;
        name.ok_or_else(|| AwsError::internal(format!("{operation} uses a name that its request is not read for")))
    }
}

/// Answers one request within its transaction.
///
/// # Errors
/// What AWS would answer: the exceptions of the operation, `ValidationException` for a broken constraint of the model,
/// `SerializationException` for a wrong JSON type, `UnknownOperationException` for an operation that is not offered here.
pub(crate) fn call(tx: &Transaction, context: &Context, asked: &Asked) -> Result<Answer, AwsError> {
    let (names, operation) = (&asked.names, asked.operation.as_str());
    let request = Request { tx, context, scope: scope(context), asked, names, body: Members::of(&asked.body)? };
    if operation == "StartCrawler" {
        let job = crawler_state::start(&request)?;
        return Ok(Answer { body: json!({}), crawl: Some(job) });
    }
    let body = match operation {
        "CreateDatabase" => database::create(&request),
        "GetDatabase" => database::get(&request),
        "GetDatabases" => database::list(&request),
        "UpdateDatabase" => database::update(&request),
        "DeleteDatabase" => database::delete(&request),

        "CreateTable" => table::create(&request),
        "GetTable" => table::get(&request),
        "GetTables" => table::list(&request),
        "UpdateTable" => table::update(&request),
        "DeleteTable" => table::delete(&request),
        "BatchDeleteTable" => table::batch_delete(&request),
        "GetTableVersion" => table_version::get(&request),
        "GetTableVersions" => table_version::list(&request),
        "DeleteTableVersion" => table_version::delete(&request),
        "BatchDeleteTableVersion" => table_version::batch_delete(&request),
        "SearchTables" => search::tables(&request),

        "GetPartitions" => unkept::partitions(&request),
        "GetPartition" | "GetColumnStatisticsForPartition" => unkept::partition(&request),
        "BatchGetPartition" => unkept::batch_partitions(&request),
        "GetPartitionIndexes" => unkept::partition_indexes(&request),
        "GetColumnStatisticsForTable" => unkept::column_statistics(&request),
        "GetUserDefinedFunctions" => unkept::functions(&request),
        "GetUserDefinedFunction" => unkept::function(&request),

        "CreateCrawler" => crawler::create(&request),
        "GetCrawler" => crawler::get(&request),
        "GetCrawlers" => crawler::list(&request),
        "BatchGetCrawlers" => crawler::batch_get(&request),
        "ListCrawlers" => crawler::names(&request),
        "UpdateCrawler" => crawler::update(&request),
        "DeleteCrawler" => crawler::delete(&request),
        "StopCrawler" => crawler_state::stop(&request),
        "GetCrawlerMetrics" => crawl_history::metrics(&request),
        "ListCrawls" => crawl_history::list(&request),
        "StartCrawlerSchedule" => schedule::start(&request),
        "StopCrawlerSchedule" => schedule::stop(&request),
        "UpdateCrawlerSchedule" => schedule::update(&request),

        "TagResource" => tags::tag(&request),
        "UntagResource" => tags::untag(&request),
        "GetTags" => tags::get(&request),

        "CreateRegistry" => registry::create(&request),
        "GetRegistry" => registry::get(&request),
        "ListRegistries" => registry::list(&request),
        "UpdateRegistry" => registry::update(&request),
        "DeleteRegistry" => registry::delete(&request),
        "CreateSchema" => schema::create(&request),
        "GetSchema" => schema::get(&request),
        "ListSchemas" => schema::list(&request),
        "UpdateSchema" => schema::update(&request),
        "DeleteSchema" => schema::delete(&request),
        "RegisterSchemaVersion" => schema_version::register_version(&request),
        "GetSchemaVersion" => schema_version::get(&request),
        "ListSchemaVersions" => schema_version::list(&request),
        "GetSchemaByDefinition" => schema_version::by_definition(&request),
        "CheckSchemaVersionValidity" => schema_version::check_validity(&request),
        "GetSchemaVersionsDiff" => schema_version::diff(&request),
        "DeleteSchemaVersions" => schema_version::delete(&request),
        "PutSchemaVersionMetadata" => schema_metadata::put(&request),
        "QuerySchemaVersionMetadata" => schema_metadata::query(&request),
        "RemoveSchemaVersionMetadata" => schema_metadata::remove(&request),

        _ => {
            let message = format!("The operation {operation} of AWS Glue is not offered by this endpoint.");
            Err(AwsError::new("UnknownOperationException", message))
        }
    }?;
    Ok(Answer { body, crawl: None })
}

/// Ends the crawls of endpoints that are not among the `living`, since a killed process left them running: they are FAILED
/// and their crawlers READY again. To be done before whatever looks at crawlers: it costs nothing where no endpoint but `own`
/// has a crawl.
///
/// # Errors
/// If the state store fails.
pub fn recover(
    tx: &Transaction,
    own: &str,
    living: impl FnOnce() -> Result<Vec<String>, AwsError>,
    now: i64,
) -> Result<(), AwsError> {
    crawler_state::recover(tx, own, living, now)
}

/// Whether an operation looks at crawlers or changes them.
pub(crate) fn is_of_crawlers(operation: &str) -> bool {
    operation.contains("Crawl")
}

/// What keeps the state of one account and region apart from that of others.
fn scope(context: &Context) -> String {
    format!("{}/{}", context.account, context.region)
}

/// A time stamp on the wire: seconds since 1970, with milliseconds behind the point.
fn seconds(milliseconds: i64) -> Value {
    (milliseconds as f64 / 1000.0).into()
}

/// A time stamp of the Schema Registry, which writes them out.
fn iso(milliseconds: i64) -> String {
    DateTime::from_millis(milliseconds).fmt(Format::DateTime).unwrap_or_default()
}

/// A definition that was stored as JSON text.
fn stored_object(text: &str) -> Result<Map<String, Value>, AwsError> {
    serde_json::from_str(text)
        .map_err(|error| AwsError::internal(format!("state store: a definition is broken: {error}")))
}
