//! JSON Schema (draft 7) of a table's items as plain JSON.

use serde_json::{Map, Value, json};

use crate::table::TableSchema;
use crate::types::GlueType;

/// The JSON Schema of items in plain JSON (`{"pk":"a","n":1}`), as the readers of the catalog get them: a property for each
/// attribute, none required and each nullable, others allowed. Where the settled type is `string`, values of other types
/// are JSON text. Binary is base64 text; a decimal is a number.
pub fn definition(schema: &TableSchema, title: &str) -> String {
    let properties: Map<String, Value> =
        schema.columns.iter().map(|column| (column.attribute.clone(), value(&column.glue_type))).collect();
    let document = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": title,
        "type": "object",
        "properties": properties,
    });
    format!("{document:#}")
}

fn value(glue_type: &GlueType) -> Value {
    match glue_type {
        GlueType::Boolean => json!({"type": ["boolean", "null"]}),
        GlueType::TinyInt => integer(i8::MIN.into(), i8::MAX.into()),
        GlueType::SmallInt => integer(i16::MIN.into(), i16::MAX.into()),
        GlueType::Int => integer(i32::MIN.into(), i32::MAX.into()),
        GlueType::BigInt => integer(i64::MIN, i64::MAX),
        GlueType::Decimal { scale: 0, .. } => json!({"type": ["integer", "null"]}),
        GlueType::Float | GlueType::Double | GlueType::Decimal { .. } => json!({"type": ["number", "null"]}),
        GlueType::Binary => json!({"type": ["string", "null"], "contentEncoding": "base64"}),
        GlueType::Date => json!({"type": ["string", "null"], "format": "date"}),
        GlueType::Timestamp | GlueType::TimestampTz | GlueType::TimestampLocalTz => {
            json!({"type": ["string", "null"], "format": "date-time"})
        }
        GlueType::Void => json!({"type": "null"}),
        GlueType::Array(element) | GlueType::Set(element) => {
            json!({"type": ["array", "null"], "items": value(element)})
        }
        GlueType::Map(_, element) => json!({"type": ["object", "null"], "additionalProperties": value(element)}),
        GlueType::Struct(fields) => {
            let properties: Map<String, Value> =
                fields.iter().map(|field| (field.name.clone(), value(&field.glue_type))).collect();
            json!({"type": ["object", "null"], "properties": properties})
        }
        GlueType::Union(branches) => json!({"anyOf": branches.iter().map(value).collect::<Vec<_>>()}),
        GlueType::String
        | GlueType::Char(_)
        | GlueType::Varchar(_)
        | GlueType::IntervalYearMonth
        | GlueType::IntervalDayTime => json!({"type": ["string", "null"]}),
    }
}

fn integer(minimum: i64, maximum: i64) -> Value {
    json!({"type": ["integer", "null"], "minimum": minimum, "maximum": maximum})
}
