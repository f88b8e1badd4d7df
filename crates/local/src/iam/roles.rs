//! Roles and their tags.

use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::format::{size, timestamp, unique_id, url_encoded};
use super::page::MarkerPage;
use super::tags::{self, Tag};
use super::{check, limit_exceeded, no_such_entity, policies};
use crate::context::Context;
use crate::error::AwsError;
use crate::policy::PolicyDocument;
use crate::wire::params::Params;
use crate::wire::xml::Xml;

/// The quota of a trust policy, in characters without white space.
const MAX_TRUST: usize = 2048;

/// One row of `iam_role`.
pub(crate) struct Role {
    pub(crate) name: String,
    /// A role recreated under the same name has another id.
    pub(crate) id: String,
    pub(super) path: String,
    /// In milliseconds since 1970.
    pub(crate) created: i64,
    description: Option<String>,
    pub(crate) trust: String,
    /// In seconds.
    pub(crate) max_session: i64,
    pub(crate) boundary: Option<String>,
}

const COLUMNS: &str = "name, id, path, created, description, trust, max_session, boundary";

impl Role {
    fn from_row(row: &Row) -> rusqlite::Result<Role> {
        Ok(Role {
            name: row.get(0)?,
            id: row.get(1)?,
            path: row.get(2)?,
            created: row.get(3)?,
            description: row.get(4)?,
            trust: row.get(5)?,
            max_session: row.get(6)?,
            boundary: row.get(7)?,
        })
    }

    pub(crate) fn find(tx: &Transaction, name: &str) -> Result<Option<Role>, AwsError> {
        let sql = format!("SELECT {COLUMNS} FROM iam_role WHERE name = ?1");
        Ok(tx.query_row(&sql, [name], Role::from_row).optional()?)
    }

    /// Finds a role by its name, with or without path, or its ARN.
    pub(crate) fn resolve(tx: &Transaction, role: &str) -> Result<Option<Role>, AwsError> {
        let found = Role::find(tx, role.rsplit('/').next().unwrap_or_default())?;
        Ok(match role.splitn(6, ':').nth(5) {
            Some(resource) => found.filter(|found| resource == format!("role{}{}", found.path, found.name)),
            None => found,
        })
    }

    pub(crate) fn arn(&self, context: &Context) -> String {
        arn(context, &self.path, &self.name)
    }

    /// The role named by the parameter RoleName.
    pub(super) fn from_params(tx: &Transaction, params: &Params) -> Result<Role, AwsError> {
        let name = check::role_name(params)?;
        Role::find(tx, name)?.ok_or_else(|| no_such_entity(format!("The role with name {name} cannot be found.")))
    }

    /// Writes what lists show of a role.
    fn write(&self, context: &Context, xml: &mut Xml) {
        xml.text("Path", &self.path);
        xml.text("RoleName", &self.name);
        xml.text("RoleId", &self.id);
        xml.text("Arn", &self.arn(context));
        xml.text("CreateDate", &timestamp(self.created));
        xml.text("AssumeRolePolicyDocument", &url_encoded(&self.trust));
        if let Some(description) = &self.description {
            xml.text("Description", description);
        }
        xml.text("MaxSessionDuration", &self.max_session.to_string());
    }

    /// Writes the whole role, with tags and boundary.
    fn write_whole(&self, tx: &Transaction, context: &Context) -> Result<Xml, AwsError> {
        let tags = tags::list(tx, &self.name)?;
        let mut xml = Xml::default();
        xml.wrap("Role", |xml| {
            self.write(context, xml);
            if let Some(boundary) = &self.boundary {
                xml.wrap("PermissionsBoundary", |xml| {
                    xml.text("PermissionsBoundaryType", "PermissionsBoundaryPolicy");
                    xml.text("PermissionsBoundaryArn", boundary);
                });
            }
            if !tags.is_empty() {
                xml.list("Tags", &tags, |xml, tag| tag.write(xml));
            }
        });
        Ok(xml)
    }
}

/// The ARN of a role of the account.
pub(crate) fn arn(context: &Context, path: &str, name: &str) -> String {
    format!("arn:{}:iam::{}:role{path}{name}", context.partition(), context.account)
}

pub(super) fn create(tx: &Transaction, context: &Context, params: &Params) -> Result<Xml, AwsError> {
    let name = check::role_name(params)?;
    let path = check::path(params)?;
    let description = check::description(params)?;
    let max_session = check::max_session(params)?.unwrap_or(3600);
    let boundary =
        params.get("PermissionsBoundary").map(|_| policies::existing(tx, params, "PermissionsBoundary")).transpose()?;
    let trust = trust(params, "AssumeRolePolicyDocument")?;
    let new_tags = tags::read(params)?;
    let most = context.unknowns.roles;
    if Role::find(tx, name)?.is_none() && count(tx)? >= most {
        return Err(limit_exceeded(format!("Cannot exceed quota for RolesPerAccount: {most}")));
    }
    let inserted = tx.execute(
        "INSERT INTO iam_role (name, id, path, created, description, trust, max_session, boundary)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (name) DO NOTHING",
        params![name, unique_id("AROA"), path, context.now, description, trust, max_session, boundary],
    )?;
    if inserted == 0 {
        return Err(AwsError::new("EntityAlreadyExists", format!("Role with name {name} already exists.")).status(409));
    }
    tags::put(tx, name, &new_tags)?;
    get(tx, context, params)
}

/// GetAccountSummary: the entries about roles.
pub(super) fn account_summary(tx: &Transaction, context: &Context) -> Result<Xml, AwsError> {
    let mut xml = Xml::default();
    let numbers = [("Roles", count(tx)?), ("RolesQuota", context.unknowns.roles)];
    xml.wrap("SummaryMap", |xml| {
        for (key, value) in numbers {
            xml.wrap("entry", |xml| {
                xml.text("key", key);
                xml.text("value", &value.to_string());
            });
        }
    });
    Ok(xml)
}

