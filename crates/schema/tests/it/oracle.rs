//! The slow and obvious implementation: parse to a tree, gather all values of a place, look at them all at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A DynamoDB attribute value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    S(String),
    N(String),
    B(Vec<u8>),
    Bool(bool),
    Null,
    M(Item),
    L(Vec<Value>),
    Ss(Vec<String>),
    Ns(Vec<String>),
    Bs(Vec<Vec<u8>>),
}

/// Names and values.
pub(crate) type Item = BTreeMap<String, Value>;

/// Any JSON, with members in order and twice where they stand twice.
#[derive(Debug, Clone, PartialEq)]
enum Json {
    Text(String),
    True,
    False,
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
    Other,
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Json;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("JSON")
            }
            fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
                Ok(if value { Json::True } else { Json::False })
            }
            fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
                Ok(Json::Other)
            }
            fn visit_u64<E>(self, _: u64) -> Result<Json, E> {
                Ok(Json::Other)
            }
            fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
                Ok(Json::Other)
            }
            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Other)
            }
            fn visit_str<E>(self, text: &str) -> Result<Json, E> {
                Ok(Json::Text(text.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = seq.next_element()? {
                    all.push(one);
                }
                Ok(Json::Array(all))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = map.next_entry()? {
                    all.push(one);
                }
                Ok(Json::Object(all))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// All items of a text of lines; `None` if there is anything wrong in it.
pub(crate) fn parse(text: &[u8]) -> Option<Vec<Item>> {
    let lines = text.split(|byte| *byte == b'\n');
    let lines = lines.filter(|line| !line.iter().all(|byte| b" \t\r".contains(byte)));
    lines.map(parse_line).collect()
}

fn parse_line(line: &[u8]) -> Option<Item> {
    let Json::Object(members) = serde_json::from_slice(line).ok()? else {
        return None;
    };
    // No text is an item both bare and wrapped, so the order of trying doesn't matter.
    if let Some(item) = parse_item(&members, 0) {
        return Some(item);
    }
    match &members[..] {
        [(name, Json::Object(inner))] if name == "Item" => parse_item(inner, 0),
        _ => None,
    }
}

fn parse_item(members: &[(String, Json)], depth: u32) -> Option<Item> {
    let mut item = Item::new();
    for (name, value) in members {
        if item.insert(name.clone(), parse_value(value, depth)?).is_some() {
            return None;
        }
    }
    Some(item)
}

fn parse_value(value: &Json, depth: u32) -> Option<Value> {
    let Json::Object(members) = value else {
        return None;
    };
    let [(tag, content)] = &members[..] else {
        return None;
    };
    let set = || match content {
        Json::Array(list) => list
            .iter()
            .map(|one| if let Json::Text(text) = one { Some(text.clone()) } else { None })
            .collect::<Option<Vec<_>>>(),
        _ => None,
    };
    let valid = |text: &String| Decimal::of(text).is_some();
    match (tag.as_str(), content) {
        ("S", Json::Text(text)) => Some(Value::S(text.clone())),
        ("N", Json::Text(text)) => valid(text).then(|| Value::N(text.clone())),
        ("B", Json::Text(text)) => base64(text).map(Value::B),
        ("BOOL", Json::True) => Some(Value::Bool(true)),
        ("BOOL", Json::False) => Some(Value::Bool(false)),
        ("NULL", Json::True) => Some(Value::Null),
        ("SS", _) => set().map(Value::Ss),
        ("NS", _) => set().filter(|set| set.iter().all(valid)).map(Value::Ns),
        ("BS", _) => set()?.iter().map(|text| base64(text)).collect::<Option<_>>().map(Value::Bs),
        ("M", Json::Object(members)) if depth < 32 => parse_item(members, depth + 1).map(Value::M),
        ("L", Json::Array(list)) if depth < 32 => {
            list.iter().map(|one| parse_value(one, depth + 1)).collect::<Option<_>>().map(Value::L)
        }
        _ => None,
    }
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical);
    GeneralPurpose::new(&base64::alphabet::STANDARD, config).decode(text).ok()
}

/// A number as digits `d1 d2 …` with the value `0.d1d2… * 10^point`; zero has no digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Decimal {
    pub(crate) negative: bool,
    pub(crate) point: i64,
    pub(crate) digits: String,
}

impl Decimal {
    pub(crate) fn of(text: &str) -> Option<Decimal> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (unsigned, None),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        if all.is_empty() || !all.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let exponent: i64 = match exponent {
            None => 0,
            Some(text) => {
                let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
                if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                    return None;
                }
                let size = digits
                    .trim_start_matches('0')
                    .parse()
                    .unwrap_or(if digits.trim_start_matches('0').is_empty() { 0 } else { 1_000_000 });
                if text.starts_with('-') { -size } else { size }
            }
        };
        let leading = all.len() - all.trim_start_matches('0').len();
        let digits = all.trim_start_matches('0').trim_end_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Decimal { negative: false, point: 0, digits });
        }
        let point = (whole.len() as i64 - leading as i64).saturating_add(exponent);
        // 0.1 * 10^point: 1E-130 is 0.1 * 10^-129.
        (digits.len() <= 38 && (-129..=126).contains(&point)).then_some(Decimal { negative, point, digits })
    }

    pub(crate) fn integer_digits(&self) -> u64 {
        self.point.max(0) as u64
    }

    pub(crate) fn scale(&self) -> u64 {
        (self.digits.len() as i64 - self.point).max(0) as u64
    }

    pub(crate) fn is_i64(&self) -> bool {
        self.scale() == 0 && self.plain().parse::<i64>().is_ok()
    }

    /// All digits, without an exponent.
    pub(crate) fn plain(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        let (length, point) = (self.digits.len() as i64, self.point);
        match &self.digits[..] {
            "" => "0".to_owned(),
            digits if point <= 0 => format!("{sign}0.{}{digits}", "0".repeat(-point as usize)),
            digits if point >= length => format!("{sign}{digits}{}", "0".repeat((point - length) as usize)),
            digits => format!("{sign}{}.{}", &digits[..point as usize], &digits[point as usize..]),
        }
    }

    /// Whether reading and printing the double gives the number again; above 17 digits that never is.
    pub(crate) fn is_double(&self) -> bool {
        let double: f64 = self.plain().parse().unwrap();
        Decimal::of(&format!("{double:e}")).as_ref() == Some(self)
    }
}

