//! Customer and AWS managed policies. A policy has one version, v1.

use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::format::{size, timestamp, unique_id, url_encoded};
use super::page::MarkerPage;
use super::tags::{self, Tag};
use super::{check, limit_exceeded, managed, no_such_entity};
use crate::context::Context;
use crate::error::AwsError;
use crate::policy::PolicyDocument;
use crate::wire::params::Params;
use crate::wire::xml::Xml;

/// The quota of a managed policy, in characters without white space.
const MAX_SIZE: usize = 6_144;

/// The quota of customer managed policies in an account.
const MAX_POLICIES: i64 = 1_500;

/// One managed policy.
struct ManagedPolicy {
    arn: String,
    name: String,
    id: String,
    path: String,
    created: i64,
    description: Option<String>,
    document: String,
    tags: Vec<Tag>,
    attachments: i64,
    bounded: i64,
}

const COLUMNS: &str = "arn, name, id, path, created, description, document, tags,
    (SELECT count(*) FROM iam_role_attachment a WHERE a.arn = p.arn),
    (SELECT count(*) FROM iam_role r WHERE r.boundary = p.arn)";

impl ManagedPolicy {
    fn from_row(row: &Row) -> rusqlite::Result<ManagedPolicy> {
        Ok(ManagedPolicy {
            arn: row.get(0)?,
            name: row.get(1)?,
            id: row.get(2)?,
            path: row.get(3)?,
            created: row.get(4)?,
            description: row.get(5)?,
            document: row.get(6)?,
            tags: tags::from_json(&row.get::<_, String>(7)?),
            attachments: row.get(8)?,
            bounded: row.get(9)?,
        })
    }

    /// An AWS managed policy.
    fn managed(tx: &Transaction, context: &Context, name: &str) -> Result<Option<ManagedPolicy>, AwsError> {
        let arn = format!("arn:{}:iam::aws:policy/{name}", context.partition());
        let Some(document) = managed::document(&arn) else { return Ok(None) };
        let count = |sql: &str| tx.query_one(sql, [&arn], |row| row.get(0));
        let (path, name) = match name.rsplit_once('/') {
            Some((path, name)) => (format!("/{path}/"), name),
            None => ("/".to_owned(), name),
        };
        Ok(Some(ManagedPolicy {
            attachments: count("SELECT count(*) FROM iam_role_attachment WHERE arn = ?1")?,
            bounded: count("SELECT count(*) FROM iam_role WHERE boundary = ?1")?,
            name: name.to_owned(),
            id: "ANPA".chars().chain(name.chars().take(17)).collect::<String>().to_ascii_uppercase(),
            path,
            created: 0,
            description: None,
            document: document.to_owned(),
            tags: Vec::new(),
            arn,
        }))
    }

    /// The policy named by the parameter PolicyArn.
    fn from_params(tx: &Transaction, context: &Context, params: &Params) -> Result<ManagedPolicy, AwsError> {
        let arn = check::policy_arn(params, "PolicyArn")?;
        let found = match arn.split_once(":iam::aws:policy/") {
            Some((_, name)) => ManagedPolicy::managed(tx, context, name)?,
            None => {
                let sql = format!("SELECT {COLUMNS} FROM iam_policy p WHERE arn = ?1");
                tx.query_row(&sql, [arn], ManagedPolicy::from_row).optional()?
            }
        };
        found.ok_or_else(|| no_such_entity(format!("Policy {arn} was not found.")))
    }

    fn write(&self, xml: &mut Xml) {
        xml.text("PolicyName", &self.name);
        xml.text("PolicyId", &self.id);
        xml.text("Arn", &self.arn);
        xml.text("Path", &self.path);
        xml.text("DefaultVersionId", "v1");
        xml.text("AttachmentCount", &self.attachments.to_string());
        xml.text("PermissionsBoundaryUsageCount", &self.bounded.to_string());
        xml.text("IsAttachable", "true");
        xml.text("CreateDate", &timestamp(self.created));
        xml.text("UpdateDate", &timestamp(self.created));
    }

    /// Writes the whole policy, with description and tags, which lists leave out.
    fn write_whole(&self) -> Xml {
        let mut xml = Xml::default();
        xml.wrap("Policy", |xml| {
            self.write(xml);
            if let Some(description) = &self.description {
                xml.text("Description", description);
            }
            if !self.tags.is_empty() {
                xml.list("Tags", &self.tags, |xml, tag| tag.write(xml));
            }
        });
        xml
    }
}

/// The document of a managed policy; `None` if there is no such policy, or its document is unknown here.
pub(super) fn document(tx: &Transaction, arn: &str) -> Result<Option<String>, AwsError> {
    match managed::document(arn) {
        Some(document) => Ok(Some(document.to_owned())),
        None => {
            Ok(tx.query_row("SELECT document FROM iam_policy WHERE arn = ?1", [arn], |row| row.get(0)).optional()?)
        }
    }
}

/// The ARN in the parameter `name`: of an existing customer managed policy, or of any AWS managed one.
pub(super) fn existing<'a>(tx: &Transaction, params: &'a Params, name: &str) -> Result<&'a str, AwsError> {
    let arn = check::policy_arn(params, name)?;
    if !arn.contains(":iam::aws:policy/") && document(tx, arn)?.is_none() {
        return Err(no_such_entity(format!("Policy {arn} does not exist or is not attachable.")));
    }
    Ok(arn)
}

