//! What a catalog table holds: the contract that Athena's DynamoDB connector, Glue ETL, Spark and Trino read, made from
//! a settled schema, or completed where AWS's own crawler wrote less.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_glue::types::{Column as GlueColumn, SerDeInfo, StorageDescriptor, Table, TableInput};
use schema::{Column, GlueType, TableSchema};

use crate::Clients;
use crate::error::{Error, Kind};
use crate::settings::DeleteBehavior;

/// The parameter of a table whose source is gone: epoch milliseconds.
pub const DEPRECATED: &str = "DEPRECATED_BY_CRAWLER";
/// The parameter with the name of the last crawler.
pub const UPDATED_BY: &str = "UPDATED_BY_CRAWLER";
/// The parameter with the fingerprint of the columns that the linked schema version describes.
pub const LINKED: &str = "schemaFingerprint";

/// The parameter with what the native engine saw of the table so far: a Shape, deflated, in base64.
pub const SHAPE: &str = "shape";

/// The parameter that tells where a crawl of the native engine was cut off.
pub const UNFINISHED: &str = "crawl";

/// The parameter with the columns, separated by commas, whose attributes `columnMapping` can't spell: they read as null.
pub const UNMAPPED: &str = "unmappedColumns";

/// Parameters that say how much there is, not what it looks like: alone they make no new table version.
const STATISTICS: [&str; 4] = ["recordCount", "sizeKey", "averageRecordSize", UPDATED_BY];
/// Parameters that are there only if there is something to say.
const MAPPING: [&str; 2] = ["columnMapping", UNMAPPED];
/// How often an update is tried again when somebody else changed the table in between.
const LOCK_ATTEMPTS: usize = 5;

/// The DynamoDB side of a catalog table.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// The table's name as DynamoDB spells it.
    pub table: String,
    /// Its ARN.
    pub arn: String,
    /// Hash key, then range key.
    pub keys: Vec<schema::Key>,
}

/// How much a crawl found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Statistics {
    pub items: u64,
    pub bytes: u64,
}

/// How a catalog table differs from what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Difference {
    /// Not at all.
    None,
    /// Only in [`STATISTICS`].
    Statistics,
    /// In columns, names or anything else that readers rely on.
    Schema,
}

/// A parameter of a catalog table.
pub fn parameter<'a>(table: &'a Table, name: &str) -> Option<&'a str> {
    table.parameters()?.get(name).map(String::as_str)
}

/// Attribute -> column of a catalog table, so that a name once given stays. Not of columns whose attributes the table
/// can't spell: those get the same name again by the same rule.
pub(crate) fn given_columns(table: &Table) -> BTreeMap<String, String> {
    let attributes = attributes(parameter(table, "columnMapping"));
    let unmapped = unmapped(table);
    let mapped = columns(table).iter().map(GlueColumn::name).filter(|column| !unmapped.contains(column));
    mapped.map(|column| (attributes.get(column).copied().unwrap_or(column).to_owned(), column.to_owned())).collect()
}

/// The columns of a catalog table that read as null, because `columnMapping` can't spell their attributes.
pub(crate) fn unmapped(table: &Table) -> Vec<&str> {
    parameter(table, UNMAPPED).map(|columns| columns.split(',').collect()).unwrap_or_default()
}

/// Column -> attribute of a `columnMapping` parameter (`column=Attribute,…`).
fn attributes(mapping: Option<&str>) -> BTreeMap<&str, &str> {
    mapping.unwrap_or_default().split(',').filter_map(|pair| pair.split_once('=')).collect()
}

/// The schema that a catalog table shows its readers.
///
/// # Errors
/// If a column has a type that Glue itself would not know.
pub(crate) fn table_schema(table: &Table) -> Result<TableSchema, Error> {
    let attributes = attributes(parameter(table, "columnMapping"));
    let columns = columns(table).iter().map(|column| {
        let glue_type = column.r#type().unwrap_or("string");
        let parsed: GlueType = glue_type.parse().map_err(|e| {
            Error::new(
                Kind::Data,
                format!("column {} of {} has the type {glue_type:?}: {e}", column.name(), table.name()),
            )
        })?;
        let attribute = attributes.get(column.name()).copied().unwrap_or(column.name()).to_owned();
        Ok(Column { name: column.name().to_owned(), attribute, glue_type: parsed })
    });
    Ok(TableSchema { columns: columns.collect::<Result<_, Error>>()? })
}

