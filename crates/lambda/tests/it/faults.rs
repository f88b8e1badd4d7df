//! What can happen to an invocation.

use std::time::Duration;

use local::faults::{Calls, Fault, Rule};
use serde_json::json;

use crate::runtime_api::Lambda;
use crate::world::{World, count, row};

const WAIT: (&str, &str) = ("GLUE_DDB_CRAWLER_WAIT", "true");

#[tokio::test]
async fn one_table_that_fails_fails_no_invocation() {
    let world = World::new(&["good"]).await;
    world.put("bad", r#"{"id":{"S":"secret-value"},"n":{"N":"1"#);
    let report = world.lambda(&[WAIT]).await.invoke(json!({})).await.unwrap();
    assert_eq!(
        (row(&report, "good")["outcome"].as_str(), row(&report, "bad")["outcome"].as_str()),
        (Some("crawled"), Some("failed"))
    );
    assert!(!report.to_string().contains("secret-value"));
}

/// Lambda ends a process that runs out of time or memory at any point. From the n-th call on the answers do not come, though
/// the calls were carried out; then the process is killed.
#[tokio::test]
async fn a_function_killed_anywhere_converges_when_it_is_invoked_again() {
    let all = {
        let world = World::new(&["Orders", "users"]).await;
        world.lambda(&[WAIT]).await.invoke(json!({})).await.unwrap();
        world.server.calls().values().sum::<u64>()
    };
    assert!(all > 20, "{all}");
    for n in (1..all).step_by(4) {
        let world = World::new(&["Orders", "users"]).await;
        let hang = Fault::Delay(Duration::from_secs(3600));
        world.server.faults().add(Rule::new("*", Calls::Range(n..=u64::MAX), hang).after());
        let mut lambda = world.lambda(&[WAIT]).await;
        let answer = lambda.send(json!({}), u64::MAX).await;
        // All that the function can do without an answer is done when no further call comes.
        settled(&world, n).await;
        lambda.kill();
        drop(answer);
        world.server.faults().clear();

        let lambda = world.lambda(&[WAIT]).await;
        converged(&lambda, n).await;
    }
}

async fn settled(world: &World, at_least: u64) {
    let mut before = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(30)).await;
        let calls = world.server.calls().values().sum::<u64>();
        if calls >= at_least && calls == before {
            return;
        }
        before = calls;
    }
}

async fn converged(lambda: &Lambda, killed_at: u64) {
    let report = lambda.invoke(json!({})).await.unwrap();
    assert_eq!((count(&report, "linked"), count(&report, "failed")), (2, 0), "killed at call {killed_at}: {report}");
    let report = lambda.invoke(json!({})).await.unwrap();
    assert_eq!((count(&report, "changed"), count(&report, "tables")), (0, 2), "killed at call {killed_at}: {report}");
}
