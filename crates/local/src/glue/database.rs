//! Databases of the catalog.

use rusqlite::{OptionalExtension, Row, params};
use serde_json::{Map, Value, json};

use super::paging::TokenPage;
use super::validate::{DATABASE_LOCATION, DESCRIPTION, Members, NAME, exists, invalid, not_found};
use super::{Request, seconds};
use crate::error::AwsError;
use crate::tags;

/// The quota of databases in an account and region.
const MAX_DATABASES: i64 = 10_000;

pub(super) fn create(request: &Request) -> Result<Value, AwsError> {
    let (name, input) = (request.database()?, input(&request.body)?);
    let tags = request.body.tags("Tags")?;
    let sql = "SELECT count(*) FROM glue_database WHERE scope = ?1";
    if request.tx.query_one(sql, [&request.scope], |row| row.get::<_, i64>(0))? >= MAX_DATABASES {
        let message = format!("Number of databases would exceed the quota of {MAX_DATABASES}.");
        return Err(AwsError::new("ResourceNumberLimitExceededException", message));
    }
    let added = request.tx.execute(
        "INSERT OR IGNORE INTO glue_database (scope, name, input, created) VALUES (?1, ?2, ?3, ?4)",
        params![request.scope, name, Value::Object(input).to_string(), request.context.now],
    )?;
    if added == 0 {
        return Err(exists("Database already exists."));
    }
    tags::put(request.tx, request.context, &arn(request, name), &tags)?;
    Ok(json!({}))
}

pub(super) fn get(request: &Request) -> Result<Value, AwsError> {
    let name = request.database()?;
    let sql = "SELECT name, input, created FROM glue_database WHERE scope = ?1 AND name = ?2";
    let found = request.tx.query_row(sql, params![request.scope, name], from_row).optional()?;
    let found = found.ok_or_else(|| absent(name))?;
    Ok(json!({ "Database": to_wire(request, found)? }))
}

pub(super) fn list(request: &Request) -> Result<Value, AwsError> {
    let page = TokenPage::read(&request.body, 100, 100)?;
    let mut statement = request.tx.prepare_cached(
        "SELECT name, input, created FROM glue_database WHERE scope = ?1 AND name > ?2 ORDER BY name LIMIT ?3",
    )?;
    let rows = statement.query_map(params![request.scope, page.after, page.fetch()], from_row)?;
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    page.answer("DatabaseList", rows, |row| row.0.clone(), |row| to_wire(request, row))
}

pub(super) fn update(request: &Request) -> Result<Value, AwsError> {
    let (name, input) = (request.database()?, input(&request.body)?);
    let new_name = request.body.required_members("DatabaseInput")?.required("Name", NAME)?.to_lowercase();
    must_exist(request, name)?;
    if new_name != name {
        return Err(invalid("A database can't be renamed: Name and DatabaseInput.Name differ."));
    }
    request.tx.execute(
        "UPDATE glue_database SET input = ?3 WHERE scope = ?1 AND name = ?2",
        params![request.scope, name, Value::Object(input).to_string()],
    )?;
    Ok(json!({}))
}

/// Deletes a database with its tables and their versions; AWS deletes the tables later.
pub(super) fn delete(request: &Request) -> Result<Value, AwsError> {
    let name = request.database()?;
    let sql = "DELETE FROM glue_database WHERE scope = ?1 AND name = ?2";
    if request.tx.execute(sql, params![request.scope, name])? == 0 {
        return Err(absent(name));
    }
    tags::remove_all(request.tx, request.context, &arn(request, name))?;
    Ok(json!({}))
}

/// # Errors
/// `EntityNotFoundException` when there is no database of that name (in lower case).
pub(super) fn must_exist(request: &Request, name: &str) -> Result<(), AwsError> {
    let sql = "SELECT 1 FROM glue_database WHERE scope = ?1 AND name = ?2";
    match request.tx.query_row(sql, params![request.scope, name], |_| Ok(())).optional()? {
        Some(()) => Ok(()),
        None => Err(absent(name)),
    }
}

fn input(body: &Members) -> Result<Map<String, Value>, AwsError> {
    let input = body.required_members("DatabaseInput")?;
    input.required("Name", NAME)?;
    input.text("Description", DESCRIPTION)?;
    input.text("LocationUri", DATABASE_LOCATION)?;
    input.parameters()?;
    let known = [
        "Description",
        "LocationUri",
        "Parameters",
        "CreateTableDefaultPermissions",
        "TargetDatabase",
        "FederatedDatabase",
    ];
    Ok(input.keep(&known))
}

fn from_row(row: &Row) -> rusqlite::Result<(String, String, i64)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn to_wire(request: &Request, (name, input, created): (String, String, i64)) -> Result<Value, AwsError> {
    let mut database = super::stored_object(&input)?;
    database.insert("Name".to_owned(), name.into());
    database.insert("CreateTime".to_owned(), seconds(created));
    database.insert("CatalogId".to_owned(), request.context.account.clone().into());
    Ok(Value::Object(database))
}

fn absent(name: &str) -> AwsError {
    not_found(format!("Database {name} not found."))
}

fn arn(request: &Request, name: &str) -> String {
    request.context.arn("glue", &format!("database/{name}"))
}
