//! Schemas of the Schema Registry: what their versions share.

use rusqlite::{OptionalExtension, Row, params};
use serde_json::{Value, json};

use super::paging::Page;
use super::validate::{ARN, DEFINITION, DESCRIPTION, Members, REGISTRY_NAME, exists, invalid, not_found};
use super::{Request, compatibility, iso, registry, schema_version, tags};
use crate::context::Context;
use crate::error::AwsError;

/// One schema, as it is stored.
pub(super) struct Schema {
    pub(super) registry: String,
    pub(super) name: String,
    pub(super) format: String,
    pub(super) compatibility: String,
    description: Option<String>,
    /// The version at which the compatibility mode was last set; versions before it bind nobody.
    pub(super) checkpoint: i64,
    /// The newest version that is AVAILABLE; 0 before the first.
    pub(super) latest: i64,
    /// The number that the next version gets.
    pub(super) next: i64,
    created: i64,
    updated: i64,
}

const COLUMNS: &str = "registry, name, format, compatibility, description, checkpoint, latest, next, created, updated";

impl Schema {
    fn stored(row: &Row) -> rusqlite::Result<Schema> {
        Ok(Schema {
            registry: row.get(0)?,
            name: row.get(1)?,
            format: row.get(2)?,
            compatibility: row.get(3)?,
            description: row.get(4)?,
            checkpoint: row.get(5)?,
            latest: row.get(6)?,
            next: row.get(7)?,
            created: row.get(8)?,
            updated: row.get(9)?,
        })
    }

    /// The schema that the request names, with its pending versions decided.
    ///
    /// # Errors
    /// `EntityNotFoundException` for a schema that is not there.
    pub(super) fn named(request: &Request) -> Result<Schema, AwsError> {
        let SchemaKey { registry, name } = request.schema()?;
        Schema::at(request, registry, name)
    }

    pub(super) fn at(request: &Request, registry: &str, name: &str) -> Result<Schema, AwsError> {
        schema_version::decide_pending(request, registry, name)?;
        Schema::row(request, registry, name)?.ok_or_else(|| {
            let arn = arn(request, registry, name);
            let names = format!("RegistryName: {registry}, SchemaName: {name}, SchemaArn: {arn}");
            not_found(format!("Schema is not found. {names}"))
        })
    }

    /// The schema as it is stored, whatever its versions wait for.
    pub(super) fn row(request: &Request, registry: &str, name: &str) -> Result<Option<Schema>, AwsError> {
        let sql = format!("SELECT {COLUMNS} FROM glue_schema WHERE scope = ?1 AND registry = ?2 AND name = ?3");
        let mut statement = request.tx.prepare_cached(&sql)?;
        Ok(statement.query_row(params![request.scope, registry, name], Schema::stored).optional()?)
    }

    pub(super) fn arn(&self, request: &Request) -> String {
        arn(request, &self.registry, &self.name)
    }
}

pub(super) fn create(request: &Request) -> Result<Value, AwsError> {
    let body = &request.body;
    let SchemaKey { registry, name } = request.schema()?;
    let format = body.choice("DataFormat", &compatibility::FORMATS)?;
    let format = format.ok_or_else(|| invalid("DataFormat is required."))?;
    let mode = body.choice("Compatibility", &compatibility::MODES)?.unwrap_or("NONE");
    check_mode(format, mode)?;
    let description = body.text("Description", DESCRIPTION)?;
    let tags = request.asked.tags();
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
    let arn = arn(request, registry, name);
    if added == 0 {
        let names = format!("RegistryName: {registry}, SchemaName: {name}, SchemaArn: {arn}");
        return Err(exists(format!("Schema already exists. {names}")));
    }
    tags::replace(request, &arn, tags)?;
    // The first version has nothing to be compared with: it is AVAILABLE at once.
    if let Some(definition) = definition {
        schema_version::register(request, &Schema::at(request, registry, name)?, definition)?;
    }
    let schema = Schema::at(request, registry, name)?;
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
        let first = schema_version::Version::numbered(request, &schema, schema.latest)?;
        answer["LatestSchemaVersion"] = first.number.into();
        answer["SchemaVersionId"] = first.id.into();
        answer["SchemaVersionStatus"] = first.status.into();
    }
    Ok(answer)
}

