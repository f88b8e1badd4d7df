use std::collections::BTreeMap;

use super::{Place, profile};
use crate::{Key, KeyKind, Reader, TypeOptions};

const ITEMS: &str = r#"{"Id":{"S":"a"},"n":{"N":"1"},"price":{"N":"1.5"},"mix":{"S":"x"},"o":{"M":{"a":{"N":"1"},"b":{"NULL":true}}}}
{"Id":{"S":"b"},"n":{"N":"-20"},"mix":{"N":"1"},"o":{"M":{"a":{"N":"2"}}},"by":{"M":{"2025":{"N":"0.1"}}},"tags":{"SS":["x","y"]}}
{"Id":{"S":"c"},"n":{"NULL":true},"big":{"N":"12345678901234567890123"},"tags":{"L":[{"S":"z"}]},"none":{"NULL":true},"odd":{"N":"123456789012345678901234567890"}}
{"Id":{"S":"d"},"n":{"N":"3"},"odd":{"N":"0.1234567891"}}"#;

fn told(places: &[Place], indent: usize, out: &mut String) {
    for Place { name, r#type, why, count, share, within, .. } in places {
        let share = share.map(|share| format!(" ({share})")).unwrap_or_default();
        *out += &format!("{}{name} {count}{share} {type}: {why}\n", " ".repeat(indent));
        told(within, indent + 2, out);
    }
}

#[test]
fn every_place_is_counted_and_says_why_it_has_its_type() {
    let options = TypeOptions::default();
    let mut reader = Reader::new(&options);
    reader.lines(ITEMS.as_bytes()).unwrap();
    let shape = reader.finish().unwrap();
    let keys = ["Id", "at"].map(|name| Key { name: name.to_owned(), kind: KeyKind::S });
    let profile = profile(&shape, &shape.settle(&keys, &BTreeMap::new(), &options));
    let mut text = String::new();
    told(&profile.attributes, 0, &mut text);
    insta::assert_snapshot!(text, @"
    Id 4 (1) string: all are text
    at 0 (0) string: no item has it: the key's own type
    big 1 (0.25) decimal(38,0): all are whole, with up to 23 digits
    by 1 (0.25) map<string,double>: maps with names that no struct can have
      {} 1 double: some have a fraction, and a double keeps all
    mix 2 (0.5) string: S in 1, N in 1 of 2: read as text
    n 4 (1) bigint: all are whole, in 64 bits
    none 1 (0.25) string: nothing but NULL
    o 2 (0.5) struct<a:bigint,b:string>: maps with 2 names
      a 2 (1) bigint: all are whole, in 64 bits
      b 1 (0.5) string: nothing but NULL
    odd 2 (0.5) string: up to 30 digits before and 10 after the point, which no type holds: read as text
    price 1 (0.25) double: some have a fraction, and a double keeps all
    tags 2 (0.5) array<string>: lists and sets
      [] 3 string: all are text
    ");
    let n = serde_json::to_value(&profile.attributes[5]).unwrap();
    let expected = serde_json::json!({
        "name": "n", "column": "n", "type": "bigint", "why": "all are whole, in 64 bits", "count": 4, "share": 1.0,
        "types": [{"type": "N", "count": 3, "share": 0.75}, {"type": "NULL", "count": 1, "share": 0.25}],
        "numbers": {"integer_digits": 2, "fraction_digits": 0, "fits_bigint": true, "fits_double": true},
    });
    assert_eq!(n, expected);
}
