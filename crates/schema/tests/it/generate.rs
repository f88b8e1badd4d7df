//! Everything random: items, spellings, numbers, types, damage.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use schema::{Field, GlueType};

use crate::oracle::{Item, Value};

/// A few names, so that items share them; dynamic ones, so that maps fold; and odd ones.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(vec!["a", "b", "c", "M", "Item", "S"]).prop_map(str::to_owned),
        2 => "[a-f][0-9]",
        1 => prop::sample::select(vec!["A", "a-b", "a.b", "a b", "", "2nd", "2025", "1e5", "10L", "1.0", "größe", "q\"", "b\\s", "a\\n", "a\n", "tab\t", "😀", "a,b:<c>"])
            .prop_map(str::to_owned),
        1 => "[a-z]{20,45}",
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[ -~]{0,40}",
        1 => Just("2026-11-22T10:00:00Z".to_owned()),
        1 => ".{0,12}",
        1 => prop::sample::select(vec!["\"", "\\", "a\nb", "\u{0}", "ü", "日本語の文字列です。とても長い", "😀😀", "\u{7f}"]).prop_map(str::to_owned),
    ]
}

/// Numbers that DynamoDB takes, in many spellings.
pub(crate) fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (-100i64..100).prop_map(|n| n.to_string()),
        2 => any::<i64>().prop_map(|n| n.to_string()),
        2 => (-9999i32..9999, 0..4usize).prop_map(|(n, scale)| format!("{:.scale$}", f64::from(n) / 100.0)),
        // 1 to 17 digits that are the shortest form of a double, most of them 16 or 17.
        2 => (-1e6f64..1e6).prop_map(|n| n.to_string()),
        1 => "[1-9][0-9]{15,16}",
        1 => "-?[1-9]\\.[0-9]{15,16}",
        1 => "[1-9][0-9]{17,37}",
        1 => "0\\.[0-9]{17,37}",
        1 => "-?[1-9][0-9]{0,18}\\.[0-9]{1,18}",
        1 => prop::sample::select(vec![
            "0", "-0", "0.0", "1.0", "1E0", "+7", "007", "1.50", ".5", "5.", "1e5", "1.5E+3", "25E-1", "120E-1", "1E38", "9.99E125",
            "1E-130", "-1e-5", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
            "9007199254740992", "9007199254740993", "0.30000000000000004", "99999999999999999999999999999999999999",
        ]).prop_map(str::to_owned),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        3 => text().prop_map(Value::S),
        4 => number().prop_map(Value::N),
        1 => vec(any::<u8>(), 0..8).prop_map(Value::B),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => Just(Value::Null),
        1 => vec(text(), 0..4).prop_map(Value::Ss),
        1 => vec(number(), 0..4).prop_map(Value::Ns),
        1 => vec(vec(any::<u8>(), 0..4), 0..3).prop_map(Value::Bs),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            2 => btree_map(name(), inner.clone(), 0..5).prop_map(Value::M),
            1 => vec(inner, 0..4).prop_map(Value::L),
        ]
    })
}

fn item() -> impl Strategy<Value = Item> {
    btree_map(name(), value(), 0..6)
}

/// Items of one table. Half of the tables keep to one type per place as real ones do, so that most columns get a type.
pub(crate) fn items() -> impl Strategy<Value = Vec<Item>> {
    prop_oneof![vec(item(), 0..12), alike(), nested_maps()]
}

/// Items with the same attributes of the same types, but for a NULL now and then.
fn alike() -> impl Strategy<Value = Vec<Item>> {
    vec((name(), 0..10u8), 1..7).prop_flat_map(|columns| {
        let columns: BTreeMap<String, u8> = columns.into_iter().collect();
        let item: Vec<_> =
            columns.into_iter().map(|(name, kind)| (Just(name), prop::option::weighted(0.9, typed(kind)))).collect();
        vec(item, 1..10).prop_map(|items| {
            let present =
                |item: Vec<(String, Option<Value>)>| item.into_iter().filter_map(|(name, value)| Some((name, value?)));
            items.into_iter().map(|item| present(item).collect()).collect()
        })
    })
}

/// Items with one attribute of maps in maps in maps, of few names: some fold, some only once they are put together.
pub(crate) fn nested_maps() -> impl Strategy<Value = Vec<Item>> {
    let scalar = prop_oneof![number().prop_map(Value::N), Just(Value::Null)];
    let map = |inner: BoxedStrategy<Value>| {
        prop_oneof![btree_map("[a-e]", inner, 0..5).prop_map(Value::M), Just(Value::Bool(true))].boxed()
    };
    let maps = map(map(map(scalar.boxed())));
    vec(maps.prop_map(|value| Item::from([("m".to_owned(), value)])), 0..8)
}

