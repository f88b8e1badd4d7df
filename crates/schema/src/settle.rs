//! Settling: from what was seen to the types of the catalog.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::naming;
use crate::number::Numbers;
use crate::options::{Dialect, NumberPolicy, TypeOptions};
use crate::shape::{Fields, Map, Node, Shape, ValueKind};
use crate::table::{Column, TableSchema};
use crate::types::{Field, GlueType};

/// The longest type string that Glue stores, in characters.
const MAX_TYPE: usize = 131_072;
/// The most digits of a `decimal`.
const MAX_DECIMAL: u8 = 38;

/// An attribute of a table's key schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The attribute's name.
    pub name: String,
    /// The type that the table declares for it.
    pub kind: KeyKind,
}

/// The types that a key attribute can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// String.
    S,
    /// Number.
    N,
    /// Binary.
    B,
}

impl Shape {
    /// The columns that hold every item seen: those of `keys` (the hash key, then the range key), then the other attributes
    /// by name in byte order.
    ///
    /// Key attributes take their type from the key schema even if no item was seen; an N key is settled from its numbers,
    /// and is `bigint` if there were none. The others, with NULL left aside:
    ///
    /// | seen | type |
    /// | --- | --- |
    /// | nothing, or only NULL; S | `string` |
    /// | BOOL; B | `boolean`; `binary` |
    /// | N, all whole, in 64 bits; in 38 digits | `bigint`; `decimal(38,0)` |
    /// | N, some with fractions, each (the whole ones too) the same as a double | `double` |
    /// | N otherwise, if the most digits before and after the point are 38 together | `decimal(38,s)` |
    /// | N, anything else | `string` |
    /// | L, SS, NS, BS | `array<T>`, T of all elements; without elements `array<string>` |
    /// | M | `struct<name:T,…>` in byte order; without names `map<string,string>`; folded `map<string,T>` |
    /// | M, one name no [`is_field`](naming::is_field), or two alike but for case | `map<string,T>`, T of all values |
    /// | any other mix, or a type of over 131,072 characters | `string`: readers get the JSON text |
    ///
    /// In the [dialect](TypeOptions::dialect) of AWS's crawler, what held only SS is `set<string>`, NS `set<T>`, BS `set<binary>`; N that
    /// no number type holds is `double`; M is
    /// a struct whatever its names, and `struct<>` where they are none, gave way to the limit, or hold control characters.
    ///
    /// `names` are columns that the catalog already has, by attribute: those names stay. The others come from
    /// [`naming::column`], told apart as [`naming::unique`] says.
    pub fn settle(&self, keys: &[Key], names: &BTreeMap<String, String>, options: &TypeOptions) -> TableSchema {
        if options.max_struct_fields < self.limit {
            let mut lowered = self.clone();
            lowered.lower_limit(options.max_struct_fields);
            return lowered.settle_attributes(keys, names, options);
        }
        // What was read with a lower limit folds below it here too.
        let options = TypeOptions { max_struct_fields: self.limit.min(options.max_struct_fields), ..options.clone() };
        self.settle_attributes(keys, names, &options)
    }

    fn settle_attributes(&self, keys: &[Key], names: &BTreeMap<String, String>, options: &TypeOptions) -> TableSchema {
        let is_key = |name: &str| keys.iter().any(|key| key.name == name);
        let mut attributes: Vec<(&str, GlueType)> = Vec::with_capacity(keys.len() + self.attributes.list.len());
        for key in keys {
            let node = self.attributes.get(&key.name);
            attributes.push((&key.name, key_type(key.kind, node, options)));
        }
        for (name, node) in self.attributes.sorted().filter(|(name, _)| !is_key(name)) {
            attributes.push((name, column_type(node, options)));
        }
        let sources = attributes.iter().map(|(name, _)| *name);
        let mut names = naming::unique(sources, names, naming::MAX_COLUMN, "", naming::column);
        let columns = attributes.into_iter().map(|(attribute, glue_type)| Column {
            // A key named twice (hash and range) is one column; there is a name for every other.
            name: names.remove(attribute).unwrap_or_default(),
            attribute: attribute.to_owned(),
            glue_type,
        });
        TableSchema { columns: columns.filter(|column| !column.name.is_empty()).collect() }
    }
}

fn key_type(kind: KeyKind, node: Option<&Node>, options: &TypeOptions) -> GlueType {
    match kind {
        KeyKind::S => GlueType::String,
        KeyKind::B => GlueType::Binary,
        KeyKind::N => number_type(node.map(|node| node.numbers).unwrap_or_default(), options),
    }
}

fn column_type(node: &Node, options: &TypeOptions) -> GlueType {
    let glue_type = node_type(node, options);
    if glue_type.to_string().len() > MAX_TYPE { GlueType::String } else { glue_type }
}

