//! What the operations of IAM and STS need.

use rusqlite::Transaction;

use super::{ANYTHING, Keys, Need};
use crate::context::Context;
use crate::error::AwsError;
use crate::iam::{Role, check, policy_arn, requested_tag_keys, requested_tags, role_arn};
use crate::wire::Service;
use crate::wire::params::Params;

/// What an action is allowed on.
#[derive(Clone, Copy)]
pub(crate) enum On {
    /// Nothing needs to be allowed.
    Free,
    /// Actions without resources.
    Anything,
    /// The role that is to be made.
    NewRole,
    /// The role in `RoleName`.
    TheRole,
    /// The policy that is to be made.
    NewPolicy,
    /// The ARN in the parameter.
    Arn(&'static str),
}

/// A condition key of an operation.
#[derive(Clone, Copy)]
pub(crate) enum Key {
    /// iam:PermissionsBoundary: that of the role.
    Boundary,
    /// iam:PermissionsBoundary: the one that is asked for.
    NewBoundary,
    /// iam:PolicyARN.
    ThePolicy,
    /// aws:RequestTag/… and aws:TagKeys.
    Tags,
    /// aws:TagKeys alone.
    TagKeys,
}
use Key::*;
use On::*;

impl On {
    /// The type of resource, as the Service Authorization Reference calls it.
    pub(crate) fn kind(self) -> Option<&'static str> {
        match self {
            Free | Anything => None,
            NewRole | TheRole | Arn("RoleArn") => Some("role"),
            NewPolicy | Arn(_) => Some("policy"),
        }
    }
}

impl Key {
    /// As the Service Authorization Reference calls it.
    pub(crate) fn names(self) -> &'static [&'static str] {
        match self {
            Boundary | NewBoundary => &["iam:PermissionsBoundary"],
            ThePolicy => &["iam:PolicyARN"],
            Tags => &["aws:RequestTag/x", "aws:TagKeys"],
            TagKeys => &["aws:TagKeys"],
        }
    }
}

/// The operations of IAM, their resource and condition keys. An action is named as its operation.
pub(crate) const OPERATIONS: &[(&str, On, &[Key])] = &[
    ("CreateRole", NewRole, &[NewBoundary, Tags]),
    ("GetRole", TheRole, &[]),
    ("ListRoles", Anything, &[]),
    ("GetAccountSummary", Anything, &[]),
    ("UpdateRole", TheRole, &[]),
    ("UpdateRoleDescription", TheRole, &[]),
    ("UpdateAssumeRolePolicy", TheRole, &[]),
    ("DeleteRole", TheRole, &[]),
    ("PutRolePermissionsBoundary", TheRole, &[NewBoundary]),
    ("DeleteRolePermissionsBoundary", TheRole, &[Boundary]),
    ("PutRolePolicy", TheRole, &[Boundary]),
    ("GetRolePolicy", TheRole, &[]),
    ("ListRolePolicies", TheRole, &[]),
    ("DeleteRolePolicy", TheRole, &[Boundary]),
    ("AttachRolePolicy", TheRole, &[ThePolicy, Boundary]),
    ("DetachRolePolicy", TheRole, &[ThePolicy, Boundary]),
    ("ListAttachedRolePolicies", TheRole, &[]),
    ("CreatePolicy", NewPolicy, &[Tags]),
    ("GetPolicy", Arn("PolicyArn"), &[]),
    ("GetPolicyVersion", Arn("PolicyArn"), &[]),
    ("ListPolicies", Anything, &[]),
    ("DeletePolicy", Arn("PolicyArn"), &[]),
    ("TagRole", TheRole, &[Tags]),
    ("UntagRole", TheRole, &[TagKeys]),
    ("ListRoleTags", TheRole, &[]),
];

/// Those of STS. Everyone may ask who they are.
pub(crate) const STS_OPERATIONS: &[(&str, On, &[Key])] =
    &[("AssumeRole", Arn("RoleArn"), &[]), ("GetCallerIdentity", Free, &[])];

/// The operations that make something with tags on it, which needs another action as well.
pub(crate) const TAGGED: &[(&str, &str)] = &[("CreateRole", "iam:TagRole"), ("CreatePolicy", "iam:TagPolicy")];

/// What a request needs; `None` for an operation without an entry.
pub(crate) fn needs(
    tx: &Transaction,
    context: &Context,
    service: Service,
    operation: &str,
    params: &Params,
) -> Result<Option<Vec<Need>>, AwsError> {
    let (prefix, operations) = match service {
        Service::Sts => ("sts", STS_OPERATIONS),
        _ => ("iam", OPERATIONS),
    };
    let Some((_, on, keys)) = operations.iter().find(|(name, ..)| *name == operation) else { return Ok(None) };
    let mut role = None;
    let resource = match on {
        Free => return Ok(Some(Vec::new())),
        Anything => ANYTHING.to_owned(),
        NewRole => role_arn(context, check::path(params)?, check::role_name(params)?),
        TheRole => {
            let name = check::role_name(params)?;
            role = Role::find(tx, name)?;
            role.as_ref().map_or_else(|| role_arn(context, "/", name), |role| role.arn(context))
        }
        NewPolicy => policy_arn(context, check::path(params)?, check::policy_name(params)?),
        Arn("RoleArn") => check::role_arn(params)?.to_owned(),
        Arn(parameter) => check::policy_arn(params, parameter)?.to_owned(),
    };
    let need = |action: String, keys| Need { action, resources: vec![resource.clone()], keys };
    let mut needs = vec![need(format!("{prefix}:{operation}"), known(params, role.as_ref(), keys)?)];
    if let Some((_, action)) = TAGGED.iter().find(|(name, _)| *name == operation) {
        let tags = known(params, None, &[Tags])?;
        needs.extend((!tags.tag_keys.is_empty()).then(|| need((*action).to_owned(), tags)));
    }
    Ok(Some(needs))
}

/// The ARN of a policy, if the parameter is there.
fn given<'a>(params: &'a Params, parameter: &str) -> Result<Option<&'a str>, AwsError> {
    params.get(parameter).map(|_| check::policy_arn(params, parameter)).transpose()
}

fn known(params: &Params, role: Option<&Role>, keys: &[Key]) -> Result<Keys, AwsError> {
    let mut known = Keys::default();
    for key in keys {
        let (name, value) = match key {
            Boundary => ("iam:PermissionsBoundary", role.and_then(|role| role.boundary.as_deref())),
            NewBoundary => ("iam:PermissionsBoundary", given(params, "PermissionsBoundary")?),
            ThePolicy => ("iam:PolicyARN", given(params, "PolicyArn")?),
            Tags => {
                for tag in requested_tags(params)? {
                    known.texts.push((format!("aws:RequestTag/{}", tag.key), tag.value));
                    known.tag_keys.push(tag.key);
                }
                continue;
            }
            TagKeys => {
                known.tag_keys = requested_tag_keys(params)?.into_iter().map(str::to_owned).collect();
                continue;
            }
        };
        known.texts.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    }
    Ok(known)
}
