//! Tags of Glue resources, kept by ARN. Operations return them, and policy conditions test them.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Transaction, params};

use crate::context::Context;
use crate::error::AwsError;

/// The tags of a resource; none if it does not exist.
///
/// # Errors
/// If the state store fails.
pub(crate) fn get(tx: &Transaction, context: &Context, arn: &str) -> Result<BTreeMap<String, String>, AwsError> {
    let mut statement = tx.prepare_cached("SELECT key, value FROM glue_tag WHERE scope = ?1 AND arn = ?2")?;
    let rows = statement.query_map(params![context.scope(), arn], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The tags that conditions see: those of a new crawler may not have propagated yet.
///
/// # Errors
/// If the state store fails.
pub(crate) fn get_spread(tx: &Transaction, context: &Context, arn: &str) -> Result<BTreeMap<String, String>, AwsError> {
    if let Some(name) = arn.strip_prefix(&context.arn("glue", "crawler/")) {
        let sql = "SELECT created FROM glue_crawler WHERE scope = ?1 AND name = ?2";
        let created = tx.query_row(sql, params![context.scope(), name], |row| row.get(0)).optional()?;
        if created.is_some_and(|created| !context.has_spread(created)) {
            return Ok(BTreeMap::new());
        }
    }
    get(tx, context, arn)
}

/// Adds tags to a resource, or replaces their values.
///
/// # Errors
/// If the state store fails.
pub(crate) fn put(
    tx: &Transaction,
    context: &Context,
    arn: &str,
    tags: &BTreeMap<impl AsRef<str>, impl AsRef<str>>,
) -> Result<(), AwsError> {
    let sql = "INSERT OR REPLACE INTO glue_tag (scope, arn, key, value) VALUES (?1, ?2, ?3, ?4)";
    let mut insert = tx.prepare_cached(sql)?;
    for (key, value) in tags {
        insert.execute(params![context.scope(), arn, key.as_ref(), value.as_ref()])?;
    }
    Ok(())
}

/// Removes some tags of a resource.
///
/// # Errors
/// If the state store fails.
pub(crate) fn remove(tx: &Transaction, context: &Context, arn: &str, keys: &[String]) -> Result<(), AwsError> {
    for key in keys {
        let sql = "DELETE FROM glue_tag WHERE scope = ?1 AND arn = ?2 AND key = ?3";
        tx.execute(sql, params![context.scope(), arn, key])?;
    }
    Ok(())
}

/// Removes all tags of a resource that is gone.
///
/// # Errors
/// If the state store fails.
pub(crate) fn remove_all(tx: &Transaction, context: &Context, arn: &str) -> Result<(), AwsError> {
    tx.execute("DELETE FROM glue_tag WHERE scope = ?1 AND arn = ?2", params![context.scope(), arn])?;
    Ok(())
}
