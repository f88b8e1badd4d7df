//! Merging and serialising Shapes.

use proptest::prelude::*;
use schema::Shape;

use crate::generate::{self, Spelling};
use crate::oracle::{self, Item};
use crate::reading::{read, shape_of};

fn merged(shapes: &[&Shape]) -> Shape {
    let mut all = Shape::default();
    shapes.iter().for_each(|shape| all.merge((*shape).clone()).unwrap());
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn merging_is_associative_and_commutative_with_an_identity(
        items in [generate::items(), generate::items(), generate::items()],
        limits in [0..6usize, 0..6usize, 0..6usize],
    ) {
        let [a, b, c] = [0, 1, 2].map(|i| shape_of(&items[i], limits[i]));
        prop_assert_eq!(merged(&[&a, &b]), merged(&[&b, &a]));
        prop_assert_eq!(merged(&[&merged(&[&a, &b]), &c]), merged(&[&a, &merged(&[&b, &c])]));
        prop_assert_eq!(&merged(&[&a]), &a);
        prop_assert_eq!(&merged(&[&a, &Shape::default()]), &a);
    }

    #[test]
    fn sharded_is_sequential_in_any_order(
        items in generate::items(),
        shards in prop::collection::vec(0..4usize, 12),
        order in Just(vec![0, 1, 2, 3]).prop_shuffle(),
        limit in 0..6usize,
    ) {
        let shard = |number: usize| {
            let mine = items.iter().zip(&shards).filter(|(_, shard)| **shard == number).map(|(item, _)| item.clone());
            shape_of(&mine.collect::<Vec<_>>(), limit)
        };
        let shards: Vec<Shape> = order.iter().map(|number| shard(*number)).collect();
        prop_assert_eq!(merged(&shards.iter().collect::<Vec<_>>()), shape_of(&items, limit));
        let mut reversed = items.clone();
        reversed.reverse();
        prop_assert_eq!(shape_of(&reversed, limit), shape_of(&items, limit));
    }

    #[test]
    fn folds_in_folds_do_not_depend_on_order(
        items in generate::nested_maps(),
        shards in prop::collection::vec(0..3usize, 8),
        limit in 0..4usize,
    ) {
        let shards: Vec<Shape> = (0..3)
            .map(|number| {
                let mine = items.iter().zip(&shards).filter(|(_, shard)| **shard == number).map(|(item, _)| item.clone());
                shape_of(&mine.collect::<Vec<_>>(), limit)
            })
            .collect();
        let [a, b, c] = [&shards[0], &shards[1], &shards[2]];
        let bytes = oracle::shape_bytes(&items, limit, shards.iter().map(Shape::bytes).sum());
        for order in [[a, b, c], [c, b, a], [b, a, c]] {
            prop_assert_eq!(merged(&order).to_bytes(), bytes.clone());
        }
    }

    /// Seen again, nothing is new; what only more items have is.
    #[test]
    fn counts_are_told_from_everything_else(a in generate::items(), b in generate::items(), limit in 0..6usize) {
        let (a, b) = (shape_of(&a, limit), shape_of(&b, limit));
        let both = merged(&[&a, &b]);
        prop_assert!(merged(&[&a, &a]).differs_only_in_counts(&a));
        prop_assert!(merged(&[&both, &b, &b]).differs_only_in_counts(&both));
        let settled = |shape: &Shape| shape.settle(&[], &Default::default(), &schema::TypeOptions::default()).columns;
        if both.differs_only_in_counts(&a) {
            prop_assert_eq!(settled(&both), settled(&a));
        }
    }

    #[test]
    fn of_two_limits_the_lower_holds(a in generate::items(), b in generate::items(), limits in [0..6usize, 0..6usize]) {
        let both: Vec<_> = a.iter().chain(&b).cloned().collect();
        let merged = merged(&[&shape_of(&a, limits[0]), &shape_of(&b, limits[1])]);
        prop_assert_eq!(merged, shape_of(&both, limits[0].min(limits[1])));
    }

    #[test]
    fn bytes_and_back(items in generate::items(), limit in 0..6usize) {
        let shape = shape_of(&items, limit);
        let bytes = shape.to_bytes();
        let back = Shape::from_bytes(&bytes).unwrap();
        prop_assert_eq!(&back, &shape);
        // It merges as the one it was made of.
        prop_assert_eq!(merged(&[&back, &shape]), merged(&[&shape, &shape]));
    }

    #[test]
    fn debug_shows_no_value(text in "[g-z]{12}") {
        let line = format!(r#"{{"a":{{"S":"{text}"}},"b":{{"M":{{"c":{{"SS":["{text}"]}}}}}}}}"#);
        let shown = format!("{:?}", read(line.as_bytes(), 200).unwrap());
        prop_assert!(!shown.contains(&text), "{}", shown);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_bytes_are_an_error_or_another_shape(
        items in generate::items(),
        damage in prop::collection::vec(generate::damage(), 1..3),
    ) {
        let mut bytes = shape_of(&items, 4).to_bytes();
        damage.iter().for_each(|damage| damage.apply(&mut bytes));
        if let Ok(shape) = Shape::from_bytes(&bytes) {
            prop_assert_eq!(shape.to_bytes(), bytes);
        }
    }
}

/// Random items seldom meet where a folded map without maps in it takes in one of several whose union is to be folded.
#[test]
fn every_way_of_folding_in_every_order() {
    let maps = [
        r#"{"a":{"BOOL":true},"b":{"BOOL":true},"c":{"BOOL":true}}"#,
        r#"{"a":{"M":{"a":{"N":"1"},"b":{"N":"2"}}},"b":{"M":{"c":{"N":"3"}}}}"#,
        r#"{"d":{"M":{"d":{"M":{"x":{"S":""},"y":{"S":""}}}}}}"#,
        r#"{"a":{"M":{"d":{"M":{"z":{"S":""}}}}},"e":{"L":[{"M":{"a":{"N":"1"}}}]}}"#,
        r#"{"e":{"L":[{"M":{"b":{"N":"1"},"c":{"N":"1"}}}]}}"#,
        "{}",
    ];
    let items: Vec<Item> =
        maps.iter().flat_map(|map| oracle::parse(format!(r#"{{"m":{{"M":{map}}}}}"#).as_bytes()).unwrap()).collect();
    for limit in 0..5 {
        let shapes: Vec<Shape> = items.iter().map(|item| shape_of(std::slice::from_ref(item), limit)).collect();
        for number in 0..6 * 6 * 6 {
            let [i, j, k] = [number / 36, number / 6 % 6, number % 6];
            let all = [items[i].clone(), items[j].clone(), items[k].clone()];
            let bytes = [i, j, k].map(|i| shapes[i].bytes()).iter().sum();
            let expected = oracle::shape_bytes(&all, limit, bytes);
            let left = merged(&[&merged(&[&shapes[i], &shapes[j]]), &shapes[k]]);
            let right = merged(&[&shapes[i], &merged(&[&shapes[j], &shapes[k]])]);
            let read = shape_of(&all, limit);
            assert_eq!(
                [left, right, read].map(|shape| shape.to_bytes()),
                [(); 3].map(|()| expected.clone()),
                "{limit} {number}"
            );
        }
    }
}

#[test]
fn hostile_bytes() {
    for bytes in [
        &b""[..],
        b"DDBS",
        b"DDBS\x02\0\0\0\0",
        b"DDBS\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"DDBS\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"DDBS\x01\0\0\0\x01\xff\xff\xff\xff\x0f",
    ] {
        assert!(Shape::from_bytes(bytes).is_err());
    }
    // Lists in lists in lists.
    let deep = [&b"DDBS\x01\0\x01\0\x01\x01a"[..], &b"\x40\x01\x01".repeat(100_000)].concat();
    let error = Shape::from_bytes(&deep).unwrap_err().to_string();
    assert!(error.contains("too many levels"), "{error}");
}

#[test]
fn the_bytes_of_version_1_stay_readable() {
    let text = concat!(
        r#"{"s":{"S":"x"},"n":{"N":"1.5"},"m":{"M":{"k":{"L":[{"N":"12345678901234567890"},{"B":"AA=="}]}}},"f":{"M":{"a":{"NULL":true},"b":{"BOOL":true}}}}"#,
        "\n",
        r#"{"s":{"NULL":true},"n":{"SS":["x"]}}"#
    );
    let shape = read(text.as_bytes(), 1).unwrap();
    let hex: String = shape.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    insta::assert_snapshot!(hex, @r###"44444253010202b501040166200101180101016d20010001016b400101060101140003016e820101010101000101010173110101"###);
    let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect();
    assert_eq!(Shape::from_bytes(&bytes).unwrap(), shape);
}

/// The other tests mean little if what they generate is tame.
#[test]
fn the_generators_reach_far() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeMap::<&str, u32>::new();
    for _ in 0..600 {
        let items = generate::items().new_tree(&mut runner).unwrap().current();
        for (_, glue_type) in crate::reading::columns(&shape_of(&items, 4), 4) {
            let kinds = [
                "bigint",
                "double",
                "decimal(38,0)",
                "decimal(38,",
                "boolean",
                "binary",
                "array<",
                "struct<",
                "map<string,string>",
                "map<string,",
                "array<struct<",
                "struct<a:struct<",
            ];
            for kind in kinds.into_iter().filter(|kind| glue_type.contains(kind)) {
                *seen.entry(kind).or_default() += 1;
            }
        }
        let text = Spelling::COMPACT.lines(&items);
        let count = |what: &'static str, times: usize, seen: &mut std::collections::BTreeMap<&str, u32>| {
            *seen.entry(what).or_default() += times as u32;
        };
        count("escapes", text.matches('\\').count(), &mut seen);
        count("not ASCII", usize::from(!text.is_ascii()), &mut seen);
        for number in text.split("\"N\":\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            let number = oracle::Decimal::of(number).unwrap();
            match number.digits.len() {
                16 | 17 if number.is_double() => count("16 or 17 digits, double", 1, &mut seen),
                16 | 17 => count("16 or 17 digits, no double", 1, &mut seen),
                18.. if number.scale() > 0 => count("long fraction", 1, &mut seen),
                18.. if !number.is_i64() => count("beyond i64", 1, &mut seen),
                _ => {}
            }
        }
        let columns = |limit| crate::reading::columns(&shape_of(&items, limit), limit);
        count("folded", usize::from(columns(4) != columns(200)), &mut seen);
    }
    let rare: Vec<_> = seen.iter().filter(|(_, times)| **times < 5).collect();
    assert!(seen.len() == 19 && rare.is_empty(), "{seen:?}");
}
