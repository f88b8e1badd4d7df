//! What a Shape counted, for people: how often each place was there, in which types, and why it has its Glue type.

use serde::Serialize;

use crate::naming;
use crate::number::Numbers;
use crate::settle::Members;
use crate::shape::{Map, Node, Shape, ValueKind};
use crate::table::TableSchema;
use crate::types::GlueType;

/// The profile of items. It has names and counts, and no value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Profile {
    /// The number of items.
    pub items: u64,
    /// The size of their JSON text, in bytes.
    pub bytes: u64,
    /// The attributes, in the order of the columns.
    pub attributes: Vec<Place>,
}

/// A place in the items.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Place {
    /// The name of the attribute or of the field of a map; `[]` for all elements of lists and sets, `{}` for all values of maps
    /// whose names are data.
    pub name: String,
    /// The column, for an attribute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The Glue type.
    pub r#type: String,
    /// Why it has that type.
    pub why: String,
    /// How often there was something, NULL too.
    pub count: u64,
    /// The share of the items, or of the maps around it, 0 to 1; `None` for elements and values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// The DynamoDB types, as often as they were seen.
    pub types: Vec<TypeCount>,
    /// What is known of the numbers, if there were any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numbers: Option<NumberFacts>,
    /// What is inside.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub within: Vec<Place>,
}

/// How often a DynamoDB type was seen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TypeCount {
    /// `S`, `N`, `B`, `BOOL`, `NULL`, `M`, `L`, `SS`, `NS` or `BS`.
    pub r#type: &'static str,
    /// How often.
    pub count: u64,
    /// The share of all that was there, 0 to 1.
    pub share: f64,
}

/// What all numbers of a place have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct NumberFacts {
    /// The most digits before the point.
    pub integer_digits: u8,
    /// The most digits after it; 0 if all are whole.
    pub fraction_digits: u8,
    /// Whether the whole ones fit 64 bits.
    pub fits_bigint: bool,
    /// Whether a double keeps each of them.
    pub fits_double: bool,
}

/// The profile of a Shape; `schema` is what it settled to.
pub fn profile(shape: &Shape, schema: &TableSchema) -> Profile {
    let attributes = schema.columns.iter().map(|column| {
        let node = shape.attributes.get(&column.attribute);
        let place = place(&column.attribute, &column.glue_type, node, Some(shape.items), shape.limit);
        Place { column: Some(column.name.clone()), ..place }
    });
    Profile { items: shape.items, bytes: shape.bytes, attributes: attributes.collect() }
}

