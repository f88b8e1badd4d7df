//! The definition of a table, checked as AWS checks it.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::validate::{
    COLUMN_TYPE, COMMENT, DESCRIPTION, FORMAT, LOCATION, Members, NAME, TABLE_TYPE, VIEW_TEXT, invalid,
};
use super::{Request, reference};
use crate::error::AwsError;

/// The checked `TableInput` of a request: the definition to store.
pub(super) fn read(request: &Request) -> Result<Map<String, Value>, AwsError> {
    let input = request.body.required_members("TableInput")?;
    input.text("Description", DESCRIPTION)?;
    input.text("Owner", NAME)?;
    input.number("LastAccessTime")?;
    input.number("LastAnalyzedTime")?;
    input.integer("Retention", 0..=i64::from(i32::MAX))?;
    input.text("ViewOriginalText", VIEW_TEXT)?;
    input.text("ViewExpandedText", VIEW_TEXT)?;
    input.text("TableType", TABLE_TYPE)?;
    input.parameters()?;
    if input.has("ViewDefinition") {
        return Err(invalid("ViewDefinition is not offered by this endpoint: leave it out."));
    }
    let descriptor = input.members("StorageDescriptor")?;
    let mut columns = match &descriptor {
        None => Vec::new(),
        Some(descriptor) => check_descriptor(request, descriptor)?,
    };
    columns.extend(input.list("PartitionKeys")?);
    check_columns(&columns)?;

    let mut kept = input.keep(&[
        "Description",
        "Owner",
        "LastAccessTime",
        "LastAnalyzedTime",
        "Retention",
        "PartitionKeys",
        "ViewOriginalText",
        "ViewExpandedText",
        "TableType",
        "Parameters",
        "TargetTable",
        "FederatedTable",
    ]);
    kept.entry("Retention").or_insert(0.into());
    kept.entry("PartitionKeys").or_insert(Value::Array(Vec::new()));
    if let Some(descriptor) = descriptor {
        kept.insert("StorageDescriptor".to_owned(), complete(&descriptor));
    }
    Ok(kept)
}

fn check_descriptor<'a>(request: &Request, descriptor: &Members<'a>) -> Result<Vec<Members<'a>>, AwsError> {
    descriptor.text("Location", LOCATION)?;
    descriptor.texts("AdditionalLocations", LOCATION, usize::MAX)?;
    descriptor.text("InputFormat", FORMAT)?;
    descriptor.text("OutputFormat", FORMAT)?;
    descriptor.flag("Compressed")?;
    descriptor.integer("NumberOfBuckets", i64::from(i32::MIN)..=i64::from(i32::MAX))?;
    descriptor.texts("BucketColumns", NAME, usize::MAX)?;
    descriptor.parameters()?;
    descriptor.flag("StoredAsSubDirectories")?;
    for order in descriptor.list("SortColumns")? {
        order.required("Column", NAME)?;
        order.integer("SortOrder", 0..=1)?;
    }
    if let Some(serde) = descriptor.members("SerdeInfo")? {
        serde.text("Name", NAME)?;
        serde.text("SerializationLibrary", NAME)?;
        serde.parameters()?;
    }
    if let Some(schema) = descriptor.members("SchemaReference")? {
        reference::check(request, &schema)?;
    }
    descriptor.list("Columns")
}

/// Columns and partition keys share one namespace that ignores case, because Athena and Hive fold it.
fn check_columns(columns: &[Members]) -> Result<(), AwsError> {
    let mut seen = HashSet::with_capacity(columns.len());
    for column in columns {
        let name = column.required("Name", NAME)?;
        column.text("Comment", COMMENT)?;
        column.parameters()?;
        if let Some(kind) = column.text("Type", COLUMN_TYPE)?
            && let Err(reason) = check_type(kind)
        {
            return Err(invalid(format!("The type of column {name} is not one that the catalog knows: {reason}")));
        }
        if !seen.insert(name.to_lowercase()) {
            return Err(invalid(format!("Duplicate column name: {name}. Names of columns differ by more than case.")));
        }
    }
    Ok(())
}

/// Checks a column type. It may be empty, as the model says: views have none.
fn check_type(kind: &str) -> Result<(), String> {
    if kind.is_empty() {
        return Ok(());
    }
    super::types::check(kind)
}

/// The descriptor as AWS returns it, with defaults filled in.
fn complete(descriptor: &Members) -> Value {
    let mut kept = descriptor.keep(&[
        "Columns",
        "Location",
        "AdditionalLocations",
        "InputFormat",
        "OutputFormat",
        "Compressed",
        "NumberOfBuckets",
        "SerdeInfo",
        "BucketColumns",
        "SortColumns",
        "Parameters",
        "SkewedInfo",
        "StoredAsSubDirectories",
        "SchemaReference",
    ]);
    for list in ["Columns", "SortColumns"] {
        kept.entry(list).or_insert(Value::Array(Vec::new()));
    }
    for flag in ["Compressed", "StoredAsSubDirectories"] {
        kept.entry(flag).or_insert(false.into());
    }
    kept.entry("NumberOfBuckets").or_insert(0.into());
    Value::Object(kept)
}
