//! What a role may do and who may assume it, as the store has it.

use rusqlite::Transaction;

use super::policies;
use super::role_policies::{attached, inline};
use super::roles::Role;
use crate::context::Context;
use crate::error::AwsError;
use crate::policy::{self, ConditionValue, Permissions, PolicyDocument};

/// Reads what a role may do now. An unknown managed policy allows nothing.
///
/// # Errors
/// If the state store fails.
pub(crate) fn role_permissions(tx: &Transaction, role: &Role) -> Result<Permissions, AwsError> {
    let mut identity = Vec::new();
    for (_, document) in inline(tx, &role.name)? {
        identity.push(PolicyDocument::identity(&document)?);
    }
    for arn in attached(tx, &role.name)? {
        identity.extend(managed(tx, &arn)?);
    }
    let boundary = match &role.boundary {
        Some(arn) => Some(managed(tx, arn)?.unwrap_or(PolicyDocument::silent())),
        None => None,
    };
    Ok(Permissions { identity, boundary })
}

fn managed(tx: &Transaction, arn: &str) -> Result<Option<PolicyDocument>, AwsError> {
    policies::document(tx, arn)?.map(|document| PolicyDocument::identity(&document)).transpose()
}

/// Finds a role that Glue may assume for this account.
///
/// `role` is a name, with or without its path, or an ARN. A condition on aws:SourceArn is met if the ARN of some Glue
/// resource of the account can meet it.
///
/// # Errors
/// If the state store fails.
pub(crate) fn assumable_by_glue(tx: &Transaction, context: &Context, role: &str) -> Result<Option<Role>, AwsError> {
    let Some(role) = Role::resolve(tx, role)?.filter(|role| context.has_spread(role.created)) else { return Ok(None) };
    let account = &context.account;
    let mut keys = vec![("aws:SourceArn", ConditionValue::GlueArn { account })];
    if context.unknowns.sends_source_account {
        keys.push(("aws:SourceAccount", ConditionValue::Text(account)));
    }
    Ok(policy::trusts(&role.trust, &["glue.amazonaws.com"], &keys)?.then_some(role))
}

#[cfg(test)]
mod tests;