/// The location of a catalog table: the ARN of the DynamoDB table that it was made from.
pub(crate) fn location(table: &Table) -> Option<&str> {
    table.storage_descriptor()?.location()
}

/// The columns of a catalog table.
pub(crate) fn columns(table: &Table) -> &[GlueColumn] {
    table.storage_descriptor().map(StorageDescriptor::columns).unwrap_or_default()
}

/// The input that would leave a table as it is.
pub(crate) fn unchanged(table: &Table) -> Result<TableInput, Error> {
    let mut descriptor = table.storage_descriptor().cloned().unwrap_or_else(|| StorageDescriptor::builder().build());
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

/// What the catalog should hold for `source`, and how the existing table differs from it.
///
/// Of an existing table everything stays that is not ours to say: comments, descriptions, people's own parameters.
pub(crate) fn desired(
    name: &str,
    existing: Option<&Table>,
    source: &Source,
    schema: &TableSchema,
    statistics: Statistics,
    crawled_by: &str,
) -> Result<(TableInput, Difference), Error> {
    let mut parameters = contract(source, schema);
    parameters.insert("recordCount", statistics.items.to_string());
    parameters.insert("sizeKey", statistics.bytes.to_string());
    parameters.insert("averageRecordSize", statistics.bytes.checked_div(statistics.items).unwrap_or(0).to_string());
    parameters.insert(UPDATED_BY, crawled_by.to_owned());

    let Some(existing) = existing else {
        let input = TableInput::builder()
            .name(name)
            .owner("owner")
            .table_type("EXTERNAL_TABLE")
            .set_partition_keys(Some(Vec::new()))
            .set_parameters(Some(owned(&parameters)))
            .storage_descriptor(
                StorageDescriptor::builder()
                    .set_columns(Some(glue_columns(schema, &[])?))
                    .location(&source.arn)
                    .compressed(false)
                    .number_of_buckets(-1)
                    .serde_info(SerDeInfo::builder().build())
                    .stored_as_sub_directories(false)
                    .set_parameters(Some(owned(&parameters)))
                    .build(),
            )
            .build()
            .map_err(|e| Error::new(Kind::Data, format!("table {name}: {e}")))?;
        return Ok((input, Difference::Schema));
    };
    with_contract(existing, source, schema, &parameters)
}

/// The contract for a table that AWS's own crawler wrote: our parameters, `set<…>` and the like turned into types that
/// every reader accepts, and attributes as they are really spelled.
///
/// `None` if there is nothing to complete. Statistics stay as the crawler left them.
pub(crate) fn completed(existing: &Table, source: &Source, spelled: &[String]) -> Result<Option<TableInput>, Error> {
    let mut schema = table_schema(existing)?;
    for column in &mut schema.columns {
        column.glue_type = column.glue_type.normalised();
        let names = source.keys.iter().map(|key| &key.name).chain(spelled);
        let is_spelling =
            |name: &&String| name.to_lowercase() == column.name || schema::naming::fold(name) == column.name;
        if column.attribute == column.name
            && let Some(name) =
                names.clone().find(|name| **name == column.name).or_else(|| names.clone().find(is_spelling))
        {
            column.attribute = name.clone();
        }
    }
    let (input, difference) = with_contract(existing, source, &schema, &contract(source, &schema))?;
    Ok((difference != Difference::None).then_some(input))
}

/// Whether a managed crawl left this table less than complete, as far as the table itself can tell.
pub(crate) fn is_incomplete(table: &Table) -> bool {
    let parsed = |column: &GlueColumn| column.r#type().and_then(|t| t.parse::<GlueType>().ok());
    parameter(table, "sourceTable").is_none()
        || parameter(table, "classification") != Some("dynamodb")
        || parameter(table, "hashKey").is_none()
        || parameter(table, DEPRECATED).is_some()
        || columns(table).iter().any(|column| parsed(column).is_some_and(|t| t.normalised() != t))
}

/// The parameters that say what the table is.
fn contract(source: &Source, schema: &TableSchema) -> BTreeMap<&'static str, String> {
    let mut parameters = BTreeMap::from([
        ("classification", "dynamodb".to_owned()),
        ("typeOfData", "table".to_owned()),
        ("sourceTable", source.table.clone()),
        ("CrawlerSchemaSerializerVersion", "1.0".to_owned()),
        ("CrawlerSchemaDeserializerVersion", "1.0".to_owned()),
    ]);
    if let Some(mapping) = schema.column_mapping() {
        parameters.insert("columnMapping", mapping);
    }
    let unmapped = schema.unmapped();
    let columns = schema.columns.iter().filter(|column| unmapped.contains(&column.attribute.as_str()));
    let unmapped: Vec<&str> = columns.map(|column| column.name.as_str()).collect();
    if !unmapped.is_empty() {
        parameters.insert(UNMAPPED, unmapped.join(","));
    }
    for (parameter, key) in ["hashKey", "rangeKey"].into_iter().zip(&source.keys) {
        parameters.insert(parameter, key.name.clone());
    }
    parameters
}

