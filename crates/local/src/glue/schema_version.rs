//! The operations on versions of schemas.

use rusqlite::{OptionalExtension, params};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::paging::TokenPage;
use super::schema_key::VersionNumber;
use super::schema_store::{OF_SCHEMA, Schema, SchemaVersion, VERSION_COLUMNS};
use super::validate::{ANY, DEFINITION, invalid, not_found};
use super::{Request, compatibility, iso};
use crate::error::AwsError;

/// The quota of schema versions in an account and region.
const MAX_VERSIONS: i64 = 10_000;

pub(super) fn register_version(request: &Request) -> Result<Value, AwsError> {
    let schema = Schema::from_request(request)?;
    let definition = request.body.required("SchemaDefinition", DEFINITION)?;
    let version = register(request, &schema, definition)?;
    Ok(json!({ "SchemaVersionId": version.id, "VersionNumber": version.number, "Status": version.status }))
}

/// Adds a PENDING version, or returns the existing one with the same definition.
pub(super) fn register(request: &Request, schema: &Schema, definition: &str) -> Result<SchemaVersion, AwsError> {
    let hash = hash(schema, definition)?;
    if let Some(same) = find_by_hash(request, schema, &hash)? {
        return Ok(same);
    }
    if schema.compatibility == "DISABLED" && schema.latest > 0 {
        let arn = schema.arn(request);
        return Err(invalid(format!("Compatibility DISABLED does not allow versioning. SchemaId: SchemaArn: {arn}")));
    }
    let sql = "SELECT count(*) FROM glue_schema_version WHERE scope = ?1";
    if request.tx.query_one(sql, [&request.scope], |row| row.get::<_, i64>(0))? >= MAX_VERSIONS {
        let message =
            format!("More schema versions cannot be created. The maximum limit of {MAX_VERSIONS} is reached.");
        return Err(AwsError::new("ResourceNumberLimitExceededException", message));
    }
    let id = uuid::Uuid::new_v4().to_string();
    request.tx.execute(
        "INSERT INTO glue_schema_version (id, scope, registry, schema, number, definition, hash, status, created)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'PENDING', ?8)",
        params![id, request.scope, schema.registry, schema.name, schema.next, definition, hash, request.context.now],
    )?;
    request.tx.execute(
        "UPDATE glue_schema SET next = next + 1 WHERE scope = ?1 AND registry = ?2 AND name = ?3",
        params![request.scope, schema.registry, schema.name],
    )?;
    SchemaVersion::find_by_number(request, schema, schema.next)
}

pub(super) fn get(request: &Request) -> Result<Value, AwsError> {
    let version = SchemaVersion::from_request(request)?;
    let schema = Schema::find(request, &version.registry, &version.schema)?;
    Ok(json!({
        "SchemaVersionId": version.id,
        "SchemaDefinition": version.definition,
        "DataFormat": schema.format,
        "SchemaArn": schema.arn(request),
        "VersionNumber": version.number,
        "Status": version.status,
        "CreatedTime": iso(version.created),
    }))
}

/// All versions of a schema, the newest first.
pub(super) fn list(request: &Request) -> Result<Value, AwsError> {
    let schema = Schema::from_request(request)?;
    let page = TokenPage::read(&request.body, 100, 100)?;
    let below = if page.after.is_empty() { Ok(i64::MAX) } else { page.after.parse() };
    let below: i64 = below.map_err(|_| invalid("NextToken is not one that this service gave out."))?;
    let sql = format!(
        "SELECT {VERSION_COLUMNS} FROM glue_schema_version WHERE {OF_SCHEMA} AND number < ?4 ORDER BY number DESC LIMIT ?5"
    );
    let mut statement = request.tx.prepare_cached(&sql)?;
    let at = params![request.scope, schema.registry, schema.name, below, page.fetch()];
    let rows = statement.query_map(at, SchemaVersion::from_row)?.collect::<Result<Vec<_>, _>>()?;
    let arn = schema.arn(request);
    let wire = |version: SchemaVersion| {
        Ok(json!({
            "SchemaArn": arn,
            "SchemaVersionId": version.id,
            "VersionNumber": version.number,
            "Status": version.status,
            "CreatedTime": iso(version.created),
        }))
    };
    page.answer("Schemas", rows, |version| version.number.to_string(), wire)
}

pub(super) fn by_definition(request: &Request) -> Result<Value, AwsError> {
    let schema = Schema::from_request(request)?;
    let definition = request.body.required("SchemaDefinition", DEFINITION)?;
    let arn = schema.arn(request);
    let found = find_by_hash(request, &schema, &hash(&schema, definition)?)?;
    let absent = || not_found(format!("Schema version is not found. SchemaArn: {arn}, by its definition."));
    let version = found.ok_or_else(absent)?;
    Ok(json!({
        "SchemaVersionId": version.id,
        "SchemaArn": arn,
        "DataFormat": schema.format,
        "Status": version.status,
        "CreatedTime": iso(version.created),
    }))
}