pub(super) fn get(request: &Request) -> Result<Value, AwsError> {
    let schema = Schema::named(request)?;
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
    let page = Page::of(&request.body, 100, 100)?;
    let (after_registry, after_name) = page.after.split_once('/').unwrap_or_default();
    let sql = format!(
        "SELECT {COLUMNS} FROM glue_schema WHERE scope = ?1 AND (registry = ?2 OR ?2 IS NULL)
         AND (registry, name) > (?3, ?4) ORDER BY registry, name LIMIT ?5"
    );
    let mut statement = request.tx.prepare_cached(&sql)?;
    let at = params![request.scope, registry, after_registry, after_name, page.fetch()];
    let rows = statement.query_map(at, Schema::stored)?.collect::<Result<Vec<_>, _>>()?;
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

/// Changes the description, or the compatibility mode together with the checkpoint from which on it binds.
pub(super) fn update(request: &Request) -> Result<Value, AwsError> {
    let body = &request.body;
    let schema = Schema::named(request)?;
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
        Some(number) => schema_version::Which::number(&number)?.find(request, &schema)?.number,
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
    let schema = Schema::named(request)?;
    let sql = "DELETE FROM glue_schema WHERE scope = ?1 AND registry = ?2 AND name = ?3";
    request.tx.execute(sql, params![request.scope, schema.registry, schema.name])?;
    let arn = schema.arn(request);
    tags::forget(request, &arn)?;
    Ok(json!({ "SchemaArn": arn, "SchemaName": schema.name, "Status": "DELETING" }))
}

/// Names a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SchemaKey {
    pub(super) registry: String,
    pub(super) name: String,
}

impl SchemaKey {
    /// Reads a `SchemaId`: an ARN, or a name with that of its registry.
    ///
    /// # Errors
    /// `InvalidInputException` for half an id, and for more than one.
    pub(super) fn read(context: &Context, id: &Members) -> Result<SchemaKey, AwsError> {
        let registry = id.text("RegistryName", REGISTRY_NAME)?;
        let (registry, name) = match (id.text("SchemaArn", ARN)?, id.text("SchemaName", REGISTRY_NAME)?, registry) {
            (Some(arn), None, None) => {
                let resource = arn.strip_prefix(&context.arn("glue", "schema/"));
                resource
                    .and_then(|resource| resource.split_once('/'))
                    .ok_or_else(|| invalid("SchemaArn is not the ARN of a schema of this account and region."))?
            }
            (None, Some(name), Some(registry)) => (registry, name),
            _ => return Err(invalid("SchemaId must hold a SchemaArn, or a SchemaName and a RegistryName.")),
        };
        Ok(SchemaKey { registry: registry.to_owned(), name: name.to_owned() })
    }

    /// The ARNs of the registry and of the schema: whoever does something with a schema must be allowed to on both.
    pub(super) fn resources(&self, context: &Context) -> Vec<String> {
        let SchemaKey { registry, name } = self;
        vec![
            context.arn("glue", &format!("registry/{registry}")),
            context.arn("glue", &format!("schema/{registry}/{name}")),
        ]
    }
}

fn check_mode(format: &str, mode: &str) -> Result<(), AwsError> {
    if format != "AVRO" && !matches!(mode, "NONE" | "DISABLED") {
        let message = format!("Compatibility {mode} is checked for AVRO only: use NONE or DISABLED for {format}.");
        return Err(invalid(message));
    }
    Ok(())
}

fn arn(request: &Request, registry: &str, name: &str) -> String {
    request.context.arn("glue", &format!("schema/{registry}/{name}"))
}
