//! What a catalog table says.

use std::collections::BTreeMap;

use aws_sdk_glue::types::{Column as GlueColumn, SchemaReference, StorageDescriptor, Table, TableInput};
use schema::{Column, GlueType, Key, KeyKind, TableSchema};

use super::link::SchemaLink;
use super::parameters::{
    ATTRIBUTE, CHECKPOINT, DEPRECATED, HASH_KEY, HISTORY, MAPPING, PRESENCE, RANGE_KEY, RECORDS, SIZE, TYPES, UNMAPPED,
    UPDATED_BY,
};
use crate::error::{Error, Kind};

/// The name that native crawls give for themselves: see [`Entry::crawled_by`].
pub const NATIVE: &str = "glue-ddb-crawler";

/// One table of the catalog, read by what it means and not by the names of its parameters.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a>(pub &'a Table);

impl<'a> Entry<'a> {
    pub(super) fn parameter(self, name: &str) -> Option<&'a str> {
        self.0.parameters()?.get(name).map(String::as_str)
    }

    fn descriptor(self) -> Option<&'a StorageDescriptor> {
        self.0.storage_descriptor()
    }

    /// The ARN of the DynamoDB table that it was made from, or the location of anything else.
    pub fn location(self) -> Option<&'a str> {
        self.descriptor()?.location()
    }

    /// The name of the DynamoDB table behind it; `None` if its location is no DynamoDB table.
    pub fn source(self) -> Option<&'a str> {
        let location = self.location()?;
        if location.starts_with("arn:") && location.contains(":dynamodb:") {
            location.split_once(":table/").map(|(_, name)| name)
        } else {
            None
        }
    }

    /// Its columns as it lists them. See [`Entry::hides_columns`].
    pub fn columns(self) -> &'a [GlueColumn] {
        self.descriptor().map(StorageDescriptor::columns).unwrap_or_default()
    }

    /// The schema that it shows its readers.
    ///
    /// # Errors
    /// [`Kind::Data`] if a column has a type that Glue itself would not know.
    pub fn schema(self) -> Result<TableSchema, Error> {
        let mapping = self.mapping();
        let columns = self.columns().iter().map(|column| {
            let glue_type = column.r#type().unwrap_or("string");
            let parsed: GlueType = glue_type.parse().map_err(|e| {
                let message = format!("column {} of {} has the type {glue_type:?}: {e}", column.name(), self.0.name());
                Error::new(Kind::Data, message)
            })?;
            let attribute = attribute(column).or_else(|| mapping.get(column.name()).copied());
            let attribute = attribute.unwrap_or(column.name()).to_owned();
            Ok(Column { name: column.name().to_owned(), attribute, glue_type: parsed })
        });
        Ok(TableSchema { columns: columns.collect::<Result<_, Error>>()? })
    }

    /// The keys of the DynamoDB table, hash key first, with the types that its columns tell of; none if it names no hash key.
    ///
    /// # Errors
    /// As [`Entry::schema`].
    pub fn keys(self) -> Result<Vec<Key>, Error> {
        let schema = self.schema()?;
        let Some(hash_key) = self.parameter(HASH_KEY) else { return Ok(Vec::new()) };
        let key = |name: &str| {
            let column = schema.columns.iter().find(|column| column.attribute == name);
            let kind = match column.map(|column| &column.glue_type) {
                Some(GlueType::BigInt | GlueType::Double | GlueType::Decimal { .. }) => KeyKind::N,
                Some(GlueType::Binary) => KeyKind::B,
                _ => KeyKind::S,
            };
            Key { name: name.to_owned(), kind }
        };
        Ok([Some(hash_key), self.parameter(RANGE_KEY)].into_iter().flatten().map(key).collect())
    }

    /// Attribute -> column, so that a name once given stays. Without the columns whose attributes the table can't spell:
    /// those get the same name again by the same rule.
    pub fn column_names(self) -> BTreeMap<String, String> {
        let (mapping, unmapped) = (self.mapping(), self.unmapped());
        let name = |column: &GlueColumn| {
            let attribute = attribute(column).or_else(|| mapping.get(column.name()).copied());
            let attribute = attribute.or_else(|| (!unmapped.contains(&column.name())).then(|| column.name()));
            Some((attribute?.to_owned(), column.name().to_owned()))
        };
        self.columns().iter().filter_map(name).collect()
    }

    /// The columns that read as null, because `columnMapping` can't spell their attributes.
    pub fn unmapped(self) -> Vec<&'a str> {
        self.parameter(UNMAPPED).map(|columns| columns.split(',').collect()).unwrap_or_default()
    }

    /// Column -> attribute, of the columns whose names differ.
    fn mapping(self) -> BTreeMap<&'a str, &'a str> {
        let mapping = self.parameter(MAPPING).unwrap_or_default();
        mapping.split(',').filter_map(|pair| pair.split_once('=')).collect()
    }

    /// Whether every column says which attribute it shows.
    pub fn knows_attributes(self) -> bool {
        self.columns().iter().all(|column| attribute(column).is_some())
    }

    /// Whether people wrote something on a column: a comment, or a parameter of their own.
    pub fn is_annotated(self) -> bool {
        let ours = |name: &String| [ATTRIBUTE, TYPES, PRESENCE].contains(&name.as_str());
        self.columns().iter().any(|column| {
            column.comment().is_some_and(|comment| !comment.is_empty())
                || column.parameters().is_some_and(|parameters| !parameters.keys().all(ours))
        })
    }

    /// The name of the crawler that wrote it last; [`NATIVE`] after a native crawl.
    pub fn crawled_by(self) -> Option<&'a str> {
        self.parameter(UPDATED_BY)
    }

    /// Whether the native engine wrote it last.
    pub fn is_native(self) -> bool {
        self.crawled_by() == Some(NATIVE)
    }

    /// Whether it is marked as the table of a source that is gone.
    pub fn is_deprecated(self) -> bool {
        self.parameter(DEPRECATED).is_some()
    }

    /// How many items the last crawl counted.
    pub fn record_count(self) -> Option<u64> {
        self.parameter(RECORDS)?.parse().ok()
    }

    /// The size of the DynamoDB table at the last crawl, in bytes.
    pub fn size(self) -> Option<u64> {
        self.parameter(SIZE)?.parse().ok()
    }

    /// What native crawls saw of the DynamoDB table so far, as text: [`crate::history::decode`] reads it.
    pub fn history(self) -> Option<&'a str> {
        self.parameter(HISTORY)
    }

    /// Where the last native crawl was cut off, as text; `None` if it came to its end.
    pub fn checkpoint(self) -> Option<&'a str> {
        self.parameter(CHECKPOINT)
    }

    /// Its link to a schema version; `None` without one, or where a part of it is missing.
    pub fn link(self) -> Option<SchemaLink> {
        SchemaLink::from_parameters(self.0.parameters()?)
    }

    /// The reference to the schema version that its columns come from; `None` for a table with columns of its own.
    pub fn reference(self) -> Option<&'a SchemaReference> {
        self.descriptor()?.schema_reference()
    }

    /// Whether it has its columns from a schema version and lists none: what it looks like then tells nothing of them.
    pub fn hides_columns(self) -> bool {
        self.reference().is_some() && self.columns().is_empty()
    }

    /// The same table with these columns.
    pub fn with_columns(self, columns: Vec<GlueColumn>) -> Table {
        let mut table = self.0.clone();
        let mut descriptor = table.storage_descriptor.take().unwrap_or_else(|| StorageDescriptor::builder().build());
        descriptor.columns = Some(columns);
        table.storage_descriptor = Some(descriptor);
        table
    }

    /// The same table with the columns that it shows as its own, and no schema reference.
    pub fn without_reference(self) -> Table {
        let mut table = self.0.clone();
        if let Some(descriptor) = &mut table.storage_descriptor {
            descriptor.schema_reference = None;
        }
        table
    }

    /// The input that would leave it as it is.
    ///
    /// # Errors
    /// [`Kind::Data`] if Glue would not take it.
    pub fn to_input(self) -> Result<TableInput, Error> {
        let Entry(table) = self;
        let mut descriptor = self.descriptor().cloned().unwrap_or_else(|| StorageDescriptor::builder().build());
        // Columns that come out of a schema reference are not the table's own.
        if descriptor.schema_reference.is_some() {
            descriptor.columns = Some(Vec::new());
        }
        TableInput::builder()
            .name(table.name())
            .set_description(table.description.clone())
            .set_owner(table.owner.clone())
            .set_last_access_time(table.last_access_time)
            .set_last_analyzed_time(table.last_analyzed_time)
            .retention(table.retention)
            .storage_descriptor(descriptor)
            .set_partition_keys(table.partition_keys.clone())
            .set_view_original_text(table.view_original_text.clone())
            .set_view_expanded_text(table.view_expanded_text.clone())
            .set_table_type(table.table_type.clone())
            .set_parameters(table.parameters.clone())
            .set_target_table(table.target_table.clone())
            .build()
            .map_err(|e| Error::new(Kind::Data, format!("table {}: {e}", table.name())))
    }
}

/// The attribute that a column says it shows.
fn attribute(column: &GlueColumn) -> Option<&str> {
    column.parameters()?.get(ATTRIBUTE).map(String::as_str)
}
