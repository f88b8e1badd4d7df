//! `StorageDescriptor.SchemaReference`: a table whose columns come from the Schema Registry.

use serde_json::{Map, Value};

use super::schema_key::VersionKey;
use super::schema_store::{Schema, Version};
use super::validate::{Members, invalid};
use super::{Request, types};
use crate::access::{self, Need};
use crate::error::AwsError;

/// Whether a table may be given this reference.
///
/// A reference is a `SchemaVersionId`, or a `SchemaId` and a `SchemaVersionNumber`; there is no "latest": a table stays with
/// the version that it was linked to. The version must be AVAILABLE and of an AVRO schema, whose columns are known.
///
/// # Errors
/// `InvalidInputException` for half a reference or a version that can't be linked, `EntityNotFoundException` for one that is
/// not there.
pub(super) fn check(request: &Request, reference: &Members) -> Result<(), AwsError> {
    let (version, schema) = find(request, &VersionKey::of_reference(request.context, reference)?)?;
    if version.status != "AVAILABLE" {
        let message =
            format!("Schema version {} is {}: a table needs one that is AVAILABLE.", version.id, version.status);
        return Err(invalid(message));
    }
    if schema.format != "AVRO" {
        let message =
            format!("Schema {} is {}: tables can be linked to AVRO schemas here.", schema.name, schema.format);
        return Err(invalid(message));
    }
    Ok(())
}

/// Puts the columns of the referenced schema into a descriptor that is about to be answered, if they are `shown`; none when
/// the schema is gone.
///
/// # Errors
/// `AccessDeniedException` if the caller may not read schema versions: Glue reads them in the caller's name ("Schema
/// registry integrations", AWS Glue guide, which leaves open whether that is a denial or no columns).
pub(super) fn expand(request: &Request, descriptor: &mut Map<String, Value>, shown: bool) -> Result<(), AwsError> {
    let Some(reference) = descriptor.get("SchemaReference").filter(|reference| !reference.is_null()) else {
        return Ok(());
    };
    if !shown {
        descriptor.insert("Columns".to_owned(), Value::Array(Vec::new()));
        return Ok(());
    }
    let key = VersionKey::of_reference(request.context, &Members::of(reference)?)?;
    let need = Need::schema_version(key.resources(request.context));
    let allowed = access::check(request.tx, request.context, &need);
    match allowed {
        Err(_) if !request.context.unknowns.reader_denied => {
            descriptor.insert("Columns".to_owned(), Value::Array(Vec::new()));
            return Ok(());
        }
        allowed => allowed?,
    }
    let columns = match find(request, &key) {
        Ok((version, _)) => types::of_avro(&version.definition).unwrap_or_default(),
        Err(error) if error.status == 400 => Vec::new(),
        Err(error) => return Err(error),
    };
    let column = |(name, kind): (String, String)| serde_json::json!({ "Name": name, "Type": kind });
    descriptor.insert("Columns".to_owned(), columns.into_iter().map(column).collect());
    Ok(())
}

fn find(request: &Request, key: &VersionKey) -> Result<(Version, Schema), AwsError> {
    let version = Version::find(request, key)?;
    let schema = Schema::at(request, &version.registry, &version.schema)?;
    Ok((version, schema))
}
