//! What Glue's operations need.

use rusqlite::Transaction;

use super::operations::{self, TAGGED};
use super::request_names::Asked;
use crate::access::{Keys, Need};
use crate::context::Context;
use crate::error::AwsError;
use crate::iam::{Role, role_arn};

/// The condition key of iam:PassRole: the service that gets the role.
pub(crate) const PASSED_TO: &str = "iam:PassedToService";

/// The condition keys that an operation brings: those of its tags. `aws:RequestTag/x` stands for any tag.
pub(crate) fn condition_keys(operation: &str) -> &'static [&'static str] {
    match operation {
        "UntagResource" => &["aws:TagKeys"],
        "TagResource" => &["aws:RequestTag/x", "aws:TagKeys"],
        _ if TAGGED.iter().any(|(name, _)| *name == operation) => &["aws:RequestTag/x", "aws:TagKeys"],
        _ => &[],
    }
}

/// What a request needs; `None` for an operation without an entry.
pub(crate) fn needs(tx: &Transaction, context: &Context, asked: &Asked) -> Result<Option<Vec<Need>>, AwsError> {
    let operation = asked.operation.as_str();
    let Some(on) = operations::of(operation) else { return Ok(None) };
    let keys = Keys {
        texts: asked.tags().iter().map(|(key, value)| (format!("aws:RequestTag/{key}"), value.clone())).collect(),
        tag_keys: asked.tags().keys().chain(asked.tags_removed()).cloned().collect(),
    };
    let resources = on.iter().flat_map(|on| asked.resources(on, context)).collect();
    let mut needs = vec![Need { action: format!("glue:{operation}"), resources, keys: keys.clone() }];
    let new = TAGGED.iter().find(|(name, _)| *name == operation).filter(|_| !keys.tag_keys.is_empty());
    if let Some((_, new)) = new {
        // The schema alone is new, not its registry.
        let resources = asked.resources(new, context).into_iter().last().into_iter().collect();
        needs.push(Need { action: "glue:TagResource".to_owned(), resources, keys });
    }
    if let Some(role) = asked.role() {
        let mut pass = Need::new("iam:PassRole", vec![passed(tx, context, role)?]);
        pass.keys.texts.push((PASSED_TO.to_owned(), "glue.amazonaws.com".to_owned()));
        needs.push(pass);
    }
    Ok(Some(needs))
}

/// The ARN of a role that is given by ARN or name, be it there or not.
fn passed(tx: &Transaction, context: &Context, role: &str) -> Result<String, AwsError> {
    match Role::referred(tx, role)? {
        Some(role) => Ok(role.arn(context)),
        None if role.starts_with("arn:") => Ok(role.to_owned()),
        None => Ok(role_arn(context, "/", role.trim_start_matches('/'))),
    }
}
