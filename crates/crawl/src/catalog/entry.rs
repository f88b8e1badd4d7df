//! What a catalog table says: its parameters by name, its columns, its link to a schema version.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_glue::types::{Column as GlueColumn, SchemaReference, StorageDescriptor, Table};
use schema::{Column, GlueType, TableSchema};

use super::columns::ATTRIBUTE;
use crate::error::{Error, Kind};

/// The parameter of a table whose source is gone: epoch milliseconds.
pub const DEPRECATED: &str = "DEPRECATED_BY_CRAWLER";
/// The parameter with the name of the last crawler.
pub const UPDATED_BY: &str = "UPDATED_BY_CRAWLER";
/// The value of [`UPDATED_BY`] after a native crawl.
pub const NATIVE: &str = "glue-ddb-crawler";
/// The parameter with what the native engine saw of the table so far: a Shape, deflated, in base64.
pub const SHAPE: &str = "shape";
/// The parameter that tells where a crawl of the native engine was cut off.
pub const UNFINISHED: &str = "crawl";
/// The parameter with the columns, separated by commas, whose attributes `columnMapping` can't spell: they read as null.
pub const UNMAPPED: &str = "unmappedColumns";

pub(super) const CLASSIFICATION: &str = "classification";
pub(super) const TYPE_OF_DATA: &str = "typeOfData";
pub(super) const SOURCE: &str = "sourceTable";
pub(super) const MAPPING: &str = "columnMapping";
pub(super) const HASH_KEY: &str = "hashKey";
pub(super) const RANGE_KEY: &str = "rangeKey";
pub(super) const SERIALIZER: &str = "CrawlerSchemaSerializerVersion";
pub(super) const DESERIALIZER: &str = "CrawlerSchemaDeserializerVersion";
pub(super) const RECORDS: &str = "recordCount";
pub(super) const SIZE: &str = "sizeKey";
pub(super) const RECORD_SIZE: &str = "averageRecordSize";
/// The DynamoDB table, for the EMR DynamoDB connector.
pub(super) const EMR_TABLE: &str = "dynamodb.table.name";
/// `column:Attribute,…` of all columns, for the EMR DynamoDB connector.
pub(super) const EMR_MAPPING: &str = "dynamodb.column.mapping";

const REGISTRY: &str = "schemaRegistryName";
const SCHEMA: &str = "schemaName";
const VERSION_ID: &str = "schemaVersionId";
const VERSION: &str = "schemaVersionNumber";
/// Which columns are linked, and how: see [`SchemaLink::mark`].
const LINKED: &str = "schemaFingerprint";

/// A parameter of a catalog table.
pub fn parameter<'a>(table: &'a Table, name: &str) -> Option<&'a str> {
    table.parameters()?.get(name).map(String::as_str)
}

/// The link from a catalog table to its schema version, as the table's parameters carry it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaLink {
    /// The registry's name.
    pub registry: String,
    /// The schema's name.
    pub schema: String,
    /// The version's id.
    pub version_id: String,
    /// The version's number; 0 if the parameter can't be read.
    pub version: i64,
    /// The fingerprint of the columns that the link is for, and how they are linked.
    pub mark: String,
}

impl SchemaLink {
    /// The parameters that say so.
    pub fn parameters(&self) -> HashMap<String, String> {
        let SchemaLink { registry, schema, version_id, version, mark } = self.clone();
        let version = version.to_string();
        [(REGISTRY, registry), (SCHEMA, schema), (VERSION_ID, version_id), (VERSION, version), (LINKED, mark)]
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    }
}

/// The link of a table; `None` without one, or where a part of it is missing.
pub fn schema_link(table: &Table) -> Option<SchemaLink> {
    let text = |name| parameter(table, name).map(str::to_owned);
    Some(SchemaLink {
        registry: text(REGISTRY)?,
        schema: text(SCHEMA)?,
        version_id: text(VERSION_ID)?,
        version: parameter(table, VERSION).and_then(|number| number.parse().ok()).unwrap_or(0),
        mark: text(LINKED)?,
    })
}

