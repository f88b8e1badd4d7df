//! Definitions to the model.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::model::{Branch, Field, Fixed, Properties, Record, Slot};
use super::{ATTRIBUTE, AvroError};

/// Types in a definition, references followed: what a hostile one may unfold to.
const MAX_TYPES: usize = 200_000;
/// The most digits of a decimal in a catalog.
const MAX_PRECISION: u64 = 38;

/// What to do at a reference to a named type.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum References {
    Refused,
    Followed,
}

/// Reads the record that a definition is.
pub(super) fn record(definition: &str, references: References) -> Result<Record, AvroError> {
    let value: Value = serde_json::from_str(definition)?;
    let mut reader = Reader { references, named: BTreeMap::new(), types: 0, path: Vec::new() };
    match reader.branch(&value, "")? {
        Some(Branch::Record(record)) => Ok(record),
        _ => Err(reader.invalid("a type that is no record")),
    }
}

struct Reader {
    references: References,
    /// By full name; `None` while inside of it.
    named: BTreeMap<String, Option<(Branch, usize)>>,
    types: usize,
    path: Vec<String>,
}

impl Reader {
    fn slot(&mut self, value: &Value, namespace: &str) -> Result<Slot, AvroError> {
        let mut slot = Slot { nullable: false, branches: Vec::new() };
        let single = std::slice::from_ref(value);
        for branch in value.as_array().map_or(single, Vec::as_slice) {
            match self.branch(branch, namespace)? {
                Some(branch) => slot.branches.push(branch),
                None => slot.nullable = true,
            }
        }
        Ok(slot)
    }

    /// A type; `None` is null.
    fn branch(&mut self, value: &Value, namespace: &str) -> Result<Option<Branch>, AvroError> {
        self.count(1)?;
        match value {
            Value::String(name) if name == "null" => Ok(None),
            Value::String(name) => match primitive(name) {
                Some(primitive) => Ok(Some(Branch::Primitive(primitive))),
                None => self.reference(name, namespace).map(Some),
            },
            Value::Object(object) => self.object(object, value, namespace),
            _ => Err(self.invalid("something that is no type")),
        }
    }

    fn object(
        &mut self,
        object: &Map<String, Value>,
        value: &Value,
        namespace: &str,
    ) -> Result<Option<Branch>, AvroError> {
        let Some(Value::String(word)) = object.get("type") else {
            // {"type": {…}} is the type inside; a union there is no legal one.
            return match object.get("type") {
                Some(inner @ Value::Object(_)) => self.branch(inner, namespace),
                _ => Err(self.invalid("an object without a type")),
            };
        };
        match word.as_str() {
            "array" | "map" => {
                let key = if word == "array" { "items" } else { "values" };
                let inner = object.get(key).ok_or_else(|| self.invalid("an array or map without a type inside"))?;
                let slot = self.slot(inner, namespace)?;
                Ok(Some(if word == "array" { Branch::Array(slot) } else { Branch::Map(slot) }))
            }
            "record" | "error" => {
                self.named(object, namespace, |reader, full_name| reader.record(object, full_name)).map(Some)
            }
            "fixed" => self
                .named(object, namespace, |reader, full_name| {
                    let size = object.get("size").and_then(Value::as_u64);
                    let size = size.ok_or_else(|| reader.invalid("a fixed type without a size"))?;
                    Ok(match decimal(object) {
                        Some((precision, scale)) => Branch::Decimal {
                            precision,
                            scale,
                            fixed: Some(Fixed { full_name: Some(full_name), size }),
                        },
                        None => Branch::Other(Some(full_name), value.clone()),
                    })
                })
                .map(Some),
            "enum" => self.named(object, namespace, |_, name| Ok(Branch::Other(Some(name), value.clone()))).map(Some),
            _ => {
                let Some(primitive) = primitive(word) else {
                    return if word == "null" { Ok(None) } else { self.reference(word, namespace).map(Some) };
                };
                Ok(Some(match (primitive, object.get("logicalType").and_then(Value::as_str)) {
                    ("bytes", Some("decimal")) => match decimal(object) {
                        Some((precision, scale)) => Branch::Decimal { precision, scale, fixed: None },
                        None => Branch::Primitive("bytes"),
                    },
                    (primitive, Some(logical)) => Branch::Logical(primitive, logical.to_owned()),
                    (primitive, None) => Branch::Primitive(primitive),
                }))
            }
        }
    }

