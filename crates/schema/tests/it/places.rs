//! How much a Shape holds, and what becomes of more.

use proptest::prelude::*;
use schema::{ReadErrorKind, Reader, Shape, TooManyPlaces, TypeOptions};

use crate::generate::{self, Spelling};
use crate::oracle::{self, Item};
use crate::reading::policy;

/// The Shape of items with room for so many places; pieces of 64 bytes make many lines longer than a piece.
fn tight(items: &[Item], limit: usize, room: u64) -> Option<Shape> {
    let mut reader = Reader::with_room(&policy(limit), room, 64);
    let read = reader.lines(Spelling::COMPACT.lines(items).as_bytes()).and_then(|()| reader.finish());
    read.map_err(|error| assert_eq!(error.kind, ReadErrorKind::TooManyNames)).ok()
}

/// A part that holds too many places, or all merged: the whole does too.
fn merged<'a>(shapes: impl IntoIterator<Item = &'a Option<Shape>>) -> Option<Shape> {
    shapes.into_iter().try_fold(Shape::default(), |mut all, shape| {
        all.merge(shape.clone()?).ok()?;
        Some(all)
    })
}

/// What the slow implementation says of all items at once.
fn expected(items: &[Item], limit: usize, room: u64) -> Option<Vec<u8>> {
    let bytes =
        items.iter().map(|item| Spelling::COMPACT.lines(std::slice::from_ref(item)).trim_end().len() as u64).sum();
    oracle::limit_within(items, limit, room).map(|limit| oracle::shape_bytes(items, limit, bytes))
}

/// Deep maps of few names, which fold where it is tight; or anything.
fn items() -> impl Strategy<Value = Vec<Item>> {
    prop_oneof![3 => generate::nested_maps(), 1 => generate::items()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn where_it_is_tight_too_sharded_is_sequential_in_any_order(
        items in items(),
        shards in prop::collection::vec(0..4usize, 12),
        order in Just(vec![0, 1, 2, 3]).prop_shuffle(),
        limit in 0..8usize,
        room in 2..60u64,
    ) {
        let expected = expected(&items, limit, room);
        let bytes = |shape: Option<Shape>| shape.map(|shape| shape.to_bytes());
        prop_assert_eq!(bytes(tight(&items, limit, room)), expected.clone());
        let mut reversed = items.clone();
        reversed.reverse();
        prop_assert_eq!(bytes(tight(&reversed, limit, room)), expected.clone());
        let shard = |number: &usize| {
            let mine = items.iter().zip(&shards).filter(|(_, shard)| *shard == number).map(|(item, _)| item.clone());
            tight(&mine.collect::<Vec<_>>(), limit, room)
        };
        let shapes: Vec<Option<Shape>> = order.iter().map(shard).collect();
        prop_assert_eq!(bytes(merged(&shapes)), expected.clone());
        let halves = [merged(&shapes[..2]), merged(&shapes[2..])];
        prop_assert_eq!(bytes(merged(&halves)), expected);
    }

    /// A page has no more room than lines have.
    #[test]
    fn a_page_is_read_as_its_items_are(items in items(), limit in 0..8usize, room in 2..60u64) {
        let text = Spelling::COMPACT.lines(&items);
        let page = format!(r#"{{"Items":[{}],"Count":{}}}"#, text.trim_end().replace('\n', ","), items.len());
        let mut reader = Reader::with_room(&policy(limit), room, 64);
        let read = reader.scan_response(page.as_bytes()).and_then(|_| reader.finish());
        prop_assert_eq!(read.ok().map(|shape| shape.to_bytes()), expected(&items, limit, room));
    }
}

/// The items of one place with `width` names on each of three levels, every time other ones.
fn wide(width: usize, offset: usize) -> String {
    let level = |inner: &str, offset: usize| {
        let members: Vec<String> = (0..width).map(|n| format!("\"k{}\":{inner}", n + offset)).collect();
        format!("{{\"M\":{{{}}}}}", members.join(","))
    };
    format!("{{\"m\":{}}}\n", level(&level(&level(r#"{"N":"1"}"#, 0), 0), offset))
}

fn column(shape: &Shape) -> String {
    shape.settle(&[], &Default::default(), &TypeOptions::default()).columns[0].glue_type.to_string()
}

#[test]
fn maps_in_maps_that_are_too_many_fold_at_fewer_names() {
    let read = |text: String| {
        let mut reader = Reader::with_room(&TypeOptions::default(), 4_000, 1 << 18);
        reader.lines(text.as_bytes()).unwrap();
        reader.finish().unwrap()
    };
    // 2,955 places.
    let mut shape = read(wide(14, 0));
    assert!(column(&shape).starts_with("struct<k0:struct<k0:struct<k0:bigint,"));
    // Twice as many: those of the outer map fold.
    shape.merge(read(wide(14, 14))).unwrap();
    let column = column(&shape);
    assert!(column.starts_with("map<string,struct<k0:struct<k0:bigint,"), "{column}");
}

#[test]
fn a_map_with_a_long_name_folds() {
    let item = |length: usize| format!(r#"{{"m":{{"M":{{"a":{{"N":"1"}},"{}":{{"N":"2"}}}}}}}}"#, "b".repeat(length));
    let mut types = Vec::new();
    for (text, limit) in [(item(255), 200), (item(256), 200), (item(256), usize::MAX)] {
        let shape = crate::reading::read(text.as_bytes(), limit).unwrap();
        assert_eq!(Shape::from_bytes(&shape.to_bytes()), Ok(shape.clone()));
        types.push(column(&shape).chars().take(8).collect::<String>());
    }
    assert_eq!(types, ["struct<a", "map<stri", "map<stri"]);
}

#[test]
fn attributes_do_not_fold_and_are_refused_when_they_are_too_many() {
    let items =
        |from: usize, to: usize| -> String { (from..to).map(|n| format!("{{\"a{n}\":{{\"S\":\"\"}}}}\n")).collect() };
    let read = |text: String| {
        let mut reader = Reader::new(&TypeOptions::default());
        reader.lines(text.as_bytes())?;
        reader.finish()
    };
    let mut shape = read(items(0, 40_000)).unwrap();
    let error = read(items(0, 40_001)).unwrap_err();
    assert_eq!(error.kind, ReadErrorKind::TooManyNames);
    insta::assert_snapshot!(error.kind, @"the items have more than 40000 distinct attribute names, which no schema helps with: leave the table out, or have it keep such data in a map, whose names are no columns");
    assert_eq!(shape.merge(read(items(40_000, 40_001)).unwrap()), Err(TooManyPlaces));
}

#[test]
fn bytes_of_more_places_are_refused() {
    let fields = |count: u32| -> Vec<u8> {
        (0..count).flat_map(|n| [&[7][..], format!("a{n:06}").as_bytes(), &[1, 1]].concat()).collect()
    };
    let bytes = |count: u32, leb: [u8; 3]| [&b"DDBS\x01\0\x01\0"[..], &leb, &fields(count)].concat();
    assert!(Shape::from_bytes(&bytes(40_000, [0xc0, 0xb8, 2])).is_ok());
    let error = Shape::from_bytes(&bytes(40_001, [0xc1, 0xb8, 2])).unwrap_err().to_string();
    assert!(error.contains("more places than a Shape may have"), "{error}");
}
