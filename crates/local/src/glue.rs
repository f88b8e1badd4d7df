//! Glue: the Data Catalog, crawlers that really crawl, and the Schema Registry, over AWS JSON 1.1.
//!
//! Names, limits and messages follow the service model of AWS Glue (2017-03-31) and what is publicly known of the service.
//! Everything is kept per account and region.

mod always_empty;
mod compatibility;
mod crawl_history;
mod crawl_job;
mod crawl_record;
mod crawler;
mod crawler_input;
mod crawler_state;
mod database;
pub(crate) mod operations;
mod paging;
pub(crate) mod permissions;
mod reference;
mod registry;
mod request_names;
mod schedule;
mod schema;
mod schema_key;
mod schema_metadata;
mod schema_store;
mod schema_version;
mod search;
mod table;
mod table_input;
mod table_version;
mod tags;
#[cfg(test)]
mod tests;
mod types;
mod validate;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use rusqlite::Transaction;
use serde_json::{Map, Value, json};

pub(crate) use self::crawl_job::{CrawlJob, Target};
pub(crate) use self::crawl_record::Summary;
pub(crate) use self::crawler_state::{End, record_end, recover, should_continue};
pub(crate) use self::request_names::ParsedRequest;
use self::request_names::RequestNames;
use self::schema_key::{SchemaKey, VersionKey};
use self::validate::Members;
use crate::context::Context;
use crate::error::AwsError;

/// The tables of this service in the state store. `scope` is the account and the region; times are in milliseconds.
pub(crate) const TABLES: &str = include_str!("glue/tables.sql");

/// The answer to a request, and the crawl that it starts.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The JSON body of the response.
    pub(crate) body: Value,
    /// A crawl to start once the request's transaction is committed.
    pub(crate) crawl: Option<CrawlJob>,
}

/// One request: what it names, its other members, and where it takes effect.
struct Request<'a> {
    tx: &'a Transaction<'a>,
    context: &'a Context,
    scope: String,
    parsed: &'a ParsedRequest,
    names: &'a RequestNames,
    body: Members<'a>,
}

/// The names that were judged. Operations take these from here, never from the members.
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

    /// A name that an operation uses must be in its entry in [`operations`].
    fn name<T>(&self, name: Option<T>) -> Result<T, AwsError> {
        let operation = &self.parsed.operation;
        name.ok_or_else(|| AwsError::internal(format!("{operation} uses a name that its request is not read for")))
    }
}

/// Answers one request within its transaction.
///
/// # Errors
/// As AWS: the operation's exceptions, `ValidationException` for a broken constraint of the model, `SerializationException`
/// for a wrong JSON type, `UnknownOperationException` for an operation that is not served here.
pub(crate) fn call(tx: &Transaction, context: &Context, parsed: &ParsedRequest) -> Result<Answer, AwsError> {
    let (names, operation) = (&parsed.names, parsed.operation.as_str());
    let request = Request { tx, context, scope: context.scope(), parsed, names, body: Members::new(&parsed.body)? };
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

        "GetPartitions" => always_empty::partitions(&request),
        "GetPartition" | "GetColumnStatisticsForPartition" => always_empty::partition(&request),
        "BatchGetPartition" => always_empty::batch_partitions(&request),
        "GetPartitionIndexes" => always_empty::partition_indexes(&request),
        "GetColumnStatisticsForTable" => always_empty::column_statistics(&request),
        "GetUserDefinedFunctions" => always_empty::functions(&request),
        "GetUserDefinedFunction" => always_empty::function(&request),

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

/// A timestamp on the wire: seconds since 1970, with milliseconds as the fraction.
fn seconds(milliseconds: i64) -> Value {
    (milliseconds as f64 / 1000.0).into()
}

/// A timestamp of the Schema Registry, in ISO 8601.
fn iso(milliseconds: i64) -> String {
    DateTime::from_millis(milliseconds).fmt(Format::DateTime).unwrap_or_default()
}

/// Parses a definition stored as JSON text.
fn stored_object(text: &str) -> Result<Map<String, Value>, AwsError> {
    serde_json::from_str(text)
        .map_err(|error| AwsError::internal(format!("state store: a definition is broken: {error}")))
}
