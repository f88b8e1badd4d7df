//! Avro: the schema that is registered for a table, and the columns that Glue derives from one.

use std::collections::{BTreeMap, BTreeSet};

use crate::fit::Baseline;
use crate::naming;
use crate::table::{Column, TableSchema};
use crate::types::{Field as GlueField, GlueType};

mod merge;
mod model;
mod read;
mod write;

use model::{Branch, Field, Record, Slot};

/// The deepest nesting of a definition's JSON. Parsers on serde_json (apache-avro is one) give up at 128 levels.
const MAX_JSON_DEPTH: u32 = 120;
/// The longest Avro name written.
const MAX_NAME: usize = 255;
/// The property of a field whose attribute Avro can't spell.
const ATTRIBUTE: &str = "attribute";

/// An Avro definition that can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AvroError {
    /// Not JSON at all.
    #[error("the Avro definition is not JSON")]
    Json(#[from] serde_json::Error),
    /// JSON, but no Avro schema of a record.
    #[error("not the Avro definition of a record: {problem} at {path}")]
    Invalid {
        /// What is wrong.
        problem: &'static str,
        /// The names of the fields that lead there.
        path: String,
    },
    /// A schema of someone else's making that names a type once and refers to it elsewhere.
    #[error(
        "the previous Avro definition refers to the named type at {path} twice; register a new schema for the table"
    )]
    Reference {
        /// The names of the fields that lead there.
        path: String,
    },
}

/// The Avro schema of a table's items: a record `namespace.name` with a field for each column, as canonical JSON text.
///
/// Every field, list element and map value is a union with null, and every field's default is null, so that columns may come and
/// go under BACKWARD compatibility. Names that Avro can't spell are sanitised (other characters become `_`) and carry the
/// attribute's in the property `attribute`; nested records are named after the path to them. `decimal` is `bytes` with that
/// logical type, `binary` is `bytes`; types without a counterpart are `string`, and so is what lies so deep that the text would
/// nest over 120 levels (beyond 28 structs in each other).
///
/// With a `previous` definition the schema never narrows:
/// - Fields that are gone stay, behind the others. Fields are matched by column name at the top, by attribute below.
/// - `int`, `long`, `float` and `double` become the wider of both (a `double` stays one when the numbers seen are whole); a
///   `decimal` with room for 64 bits takes whole numbers.
/// - Any other change of type gives a union of the old type and the new one. Avro allows `bytes` once in a union: a decimal
///   that meets another is `fixed`, and binary that meets a decimal is `string` (base64 text).
/// - If `previous` covers all of that, it is returned as it is, to the byte: nothing has to be registered.
///
/// # Errors
/// If `previous` is not an Avro record schema, or uses references to named types, which this program never writes.
pub fn definition(
    schema: &TableSchema,
    name: &str,
    namespace: &str,
    previous: Option<&str>,
) -> Result<String, AvroError> {
    let wanted = record(schema);
    let Some(text) = previous else {
        return Ok(write::definition(wanted, name, namespace));
    };
    let previous = read::record(text, read::References::Refused)?;
    let merged = merge::records(previous.clone(), wanted);
    if merged.same(&previous) {
        return Ok(text.to_owned());
    }
    Ok(write::definition(merged, name, namespace))
}

/// The columns that Glue (as Hive) derives from an Avro record schema: `[null,T]` is T, `long` is `bigint`, `record` is `struct`,
/// `bytes` with the logical type `decimal` is `decimal`, other `bytes` and `fixed` are `binary`, `enum` and `uuid` are `string`, a
/// union of more is `uniontype`. Names as in the schema, at the top in lower case.
///
/// # Errors
/// If `definition` is not an Avro record schema, or refers to itself, which no column type can.
pub fn columns(definition: &str) -> Result<Vec<(String, GlueType)>, AvroError> {
    let record = read::record(definition, read::References::Followed)?;
    Ok(record
        .fields
        .into_iter()
        .map(|field| (field.name.to_ascii_lowercase(), field.slot.glue_type(|field| &field.name)))
        .collect())
}

/// The attributes of a record's fields as far as the definition spells them, which it does where a field is named otherwise.
///
/// # Errors
/// If `definition` is not an Avro record schema.
pub fn attributes(definition: &str) -> Result<Vec<String>, AvroError> {
    let record = read::record(definition, read::References::Followed)?;
    let spelled = record.fields.into_iter().filter(|field| field.attribute != field.name);
    Ok(spelled.map(|field| field.attribute).collect())
}

