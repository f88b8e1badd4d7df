//! The operations on schemas.

use rusqlite::params;
use serde_json::{Value, json};

use super::paging::TokenPage;
use super::schema_key::{SchemaKey, VersionNumber};
use super::schema_store::{SCHEMA_COLUMNS, Schema, SchemaVersion, schema_arn};
use super::validate::{DEFINITION, DESCRIPTION, exists, invalid};
use super::{Request, compatibility, iso, registry, schema_version};
use crate::error::AwsError;
use crate::tags;

pub(super) fn create(request: &Request) -> Result<Value, AwsError> {
    let body = &request.body;
    let SchemaKey { registry, name } = request.schema()?;
    let format = body.choice("DataFormat", &compatibility::FORMATS)?;
    let format = format.ok_or_else(|| invalid("DataFormat is required."))?;
    let mode = body.choice("Compatibility", &compatibility::MODES)?.unwrap_or("NONE");
    check_mode(format, mode)?;
    let description = body.text("Description", DESCRIPTION)?;
    let tags = request.parsed.tags();
    let definition = body.text("SchemaDefinition", DEFINITION)?;
    if !body.has("RegistryId") {
        registry::ensure_default(request)?;
    }
    registry::must_exist(request, registry)?;
    let added = request.tx.execute(
        "INSERT OR IGNORE INTO glue_schema
         (scope, registry, name, format, compatibility, description, checkpoint, latest, next, created, updated)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, 0, 1, ?7, ?7)",
        params![request.scope, registry, name, format, mode, description, request.context.now],
    )?;
    let arn = schema_arn(request, registry, name);
    if added == 0 {
        let names = format!("RegistryName: {registry}, SchemaName: {name}, SchemaArn: {arn}");
        return Err(exists(format!("Schema already exists. {names}")));
    }
    tags::put(request.tx, request.context, &arn, tags)?;
    // The first version has nothing to compare with: it is AVAILABLE at once.
    if let Some(definition) = definition {
        schema_version::register(request, &Schema::find(request, registry, name)?, definition)?;
    }
    let schema = Schema::find(request, registry, name)?;
    let mut answer = json!({
        "RegistryName": registry,
        "RegistryArn": registry::arn(request, registry),
        "SchemaName": name,
        "SchemaArn": arn,
        "Description": description.unwrap_or(""),
        "DataFormat": format,
        "Compatibility": mode,
        "SchemaCheckpoint": schema.checkpoint,
        "NextSchemaVersion": schema.next,
        "SchemaStatus": "AVAILABLE",
        "Tags": tags,
    });
    if schema.latest > 0 {
        let first = SchemaVersion::find_by_number(request, &schema, schema.latest)?;
        answer["LatestSchemaVersion"] = first.number.into();
        answer["SchemaVersionId"] = first.id.into();
        answer["SchemaVersionStatus"] = first.status.into();
    }
    Ok(answer)
}

pub(super) fn get(request: &Request) -> Result<Value, AwsError> {
    let schema = Schema::from_request(request)?;
    Ok(json!({
        "RegistryName": schema.registry,
        "RegistryArn": registry::arn(request, &schema.registry),
        "SchemaName": schema.name,
        "SchemaArn": schema.arn(request),
        "Description": schema.description.as_deref().unwrap_or(""),
        "DataFormat": schema.format,
        "Compatibility": schema.compatibility,
        "SchemaCheckpoint": schema.checkpoint,
        // The model wants 1 or more even where a schema has no version yet.
        "LatestSchemaVersion": schema.latest.max(1),
        "NextSchemaVersion": schema.next,
        "SchemaStatus": "AVAILABLE",
        "CreatedTime": iso(schema.created),
        "UpdatedTime": iso(schema.updated),
    }))
}

/// Schemas of one registry, or of all, by ARN.
pub(super) fn list(request: &Request) -> Result<Value, AwsError> {
    let registry = &request.names.registry;
    if let Some(registry) = registry {
        registry::must_exist(request, registry)?;
    }
    let page = TokenPage::read(&request.body, 100, 100)?;
    let (after_registry, after_name) = page.after.split_once('/').unwrap_or_default();
    let sql = format!(
        "SELECT {SCHEMA_COLUMNS} FROM glue_schema WHERE scope = ?1 AND (registry = ?2 OR ?2 IS NULL)
         AND (registry, name) > (?3, ?4) ORDER BY registry, name LIMIT ?5"
    );
    let mut statement = request.tx.prepare_cached(&sql)?;
    let at = params![request.scope, registry, after_registry, after_name, page.fetch()];
    let rows = statement.query_map(at, Schema::from_row)?.collect::<Result<Vec<_>, _>>()?;
    let wire = |schema: Schema| {
        Ok(json!({
            "RegistryName": schema.registry,
            "SchemaName": schema.name,
            "SchemaArn": schema.arn(request),
            "Description": schema.description.as_deref().unwrap_or(""),
            "SchemaStatus": "AVAILABLE",
            "CreatedTime": iso(schema.created),
            "UpdatedTime": iso(schema.updated),
        }))
    };
    page.answer("Schemas", rows, |schema| format!("{}/{}", schema.registry, schema.name), wire)
}

/// Changes the description, or the compatibility mode with the checkpoint from which it applies.
pub(super) fn update(request: &Request) -> Result<Value, AwsError> {
    let body = &request.body;
    let schema = Schema::from_request(request)?;
    let mode = body.choice("Compatibility", &compatibility::MODES)?;
    let description = body.text("Description", DESCRIPTION)?;
    let number = body.members("SchemaVersionNumber")?;
    if mode.is_none() && description.is_none() && number.is_none() {
        return Err(invalid("One of Compatibility, SchemaVersionNumber and Description is required."));
    }
    if mode.is_some() && number.is_none() {
        return Err(invalid("A change of Compatibility needs a SchemaVersionNumber: the checkpoint."));
    }
    let mode = mode.unwrap_or(&schema.compatibility);
    check_mode(&schema.format, mode)?;
    let checkpoint = match number {
        None => schema.checkpoint,
        Some(number) => SchemaVersion::find_in(request, &schema, &VersionNumber::read(&number)?)?.number,
    };
    request.tx.execute(
        "UPDATE glue_schema SET compatibility = ?4, checkpoint = ?5, description = coalesce(?6, description), updated = ?7
         WHERE scope = ?1 AND registry = ?2 AND name = ?3",
        params![request.scope, schema.registry, schema.name, mode, checkpoint, description, request.context.now],
    )?;
    Ok(json!({ "SchemaArn": schema.arn(request), "SchemaName": schema.name, "RegistryName": schema.registry }))
}

/// Deletes a schema with its versions. AWS does it later, which is why the answer says `DELETING`.
pub(super) fn delete(request: &Request) -> Result<Value, AwsError> {
    let schema = Schema::from_request(request)?;
    let sql = "DELETE FROM glue_schema WHERE scope = ?1 AND registry = ?2 AND name = ?3";
    request.tx.execute(sql, params![request.scope, schema.registry, schema.name])?;
    let arn = schema.arn(request);
    tags::remove_all(request.tx, request.context, &arn)?;
    Ok(json!({ "SchemaArn": arn, "SchemaName": schema.name, "Status": "DELETING" }))
}

fn check_mode(format: &str, mode: &str) -> Result<(), AwsError> {
    if format != "AVRO" && !matches!(mode, "NONE" | "DISABLED") {
        let message = format!("Compatibility {mode} is checked for AVRO only: use NONE or DISABLED for {format}.");
        return Err(invalid(message));
    }
    Ok(())
}
