//! JSON Schema (draft 7) of a table's items as plain JSON.

use serde_json::{Map, Value, json};

use crate::number::Numbers;
use crate::settle::Members;
use crate::shape::{Node, Shape, ValueKind};
use crate::table::TableSchema;
use crate::types::GlueType;

/// The JSON Schema of items in plain JSON (`{"pk":"a","n":1}`): a property for each attribute, none required and each nullable,
/// others allowed. Every item that `shape` saw is valid, since a place that held several types allows each of them. Binary is
/// base64 text, numbers are JSON numbers, sets are arrays. `schema` is what the Shape settled to: it tells the attributes, and
/// the types of keys that no item had.
pub fn definition(shape: &Shape, schema: &TableSchema, title: &str) -> String {
    let property = |attribute: &str, glue_type: &GlueType| match shape.attributes.get(attribute) {
        Some(node) => values(node, shape.limit),
        None => key(glue_type),
    };
    let properties: Map<String, Value> = schema
        .columns
        .iter()
        .map(|column| (column.attribute.clone(), property(&column.attribute, &column.glue_type)))
        .collect();
    let document = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": title,
        "type": "object",
        "properties": properties,
    });
    format!("{document:#}")
}

/// What may stand at one place. Each keyword of JSON Schema speaks of one type of JSON value, so they add up.
fn values(node: &Node, limit: usize) -> Value {
    let seen = |kinds: &[ValueKind]| kinds.iter().any(|kind| node.count(*kind) > 0);
    let (mut types, mut schema) = (Vec::new(), Map::new());
    if seen(&[ValueKind::S, ValueKind::B]) {
        types.push("string");
    }
    if !seen(&[ValueKind::S]) && seen(&[ValueKind::B]) {
        schema.insert("contentEncoding".to_owned(), "base64".into());
    }
    if seen(&[ValueKind::N]) {
        types.push(number(node.numbers, &mut schema));
    }
    if seen(&[ValueKind::Bool]) {
        types.push("boolean");
    }
    if seen(&[ValueKind::L, ValueKind::Ss, ValueKind::Ns, ValueKind::Bs]) {
        types.push("array");
        schema.insert("items".to_owned(), node.element.as_deref().map_or_else(text, |element| values(element, limit)));
    }
    if seen(&[ValueKind::M]) {
        types.push("object");
        let (keyword, members) = members(node, limit);
        schema.insert(keyword.to_owned(), members);
    }
    if types.is_empty() {
        return text();
    }
    types.push("null");
    schema.insert("type".to_owned(), types.into());
    schema.into()
}

/// The name of the type of numbers; what bounds them goes to `schema`.
fn number(numbers: Numbers, schema: &mut Map<String, Value>) -> &'static str {
    if numbers.scale > 0 {
        return "number";
    }
    if !numbers.beyond_i64 {
        schema.insert("minimum".to_owned(), i64::MIN.into());
        schema.insert("maximum".to_owned(), i64::MAX.into());
    }
    "integer"
}

/// A keyword for the members of an object, and its value.
fn members(node: &Node, limit: usize) -> (&'static str, Value) {
    match node.map.as_deref().map(|map| map.members(limit)) {
        Some(Members::Fields(fields)) => {
            let properties: Map<String, Value> =
                fields.sorted().map(|(name, node)| (name.to_owned(), values(node, limit))).collect();
            ("properties", properties.into())
        }
        Some(Members::Values(Some(value))) => ("additionalProperties", values(&value, limit)),
        Some(Members::Values(None)) | None => ("additionalProperties", text()),
    }
}

/// What the key schema alone tells: a key is text, number or binary.
fn key(glue_type: &GlueType) -> Value {
    match glue_type {
        GlueType::BigInt => json!({"type": ["integer", "null"], "minimum": i64::MIN, "maximum": i64::MAX}),
        GlueType::Binary => json!({"type": ["string", "null"], "contentEncoding": "base64"}),
        _ => text(),
    }
}

fn text() -> Value {
    json!({"type": ["string", "null"]})
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::{Key, KeyKind, Reader, TypeOptions};

    #[test]
    fn a_property_for_each_attribute_as_it_was_seen() {
        let options = TypeOptions::default();
        let mut reader = Reader::new(&options);
        reader
            .lines(
                br#"{"big":{"N":"9223372036854775808"},"n":{"N":"1"},"price":{"N":"1.25"},"raw":{"B":"AA=="},"none":{"NULL":true}}
                {"lines":{"L":[{"M":{"a":{"N":"0.5"},"b":{"M":{"2025":{"BOOL":true},"2026":{"S":""}}}}}]},"any":{"S":"text"}}
                {"any":{"N":"7"}}
                {"any":{"SS":["a"]},"empty":{"L":[]}}
                {"any":{"M":{"x-y":{"B":"AA=="}}},"n":{"NULL":true}}"#,
            )
            .unwrap();
        let shape = reader.finish().unwrap();
        let keys = [("Id", KeyKind::S), ("at", KeyKind::N)].map(|(name, kind)| Key { name: name.to_owned(), kind });
        let schema = shape.settle(&keys, &BTreeMap::new(), &options);
        let text = super::definition(&shape, &schema, "orders");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(text, format!("{value:#}"));
        let properties = value["properties"].as_object().unwrap();
        let lines: Vec<String> = properties.iter().map(|(name, value)| format!("{name} {value}")).collect();
        insta::assert_snapshot!(lines.join("\n"), @r###"
    Id {"type":["string","null"]}
    any {"additionalProperties":{"contentEncoding":"base64","type":["string","null"]},"items":{"type":["string","null"]},"maximum":9223372036854775807,"minimum":-9223372036854775808,"type":["string","integer","array","object","null"]}
    at {"maximum":9223372036854775807,"minimum":-9223372036854775808,"type":["integer","null"]}
    big {"type":["integer","null"]}
    empty {"items":{"type":["string","null"]},"type":["array","null"]}
    lines {"items":{"properties":{"a":{"type":["number","null"]},"b":{"additionalProperties":{"type":["string","boolean","null"]},"type":["object","null"]}},"type":["object","null"]},"type":["array","null"]}
    n {"maximum":9223372036854775807,"minimum":-9223372036854775808,"type":["integer","null"]}
    none {"type":["string","null"]}
    price {"type":["number","null"]}
    raw {"contentEncoding":"base64","type":["string","null"]}
    "###);
    }
}
