//! The catalog table of a DynamoDB table.
//!
//! - `entry` reads one; `parameters` has the names that nobody else knows, `link` the link to its schema version.
//! - `columns` are its columns, with what is known of the attributes behind them.
//! - `contract` says what it holds, so that Athena's DynamoDB connector, Glue ETL, Spark, Hive and Trino can read it: made
//!   from a settled schema, or completed where AWS's own crawler wrote less.
//! - `sources` tells which DynamoDB table it was made from.
//! - `store` reads and writes the catalog.

mod columns;
mod contract;
mod described;
mod entry;
mod link;
mod parameters;
mod sources;
mod store;

pub use columns::AttributeFacts;
pub use contract::{Completion, Contract, CrawlState, Difference, SourceTable, Statistics, settle, unmapped_columns};
pub use described::described;
pub use entry::{Entry, NATIVE};
pub use link::SchemaLink;
pub use sources::{NamedTable, sources, taken_names};
pub use store::{TableUpdate, find, get, get_with_columns, list, resolve_columns, retire, retry_concurrent, update};
