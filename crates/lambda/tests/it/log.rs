//! What CloudWatch gets: logs and metrics, a JSON object a line, and nobody's data.

use std::sync::{Arc, Mutex};

use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::runtime_api::{REQUEST_ID, TRACE_ID};
use crate::world::{WorldExt, world};

fn line<'a>(lines: &'a [Value], message: &str) -> &'a Value {
    lines.iter().find(|line| line["message"] == message).unwrap_or_else(|| panic!("no {message:?} in {lines:#?}"))
}

#[tokio::test]
async fn an_invocation_logs_what_failed_and_a_summary_with_the_ids_of_lambda() {
    let world = world(&["good"]).await;
    world.put("bad", &[r#"{"id":{"S":"1"#]);
    let lambda = world.lambda(&[("GLUE_DDB_CRAWLER_WAIT", "true")]).await;
    lambda.invoke(json!({})).await.unwrap();
    let lines = lambda.lines();
    let failed = line(&lines, "table failed");
    assert_eq!((&failed["table"], &failed["level"]), (&json!("bad"), &json!("WARN")));
    assert!(failed["reason"].as_str().unwrap().starts_with("the crawl failed"), "{failed}");
    let done = line(&lines, "done");
    assert_eq!((&done["tables"], &done["crawled"], &done["failed"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!((&done["requestId"], &done["xrayTraceId"]), (&json!(REQUEST_ID), &json!(TRACE_ID)));
    assert!(done["timestamp"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn the_first_line_of_a_cold_start_tells_the_settings_or_what_is_wrong_with_them() {
    let right = world(&[]).await;
    let lambda = right.lambda(&[("GLUE_DDB_CRAWLER_SETTINGS", r#"{"max_running": 50}"#)]).await;
    lambda.invoke(json!({})).await.unwrap();
    let first = &lambda.lines()[0];
    let settings: Value = serde_json::from_str(first["settings"].as_str().unwrap()).unwrap();
    assert_eq!((&settings["max_running"], &settings["database"]), (&json!(50), &json!("ddb_tables")));

    let wrong = world(&[]).await;
    let lambda = wrong.lambda(&[("GLUE_DDB_CRAWLER_SETTINGS", r#"{"max_running": 0}"#)]).await;
    let (kind, message) = lambda.invoke(json!({})).await.unwrap_err();
    let first = &lambda.lines()[0];
    let reason = "GLUE_DDB_CRAWLER_SETTINGS: max_running 0: use 1 to 1000";
    assert_eq!((&first["level"], &first["reason"]), (&json!("ERROR"), &json!(reason)));
    assert_eq!((kind.as_str(), message.as_str()), ("Settings", reason));
}

#[tokio::test]
async fn an_invocation_is_one_line_of_metrics() {
    let world = world(&["Orders", "users"]).await;
    let lambda = world.lambda(&[("GLUE_DDB_CRAWLER_WAIT", "true")]).await;
    let report = lambda.invoke(json!({})).await.unwrap();
    lambda.invoke(json!({"dryrun": true})).await.unwrap_err();
    let lines: Vec<Value> = lambda.lines().into_iter().filter(|line| line.get("_aws").is_some()).collect();
    let [run, refused] = &lines[..] else { panic!("one line an invocation: {lines:#?}") };
    let definition = &run["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(
        (&definition["Namespace"], &definition["Dimensions"]),
        (&json!("glue-ddb-crawler"), &json!([["FunctionName"]]))
    );
    let units = definition["Metrics"].as_array().unwrap().iter();
    let units: Vec<String> = units.map(|m| format!("{} {}", m["Name"], m["Unit"]).replace('"', "")).collect();
    assert_eq!(
        units.join(", "),
        "Duration Milliseconds, Calls Count, Started Count, Failed Count, Linked Count, Deferred Count, Tables Count, Crawled Count, QuotaReached Count"
    );
    assert_eq!((&run["FunctionName"], &run["event"]), (&json!("sys-glue-ddb-crawler"), &json!("sync")));
    let calls: u64 = report["calls"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(
        [&run["Tables"], &run["Crawled"], &run["Linked"], &run["Failed"], &run["Calls"]],
        [&json!(2), &json!(2), &json!(2), &json!(0), &json!(calls)]
    );
    assert_eq!((&refused["Calls"], refused.get("Tables")), (&json!(0), None));
}

#[tokio::test]
async fn the_most_verbose_log_holds_no_item_no_key_and_no_credential() {
    let world = world(&[]).await;
    let item = r#"{"id":{"S":"key-of-the-item"},"name":{"S":"value-of-the-item"},"n":{"N":"987654321987"},"m":{"M":{"x":{"S":"nested-of-the-item"}}}}"#;
    world.put("Orders", &[item]);
    world.put("broken", &[&item[..item.len() - 1]]);
    let lambda = world.lambda(&[("GLUE_DDB_CRAWLER_WAIT", "true"), ("GLUE_DDB_CRAWLER_LOG", "trace")]).await;
    lambda.invoke(json!({})).await.unwrap();
    lambda.invoke(json!({"engine": "native"})).await.unwrap();
    lambda.invoke(json!({"engine": "none"})).await.unwrap_err();
    let log = lambda.log();
    assert!(lambda.lines().iter().any(|line| line["level"] == "DEBUG"), "it was verbose");
    for secret in ["of-the-item", "987654321987", "secret-of-the-key", "token-of-the-session"] {
        let at = log.find(secret);
        assert!(at.is_none(), "{secret}: {}", &log[at.unwrap().saturating_sub(2000)..at.unwrap() + 200]);
    }
}

#[tokio::test]
async fn a_level_that_is_none_is_told_and_does_no_harm() {
    let world = world(&[]).await;
    let lambda = world.lambda(&[("GLUE_DDB_CRAWLER_LOG", "inof")]).await;
    assert!(lambda.invoke(json!({})).await.is_ok());
    let lines = lambda.lines();
    assert_eq!(lines[0]["level"], "WARN");
    insta::assert_snapshot!(lines[0]["message"].as_str().unwrap(), @r#"GLUE_DDB_CRAWLER_LOG "inof": use error, warn, info, debug, or directives like info,sync=debug; using info"#);
    line(&lines, "done");
}

/// X-Ray joins the calls to the invocation by this header.
#[tokio::test]
async fn every_call_carries_the_trace() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let recorder = {
        let seen = Arc::clone(&seen);
        axum::Router::new().fallback(async move |headers: HeaderMap| {
            seen.lock().unwrap().push(headers.get("x-amzn-trace-id").map(|trace| trace.to_str().unwrap().to_owned()));
            (StatusCode::BAD_REQUEST, r#"{"__type":"AccessDeniedException","message":"no"}"#)
        })
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, recorder).into_future());
    let world = world(&[]).await;
    let lambda = world.lambda(&[("AWS_ENDPOINT_URL", &url)]).await;
    lambda.invoke(json!({})).await.unwrap_err();
    let seen = seen.lock().unwrap();
    assert!(!seen.is_empty());
    assert!(seen.iter().all(|trace| trace.as_deref() == Some(TRACE_ID)), "{seen:?}");
}
