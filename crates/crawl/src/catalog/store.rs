//! Reading and writing the catalog's tables.

use std::time::Duration;

use aws_sdk_glue::types::{Column as GlueColumn, SchemaReference, Table, TableInput};

use super::entry::Entry;
use super::parameters::DEPRECATED;
use crate::Clients;
use crate::error::{Error, Kind};
use crate::options::DeleteBehavior;

/// How often a write is tried while others write the same thing.
const ATTEMPTS: u32 = 8;
/// The pause after the first attempt; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The tables of a Glue database; a database that does not exist has none.
///
/// # Errors
/// If Glue refuses or does not answer.
pub async fn list(clients: &Clients, database: &str) -> Result<Vec<Table>, Error> {
    let mut pages = clients.glue.get_tables().database_name(database).max_results(100).into_paginator().send();
    let mut tables = Vec::new();
    while let Some(page) = pages.next().await {
        match page.map_err(Error::aws("glue:GetTables")) {
            Ok(page) => tables.extend(page.table_list.unwrap_or_default()),
            Err(error) if error.is_not_found() => return Ok(Vec::new()),
            Err(error) => return Err(error),
        }
    }
    Ok(tables)
}

/// Reads a catalog table as Glue answers it; `None` if it does not exist.
///
/// # Errors
/// If Glue refuses or does not answer.
pub async fn get(clients: &Clients, database: &str, name: &str) -> Result<Option<Table>, Error> {
    match clients.glue.get_table().database_name(database).name(name).send().await.map_err(Error::aws("glue:GetTable"))
    {
        Ok(answer) => Ok(answer.table),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads a catalog table with its columns, wherever they come from.
///
/// # Errors
/// If Glue refuses or does not answer, or the columns can't be had: see [`resolve_columns`].
pub async fn get_with_columns(clients: &Clients, database: &str, name: &str) -> Result<Option<Table>, Error> {
    match get(clients, database, name).await? {
        Some(table) if Entry(&table).hides_columns() => columns_of_reference(clients, database, table).await.map(Some),
        table => Ok(table),
    }
}

/// The catalog table of a DynamoDB table, or else the one that is called so itself, with its columns.
///
/// # Errors
/// If the catalog can't be read.
///
/// # Cost
/// A listing of the database's tables.
pub async fn find(clients: &Clients, database: &str, name: &str) -> Result<Option<Table>, Error> {
    let tables = list(clients, database).await?;
    let of_source = tables.iter().find(|table| Entry(table).source() == Some(name));
    match of_source.or_else(|| tables.iter().find(|table| table.name() == name)) {
        Some(found) => resolve_columns(clients, database, found).await,
        None => Ok(None),
    }
}

/// The table with its columns; `None` if it is gone by now. It is not documented whether a listing resolves references to schema
/// versions. Where it did not, the table is read again, and if that does not either, its schema version.
///
/// # Errors
/// If neither can be read: a table whose columns are not known must not be written.
pub async fn resolve_columns(clients: &Clients, database: &str, table: &Table) -> Result<Option<Table>, Error> {
    match Entry(table).hides_columns() {
        true => get_with_columns(clients, database, table.name()).await,
        false => Ok(Some(table.clone())),
    }
}

/// The columns as Glue derives them from the referenced schema version.
async fn columns_of_reference(clients: &Clients, database: &str, table: Table) -> Result<Table, Error> {
    let name = format!("{database}.{}", table.name());
    let unknown = |why: String| {
        format!("{name} has its columns from a schema version and lists none, and that can't be read: {why}")
    };
    let request = clients.glue.get_schema_version();
    let request = match Entry(&table).reference() {
        Some(SchemaReference { schema_version_id: Some(id), .. }) => request.schema_version_id(id),
        Some(SchemaReference { schema_id: Some(id), schema_version_number, .. }) => {
            let number = aws_sdk_glue::types::SchemaVersionNumber::builder();
            let number = number.set_version_number(*schema_version_number).build();
            request.schema_id(id.clone()).schema_version_number(number)
        }
        _ => return Err(Error::new(Kind::Data, unknown("its SchemaReference names none".into()))),
    };
    let version = request.send().await.map_err(Error::aws("glue:GetSchemaVersion")).map_err(|error| {
        // What does not exist is the schema version, not the table.
        let kind = if error.kind == Kind::NotFound { Kind::Data } else { error.kind };
        Error { kind, message: unknown(error.message), ..error }
    })?;
    let derived = schema::avro::columns(version.schema_definition().unwrap_or_default());
    let columns = derived
        .map_err(|e| Error::new(Kind::Data, unknown(e.to_string())))?
        .into_iter()
        .map(|(name, glue_type)| GlueColumn::builder().name(name).r#type(glue_type.to_string()).build())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| Error::new(Kind::Data, unknown(e.to_string())))?;
    if columns.is_empty() {
        return Err(Error::new(Kind::Data, unknown("it has no fields".into())));
    }
    Ok(Entry(&table).with_columns(columns))
}

/// An update of a catalog table.
#[derive(Debug)]
pub struct TableUpdate {
    /// The table as it is to be.
    pub input: TableInput,
    /// The present state of the table is not worth an archived version.
    pub skip_archive: bool,
}

/// Changes a catalog table under its optimistic lock: when somebody else was faster, `change` sees the newer table.
/// `change` returns `None` to leave the table alone. Returns whether the table was changed.
///
/// # Errors
/// What `change` returns, or Glue's refusal.
pub async fn update(
    clients: &Clients,
    database: &str,
    table: Table,
    mut change: impl FnMut(&Table) -> Result<Option<TableUpdate>, Error>,
) -> Result<bool, Error> {
    let mut table = table;
    let mut pause = FIRST_PAUSE;
    for attempt in 1.. {
        let Some(TableUpdate { input, skip_archive }) = change(&table)? else { return Ok(false) };
        let request = clients.glue.update_table().database_name(database).table_input(input).skip_archive(skip_archive);
        let sent =
            request.set_version_id(table.version_id.clone()).send().await.map_err(Error::aws("glue:UpdateTable"));
        match sent {
            Ok(_) => return Ok(true),
            Err(error) if error.is_concurrent() && attempt < ATTEMPTS => {
                tokio::time::sleep(pause).await;
                pause *= 2;
                match get_with_columns(clients, database, table.name()).await? {
                    Some(newer) => table = newer,
                    None => return Ok(false),
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// Sends a write again while others write the same thing. It must depend on nothing that was read before, or read that again.
///
/// # Errors
/// Any other refusal, and this one in the end.
pub async fn retry_concurrent<T, Sent>(mut write: impl FnMut() -> Sent) -> Result<T, Error>
where
    Sent: Future<Output = Result<T, Error>>,
{
    let mut pause = FIRST_PAUSE;
    for _ in 1..ATTEMPTS {
        match write().await {
            Err(error) if error.is_concurrent() => tokio::time::sleep(pause).await,
            done => return done,
        }
        pause *= 2;
    }
    write().await
}

/// Applies the delete behaviour to a catalog table whose DynamoDB table is gone. Returns whether anything changed.
///
/// # Errors
/// If Glue refuses or does not answer.
pub async fn retire(
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
            let delete = || async { request.clone().send().await.map_err(Error::aws("glue:DeleteTable")) };
            match retry_concurrent(delete).await {
                Err(error) if !error.is_not_found() => Err(error),
                _ => Ok(true),
            }
        }
        DeleteBehavior::DeprecateInDatabase => {
            let mark = |table: &Table| {
                if Entry(table).is_deprecated() {
                    return Ok(None);
                }
                let mut input = Entry(table).to_input()?;
                input.parameters.get_or_insert_default().insert(DEPRECATED.into(), now_millis.to_string());
                Ok(Some(TableUpdate { input, skip_archive: true }))
            };
            update(clients, database, table, mark).await
        }
    }
}
