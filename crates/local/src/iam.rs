//! IAM: roles with their trust policies, inline and attached policies, tags and permissions boundaries; and what they allow.
//!
//! Roles are global: every region sees the same. Limits and messages are those of the IAM API Reference and of the quotas
//! page of the IAM User Guide. Customer managed policies have one version. Any AWS managed policy (`arn:…:iam::aws:policy/…`) can be
//! attached; AWSGlueServiceRole, AmazonDynamoDBReadOnlyAccess, AmazonDynamoDBFullAccess and AdministratorAccess are known,
//! others allow nothing here.

pub(crate) mod check;
mod copies;
mod format;
mod managed;
mod page;
mod permissions;
mod policies;
mod role_policies;
mod roles;
mod tags;

use rusqlite::Transaction;

use crate::context::Context;
use crate::error::AwsError;
use crate::wire::params::Params;
use crate::wire::xml::Xml;

pub(crate) use copies::{RoleCopy, copy_role, forget_copy};
pub(crate) use format::timestamp;
pub(crate) use permissions::{assumable_by_glue, role_permissions};
pub(crate) use policies::arn as policy_arn;
pub(crate) use roles::{Role, arn as role_arn};
pub(crate) use tags::{list as role_tags, read as requested_tags, read_keys as requested_tag_keys};

/// The tables of this service in the state store.
pub(crate) const TABLES: &str = "
    CREATE TABLE iam_role (
        name TEXT NOT NULL COLLATE NOCASE PRIMARY KEY,
        id TEXT NOT NULL,
        path TEXT NOT NULL,
        created INTEGER NOT NULL,
        description TEXT,
        trust TEXT NOT NULL,
        max_session INTEGER NOT NULL,
        boundary TEXT
    ) STRICT;
    CREATE TABLE iam_role_policy (
        role TEXT NOT NULL COLLATE NOCASE REFERENCES iam_role ON DELETE CASCADE,
        name TEXT NOT NULL,
        document TEXT NOT NULL,
        PRIMARY KEY (role, name)
    ) STRICT;
    CREATE TABLE iam_role_attachment (
        role TEXT NOT NULL COLLATE NOCASE REFERENCES iam_role ON DELETE CASCADE,
        arn TEXT NOT NULL,
        PRIMARY KEY (role, arn)
    ) STRICT;
    CREATE TABLE iam_role_tag (
        role TEXT NOT NULL COLLATE NOCASE REFERENCES iam_role ON DELETE CASCADE,
        key TEXT NOT NULL COLLATE NOCASE,
        value TEXT NOT NULL,
        PRIMARY KEY (role, key)
    ) STRICT;
";

/// The table that the second version of the store added.
pub(crate) const POLICY_TABLE: &str = "
    CREATE TABLE iam_policy (
        name TEXT NOT NULL COLLATE NOCASE PRIMARY KEY,
        arn TEXT NOT NULL UNIQUE,
        id TEXT NOT NULL,
        path TEXT NOT NULL,
        created INTEGER NOT NULL,
        description TEXT,
        document TEXT NOT NULL,
        tags TEXT NOT NULL              -- [[key, value], …] as JSON
    ) STRICT;
";

/// Answers one request with the content of its result element.
pub(crate) fn call(tx: &Transaction, context: &Context, operation: &str, params: &Params) -> Result<Xml, AwsError> {
    match operation {
        "CreateRole" => roles::create(tx, context, params),
        "GetRole" => roles::get(tx, context, params),
        "ListRoles" => roles::list(tx, context, params),
        "UpdateRole" => roles::update(tx, params),
        "UpdateRoleDescription" => roles::update_description(tx, context, params),
        "UpdateAssumeRolePolicy" => roles::update_trust(tx, params),
        "DeleteRole" => roles::delete(tx, params),
        "PutRolePermissionsBoundary" => roles::put_boundary(tx, params),
        "DeleteRolePermissionsBoundary" => roles::delete_boundary(tx, params),
        "PutRolePolicy" => role_policies::put(tx, context, params),
        "GetRolePolicy" => role_policies::get(tx, params),
        "ListRolePolicies" => role_policies::list(tx, params),
        "DeleteRolePolicy" => role_policies::delete(tx, params),
        "AttachRolePolicy" => role_policies::attach(tx, params),
        "DetachRolePolicy" => role_policies::detach(tx, params),
        "ListAttachedRolePolicies" => role_policies::list_attached(tx, params),
        "CreatePolicy" => policies::create(tx, context, params),
        "GetPolicy" => policies::get(tx, context, params),
        "GetPolicyVersion" => policies::get_version(tx, context, params),
        "ListPolicies" => policies::list(tx, context, params),
        "DeletePolicy" => policies::delete(tx, context, params),
        "TagRole" => roles::tag(tx, params),
        "UntagRole" => roles::untag(tx, params),
        "ListRoleTags" => roles::list_tags(tx, params),
        "GetAccountSummary" => roles::account_summary(tx, context),
        _ => {
            Err(AwsError::new("InvalidAction", format!("Could not find operation {operation} for version 2010-05-08")))
        }
    }
}

fn no_such_entity(message: String) -> AwsError {
    AwsError::new("NoSuchEntity", message).status(404)
}

fn limit_exceeded(message: impl Into<String>) -> AwsError {
    AwsError::new("LimitExceeded", message).status(409)
}
