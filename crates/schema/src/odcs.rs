//! A data contract in the Open Data Contract Standard (ODCS, version 3.2.0), as YAML.

use crate::escape;
use crate::naming;
use crate::settle::{Key, Members};
use crate::shape::{Map, Node, Shape, ValueKind};
use crate::table::TableSchema;
use crate::types::GlueType;

/// The version of the standard.
const VERSION: &str = "v3.2.0";

/// The contract of a table: a draft, for people to go on with. It has a property for each attribute, by its own name, with
/// the Glue type as its physical one. A property is required if every item has it and it is never NULL; one of a map, if every
/// such map has it. The keys, of which DynamoDB makes sure, are required in any case.
///
/// `table` is the DynamoDB table, `schema` what `shape` settled to.
pub fn definition(shape: &Shape, schema: &TableSchema, keys: &[Key], database: &str, table: &str) -> String {
    let properties = schema.columns.iter().map(|column| {
        let node = shape.attributes.get(&column.attribute);
        let key = keys.iter().position(|key| key.name == column.attribute);
        let mut property = vec![("name", text(&column.attribute))];
        if column.name != column.attribute {
            property.push(("physicalName", text(&column.name)));
        }
        property.push(("required", (key.is_some() || always(node, shape.items)).into()));
        if let Some(position) = key {
            property.push(("primaryKey", true.into()));
            property.push(("primaryKeyPosition", Yaml::Plain((position + 1).to_string())));
        }
        property.extend(typed(&column.glue_type, node, shape.limit));
        Yaml::Map(property)
    });
    let name = naming::fold(table);
    let object = Yaml::Map(vec![
        ("name", text(table)),
        ("physicalName", text(&name)),
        ("physicalType", text("table")),
        ("logicalType", text("object")),
        ("properties", Yaml::List(properties.collect())),
    ]);
    let document = Yaml::Map(vec![
        ("apiVersion", text(VERSION)),
        ("kind", text("DataContract")),
        ("id", text(&format!("{database}.{name}"))),
        ("name", text(table)),
        ("version", text("1.0.0")),
        ("status", text("draft")),
        ("schema", Yaml::List(vec![object])),
    ]);
    let mut out = String::new();
    document.write(0, &mut out);
    out
}

/// Whether a place had a value, not NULL, as often as it could have one.
fn always(node: Option<&Node>, possible: u64) -> bool {
    possible > 0 && node.is_some_and(|node| node.values() == possible)
}

type Properties = Vec<(&'static str, Yaml)>;

/// The logical and the physical type of a place, and what is in it.
fn typed(glue_type: &GlueType, node: Option<&Node>, limit: usize) -> Properties {
    let logical = match glue_type {
        GlueType::Boolean => "boolean",
        GlueType::TinyInt | GlueType::SmallInt | GlueType::Int | GlueType::BigInt => "integer",
        GlueType::Decimal { scale: 0, .. } => "integer",
        GlueType::Decimal { .. } | GlueType::Double | GlueType::Float => "number",
        GlueType::Date => "date",
        GlueType::Timestamp | GlueType::TimestampTz | GlueType::TimestampLocalTz => "timestamp",
        GlueType::Array(_) | GlueType::Set(_) => "array",
        GlueType::Map(..) => "map",
        GlueType::Struct(_) => "object",
        _ => "string",
    };
    let mut members = vec![("logicalType", text(logical)), ("physicalType", text(&glue_type.to_string()))];
    let map = node.and_then(|node| node.map.as_deref());
    match glue_type {
        GlueType::Binary => {
            members.push(("logicalTypeOptions", Yaml::Map(vec![("format", text("binary"))])));
        }
        GlueType::Array(element) | GlueType::Set(element) => {
            let of_elements = node.and_then(|node| node.element.as_deref());
            members.push(("items", Yaml::Map(typed(element, of_elements, limit))));
        }
        GlueType::Map(_, value) => {
            let of_values = match map.map(|map| map.members(limit)) {
                Some(Members::Values(values)) => values,
                _ => None,
            };
            let key = Yaml::Map(vec![("logicalType", text("string")), ("physicalType", text("string"))]);
            let value = Yaml::Map(typed(value, of_values.as_deref(), limit));
            members.push(("map", Yaml::Map(vec![("key", key), ("value", value)])));
        }
        GlueType::Struct(fields) if !fields.is_empty() => {
            let maps = node.map_or(0, |node| node.count(ValueKind::M));
            let properties = fields.iter().map(|field| {
                let node = match map {
                    Some(Map::Fields(known)) => known.get(&field.name),
                    _ => None,
                };
                let mut property = vec![("name", text(&field.name)), ("required", always(node, maps).into())];
                property.extend(typed(&field.glue_type, node, limit));
                Yaml::Map(property)
            });
            members.push(("properties", Yaml::List(properties.collect())));
        }
        _ => {}
    }
    members
}

/// As much of YAML as a contract needs.
enum Yaml {
    Text(String),
    /// A number, or true or false.
    Plain(String),
    Map(Properties),
    List(Vec<Yaml>),
}

impl From<bool> for Yaml {
    fn from(value: bool) -> Yaml {
        Yaml::Plain(value.to_string())
    }
}

fn text(text: &str) -> Yaml {
    Yaml::Text(text.to_owned())
}

impl Yaml {
    /// Writes in blocks, the first line where `out` ends, the others indented by so many spaces.
    fn write(&self, indent: usize, out: &mut String) {
        let next_line = |out: &mut String, first: bool| {
            if !first {
                out.push_str(&" ".repeat(indent));
            }
        };
        match self {
            Yaml::Text(text) if is_plain(text) => out.push_str(&format!("{text}\n")),
            Yaml::Text(text) => out.push_str(&format!("\"{}\"\n", quoted(text))),
            Yaml::Plain(plain) => out.push_str(&format!("{plain}\n")),
            Yaml::List(list) if list.is_empty() => out.push_str("[]\n"),
            Yaml::List(list) => {
                for (nth, element) in list.iter().enumerate() {
                    next_line(out, nth == 0);
                    out.push_str("- ");
                    element.write(indent + 2, out);
                }
            }
            Yaml::Map(members) => {
                for (nth, (name, value)) in members.iter().enumerate() {
                    next_line(out, nth == 0);
                    out.push_str(name);
                    out.push(':');
                    match value {
                        Yaml::Map(_) => {
                            out.push_str(&format!("\n{}", " ".repeat(indent + 2)));
                            value.write(indent + 2, out);
                        }
                        Yaml::List(list) if !list.is_empty() => {
                            out.push_str(&format!("\n{}", " ".repeat(indent)));
                            value.write(indent, out);
                        }
                        _ => {
                            out.push(' ');
                            value.write(indent, out);
                        }
                    }
                }
            }
        }
    }
}

/// What stands between the quotes of a string: as in JSON, but for what JSON spells as surrogates and YAML can't.
fn quoted(text: &str) -> String {
    let spelled = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        // No characters, to YAML.
        '\u{fffe}' | '\u{ffff}' => format!("\\u{:04x}", u32::from(c)),
        c => match escape::quoted(c.encode_utf8(&mut [0; 4])) {
            surrogates if surrogates.starts_with("\\ud") => format!("\\U{:08x}", u32::from(c)),
            other => other,
        },
    };
    text.chars().map(spelled).collect()
}