/// A place that could have been there so often, if that is known.
fn place(name: &str, glue_type: &GlueType, node: Option<&Node>, possible: Option<u64>, limit: usize) -> Place {
    let none = Node::default();
    let node = node.unwrap_or(&none);
    let seen = || ValueKind::ALL.into_iter().filter(|kind| node.count(*kind) > 0);
    let count = seen().map(|kind| node.count(kind)).sum();
    let types = seen().map(|kind| {
        let times = node.count(kind);
        TypeCount { r#type: kind.as_str(), count: times, share: share(times, count) }
    });
    let Numbers { integer_digits, scale, beyond_i64, lossy } = node.numbers;
    let facts = NumberFacts { integer_digits, fraction_digits: scale, fits_bigint: !beyond_i64, fits_double: !lossy };
    Place {
        name: name.to_owned(),
        column: None,
        r#type: glue_type.to_string(),
        why: why(node, glue_type, limit),
        count,
        share: possible.map(|possible| share(count, possible)),
        types: types.collect(),
        numbers: (node.count(ValueKind::N) > 0).then_some(facts),
        within: within(node, glue_type, limit),
    }
}

/// To four digits.
fn share(count: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { (count as f64 / of as f64 * 1e4).round() / 1e4 }
}

/// The places inside, as the type has them.
fn within(node: &Node, glue_type: &GlueType, limit: usize) -> Vec<Place> {
    match glue_type {
        GlueType::Array(element) | GlueType::Set(element) => {
            let elements = node.element.as_deref();
            elements.map(|elements| place("[]", element, Some(elements), None, limit)).into_iter().collect()
        }
        GlueType::Map(_, value) => match node.map.as_deref().map(|map| map.members(limit)) {
            Some(Members::Values(Some(values))) => vec![place("{}", value, Some(&values), None, limit)],
            _ => Vec::new(),
        },
        GlueType::Struct(fields) => {
            let Some(Map::Fields(known)) = node.map.as_deref() else { return Vec::new() };
            let maps = Some(node.count(ValueKind::M));
            let fields = fields.iter().map(|field| {
                let node = known.get(&field.name);
                place(&field.name, &field.glue_type, node, maps, limit)
            });
            fields.collect()
        }
        _ => Vec::new(),
    }
}

/// Why a place has its type, in words.
fn why(node: &Node, glue_type: &GlueType, limit: usize) -> String {
    let seen = || ValueKind::ALL.into_iter().filter(|kind| *kind != ValueKind::Null && node.count(*kind) > 0);
    let is_list = |kind| matches!(kind, ValueKind::L | ValueKind::Ss | ValueKind::Ns | ValueKind::Bs);
    let kinds: Vec<ValueKind> = seen().collect();
    match kinds[..] {
        [] if node.count(ValueKind::Null) > 0 => "nothing but NULL".to_owned(),
        [] => "no item has it: the key's own type".to_owned(),
        [ValueKind::S] => "all are text".to_owned(),
        [ValueKind::B] => "all are binary".to_owned(),
        [ValueKind::Bool] => "all are true or false".to_owned(),
        [ValueKind::N] => of_numbers(node.numbers, glue_type),
        [ValueKind::M] => of_maps(node, limit),
        _ if kinds.iter().all(|kind| is_list(*kind)) => of_lists(node),
        _ => {
            let all: u64 = kinds.iter().map(|kind| node.count(*kind)).sum();
            let counted = kinds.iter().map(|kind| format!("{} in {}", kind.as_str(), node.count(*kind)));
            format!("{} of {all}: read as text", counted.collect::<Vec<_>>().join(", "))
        }
    }
}

fn of_numbers(numbers: Numbers, glue_type: &GlueType) -> String {
    let Numbers { integer_digits, scale, beyond_i64, lossy } = numbers;
    match glue_type {
        GlueType::BigInt => "all are whole, in 64 bits".to_owned(),
        GlueType::Decimal { scale: 0, .. } => format!("all are whole, with up to {integer_digits} digits"),
        GlueType::Decimal { .. } if lossy => {
            format!("up to {scale} digits after the point, of which a double would lose some")
        }
        GlueType::Decimal { .. } => format!("up to {scale} digits after the point"),
        GlueType::Double if lossy => "some have a fraction, and a double rounds some".to_owned(),
        GlueType::Double => "some have a fraction, and a double keeps all".to_owned(),
        _ if beyond_i64 && scale == 0 => format!("whole numbers of {integer_digits} digits, which no type holds"),
        _ => format!(
            "up to {integer_digits} digits before and {scale} after the point, which no type holds: read as text"
        ),
    }
}

fn of_maps(node: &Node, limit: usize) -> String {
    match node.map.as_deref() {
        Some(Map::Folded(_)) => format!("maps with more than {limit} names, or a very long one"),
        Some(Map::Fields(fields)) if fields.list.is_empty() => "maps without anything in them".to_owned(),
        Some(Map::Fields(fields)) if naming::are_fields(fields.sorted().map(|(name, _)| name)) => {
            let count = fields.list.len();
            format!("maps with {count} name{}", if count == 1 { "" } else { "s" })
        }
        Some(Map::Fields(_)) => "maps with names that no struct can have".to_owned(),
        None => "maps without anything in them".to_owned(),
    }
}

fn of_lists(node: &Node) -> String {
    let lists = node.count(ValueKind::L);
    let sets: u64 = [ValueKind::Ss, ValueKind::Ns, ValueKind::Bs].map(|kind| node.count(kind)).iter().sum();
    match (lists, sets, node.element.is_some()) {
        (_, _, false) => "lists without elements".to_owned(),
        (_, 0, true) => "all are lists".to_owned(),
        (0, _, true) => "all are sets".to_owned(),
        _ => "lists and sets".to_owned(),
    }
}

#[cfg(test)]
mod tests;
