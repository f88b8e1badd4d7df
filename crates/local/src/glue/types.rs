//! The one door to the column types of the `schema` crate.

/// Whether `kind` is a type that the catalog knows; the reason when it is not.
pub(super) fn check(kind: &str) -> Result<(), String> {
    // STAND-IN until schema::GlueType is here.
    let open = kind.matches('<').count();
    if open == kind.matches('>').count() { Ok(()) } else { Err("unbalanced <>".to_owned()) }
}

/// The columns that a record of an Avro schema makes, name and type.
pub(super) fn of_avro(definition: &str) -> Result<Vec<(String, String)>, String> {
    // STAND-IN until schema::avro::columns is here.
    let parsed = apache_avro::Schema::parse_str(definition).map_err(|e| e.to_string())?;
    match parsed {
        apache_avro::Schema::Record(record) => {
            Ok(record.fields.iter().map(|field| (field.name.clone(), "string".to_owned())).collect())
        }
        _ => Err("not a record".to_owned()),
    }
}