/// Whether a text can stand without quotes, in YAML 1.1 too, where `no` and `y` are no texts.
fn is_plain(text: &str) -> bool {
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
        && !words.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::{Key, KeyKind, Reader, TypeOptions};

    #[test]
    fn presence_is_what_is_required() {
        let options = TypeOptions::default();
        let mut reader = Reader::new(&options);
        reader
            .lines(
                br#"{"Id":{"S":"a"},"on":{"BOOL":true},"price":{"N":"1.5"},"o":{"M":{"a":{"N":"1"},"b":{"NULL":true}}},"raw":{"B":"AA=="}}
                {"Id":{"S":"b"},"on":{"NULL":true},"price":{"N":"2"},"o":{"M":{"a":{"N":"2"}}},"by":{"M":{"2025":{"L":[{"S":"x"}]}}}}"#,
            )
            .unwrap();
        let shape = reader.finish().unwrap();
        let keys = [Key { name: "Id".to_owned(), kind: KeyKind::S }];
        let schema = shape.settle(&keys, &BTreeMap::new(), &options);
        insta::assert_snapshot!(super::definition(&shape, &schema, &keys, "ddb_tables", "Shop.Orders"), @r#"
        apiVersion: v3.2.0
        kind: DataContract
        id: ddb_tables.shop_orders
        name: Shop.Orders
        version: "1.0.0"
        status: draft
        schema:
        - name: Shop.Orders
          physicalName: shop_orders
          physicalType: table
          logicalType: object
          properties:
          - name: Id
            physicalName: id
            required: true
            primaryKey: true
            primaryKeyPosition: 1
            logicalType: string
            physicalType: string
          - name: by
            required: false
            logicalType: map
            physicalType: "map<string,array<string>>"
            map:
              key:
                logicalType: string
                physicalType: string
              value:
                logicalType: array
                physicalType: "array<string>"
                items:
                  logicalType: string
                  physicalType: string
          - name: o
            required: true
            logicalType: object
            physicalType: "struct<a:bigint,b:string>"
            properties:
            - name: a
              required: true
              logicalType: integer
              physicalType: bigint
            - name: b
              required: false
              logicalType: string
              physicalType: string
          - name: "on"
            required: false
            logicalType: boolean
            physicalType: boolean
          - name: price
            required: true
            logicalType: number
            physicalType: double
          - name: raw
            required: false
            logicalType: string
            physicalType: binary
            logicalTypeOptions:
              format: binary
        "#);
    }
}
