//! The reader against the oracle.

use std::collections::BTreeMap;

use proptest::prelude::*;
use schema::{ReadError, Reader, Shape, TypeOptions};

use crate::generate::{self, Spelling};
use crate::oracle::{self, Item};

pub(crate) fn policy(max_struct_fields: usize) -> TypeOptions {
    TypeOptions { max_struct_fields, ..TypeOptions::default() }
}

pub(crate) fn read(text: &[u8], limit: usize) -> Result<Shape, ReadError> {
    let mut reader = Reader::new(&policy(limit));
    reader.lines(text)?;
    reader.finish()
}

pub(crate) fn shape_of(items: &[Item], limit: usize) -> Shape {
    read(Spelling::COMPACT.lines(items).as_bytes(), limit).unwrap()
}

/// In pieces that end anywhere.
fn read_cut(text: &[u8], limit: usize, cuts: &[prop::sample::Index]) -> Result<Shape, ReadError> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
    ends.push(text.len());
    ends.sort_unstable();
    let mut reader = Reader::new(&policy(limit));
    let mut start = 0;
    for end in ends {
        reader.lines(&text[start..end])?;
        start = end;
    }
    reader.finish()
}

/// `attribute type` of each column.
pub(crate) fn columns(shape: &Shape, limit: usize) -> Vec<(String, String)> {
    let schema = shape.settle(&[], &BTreeMap::new(), &policy(limit));
    schema.columns.into_iter().map(|column| (column.attribute, column.glue_type.to_string())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reads_what_the_oracle_reads(
        items in generate::items(),
        spelling in generate::spelling(),
        limit in 0..8usize,
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let text = spelling.lines(&items);
        let parsed = oracle::parse(text.as_bytes());
        prop_assert_eq!(parsed.as_ref(), Some(&items));
        let shape = read_cut(text.as_bytes(), limit, &cuts).unwrap();
        prop_assert_eq!(shape.items(), items.len() as u64);
        prop_assert_eq!(shape.to_bytes(), oracle::shape_bytes(&items, limit, shape.bytes()));
        let expected = oracle::attributes(&items, limit);
        let expected: Vec<_> = expected.iter().map(|(name, place)| (name.clone(), oracle::settle(place))).collect();
        prop_assert_eq!(columns(&shape, limit), expected);
    }

    #[test]
    fn compact_bytes_are_counted(items in generate::items()) {
        let text = Spelling::COMPACT.lines(&items);
        prop_assert_eq!(shape_of(&items, 200).bytes(), (text.len() - items.len()) as u64);
    }

    #[test]
    fn a_scan_response_is_its_items(items in generate::items(), spelling in generate::spelling(), limit in 0..8usize) {
        let mut list = spelling.clone();
        let mut body = format!("{{\"Count\":{},\"Items\":[", items.len());
        for (i, item) in items.iter().enumerate() {
            body.push_str(if i > 0 { ",\n" } else { "" });
            list.item(&mut body, item);
        }
        let mut key = String::new();
        list.item(&mut key, &items.first().cloned().unwrap_or_default());
        body.push_str(&format!("],\"LastEvaluatedKey\":{key},\"ScannedCount\":{}}}", items.len() + 1));
        let mut reader = Reader::new(&policy(limit));
        let page = reader.scan_response(body.as_bytes()).unwrap();
        prop_assert_eq!((page.count, page.scanned_count), (items.len() as u64, items.len() as u64 + 1));
        prop_assert_eq!(body[page.last_evaluated_key.unwrap()].trim(), key.trim());
        let shape = reader.finish().unwrap();
        prop_assert_eq!(shape.to_bytes(), oracle::shape_bytes(&items, limit, shape.bytes()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_input_is_judged_as_the_oracle_does(
        items in generate::items(),
        spelling in generate::spelling(),
        damage in prop::collection::vec(generate::damage(), 1..3),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..3),
    ) {
        let mut text = spelling.lines(&items[..items.len().min(3)]).into_bytes();
        damage.iter().for_each(|damage| damage.apply(&mut text));
        match (read_cut(&text, 4, &cuts), oracle::parse(&text)) {
            (Ok(shape), Some(items)) => {
                prop_assert_eq!(shape.to_bytes(), oracle::shape_bytes(&items, 4, shape.bytes()));
            }
            (Err(error), None) => {
                prop_assert!(error.offset <= text.len() as u64);
                let before = text.iter().take(error.offset as usize).filter(|byte| **byte == b'\n').count();
                prop_assert_eq!(error.line, before as u64 + 1);
                // Where the input is cut makes no difference.
                prop_assert_eq!(read(&text, 4), Err(error));
            }
            (read, parsed) => prop_assert!(false, "{read:?} but {parsed:?}"),
        }
    }

    #[test]
    fn numbers_are_judged_as_the_oracle_does(text in prop_oneof![generate::number(), "[-+]?[0-9]{0,40}\\.?[0-9]{0,40}([eE][-+]?[0-9]{0,4})?"]) {
        let line = format!("{{\"n\":{{\"N\":\"{text}\"}}}}");
        match (read(line.as_bytes(), 4), oracle::parse(line.as_bytes())) {
            (Ok(shape), Some(items)) => prop_assert_eq!(shape.to_bytes(), oracle::shape_bytes(&items, 4, shape.bytes())),
            (Err(_), None) => {}
            (read, parsed) => prop_assert!(false, "{read:?} but {parsed:?}"),
        }
    }

    #[test]
    fn damaged_scan_responses_never_panic(
        items in generate::items(),
        spelling in generate::spelling(),
        damage in prop::collection::vec(generate::damage(), 1..3),
    ) {
        let mut body = r#"{"ConsumedCapacity":{"CapacityUnits":0.5},"Count":1,"LastEvaluatedKey":{"a":{"S":"x"}},"Items":["#.to_owned();
        spelling.clone().item(&mut body, &items.first().cloned().unwrap_or_default());
        body.push_str("],\"ScannedCount\":1,\"x\":[null,1.5e-3,{\"y\":\"z\"}]}");
        let mut body = body.into_bytes();
        damage.iter().for_each(|damage| damage.apply(&mut body));
        let mut reader = Reader::new(&policy(4));
        match reader.scan_response(&body) {
            Ok(_) => {
                // 1E999 is JSON, but nothing that serde_json has a type for.
                let error = serde_json::from_slice::<serde_json::Value>(&body).err().map(|error| error.to_string());
                prop_assert!(error.as_ref().is_none_or(|error| error.starts_with("number out of range")), "{error:?}");
            }
            Err(error) => prop_assert!(error.offset <= body.len() as u64),
        }
    }
}

#[test]
fn many_numbers_of_16_and_17_digits() {
    // A walk over doubles of all sizes: each in its shortest form survives; the next decimal of as many digits may not.
    let mut bits = 0x3f50_1234_5678_9abcu64;
    for _ in 0..20_000 {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let double = f64::from_bits((bits >> 12) | (0x3e00_0000_0000_0000 + (bits & 0x0ff0_0000_0000_0000) / 4));
        let shortest = format!("{double:e}");
        let (digits, exponent) = shortest.split_once('e').unwrap();
        let last = digits.as_bytes()[digits.len() - 1];
        let other = format!(
            "{}{}e{exponent}",
            &digits[..digits.len() - 1],
            char::from(if last == b'9' { b'7' } else { last + 1 })
        );
        for text in [shortest.clone(), other] {
            let line = format!("{{\"n\":{{\"N\":\"{text}\"}}}}");
            let items = oracle::parse(line.as_bytes()).unwrap();
            let shape = read(line.as_bytes(), 4).unwrap();
            assert_eq!(shape.to_bytes(), oracle::shape_bytes(&items, 4, shape.bytes()), "{text}");
        }
    }
}
