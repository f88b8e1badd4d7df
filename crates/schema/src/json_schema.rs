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

#[cfg(test)]
mod tests {
    use crate::{Column, TableSchema};

    #[test]
    fn a_property_for_each_attribute() {
        let column = |attribute: &str, glue_type: &str| Column {
            name: crate::naming::column(attribute),
            attribute: attribute.to_owned(),
            glue_type: glue_type.parse().unwrap(),
        };
        let schema = TableSchema {
            columns: vec![
                column("Id", "string"),
                column("n", "bigint"),
                column("big", "decimal(38,0)"),
                column("price", "decimal(38,2)"),
                column("raw", "binary"),
                column("lines", "array<struct<a:double,b:map<string,boolean>>>"),
            ],
        };
        let text = super::definition(&schema, "orders");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(text, format!("{value:#}"));
        let properties = value["properties"].as_object().unwrap();
        let lines: Vec<String> = properties.iter().map(|(name, value)| format!("{name} {value}")).collect();
        insta::assert_snapshot!(lines.join("\n"), @r###"
    Id {"type":["string","null"]}
    big {"type":["integer","null"]}
    lines {"items":{"properties":{"a":{"type":["number","null"]},"b":{"additionalProperties":{"type":["boolean","null"]},"type":["object","null"]}},"type":["object","null"]},"type":["array","null"]}
    n {"maximum":9223372036854775807,"minimum":-9223372036854775808,"type":["integer","null"]}
    price {"type":["number","null"]}
    raw {"contentEncoding":"base64","type":["string","null"]}
    "###);
    }
}
