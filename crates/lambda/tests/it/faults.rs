//! What can happen to an invocation.

use std::time::{Duration, Instant};

use local::faults::{Calls, Fault, Rule};
use serde_json::json;

use crate::runtime_api::Lambda;
use crate::world::{WorldExt, count, row, world};

const WAIT: (&str, &str) = ("GLUE_DDB_CRAWLER_WAIT", "true");

#[tokio::test]
async fn one_table_that_fails_fails_no_invocation() {
    let world = world(&["good"]).await;
    world.put("bad", &[r#"{"id":{"S":"secret-value"},"n":{"N":"1"#]);
    let report = world.lambda(&[WAIT]).await.invoke(json!({})).await.unwrap();
    assert_eq!(
        (row(&report, "good")["outcome"].as_str(), row(&report, "bad")["outcome"].as_str()),
        (Some("crawled"), Some("failed"))
    );
    assert!(!report.to_string().contains("secret-value"));
}

/// Lambda ends a process that runs out of time or memory, wherever it is.
#[tokio::test]
async fn a_function_killed_anywhere_converges_when_it_is_invoked_again() {
    let all = {
        let world = world(&["Orders", "users"]).await;
        world.lambda(&[WAIT]).await.invoke(json!({})).await.unwrap();
        world.all_calls()
    };
    assert!(all > 20, "{all}");
    for n in (1..all).step_by(5) {
        let world = world(&["Orders", "users"]).await;
        let mut lambda = world.lambda(&[WAIT]).await;
        let _answer = lambda.send(json!({}), u64::MAX);
        while world.all_calls() < n {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        lambda.kill();

        let lambda = world.lambda(&[WAIT]).await;
        converged(&lambda, n).await;
    }
}

async fn converged(lambda: &Lambda, killed_at: u64) {
    let report = lambda.invoke(json!({})).await.unwrap();
    assert_eq!((count(&report, "linked"), count(&report, "failed")), (2, 0), "killed at call {killed_at}: {report}");
    let report = lambda.invoke(json!({})).await.unwrap();
    for table in ["Orders", "users"] {
        let actions = &row(&report, table)["actions"];
        assert_eq!(*actions, json!(["start_crawler", "link_schema"]), "killed at call {killed_at}: {report}");
    }
}

#[tokio::test]
async fn an_invocation_whose_time_is_nearly_up_leaves_the_rest_and_returns() {
    let world = world(&["Orders", "users"]).await;
    // Listed in time; what comes after the listing is not.
    let slow = Fault::Delay(Duration::from_secs(3));
    world.server.faults().add(Rule::new("IAM.ListRoles", Calls::Nth(1), slow));
    let lambda = world.lambda(&[]).await;
    let since = Instant::now();
    let limit = Duration::from_secs(32);
    let report = lambda.invoke_within(json!({}), limit).await.unwrap();
    assert!(since.elapsed() < limit);
    assert_eq!((count(&report, "deferred"), count(&report, "failed")), (2, 0), "{report}");
    let report = lambda.invoke(json!({})).await.unwrap();
    assert_eq!((count(&report, "started"), count(&report, "deferred")), (2, 0), "{report}");
}

#[tokio::test]
async fn an_invocation_without_time_fails_as_such() {
    let world = world(&["Orders"]).await;
    let lambda = world.lambda(&[]).await;
    assert_eq!(lambda.invoke_within(json!({}), Duration::from_secs(20)).await.unwrap_err().0, "Deadline");
}

/// cargo-lambda's emulator sends ten minutes after the beginning of 1970.
#[tokio::test]
async fn a_deadline_that_means_nothing_is_not_kept() {
    let world = world(&["Orders"]).await;
    let lambda = world.lambda(&[]).await;
    let report = lambda.send(json!({}), 600_000).await.unwrap().unwrap();
    assert_eq!((count(&report, "started"), count(&report, "deferred")), (1, 0), "{report}");
}
