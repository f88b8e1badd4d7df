//! The permissions that Glue operations need.

use rusqlite::Transaction;

use super::operations::{self, TAGGED};
use super::request_names::ParsedRequest;
use crate::access::{ConditionKeys, RequiredPermission};
use crate::context::Context;
use crate::error::AwsError;
use crate::iam::{Role, role_arn};

/// The condition key of iam:PassRole: the service that gets the role.
pub(crate) const PASSED_TO: &str = "iam:PassedToService";

/// The condition keys of an operation: those of its tags. `aws:RequestTag/x` stands for any tag.
pub(crate) fn condition_keys(operation: &str) -> &'static [&'static str] {
    match operation {
        "UntagResource" => &["aws:TagKeys"],
        "TagResource" => &["aws:RequestTag/x", "aws:TagKeys"],
        _ if TAGGED.iter().any(|(name, _)| *name == operation) => &["aws:RequestTag/x", "aws:TagKeys"],
        _ => &[],
    }
}

/// The permissions that a request needs; `None` for an unknown operation.
pub(crate) fn required_permissions(
    tx: &Transaction,
    context: &Context,
    parsed: &ParsedRequest,
) -> Result<Option<Vec<RequiredPermission>>, AwsError> {
    let operation = parsed.operation.as_str();
    let Some(on) = operations::find(operation) else { return Ok(None) };
    let keys = ConditionKeys {
        texts: parsed.tags().iter().map(|(key, value)| (format!("aws:RequestTag/{key}"), value.clone())).collect(),
        tag_keys: parsed.tags().keys().chain(parsed.tags_removed()).cloned().collect(),
    };
    let resources = on.iter().flat_map(|on| parsed.resources(on, context)).collect();
    let mut required = vec![RequiredPermission { action: format!("glue:{operation}"), resources, keys: keys.clone() }];
    let new = TAGGED.iter().find(|(name, _)| *name == operation).filter(|_| !keys.tag_keys.is_empty());
    if let Some((_, new)) = new {
        // Only the schema is new, not its registry.
        let resources = parsed.resources(new, context).into_iter().last().into_iter().collect();
        required.push(RequiredPermission { action: "glue:TagResource".to_owned(), resources, keys });
    }
    if let Some(role) = parsed.role() {
        let mut pass = RequiredPermission::new("iam:PassRole", vec![passed_role_arn(tx, context, role)?]);
        pass.keys.texts.push((PASSED_TO.to_owned(), "glue.amazonaws.com".to_owned()));
        required.push(pass);
    }
    Ok(Some(required))
}

/// The ARN of a role given by ARN or name, whether or not the role exists.
fn passed_role_arn(tx: &Transaction, context: &Context, role: &str) -> Result<String, AwsError> {
    match Role::resolve(tx, role)? {
        Some(role) => Ok(role.arn(context)),
        None if role.starts_with("arn:") => Ok(role.to_owned()),
        None => Ok(role_arn(context, "/", role.trim_start_matches('/'))),
    }
}
