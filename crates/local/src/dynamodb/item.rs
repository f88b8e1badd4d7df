//! One line of a data file: where the item is in it, the item's key, and its size as DynamoDB counts it.
//!
//! One pass that keeps only the key. Errors name the column, never a value.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::key::{ItemKey, KeySchema, tag};
use super::number::Number;

/// What the index needs to know of an item.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Measured<'a> {
    /// The item's bytes in the line, without what `"Item"` wraps around it.
    pub(super) range: Range<usize>,
    /// In bytes, as DynamoDB counts pages and capacity.
    pub(super) size: u64,
    pub(super) key: ItemKey<'a>,
}

/// Why a line is not an item of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    /// Where in the line, in bytes from 1, if at any one place.
    pub(super) column: Option<usize>,
    /// What is wrong, without a value.
    pub(super) problem: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.column {
            Some(column) => write!(f, "column {column}: {}", self.problem),
            None => f.write_str(&self.problem),
        }
    }
}

/// Something that is wrong with an item as a whole.
pub(super) fn wrong(problem: impl Into<String>) -> Wrong {
    Wrong { column: None, problem: problem.into() }
}

/// Reads one line.
///
/// # Errors
/// If it is not an item of the table.
pub(super) fn measure<'a>(line: &'a [u8], schema: &KeySchema) -> Result<Measured<'a>, Wrong> {
    let range = unwrapped(line, schema).unwrap_or_else(|| trimmed(line));
    let item = line.get(range.clone()).unwrap_or_default();
    let mut json = serde_json::Deserializer::from_slice(item);
    let (size, keys) = ItemSeed(schema)
        .deserialize(&mut json)
        .and_then(|read| json.end().map(|()| read))
        .map_err(|e| describe(&e, range.start))?;
    let partition = keys.partition.ok_or_else(|| missing(&schema.partition.name))?;
    if let (Some(sort), None) = (&schema.sort, &keys.sort) {
        return Err(missing(&sort.name));
    }
    Ok(Measured { range, size, key: ItemKey { partition, sort: keys.sort } })
}

fn missing(name: &str) -> Wrong {
    wrong(format!("the key attribute {name:?} is missing"))
}

/// The messages of serde for wrong data quote the data, so only those for wrong JSON are passed on.
fn describe(error: &serde_json::Error, before: usize) -> Wrong {
    let problem = match error.classify() {
        Category::Data => {
            "not DynamoDB JSON of this table: every attribute is one tag of S N B BOOL NULL M L SS NS BS with its value, and key \
             attributes have the type that the table's definition gives"
        }
        Category::Eof => "the line ends inside the item",
        Category::Syntax | Category::Io => "not valid JSON, or nested too deep",
    };
    Wrong { column: Some(error.column() + before), problem: problem.to_owned() }
}

/// The item of `{"Item": …}`. A bare item may itself have the attribute `Item` alone, but only as its partition key.
fn unwrapped(line: &[u8], schema: &KeySchema) -> Option<Range<usize>> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wrapped<'a> {
        #[serde(rename = "Item", borrow)]
        item: &'a RawValue,
    }
    /// The only attribute of a bare item called `Item`.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Bare {
        #[serde(rename = "S", alias = "N", alias = "B")]
        _text: String,
    }
    let wrapped: Wrapped = serde_json::from_slice(line).ok()?;
    let item = wrapped.item.get();
    if schema.partition.name == "Item" && serde_json::from_str::<Bare>(item).is_ok() {
        return None;
    }
    let start = item.as_ptr().addr() - line.as_ptr().addr();
    Some(start..start + item.len())
}

fn trimmed(line: &[u8]) -> Range<usize> {
    let start = line.len() - line.trim_ascii_start().len();
    start..start + line.trim_ascii().len()
}

#[derive(Default)]
struct Keys<'a> {
    partition: Option<Cow<'a, str>>,
    sort: Option<Cow<'a, str>>,
}

/// An item: its size and its key attributes.
struct ItemSeed<'s>(&'s KeySchema);

