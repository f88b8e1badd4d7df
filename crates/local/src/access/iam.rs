//! The permissions that operations of IAM and STS need.

use rusqlite::Transaction;

use super::{ANYTHING, ConditionKeys, RequiredPermission};
use crate::context::Context;
use crate::error::AwsError;
use crate::iam::{Role, check, policy_arn, requested_tag_keys, requested_tags, role_arn};
use crate::wire::Service;
use crate::wire::params::Params;

/// The resource of an action.
#[derive(Clone, Copy)]
pub(crate) enum IamSelector {
    /// No permission is needed.
    Free,
    /// Actions without resources.
    Anything,
    /// The role to create.
    NewRole,
    /// The role in `RoleName`.
    TheRole,
    /// The policy to create.
    NewPolicy,
    /// The ARN in the parameter.
    Arn(&'static str),
}

/// A condition key of an operation.
#[derive(Clone, Copy)]
pub(crate) enum ConditionKey {
    /// iam:PermissionsBoundary: that of the role.
    Boundary,
    /// iam:PermissionsBoundary: the requested one.
    NewBoundary,
    /// iam:PolicyARN.
    ThePolicy,
    /// aws:RequestTag/… and aws:TagKeys.
    Tags,
    /// aws:TagKeys alone.
    TagKeys,
}
use ConditionKey::*;
use IamSelector::*;

impl IamSelector {
    /// The type of resource, as the Service Authorization Reference calls it.
    pub(crate) fn resource_type(self) -> Option<&'static str> {
        match self {
            Free | Anything => None,
            NewRole | TheRole | Arn("RoleArn") => Some("role"),
            NewPolicy | Arn(_) => Some("policy"),
        }
    }
}

impl ConditionKey {
    /// The names in the Service Authorization Reference.
    pub(crate) fn names(self) -> &'static [&'static str] {
        match self {
            Boundary | NewBoundary => &["iam:PermissionsBoundary"],
            ThePolicy => &["iam:PolicyARN"],
            Tags => &["aws:RequestTag/x", "aws:TagKeys"],
            TagKeys => &["aws:TagKeys"],
        }
    }
}

/// The operations of IAM, with resource and condition keys. Each action has the name of its operation.
pub(crate) const OPERATIONS: &[(&str, IamSelector, &[ConditionKey])] = &[
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

/// The operations of STS. Everyone may ask who they are.
pub(crate) const STS_OPERATIONS: &[(&str, IamSelector, &[ConditionKey])] =
    &[("AssumeRole", Arn("RoleArn"), &[]), ("GetCallerIdentity", Free, &[])];

/// The operations that create something with tags, and the action that they also need for that.
pub(crate) const TAGGED: &[(&str, &str)] = &[("CreateRole", "iam:TagRole"), ("CreatePolicy", "iam:TagPolicy")];

/// The permissions that a request needs; `None` for an unknown operation.
pub(crate) fn required_permissions(
    tx: &Transaction,
    context: &Context,
    service: Service,
    operation: &str,
    params: &Params,
) -> Result<Option<Vec<RequiredPermission>>, AwsError> {
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
    let permission = |action: String, keys| RequiredPermission { action, resources: vec![resource.clone()], keys };
    let mut required =
        vec![permission(format!("{prefix}:{operation}"), read_condition_keys(params, role.as_ref(), keys)?)];
    if let Some((_, action)) = TAGGED.iter().find(|(name, _)| *name == operation) {
        let tags = read_condition_keys(params, None, &[Tags])?;
        required.extend((!tags.tag_keys.is_empty()).then(|| permission((*action).to_owned(), tags)));
    }
    Ok(Some(required))
}

/// An optional parameter with the ARN of a policy.
fn optional_arn<'a>(params: &'a Params, parameter: &str) -> Result<Option<&'a str>, AwsError> {
    params.get(parameter).map(|_| check::policy_arn(params, parameter)).transpose()
}

fn read_condition_keys(params: &Params, role: Option<&Role>, keys: &[ConditionKey]) -> Result<ConditionKeys, AwsError> {
    let mut known = ConditionKeys::default();
    for key in keys {
        let (name, value) = match key {
            Boundary => ("iam:PermissionsBoundary", role.and_then(|role| role.boundary.as_deref())),
            NewBoundary => ("iam:PermissionsBoundary", optional_arn(params, "PermissionsBoundary")?),
            ThePolicy => ("iam:PolicyARN", optional_arn(params, "PolicyArn")?),
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
