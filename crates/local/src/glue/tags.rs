//! The operations on tags: of crawlers, databases, registries and schemas.

use rusqlite::{OptionalExtension, params};
use serde_json::{Value, json};

use super::Request;
use super::validate::{MAX_TAGS, invalid, not_found};
use crate::error::AwsError;
use crate::tags;

pub(super) fn tag(request: &Request) -> Result<Value, AwsError> {
    let arn = request.arn()?;
    let added = request.parsed.tags();
    must_exist(request, arn)?;
    let mut all = tags::get(request.tx, request.context, arn)?;
    all.extend(added.clone());
    if all.len() > MAX_TAGS {
        return Err(invalid(format!("A resource can't have more than {MAX_TAGS} tags.")));
    }
    tags::put(request.tx, request.context, arn, added)?;
    Ok(json!({}))
}

pub(super) fn untag(request: &Request) -> Result<Value, AwsError> {
    let arn = request.arn()?;
    must_exist(request, arn)?;
    tags::remove(request.tx, request.context, arn, request.parsed.tags_removed())?;
    Ok(json!({}))
}

pub(super) fn get(request: &Request) -> Result<Value, AwsError> {
    let arn = request.arn()?;
    must_exist(request, arn)?;
    Ok(json!({ "Tags": tags::get(request.tx, request.context, arn)? }))
}

fn must_exist(request: &Request, arn: &str) -> Result<(), AwsError> {
    let resource = arn.strip_prefix(&request.context.arn("glue", ""));
    let (kind, name) = resource.and_then(|resource| resource.split_once('/')).unwrap_or_default();
    let (sql, key) = match kind {
        "crawler" => ("SELECT 1 FROM glue_crawler WHERE scope = ?1 AND name = ?2", name),
        "database" => ("SELECT 1 FROM glue_database WHERE scope = ?1 AND name = ?2", name),
        "registry" => ("SELECT 1 FROM glue_registry WHERE scope = ?1 AND name = ?2", name),
        // registry/schema: neither name can contain a slash. The ARN is split, not the columns joined, so that the index is used.
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
