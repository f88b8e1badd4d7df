//! Schemas and their versions, as stored.
//!
//! A registered version is PENDING, and becomes AVAILABLE or FAILURE when it is next read. As in AWS, a client must ask
//! before it relies on a version.

use rusqlite::{OptionalExtension, Row, params};

use super::schema_key::{SchemaKey, VersionKey, VersionNumber};
use super::validate::not_found;
use super::{Request, compatibility};
use crate::error::AwsError;

/// One schema, as it is stored.
pub(super) struct Schema {
    pub(super) registry: String,
    pub(super) name: String,
    pub(super) format: String,
    pub(super) compatibility: String,
    pub(super) description: Option<String>,
    /// The version at which the compatibility mode was last set; earlier versions are not compared.
    pub(super) checkpoint: i64,
    /// The newest version that is AVAILABLE; 0 before the first.
    pub(super) latest: i64,
    /// The number that the next version gets.
    pub(super) next: i64,
    pub(super) created: i64,
    pub(super) updated: i64,
}

pub(super) const SCHEMA_COLUMNS: &str =
    "registry, name, format, compatibility, description, checkpoint, latest, next, created, updated";

impl Schema {
    pub(super) fn from_row(row: &Row) -> rusqlite::Result<Schema> {
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

    /// The schema named in the request, after its pending versions are decided.
    ///
    /// # Errors
    /// `EntityNotFoundException` for a schema that is not there.
    pub(super) fn from_request(request: &Request) -> Result<Schema, AwsError> {
        let SchemaKey { registry, name } = request.schema()?;
        Schema::find(request, registry, name)
    }

    pub(super) fn find(request: &Request, registry: &str, name: &str) -> Result<Schema, AwsError> {
        decide_pending(request, registry, name)?;
        Schema::load(request, registry, name)?.ok_or_else(|| {
            let arn = schema_arn(request, registry, name);
            let names = format!("RegistryName: {registry}, SchemaName: {name}, SchemaArn: {arn}");
            not_found(format!("Schema is not found. {names}"))
        })
    }

    /// The schema as stored, without deciding pending versions.
    pub(super) fn load(request: &Request, registry: &str, name: &str) -> Result<Option<Schema>, AwsError> {
        let sql = format!("SELECT {SCHEMA_COLUMNS} FROM glue_schema WHERE scope = ?1 AND registry = ?2 AND name = ?3");
        let mut statement = request.tx.prepare_cached(&sql)?;
        Ok(statement.query_row(params![request.scope, registry, name], Schema::from_row).optional()?)
    }

    pub(super) fn arn(&self, request: &Request) -> String {
        schema_arn(request, &self.registry, &self.name)
    }
}

/// One version, as it is stored.
pub(super) struct SchemaVersion {
    pub(super) id: String,
    pub(super) registry: String,
    pub(super) schema: String,
    pub(super) number: i64,
    pub(super) definition: String,
    pub(super) status: String,
    pub(super) created: i64,
}

pub(super) const VERSION_COLUMNS: &str = "id, registry, schema, number, definition, status, created";
pub(super) const OF_SCHEMA: &str = "scope = ?1 AND registry = ?2 AND schema = ?3";

impl SchemaVersion {
    pub(super) fn from_row(row: &Row) -> rusqlite::Result<SchemaVersion> {
        Ok(SchemaVersion {
            id: row.get(0)?,
            registry: row.get(1)?,
            schema: row.get(2)?,
            number: row.get(3)?,
            definition: row.get(4)?,
            status: row.get(5)?,
            created: row.get(6)?,
        })
    }

    pub(super) fn find_by_id(request: &Request, id: &str) -> Result<SchemaVersion, AwsError> {
        let sql = format!("SELECT {VERSION_COLUMNS} FROM glue_schema_version WHERE scope = ?1 AND id = ?2");
        let read = || {
            request.tx.prepare_cached(&sql)?.query_row(params![request.scope, id], SchemaVersion::from_row).optional()
        };
        let absent = || not_found(format!("Schema version is not found. SchemaVersionId: {id}"));
        let version = read()?.ok_or_else(absent)?;
        if version.status != "PENDING" {
            return Ok(version);
        }
        decide_pending(request, &version.registry, &version.schema)?;
        read()?.ok_or_else(absent)
    }