fn count(tx: &Transaction) -> Result<u32, AwsError> {
    Ok(tx.query_row("SELECT count(*) FROM iam_role", [], |row| row.get(0))?)
}

fn trust<'a>(params: &'a Params, parameter: &str) -> Result<&'a str, AwsError> {
    let document = params.required(parameter)?;
    check::length(parameter, document, 1, 131_072)?;
    PolicyDocument::trust(document)?;
    if size(document) > MAX_TRUST {
        return Err(limit_exceeded(format!("Cannot exceed quota for ACLSizePerRole: {MAX_TRUST}")));
    }
    Ok(document)
}

pub(super) fn get(tx: &Transaction, context: &Context, params: &Params) -> Result<Xml, AwsError> {
    Role::from_params(tx, params)?.write_whole(tx, context)
}

pub(super) fn list(tx: &Transaction, context: &Context, params: &Params) -> Result<Xml, AwsError> {
    let prefix = check::path_prefix(params)?;
    let page = MarkerPage::read(params)?;
    let sql = format!(
        "SELECT {COLUMNS} FROM iam_role WHERE name > ?1 AND substr(path, 1, length(?2)) = ?2 ORDER BY name LIMIT ?3"
    );
    let mut statement = tx.prepare_cached(&sql)?;
    let rows = statement.query_map(params![page.after, prefix, page.rows()], Role::from_row)?;
    let roles = rows.collect::<Result<Vec<_>, _>>()?;
    Ok(page.write("Roles", roles, |role| &role.name, |xml, role| role.write(context, xml)))
}

pub(super) fn update(tx: &Transaction, params: &Params) -> Result<Xml, AwsError> {
    let role = Role::from_params(tx, params)?;
    if let Some(description) = check::description(params)? {
        tx.execute("UPDATE iam_role SET description = ?2 WHERE name = ?1", params![role.name, description])?;
    }
    if let Some(seconds) = check::max_session(params)? {
        tx.execute("UPDATE iam_role SET max_session = ?2 WHERE name = ?1", params![role.name, seconds])?;
    }
    Ok(Xml::default())
}

pub(super) fn update_description(tx: &Transaction, context: &Context, params: &Params) -> Result<Xml, AwsError> {
    params.required("Description")?;
    update(tx, params)?;
    get(tx, context, params)
}

pub(super) fn update_trust(tx: &Transaction, params: &Params) -> Result<Xml, AwsError> {
    let role = Role::from_params(tx, params)?;
    let trust = trust(params, "PolicyDocument")?;
    tx.execute("UPDATE iam_role SET trust = ?2 WHERE name = ?1", params![role.name, trust])?;
    Ok(Xml::default())
}

pub(super) fn delete(tx: &Transaction, params: &Params) -> Result<Xml, AwsError> {
    let role = Role::from_params(tx, params)?;
    let has = |table: &str| {
        tx.query_row(&format!("SELECT EXISTS (SELECT 1 FROM {table} WHERE role = ?1)"), [&role.name], |row| row.get(0))
    };
    let conflict = |todo| {
        Err(AwsError::new("DeleteConflict", format!("Cannot delete entity, must {todo} policies first.")).status(409))
    };
    if has("iam_role_attachment")? {
        return conflict("detach all");
    }
    if has("iam_role_policy")? {
        return conflict("delete");
    }
    tx.execute("DELETE FROM iam_role WHERE name = ?1", [&role.name])?;
    Ok(Xml::default())
}

pub(super) fn put_boundary(tx: &Transaction, params: &Params) -> Result<Xml, AwsError> {
    let role = Role::from_params(tx, params)?;
    let arn = policies::existing(tx, params, "PermissionsBoundary")?;
    tx.execute("UPDATE iam_role SET boundary = ?2 WHERE name = ?1", params![role.name, arn])?;
    Ok(Xml::default())
}

pub(super) fn delete_boundary(tx: &Transaction, params: &Params) -> Result<Xml, AwsError> {
    let role = Role::from_params(tx, params)?;
    if role.boundary.is_none() {
        return Err(no_such_entity(format!("The role with name {} does not have a permissions boundary.", role.name)));
    }
    tx.execute("UPDATE iam_role SET boundary = NULL WHERE name = ?1", [&role.name])?;
    Ok(Xml::default())
}

pub(super) fn tag(tx: &Transaction, params: &Params) -> Result<Xml, AwsError> {
    let role = Role::from_params(tx, params)?;
    tags::put(tx, &role.name, &tags::read(params)?)?;
    Ok(Xml::default())
}

pub(super) fn untag(tx: &Transaction, params: &Params) -> Result<Xml, AwsError> {
    let role = Role::from_params(tx, params)?;
    for key in tags::read_keys(params)? {
        tx.execute("DELETE FROM iam_role_tag WHERE role = ?1 AND key = ?2", [&role.name, key])?;
    }
    Ok(Xml::default())
}

pub(super) fn list_tags(tx: &Transaction, params: &Params) -> Result<Xml, AwsError> {
    let role = Role::from_params(tx, params)?;
    let page = MarkerPage::read(params)?;
    let sql = "SELECT key, value FROM iam_role_tag WHERE role = ?1 AND key > ?2 ORDER BY key LIMIT ?3";
    let mut statement = tx.prepare_cached(sql)?;
    let rows = statement.query_map(params![role.name, page.after, page.rows()], Tag::from_row)?;
    let tags = rows.collect::<Result<Vec<_>, _>>()?;
    Ok(page.write("Tags", tags, |tag| &tag.key, |xml, tag| tag.write(xml)))
}
