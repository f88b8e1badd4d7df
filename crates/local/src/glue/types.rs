//! Column types, as the `schema` crate reads them.

use schema::GlueType;

/// Checks that `kind` is a type of the catalog.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(kind: &str) -> Result<(), String> {
    kind.parse::<GlueType>().map(drop).map_err(|error| error.to_string())
}

/// The columns of the record in an Avro schema: names and types.
///
/// # Errors
/// Why there are none.
pub(super) fn avro_columns(definition: &str) -> Result<Vec<(String, String)>, String> {
    let columns = schema::avro::columns(definition).map_err(|error| error.to_string())?;
    Ok(columns.into_iter().map(|(name, kind)| (name, kind.to_string())).collect())
}