fn typed(kind: u8) -> BoxedStrategy<Value> {
    let numbers = |strategy: BoxedStrategy<String>| strategy.prop_map(Value::N).boxed();
    match kind {
        0 => text().prop_map(Value::S).boxed(),
        1 => numbers((-1000i64..1000).prop_map(|n| n.to_string()).boxed()),
        2 => numbers((-1e6f64..1e6).prop_map(|n| n.to_string()).boxed()),
        3 => numbers("-?[1-9][0-9]{0,9}\\.[0-9]{1,18}".boxed()),
        4 => numbers("[1-9][0-9]{17,37}".boxed()),
        5 => btree_map("[a-z][0-9]?", number().prop_map(Value::N), 0..6).prop_map(Value::M).boxed(),
        6 => vec(btree_map("[a-c]", typed(1), 0..3).prop_map(Value::M), 0..3).prop_map(Value::L).boxed(),
        7 => vec(number(), 0..4).prop_map(Value::Ns).boxed(),
        8 => prop_oneof![any::<bool>().prop_map(Value::Bool), Just(Value::Null)].boxed(),
        _ => vec(any::<u8>(), 0..8).prop_map(Value::B).boxed(),
    }
}

/// How JSON is written: nothing random, white space anywhere, any character escaped, or both.
#[derive(Debug, Clone)]
pub(crate) struct Spelling {
    spaced: bool,
    escaped: bool,
    seed: u64,
}

pub(crate) fn spelling() -> impl Strategy<Value = Spelling> {
    (any::<bool>(), any::<bool>(), any::<u64>()).prop_map(|(spaced, escaped, seed)| Spelling { spaced, escaped, seed })
}

impl Spelling {
    pub(crate) const COMPACT: Spelling = Spelling { spaced: false, escaped: false, seed: 0 };

    /// A step of splitmix64.
    fn next(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn sign(&mut self, out: &mut String, sign: &str) {
        self.space(out);
        out.push_str(sign);
        self.space(out);
    }

    fn space(&mut self, out: &mut String) {
        if self.spaced && self.next().is_multiple_of(4) {
            out.push_str([" ", "\t", "  ", "\r", "   "][self.next() as usize % 5]);
        }
    }

    fn text(&mut self, out: &mut String, text: &str) {
        if !self.escaped {
            out.push_str(&serde_json::to_string(text).unwrap());
            return;
        }
        out.push('"');
        for c in text.chars() {
            if c == '/' {
                out.push_str("\\/");
            } else if self.next().is_multiple_of(3) || c == '"' || c == '\\' || c < ' ' {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&if self.next().is_multiple_of(2) {
                        format!("\\u{unit:04x}")
                    } else {
                        format!("\\u{unit:04X}")
                    });
                }
            } else {
                out.push(c);
            }
        }
        out.push('"');
    }

    fn list<T>(
        &mut self,
        out: &mut String,
        [open, close]: [&str; 2],
        all: impl IntoIterator<Item = T>,
        mut one: impl FnMut(&mut Self, &mut String, T),
    ) {
        self.sign(out, open);
        for (i, element) in all.into_iter().enumerate() {
            if i > 0 {
                self.sign(out, ",");
            }
            one(self, out, element);
        }
        self.sign(out, close);
    }

    fn value(&mut self, out: &mut String, value: &Value) {
        const ARRAY: [&str; 2] = ["[", "]"];
        self.sign(out, "{");
        let tag = match value {
            Value::S(_) => "S",
            Value::N(_) => "N",
            Value::B(_) => "B",
            Value::Bool(_) => "BOOL",
            Value::Null => "NULL",
            Value::M(_) => "M",
            Value::L(_) => "L",
            Value::Ss(_) => "SS",
            Value::Ns(_) => "NS",
            Value::Bs(_) => "BS",
        };
        self.text(out, tag);
        self.sign(out, ":");
        match value {
            Value::S(text) | Value::N(text) => self.text(out, text),
            Value::B(bytes) => self.text(out, &BASE64_STANDARD.encode(bytes)),
            Value::Bool(value) => out.push_str(&value.to_string()),
            Value::Null => out.push_str("true"),
            Value::M(item) => self.item(out, item),
            Value::L(list) => self.list(out, ARRAY, list, |s, out, value| s.value(out, value)),
            Value::Ss(set) | Value::Ns(set) => self.list(out, ARRAY, set, |s, out, text| s.text(out, text)),
            Value::Bs(set) => self.list(out, ARRAY, set, |s, out, bytes| s.text(out, &BASE64_STANDARD.encode(bytes))),
        }
        self.sign(out, "}");
    }

    pub(crate) fn item(&mut self, out: &mut String, item: &Item) {
        // Attributes come in any order.
        let mut members: Vec<_> = item.iter().collect();
        if self.spaced || self.escaped {
            for i in (1..members.len()).rev() {
                members.swap(i, self.next() as usize % (i + 1));
            }
        }
        self.list(out, ["{", "}"], members, |s, out, (name, value)| {
            s.text(out, name);
            s.sign(out, ":");
            s.value(out, value);
        });
    }

    /// One item a line; with anything random, some lines are wrapped, some blank, and the last has no newline.
    pub(crate) fn lines(mut self, items: &[Item]) -> String {
        let mut out = String::new();
        let plain = !self.spaced && !self.escaped;
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                out.push('\n');
            }
            if plain || self.next().is_multiple_of(2) {
                self.item(&mut out, item);
            } else {
                self.space(&mut out);
                out.push('{');
                self.text(&mut out, "Item");
                self.sign(&mut out, ":");
                self.item(&mut out, item);
                self.sign(&mut out, "}");
            }
            if self.spaced && self.next().is_multiple_of(5) {
                out.push_str("\n \r");
            }
        }
        if plain && !items.is_empty() {
            out.push('\n');
        }
        out
    }
}

