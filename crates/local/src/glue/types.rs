//! The one door to the column types of the `schema` crate.

use schema::GlueType;

/// Whether `kind` is a type that the catalog knows.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(kind: &str) -> Result<(), String> {
    kind.parse::<GlueType>().map(drop).map_err(|error| error.to_string())
}

/// The columns that the record of an Avro schema makes, name and type.
///
/// # Errors
/// Why there are none.
pub(super) fn avro_columns(definition: &str) -> Result<Vec<(String, String)>, String> {
    let columns = schema::avro::columns(definition).map_err(|error| error.to_string())?;
    Ok(columns.into_iter().map(|(name, kind)| (name, kind.to_string())).collect())
}
