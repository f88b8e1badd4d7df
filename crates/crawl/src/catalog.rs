//! The catalog table of a DynamoDB table.
//!
//! - `entry` reads one: the names of all parameters are there.
//! - `contract` says what it holds, so that Athena's DynamoDB connector, Glue ETL, Spark, Hive and Trino can read it: made
//!   from a settled schema, or completed where AWS's own crawler wrote less.
//! - `columns` are its columns, with what is known of the attributes behind them.
//! - `store` reads and writes the catalog.

mod columns;
mod contract;
mod entry;
mod sources;
mod store;

pub use columns::{Observed, has_people_s_words, same_columns, same_names_and_types};
pub use contract::{Completion, Contract, Difference, Source, Statistics, is_incomplete, settle, unmapped_columns};
pub use entry::{DEPRECATED, NATIVE, SHAPE, UNFINISHED, UNMAPPED, UPDATED_BY, parameter};
pub use entry::{
    SchemaLink, columns, given_columns, hides_columns, is_native, knows_attributes, location, record_count, reference,
    schema_link, table_schema, unmapped, with_columns, without_reference,
};
pub use sources::{Named, named, source_table, sources, taken_names};
pub use store::{get, get_with_columns, list, retire, retried, unchanged, update, with_its_columns};