/// `existing` with our columns and parameters.
fn with_contract(
    existing: &Table,
    source: &Source,
    schema: &TableSchema,
    parameters: &BTreeMap<&'static str, String>,
) -> Result<(TableInput, Difference), Error> {
    let difference = difference(existing, source, schema, parameters);
    let mut input = unchanged(existing)?;
    input.table_type = Some("EXTERNAL_TABLE".into());
    input.parameters = Some(merged(existing.parameters.as_ref(), parameters));
    if let Some(descriptor) = &mut input.storage_descriptor {
        descriptor.location = Some(source.arn.clone());
        descriptor.parameters = Some(merged(descriptor.parameters.as_ref(), parameters));
        if !same_columns(existing, schema) {
            descriptor.schema_reference = None;
            descriptor.columns = Some(glue_columns(schema, columns(existing))?);
        }
    }
    Ok((input, difference))
}

fn difference(
    existing: &Table,
    source: &Source,
    schema: &TableSchema,
    parameters: &BTreeMap<&'static str, String>,
) -> Difference {
    let descriptor = existing.storage_descriptor();
    let maps = [existing.parameters(), descriptor.and_then(StorageDescriptor::parameters)];
    let differs = |statistics: bool| {
        parameters
            .iter()
            .filter(|(name, _)| STATISTICS.contains(name) == statistics)
            .any(|(name, value)| maps.iter().any(|map| map.and_then(|map| map.get(*name)) != Some(value)))
    };
    let stale = |name: &&str| !parameters.contains_key(*name) && parameter(existing, name).is_some();
    let same_table = existing.table_type() == Some("EXTERNAL_TABLE")
        && descriptor.and_then(StorageDescriptor::location) == Some(&source.arn)
        && parameter(existing, DEPRECATED).is_none();
    if !same_table || MAPPING.iter().any(stale) || !same_columns(existing, schema) || differs(false) {
        Difference::Schema
    } else if differs(true) {
        Difference::Statistics
    } else {
        Difference::None
    }
}

