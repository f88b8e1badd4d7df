//! What is not done, and how it is told.

use std::time::Duration;

use local::faults::{Calls, Fault, Rule};
use serde_json::json;

use crate::world::{WorldExt, count, row, world};

#[tokio::test]
async fn a_wrong_event_starts_nothing_and_is_told() {
    let world = world(&["Orders"]).await;
    let lambda = world.lambda(&[]).await;
    let (kind, message) = lambda.invoke(json!({"dryrun": true})).await.unwrap_err();
    assert_eq!(kind, "Settings");
    let named = message.starts_with("dryrun: unknown field `dryrun`, expected one of `");
    assert!(named && message.contains("`dry_run`"), "{message}");
    let (kind, message) = lambda.invoke(json!({"include": "Orders"})).await.unwrap_err();
    assert_eq!(
        (kind.as_str(), message.as_str()),
        ("Settings", r#"include: invalid type: string "Orders", expected a sequence"#)
    );
    let (kind, message) = lambda.invoke(json!({"scan_rate": 9})).await.unwrap_err();
    assert_eq!((kind.as_str(), message.as_str()), ("Settings", "scan_rate 9: use 0.1 to 1.5"));
    let scheduled = json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}});
    assert_eq!(lambda.invoke(scheduled).await.unwrap_err().0, "Settings");
    assert!(world.server.calls().is_empty(), "{:?}", world.server.calls());
    assert!(lambda.invoke(json!({})).await.is_ok(), "one wrong event does no harm to the next");
}

/// An init that fails is retried by Lambda and told as `Runtime.ExitError`, without a reason.
#[tokio::test]
async fn a_wrong_environment_is_told_to_every_invocation() {
    let world = world(&[]).await;
    let lambda = world.lambda(&[("GLUE_DDB_CRAWLER_SCAN_RATE", "fast")]).await;
    let (kind, message) = lambda.invoke(json!({})).await.unwrap_err();
    assert_eq!(kind, "Settings");
    insta::assert_snapshot!(message, @r#"GLUE_DDB_CRAWLER_SCAN_RATE: scan_rate: invalid type: string "fast", expected f64"#);
    assert_eq!(lambda.invoke(json!({"scan_rate": 0.5})).await, Err((kind, message)));
}

#[tokio::test]
async fn a_run_that_is_denied_fails_with_its_kind() {
    let world = world(&["Orders"]).await;
    let denied = Fault::Error { code: "AccessDeniedException", message: "User: x is not authorized".into() };
    world.server.faults().add(Rule::new("Glue.GetDatabase", Calls::Every, denied));
    let lambda = world.lambda(&[]).await;
    let (kind, message) = lambda.invoke(json!({})).await.unwrap_err();
    assert_eq!(kind, "AccessDenied");
    insta::assert_snapshot!(message, @"glue:GetDatabase: AccessDeniedException: User: x is not authorized");
    let errors: Vec<_> = lambda.lines().into_iter().filter(|line| line["level"] == "ERROR").collect();
    let [error] = &errors[..] else { panic!("one line: {errors:#?}") };
    assert_eq!(error["message"], "AccessDenied: glue:GetDatabase: AccessDeniedException: User: x is not authorized");
}

fn state_change(state: &str) -> serde_json::Value {
    json!({
        "version": "0", "source": "aws.glue", "detail-type": "Glue Crawler State Change",
        "detail": {"crawlerName": "Orders_crawler", "state": state, "tablesCreated": "1"},
    })
}

#[tokio::test]
async fn the_beginning_of_a_crawl_is_no_work() {
    let world = world(&["Orders"]).await;
    assert_eq!(world.lambda(&[]).await.invoke(state_change("Started")).await.unwrap(), json!(null));
    assert!(world.server.calls().is_empty(), "{:?}", world.server.calls());
}

#[tokio::test]
async fn the_end_of_a_crawl_links_it_and_starts_the_next() {
    let world = world(&["Orders", "users"]).await;
    let lambda = world.lambda(&[("GLUE_DDB_CRAWLER_MAX_RUNNING", "1")]).await;
    let report = lambda.invoke(json!({})).await.unwrap();
    assert_eq!((count(&report, "started"), count(&report, "deferred")), (1, 1), "{report}");
    let first = if row(&report, "Orders")["outcome"] == "started" { "Orders" } else { "users" };
    let mut event = state_change("Succeeded");
    event["detail"]["crawlerName"] = format!("{first}_crawler").into();
    let crawler = format!("{first}_crawler");
    tokio::time::timeout(Duration::from_secs(30), world.crawl_ended(&crawler)).await.unwrap();
    let report = lambda.invoke(event.clone()).await.unwrap();
    assert_eq!((count(&report, "linked"), count(&report, "crawled"), count(&report, "failed")), (1, 1, 0), "{report}");
    assert_eq!(world.calls("Glue.StartCrawler"), 2);
    let metrics = lambda.lines().into_iter().rfind(|line| line["event"] == "crawl_ended").unwrap();
    let mut names: Vec<&String> = metrics.as_object().unwrap().keys().collect();
    names.retain(|name| name.starts_with(char::is_uppercase));
    assert_eq!(names, ["Calls", "Duration", "Failed", "FunctionName", "Linked", "Started"]);

    event["detail"]["crawlerName"] = "not_ours".into();
    let report = lambda.invoke(event).await.unwrap();
    assert_eq!(report["tables"], json!([]));
}
