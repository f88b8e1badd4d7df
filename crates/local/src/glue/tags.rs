//! Tags of crawlers, databases, registries and schemas, kept by ARN.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Transaction, params};
use serde_json::{Value, json};

use super::Request;
use super::validate::{MAX_TAGS, invalid, not_found};
use crate::context::Context;
use crate::error::AwsError;

pub(super) fn tag(request: &Request) -> Result<Value, AwsError> {
    let arn = request.arn()?;
    let added = request.asked.tags();
    must_exist(request, arn)?;
    let mut tags = of(request, arn)?;
    tags.extend(added.clone());
    if tags.len() > MAX_TAGS {
        return Err(invalid(format!("A resource can't have more than {MAX_TAGS} tags.")));
    }
    replace(request, arn, added)?;
    Ok(json!({}))
}

pub(super) fn untag(request: &Request) -> Result<Value, AwsError> {
    let arn = request.arn()?;
    must_exist(request, arn)?;
    for key in request.asked.tags_removed() {
        let sql = "DELETE FROM glue_tag WHERE scope = ?1 AND arn = ?2 AND key = ?3";
        request.tx.execute(sql, params![request.scope, arn, key])?;
    }
    Ok(json!({}))
}

pub(super) fn get(request: &Request) -> Result<Value, AwsError> {
    let arn = request.arn()?;
    must_exist(request, arn)?;
    Ok(json!({ "Tags": of(request, arn)? }))
}

/// Adds tags to a resource, or gives them new values.
pub(super) fn replace(
    request: &Request,
    arn: &str,
    tags: &BTreeMap<impl AsRef<str>, impl AsRef<str>>,
) -> Result<(), AwsError> {
    let mut insert = request
        .tx
        .prepare_cached("INSERT OR REPLACE INTO glue_tag (scope, arn, key, value) VALUES (?1, ?2, ?3, ?4)")?;
    for (key, value) in tags {
        insert.execute(params![request.scope, arn, key.as_ref(), value.as_ref()])?;
    }
    Ok(())
}

/// Drops the tags of a resource that is gone.
pub(super) fn forget(request: &Request, arn: &str) -> Result<(), AwsError> {
    let sql = "DELETE FROM glue_tag WHERE scope = ?1 AND arn = ?2";
    request.tx.execute(sql, params![request.scope, arn])?;
    Ok(())
}

fn of(request: &Request, arn: &str) -> Result<BTreeMap<String, String>, AwsError> {
    Ok(of_arn(request.tx, request.context, arn)?.into_iter().collect())
}

/// The tags that conditions know of: those of a crawler made just now may not have spread yet.
pub(crate) fn spread(tx: &Transaction, context: &Context, arn: &str) -> Result<Vec<(String, String)>, AwsError> {
    if let Some(name) = arn.strip_prefix(&context.arn("glue", "crawler/")) {
        let sql = "SELECT created FROM glue_crawler WHERE scope = ?1 AND name = ?2";
        let created = tx.query_row(sql, params![super::scope(context), name], |row| row.get(0)).optional()?;
        if created.is_some_and(|created| !context.has_spread(created)) {
            return Ok(Vec::new());
        }
    }
    of_arn(tx, context, arn)
}

/// The tags of whatever has this ARN; none if there is nothing.
fn of_arn(tx: &Transaction, context: &Context, arn: &str) -> Result<Vec<(String, String)>, AwsError> {
    let mut statement = tx.prepare_cached("SELECT key, value FROM glue_tag WHERE scope = ?1 AND arn = ?2")?;
    let rows = statement.query_map(params![super::scope(context), arn], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn must_exist(request: &Request, arn: &str) -> Result<(), AwsError> {
    let resource = arn.strip_prefix(&request.context.arn("glue", ""));
    let (kind, name) = resource.and_then(|resource| resource.split_once('/')).unwrap_or_default();
    let (sql, key) = match kind {
        "crawler" => ("SELECT 1 FROM glue_crawler WHERE scope = ?1 AND name = ?2", name),
        "database" => ("SELECT 1 FROM glue_database WHERE scope = ?1 AND name = ?2", name),
        "registry" => ("SELECT 1 FROM glue_registry WHERE scope = ?1 AND name = ?2", name),
        // registry/schema: neither name can hold a slash. Taken apart, not put together, so that the index serves.
        "schema" => (
            "SELECT 1 FROM glue_schema WHERE scope = ?1
             AND registry = substr(?2, 1, instr(?2, '/') - 1) AND name = substr(?2, instr(?2, '/') + 1)",
            name,
        ),
        _ => return Err(not_found(format!("Resource {arn} not found."))),
    };
    match request.tx.query_row(sql, params![request.scope, key], |_| Ok(())).optional()? {
        Some(()) => Ok(()),
        None => Err(not_found(format!("Resource {arn} not found."))),
    }
}
