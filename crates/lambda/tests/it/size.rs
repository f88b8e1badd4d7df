//! Large regions: what an answer and the memory are bounded by.

use local::faults::{Calls, Fault, Rule};
use serde_json::json;

use crate::world::{World, WorldExt, count, world};

fn names(count: usize) -> Vec<String> {
    (0..count).map(|i| format!("table{i:04}")).collect()
}

async fn world_of(tables: usize) -> World {
    let names = names(tables);
    world(&names.iter().map(String::as_str).collect::<Vec<_>>()).await
}

#[tokio::test]
async fn an_answer_that_lambda_would_refuse_is_cut() {
    let world = world_of(100).await;
    let denied = Fault::Error { code: "AccessDeniedException", message: "x".repeat(100_000) };
    world.server.faults().add(Rule::new("IAM.CreateRole", Calls::Range(1..=80), denied));
    let report = world.lambda(&[]).await.invoke(json!({"no_start": true})).await.unwrap();
    assert_eq!((count(&report, "tables"), count(&report, "failed")), (100, 80));
    let kept = report["tables"].as_array().unwrap();
    let failed = kept.iter().filter(|table| table["outcome"] == "failed").count();
    assert!((60..63).contains(&failed), "{failed}");
    assert_eq!(report["omitted"], 100 - kept.len());
}

#[tokio::test]
async fn a_thousand_tables_take_little_memory() {
    let world = world_of(1000).await;
    let lambda = world.lambda(&[]).await;
    let report = lambda.invoke(json!({"no_start": true})).await.unwrap();
    assert_eq!((count(&report, "tables"), count(&report, "failed")), (1000, 0));
    let peak = lambda.peak_memory() / (1 << 20);
    assert!(peak < 64, "{peak} MB");
}
