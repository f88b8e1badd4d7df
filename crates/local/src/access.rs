//! Whether a role may make a request.
//!
//! Each service has a table of the permissions that its operations need, after AWS's Service Authorization Reference: Glue's
//! [`OPERATIONS`](crate::glue::operations::OPERATIONS), [`dynamodb::OPERATIONS`] and [`iam::OPERATIONS`]. An entry lists the
//! action, the resources on each of which it must be allowed, and the condition keys. Roles are refused operations without an
//! entry. The account itself may do everything, and nothing is looked up for it.

pub(crate) mod dynamodb;
pub(crate) mod iam;
#[cfg(test)]
mod tests;

use rusqlite::Transaction;

use crate::context::Context;
use crate::error::AwsError;
use crate::iam::{Role, role_tags};
use crate::policy::{AccessRequest, ConditionValue, Refusal};
use crate::tags;
use crate::wire::Service;

/// The resource of actions without resources.
pub(crate) const ANYTHING: &str = "*";

/// A permission that a request needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequiredPermission {
    pub(crate) action: String,
    /// The action must be allowed on each of them.
    pub(crate) resources: Vec<String>,
    pub(crate) keys: ConditionKeys,
}

/// The condition keys in the request itself.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct ConditionKeys {
    pub(crate) texts: Vec<(String, String)>,
    /// The values of aws:TagKeys; the key is absent if this is empty.
    pub(crate) tag_keys: Vec<String>,
}

impl RequiredPermission {
    pub(crate) fn new(action: &str, resources: Vec<String>) -> RequiredPermission {
        RequiredPermission { action: action.to_owned(), resources, keys: ConditionKeys::default() }
    }

    /// To read the schema version that a table refers to, on behalf of the reader of the table.
    pub(crate) fn schema_version(resources: Vec<String>) -> RequiredPermission {
        RequiredPermission::new("glue:GetSchemaVersion", resources)
    }

    /// To read a whole DynamoDB table.
    pub(crate) fn scan(context: &Context, table: &str) -> Vec<RequiredPermission> {
        let on_table =
            |action| RequiredPermission::new(action, vec![context.arn("dynamodb", &format!("table/{table}"))]);
        vec![on_table("dynamodb:DescribeTable"), on_table("dynamodb:Scan")]
    }
}

/// One check of the caller's policies, with all that the store knows.
pub(crate) struct PermissionCheck {
    action: String,
    resource: String,
    /// The values of condition keys with one value.
    texts: Vec<(String, String)>,
    tag_keys: Vec<String>,
}

/// The error for an operation whose permissions are unknown.
pub(crate) fn unknown(context: &Context, service: Service, operation: &str) -> AwsError {
    let action = format!("{}:{operation}", service.name().to_ascii_lowercase());
    context.denied(&action, ANYTHING, "because this endpoint does not know what permission that needs")
}

/// Looks up what is needed to check permissions. The checks are judged outside the transaction, so that slow policies do not
/// block others.
///
/// # Errors
/// If the state store fails.
pub(crate) fn collect_checks(
    tx: &Transaction,
    context: &Context,
    required: &[RequiredPermission],
) -> Result<Vec<PermissionCheck>, AwsError> {
    let mut checks = Vec::new();
    for RequiredPermission { action, resources, keys } in required {
        for resource in resources {
            let mut texts = keys.texts.clone();
            texts.extend(resource_tags(tx, context, resource)?);
            let (action, resource, tag_keys) = (action.clone(), resource.clone(), keys.tag_keys.clone());
            checks.push(PermissionCheck { action, resource, texts, tag_keys });
        }
    }
    Ok(checks)
}

/// Judges checks, and refuses what the caller may not do.
///
/// # Errors
/// `AccessDeniedException`, in AWS's words.
pub(crate) fn judge(context: &Context, checks: &[PermissionCheck]) -> Result<(), AwsError> {
    let Some(permissions) = context.caller.permissions() else { return Ok(()) };
    for PermissionCheck { action, resource, texts, tag_keys } in checks {
        let mut known: Vec<_> = texts.iter().map(|(key, value)| (key.as_str(), ConditionValue::Text(value))).collect();
        if !tag_keys.is_empty() {
            known.push(("aws:TagKeys", ConditionValue::Texts(tag_keys)));
        }
        known.push(("aws:ResourceAccount", ConditionValue::Text(&context.account)));
        known.push(("aws:RequestedRegion", ConditionValue::Text(requested_region(context, action))));
        let why = match permissions.allow(&AccessRequest { action, resource, keys: &known }) {
            Ok(()) => continue,
            Err(Refusal::NoIdentityPolicy) => format!("because no identity-based policy allows the {action} action"),
            Err(Refusal::NoBoundary) => format!("because no permissions boundary allows the {action} action"),
            Err(Refusal::DeniedByIdentityPolicy) => "with an explicit deny in an identity-based policy".to_owned(),
            Err(Refusal::DeniedByBoundary) => "with an explicit deny in a permissions boundary".to_owned(),
        };
        return Err(context.denied(action, resource, &why));
    }
    Ok(())
}

/// Looks up and judges one permission.
///
/// # Errors
/// `AccessDeniedException`, in AWS's words.
pub(crate) fn check(tx: &Transaction, context: &Context, required: &RequiredPermission) -> Result<(), AwsError> {
    match context.caller.permissions() {
        None => Ok(()),
        Some(_) => judge(context, &collect_checks(tx, context, std::slice::from_ref(required))?),
    }
}

/// The region of a request for conditions: IAM is global, in one region of each partition.
fn requested_region<'a>(context: &'a Context, action: &str) -> &'a str {
    match context.partition() {
        _ if !action.starts_with("iam:") => &context.region,
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        _ => "us-east-1",
    }
}

/// The tags of an existing resource, as condition keys.
fn resource_tags(tx: &Transaction, context: &Context, arn: &str) -> Result<Vec<(String, String)>, AwsError> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let tags: Vec<_> = match parts[..] {
        [_, _, "glue", ..] => tags::get_spread(tx, context, arn)?.into_iter().collect(),
        [_, _, "iam", _, _, resource] if resource.starts_with("role/") => {
            match Role::resolve(tx, arn)?.filter(|role| context.has_spread(role.created)) {
                Some(role) => role_tags(tx, &role.name)?.into_iter().map(|tag| (tag.key, tag.value)).collect(),
                None => Vec::new(),
            }
        }
        _ => Vec::new(),
    };
    let key = |(key, value): (String, String)| {
        let own = parts.get(2).filter(|service| **service == "iam").map(|_| format!("iam:ResourceTag/{key}"));
        own.into_iter().chain([format!("aws:ResourceTag/{key}")]).map(move |name| (name, value.clone()))
    };
    Ok(tags.into_iter().flat_map(key).collect())
}
