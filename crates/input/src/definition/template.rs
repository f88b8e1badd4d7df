//! Templates of CloudFormation and SAM.

use schema::{Key, KeyKind};
use serde_json::{Map, Value};

use super::described;
use super::{Billing, Defined, Table, kind, text};

/// The tables of a template. Names that no parameter's default tells are their logical ids.
pub(super) fn tables(template: &Value) -> Vec<Defined> {
    let parameters = template.get("Parameters").and_then(Value::as_object);
    let resources = template.get("Resources").and_then(Value::as_object);
    let resources = resources.into_iter().flatten();
    resources.filter_map(|(id, resource)| from_resource(resource, parameters, Some(id))).collect()
}

/// A resource that stands alone.
pub(super) fn resource(resource: &Value) -> Option<Defined> {
    from_resource(resource, None, None)
}

fn from_resource(resource: &Value, parameters: Option<&Map<String, Value>>, id: Option<&str>) -> Option<Defined> {
    let simple = match text(resource, "Type")? {
        "AWS::DynamoDB::Table" | "AWS::DynamoDB::GlobalTable" => false,
        "AWS::Serverless::SimpleTable" => true,
        _ => return None,
    };
    let properties = resource.get("Properties").unwrap_or(&Value::Null);
    let properties = resolved(properties, parameters.unwrap_or(&Map::new()));
    let name = text(&properties, "TableName").or(id).map(str::to_owned);
    let table =
        if simple { simple_table(&properties, name.clone()) } else { described::read(&properties, name.clone()) };
    Some(Defined { name, table })
}

/// SAM's table with one key attribute, `id` unless it says otherwise.
fn simple_table(properties: &Value, name: Option<String>) -> Result<Table, String> {
    let hash = match properties.get("PrimaryKey") {
        None => Key { name: "id".to_owned(), kind: KeyKind::S },
        Some(key) => {
            let attribute = text(key, "Name").zip(text(key, "Type").and_then(kind));
            let (name, kind) =
                attribute.ok_or("PrimaryKey must have a Name, and a Type that is String, Number or Binary")?;
            Key { name: name.to_owned(), kind }
        }
    };
    // Its other members are spelled as in any table. Without throughput it is on demand.
    let mut table = properties.clone();
    if let Value::Object(members) = &mut table {
        members.insert("KeySchema".into(), serde_json::json!([{"AttributeName": hash.name, "KeyType": "HASH"}]));
        members.insert(
            "AttributeDefinitions".into(),
            serde_json::json!([{"AttributeName": hash.name, "AttributeType": format!("{:?}", hash.kind)}]),
        );
        return described::read(&table, name);
    }
    Ok(Table { name, hash, range: None, billing: Billing::OnDemand, time_to_live: None, tags: Vec::new() })
}

/// The value with all references to parameters that have a default replaced by it. Everything else stays as it is.
fn resolved(value: &Value, parameters: &Map<String, Value>) -> Value {
    let default = |name: &str| parameters.get(name).and_then(|parameter| parameter.get("Default")).cloned();
    match value {
        Value::Array(elements) => elements.iter().map(|element| resolved(element, parameters)).collect(),
        Value::Object(members) => {
            if let (1, Some((function, argument))) = (members.len(), members.iter().next()) {
                match (&**function, argument) {
                    ("Ref", Value::String(name)) => return default(name).unwrap_or_else(|| value.clone()),
                    ("Fn::Sub", Value::String(text)) => {
                        return substituted(text, &default).map_or_else(|| value.clone(), Value::String);
                    }
                    _ => {}
                }
            }
            members.iter().map(|(name, member)| (name.clone(), resolved(member, parameters))).collect()
        }
        other => other.clone(),
    }
}

/// The text with `${NAME}` replaced, or `None` if a value is not known.
fn substituted(text: &str, default: &dyn Fn(&str) -> Option<Value>) -> Option<String> {
    let mut found = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}')?;
        found += before;
        match default(name)? {
            Value::String(value) => found += &value,
            value => found += &value.to_string(),
        }
        rest = after;
    }
    Some(found + rest)
}
