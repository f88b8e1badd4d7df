//! How requests name schemas and their versions.

use super::validate::{ARN, Members, REGISTRY_NAME, VERSION_ID, invalid};
use crate::context::Context;
use crate::error::AwsError;

/// Names a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SchemaKey {
    pub(super) registry: String,
    pub(super) name: String,
}

impl SchemaKey {
    /// Reads a `SchemaId`: an ARN, or a name with that of its registry.
    ///
    /// # Errors
    /// `InvalidInputException` for half an id, and for more than one.
    pub(super) fn read(context: &Context, id: &Members) -> Result<SchemaKey, AwsError> {
        let registry = id.text("RegistryName", REGISTRY_NAME)?;
        let (registry, name) = match (id.text("SchemaArn", ARN)?, id.text("SchemaName", REGISTRY_NAME)?, registry) {
            (Some(arn), None, None) => {
                let resource = arn.strip_prefix(&context.arn("glue", "schema/"));
                resource
                    .and_then(|resource| resource.split_once('/'))
                    .ok_or_else(|| invalid("SchemaArn is not the ARN of a schema of this account and region."))?
            }
            (None, Some(name), Some(registry)) => (registry, name),
            _ => return Err(invalid("SchemaId must hold a SchemaArn, or a SchemaName and a RegistryName.")),
        };
        Ok(SchemaKey { registry: registry.to_owned(), name: name.to_owned() })
    }

    /// The ARNs of the registry and of the schema: an action on a schema must be allowed on both.
    pub(super) fn resources(&self, context: &Context) -> Vec<String> {
        let SchemaKey { registry, name } = self;
        vec![
            context.arn("glue", &format!("registry/{registry}")),
            context.arn("glue", &format!("schema/{registry}/{name}")),
        ]
    }
}

/// `SchemaVersionNumber`.
#[derive(Debug)]
pub(super) enum VersionNumber {
    Number(i64),
    Latest,
}

impl VersionNumber {
    pub(super) fn read(member: &Members) -> Result<VersionNumber, AwsError> {
        match (member.integer("VersionNumber", 1..=100_000)?, member.flag("LatestVersion")?.unwrap_or(false)) {
            (Some(number), false) => Ok(VersionNumber::Number(number)),
            (None, true) => Ok(VersionNumber::Latest),
            (None, false) => Err(invalid("One of version number (or) latest version is required.")),
            (Some(_), true) => Err(invalid("Only one of VersionNumber or LatestVersion is required.")),
        }
    }
}

/// Names a version: by its id, or by its schema and number.
#[derive(Debug)]
pub(super) enum VersionKey {
    Id(String),
    Of(SchemaKey, VersionNumber),
}

impl VersionKey {
    /// Reads `SchemaVersionId`, or `SchemaId` and `SchemaVersionNumber`.
    ///
    /// # Errors
    /// `InvalidInputException` for less than one name, and for more.
    pub(super) fn read(context: &Context, body: &Members) -> Result<VersionKey, AwsError> {
        let number = body.members("SchemaVersionNumber")?.map(|number| VersionNumber::read(&number)).transpose()?;
        VersionKey::one(context, body, number)
    }

    /// As [`VersionKey::read`], of a table's `SchemaReference`, which holds the number itself, without an object.
    pub(super) fn from_reference(context: &Context, reference: &Members) -> Result<VersionKey, AwsError> {
        let number = reference.integer("SchemaVersionNumber", 1..=100_000)?.map(VersionNumber::Number);
        VersionKey::one(context, reference, number)
    }

    fn one(context: &Context, named: &Members, number: Option<VersionNumber>) -> Result<VersionKey, AwsError> {
        match (named.text("SchemaVersionId", VERSION_ID)?, named.members("SchemaId")?, number) {
            (Some(id), None, None) => Ok(VersionKey::Id(id.to_owned())),
            (Some(_), ..) => {
                Err(invalid("No other input parameters can be specified when fetching by SchemaVersionId."))
            }
            (None, Some(schema), Some(number)) => Ok(VersionKey::Of(SchemaKey::read(context, &schema)?, number)),
            (None, Some(_), None) => Err(invalid("One of version number (or) latest version is required.")),
            (None, None, _) => {
                Err(invalid("One of SchemaVersionId, or SchemaId and SchemaVersionNumber, is required."))
            }
        }
    }

    /// The ARNs on which an action on the version must be allowed: an id does not name its schema.
    pub(super) fn resources(&self, context: &Context) -> Vec<String> {
        match self {
            VersionKey::Id(_) => vec!["*".to_owned()],
            VersionKey::Of(schema, _) => schema.resources(context),
        }
    }
}
