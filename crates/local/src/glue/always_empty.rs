//! Partitions, column statistics and functions. No operation here creates any, so there are none.
//!
//! Clients of Trino, Spark and Hive ask for them before they read a table and fail without an answer, so the read operations
//! are served and find nothing.

use serde_json::{Value, json};

use super::Request;
use super::database;
use super::table::CatalogTable;
use super::validate::{NAME, not_found};
use crate::error::AwsError;

pub(super) fn partitions(request: &Request) -> Result<Value, AwsError> {
    table(request)?;
    Ok(json!({ "Partitions": [] }))
}

pub(super) fn partition(request: &Request) -> Result<Value, AwsError> {
    table(request)?;
    Err(not_found("Cannot find partition."))
}

pub(super) fn batch_partitions(request: &Request) -> Result<Value, AwsError> {
    table(request)?;
    Ok(json!({ "Partitions": [], "UnprocessedKeys": [] }))
}

pub(super) fn partition_indexes(request: &Request) -> Result<Value, AwsError> {
    table(request)?;
    Ok(json!({ "PartitionIndexDescriptorList": [] }))
}

pub(super) fn column_statistics(request: &Request) -> Result<Value, AwsError> {
    table(request)?;
    request.body.texts("ColumnNames", NAME, 100)?;
    Ok(json!({ "ColumnStatisticsList": [], "Errors": [] }))
}

/// Functions of a database, or of all databases.
pub(super) fn functions(request: &Request) -> Result<Value, AwsError> {
    request.body.required("Pattern", NAME)?;
    if let Some(database) = &request.names.database {
        database::must_exist(request, database)?;
    }
    Ok(json!({ "UserDefinedFunctions": [] }))
}

pub(super) fn function(request: &Request) -> Result<Value, AwsError> {
    let name = request.names.function.as_deref().unwrap_or_default();
    database::must_exist(request, request.database()?)?;
    Err(not_found(format!("Function {name} not found.")))
}

/// # Errors
/// `EntityNotFoundException` when there is no such table.
fn table(request: &Request) -> Result<(), AwsError> {
    CatalogTable::find(request, request.database()?, request.table()?).map(drop)
}
