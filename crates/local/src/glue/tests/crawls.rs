//! States of crawlers, and the history of their crawls. What a crawl does is tested over HTTP.

use super::crawlers::{crawler, get, with, with_crawlers, with_role};
use super::*;
use crate::glue::crawl_record::Summary;
use crate::glue::crawler_state::{End, record_end, should_continue};

fn start(glue: &Glue, name: &str) -> crate::glue::CrawlJob {
    glue.answer("StartCrawler", &json!({ "Name": name })).unwrap().crawl.unwrap()
}

fn finish(glue: &Glue, id: &str, how: End, summary: &Summary) {
    glue.store.transaction(|tx| record_end(tx, id, &how, summary, glue.context.now)).unwrap();
}

#[test]
fn a_crawler_goes_from_ready_over_running_and_stopping_to_ready() {
    let mut glue = with_crawlers(&["c"]);
    let named = json!({"Name": "c"});
    assert_eq!(glue.code("StopCrawler", named.clone()), "CrawlerNotRunningException");
    let job = start(&glue, "c");
    glue.context.now += 1_500;
    let running = get(&glue, "c");
    assert_eq!((&running["State"], &running["CrawlElapsedTime"]), (&json!("RUNNING"), &json!(1_500)));
    assert_eq!(running.get("LastCrawl"), None, "a crawl counts when it has ended");
    let error = glue.refused("StartCrawler", named.clone());
    assert_eq!(error, AwsError::new("CrawlerRunningException", "Crawler with name c has already started"));
    assert_eq!(glue.code("UpdateCrawler", named.clone()), "CrawlerRunningException");
    assert_eq!(glue.code("DeleteCrawler", named.clone()), "CrawlerRunningException");
    assert!(glue.store.transaction(|tx| should_continue(tx, &job.id)).unwrap());

    glue.call("StopCrawler", named.clone());
    assert_eq!(get(&glue, "c")["State"], "STOPPING");
    assert_eq!(glue.code("StopCrawler", named.clone()), "CrawlerStoppingException");
    assert_eq!(glue.code("StartCrawler", named.clone()), "CrawlerRunningException");
    assert!(!glue.store.transaction(|tx| should_continue(tx, &job.id)).unwrap());

    finish(&glue, &job.id, End::Stopped, &Summary::default());
    let ready = get(&glue, "c");
    assert_eq!((&ready["State"], &ready["LastCrawl"]["Status"]), (&json!("READY"), &json!("CANCELLED")));
    glue.call("DeleteCrawler", named.clone());
    assert_eq!(glue.code("StartCrawler", named), "EntityNotFoundException");
}