/// What one place holds.
#[derive(Debug, Default)]
pub(crate) struct Place {
    counts: [u64; 10],
    numbers: Vec<Decimal>,
    pub(crate) element: Option<Box<Place>>,
    pub(crate) map: Option<Map>,
}

#[derive(Debug)]
pub(crate) enum Map {
    /// A place for each name, and one for the values of all names.
    Fields(BTreeMap<String, Place>, Box<Place>),
    Folded(Box<Place>),
}

/// One place for each name.
pub(crate) fn attributes(items: &[Item], limit: usize) -> BTreeMap<String, Place> {
    by_name(&items.iter().collect::<Vec<_>>(), limit)
}

fn by_name(maps: &[&Item], limit: usize) -> BTreeMap<String, Place> {
    let names: BTreeSet<&String> = maps.iter().flat_map(|map| map.keys()).collect();
    let values = |name: &String| maps.iter().filter_map(|map| map.get(name).cloned()).collect::<Vec<_>>();
    names.into_iter().map(|name| (name.clone(), place(&values(name), limit))).collect()
}

fn place(values: &[Value], limit: usize) -> Place {
    let mut place = Place::default();
    let (mut elements, mut has_elements, mut maps) = (Vec::new(), false, Vec::new());
    for value in values {
        let kind = match value {
            Value::S(_) => 0,
            Value::N(_) => 1,
            Value::B(_) => 2,
            Value::Bool(_) => 3,
            Value::Null => 4,
            Value::M(_) => 5,
            Value::L(_) => 6,
            Value::Ss(_) => 7,
            Value::Ns(_) => 8,
            Value::Bs(_) => 9,
        };
        place.counts[kind] += 1;
        has_elements |= kind >= 6;
        match value {
            Value::N(text) => place.numbers.extend(Decimal::of(text)),
            Value::M(item) => maps.push(item),
            Value::L(list) => elements.extend(list.iter().cloned()),
            Value::Ss(set) => elements.extend(set.iter().cloned().map(Value::S)),
            Value::Ns(set) => elements.extend(set.iter().cloned().map(Value::N)),
            Value::Bs(set) => elements.extend(set.iter().cloned().map(Value::B)),
            Value::S(_) | Value::B(_) | Value::Bool(_) | Value::Null => {}
        }
    }
    if has_elements && !elements.is_empty() {
        place.element = Some(Box::new(self::place(&elements, limit)));
    }
    if !maps.is_empty() {
        let names: BTreeSet<&String> = maps.iter().flat_map(|map| map.keys()).collect();
        let values: Vec<Value> = maps.iter().flat_map(|map| map.values().cloned()).collect();
        let all = Box::new(self::place(&values, limit));
        let too_wide = names.len() > limit || names.iter().any(|name| name.len() > 255);
        place.map = Some(if too_wide { Map::Folded(all) } else { Map::Fields(by_name(&maps, limit), all) });
    }
    place
}

/// The highest limit, up to this one, with which the items can't have had more than `room` places, if there is any.
pub(crate) fn limit_within(items: &[Item], limit: usize, room: u64) -> Option<usize> {
    let most = |limit: usize| -> u64 {
        let attributes = attributes(items, limit);
        attributes.iter().map(|(name, place)| (name.len() / 256) as u64 + with_below(place, limit).0).sum()
    };
    (0..=limit).rev().find(|limit| most(*limit) <= room)
}

