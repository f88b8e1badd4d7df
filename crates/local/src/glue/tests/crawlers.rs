//! Crawlers: their definitions and schedules.

use super::*;
use crate::wire::params::Params;

const UNABLE: &str = "Service is unable to assume provided role. Please verify role's TrustPolicy";

/// An endpoint with the role `r`, which Glue may assume.
pub(super) fn with_role() -> Glue {
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

/// The crawler `c` with a change.
pub(super) fn with(change: impl FnOnce(&mut Value)) -> Value {
    let mut body = crawler("c");
    change(&mut body);
    body
}

pub(super) fn with_crawlers(names: &[&str]) -> Glue {
    let glue = with_role();
    for name in names {
        glue.call("CreateCrawler", crawler(name));
    }
    glue
}

pub(super) fn get(glue: &Glue, name: &str) -> Value {
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
    let (unknown, other_path) = (format!("{ours}/unknown"), format!("{ours}/other/r"));
    for role in ["unknown", "arn:aws:iam::999999999999:role/path/r", &unknown, &other_path] {
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
