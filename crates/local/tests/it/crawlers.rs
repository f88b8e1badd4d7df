//! Crawlers through the AWS SDK: they really crawl.

use std::path::Path;
use std::time::Duration;

use aws_sdk_glue::Client;
use aws_sdk_glue::types::{
    CatalogTarget, Crawler, CrawlerHistoryState, CrawlerState, CrawlerTargets, DatabaseInput, DeleteBehavior,
    DynamoDbTarget, LastCrawlInfo, LastCrawlStatus, S3Target, SchemaChangePolicy, Table, TableInput, UpdateBehavior,
};
use local::faults::{Calls, Fault, Rule};
use local::{Config, Source, Unknowns};
use tempfile::TempDir;

use crate::support::{ACCOUNT, Attempts, Endpoint};

const REGION: &str = "eu-west-1";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"glue.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// Tables, an endpoint that serves them, and the database `db`.
struct World {
    folder: TempDir,
    endpoint: Endpoint,
    glue: Client,
}

impl World {
    async fn new(tables: &[(&str, &[&str])]) -> World {
        World::start(Unknowns::default(), tables).await
    }

    /// With one switch as `asked` for.
    async fn with(asked: &str, tables: &[(&str, &[&str])]) -> World {
        World::start(Unknowns::default().with(&asked.parse().unwrap()), tables).await
    }

    async fn start(unknowns: Unknowns, tables: &[(&str, &[&str])]) -> World {
        let folder = TempDir::new().unwrap();
        for (name, items) in tables {
            write(folder.path(), name, items);
        }
        let source = Source::Files(folder.path().to_owned());
        let endpoint = Endpoint::start(Config { source, unknowns, ..Config::default() }).await;
        let glue = endpoint.glue(REGION, Attempts::One);
        let database = DatabaseInput::builder().name("db").build().unwrap();
        glue.create_database().database_input(database).send().await.unwrap();
        let world = World { folder, endpoint, glue };
        world.role("reader", &["dynamodb:DescribeTable", "dynamodb:Scan"]).await;
        world
    }

    fn put(&self, name: &str, items: &[&str]) {
        write(self.folder.path(), name, items);
    }

    fn drop_table(&self, name: &str) {
        std::fs::remove_file(self.folder.path().join(format!("{name}.json"))).unwrap();
        std::fs::remove_file(self.folder.path().join(format!("{name}.jsonl"))).unwrap();
    }

    /// A role that Glue may assume, and that may write the catalog and do `actions` on every DynamoDB table.
    async fn role(&self, name: &str, actions: &[&str]) {
        let iam = self.endpoint.iam(REGION, Attempts::One);
        iam.create_role().role_name(name).assume_role_policy_document(TRUST).send().await.unwrap();
        let policy = serde_json::json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": actions, "Resource": format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/*")},
            {"Effect": "Allow", "Action": "glue:*Table", "Resource": "*"},
        ]});
        let put = iam.put_role_policy().role_name(name).policy_name("p").policy_document(policy.to_string());
        put.send().await.unwrap();
    }

    /// The crawler `c` of these targets.
    async fn crawler(&self, targets: CrawlerTargets) {
        let create = self.glue.create_crawler().name("c").role("reader").database_name("db").targets(targets);
        create.send().await.unwrap();
    }

    /// Starts the crawler `c`; its state once it is READY again.
    async fn crawl(&self) -> Crawler {
        self.glue.start_crawler().name("c").send().await.unwrap();
        self.until_ready().await
    }

    async fn until_ready(&self) -> Crawler {
        for _ in 0..500 {
            let crawler = self.glue.get_crawler().name("c").send().await.unwrap().crawler.unwrap();
            if crawler.state() == Some(&CrawlerState::Ready) {
                return crawler;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the crawler did not get READY");
    }

    /// A crawl that went well.
    async fn crawled(&self) {
        let last = self.crawl().await.last_crawl.unwrap();
        assert_eq!(last.status(), Some(&LastCrawlStatus::Succeeded), "{:?}", last.error_message());
    }

    /// A crawl that failed, and why.
    async fn failed(&self) -> String {
        let last: LastCrawlInfo = self.crawl().await.last_crawl.unwrap();
        assert_eq!(last.status(), Some(&LastCrawlStatus::Failed));
        last.error_message.unwrap()
    }

    async fn table(&self, name: &str) -> Table {
        self.glue.get_table().database_name("db").name(name).send().await.unwrap().table.unwrap()
    }

    async fn names(&self) -> Vec<String> {
        let tables = self.glue.get_tables().database_name("db").send().await.unwrap();
        tables.table_list().iter().map(|table| table.name().to_owned()).collect()
    }
}

fn write(folder: &Path, name: &str, items: &[&str]) {
    let definition = format!(
        r#"{{"TableName":"{name}","BillingMode":"PAY_PER_REQUEST",
            "AttributeDefinitions":[{{"AttributeName":"id","AttributeType":"S"}}],
            "KeySchema":[{{"AttributeName":"id","KeyType":"HASH"}}]}}"#
    );
    std::fs::write(folder.join(format!("{name}.json")), definition).unwrap();
    std::fs::write(folder.join(format!("{name}.jsonl")), items.join("\n")).unwrap();
}