impl<'de> DeserializeSeed<'de> for ItemSeed<'_> {
    type Value = (u64, Keys<'de>);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ItemSeed<'_> {
    type Value = (u64, Keys<'de>);

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an item")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut size, mut keys) = (0, Keys::default());
        while let Some(Text(name)) = map.next_key()? {
            let (attribute, slot) = match (&self.0.partition, &self.0.sort) {
                (partition, _) if partition.name == name => (partition, &mut keys.partition),
                (_, Some(sort)) if sort.name == name => (sort, &mut keys.sort),
                _ => {
                    size += name.len() as u64 + map.next_value::<Size>()?.0;
                    continue;
                }
            };
            let value: Scalar = map.next_value()?;
            if value.tag != tag(attribute.kind) || slot.is_some() {
                return Err(A::Error::custom("a key attribute of another type, or twice"));
            }
            size += name.len() as u64 + scalar_size(&value.tag, &value.text).ok_or_else(|| A::Error::custom("key"))?;
            *slot = Some(value.text);
        }
        Ok((size, keys))
    }
}

/// A string, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The value of a key attribute.
struct Scalar<'a> {
    tag: Cow<'a, str>,
    text: Cow<'a, str>,
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;
        impl<'de> Visitor<'de> for ScalarVisitor {
            type Value = Scalar<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an attribute value")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar<'de>, A::Error> {
                let (Text(tag), Text(text)) = map.next_entry()?.ok_or_else(|| A::Error::custom("no tag"))?;
                only_one_tag(&mut map)?;
                Ok(Scalar { tag, text })
            }
        }
        deserializer.deserialize_map(ScalarVisitor)
    }
}

/// The size of an attribute value.
///
/// From the Developer Guide, "Item sizes and formats": text and binary by their bytes, a list or map 3 bytes and one more
/// for every element.
struct Size(u64);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Size, D::Error> {
        struct SizeVisitor;
        impl<'de> Visitor<'de> for SizeVisitor {
            type Value = Size;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an attribute value")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Size, A::Error> {
                let Text(tag) = map.next_key()?.ok_or_else(|| A::Error::custom("no tag"))?;
                let wrong = || A::Error::custom("wrong value");
                let size = match &*tag {
                    "S" | "N" | "B" => scalar_size(&tag, &map.next_value::<Text>()?.0).ok_or_else(wrong)?,
                    "BOOL" | "NULL" => map.next_value::<bool>().map(|_| 1)?,
                    "SS" | "NS" | "BS" => map.next_value_seed(SetSeed(tag.get(..1).unwrap_or_default()))?,
                    "L" => map.next_value::<ListSize>()?.0,
                    "M" => map.next_value::<MapSize>()?.0,
                    _ => return Err(A::Error::custom("unknown tag")),
                };
                only_one_tag(&mut map)?;
                Ok(Size(size))
            }
        }
        deserializer.deserialize_map(SizeVisitor)
    }
}

fn only_one_tag<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    match map.next_key::<IgnoredAny>()? {
        None => Ok(()),
        Some(_) => Err(A::Error::custom("two tags")),
    }
}

fn scalar_size(tag: &str, text: &str) -> Option<u64> {
    match tag {
        "S" => Some(text.len() as u64),
        "N" => Number::parse(text).map(|number| number.size()),
        "B" => Some((text.trim_end_matches('=').len() * 3 / 4) as u64),
        _ => None,
    }
}

struct SetSeed<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for SetSeed<'_> {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for SetSeed<'_> {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a set")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<u64, A::Error> {
        let mut size = 0;
        while let Some(Text(text)) = elements.next_element()? {
            size += scalar_size(self.0, &text).ok_or_else(|| A::Error::custom("wrong element"))?;
        }
        Ok(size)
    }
}

struct ListSize(u64);

impl<'de> Deserialize<'de> for ListSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ListSize, D::Error> {
        struct ListVisitor;
        impl<'de> Visitor<'de> for ListVisitor {
            type Value = ListSize;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<ListSize, A::Error> {
                let mut size = 3;
                while let Some(Size(element)) = elements.next_element()? {
                    size += 1 + element;
                }
                Ok(ListSize(size))
            }
        }
        deserializer.deserialize_seq(ListVisitor)
    }
}

struct MapSize(u64);

impl<'de> Deserialize<'de> for MapSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<MapSize, D::Error> {
        struct MapVisitor;
        impl<'de> Visitor<'de> for MapVisitor {
            type Value = MapSize;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<MapSize, A::Error> {
                let mut size = 3;
                while let Some((Text(name), Size(member))) = members.next_entry()? {
                    size += 1 + name.len() as u64 + member;
                }
                Ok(MapSize(size))
            }
        }
        deserializer.deserialize_map(MapVisitor)
    }
}

#[cfg(test)]
mod tests {
    use schema::{Key, KeyKind};

    use super::*;

