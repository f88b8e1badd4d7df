//! The definition of a table in files: a CreateTable request.

use serde::{Deserialize, Serialize};

use super::key::{KeyAttribute, KeySchema, KeyType};

/// The content of `NAME.json`. Members that reads do not need (indexes, streams, …) are ignored.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Definition {
    table_name: Option<String>,
    key_schema: Vec<KeySchemaElement>,
    attribute_definitions: Vec<AttributeDefinition>,
    billing_mode: Option<BillingMode>,
    pub(super) provisioned_throughput: Option<Throughput>,
    pub(super) time_to_live_specification: Option<TimeToLive>,
    #[serde(default)]
    pub(super) tags: Vec<TableTag>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeySchemaElement {
    attribute_name: String,
    key_type: KeyRole,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum KeyRole {
    Hash,
    Range,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AttributeDefinition {
    attribute_name: String,
    attribute_type: KeyType,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum BillingMode {
    Provisioned,
    PayPerRequest,
}

/// Capacity units per second.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Throughput {
    pub(super) read_capacity_units: u64,
    pub(super) write_capacity_units: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TimeToLive {
    pub(super) attribute_name: String,
    pub(super) enabled: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TableTag {
    key: String,
    value: String,
}

impl Definition {
    /// Reads the definition of the table `name`, and its key.
    ///
    /// # Errors
    /// If it is not the request of a CreateTable that DynamoDB would accept for `name`.
    pub(super) fn parse(name: &str, bytes: &[u8]) -> Result<(Definition, KeySchema), String> {
        let definition: Definition =
            serde_json::from_slice(bytes).map_err(|error| format!("not the request of CreateTable: {error}"))?;
        if let Some(other) = definition.table_name.as_deref().filter(|other| *other != name) {
            return Err(format!("TableName is {other:?}, but the file is the definition of {name:?}"));
        }
        if definition.billing_mode == Some(BillingMode::Provisioned) && definition.provisioned_throughput.is_none() {
            return Err("BillingMode PROVISIONED needs ProvisionedThroughput".to_owned());
        }
        let key = definition.key()?;
        Ok((definition, key))
    }

    /// On-demand, because it says so or gives no throughput.
    pub(super) fn on_demand(&self) -> bool {
        self.billing_mode == Some(BillingMode::PayPerRequest) || self.provisioned_throughput.is_none()
    }

    fn key(&self) -> Result<KeySchema, String> {
        let (partition, sort) = match &self.key_schema[..] {
            [hash] if hash.key_type == KeyRole::Hash => (hash, None),
            [hash, range] if hash.key_type == KeyRole::Hash && range.key_type == KeyRole::Range => (hash, Some(range)),
            _ => return Err("KeySchema must be one HASH attribute, or a HASH and then a RANGE attribute".to_owned()),
        };
        if sort.is_some_and(|sort| sort.attribute_name == partition.attribute_name) {
            return Err("KeySchema names one attribute twice".to_owned());
        }
        Ok(KeySchema {
            partition: self.attribute(partition)?,
            sort: sort.map(|sort| self.attribute(sort)).transpose()?,
        })
    }

    fn attribute(&self, element: &KeySchemaElement) -> Result<KeyAttribute, String> {
        let name = &element.attribute_name;
        let mut types = self.attribute_definitions.iter().filter(|definition| definition.attribute_name == *name);
        match (types.next(), types.next()) {
            (Some(definition), None) => Ok(KeyAttribute { name: name.clone(), kind: definition.attribute_type }),
            _ => Err(format!("AttributeDefinitions must give the key attribute {name:?} once")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    const KEYS: &str = r#""KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
        "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"}]"#;

    fn error(json: &str) -> String {
        Definition::parse("Orders", json.as_bytes()).unwrap_err()
    }

    #[test]
    fn the_key_comes_with_its_types() {
        let (definition, key) = Definition::parse("Orders", format!("{{{KEYS}}}").as_bytes()).unwrap();
        assert!(definition.on_demand());
        assert_eq!(key.partition, KeyAttribute { name: "pk".into(), kind: KeyType::S });
        assert_eq!(key.sort, Some(KeyAttribute { name: "sk".into(), kind: KeyType::N }));
    }

    #[test]
    fn errors_say_what_to_write() {
        let with = |member: &str| error(&format!("{{{member},{KEYS}}}"));
        let with_keys = |keys: String| error(&format!("{{{keys}}}"));
        let errors = [
            error("{"),
            error(r#"{"AttributeDefinitions":[]}"#),
            with(r#""TableName":"Other""#),
            with(r#""BillingMode":"PROVISIONED""#),
            with_keys(KEYS.replace("RANGE", "HASH")),
            with_keys(KEYS.replace("\"sk\",\"AttributeType", "\"x\",\"AttributeType")),
        ];
        assert_snapshot!(errors.join("\n"), @r#"
        not the request of CreateTable: EOF while parsing an object at line 1 column 1
        not the request of CreateTable: missing field `KeySchema` at line 1 column 27
        TableName is "Other", but the file is the definition of "Orders"
        BillingMode PROVISIONED needs ProvisionedThroughput
        KeySchema must be one HASH attribute, or a HASH and then a RANGE attribute
        AttributeDefinitions must give the key attribute "sk" once
        "#);
    }
}