    fn record(&mut self, object: &Map<String, Value>, full_name: String) -> Result<Branch, AvroError> {
        let Some(Value::Array(list)) = object.get("fields") else {
            return Err(self.invalid("a record without fields"));
        };
        let namespace = full_name.rsplit_once('.').map_or("", |(namespace, _)| namespace).to_owned();
        let mut fields: Vec<Field> = Vec::with_capacity(list.len());
        for field in list {
            let Some(field) = field.as_object() else {
                return Err(self.invalid("a field that is no object"));
            };
            let (Some(name), Some(slot)) = (field.get("name").and_then(Value::as_str), field.get("type")) else {
                return Err(self.invalid("a field without a name or a type"));
            };
            self.path.push(name.to_owned());
            if fields.iter().any(|other| other.name == name) {
                return Err(self.invalid("a second field of that name"));
            }
            let slot = self.slot(slot, &namespace)?;
            self.path.pop();
            fields.push(Field {
                name: name.to_owned(),
                attribute: field.get(ATTRIBUTE).and_then(Value::as_str).unwrap_or(name).to_owned(),
                slot,
                nullable_by_default: field.get("default") == Some(&Value::Null),
                properties: other_properties(field, &["name", "type", "default", ATTRIBUTE]),
            });
        }
        let properties = other_properties(object, &["type", "name", "namespace", "fields"]);
        Ok(Branch::Record(Record { full_name: Some(full_name), fields, properties }))
    }

    /// Reads a type that has a name, and keeps it for references.
    fn named(
        &mut self,
        object: &Map<String, Value>,
        namespace: &str,
        read: impl FnOnce(&mut Self, String) -> Result<Branch, AvroError>,
    ) -> Result<Branch, AvroError> {
        let name = object.get("name").and_then(Value::as_str).filter(|name| !name.is_empty() && !name.ends_with('.'));
        let name = name.ok_or_else(|| self.invalid("a type without its name"))?;
        let full_name = full_name(name, object.get("namespace").and_then(Value::as_str).unwrap_or(namespace));
        if self.named.insert(full_name.clone(), None).is_some() {
            return Err(self.invalid("a second type of one name"));
        }
        let before = self.types;
        let branch = read(self, full_name.clone())?;
        if self.references == References::Followed {
            self.named.insert(full_name, Some((branch.clone(), self.types - before + 1)));
        }
        Ok(branch)
    }

    fn reference(&mut self, name: &str, namespace: &str) -> Result<Branch, AvroError> {
        let found = self.named.get(&full_name(name, namespace)).or_else(|| self.named.get(name));
        match found.cloned() {
            None => Err(self.invalid("an unknown type")),
            Some(_) if self.references == References::Refused => {
                Err(AvroError::Reference { path: self.path.join(".") })
            }
            Some(None) => Err(self.invalid("a type inside of itself")),
            Some(Some((branch, types))) => {
                self.count(types)?;
                Ok(branch)
            }
        }
    }

    fn count(&mut self, types: usize) -> Result<(), AvroError> {
        self.types += types;
        if self.types > MAX_TYPES { Err(self.invalid("too many types")) } else { Ok(()) }
    }

    fn invalid(&self, problem: &'static str) -> AvroError {
        let path = if self.path.is_empty() { "the top".to_owned() } else { self.path.join(".") };
        AvroError::Invalid { problem, path }
    }
}

fn primitive(word: &str) -> Option<&'static str> {
    ["boolean", "int", "long", "float", "double", "bytes", "string"].into_iter().find(|primitive| *primitive == word)
}

fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() { name.to_owned() } else { format!("{namespace}.{name}") }
}

/// Precision and scale of a decimal that a catalog can hold.
fn decimal(object: &Map<String, Value>) -> Option<(u32, u32)> {
    let precision = object.get("precision").and_then(Value::as_u64)?;
    let scale = object.get("scale").map_or(Some(0), Value::as_u64)?;
    let legal =
        object.get("logicalType")? == "decimal" && (1..=MAX_PRECISION).contains(&precision) && scale <= precision;
    legal.then_some((precision as u32, scale as u32))
}

fn other_properties(object: &Map<String, Value>, known: &[&str]) -> Properties {
    object
        .iter()
        .filter(|(key, _)| !known.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}