/// Checks the syntax only: nothing is stored or compared.
pub(super) fn check_validity(request: &Request) -> Result<Value, AwsError> {
    let format = request.body.choice("DataFormat", &compatibility::FORMATS)?;
    let format = format.ok_or_else(|| invalid("DataFormat is required."))?;
    let definition = request.body.required("SchemaDefinition", DEFINITION)?;
    Ok(match compatibility::canonical(format, definition) {
        Ok(_) => json!({ "Valid": true }),
        Err(reason) if format == "PROTOBUF" => return Err(invalid(malformed(format, &reason))),
        Err(reason) => json!({ "Valid": false, "Error": reason.chars().take(5_000).collect::<String>() }),
    })
}

/// The difference of two versions as a unified diff of their definitions, laid out as indented JSON. The API does not
/// document a format.
pub(super) fn diff(request: &Request) -> Result<Value, AwsError> {
    let body = &request.body;
    let schema = Schema::from_request(request)?;
    if body.choice("SchemaDiffType", &["SYNTAX_DIFF"])?.is_none() {
        return Err(invalid("SchemaDiffType is required."));
    }
    let read = |member: &str| -> Result<String, AwsError> {
        let version = SchemaVersion::find_in(request, &schema, &VersionNumber::read(&body.required_members(member)?)?)?;
        let value: Option<Value> = serde_json::from_str(&version.definition).ok();
        Ok(value.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or(version.definition))
    };
    let (first, second) = (read("FirstSchemaVersionNumber")?, read("SecondSchemaVersionNumber")?);
    let diff = similar::TextDiff::from_lines(&first, &second).unified_diff().to_string();
    Ok(json!({ "Diff": diff }))
}

/// Deletes the versions `n` or `n-m`. The first version and the checkpoint stay, and are listed in the answer.
pub(super) fn delete(request: &Request) -> Result<Value, AwsError> {
    let schema = Schema::from_request(request)?;
    let versions = request.body.required("Versions", ANY)?;
    let (first, last) = versions.split_once('-').unwrap_or((versions, versions));
    let number = |text: &str| text.parse::<i64>().ok().filter(|number| (1..=100_000).contains(number));
    let (Some(first), Some(last)) = (number(first), number(last)) else {
        return Err(invalid("Versions must be a number, or two with a dash between them: 5 or 5-8."));
    };
    let sql = format!("DELETE FROM glue_schema_version WHERE {OF_SCHEMA} AND number = ?4");
    let mut errors = Vec::new();
    for number in first..=last.min(first.max(schema.next - 1)) {
        let (code, message) = if number == 1 || number == schema.checkpoint {
            ("InvalidInputException", "The first version and the checkpoint can't be deleted.")
        } else if request.tx.execute(&sql, params![request.scope, schema.registry, schema.name, number])? == 0 {
            ("EntityNotFoundException", "Schema version is not found.")
        } else {
            continue;
        };
        errors.push(json!({
            "VersionNumber": number,
            "ErrorDetails": {"ErrorCode": code, "ErrorMessage": message},
        }));
    }
    request.tx.execute(
        "UPDATE glue_schema SET updated = ?4, latest = coalesce(
           (SELECT max(number) FROM glue_schema_version v
            WHERE v.scope = ?1 AND v.registry = ?2 AND v.schema = ?3 AND v.status = 'AVAILABLE'), 0)
         WHERE scope = ?1 AND registry = ?2 AND name = ?3",
        params![request.scope, schema.registry, schema.name, request.context.now],
    )?;
    Ok(json!({ "SchemaVersionErrors": errors }))
}

/// A version with the same canonical definition. Failed versions do not count: registering one again retries it.
fn find_by_hash(request: &Request, schema: &Schema, hash: &str) -> Result<Option<SchemaVersion>, AwsError> {
    let sql = format!(
        "SELECT {VERSION_COLUMNS} FROM glue_schema_version
         WHERE {OF_SCHEMA} AND hash = ?4 AND status <> 'FAILURE' ORDER BY number LIMIT 1"
    );
    let mut statement = request.tx.prepare_cached(&sql)?;
    let at = params![request.scope, schema.registry, schema.name, hash];
    Ok(statement.query_row(at, SchemaVersion::from_row).optional()?)
}

fn hash(schema: &Schema, definition: &str) -> Result<String, AwsError> {
    let canonical = compatibility::canonical(&schema.format, definition);
    let canonical = canonical.map_err(|reason| invalid(malformed(&schema.format, &reason)))?;
    Ok(Sha256::digest(canonical.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect())
}

fn malformed(format: &str, reason: &str) -> String {
    let reason: String = reason.chars().take(2_000).collect();
    format!("Schema definition of {format} data format is invalid: {reason}")
}