/// The baseline that an Avro record schema is. An attribute has to be there if its field can't be null.
///
/// # Errors
/// If `definition` is not an Avro record schema, or refers to itself.
pub fn baseline(definition: &str) -> Result<Baseline, AvroError> {
    let record = read::record(definition, read::References::Followed)?;
    let required = record.fields.iter().filter(|field| !field.slot.nullable);
    let required = required.map(|field| field.attribute.clone()).collect();
    let columns = record.fields.into_iter().map(|field| Column {
        name: field.name.to_ascii_lowercase(),
        glue_type: field.slot.glue_type(|field| &field.attribute),
        attribute: field.attribute,
    });
    Ok(Baseline::new(TableSchema { columns: columns.collect() }).requiring(required))
}

fn record(schema: &TableSchema) -> Record {
    let names = schema.columns.iter().map(|column| column.name.as_str());
    let mut names = naming::unique(names, &BTreeMap::new(), MAX_NAME, "", avro_name);
    let fields = schema.columns.iter().map(|column| Field {
        name: names.remove(&column.name).unwrap_or_default(),
        attribute: column.attribute.clone(),
        // The record, its fields, the field and its union are four levels.
        slot: Slot::from_branch(branch(&column.glue_type, MAX_JSON_DEPTH - 4)),
        nullable_by_default: true,
        properties: BTreeMap::new(),
    });
    Record { full_name: None, fields: fields.collect(), properties: BTreeMap::new() }
}

/// The Avro type of a column type, with `room` levels of JSON left.
fn branch(glue_type: &GlueType, room: u32) -> Branch {
    match glue_type {
        GlueType::Boolean => Branch::Primitive("boolean"),
        GlueType::TinyInt | GlueType::SmallInt | GlueType::Int => Branch::Primitive("int"),
        GlueType::BigInt => Branch::Primitive("long"),
        GlueType::Float => Branch::Primitive("float"),
        GlueType::Double => Branch::Primitive("double"),
        GlueType::Decimal { precision, scale } => {
            Branch::Decimal { precision: u32::from(*precision), scale: u32::from(*scale), fixed: None }
        }
        GlueType::Binary => Branch::Primitive("bytes"),
        GlueType::Date => Branch::Logical("int", "date".to_owned()),
        GlueType::Timestamp | GlueType::TimestampTz | GlueType::TimestampLocalTz => {
            Branch::Logical("long", "timestamp-millis".to_owned())
        }
        GlueType::Array(element) | GlueType::Set(element) if room >= 3 => {
            Branch::Array(Slot::from_branch(branch(element, room - 2)))
        }
        GlueType::Map(_, value) if room >= 3 => Branch::Map(Slot::from_branch(branch(value, room - 2))),
        GlueType::Struct(fields) if fields.is_empty() => branch(&GlueType::map(GlueType::String), room),
        GlueType::Struct(fields) if room >= 5 && are_distinct(fields) => Branch::Record(Record {
            full_name: None,
            fields: nested_fields(fields, room - 4),
            properties: BTreeMap::new(),
        }),
        // Text, what readers get as text, what lies too deep, and a struct of someone else's making that has a name twice.
        _ => Branch::Primitive("string"),
    }
}

fn are_distinct(fields: &[GlueField]) -> bool {
    fields.iter().map(|field| &field.name).collect::<BTreeSet<_>>().len() == fields.len()
}

/// Named after their attributes for now: only beside the previous fields is it known which names are free.
fn nested_fields(fields: &[GlueField], room: u32) -> Vec<Field> {
    fields
        .iter()
        .map(|field| Field {
            name: String::new(),
            attribute: field.name.clone(),
            slot: Slot::from_branch(branch(&field.glue_type, room)),
            nullable_by_default: true,
            properties: BTreeMap::new(),
        })
        .collect()
}

/// `[A-Za-z_][A-Za-z0-9_]*`, as Avro wants names.
fn avro_name(name: &str) -> String {
    let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if plain.starts_with(|c: char| !c.is_ascii_digit()) { plain } else { format!("_{plain}") }
}

#[cfg(test)]
mod tests;