#[test]
fn a_job_says_all_that_its_crawl_needs() {
    let glue = with_role();
    glue.call(
        "CreateCrawler",
        with(|body| {
            body["Role"] = "path/r".into();
            body["DatabaseName"] = "DB".into();
            body["TablePrefix"] = "p_".into();
            body["SchemaChangePolicy"] = json!({"UpdateBehavior": "LOG", "DeleteBehavior": "DELETE_FROM_DATABASE"});
            body["Targets"] = json!({
                "DynamoDBTargets": [{"Path": "A"}, {"Path": "B", "scanAll": false, "scanRate": 0.2}],
                "S3Targets": [{"Path": "s3://b/"}],
            });
        }),
    );
    let mut job = start(&glue, "c");
    job.id.clear();
    insta::assert_debug_snapshot!(job, @r#"
    CrawlJob {
        region: "eu-west-1",
        crawler: "c",
        id: "",
        role: "path/r",
        database: "db",
        prefix: "p_",
        targets: [
            Other(
                "S3Targets",
            ),
            DynamoDb {
                table: "A",
                scan_all: true,
                scan_rate: None,
            },
            DynamoDb {
                table: "B",
                scan_all: false,
                scan_rate: Some(
                    0.2,
                ),
            },
        ],
        before: {},
        on_update: Log,
        on_delete: DeleteFromDatabase,
    }
    "#);
}

#[test]
fn a_hundred_and_fifty_crawlers_may_run_at_once() {
    let glue = with_role();
    for n in 0..151 {
        glue.call("CreateCrawler", crawler(&format!("c{n}")));
    }
    for n in 0..150 {
        start(&glue, &format!("c{n}"));
    }
    let error = glue.refused("StartCrawler", json!({"Name": "c150"}));
    assert_eq!(error.code, "ResourceNumberLimitExceededException");
    assert_eq!(get(&glue, "c150")["State"], "READY");
}

#[test]
fn a_crawl_that_failed_tells_why() {
    let mut glue = with_crawlers(&["c"]);
    let job = start(&glue, "c");
    glue.context.now += 2_000;
    finish(&glue, &job.id, End::Failed("no such table".into()), &Summary::default());
    let mut last = get(&glue, "c")["LastCrawl"].take();
    assert_eq!(last["MessagePrefix"], job.id);
    last["MessagePrefix"] = "".into();
    insta::assert_json_snapshot!(last, @r#"
    {
      "ErrorMessage": "no such table",
      "LogGroup": "/aws-glue/crawlers",
      "LogStream": "c",
      "MessagePrefix": "",
      "StartTime": 1750000000.0,
      "Status": "FAILED"
    }
    "#);
}

#[test]
fn crawls_that_a_killed_process_left_are_failed() {
    let glue = with_crawlers(&["c"]);
    let job = start(&glue, "c");
    let recover = |own: &str, living: &[&str]| {
        let living = || Ok(living.iter().map(|&id| id.to_owned()).collect());
        let now = glue.context.now + 9_000;
        glue.store.transaction(|tx| crate::glue::recover(tx, own, living, now)).unwrap();
    };
    let own = glue.context.endpoint.as_str();
    recover(own, &[]);
    recover("the next", &["the next", own]);
    assert_eq!(get(&glue, "c")["State"], "RUNNING", "its endpoint lives");
    recover("the next", &["the next"]);
    let found = get(&glue, "c");
    assert_eq!((&found["State"], &found["LastCrawl"]["Status"]), (&json!("READY"), &json!("FAILED")));
    // The old crawl's own end, were it to come still, changes nothing.
    finish(&glue, &job.id, End::Completed, &Summary::default());
    assert_eq!(get(&glue, "c")["LastCrawl"]["Status"], "FAILED");
    start(&glue, "c");
}

#[test]
fn history_is_listed_newest_first_filtered_and_paged() {
    let mut glue = with_crawlers(&["c"]);
    let summary = Summary { created: vec!["orders".into()], ..Summary::default() };
    let mut ids = Vec::new();
    for how in [End::Completed, End::Failed("why".into()), End::Stopped] {
        let job = start(&glue, "c");
        glue.context.now += 10_000;
        finish(&glue, &job.id, how, &summary);
        ids.push(job.id);
    }
    ids.push(start(&glue, "c").id);
    ids.reverse();
    let listed = |filters: Value| {
        let body = json!({"CrawlerName": "c", "Filters": filters});
        names(&glue.pages("ListCrawls", body, "Crawls", 1), "CrawlId")
    };
    assert_eq!(listed(json!([])), ids);
    let filter = |field: &str, operator: &str, value: &str| {
        listed(json!([{"FieldName": field, "FilterOperator": operator, "FieldValue": value}]))
    };
    assert_eq!(filter("STATE", "EQ", "FAILED"), [ids[2].clone()]);
    assert_eq!(filter("STATE", "NE", "RUNNING"), ids[1..]);
    assert_eq!(filter("CRAWL_ID", "EQ", &ids[3]), [ids[3].clone()]);
    assert_eq!(filter("START_TIME", "GT", &(NOON + 10_000).to_string()), ids[..2]);
    assert_eq!(filter("END_TIME", "LE", &(NOON + 10_000).to_string()), ids[3..]);
    assert_eq!(filter("DPU_HOUR", "GT", "0"), [""; 0]);

    let mut first = glue.call("ListCrawls", json!({"CrawlerName": "c"}))["Crawls"][3].take();
    first["CrawlId"] = "".into();
    first["MessagePrefix"] = "".into();
    insta::assert_json_snapshot!(first, @r#"
    {
      "CrawlId": "",
      "DPUHour": 0.0,
      "EndTime": 1750000010.0,
      "LogGroup": "/aws-glue/crawlers",
      "LogStream": "c",
      "MessagePrefix": "",
      "StartTime": 1750000000.0,
      "State": "COMPLETED",
      "Summary": "{\"TABLE\":{\"ADD\":{\"Count\":1,\"Details\":{\"names\":[\"orders\"]}}}}"
    }
    "#);
    let broken =
        json!({"CrawlerName": "c", "Filters": [{"FieldName": "STATE", "FilterOperator": "GT", "FieldValue": "A"}]});
    assert_eq!(glue.code("ListCrawls", broken), "InvalidInputException");
    assert_eq!(glue.code("ListCrawls", json!({"CrawlerName": "no"})), "EntityNotFoundException");
}

#[test]
fn a_summary_that_names_too_much_only_counts() {
    let glue = with_crawlers(&["c"]);
    let job = start(&glue, "c");
    let updated = (0..40).map(|n| format!("a_table_with_a_long_name_{n}")).collect();
    finish(&glue, &job.id, End::Completed, &Summary { updated, ..Summary::default() });
    let crawls = glue.call("ListCrawls", json!({"CrawlerName": "c"}));
    assert_eq!(crawls["Crawls"][0]["Summary"], r#"{"TABLE":{"UPDATE":{"Count":40}}}"#);
}

#[test]
fn metrics_take_the_median_of_completed_crawls_and_the_tables_of_the_last() {
    let mut glue = with_crawlers(&["a", "b", "c"]);
    for (seconds, created) in [(1, 1), (9, 0), (3, 2)] {
        let job = start(&glue, "a");
        glue.context.now += seconds * 1_000;
        let created = (0..created).map(|n| format!("t{n}")).collect();
        finish(&glue, &job.id, End::Completed, &Summary { created, ..Summary::default() });
    }
    start(&glue, "a");
    glue.context.now += 1_000;
    start(&glue, "b");
    let metrics = glue.call("GetCrawlerMetrics", json!({"CrawlerNameList": ["b", "a", "no"]}));
    insta::assert_json_snapshot!(metrics["CrawlerMetricsList"][0], @r#"
    {
      "CrawlerName": "a",
      "LastRuntimeSeconds": 3.0,
      "MedianRuntimeSeconds": 3.0,
      "StillEstimating": false,
      "TablesCreated": 2,
      "TablesDeleted": 0,
      "TablesUpdated": 0,
      "TimeLeftSeconds": 2.0
    }
    "#);
    assert_eq!(metrics["CrawlerMetricsList"][1]["StillEstimating"], true);
    assert_eq!(metrics["CrawlerMetricsList"].as_array().unwrap().len(), 2);
    let all = glue.pages("GetCrawlerMetrics", json!({}), "CrawlerMetricsList", 2);
    assert_eq!(names(&all, "CrawlerName"), ["a", "b", "c"]);
}
