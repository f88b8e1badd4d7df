//! The policies of a role: inline ones, and managed ones attached to it.

use rusqlite::{OptionalExtension, Transaction, params};

use super::format::{size, url_encoded};
use super::page::MarkerPage;
use super::roles::Role;
use super::{check, limit_exceeded, no_such_entity, policies};
use crate::context::Context;
use crate::error::AwsError;
use crate::policy::PolicyDocument;
use crate::wire::params::Params;
use crate::wire::xml::Xml;

/// The quota of all inline policies of a role together, in characters without white space.
const MAX_INLINE: usize = 10_240;

/// The quota of managed policies attached to a role.
const MAX_ATTACHED: usize = 10;

/// The inline policies of a role, by name: (name, document).
pub(super) fn inline(tx: &Transaction, role: &str) -> Result<Vec<(String, String)>, AwsError> {
    let mut statement =
        tx.prepare_cached("SELECT name, document FROM iam_role_policy WHERE role = ?1 ORDER BY name")?;
    let rows = statement.query_map([role], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The ARNs of the managed policies attached to a role.
pub(super) fn attached(tx: &Transaction, role: &str) -> Result<Vec<String>, AwsError> {
    let mut statement = tx.prepare_cached("SELECT arn FROM iam_role_attachment WHERE role = ?1 ORDER BY arn")?;
    let rows = statement.query_map([role], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn put(tx: &Transaction, context: &Context, params: &Params) -> Result<Xml, AwsError> {
    let role = Role::from_params(tx, params)?;
    let name = check::policy_name(params)?;
    let document = params.required("PolicyDocument")?;
    check::length("policyDocument", document, 1, 131_072)?;
    PolicyDocument::identity(document)?.check_partition(context.partition())?;
    let others: usize =
        inline(tx, &role.name)?.iter().filter(|(other, _)| other != name).map(|(_, document)| size(document)).sum();
    if others + size(document) > MAX_INLINE {
        return Err(limit_exceeded(format!(
            "Maximum policy size of {MAX_INLINE} bytes exceeded for role {}",
            role.name
        )));
    }
    tx.execute(
        "INSERT INTO iam_role_policy (role, name, document) VALUES (?1, ?2, ?3)
         ON CONFLICT (role, name) DO UPDATE SET document = excluded.document",
        params![role.name, name, document],
    )?;
    Ok(Xml::default())
}

pub(super) fn get(tx: &Transaction, params: &Params) -> Result<Xml, AwsError> {
    let role = Role::from_params(tx, params)?;
    let name = check::policy_name(params)?;
    let sql = "SELECT document FROM iam_role_policy WHERE role = ?1 AND name = ?2";
    let document: Option<String> = tx.query_row(sql, [&role.name, name], |row| row.get(0)).optional()?;
    let document = document.ok_or_else(|| no_policy(name))?;
    let mut xml = Xml::default();
    xml.text("RoleName", &role.name);
    xml.text("PolicyName", name);
    xml.text("PolicyDocument", &url_encoded(&document));
    Ok(xml)
}

fn no_policy(name: &str) -> AwsError {
    no_such_entity(format!("The role policy with name {name} cannot be found."))
}

pub(super) fn list(tx: &Transaction, params: &Params) -> Result<Xml, AwsError> {
    let role = Role::from_params(tx, params)?;
    let page = MarkerPage::read(params)?;
    let sql = "SELECT name FROM iam_role_policy WHERE role = ?1 AND name > ?2 ORDER BY name LIMIT ?3";
    let names = texts(tx, sql, &role, &page)?;
    Ok(page.write("PolicyNames", names, |name| name, |xml, name| xml.content(name)))
}

fn texts(tx: &Transaction, sql: &str, role: &Role, page: &MarkerPage) -> Result<Vec<String>, AwsError> {
    let mut statement = tx.prepare_cached(sql)?;
    let rows = statement.query_map(params![role.name, page.after, page.rows()], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn delete(tx: &Transaction, params: &Params) -> Result<Xml, AwsError> {
    let role = Role::from_params(tx, params)?;
    let name = check::policy_name(params)?;
    let deleted = tx.execute("DELETE FROM iam_role_policy WHERE role = ?1 AND name = ?2", [&role.name, name])?;
    if deleted == 0 { Err(no_policy(name)) } else { Ok(Xml::default()) }
}

pub(super) fn attach(tx: &Transaction, params: &Params) -> Result<Xml, AwsError> {
    let role = Role::from_params(tx, params)?;
    let arn = policies::existing(tx, params, "PolicyArn")?;
    let others = attached(tx, &role.name)?.iter().filter(|other| *other != arn).count();
    if others >= MAX_ATTACHED {
        return Err(limit_exceeded(format!("Cannot exceed quota for PoliciesPerRole: {MAX_ATTACHED}")));
    }
    tx.execute(
        "INSERT INTO iam_role_attachment (role, arn) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        [&role.name, arn],
    )?;
    Ok(Xml::default())
}

pub(super) fn detach(tx: &Transaction, params: &Params) -> Result<Xml, AwsError> {
    let role = Role::from_params(tx, params)?;
    let arn = check::policy_arn(params, "PolicyArn")?;
    let deleted = tx.execute("DELETE FROM iam_role_attachment WHERE role = ?1 AND arn = ?2", [&role.name, arn])?;
    if deleted == 0 {
        return Err(no_such_entity(format!("Policy {arn} was not found.")));
    }
    Ok(Xml::default())
}

pub(super) fn list_attached(tx: &Transaction, params: &Params) -> Result<Xml, AwsError> {
    let role = Role::from_params(tx, params)?;
    let page = MarkerPage::read(params)?;
    let sql = "SELECT arn FROM iam_role_attachment WHERE role = ?1 AND arn > ?2 ORDER BY arn LIMIT ?3";
    let arns = texts(tx, sql, &role, &page)?;
    Ok(page.write(
        "AttachedPolicies",
        arns,
        |arn| arn,
        |xml, arn| {
            xml.text("PolicyName", arn.rsplit('/').next().unwrap_or_default());
            xml.text("PolicyArn", arn);
        },
    ))
}