/// Whether a catalog table shows the columns of a schema, by name, type and order.
pub(crate) fn same_columns(existing: &Table, schema: &TableSchema) -> bool {
    let wanted = schema.columns.iter().map(|column| (column.name.as_str(), column.glue_type.to_string()));
    columns(existing).iter().map(|c| (c.name(), c.r#type().unwrap_or("").to_owned())).eq(wanted)
}

/// Ours over theirs, without what no longer holds.
fn merged(theirs: Option<&HashMap<String, String>>, ours: &BTreeMap<&'static str, String>) -> HashMap<String, String> {
    let mut all = theirs.cloned().unwrap_or_default();
    for gone in [DEPRECATED].iter().chain(&MAPPING) {
        all.remove(*gone);
    }
    all.extend(owned(ours));
    all
}

fn owned(parameters: &BTreeMap<&'static str, String>) -> HashMap<String, String> {
    parameters.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

/// The columns of a settled schema; what people wrote as comments on `existing` ones stays.
fn glue_columns(schema: &TableSchema, existing: &[GlueColumn]) -> Result<Vec<GlueColumn>, Error> {
    let old: HashMap<&str, &GlueColumn> = existing.iter().map(|column| (column.name(), column)).collect();
    schema
        .columns
        .iter()
        .map(|column| {
            let old = old.get(column.name.as_str());
            GlueColumn::builder()
                .name(&column.name)
                .r#type(column.glue_type.to_string())
                .set_comment(old.and_then(|old| old.comment.clone()))
                .set_parameters(old.and_then(|old| old.parameters.clone()))
                .build()
                .map_err(|e| Error::new(Kind::Data, format!("column {}: {e}", column.name)))
        })
        .collect()
}

/// Reads a catalog table; one that does not exist is `None`.
///
/// # Errors
/// If Glue refuses or does not answer.
pub(crate) async fn get(clients: &Clients, database: &str, name: &str) -> Result<Option<Table>, Error> {
    match clients.glue.get_table().database_name(database).name(name).send().await.map_err(Error::aws("glue:GetTable"))
    {
        Ok(answer) => Ok(answer.table),
        Err(error) if error.is("EntityNotFoundException") => Ok(None),
        Err(error) => Err(error),
    }
}

/// Changes a catalog table under its optimistic lock: when somebody else was faster, `change` sees the newer table.
/// `change` returns the new input and whether to skip the archive, or `None` to leave the table alone.
///
/// # Errors
/// What `change` returns, or Glue's refusal.
pub(crate) async fn update(
    clients: &Clients,
    database: &str,
    table: Table,
    mut change: impl FnMut(&Table) -> Result<Option<(TableInput, bool)>, Error>,
) -> Result<bool, Error> {
    let mut table = table;
    for attempt in 1.. {
        let Some((input, skip_archive)) = change(&table)? else { return Ok(false) };
        let request = clients.glue.update_table().database_name(database).table_input(input).skip_archive(skip_archive);
        let sent =
            request.set_version_id(table.version_id.clone()).send().await.map_err(Error::aws("glue:UpdateTable"));
        match sent {
            Ok(_) => return Ok(true),
            Err(error) if error.is("ConcurrentModificationException") && attempt < LOCK_ATTEMPTS => {
                match get(clients, database, table.name()).await? {
                    Some(newer) => table = newer,
                    None => return Ok(false),
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// Applies the delete behaviour to a catalog table whose DynamoDB table is gone. Returns whether anything changed.
///
/// # Errors
/// If Glue refuses or does not answer.
pub(crate) async fn retire(
    clients: &Clients,
    database: &str,
    table: Table,
    behavior: DeleteBehavior,
    now_millis: u128,
) -> Result<bool, Error> {
    match behavior {
        DeleteBehavior::Log => Ok(false),
        DeleteBehavior::DeleteFromDatabase => {
            let request = clients.glue.delete_table().database_name(database).name(table.name());
            match request.send().await.map_err(Error::aws("glue:DeleteTable")) {
                Err(error) if !error.is("EntityNotFoundException") => Err(error),
                _ => Ok(true),
            }
        }
        DeleteBehavior::DeprecateInDatabase => {
            let mark = |table: &Table| {
                if parameter(table, DEPRECATED).is_some() {
                    return Ok(None);
                }
                let mut input = unchanged(table)?;
                input.parameters.get_or_insert_default().insert(DEPRECATED.into(), now_millis.to_string());
                Ok(Some((input, true)))
            };
            update(clients, database, table, mark).await
        }
    }
}
