//! Crawlers: definitions, states and history. What a crawl does is tested over HTTP.

use super::*;
use crate::glue::crawl_record::Summary;
use crate::glue::crawler_state::{End, record_end, should_continue};
use crate::wire::params::Params;

const UNABLE: &str = "Service is unable to assume provided role. Please verify role's TrustPolicy";

/// An endpoint with the role `r`, which Glue may assume.
fn with_role() -> Glue {
    let glue = Glue::new();
    role(&glue, "r");
    glue
}

pub(super) fn role(glue: &Glue, name: &str) {
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"glue.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let form = [("RoleName", name), ("Path", "/path/"), ("AssumeRolePolicyDocument", trust)];
    let params = Params::read("", serde_urlencoded::to_string(form).unwrap().as_bytes()).unwrap();
    glue.store.transaction(|tx| crate::iam::call(tx, &glue.context, "CreateRole", &params).map(drop)).unwrap();
}

pub(super) fn crawler(name: &str) -> Value {
    json!({"Name": name, "Role": "r", "DatabaseName": "db", "Targets": {"DynamoDBTargets": [{"Path": "Orders"}]}})
}

/// The crawler `c`, changed as told.
fn with(change: impl FnOnce(&mut Value)) -> Value {
    let mut body = crawler("c");
    change(&mut body);
    body
}

fn with_crawlers(names: &[&str]) -> Glue {
    let glue = with_role();
    for name in names {
        glue.call("CreateCrawler", crawler(name));
    }
    glue
}

fn start(glue: &Glue, name: &str) -> crate::glue::CrawlJob {
    glue.answer("StartCrawler", &json!({ "Name": name })).unwrap().crawl.unwrap()
}

fn finish(glue: &Glue, id: &str, how: End, summary: &Summary) {
    glue.store.transaction(|tx| record_end(tx, id, &how, summary, glue.context.now)).unwrap();
}

fn get(glue: &Glue, name: &str) -> Value {
    glue.call("GetCrawler", json!({ "Name": name }))["Crawler"].take()
}