pub(super) fn create(tx: &Transaction, context: &Context, params: &Params) -> Result<Xml, AwsError> {
    let name = check::policy_name(params)?;
    let path = check::path(params)?;
    let description = check::description(params)?;
    let document = params.required("PolicyDocument")?;
    check::length("policyDocument", document, 1, 131_072)?;
    PolicyDocument::identity(document)?.check_partition(context.partition())?;
    if size(document) > MAX_SIZE {
        return Err(limit_exceeded(format!("Cannot exceed quota for PolicySize: {MAX_SIZE}")));
    }
    let new_tags = tags::read(params)?;
    tags::check_count(new_tags.len())?;
    let count: i64 = tx.query_one("SELECT count(*) FROM iam_policy", [], |row| row.get(0))?;
    if count >= MAX_POLICIES {
        return Err(limit_exceeded(format!("Cannot exceed quota for PoliciesPerAccount: {MAX_POLICIES}")));
    }
    let policy = ManagedPolicy {
        arn: arn(context, path, name),
        name: name.to_owned(),
        id: unique_id("ANPA"),
        path: path.to_owned(),
        created: context.now,
        description: description.map(str::to_owned),
        document: document.to_owned(),
        tags: new_tags,
        attachments: 0,
        bounded: 0,
    };
    let inserted = tx.execute(
        "INSERT INTO iam_policy (name, arn, id, path, created, description, document, tags)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
        params![name, policy.arn, policy.id, path, policy.created, description, document, tags::to_json(&policy.tags)],
    )?;
    if inserted == 0 {
        let message = format!("A policy called {name} already exists. Duplicate names are not allowed.");
        return Err(AwsError::new("EntityAlreadyExists", message).status(409));
    }
    Ok(policy.write_whole())
}

/// The ARN of a policy of the account.
pub(crate) fn arn(context: &Context, path: &str, name: &str) -> String {
    format!("arn:{}:iam::{}:policy{path}{name}", context.partition(), context.account)
}

pub(super) fn get(tx: &Transaction, context: &Context, params: &Params) -> Result<Xml, AwsError> {
    Ok(ManagedPolicy::from_params(tx, context, params)?.write_whole())
}

pub(super) fn get_version(tx: &Transaction, context: &Context, params: &Params) -> Result<Xml, AwsError> {
    let policy = ManagedPolicy::from_params(tx, context, params)?;
    let version = params.required("VersionId")?;
    if version != "v1" {
        return Err(no_such_entity(format!("Policy {} version {version} does not exist.", policy.arn)));
    }
    let mut xml = Xml::default();
    xml.wrap("PolicyVersion", |xml| {
        xml.text("Document", &url_encoded(&policy.document));
        xml.text("VersionId", "v1");
        xml.text("IsDefaultVersion", "true");
        xml.text("CreateDate", &timestamp(policy.created));
    });
    Ok(xml)
}

/// Policies by ARN; of the AWS managed ones those that are known here.
pub(super) fn list(tx: &Transaction, context: &Context, params: &Params) -> Result<Xml, AwsError> {
    let prefix = check::path_prefix(params)?;
    let page = MarkerPage::read(params)?;
    let (local, aws) = match params.get("Scope").unwrap_or("All") {
        "All" => (true, true),
        "Local" => (true, false),
        "AWS" => (false, true),
        other => return Err(check::constraint("scope", other, "satisfy enum value set: [All, AWS, Local]")),
    };
    let used = params.get("OnlyAttached") == Some("true");
    let mut found = Vec::new();
    if local {
        let mut statement = tx.prepare_cached(&format!("SELECT {COLUMNS} FROM iam_policy p"))?;
        found = statement.query_map([], ManagedPolicy::from_row)?.collect::<Result<_, _>>()?;
    }
    for name in managed::NAMES.iter().filter(|_| aws) {
        found.extend(ManagedPolicy::managed(tx, context, name)?);
    }
    found.retain(|policy| {
        policy.path.starts_with(prefix) && policy.arn > page.after && (!used || policy.attachments + policy.bounded > 0)
    });
    found.sort_unstable_by(|a, b| a.arn.cmp(&b.arn));
    Ok(page.write("Policies", found, |policy| &policy.arn, |xml, policy| policy.write(xml)))
}

pub(super) fn delete(tx: &Transaction, context: &Context, params: &Params) -> Result<Xml, AwsError> {
    let policy = ManagedPolicy::from_params(tx, context, params)?;
    if policy.arn.contains(":iam::aws:policy/") {
        let message = format!("Policy {} is AWS's own and can't be deleted.", policy.arn);
        return Err(AwsError::new("AccessDenied", message).status(403));
    }
    if policy.attachments + policy.bounded > 0 {
        let message = "Cannot delete a policy attached to entities.";
        return Err(AwsError::new("DeleteConflict", message).status(409));
    }
    tx.execute("DELETE FROM iam_policy WHERE arn = ?1", [&policy.arn])?;
    Ok(Xml::default())
}
