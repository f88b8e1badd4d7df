//! What Glue's operations need.

use rusqlite::Transaction;
use serde_json::Value;

use super::{ANYTHING, Keys, Need};
use crate::context::Context;
use crate::error::AwsError;
use crate::glue::DEFAULT_REGISTRY;
use crate::iam::{Role, role_arn};

/// A type of resource, and where the request names those that it means: as JSON pointers.
pub(crate) enum On {
    /// Actions without resources.
    Anything,
    Catalog,
    Database(&'static str),
    /// One table of the database in `DatabaseName`.
    Table(&'static str),
    /// Those in a list of names.
    EachTable(&'static str),
    /// Every table of the database at the pointer; without one, of every database.
    Tables(&'static str),
    /// Every function of the database at the pointer; without one, of every database.
    Functions(&'static str),
    Function,
    Crawler(&'static str),
    EachCrawler(&'static str),
    /// A registry by `RegistryName`, `RegistryId` or within `SchemaId`; the default one where none is named.
    Registry,
    /// As [`On::Registry`], but no resource at all where none is named.
    RegistryIfNamed,
    /// A schema with its registry.
    Schema,
    /// A schema with its registry, where the request does not name a version by its id.
    SchemaVersion,
    /// The ARN in `ResourceArn`.
    Resource,
}
use On::*;

const IN_DATABASE: On = Database("/DatabaseName");

/// The operations and the resources on each of which their action must be allowed. An action is named as its operation.
pub(crate) const OPERATIONS: &[(&str, &[On])] = &[
    ("CreateDatabase", &[Catalog, Database("/DatabaseInput/Name")]),
    ("GetDatabase", &[Catalog, Database("/Name")]),
    ("GetDatabases", &[Catalog, Database("")]),
    ("UpdateDatabase", &[Catalog, Database("/Name")]),
    ("DeleteDatabase", &[Catalog, Database("/Name"), Tables("/Name"), Functions("/Name")]),
    ("CreateTable", &[Catalog, IN_DATABASE, Table("/TableInput/Name")]),
    ("GetTable", &[Catalog, IN_DATABASE, Table("/Name")]),
    ("GetTables", &[Catalog, IN_DATABASE, Tables("/DatabaseName")]),
    ("UpdateTable", &[Catalog, IN_DATABASE, Table("/TableInput/Name")]),
    ("DeleteTable", &[Catalog, IN_DATABASE, Table("/Name")]),
    ("BatchDeleteTable", &[Catalog, IN_DATABASE, EachTable("/TablesToDelete")]),
    ("GetTableVersion", &[Catalog, IN_DATABASE, Table("/TableName")]),
    ("GetTableVersions", &[Catalog, IN_DATABASE, Table("/TableName")]),
    ("DeleteTableVersion", &[Catalog, IN_DATABASE, Table("/TableName")]),
    ("BatchDeleteTableVersion", &[Catalog, IN_DATABASE, Table("/TableName")]),
    ("SearchTables", &[Catalog, Database(""), Tables("")]),
    ("GetPartitions", &[Catalog, IN_DATABASE, Table("/TableName")]),
    ("GetPartition", &[Catalog, IN_DATABASE, Table("/TableName")]),
    ("GetColumnStatisticsForPartition", &[Catalog, IN_DATABASE, Table("/TableName")]),
    ("BatchGetPartition", &[Catalog, IN_DATABASE, Table("/TableName")]),
    ("GetPartitionIndexes", &[Catalog, IN_DATABASE, Table("/TableName")]),
    ("GetColumnStatisticsForTable", &[Catalog, IN_DATABASE, Table("/TableName")]),
    ("GetUserDefinedFunctions", &[Catalog, IN_DATABASE, Functions("/DatabaseName")]),
    ("GetUserDefinedFunction", &[Catalog, IN_DATABASE, Function]),
    ("CreateCrawler", &[Anything]),
    ("GetCrawler", &[Crawler("/Name")]),
    ("GetCrawlers", &[Anything]),
    ("BatchGetCrawlers", &[EachCrawler("/CrawlerNames")]),
    ("ListCrawlers", &[Anything]),
    ("UpdateCrawler", &[Crawler("/Name")]),
    ("DeleteCrawler", &[Crawler("/Name")]),
    ("StartCrawler", &[Crawler("/Name")]),
    ("StopCrawler", &[Crawler("/Name")]),
    ("GetCrawlerMetrics", &[Anything]),
    ("ListCrawls", &[Anything]),
    ("StartCrawlerSchedule", &[Anything]),
    ("StopCrawlerSchedule", &[Anything]),
    ("UpdateCrawlerSchedule", &[Anything]),
    ("TagResource", &[Resource]),
    ("UntagResource", &[Resource]),
    ("GetTags", &[Resource]),
    ("CreateRegistry", &[Registry]),
    ("GetRegistry", &[Registry]),
    ("ListRegistries", &[Anything]),
    ("UpdateRegistry", &[Registry]),
    ("DeleteRegistry", &[Registry]),
    ("CreateSchema", &[Registry, Schema]),
    ("GetSchema", &[Registry, Schema]),
    ("ListSchemas", &[RegistryIfNamed]),
    ("UpdateSchema", &[Registry, Schema]),
    ("DeleteSchema", &[Registry, Schema]),
    ("RegisterSchemaVersion", &[Registry, Schema]),
    ("GetSchemaVersion", &[SchemaVersion]),
    ("ListSchemaVersions", &[Registry, Schema]),
    ("GetSchemaByDefinition", &[Registry, Schema]),
    ("CheckSchemaVersionValidity", &[Anything]),
    ("GetSchemaVersionsDiff", &[Registry, Schema]),
    ("DeleteSchemaVersions", &[Registry, Schema]),
    ("PutSchemaVersionMetadata", &[SchemaVersion]),
    ("QuerySchemaVersionMetadata", &[SchemaVersion]),
    ("RemoveSchemaVersionMetadata", &[SchemaVersion]),
];

/// The operations that make something with tags on it, and what: that needs glue:TagResource on the new resource as well.
const TAGGED: &[(&str, On)] =
    &[("CreateCrawler", Crawler("/Name")), ("CreateRegistry", Registry), ("CreateSchema", Schema)];

/// The condition key of iam:PassRole: the service that gets the role.
pub(super) const PASSED_TO: &str = "iam:PassedToService";

/// The condition keys that an operation brings: those of its tags. `aws:RequestTag/x` stands for any tag.
pub(super) fn condition_keys(operation: &str) -> &'static [&'static str] {
    match operation {
        "UntagResource" => &["aws:TagKeys"],
        "TagResource" => &["aws:RequestTag/x", "aws:TagKeys"],
        _ if TAGGED.iter().any(|(name, _)| *name == operation) => &["aws:RequestTag/x", "aws:TagKeys"],
        _ => &[],
    }
}

/// What a request needs; `None` for an operation without an entry.
pub(super) fn needs(
    tx: &Transaction,
    context: &Context,
    operation: &str,
    body: &Value,
) -> Result<Option<Vec<Need>>, AwsError> {
    let Some((_, on)) = OPERATIONS.iter().find(|(name, _)| *name == operation) else { return Ok(None) };
    let new = TAGGED.iter().find(|(name, _)| *name == operation).map(|(_, new)| new);
    let keys = match condition_keys(operation) {
        [] => Keys::default(),
        _ => tag_keys(body),
    };
    let resources = on.iter().flat_map(|on| on.resources(context, body)).collect();
    let mut needs = vec![Need { action: format!("glue:{operation}"), resources, keys: keys.clone() }];
    if let Some(new) = new.filter(|_| !keys.tag_keys.is_empty()) {
        needs.push(Need { action: "glue:TagResource".to_owned(), resources: new.resources(context, body), keys });
    }
    if let ("CreateCrawler" | "UpdateCrawler", Some(role)) = (operation, body.get("Role").and_then(Value::as_str)) {
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

fn tag_keys(body: &Value) -> Keys {
    let given = ["Tags", "TagsToAdd"].iter().filter_map(|name| body.get(name)?.as_object()).flatten();
    let mut keys = Keys::default();
    for (key, value) in given {
        keys.tag_keys.push(key.clone());
        keys.texts.push((format!("aws:RequestTag/{key}"), value.as_str().unwrap_or_default().to_owned()));
    }
    let removed = body.get("TagsToRemove").and_then(Value::as_array).into_iter().flatten();
    keys.tag_keys.extend(removed.filter_map(Value::as_str).map(str::to_owned));
    keys
}

impl On {
    /// The types of its resources, as the Service Authorization Reference calls them; none where they depend on the request.
    pub(super) fn kinds(&self) -> &'static [&'static str] {
        match self {
            Anything | Resource => &[],
            Catalog => &["rootcatalog"],
            Database(_) => &["database"],
            Table(_) | EachTable(_) | Tables(_) => &["table"],
            Functions(_) | Function => &["userdefinedfunction"],
            Crawler(_) | EachCrawler(_) => &["crawler"],
            Registry | RegistryIfNamed => &["registry"],
            Schema => &["schema"],
            SchemaVersion => &["registry", "schema"],
        }
    }

    fn resources(&self, context: &Context, body: &Value) -> Vec<String> {
        let arn = |resource: String| vec![context.arn("glue", &resource)];
        let in_database = || lower(body, "/DatabaseName");
        match self {
            Anything => vec![ANYTHING.to_owned()],
            Catalog => arn("catalog".to_owned()),
            Database(at) => arn(format!("database/{}", any(body, at))),
            Table(at) => arn(format!("table/{}/{}", in_database(), lower(body, at))),
            EachTable(at) => {
                let table =
                    |name: &str| context.arn("glue", &format!("table/{}/{}", in_database(), name.to_lowercase()));
                each(body, at, table)
            }
            Tables(at) => arn(format!("table/{}/*", any(body, at))),
            Functions(at) => arn(format!("userDefinedFunction/{}/*", any(body, at))),
            Function => arn(format!("userDefinedFunction/{}/{}", in_database(), text(body, "/FunctionName"))),
            Crawler(at) => arn(format!("crawler/{}", text(body, at))),
            EachCrawler(at) => each(body, at, |name| context.arn("glue", &format!("crawler/{name}"))),
            Registry => arn(format!("registry/{}", schema(context, body).0)),
            RegistryIfNamed if body.get("RegistryId").is_none_or(Value::is_null) => vec![ANYTHING.to_owned()],
            RegistryIfNamed => Registry.resources(context, body),
            Schema => {
                let (registry, name) = schema(context, body);
                arn(format!("schema/{registry}/{name}"))
            }
            SchemaVersion => schema_version(context, body),
            Resource => vec![text(body, "/ResourceArn").to_owned()],
        }
    }
}

/// The resources of what names a schema version: by its id, which says nothing of its schema, or by schema.
pub(super) fn schema_version(context: &Context, named: &Value) -> Vec<String> {
    match named.get("SchemaId") {
        Some(Value::Object(_)) => [Registry, Schema].iter().flat_map(|on| on.resources(context, named)).collect(),
        _ => vec![ANYTHING.to_owned()],
    }
}

/// Registry and schema as a request names them: by names or by ARN.
fn schema<'a>(context: &Context, body: &'a Value) -> (&'a str, &'a str) {
    let first = |at: &[&str]| at.iter().map(|at| text(body, at)).find(|text| !text.is_empty());
    let resource = |arn: &'a str, kind: &str| arn.strip_prefix(&context.arn("glue", kind)).unwrap_or_default();
    if let Some(arn) = first(&["/SchemaId/SchemaArn"]) {
        return resource(arn, "schema/").split_once('/').unwrap_or_default();
    }
    let by_name = first(&["/RegistryName", "/RegistryId/RegistryName", "/SchemaId/RegistryName"]);
    let registry = by_name.or_else(|| first(&["/RegistryId/RegistryArn"]).map(|arn| resource(arn, "registry/")));
    let schema = first(&["/SchemaName", "/SchemaId/SchemaName"]);
    (registry.unwrap_or(DEFAULT_REGISTRY), schema.unwrap_or_default())
}

fn text<'a>(body: &'a Value, at: &str) -> &'a str {
    body.pointer(at).and_then(Value::as_str).unwrap_or_default()
}

/// The catalog keeps its names in lower case.
fn lower(body: &Value, at: &str) -> String {
    text(body, at).to_lowercase()
}

/// What the request names, or `*`.
fn any(body: &Value, at: &str) -> String {
    match lower(body, at) {
        name if name.is_empty() => "*".to_owned(),
        name => name,
    }
}

/// One ARN a name; at least one, so that an empty list is no way around.
fn each(body: &Value, at: &str, arn: impl Fn(&str) -> String) -> Vec<String> {
    let names = body.pointer(at).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let arns: Vec<String> = names.map(&arn).collect();
    if arns.is_empty() { vec![arn("*")] } else { arns }
}
