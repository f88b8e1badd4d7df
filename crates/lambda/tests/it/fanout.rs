//! One crawl by many invocations: what the state machine of `template.yaml` asks for, step by step.

use std::time::Duration;

use serde_json::{Value, json};

use local::faults::{Calls, Fault, Rule};

use crate::runtime_api::Lambda;
use crate::world::{World, WorldExt, count, row, world};

const ITEMS: u64 = 3000;

/// Some 3 MB of items; what only one of them has is for any shard to find.
async fn large() -> World {
    let world = world(&[]).await;
    let filler = "x".repeat(1000);
    let mut items = String::new();
    for item in 0..ITEMS {
        let rare = if item == 1234 { r#","rare":{"L":[{"N":"1.5"}]}"# } else { "" };
        items += &format!(
            "{{\"id\":{{\"S\":\"{item}\"}},\"n\":{{\"N\":\"{item}\"}},\"filler\":{{\"S\":\"{filler}\"}}{rare}}}\n"
        );
    }
    world.put("large", &[&items]);
    world
}

async fn split(lambda: &Lambda, crawl: Value) -> Vec<Value> {
    let answer = lambda.invoke(json!({"step": "split", "shards": 4, "crawl": crawl})).await.unwrap();
    answer["shards"].as_array().unwrap().clone()
}

async fn read(lambda: &Lambda, shard: &Value) -> Value {
    lambda.invoke(json!({"step": "read", "shard": shard})).await.unwrap()
}

#[tokio::test]
async fn shards_find_what_one_crawl_finds() {
    let world = large().await;
    let lambda = world.lambda(&[]).await;
    lambda.invoke(json!({"engine": "native", "database": "alone"})).await.unwrap();

    let shards = split(&lambda, json!({"table": "large", "database": "together"})).await;
    assert_eq!(shards.len(), 4);
    let mut read_by = Vec::new();
    for shard in &shards {
        assert_eq!(shard["done"], false);
        read_by.push(read(&lambda, shard).await);
    }
    assert!(
        read_by.iter().all(|shard| shard["done"] == true && shard["records"].as_u64() < Some(ITEMS)),
        "{read_by:?}"
    );
    let report = lambda.invoke(json!({"step": "publish", "shards": read_by})).await.unwrap();
    assert_eq!((count(&report, "crawled"), count(&report, "linked")), (1, 1), "{report}");
    assert_eq!(row(&report, "large")["read"]["items"], ITEMS);
    assert_eq!(row(&report, "large")["read"]["complete"], true);
    let (columns, parameters) = world.catalogued("alone", "large").await;
    assert!(columns.contains(&("rare".into(), "array<double>".into())), "{columns:?}");
    assert!(parameters["shape"].len() > 50 && parameters["recordCount"] == ITEMS.to_string(), "{parameters:?}");
    assert_eq!(world.catalogued("together", "large").await, (columns, parameters));
}

#[tokio::test]
async fn a_shard_goes_on_where_its_time_was_up_and_a_worker_that_died_is_repeated() {
    let world = large().await;
    let mut lambda = world.lambda(&[]).await;
    let shards = split(&lambda, json!({"table": "large", "max_rcu": 100, "shards": 2})).await;
    assert_eq!(shards.len(), 2);
    let (mut done, mut invocations) = (Vec::new(), 0);
    for mut shard in shards {
        // Dead before it could answer: nobody knows what it read.
        let dying = lambda.send(json!({"step": "read", "shard": shard}), u64::MAX / 2);
        tokio::time::sleep(Duration::from_millis(500)).await;
        lambda.kill();
        drop(dying);
        lambda = world.lambda(&[]).await;
        while shard["done"] == false {
            // Half a minute is kept back: 1.5 s of reading.
            let within = Duration::from_millis(31_500);
            shard = lambda.invoke_within(json!({"step": "read", "shard": shard}), within).await.unwrap();
            invocations += 1;
        }
        done.push(shard);
    }
    assert!(invocations > 2, "{invocations}: nothing was cut off");
    let report = lambda.invoke(json!({"step": "publish", "shards": done})).await.unwrap();
    assert_eq!(row(&report, "large")["read"]["items"], ITEMS, "each item once");
}

/// The state machine tries again only what failed.
#[tokio::test]
async fn what_is_not_published_fails_the_step() {
    let world = world(&["Orders"]).await;
    let lambda = world.lambda(&[]).await;
    let shards = split(&lambda, json!({"table": "Orders", "shards": 1})).await;
    let shard = read(&lambda, &shards[0]).await;
    let refused =
        Fault::Error { code: "AccessDeniedException", message: "Insufficient Lake Formation permission(s)".into() };
    world.server.faults().add(Rule::new("Glue.CreateTable", Calls::Nth(1), refused));
    let error = lambda.invoke(json!({"step": "publish", "shards": [shard]})).await.unwrap_err();
    assert_eq!(error.0, "AccessDenied");
    assert!(error.1.contains("Lake Formation"), "{}", error.1);
    let report = lambda.invoke(json!({"step": "publish", "shards": [shard]})).await.unwrap();
    assert_eq!(row(&report, "Orders")["outcome"], "crawled");
}

#[tokio::test]
async fn wrong_steps_are_told() {
    let world = large().await;
    let lambda = world.lambda(&[]).await;
    let error = async |event: Value| lambda.invoke(event).await.unwrap_err();
    let told = async |event: Value| {
        let (kind, message) = error(event).await;
        format!("{kind}: {message}")
    };
    let crawl = json!({"table": "none"});
    insta::assert_snapshot!(told(json!({"step": "split", "shards": 4, "crawl": crawl})).await, @"NotFound: the DynamoDB table none does not exist");
    let crawl = json!({"table": "large", "max_rcus": 5});
    assert!(
        told(json!({"step": "split", "shards": 4, "crawl": crawl})).await.starts_with("Settings: max_rcus: unknown")
    );
    let crawl = json!({"table": "large", "shards": 0});
    insta::assert_snapshot!(told(json!({"step": "split", "shards": 4, "crawl": crawl})).await, @"Settings: shards: use at least 1");
    let crawl = json!({"table": "large", "dry_run": true});
    insta::assert_snapshot!(told(json!({"step": "split", "shards": 4, "crawl": crawl})).await, @"Settings: dry_run, no_start: not possible, a crawl in shards always reads and publishes");
    let crawl = json!({"table": ""});
    insta::assert_snapshot!(told(json!({"step": "split", "shards": 4, "crawl": crawl})).await, @"Settings: table: name one");
    let crawl = json!({"table": "large", "export": "large"});
    insta::assert_snapshot!(told(json!({"step": "split", "shards": 4, "crawl": crawl})).await, @"Settings: the export large: give it as s3://bucket/prefix");

    let mut shards = split(&lambda, json!({"table": "large"})).await;
    insta::assert_snapshot!(told(json!({"step": "publish", "shards": shards})).await, @"Settings: not all of the 4 shards of large are done");
    insta::assert_snapshot!(told(json!({"step": "publish", "shards": []})).await, @"Settings: there are no shards to publish");
    let one = read(&lambda, &shards[0]).await;
    insta::assert_snapshot!(told(json!({"step": "publish", "shards": [one, one, one, one]})).await, @"Settings: not all of the 4 shards of large are done");
    shards[2]["left"] = json!([[0, 4_294_967_295u32]]);
    insta::assert_snapshot!(told(json!({"step": "read", "shard": shards[2]})).await, @"Settings: a shard of large has invalid ranges left to read");
    shards[0]["id"] = "another".into();
    insta::assert_snapshot!(told(json!({"step": "read", "shard": shards[0]})).await, @"Conflict: large was recreated, or its export replaced, since this crawl began: restart the crawl");
    shards[1]["shape"] = "////".into();
    insta::assert_snapshot!(told(json!({"step": "read", "shard": shards[1]})).await, @"Data: the Shape of a shard of large: not deflated");
}