    pub(super) fn find_by_number(request: &Request, schema: &Schema, number: i64) -> Result<SchemaVersion, AwsError> {
        let sql = format!("SELECT {VERSION_COLUMNS} FROM glue_schema_version WHERE {OF_SCHEMA} AND number = ?4");
        let mut statement = request.tx.prepare_cached(&sql)?;
        let at = params![request.scope, schema.registry, schema.name, number];
        statement.query_row(at, SchemaVersion::from_row).optional()?.ok_or_else(|| {
            let arn = schema.arn(request);
            not_found(format!("Schema version is not found. SchemaArn: {arn}, VersionNumber: {number}"))
        })
    }

    /// The version that the request names.
    pub(super) fn from_request(request: &Request) -> Result<SchemaVersion, AwsError> {
        SchemaVersion::find(request, request.version()?)
    }

    pub(super) fn find(request: &Request, key: &VersionKey) -> Result<SchemaVersion, AwsError> {
        match key {
            VersionKey::Id(id) => SchemaVersion::find_by_id(request, id),
            VersionKey::Of(SchemaKey { registry, name }, which) => {
                SchemaVersion::find_in(request, &Schema::find(request, registry, name)?, which)
            }
        }
    }

    /// The version of a schema with this number, or the latest.
    pub(super) fn find_in(
        request: &Request,
        schema: &Schema,
        which: &VersionNumber,
    ) -> Result<SchemaVersion, AwsError> {
        match which {
            VersionNumber::Number(number) => SchemaVersion::find_by_number(request, schema, *number),
            VersionNumber::Latest => SchemaVersion::find_by_number(request, schema, schema.latest),
        }
    }
}

/// Decides the pending versions in their order: each is compared with the AVAILABLE versions before it.
fn decide_pending(request: &Request, registry: &str, name: &str) -> Result<(), AwsError> {
    let read = |sql: &str, first: i64| -> Result<Vec<SchemaVersion>, AwsError> {
        let mut statement = request.tx.prepare_cached(sql)?;
        let rows = statement.query_map(params![request.scope, registry, name, first], SchemaVersion::from_row)?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    };
    let by_status = |status: &str| {
        format!(
            "SELECT {VERSION_COLUMNS} FROM glue_schema_version
             WHERE {OF_SCHEMA} AND status = '{status}' AND number >= ?4 ORDER BY number"
        )
    };
    let pending = read(&by_status("PENDING"), 0)?;
    if pending.is_empty() {
        return Ok(());
    }
    let Some(schema) = Schema::load(request, registry, name)? else { return Ok(()) };
    let available = read(&by_status("AVAILABLE"), schema.checkpoint)?;
    let mut earlier: Vec<String> = available.into_iter().map(|version| version.definition).collect();
    let mut latest = schema.latest;
    for version in pending {
        let fits = compatibility::check(&schema.compatibility, &version.definition, &earlier);
        if let Err(reason) = &fits {
            // The API has no place for the reason, and without it nobody could fix the schema.
            let (mode, reason) = (&schema.compatibility, reason.chars().take(500).collect::<String>());
            tracing::warn!(
                registry,
                schema = name,
                version = version.number,
                mode,
                reason,
                "incompatible schema version"
            );
        }
        let fits = fits.is_ok();
        let status = if fits { "AVAILABLE" } else { "FAILURE" };
        request.tx.execute("UPDATE glue_schema_version SET status = ?2 WHERE id = ?1", params![version.id, status])?;
        if fits {
            latest = version.number;
            earlier.push(version.definition);
        }
    }
    request.tx.execute(
        "UPDATE glue_schema SET latest = ?4, updated = ?5 WHERE scope = ?1 AND registry = ?2 AND name = ?3",
        params![request.scope, registry, name, latest, request.context.now],
    )?;
    Ok(())
}

pub(super) fn schema_arn(request: &Request, registry: &str, name: &str) -> String {
    request.context.arn("glue", &format!("schema/{registry}/{name}"))
}