#[test]
fn a_crawler_comes_back_with_the_defaults_of_aws() {
    let glue = with_role();
    let arn = "arn:aws:iam::123456789012:role/path/r";
    let target = json!({"Path": "Orders", "scanAll": true, "scanRate": 0.5});
    glue.call(
        "CreateCrawler",
        with(|body| {
            body["Role"] = arn.into();
            body["Targets"]["DynamoDBTargets"] = json!([target]);
            body["Schedule"] = "cron(15 12 * * ? *)".into();
        }),
    );
    insta::assert_json_snapshot!(get(&glue, "c"), @r#"
    {
      "Classifiers": [],
      "CrawlElapsedTime": 0,
      "CreationTime": 1750000000.0,
      "DatabaseName": "db",
      "LakeFormationConfiguration": {
        "AccountId": "",
        "UseLakeFormationCredentials": false
      },
      "LastUpdated": 1750000000.0,
      "LineageConfiguration": {
        "CrawlerLineageSettings": "DISABLE"
      },
      "Name": "c",
      "RecrawlPolicy": {
        "RecrawlBehavior": "CRAWL_EVERYTHING"
      },
      "Role": "path/r",
      "Schedule": {
        "ScheduleExpression": "cron(15 12 * * ? *)",
        "State": "SCHEDULED"
      },
      "SchemaChangePolicy": {
        "DeleteBehavior": "DEPRECATE_IN_DATABASE",
        "UpdateBehavior": "UPDATE_IN_DATABASE"
      },
      "State": "READY",
      "Targets": {
        "CatalogTargets": [],
        "DeltaTargets": [],
        "DynamoDBTargets": [
          {
            "Path": "Orders",
            "scanAll": true,
            "scanRate": 0.5
          }
        ],
        "HudiTargets": [],
        "IcebergTargets": [],
        "JdbcTargets": [],
        "MongoDBTargets": [],
        "S3Targets": []
      },
      "Version": 1
    }
    "#);
    assert_eq!(glue.code("CreateCrawler", crawler("c")), "AlreadyExistsException");
    glue.call("CreateCrawler", crawler("C"));
    let error = glue.refused("GetCrawler", json!({"Name": "no"}));
    assert_eq!(error, AwsError::new("EntityNotFoundException", "Crawler no not found."));
}

#[test]
fn glue_must_be_able_to_assume_the_role() {
    let glue = with_role();
    let ours = "arn:aws:iam::123456789012:role";
    let (unknown, elsewhere) = (format!("{ours}/unknown"), format!("{ours}/other/r"));
    for role in ["unknown", "arn:aws:iam::999999999999:role/path/r", &unknown, &elsewhere] {
        let error = glue.refused("CreateCrawler", with(|body| body["Role"] = role.into()));
        assert_eq!(error, AwsError::new("InvalidInputException", UNABLE), "{role}");
    }
    glue.call("CreateCrawler", crawler("c"));
    let error = glue.refused("UpdateCrawler", json!({"Name": "c", "Role": "unknown"}));
    assert_eq!(error.message, UNABLE);
    assert_eq!(get(&glue, "c")["Role"], "r");
}

#[test]
fn a_scan_rate_is_null_or_between_a_tenth_and_one_and_a_half() {
    let glue = with_role();
    let rate = |name: &str, rate: Value| {
        let mut body = crawler(name);
        body["Targets"]["DynamoDBTargets"][0]["scanRate"] = rate;
        body
    };
    for (n, good) in [Value::Null, json!(0.1), json!(1), json!(1.5)].into_iter().enumerate() {
        glue.call("CreateCrawler", rate(&format!("c{n}"), good));
    }
    for bad in [json!(0.0), json!(0.09), json!(1.51), json!(-1)] {
        assert_eq!(glue.code("CreateCrawler", rate("c", bad.clone())), "InvalidInputException", "{bad}");
    }
}

#[test]
fn what_can_t_be_a_crawler_is_refused() {
    let glue = with_role();
    for (what, body) in [
        ("no targets", with(|body| body["Targets"] = json!({}))),
        ("empty targets", with(|body| body["Targets"] = json!({"DynamoDBTargets": []}))),
        ("no path", with(|body| body["Targets"] = json!({"DynamoDBTargets": [{"scanAll": true}]}))),
        ("no database", with(|body| body["DatabaseName"] = Value::Null)),
        ("broken schedule", with(|body| body["Schedule"] = "rate(1 day)".into())),
        ("broken configuration", with(|body| body["Configuration"] = "{".into())),
        ("new folders of no S3", with(|b| b["RecrawlPolicy"] = json!({"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"}))),
        (
            "catalog and others",
            with(|body| body["Targets"]["CatalogTargets"] = json!([{"DatabaseName": "db", "Tables": ["t"]}])),
        ),
        (
            "catalog with deletion",
            with(|body| body["Targets"] = json!({"CatalogTargets": [{"DatabaseName": "db", "Tables": ["t"]}]})),
        ),
    ] {
        assert_eq!(glue.code("CreateCrawler", body), "InvalidInputException", "{what}");
    }
    for (what, body) in [
        ("no name", with(|body| body["Name"] = Value::Null)),
        ("no role", with(|body| body["Role"] = Value::Null)),
        ("targets missing", with(|body| body["Targets"] = Value::Null)),
        ("long name", crawler(&"c".repeat(256))),
        ("name in two lines", crawler("a\nb")),
        ("long description", with(|body| body["Description"] = "d".repeat(2_049).into())),
        ("long prefix", with(|body| body["TablePrefix"] = "p".repeat(129).into())),
        ("unknown behaviour", with(|body| body["SchemaChangePolicy"] = json!({"UpdateBehavior": "GUESS"}))),
        ("51 tags", with(|b| b["Tags"] = (0..51).map(|n| (format!("k{n}"), json!("v"))).collect::<Value>())),
    ] {
        assert_eq!(glue.code("CreateCrawler", body), "ValidationException", "{what}");
    }
    assert_eq!(glue.call("ListCrawlers", json!({}))["CrawlerNames"], json!([]));
}

#[test]
fn an_update_changes_what_it_names_and_counts_the_version() {
    let mut glue = with_crawlers(&["c"]);
    glue.context.now += 5_000;
    glue.call("UpdateCrawler", json!({"Name": "c", "TablePrefix": "p_", "Schedule": "cron(0 1 * * ? *)"}));
    glue.call("UpdateCrawler", json!({"Name": "c", "SchemaChangePolicy": {"DeleteBehavior": "LOG"}}));
    let found = get(&glue, "c");
    assert_eq!((&found["Version"], &found["TablePrefix"]), (&json!(3), &json!("p_")));
    assert_eq!(found["Targets"]["DynamoDBTargets"][0]["Path"], "Orders");
    assert_eq!(found["SchemaChangePolicy"], json!({"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "LOG"}));
    assert_eq!(found["Schedule"]["State"], "SCHEDULED");
    assert_eq!((&found["CreationTime"], &found["LastUpdated"]), (&json!(1_750_000_000.0), &json!(1_750_000_005.0)));
    glue.call("UpdateCrawler", json!({"Name": "c", "Schedule": ""}));
    assert_eq!(get(&glue, "c").get("Schedule"), None);
    assert_eq!(glue.code("UpdateCrawler", json!({"Name": "c", "Targets": {}})), "InvalidInputException");
    assert_eq!(glue.code("UpdateCrawler", json!({"Name": "no"})), "EntityNotFoundException");
}

#[test]
fn crawlers_are_listed_by_page_by_name_and_by_tag() {
    let glue = with_role();
    for n in 0..5 {
        let mut body = crawler(&format!("c{n}"));
        body["Tags"] = json!({"managed-by": if n < 3 { "us" } else { "them" }, "n": n.to_string()});
        glue.call("CreateCrawler", body);
    }
    assert_eq!(names(&glue.pages("GetCrawlers", json!({}), "Crawlers", 2), "Name"), ["c0", "c1", "c2", "c3", "c4"]);
    let listed = |tags: Value| glue.pages("ListCrawlers", json!({"Tags": tags}), "CrawlerNames", 2);
    assert_eq!(listed(json!({})).len(), 5);
    assert_eq!(listed(json!({"managed-by": "us"})), ["c0", "c1", "c2"]);
    assert_eq!(listed(json!({"managed-by": "us", "n": "1"})), ["c1"]);
    assert_eq!(listed(json!({"managed-by": "nobody"})), Vec::<Value>::new());
    let batch = glue.call("BatchGetCrawlers", json!({"CrawlerNames": ["c3", "no", "c1"]}));
    assert_eq!(names(batch["Crawlers"].as_array().unwrap(), "Name"), ["c1", "c3"]);
    assert_eq!(batch["CrawlersNotFound"], json!(["no"]));

    let arn = "arn:aws:glue:eu-west-1:123456789012:crawler/c4";
    glue.call("TagResource", json!({"ResourceArn": arn, "TagsToAdd": {"managed-by": "us"}}));
    assert_eq!(listed(json!({"managed-by": "us"})).len(), 4);
    glue.call("DeleteCrawler", json!({"Name": "c4"}));
    assert_eq!(glue.code("GetTags", json!({"ResourceArn": arn})), "EntityNotFoundException");
    glue.call("CreateCrawler", crawler("c4"));
    assert_eq!(listed(json!({"managed-by": "us"})).len(), 3, "a new crawler does not inherit tags");
}

#[test]
fn a_thousand_crawlers_are_the_most_and_fit_one_page() {
    let glue = with_role();
    for n in 0..1_000 {
        glue.call("CreateCrawler", crawler(&format!("c{n}")));
    }
    assert_eq!(glue.code("CreateCrawler", crawler("more")), "ResourceNumberLimitExceededException");
    let answer = glue.call("ListCrawlers", json!({"MaxResults": 1_000}));
    assert_eq!(answer["CrawlerNames"].as_array().unwrap().len(), 1_000);
    assert_eq!(answer.get("NextToken"), None);
    assert_eq!(glue.code("GetCrawlers", json!({"MaxResults": 1_001})), "ValidationException");
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

#[test]
fn schedules_are_started_stopped_and_changed() {
    let glue = with_crawlers(&["c"]);
    let named = json!({"CrawlerName": "c"});
    let state = || get(&glue, "c")["Schedule"]["State"].clone();
    assert_eq!(glue.code("StartCrawlerSchedule", named.clone()), "NoScheduleException");
    assert_eq!(glue.code("StopCrawlerSchedule", named.clone()), "SchedulerNotRunningException");
    glue.call("UpdateCrawlerSchedule", json!({"CrawlerName": "c", "Schedule": "cron(0 1 * * ? *)"}));
    assert_eq!(state(), "SCHEDULED");
    assert_eq!(glue.code("StartCrawlerSchedule", named.clone()), "SchedulerRunningException");
    glue.call("StopCrawlerSchedule", named.clone());
    assert_eq!(state(), "NOT_SCHEDULED");
    glue.call("StartCrawlerSchedule", named);
    assert_eq!(state(), "SCHEDULED");
    let broken = json!({"CrawlerName": "c", "Schedule": "daily"});
    assert_eq!(glue.code("UpdateCrawlerSchedule", broken), "InvalidInputException");
}