    fn schema(partition: &str, sort: Option<&str>) -> KeySchema {
        let attribute = |name: &str, kind| Key { name: name.to_owned(), kind };
        KeySchema { partition: attribute(partition, KeyKind::S), sort: sort.map(|name| attribute(name, KeyKind::N)) }
    }

    fn size(line: &str) -> u64 {
        measure(line.as_bytes(), &schema("k", None)).unwrap().size
    }

    #[test]
    fn sizes_follow_the_developer_guide() {
        let key = size(r#"{"k":{"S":"é"}}"#);
        assert_eq!(key, 1 + 2);
        for (value, expected) in [
            (r#"{"S":"abc"}"#, 3),
            (r#"{"S":"\u00e9"}"#, 2),
            (r#"{"N":"-12.5"}"#, 4),
            (r#"{"B":"AAEC"}"#, 3),
            (r#"{"B":"AAE="}"#, 2),
            (r#"{"BOOL":true}"#, 1),
            (r#"{"NULL":true}"#, 1),
            (r#"{"SS":["a","bc"]}"#, 3),
            (r#"{"NS":["1","100"]}"#, 4),
            (r#"{"BS":["AA=="]}"#, 1),
            (r#"{"L":[]}"#, 3),
            (r#"{"L":[{"S":"ab"},{"NULL":true}]}"#, 3 + 3 + 2),
            (r#"{"M":{"xy":{"S":"a"}}}"#, 3 + 1 + 2 + 1),
        ] {
            assert_eq!(size(&format!(r#"{{"k":{{"S":"é"}},"a":{value}}}"#)), key + 1 + expected, "{value}");
        }
    }

    #[test]
    fn items_are_found_bare_and_under_item() {
        let item = |line: &str, schema: &KeySchema| {
            let measured = measure(line.as_bytes(), schema).unwrap();
            (line[measured.range].to_owned(), measured.key.partition.into_owned())
        };
        let plain = schema("k", None);
        for line in [r#"  {"k":{"S":"a"}} "#, r#"{"Item":{"k":{"S":"a"}}}"#, r#" {"Item" : {"k":{"S":"a"}} } "#] {
            assert_eq!(item(line, &plain), (r#"{"k":{"S":"a"}}"#.to_owned(), "a".to_owned()), "{line}");
        }
        let called_item = schema("Item", None);
        for line in [r#"{"Item":{"S":"a"}}"#, r#"{"Item":{"Item":{"S":"a"}}}"#] {
            assert_eq!(item(line, &called_item), (r#"{"Item":{"S":"a"}}"#.to_owned(), "a".to_owned()), "{line}");
        }
        let called_s = schema("S", None);
        assert_eq!(item(r#"{"Item":{"S":{"S":"a"}}}"#, &called_s).1, "a");
    }

    #[test]
    fn errors_tell_the_column_and_no_value() {
        let with_sort = schema("k", Some("s"));
        for (line, expected) in [
            (r#"{"k":{"S":"secret"}}"#, r#"the key attribute "s" is missing"#),
            (r#"{"s":{"N":"1"}}"#, r#"the key attribute "k" is missing"#),
            (r#"{"k":{"S":"secret""#, "column 18: the line ends inside the item"),
            (r#"{"k":{"S":"secret"}}{"#, "column 21: not valid JSON, or nested too deep"),
        ] {
            assert_eq!(measure(line.as_bytes(), &with_sort).unwrap_err().to_string(), expected, "{line}");
        }
        for line in [
            r#"{"k":{"N":"1"},"s":{"N":"1"}}"#,
            r#"{"k":{"S":"a"},"s":{"N":"secret"}}"#,
            r#"{"k":{"S":"a"},"k":{"S":"secret"},"s":{"N":"1"}}"#,
            r#"{"k":{"S":"a"},"s":{"N":"1"},"x":"secret"}"#,
            r#"{"k":{"S":"a"},"s":{"N":"1"},"x":{}}"#,
            r#"{"k":{"S":"a"},"s":{"N":"1"},"x":{"X":"secret"}}"#,
            r#"{"k":{"S":"a"},"s":{"N":"1"},"x":{"S":"secret","N":"1"}}"#,
            r#"{"k":{"S":"a"},"s":{"N":"1"},"x":{"NS":["secret"]}}"#,
            r#"["secret"]"#,
        ] {
            let error = measure(line.as_bytes(), &with_sort).unwrap_err().to_string();
            assert!(error.contains("not DynamoDB JSON") && !error.contains("secret"), "{line}: {error}");
        }
    }
}
