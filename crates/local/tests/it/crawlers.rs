//! Crawlers through the AWS SDK: they really crawl.

mod running;

use std::time::Duration;

use aws_sdk_glue::Client;
use aws_sdk_glue::types::{
    CatalogTarget, Crawler, CrawlerHistoryState, CrawlerState, CrawlerTargets, DatabaseInput, DeleteBehavior,
    DynamoDbTarget, LastCrawlInfo, LastCrawlStatus, S3Target, SchemaChangePolicy, Table, TableInput, UpdateBehavior,
};
use local::faults::{Calls, Fault, Rule};
use local::{Config, Source, Unknowns};
use tempfile::TempDir;
use testkit::{REGION, columns, crawl_ended, parameter, remove_table, write_table};

use crate::support::{ACCOUNT, Attempts, Endpoint};

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

    /// A world with one switch in the position `asked`.
    async fn with(asked: &str, tables: &[(&str, &[&str])]) -> World {
        World::start(Unknowns::default().with(&asked.parse().unwrap()), tables).await
    }

    async fn start(unknowns: Unknowns, tables: &[(&str, &[&str])]) -> World {
        let folder = TempDir::new().unwrap();
        for (name, items) in tables {
            write_table(folder.path(), name, items);
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
        write_table(self.folder.path(), name, items);
    }

    fn drop_table(&self, name: &str) {
        remove_table(self.folder.path(), name);
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

    /// Creates the crawler `c` with these targets.
    async fn crawler(&self, targets: CrawlerTargets) {
        let create = self.glue.create_crawler().name("c").role("reader").database_name("db").targets(targets);
        create.send().await.unwrap();
    }

    /// Starts the crawler `c` and returns it once it is READY again.
    async fn crawl(&self) -> Crawler {
        self.glue.start_crawler().name("c").send().await.unwrap();
        self.until_ready().await
    }

    async fn until_ready(&self) -> Crawler {
        crawl_ended(&self.glue, "c").await
    }

    /// Runs a crawl that must succeed.
    async fn crawled(&self) {
        let last = self.crawl().await.last_crawl.unwrap();
        assert_eq!(last.status(), Some(&LastCrawlStatus::Succeeded), "{:?}", last.error_message());
    }

    /// Runs a crawl that must fail, and returns why.
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

fn target(path: &str) -> DynamoDbTarget {
    DynamoDbTarget::builder().path(path).build()
}

fn tables(paths: &[&str]) -> CrawlerTargets {
    CrawlerTargets::builder().set_dynamo_db_targets(Some(paths.iter().copied().map(target).collect())).build()
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
