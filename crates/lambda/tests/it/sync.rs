//! The job, invoked as the schedule does and by hand.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::world::{WorldExt, count, row, world};

const WAIT: (&str, &str) = ("GLUE_DDB_CRAWLER_WAIT", "true");

#[tokio::test]
async fn the_first_invocation_makes_everything_and_the_second_links_what_its_crawls_wrote() {
    let world = world(&["Orders", "users"]).await;
    let lambda = world.lambda(&[WAIT]).await;
    let first = lambda.invoke(json!({})).await.unwrap();
    assert_eq!((count(&first, "crawled"), count(&first, "linked"), count(&first, "changed")), (2, 2, 2), "{first}");
    let second = lambda.invoke(json!({})).await.unwrap();
    assert_eq!((count(&second, "crawled"), count(&second, "linked")), (2, 2), "{second}");
    for table in ["Orders", "users"] {
        assert_eq!(row(&second, table)["actions"], json!(["start_crawler", "link_schema"]));
    }
    let once = ["dynamodb:ListTables", "glue:GetCrawlers", "glue:GetDatabase", "glue:ListCrawlers", "iam:ListRoles"];
    let a_table = ["dynamodb:DescribeTable", "dynamodb:Scan", "glue:GetSchemaVersion", "glue:PutSchemaVersionMetadata"];
    let starts = ["glue:StartCrawler", "glue:UpdateTable"];
    // Before the crawls and after them.
    let both = [("glue:GetTables", 2), ("sts:GetCallerIdentity", 1)];
    let a_table = a_table.iter().chain(&starts).map(|call| (*call, 2));
    let expected: BTreeMap<&str, u64> = once.iter().map(|call| (*call, 1)).chain(a_table).chain(both).collect();
    let mut calls: BTreeMap<String, u64> = serde_json::from_value(second["calls"].clone()).unwrap();
    calls.remove("glue:BatchGetCrawlers");
    assert_eq!(calls, expected.into_iter().map(|(call, n)| (call.to_owned(), n)).collect());
    assert_eq!(second["calls"]["sts:GetCallerIdentity"], 1, "an invocation counts its own calls");
}

#[tokio::test]
async fn an_invocation_does_not_wait_for_its_crawls_and_the_next_one_links_them() {
    let world = world(&["Orders"]).await;
    let lambda = world.lambda(&[]).await;
    let first = lambda.invoke(Value::Null).await.unwrap();
    assert_eq!((count(&first, "started"), count(&first, "linked")), (1, 0), "{first}");
    assert_eq!(row(&first, "Orders")["crawler"], "Orders_crawler");
    let linked = async {
        while count(&lambda.invoke(json!({"no_start": true})).await.unwrap(), "linked") == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), linked).await.expect("linked once it is crawled");
}

#[tokio::test]
async fn an_event_goes_over_the_environment_for_one_invocation() {
    let world = world(&["Orders", "users"]).await;
    let lambda = world.lambda(&[WAIT, ("GLUE_DDB_CRAWLER_ENGINE", "native"), ("GLUE_DDB_CRAWLER_DATABASE", "")]).await;
    let report = lambda.invoke(json!({"include": ["Ord*"], "database": "other"})).await.unwrap();
    assert_eq!((count(&report, "tables"), count(&report, "crawled")), (1, 1), "{report}");
    assert_eq!((&report["engine"], &report["database"]), (&json!("native"), &json!("other")));
    let report = lambda.invoke(json!({})).await.unwrap();
    assert_eq!((count(&report, "tables"), count(&report, "crawled")), (2, 2), "{report}");
    assert_eq!(report["database"], "ddb_tables", "an empty variable is not set");
    assert_eq!(world.calls("IAM.CreateRole"), 0);
}

#[tokio::test]
async fn a_dry_run_writes_nothing() {
    let world = world(&["Orders"]).await;
    let report = world.lambda(&[]).await.invoke(json!({"dry_run": true})).await.unwrap();
    assert_eq!(row(&report, "Orders")["outcome"], "planned");
    assert_eq!(row(&report, "Orders")["actions"][0], "create_role");
    let writes = |call: &String| !["List", "Get", "Describe"].iter().any(|read| call.contains(&format!(".{read}")));
    assert_eq!(world.server.calls().keys().filter(|call| writes(call)).count(), 0, "{:?}", world.server.calls());
}

/// The timer's event: what a run started is linked though no event told of its end, and then there is nothing to do.
#[tokio::test]
async fn the_timer_links_what_no_event_told_of() {
    let world = world(&["Orders"]).await;
    let lambda = world.lambda(&[]).await;
    let continued = async || lambda.invoke(json!({"step": "continue"})).await.unwrap();
    assert_eq!(continued().await["calls"], json!({"glue:GetDatabase": 1}), "before the first run");
    assert_eq!(count(&lambda.invoke(json!({})).await.unwrap(), "started"), 1);
    let mut linked = 0;
    for _ in 0..100 {
        linked += count(&continued().await, "linked");
        if linked > 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(linked, 1);
    assert_eq!(continued().await["calls"], json!({"glue:GetDatabase": 1}), "nothing more to do");
}
