//! Reads and checks all names in a request once, so that the names judged are the names used.

use std::collections::BTreeMap;

use serde_json::Value;

use super::operations::{self, ResourceSelector, TAGGED};
use super::registry;
use super::schema_key::{SchemaKey, VersionKey};
use super::validate::{self, ARN, MAX_TAGS, Members, NAME, REGISTRY_NAME, ROLE, TAG_KEY};
use crate::context::Context;
use crate::error::AwsError;

/// A request, before anything is looked up.
#[derive(Debug)]
pub(crate) struct ParsedRequest {
    pub(crate) operation: String,
    pub(super) body: Value,
    pub(super) names: RequestNames,
}

/// The names in a request, as far as its operation uses them. Names of catalog tables and databases are in lower case.
#[derive(Debug, Default)]
pub(super) struct RequestNames {
    pub(super) database: Option<String>,
    pub(super) tables: Vec<String>,
    pub(super) function: Option<String>,
    pub(super) crawlers: Vec<String>,
    pub(super) registry: Option<String>,
    pub(super) schema: Option<SchemaKey>,
    pub(super) version: Option<VersionKey>,
    pub(super) arn: Option<String>,
    role: Option<String>,
    tags: BTreeMap<String, String>,
    tags_removed: Vec<String>,
}

impl ParsedRequest {
    /// Reads the names that the operation uses, and no others.
    ///
    /// # Errors
    /// `ValidationException`, `SerializationException` or `InvalidInputException` for invalid names.
    pub(crate) fn read(context: &Context, operation: &str, body: Value) -> Result<ParsedRequest, AwsError> {
        let members = Members::new(&body)?;
        if let Some(catalog) = members.text("CatalogId", NAME)?
            && catalog != context.account
        {
            return Err(validate::not_found(format!("Catalog {catalog} not found.")));
        }
        let mut names = RequestNames::default();
        for on in operations::find(operation).unwrap_or_default() {
            names.read(on, context, &members)?;
        }
        names.read_others(operation, &members)?;
        Ok(ParsedRequest { operation: operation.to_owned(), body, names })
    }

    /// The role that a crawler is given.
    pub(crate) fn role(&self) -> Option<&str> {
        self.names.role.as_deref()
    }

    /// The tags to add.
    pub(crate) fn tags(&self) -> &BTreeMap<String, String> {
        &self.names.tags
    }

    /// The keys of the tags to remove.
    pub(crate) fn tags_removed(&self) -> &[String] {
        &self.names.tags_removed
    }

    /// The ARNs of what `on` means.
    pub(crate) fn resources(&self, on: &ResourceSelector, context: &Context) -> Vec<String> {
        self.names.resources(on, context)
    }
}

impl RequestNames {
    fn read(&mut self, on: &ResourceSelector, context: &Context, body: &Members) -> Result<(), AwsError> {
        let lower = |members: &Members, member| members.required(member, NAME).map(str::to_lowercase);
        match on {
            ResourceSelector::Anything
            | ResourceSelector::AnyCrawler
            | ResourceSelector::Catalog
            | ResourceSelector::EveryDatabase
            | ResourceSelector::Tables
            | ResourceSelector::Functions => {}
            ResourceSelector::Database(member) => self.database = Some(lower(body, member)?),
            ResourceSelector::DatabaseIfNamed(member) => {
                self.database = body.text(member, NAME)?.map(str::to_lowercase)
            }
            ResourceSelector::NewDatabase => {
                self.database = Some(lower(&body.required_members("DatabaseInput")?, "Name")?)
            }
            ResourceSelector::Table(member) => self.tables = vec![lower(body, member)?],
            ResourceSelector::TableInput => self.tables = vec![lower(&body.required_members("TableInput")?, "Name")?],
            ResourceSelector::EachTable(member) => {
                self.tables = body.texts(member, NAME, 100)?.into_iter().map(str::to_lowercase).collect();
            }
            ResourceSelector::Function => self.function = Some(body.required("FunctionName", NAME)?.to_owned()),
            ResourceSelector::Crawler => self.crawlers = vec![body.required("Name", NAME)?.to_owned()],
            ResourceSelector::EachCrawler(member) => {
                self.crawlers = body.texts(member, NAME, 100)?.into_iter().map(str::to_owned).collect();
            }
            ResourceSelector::NewRegistry => {
                self.registry = Some(body.required("RegistryName", REGISTRY_NAME)?.to_owned())
            }
            ResourceSelector::Registry => {
                self.registry = Some(registry::key(context, &body.required_members("RegistryId")?)?)
            }
            ResourceSelector::RegistryIfNamed => self.registry = registry::key_if_named(context, body)?,
            ResourceSelector::NewSchema => {
                let registry = registry::key_if_named(context, body)?.unwrap_or_else(|| registry::DEFAULT.to_owned());
                let name = body.required("SchemaName", REGISTRY_NAME)?.to_owned();
                self.schema = Some(SchemaKey { registry, name });
            }
            ResourceSelector::Schema => {
                self.schema = Some(SchemaKey::read(context, &body.required_members("SchemaId")?)?)
            }
            ResourceSelector::SchemaVersion => self.version = Some(VersionKey::read(context, body)?),
            ResourceSelector::Resource => self.arn = Some(body.required("ResourceArn", ARN)?.to_owned()),
        }
        Ok(())
    }