/// A change of some bytes of an input.
#[derive(Debug, Clone)]
pub(crate) enum Damage {
    Truncate(prop::sample::Index),
    Replace(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index),
    Copy(prop::sample::Index, prop::sample::Index, u8),
}

pub(crate) fn damage() -> impl Strategy<Value = Damage> {
    let byte = prop_oneof![any::<u8>(), prop::sample::select(b"{}[]\",:\\ \n0123456789.-+eEtrfnulSNBML".to_vec())];
    let tokens: Vec<&[u8]> = vec![
        b"{",
        b"}",
        b"[",
        b"]",
        b"\"",
        b",",
        b":",
        b"{\"S\":\"x\"}",
        b",\"a\":{\"S\":\"x\"}",
        b",\"N\":\"1\"",
        b"\\u",
        b"\\ud800",
        b"\\x",
        b"null",
        b"true",
        b"\xff",
        b"\xe2\x82",
        b"\x00",
        b"\n",
        b"E999",
        b"1234567890123456789012345678901234567890",
    ];
    let index = any::<prop::sample::Index>;
    prop_oneof![
        index().prop_map(Damage::Truncate),
        (index(), byte).prop_map(|(at, byte)| Damage::Replace(at, byte)),
        (index(), prop::sample::select(tokens)).prop_map(|(at, token)| Damage::Insert(at, token.to_vec())),
        index().prop_map(Damage::Remove),
        (index(), index(), 1..40u8).prop_map(|(from, to, length)| Damage::Copy(from, to, length)),
    ]
}

impl Damage {
    pub(crate) fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let length = bytes.len();
        match self {
            Damage::Truncate(at) => bytes.truncate(at.index(length)),
            Damage::Replace(at, byte) => bytes[at.index(length)] = *byte,
            Damage::Insert(at, token) => {
                let at = at.index(length);
                bytes.splice(at..at, token.iter().copied());
            }
            Damage::Remove(at) => drop(bytes.remove(at.index(length))),
            Damage::Copy(from, to, count) => {
                let from = from.index(length);
                let part = bytes[from..length.min(from + usize::from(*count))].to_vec();
                let to = to.index(length);
                bytes.splice(to..to, part);
            }
        }
    }
}

/// Any type, also those that no item settles to.
pub(crate) fn glue_type() -> impl Strategy<Value = GlueType> {
    let decimal = (1..=38u8)
        .prop_flat_map(|precision| (0..=precision).prop_map(move |scale| GlueType::Decimal { precision, scale }));
    let leaf = prop_oneof![
        prop::sample::select(vec![
            GlueType::Boolean,
            GlueType::TinyInt,
            GlueType::SmallInt,
            GlueType::Int,
            GlueType::BigInt,
            GlueType::Float,
            GlueType::Double,
            GlueType::String,
            GlueType::Binary,
            GlueType::Date,
            GlueType::Timestamp,
            GlueType::TimestampTz,
            GlueType::TimestampLocalTz,
            GlueType::IntervalYearMonth,
            GlueType::IntervalDayTime,
            GlueType::Void,
        ]),
        decimal,
        prop::option::of(1..=255u16).prop_map(GlueType::Char),
        prop::option::of(1u16..).prop_map(GlueType::Varchar),
    ];
    leaf.prop_recursive(6, 40, 4, |inner| {
        let field = (".{0,8}", inner.clone()).prop_map(|(name, glue_type)| Field { name, glue_type });
        prop_oneof![
            inner.clone().prop_map(|t| GlueType::Array(Box::new(t))),
            inner.clone().prop_map(|t| GlueType::Set(Box::new(t))),
            (inner.clone(), inner.clone()).prop_map(|(k, v)| GlueType::Map(Box::new(k), Box::new(v))),
            vec(field, 0..4).prop_map(GlueType::Struct),
            vec(inner, 0..4).prop_map(GlueType::Union),
        ]
    })
}