fn node_type(node: &Node, options: &TypeOptions) -> GlueType {
    let seen = |kinds: &[ValueKind]| kinds.iter().any(|kind| node.count(*kind) > 0);
    let lists = seen(&[ValueKind::L, ValueKind::Ss, ValueKind::Ns, ValueKind::Bs]);
    let [text, number, binary, boolean, map] =
        [ValueKind::S, ValueKind::N, ValueKind::B, ValueKind::Bool, ValueKind::M].map(|kind| seen(&[kind]));
    match (text, number, binary, boolean, lists, map) {
        (false, true, false, false, false, false) => number_type(node.numbers, options),
        (false, false, true, false, false, false) => GlueType::Binary,
        (false, false, false, true, false, false) => GlueType::Boolean,
        (false, false, false, false, true, false) => list_type(node, options),
        (false, false, false, false, false, true) => map_type(node.map.as_deref(), options),
        _ => GlueType::String,
    }
}

/// Of lists and sets.
fn list_type(node: &Node, options: &TypeOptions) -> GlueType {
    let element = node.element.as_deref().map(|element| node_type(element, options));
    let [lists, texts, numbers, binaries] =
        [ValueKind::L, ValueKind::Ss, ValueKind::Ns, ValueKind::Bs].map(|kind| node.count(kind) > 0);
    let set = |empty| GlueType::Set(Box::new(element.clone().unwrap_or(empty)));
    match (options.dialect, lists, texts, numbers, binaries) {
        (Dialect::Crawler, false, true, false, false) => set(GlueType::String),
        (Dialect::Crawler, false, false, true, false) => set(GlueType::BigInt),
        (Dialect::Crawler, false, false, false, true) => set(GlueType::Binary),
        _ => GlueType::array(element.unwrap_or(GlueType::String)),
    }
}

fn map_type(map: Option<&Map>, options: &TypeOptions) -> GlueType {
    match (options.dialect, map) {
        (Dialect::Portable, Some(map)) => match map.members(options.max_struct_fields) {
            Members::Fields(fields) => struct_type(fields, options),
            Members::Values(Some(value)) => GlueType::map(node_type(&value, options)),
            Members::Values(None) => GlueType::map(GlueType::String),
        },
        (Dialect::Portable, None) => GlueType::map(GlueType::String),
        (Dialect::Crawler, Some(Map::Fields(fields)))
            if !fields.sorted().any(|(name, _)| name.contains(char::is_control)) =>
        {
            struct_type(fields, options)
        }
        (Dialect::Crawler, _) => GlueType::Struct(Vec::new()),
    }
}

fn struct_type(fields: &Fields, options: &TypeOptions) -> GlueType {
    let field = |(name, node): (&str, &Node)| Field { name: name.to_owned(), glue_type: node_type(node, options) };
    GlueType::Struct(fields.sorted().map(field).collect())
}

/// What the maps of one place hold, as every engine can spell it.
pub(crate) enum Members<'a> {
    /// A value for each of these names, at least one.
    Fields(&'a Fields),
    /// Values under any name, if there were any.
    Values(Option<Cow<'a, Node>>),
}

impl Map {
    /// Decided by the set of names, and so independent of the order of items: names that make no struct give way to one Node
    /// for all values, as more than `limit` names do.
    pub(crate) fn members(&self, limit: usize) -> Members<'_> {
        match self {
            Map::Folded(value) => Members::Values(Some(Cow::Borrowed(value))),
            Map::Fields(fields) if fields.list.is_empty() => Members::Values(None),
            Map::Fields(fields) if naming::are_fields(fields.sorted().map(|(name, _)| name)) => Members::Fields(fields),
            Map::Fields(fields) => Members::Values(Some(Cow::Owned(fields.clone().into_one(limit)))),
        }
    }
}

fn number_type(numbers: Numbers, options: &TypeOptions) -> GlueType {
    match (holding(numbers, options.numbers), options.dialect) {
        // The crawler's words for N are of numbers alone: sosw's client makes text of what is called one.
        (GlueType::String, Dialect::Crawler) => GlueType::Double,
        (glue_type, _) => glue_type,
    }
}

/// `string` where no number type holds all.
fn holding(numbers: Numbers, options: NumberPolicy) -> GlueType {
    let Numbers { integer_digits, scale, beyond_i64, lossy } = numbers;
    let digits = u16::from(integer_digits) + u16::from(scale);
    let decimal = (digits <= u16::from(MAX_DECIMAL)).then_some(GlueType::Decimal { precision: MAX_DECIMAL, scale });
    if scale == 0 {
        return if beyond_i64 { decimal.unwrap_or(GlueType::String) } else { GlueType::BigInt };
    }
    match options {
        NumberPolicy::Double => GlueType::Double,
        NumberPolicy::Lossless if !lossy => GlueType::Double,
        NumberPolicy::Lossless => decimal.unwrap_or(GlueType::String),
        NumberPolicy::Decimal => decimal.unwrap_or(if lossy { GlueType::String } else { GlueType::Double }),
    }
}

#[cfg(test)]
mod tests;