    /// Reads what is judged in addition to the resources of the operation.
    fn read_others(&mut self, operation: &str, body: &Members) -> Result<(), AwsError> {
        if let Some((_, new)) = TAGGED.iter().find(|(name, _)| *name == operation) {
            if let ResourceSelector::Crawler = new {
                self.crawlers = vec![body.required("Name", NAME)?.to_owned()];
            }
            self.tags = owned(body.tags("Tags")?);
        }
        match operation {
            "CreateCrawler" | "UpdateCrawler" => self.role = body.text("Role", ROLE)?.map(str::to_owned),
            "TagResource" => self.tags = owned(body.tags("TagsToAdd")?),
            "UntagResource" => {
                let removed = body.texts("TagsToRemove", TAG_KEY, MAX_TAGS)?;
                self.tags_removed = removed.into_iter().map(str::to_owned).collect();
            }
            _ => {}
        }
        Ok(())
    }

    fn resources(&self, on: &ResourceSelector, context: &Context) -> Vec<String> {
        let arn = |resource: String| context.arn("glue", &resource);
        let database = || self.database.as_deref().unwrap_or("*");
        // One ARN for each name, and at least one, so that an empty list does not avoid the check.
        let each = |names: &[String], arn: &dyn Fn(&str) -> String| match names {
            [] => vec![arn("*")],
            names => names.iter().map(|name| arn(name)).collect(),
        };
        let anything = || vec!["*".to_owned()];
        match on {
            ResourceSelector::Anything | ResourceSelector::AnyCrawler => anything(),
            ResourceSelector::Catalog => vec![arn("catalog".to_owned())],
            ResourceSelector::Database(_)
            | ResourceSelector::DatabaseIfNamed(_)
            | ResourceSelector::NewDatabase
            | ResourceSelector::EveryDatabase => {
                vec![arn(format!("database/{}", database()))]
            }
            ResourceSelector::Table(_) | ResourceSelector::TableInput | ResourceSelector::EachTable(_) => {
                each(&self.tables, &|name| arn(format!("table/{}/{name}", database())))
            }
            ResourceSelector::Tables => vec![arn(format!("table/{}/*", database()))],
            ResourceSelector::Functions => vec![arn(format!("userDefinedFunction/{}/*", database()))],
            ResourceSelector::Function => {
                let name = self.function.as_deref().unwrap_or("*");
                vec![arn(format!("userDefinedFunction/{}/{name}", database()))]
            }
            ResourceSelector::Crawler | ResourceSelector::EachCrawler(_) => {
                each(&self.crawlers, &|name| arn(format!("crawler/{name}")))
            }
            ResourceSelector::NewRegistry | ResourceSelector::Registry | ResourceSelector::RegistryIfNamed => {
                match &self.registry {
                    Some(name) => vec![arn(format!("registry/{name}"))],
                    None => anything(),
                }
            }
            ResourceSelector::NewSchema | ResourceSelector::Schema => {
                self.schema.as_ref().map_or_else(anything, |key| key.resources(context))
            }
            ResourceSelector::SchemaVersion => {
                self.version.as_ref().map_or_else(anything, |key| key.resources(context))
            }
            ResourceSelector::Resource => self.arn.iter().cloned().collect(),
        }
    }
}

fn owned(tags: BTreeMap<&str, &str>) -> BTreeMap<String, String> {
    tags.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}