/// Whether the native engine wrote the table last.
pub fn is_native(table: &Table) -> bool {
    parameter(table, UPDATED_BY) == Some(NATIVE)
}

/// How many items the last crawl counted.
pub fn record_count(table: &Table) -> Option<u64> {
    parameter(table, RECORDS)?.parse().ok()
}

/// The location of a catalog table: the ARN of the DynamoDB table that it was made from.
pub fn location(table: &Table) -> Option<&str> {
    table.storage_descriptor()?.location()
}

/// The columns of a catalog table.
pub fn columns(table: &Table) -> &[GlueColumn] {
    table.storage_descriptor().map(StorageDescriptor::columns).unwrap_or_default()
}

/// The reference to a schema version that the columns come from; `None` for a table with columns of its own.
pub fn reference(table: &Table) -> Option<&SchemaReference> {
    table.storage_descriptor()?.schema_reference()
}

/// Whether the table has its columns from a schema version and lists none: what it looks like then tells nothing of them.
pub fn hides_columns(table: &Table) -> bool {
    reference(table).is_some() && columns(table).is_empty()
}

/// The table as it would be with these columns.
pub fn with_columns(mut table: Table, columns: Vec<GlueColumn>) -> Table {
    let mut descriptor = table.storage_descriptor.take().unwrap_or_else(|| StorageDescriptor::builder().build());
    descriptor.columns = Some(columns);
    table.storage_descriptor = Some(descriptor);
    table
}

/// The table as it would be with the columns that it shows as its own, and no schema reference.
pub fn without_reference(mut table: Table) -> Table {
    if let Some(descriptor) = &mut table.storage_descriptor {
        descriptor.schema_reference = None;
    }
    table
}

/// Attribute -> column of a catalog table, so that a name once given stays. Not of columns whose attributes the table
/// can't spell: those get the same name again by the same rule.
pub fn given_columns(table: &Table) -> BTreeMap<String, String> {
    let mapping = mapping(table);
    let unmapped = unmapped(table);
    columns(table)
        .iter()
        .filter_map(|column| {
            let known = attribute(column).or_else(|| mapping.get(column.name()).copied());
            let known = known.or_else(|| (!unmapped.contains(&column.name())).then(|| column.name()));
            Some((known?.to_owned(), column.name().to_owned()))
        })
        .collect()
}

/// The columns of a catalog table that read as null, because `columnMapping` can't spell their attributes.
pub fn unmapped(table: &Table) -> Vec<&str> {
    parameter(table, UNMAPPED).map(|columns| columns.split(',').collect()).unwrap_or_default()
}

/// Column -> attribute of the parameter `columnMapping` (`column=Attribute,…`).
fn mapping(table: &Table) -> BTreeMap<&str, &str> {
    let mapping = parameter(table, MAPPING).unwrap_or_default();
    mapping.split(',').filter_map(|pair| pair.split_once('=')).collect()
}

/// The attribute that a column says it shows.
fn attribute(column: &GlueColumn) -> Option<&str> {
    column.parameters()?.get(ATTRIBUTE).map(String::as_str)
}

/// Whether every column says which attribute it shows.
pub fn knows_attributes(table: &Table) -> bool {
    columns(table).iter().all(|column| attribute(column).is_some())
}

/// The schema that a catalog table shows its readers.
///
/// # Errors
/// If a column has a type that Glue itself would not know.
pub fn table_schema(table: &Table) -> Result<TableSchema, Error> {
    let mapping = mapping(table);
    let columns = columns(table).iter().map(|column| {
        let glue_type = column.r#type().unwrap_or("string");
        let parsed: GlueType = glue_type.parse().map_err(|e| {
            Error::new(
                Kind::Data,
                format!("column {} of {} has the type {glue_type:?}: {e}", column.name(), table.name()),
            )
        })?;
        let known = attribute(column).or_else(|| mapping.get(column.name()).copied());
        let attribute = known.unwrap_or(column.name()).to_owned();
        Ok(Column { name: column.name().to_owned(), attribute, glue_type: parsed })
    });
    Ok(TableSchema { columns: columns.collect::<Result<_, Error>>()? })
}
