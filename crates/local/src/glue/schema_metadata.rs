//! Metadata of schema versions: at most ten key-value pairs each. A key may have several values.

use std::collections::BTreeMap;

use rusqlite::params;
use serde_json::{Value, json};

use super::paging::TokenPage;
use super::schema_store::{Schema, SchemaVersion};
use super::validate::{METADATA_KEY, METADATA_VALUE, Members, exists, not_found};
use super::{Request, iso};
use crate::error::AwsError;

const MAX_PAIRS: i64 = 10;

pub(super) fn put(request: &Request) -> Result<Value, AwsError> {
    let version = SchemaVersion::from_request(request)?;
    let (key, value) = pair(&request.body.required_members("MetadataKeyValue")?)?;
    let sql = "SELECT count(*) FROM glue_schema_metadata WHERE version = ?1";
    let count: i64 = request.tx.query_one(sql, [&version.id], |row| row.get(0))?;
    let added = request.tx.execute(
        "INSERT OR IGNORE INTO glue_schema_metadata (version, key, value, created) VALUES (?1, ?2, ?3, ?4)",
        params![version.id, key, value, request.context.now],
    )?;
    if added == 0 {
        return Err(exists(format!(
            "Resource already exist for schema version id: {}, metadata key: {key}",
            version.id
        )));
    }
    if count >= MAX_PAIRS {
        let message =
            format!("Your resource limits for Schema Version Metadata have been exceeded: {MAX_PAIRS} a version.");
        return Err(AwsError::new("ResourceNumberLimitExceededException", message));
    }
    answer(request, &version, key, value)
}

pub(super) fn remove(request: &Request) -> Result<Value, AwsError> {
    let version = SchemaVersion::from_request(request)?;
    let (key, value) = pair(&request.body.required_members("MetadataKeyValue")?)?;
    let sql = "DELETE FROM glue_schema_metadata WHERE version = ?1 AND key = ?2 AND value = ?3";
    if request.tx.execute(sql, params![version.id, key, value])? == 0 {
        return Err(not_found(format!("Metadata key {key} with that value is not on the schema version.")));
    }
    answer(request, &version, key, value)
}

/// The pairs of a version that are in `MetadataList`, or all: the newest value of a key, then its others.
pub(super) fn query(request: &Request) -> Result<Value, AwsError> {
    let version = SchemaVersion::from_request(request)?;
    let wanted: Vec<_> = request
        .body
        .list("MetadataList")?
        .iter()
        .map(|pair| Ok((pair.text("MetadataKey", METADATA_KEY)?, pair.text("MetadataValue", METADATA_VALUE)?)))
        .collect::<Result<_, AwsError>>()?;
    // There are at most ten pairs: one page holds them.
    TokenPage::read(&request.body, 50, 50)?;
    let mut statement = request.tx.prepare_cached(
        "SELECT key, value, created FROM glue_schema_metadata WHERE version = ?1 ORDER BY key, created DESC, value",
    )?;
    let rows = statement.query_map([&version.id], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
    })?;
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for row in rows {
        let (key, value, created) = row?;
        let fits = |(k, v): &(Option<&str>, Option<&str>)| k.is_none_or(|k| k == key) && v.is_none_or(|v| v == value);
        if wanted.is_empty() || wanted.iter().any(fits) {
            let info = json!({ "MetadataValue": value, "CreatedTime": iso(created) });
            found.entry(key).or_default().push(info);
        }
    }
    let info = |mut values: Vec<Value>| {
        let others = values.split_off(1.min(values.len()));
        let mut newest = values.pop().unwrap_or_default();
        newest["OtherMetadataValueList"] = others.into();
        newest
    };
    let found: BTreeMap<String, Value> = found.into_iter().map(|(key, values)| (key, info(values))).collect();
    Ok(json!({ "MetadataInfoMap": found, "SchemaVersionId": version.id }))
}

fn pair<'a>(pair: &Members<'a>) -> Result<(&'a str, &'a str), AwsError> {
    Ok((pair.required("MetadataKey", METADATA_KEY)?, pair.required("MetadataValue", METADATA_VALUE)?))
}

fn answer(request: &Request, version: &SchemaVersion, key: &str, value: &str) -> Result<Value, AwsError> {
    let schema = Schema::find(request, &version.registry, &version.schema)?;
    Ok(json!({
        "SchemaArn": schema.arn(request),
        "SchemaName": schema.name,
        "RegistryName": schema.registry,
        "LatestVersion": version.number == schema.latest,
        "VersionNumber": version.number,
        "SchemaVersionId": version.id,
        "MetadataKey": key,
        "MetadataValue": value,
    }))
}