/// A place with those below it: how many there can have been, and how many values they hold.
fn with_below(place: &Place, limit: usize) -> (u64, u64) {
    let (mut places, mut values) = (1, place.counts.iter().sum());
    let mut add = |(more, held): (u64, u64)| (places, values) = (places + more, values + held);
    place.element.iter().for_each(|element| add(with_below(element, limit)));
    match &place.map {
        None => {}
        Some(Map::Fields(fields, _)) => fields.values().for_each(|field| add(with_below(field, limit))),
        Some(Map::Folded(value)) => {
            let (once, held) = with_below(value, limit);
            add(((once * limit.max(1) as u64).min(held), held));
        }
    }
    (places, values)
}

/// The serialised Shape, by the grammar in its documentation.
pub(crate) fn shape_bytes(items: &[Item], limit: usize, bytes: u64) -> Vec<u8> {
    let mut out = b"DDBS\x01".to_vec();
    leb(&mut out, limit as u64 + 1);
    leb(&mut out, items.len() as u64);
    leb(&mut out, bytes);
    write_fields(&mut out, &attributes(items, limit));
    out
}

fn leb(out: &mut Vec<u8>, number: u64) {
    let groups = (64 - number.leading_zeros()).div_ceil(7).max(1);
    for group in 0..groups {
        let more = if group + 1 < groups { 0x80 } else { 0 };
        out.push((number >> (7 * group)) as u8 & 0x7f | more);
    }
}

fn write_fields(out: &mut Vec<u8>, fields: &BTreeMap<String, Place>) {
    leb(out, fields.len() as u64);
    for (name, place) in fields {
        leb(out, name.len() as u64);
        out.extend(name.bytes());
        write_place(out, place);
    }
}

fn write_place(out: &mut Vec<u8>, place: &Place) {
    leb(out, (0..10).filter(|kind| place.counts[*kind] > 0).map(|kind| 1 << kind).sum());
    for count in place.counts.iter().filter(|count| **count > 0) {
        leb(out, *count);
    }
    if place.counts[1] > 0 {
        let n = &place.numbers;
        let beyond = n.iter().any(|n| n.scale() == 0 && !n.is_i64());
        let lossy = n.iter().any(|n| !n.is_double());
        out.push(n.iter().map(Decimal::integer_digits).max().unwrap() as u8);
        out.push(n.iter().map(Decimal::scale).max().unwrap() as u8);
        out.push(u8::from(beyond) + 2 * u8::from(lossy));
    }
    if place.counts[6..].iter().any(|count| *count > 0) {
        out.push(u8::from(place.element.is_some()));
        if let Some(element) = &place.element {
            write_place(out, element);
        }
    }
    match &place.map {
        None => {}
        Some(Map::Fields(fields, _)) => {
            out.push(0);
            write_fields(out, fields);
        }
        Some(Map::Folded(value)) => {
            out.push(1);
            write_place(out, value);
        }
    }
}

/// The type of a place, as text, straight from the table of rules.
pub(crate) fn settle(place: &Place) -> String {
    let [s, n, b, boolean, _, m, lists @ ..] = place.counts;
    let list = lists.iter().sum::<u64>();
    let kinds: Vec<&str> = [("S", s), ("N", n), ("B", b), ("BOOL", boolean), ("M", m), ("LIST", list)]
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(kind, _)| kind)
        .collect();
    match &kinds[..] {
        ["BOOL"] => "boolean".to_owned(),
        ["B"] => "binary".to_owned(),
        ["LIST"] => format!("array<{}>", place.element.as_ref().map_or("string".to_owned(), |e| settle(e))),
        ["N"] => settle_numbers(&place.numbers),
        ["M"] => match place.map.as_ref().unwrap() {
            Map::Folded(value) => format!("map<string,{}>", settle(value)),
            Map::Fields(fields, _) if fields.is_empty() => "map<string,string>".to_owned(),
            Map::Fields(fields, all) => {
                let lower: BTreeSet<String> = fields.keys().map(|name| name.to_lowercase()).collect();
                if !fields.keys().all(|name| is_field(name)) || lower.len() < fields.len() {
                    return format!("map<string,{}>", settle(all));
                }
                let fields: Vec<String> =
                    fields.iter().map(|(name, place)| format!("{name}:{}", settle(place))).collect();
                format!("struct<{}>", fields.join(","))
            }
        },
        _ => "string".to_owned(),
    }
}

fn is_field(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn settle_numbers(numbers: &[Decimal]) -> String {
    let integer_digits = numbers.iter().map(Decimal::integer_digits).max().unwrap();
    let scale = numbers.iter().map(Decimal::scale).max().unwrap();
    if scale == 0 {
        if numbers.iter().all(Decimal::is_i64) {
            "bigint".to_owned()
        } else if integer_digits <= 38 {
            "decimal(38,0)".to_owned()
        } else {
            "string".to_owned()
        }
    } else if numbers.iter().all(Decimal::is_double) {
        "double".to_owned()
    } else if integer_digits + scale <= 38 {
        format!("decimal(38,{scale})")
    } else {
        "string".to_owned()
    }
}
