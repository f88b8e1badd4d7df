//! `StorageDescriptor.SchemaReference`: a table whose columns come from the Schema Registry.

use serde_json::{Map, Value};

use super::schema_key::VersionKey;
use super::schema_store::{Schema, SchemaVersion};
use super::validate::{Members, invalid};
use super::{Request, types};
use crate::access::{self, RequiredPermission};
use crate::error::AwsError;

/// Checks that a table may have this reference.
///
/// A reference is a `SchemaVersionId`, or a `SchemaId` and a `SchemaVersionNumber`; there is no "latest": a table stays with
/// the version that it was linked to. The version must be AVAILABLE, and its schema AVRO, so that its columns are known.
///
/// # Errors
/// `InvalidInputException` for half a reference or a version that can't be linked, `EntityNotFoundException` for one that is
/// not there.
pub(super) fn check(request: &Request, reference: &Members) -> Result<(), AwsError> {
    let (version, schema) = find(request, &VersionKey::from_reference(request.context, reference)?)?;
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

/// Puts the columns of the referenced schema into a descriptor for an answer, if they are `shown`. If the schema is gone, there
/// are none.
///
/// # Errors
/// `AccessDeniedException` if the caller may not read schema versions: Glue reads them on behalf of the caller ("Schema
/// registry integrations", AWS Glue guide, which leaves open whether that is a denial or no columns).
pub(super) fn expand(request: &Request, descriptor: &mut Map<String, Value>, shown: bool) -> Result<(), AwsError> {
    let Some(reference) = descriptor.get("SchemaReference").filter(|reference| !reference.is_null()) else {
        return Ok(());
    };
    if !shown {
        descriptor.insert("Columns".to_owned(), Value::Array(Vec::new()));
        return Ok(());
    }
    let key = VersionKey::from_reference(request.context, &Members::new(reference)?)?;
    let required = RequiredPermission::schema_version(key.resources(request.context));
    let allowed = access::check(request.tx, request.context, &required);
    match allowed {
        Err(_) if !request.context.unknowns.reader_denied => {
            descriptor.insert("Columns".to_owned(), Value::Array(Vec::new()));
            return Ok(());
        }
        allowed => allowed?,
    }
    let columns = match find(request, &key) {
        Ok((version, _)) => types::avro_columns(&version.definition).unwrap_or_default(),
        Err(error) if error.status == 400 => Vec::new(),
        Err(error) => return Err(error),
    };
    let column = |(name, kind): (String, String)| serde_json::json!({ "Name": name, "Type": kind });
    descriptor.insert("Columns".to_owned(), columns.into_iter().map(column).collect());
    Ok(())
}

fn find(request: &Request, key: &VersionKey) -> Result<(SchemaVersion, Schema), AwsError> {
    let version = SchemaVersion::find(request, key)?;
    let schema = Schema::find(request, &version.registry, &version.schema)?;
    Ok((version, schema))
}
