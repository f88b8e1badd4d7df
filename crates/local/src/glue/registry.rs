//! Registries of the Schema Registry.

use rusqlite::{OptionalExtension, Row, params};
use serde_json::{Value, json};

use super::paging::TokenPage;
use super::validate::{ARN, DESCRIPTION, Members, REGISTRY_NAME, exists, invalid, not_found};
use super::{Request, iso};
use crate::context::Context;
use crate::error::AwsError;
use crate::tags;

/// The registry of schemas that name none; created with the first of them.
pub(crate) const DEFAULT: &str = "default-registry";

/// The quota of registries in an account and region.
const MAX_REGISTRIES: i64 = 100;

pub(super) fn create(request: &Request) -> Result<Value, AwsError> {
    let name = request.registry()?;
    let description = request.body.text("Description", DESCRIPTION)?;
    let tags = request.parsed.tags();
    add(request, name, description)?;
    let arn = arn(request, name);
    tags::put(request.tx, request.context, &arn, tags)?;
    Ok(json!({ "RegistryArn": arn, "RegistryName": name, "Description": description.unwrap_or(""), "Tags": tags }))
}

pub(super) fn get(request: &Request) -> Result<Value, AwsError> {
    let name = request.registry()?;
    let sql = "SELECT name, description, created, updated FROM glue_registry WHERE scope = ?1 AND name = ?2";
    let found = request.tx.query_row(sql, params![request.scope, name], from_row).optional()?;
    found.map(|row| to_wire(request, &row)).ok_or_else(|| absent(request, name))
}

pub(super) fn list(request: &Request) -> Result<Value, AwsError> {
    let page = TokenPage::read(&request.body, 100, 100)?;
    let mut statement = request.tx.prepare_cached(
        "SELECT name, description, created, updated FROM glue_registry
         WHERE scope = ?1 AND name > ?2 ORDER BY name LIMIT ?3",
    )?;
    let rows = statement.query_map(params![request.scope, page.after, page.fetch()], from_row)?;
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    page.answer("Registries", rows, |row| row.name.clone(), |row| Ok(to_wire(request, &row)))
}

pub(super) fn update(request: &Request) -> Result<Value, AwsError> {
    let name = request.registry()?;
    let description = request.body.required("Description", DESCRIPTION)?;
    let sql = "UPDATE glue_registry SET description = ?3, updated = ?4 WHERE scope = ?1 AND name = ?2";
    if request.tx.execute(sql, params![request.scope, name, description, request.context.now])? == 0 {
        return Err(absent(request, name));
    }
    Ok(json!({ "RegistryName": name, "RegistryArn": arn(request, name) }))
}

/// Deletes a registry with its schemas. AWS does it later, which is why the answer says `DELETING`.
pub(super) fn delete(request: &Request) -> Result<Value, AwsError> {
    let name = request.registry()?;
    must_exist(request, name)?;
    let sql = "DELETE FROM glue_tag WHERE scope = ?1 AND arn IN
               (SELECT ?3 || name FROM glue_schema WHERE scope = ?1 AND registry = ?2)";
    let schemas = request.context.arn("glue", &format!("schema/{name}/"));
    request.tx.execute(sql, params![request.scope, name, schemas])?;
    let sql = "DELETE FROM glue_registry WHERE scope = ?1 AND name = ?2";
    request.tx.execute(sql, params![request.scope, name])?;
    let arn = arn(request, name);
    tags::remove_all(request.tx, request.context, &arn)?;
    Ok(json!({ "RegistryName": name, "RegistryArn": arn, "Status": "DELETING" }))
}

/// The registry that `RegistryId` names; `None` when the request has none.
pub(super) fn key_if_named(context: &Context, body: &Members) -> Result<Option<String>, AwsError> {
    body.members("RegistryId")?.map(|id| key(context, &id)).transpose()
}

/// The registry that a `RegistryId` names.
pub(super) fn key(context: &Context, id: &Members) -> Result<String, AwsError> {
    match (id.text("RegistryName", REGISTRY_NAME)?, id.text("RegistryArn", ARN)?) {
        (Some(name), None) => Ok(name.to_owned()),
        (None, Some(arn)) => match arn.strip_prefix(&context.arn("glue", "registry/")) {
            Some(name) => Ok(name.to_owned()),
            None => Err(invalid("RegistryArn is not the ARN of a registry of this account and region.")),
        },
        (None, None) => Err(invalid("RegistryId must hold a RegistryName or a RegistryArn.")),
        (Some(_), Some(_)) => Err(invalid("RegistryId must hold only one of RegistryName and RegistryArn.")),
    }
}

/// # Errors
/// `EntityNotFoundException` when there is no such registry.
pub(super) fn must_exist(request: &Request, name: &str) -> Result<(), AwsError> {
    let sql = "SELECT 1 FROM glue_registry WHERE scope = ?1 AND name = ?2";
    let found = request.tx.query_row(sql, params![request.scope, name], |_| Ok(())).optional()?;
    found.ok_or_else(|| absent(request, name))
}

/// Creates the default registry if it is missing.
pub(super) fn ensure_default(request: &Request) -> Result<(), AwsError> {
    match add(request, DEFAULT, None) {
        Err(error) if error.code != "AlreadyExistsException" => Err(error),
        _ => Ok(()),
    }
}

pub(super) fn arn(request: &Request, name: &str) -> String {
    request.context.arn("glue", &format!("registry/{name}"))
}

struct Registry {
    name: String,
    description: Option<String>,
    created: i64,
    updated: i64,
}

fn from_row(row: &Row) -> rusqlite::Result<Registry> {
    Ok(Registry { name: row.get(0)?, description: row.get(1)?, created: row.get(2)?, updated: row.get(3)? })
}

fn to_wire(request: &Request, registry: &Registry) -> Value {
    json!({
        "RegistryName": registry.name,
        "RegistryArn": arn(request, &registry.name),
        "Description": registry.description.as_deref().unwrap_or(""),
        "Status": "AVAILABLE",
        "CreatedTime": iso(registry.created),
        "UpdatedTime": iso(registry.updated),
    })
}

fn add(request: &Request, name: &str, description: Option<&str>) -> Result<(), AwsError> {
    let added = request.tx.execute(
        "INSERT OR IGNORE INTO glue_registry (scope, name, description, created, updated) VALUES (?1, ?2, ?3, ?4, ?4)",
        params![request.scope, name, description, request.context.now],
    )?;
    if added == 0 {
        let arn = arn(request, name);
        return Err(exists(format!("Registry already exists. RegistryName: {name}, RegistryArn: {arn}")));
    }
    let sql = "SELECT count(*) FROM glue_registry WHERE scope = ?1";
    if request.tx.query_one(sql, [&request.scope], |row| row.get::<_, i64>(0))? > MAX_REGISTRIES {
        let message = format!("More registries cannot be created. The maximum limit of {MAX_REGISTRIES} is reached.");
        return Err(AwsError::new("ResourceNumberLimitExceededException", message));
    }
    Ok(())
}

fn absent(request: &Request, name: &str) -> AwsError {
    let arn = arn(request, name);
    not_found(format!("Registry is not found. RegistryName: {name}, RegistryArn: {arn}"))
}
