use crawl::Coverage;
use proptest::prelude::*;
use schema::{Reader, TypeOptions};
use serde_json::json;

use super::*;

fn shard(shards: u32, left: &[(u32, u32)]) -> Shard {
    let crawl = FanOut { table: "orders".into(), export: None, shards: None, settings: Map::new() };
    let shape = history::encode(&Shape::default());
    let left = left.to_vec();
    Shard {
        v: VERSION,
        crawl,
        id: "1".into(),
        shard: 0,
        shards,
        parts: 100,
        left,
        shape,
        records: 0,
        read_units: 0.0,
        done: false,
    }
}

fn read(items: &str) -> Observed {
    let mut reader = Reader::new(&TypeOptions::default());
    reader.lines(items.as_bytes()).unwrap();
    Observed::from_items(reader.finish().unwrap(), 1.5, Coverage::Full)
}

#[test]
fn a_shard_carries_what_it_saw_and_what_is_left() {
    let shard = shard(4, &[(10, 20)]).after(read("{\"a\":{\"S\":\"x\"}}\n"), vec![12, 10, 11, 15]).unwrap();
    assert_eq!((&shard.left[..], shard.done), (&[(13, 15), (16, 20)][..], false));
    let text = serde_json::to_string(&shard).unwrap();
    assert_eq!(serde_json::from_str::<Shard>(&text).unwrap(), shard);
    let shard = shard.after(read("{\"a\":{\"S\":\"x\"}}\n"), vec![13, 14, 16, 17, 18, 19]).unwrap();
    assert_eq!((shard.left.len(), shard.done, shard.records, shard.read_units), (0, true, 2, 3.0));
    assert_eq!(shard.seen().unwrap().items(), 2);
}

#[test]
fn a_shard_that_gets_nowhere_or_grows_too_large_says_so() {
    let message = |shard: Shard, items: &str, parts| shard.after(read(items), parts).unwrap_err().message;
    insta::assert_snapshot!(message(shard(4, &[(10, 20)]), "", vec![]), @"orders: one invocation could not finish a single segment or file: give the function more memory, or the crawl a larger share of the table's read capacity (scan_rate, max_rcu)");
    let names = |from: u32, to: u32| {
        (from..to)
            .map(|name| format!("\"{:x}\":{{\"S\":\"x\"}}", name.wrapping_mul(2_654_435_761)))
            .collect::<Vec<_>>()
            .join(",")
    };
    insta::assert_snapshot!(message(shard(50, &[(10, 20)]), &format!("{{{}}}", names(0, 2000)), vec![10]), @r#"orders: a shard takes 14455 characters, more than 50 shards can carry: start the crawl with "shards": 8"#);
    shard(1, &[(10, 20)]).after(read(&format!("{{{}}}", names(0, 2000))), vec![10]).unwrap();
}

#[test]
fn a_shard_in_version_1_is_read() {
    let text = include_str!("../../tests/formats/v1/shard.json").trim();
    let shard: Shard = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&shard).unwrap(), text, "it is still written so");
    shard.check_version().unwrap();
    let settings = Value::from(shard.crawl.settings.clone());
    assert_eq!((shard.crawl.table.as_str(), shard.crawl.shards, settings), ("orders", Some(4), json!({"max_rcu": 7})));
    assert_eq!((shard.shard, shard.shards, shard.parts), (1, 4, 100));
    assert_eq!((&shard.left[..], shard.done), (&[(30, 40), (42, 50)][..], false));
    assert_eq!((shard.records, shard.read_units, shard.seen().unwrap().items()), (3, 1.5, 3));
}

#[test]
fn a_shard_of_another_release_is_read_or_refused() {
    let of_next = |v: u32, more: &str| {
        let mut shard = serde_json::to_value(shard(4, &[(10, 20)])).unwrap();
        shard["v"] = v.into();
        shard[more] = json!({"x": 1});
        serde_json::from_value::<Shard>(shard).unwrap()
    };
    assert_eq!(of_next(VERSION, "pace"), shard(4, &[(10, 20)]), "what it does not know it leaves out");
    assert!(of_next(VERSION, "pace").check_version().is_ok());
    let message = of_next(2, "pace").check_version().unwrap_err().message;
    insta::assert_snapshot!(message, @"a shard of orders was written by a later release (version 2, this release knows 1): deploy that release again and redrive the execution, or restart the crawl");
}

#[test]
fn a_fan_out_is_a_table_and_settings() {
    let crawl: FanOut = serde_json::from_value(json!({"table": "orders", "shards": 3, "max_rcu": 7})).unwrap();
    assert_eq!((crawl.shards, Value::from(crawl.settings.clone())), (Some(3), json!({"max_rcu": 7})));
    assert_eq!(serde_json::to_value(&crawl).unwrap(), json!({"table": "orders", "shards": 3, "max_rcu": 7}));
}

proptest! {
    #[test]
    fn what_is_left_is_what_was_not_read(cuts in proptest::collection::btree_set(0u32..60, 0..8), read: Vec<u32>) {
        let cuts: Vec<u32> = cuts.into_iter().collect();
        let ranges: Vec<(u32, u32)> = cuts.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
        let read: Vec<u32> = read.into_iter().map(|part| part % 60).collect();
        let expected: Vec<u32> =
            ranges.iter().flat_map(|(from, to)| *from..*to).filter(|part| !read.contains(part)).collect();
        let left = without(&ranges, read);
        prop_assert_eq!(left.iter().flat_map(|(from, to)| *from..*to).collect::<Vec<_>>(), expected);
    }
}
