//! Primary keys: their attributes, and the position of an item in hash order.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use input::definition::Table;
use schema::{Key, KeyKind};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::number::Number;

/// The primary key of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeySchema {
    pub(super) partition: Key,
    pub(super) sort: Option<Key>,
}

/// The type of a key attribute, as DynamoDB JSON spells it.
pub(super) fn tag(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::S => "S",
        KeyKind::N => "N",
        KeyKind::B => "B",
    }
}

/// The key of one item: the texts of its key attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ItemKey<'a> {
    pub(super) partition: Cow<'a, str>,
    pub(super) sort: Option<Cow<'a, str>>,
}

impl KeySchema {
    /// The key that a definition gives.
    pub(super) fn of(table: &Table) -> KeySchema {
        KeySchema { partition: table.hash.clone(), sort: table.range.clone() }
    }

    /// The attributes in order.
    pub(super) fn attributes(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.partition).chain(&self.sort)
    }

    /// The position of an item with this key in the table: the high half is its partition, the low half the item.
    ///
    /// DynamoDB also scans in the order of a hash of the partition key and splits segments along it, but does not publish its
    /// hash. `None` if a value is empty or not of the key's type.
    pub(super) fn position(&self, key: &ItemKey) -> Option<u128> {
        let partition = Sha256::new_with_prefix(value_bytes(self.partition.kind, &key.partition)?);
        let high = partition.clone().finalize();
        // The partition is in both halves, so that two items are confused only if 128 bits are equal.
        let mut item = partition;
        item.update([0]);
        if let (Some(attribute), Some(text)) = (&self.sort, &key.sort) {
            item.update(value_bytes(attribute.kind, text)?);
        }
        Some(u128::from(first_eight(&high)) << 64 | u128::from(first_eight(&item.finalize())))
    }

    /// The key as DynamoDB JSON.
    pub(super) fn to_json(&self, key: &ItemKey) -> Value {
        let texts = std::iter::once(&key.partition).chain(&key.sort);
        let members = self
            .attributes()
            .zip(texts)
            .map(|(attribute, text)| (attribute.name.clone(), json!({ tag(attribute.kind): text })));
        Value::Object(members.collect())
    }

    /// Reads DynamoDB JSON that holds the attributes of the key and nothing else.
    pub(super) fn parse<'a>(&self, json: &'a Map<String, Value>) -> Option<ItemKey<'a>> {
        let text = |attribute: &Key| {
            let value = json.get(&attribute.name)?.as_object()?;
            let text = value.get(tag(attribute.kind))?.as_str()?;
            (value.len() == 1).then_some(Cow::Borrowed(text))
        };
        if json.len() != self.attributes().count() {
            return None;
        }
        let sort = match &self.sort {
            Some(attribute) => Some(text(attribute)?),
            None => None,
        };
        Some(ItemKey { partition: text(&self.partition)?, sort })
    }
}

/// A form that equal values share; `None` if it is empty or not of the type.
fn value_bytes(kind: KeyKind, text: &str) -> Option<Vec<u8>> {
    let bytes = match kind {
        KeyKind::S => text.as_bytes().to_vec(),
        KeyKind::N => Number::parse(text)?.canonical(),
        KeyKind::B => STANDARD.decode(text).ok()?,
    };
    (!bytes.is_empty()).then_some(bytes)
}

fn first_eight(hash: &[u8]) -> u64 {
    hash.iter().take(8).fold(0, |value, byte| value << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(partition: KeyKind, sort: Option<KeyKind>) -> KeySchema {
        let attribute = |name: &str, kind| Key { name: name.to_owned(), kind };
        KeySchema { partition: attribute("pk", partition), sort: sort.map(|kind| attribute("sk", kind)) }
    }

    fn key(partition: &'static str, sort: Option<&'static str>) -> ItemKey<'static> {
        ItemKey { partition: partition.into(), sort: sort.map(Into::into) }
    }

    #[test]
    fn items_of_one_partition_share_the_high_half_and_differ_in_the_low() {
        let schema = schema(KeyKind::S, Some(KeyKind::N));
        let [a, b, same, other] = [("p", "1"), ("p", "2"), ("p", "1.0"), ("q", "1")]
            .map(|(partition, sort)| schema.position(&key(partition, Some(sort))).unwrap());
        assert_eq!(a >> 64, b >> 64);
        assert_ne!(a, b);
        assert_eq!(a, same);
        assert_ne!(a >> 64, other >> 64);
    }

    #[test]
    fn values_of_the_wrong_type_have_no_position() {
        assert_eq!(schema(KeyKind::S, None).position(&key("", None)), None);
        assert_eq!(schema(KeyKind::N, None).position(&key("x", None)), None);
        assert_eq!(schema(KeyKind::B, None).position(&key("%%%", None)), None);
    }

    #[test]
    fn keys_travel_as_dynamodb_json() {
        let schema = schema(KeyKind::S, Some(KeyKind::N));
        let json = schema.to_json(&key("a", Some("1")));
        assert_eq!(json, json!({"pk": {"S": "a"}, "sk": {"N": "1"}}));
        assert_eq!(schema.parse(json.as_object().unwrap()), Some(key("a", Some("1"))));
        for wrong in [
            json!({"pk": {"S": "a"}}),
            json!({"pk": {"S": "a"}, "sk": {"S": "1"}}),
            json!({"pk": {"S": "a"}, "sk": {"N": "1"}, "x": {"N": "1"}}),
            json!({"pk": {"S": "a"}, "sk": {"N": "1", "S": "1"}}),
        ] {
            assert_eq!(schema.parse(wrong.as_object().unwrap()), None, "{wrong}");
        }
    }
}