fn target(path: &str) -> DynamoDbTarget {
    DynamoDbTarget::builder().path(path).build()
}

fn tables(paths: &[&str]) -> CrawlerTargets {
    CrawlerTargets::builder().set_dynamo_db_targets(Some(paths.iter().copied().map(target).collect())).build()
}

/// `name: type` of every column.
fn columns(table: &Table) -> Vec<String> {
    let columns = table.storage_descriptor().unwrap().columns();
    columns.iter().map(|column| format!("{}: {}", column.name(), column.r#type().unwrap_or_default())).collect()
}

fn parameter<'a>(table: &'a Table, name: &str) -> Option<&'a str> {
    table.parameters()?.get(name).map(String::as_str)
}

const ORDER: &str = r#"{"id":{"S":"1"},"total":{"N":"1.5"},"lines":{"L":[{"M":{"sku":{"S":"a"},"n":{"N":"2"}}}]}}"#;
const USER: &str = r#"{"id":{"S":"1"},"name":{"S":"x"}}"#;

#[tokio::test]
async fn a_started_crawler_catalogues_its_table() {
    let world = World::new(&[("My-Orders", &[ORDER])]).await;
    world.crawler(tables(&["My-Orders"])).await;
    let crawler = world.crawl().await;
    let last = crawler.last_crawl.unwrap();
    assert_eq!((last.status(), last.error_message()), (Some(&LastCrawlStatus::Succeeded), None));
    assert_eq!((last.log_group(), last.log_stream()), (Some("/aws-glue/crawlers"), Some("c")));

    let table = world.table("my_orders").await;
    let mut found = columns(&table);
    assert!(!found.is_sorted(), "neither in order nor the key first: {found:?}");
    found.sort();
    assert_eq!(found, ["id: string", "lines: array<struct<n:bigint,sku:string>>", "total: double"]);
    let arn = format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/My-Orders");
    assert_eq!(table.storage_descriptor().unwrap().location(), Some(arn.as_str()));
    assert_eq!(parameter(&table, "UPDATED_BY_CRAWLER"), Some("c"));
    assert_eq!(table.created_by(), Some("arn:aws:sts::123456789012:assumed-role/reader/AWS-Crawler"));
    let mut known: Vec<&str> = table.parameters().unwrap().keys().map(String::as_str).collect();
    known.sort_unstable();
    insta::assert_snapshot!(known.join(" "), @"CrawlerSchemaDeserializerVersion CrawlerSchemaSerializerVersion UPDATED_BY_CRAWLER averageRecordSize classification recordCount sizeKey typeOfData");
    assert_eq!(table.parameters(), table.storage_descriptor().unwrap().parameters(), "the same map twice");

    let crawls = world.glue.list_crawls().crawler_name("c").send().await.unwrap().crawls.unwrap();
    assert_eq!(crawls[0].state(), Some(&CrawlerHistoryState::Completed));
    assert_eq!(crawls[0].crawl_id(), last.message_prefix());
    assert_eq!(crawls[0].summary(), Some(r#"{"TABLE":{"ADD":{"Count":1,"Details":{"names":["my_orders"]}}}}"#));
    let metrics = world.glue.get_crawler_metrics().crawler_name_list("c").send().await.unwrap();
    assert_eq!(metrics.crawler_metrics_list()[0].tables_created(), 1);
}

#[tokio::test]
async fn a_second_crawl_changes_what_changed_and_nothing_else() {
    let world = World::new(&[("Orders", &[ORDER])]).await;
    world.crawler(tables(&["Orders"])).await;
    world.crawled().await;
    world.crawled().await;
    assert_eq!(world.table("orders").await.version_id(), Some("0"), "nothing changed, nothing was written");

    world.put("Orders", &[ORDER, r#"{"id":{"S":"2"},"paid":{"BOOL":true}}"#]);
    world.crawled().await;
    let table = world.table("orders").await;
    assert!(columns(&table).contains(&"paid: boolean".to_owned()), "{:?}", columns(&table));
    assert_eq!(table.version_id(), Some("1"));
    let metrics = world.glue.get_crawler_metrics().crawler_name_list("c").send().await.unwrap();
    let metrics = &metrics.crawler_metrics_list()[0];
    assert_eq!((metrics.tables_created(), metrics.tables_updated()), (0, 1));
}

#[tokio::test]
async fn the_policy_says_what_becomes_of_changed_and_vanished_tables() {
    for (delete, left) in [
        (DeleteBehavior::Log, Some(false)),
        (DeleteBehavior::DeprecateInDatabase, Some(true)),
        (DeleteBehavior::DeleteFromDatabase, None),
    ] {
        let world = World::new(&[("Orders", &[ORDER]), ("Users", &[USER])]).await;
        let policy =
            SchemaChangePolicy::builder().update_behavior(UpdateBehavior::Log).delete_behavior(delete.clone()).build();
        let create = world.glue.create_crawler().name("c").role("reader").database_name("db");
        create.targets(tables(&["Orders", "Users"])).schema_change_policy(policy).send().await.unwrap();
        world.crawled().await;
        world.put("Users", &[r#"{"id":{"S":"1"},"age":{"N":"7"}}"#]);
        world.drop_table("Orders");
        world.crawled().await;
        let mut users = columns(&world.table("users").await);
        users.sort();
        assert_eq!(users, ["id: string", "name: string"], "changes are only logged");
        let deprecated = match world.names().await.contains(&"orders".to_owned()) {
            false => None,
            true => Some(parameter(&world.table("orders").await, "DEPRECATED_BY_CRAWLER").is_some()),
        };
        assert_eq!(deprecated, left, "{delete:?}");
    }
}

#[tokio::test]
async fn names_get_the_prefix_and_never_collide() {
    let world = World::new(&[("Alpha", &[USER]), ("a-b", &[USER]), ("a_b", &[ORDER])]).await;
    world.crawler(tables(&["a-b", "a_b"])).await;
    world.crawled().await;
    let names = world.names().await;
    assert_eq!(names.len(), 2, "{names:?}");
    let location = world.table("a_b").await.storage_descriptor.unwrap().location.unwrap();
    assert!(location.ends_with(":table/a_b"), "{location}");

    // A prefix is for new names; those once given stay.
    world.glue.update_crawler().name("c").targets(tables(&["Alpha", "a-b"])).table_prefix("raw_").send().await.unwrap();
    world.crawled().await;
    assert_eq!(world.names().await, [names, vec!["raw_alpha".to_owned()]].concat());
}

#[tokio::test]
async fn a_role_that_may_not_read_the_table_fails_the_crawl() {
    let world = World::new(&[("Orders", &[ORDER])]).await;
    world.role("describer", &["dynamodb:DescribeTable"]).await;
    let create = world.glue.create_crawler().name("c").role("describer").database_name("db");
    create.targets(tables(&["Orders"])).send().await.unwrap();
    let why = world.failed().await;
    insta::assert_snapshot!(why, @"dynamodb:Scan: AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/describer/AWS-Crawler is not authorized to perform: dynamodb:Scan on resource: arn:aws:dynamodb:eu-west-1:123456789012:table/Orders because no identity-based policy allows the dynamodb:Scan action");
    assert_eq!(world.names().await, [""; 0]);
}

#[tokio::test]
async fn a_role_is_needed_when_a_crawler_is_made_and_when_it_runs() {
    let world = World::new(&[("Orders", &[ORDER])]).await;
    let create = world.glue.create_crawler().name("c").role("nobody").database_name("db");
    let error = create.targets(tables(&["Orders"])).send().await.unwrap_err().into_service_error();
    assert!(error.is_invalid_input_exception());

    world.crawler(tables(&["Orders"])).await;
    let iam = world.endpoint.iam(REGION, Attempts::One);
    iam.delete_role_policy().role_name("reader").policy_name("p").send().await.unwrap();
    iam.delete_role().role_name("reader").send().await.unwrap();
    assert!(world.failed().await.starts_with("Service is unable to assume provided role"));
}

#[tokio::test]
async fn a_target_that_fails_does_not_stop_the_others() {
    let world = World::new(&[("Orders", &[ORDER])]).await;
    let s3 = S3Target::builder().path("s3://bucket/").build();
    let targets = CrawlerTargets::builder().s3_targets(s3);
    world.crawler(targets.dynamo_db_targets(target("Missing")).dynamo_db_targets(target("Orders")).build()).await;
    insta::assert_snapshot!(world.failed().await, @"S3Targets can't be crawled by this endpoint: it crawls DynamoDB tables only.; DynamoDB table Missing not found in eu-west-1. Check the Path.");
    assert_eq!(world.names().await, ["orders"]);
}

#[tokio::test]
async fn a_catalog_target_is_crawled_from_the_table_behind_it() {
    let world = World::new(&[("Orders", &[ORDER])]).await;
    world.crawler(tables(&["Orders"])).await;
    world.crawled().await;
    world.put("Orders", &[USER]);
    let target = CatalogTarget::builder().database_name("db").tables("orders").build().unwrap();
    let targets = CrawlerTargets::builder().catalog_targets(target).build();
    let policy = SchemaChangePolicy::builder().delete_behavior(DeleteBehavior::Log).build();
    world.glue.update_crawler().name("c").targets(targets).schema_change_policy(policy).send().await.unwrap();
    world.crawled().await;
    assert!(columns(&world.table("orders").await).contains(&"name: string".to_owned()));
}

#[tokio::test]
async fn a_stopped_crawl_ends_at_once() {
    let world = World::new(&[("Orders", &[ORDER])]).await;
    world.crawler(tables(&["Orders"])).await;
    let slow = Fault::Delay(Duration::from_secs(60));
    world.endpoint.server.faults().add(Rule::new("DynamoDB.Scan", Calls::Every, slow));
    world.glue.start_crawler().name("c").send().await.unwrap();
    let error = world.glue.start_crawler().name("c").send().await.unwrap_err().into_service_error();
    assert!(error.is_crawler_running_exception());
    while !world.endpoint.server.calls().contains_key("DynamoDB.Scan") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.glue.stop_crawler().name("c").send().await.unwrap();
    let last = world.until_ready().await.last_crawl.unwrap();
    assert_eq!(last.status(), Some(&LastCrawlStatus::Cancelled));
    let crawls = world.glue.list_crawls().crawler_name("c").send().await.unwrap().crawls.unwrap();
    assert_eq!(crawls[0].state(), Some(&CrawlerHistoryState::Stopped));
    assert_eq!(world.names().await, [""; 0]);
    let error = world.glue.stop_crawler().name("c").send().await.unwrap_err().into_service_error();
    assert!(error.is_crawler_not_running_exception());
}

#[tokio::test]
async fn a_crawl_does_not_outlive_its_server_nor_stay_running() {
    let (folder, state) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    write(folder.path(), "Orders", &[ORDER]);
    let config = || Config {
        source: Source::Files(folder.path().to_owned()),
        state: Some(state.path().to_owned()),
        ..Config::default()
    };
    let start = || async {
        let endpoint = Endpoint::start(config()).await;
        let glue = endpoint.glue(REGION, Attempts::One);
        World { folder: TempDir::new().unwrap(), endpoint, glue }
    };
    let world = start().await;
    world.role("reader", &["dynamodb:*"]).await;
    let database = DatabaseInput::builder().name("db").build().unwrap();
    world.glue.create_database().database_input(database).send().await.unwrap();
    world.crawler(tables(&["Orders"])).await;
    let slow = Fault::Delay(Duration::from_secs(60));
    world.endpoint.server.faults().add(Rule::new("DynamoDB.Scan", Calls::Every, slow));
    world.glue.start_crawler().name("c").send().await.unwrap();
    let World { endpoint, .. } = world;
    endpoint.server.stop().await;

    let world = start().await;
    let last = world.until_ready().await.last_crawl.unwrap();
    assert_eq!(last.status(), Some(&LastCrawlStatus::Failed));
    // Recorded by the endpoint that stopped, not by the next one.
    assert_eq!(last.error_message(), Some("Internal Service Exception: the crawl was given up."));
    world.crawled().await;
    assert_eq!(world.names().await, ["orders"]);
}

#[tokio::test]
async fn endpoints_that_share_a_state_leave_each_other_s_crawls_alone() {
    let (folder, state) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    write(folder.path(), "Orders", &[ORDER]);
    let start = || async {
        let source = Source::Files(folder.path().to_owned());
        let config = Config { source, state: Some(state.path().to_owned()), ..Config::default() };
        let endpoint = Endpoint::start(config).await;
        let glue = endpoint.glue(REGION, Attempts::One);
        World { folder: TempDir::new().unwrap(), endpoint, glue }
    };
    let first = start().await;
    first.role("reader", &["dynamodb:*"]).await;
    let database = DatabaseInput::builder().name("db").build().unwrap();
    first.glue.create_database().database_input(database).send().await.unwrap();
    first.crawler(tables(&["Orders"])).await;
    let slow = Fault::Delay(Duration::from_secs(60));
    first.endpoint.server.faults().add(Rule::new("DynamoDB.Scan", Calls::Every, slow));
    first.glue.start_crawler().name("c").send().await.unwrap();

    let second = start().await;
    let error = second.glue.start_crawler().name("c").send().await.unwrap_err().into_service_error();
    assert!(error.is_crawler_running_exception(), "{error}");
    second.glue.stop_crawler().name("c").send().await.unwrap();
    let crawler = second.until_ready().await;
    assert_eq!(crawler.last_crawl.unwrap().status(), Some(&LastCrawlStatus::Cancelled));

    second.crawled().await;
    assert_eq!(first.names().await, ["orders"]);
    first.endpoint.server.stop().await;
    second.crawled().await;
}

#[tokio::test]
async fn many_crawlers_run_side_by_side() {
    let items = [USER];
    let names: Vec<String> = (0..40).map(|n| format!("Table{n}")).collect();
    let rows: Vec<(&str, &[&str])> = names.iter().map(|name| (name.as_str(), &items[..])).collect();
    let world = World::new(&rows).await;
    for name in &names {
        let create = world.glue.create_crawler().name(name).role("reader").database_name("db").tags("k", "v");
        create.targets(tables(&[name])).send().await.unwrap();
    }
    for name in &names {
        world.glue.start_crawler().name(name).send().await.unwrap();
    }
    let crawlers = loop {
        let crawlers = world.glue.get_crawlers().max_results(1_000).send().await.unwrap().crawlers.unwrap();
        if crawlers.iter().all(|crawler| crawler.state() == Some(&CrawlerState::Ready)) {
            break crawlers;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    let failures: Vec<_> = crawlers.iter().filter_map(|crawler| crawler.last_crawl()?.error_message()).collect();
    assert_eq!(failures, [""; 0]);
    assert_eq!(world.names().await.len(), 40);
    let listed = world.glue.list_crawlers().tags("k", "v").max_results(1_000).send().await.unwrap();
    assert_eq!(listed.crawler_names().len(), 40);
}

/// What people and the link step wrote between two crawls that found the same: under each switch, what the second leaves.
#[tokio::test]
async fn a_crawl_leaves_of_others_what_the_switches_say() {
    for (asked, rewritten, parameters, comments) in [
        ("crawl-rewrites=yes", true, false, false),
        ("crawl-rewrites=no", false, true, true),
        ("crawl-keeps-parameters=yes", true, true, false),
        ("crawl-keeps-comments=yes", true, false, true),
    ] {
        let world = World::with(asked, &[("Orders", &[r#"{"id":{"S":"1"},"tags":{"SS":["a"]}}"#])]).await;
        world.crawler(tables(&["Orders"])).await;
        world.crawled().await;
        let table = world.table("orders").await;
        let mut descriptor = table.storage_descriptor.clone().unwrap();
        for column in descriptor.columns.iter_mut().flatten() {
            column.comment = Some("by hand".into());
            column.r#type = column.r#type.as_ref().map(|kind| kind.replace("set<", "array<"));
        }
        let input = TableInput::builder().name("orders").set_parameters(table.parameters.clone());
        let input = input.parameters("team", "shop").storage_descriptor(descriptor).build().unwrap();
        world.glue.update_table().database_name("db").table_input(input).send().await.unwrap();
        world.crawled().await;

        let table = world.table("orders").await;
        let has_set = columns(&table).contains(&"tags: set<string>".to_owned());
        assert_eq!(has_set, rewritten, "{asked}: {:?}", columns(&table));
        assert_eq!(parameter(&table, "team").is_some(), parameters, "{asked}");
        let comment = table.storage_descriptor().unwrap().columns()[0].comment().unwrap_or_default();
        assert_eq!(comment == "by hand", comments, "{asked}");
    }
}
