//! State files as releases have written them.

use aws_sdk_glue::types::{CrawlerState, LastCrawlStatus, SchemaId, SchemaVersionNumber, SchemaVersionStatus};
use local::Config;
use rusqlite::Connection;

use super::support::{Attempts, Endpoint};

#[tokio::test]
async fn a_state_in_format_3_is_read() {
    let state = tempfile::tempdir().unwrap();
    let file = Connection::open(state.path().join("endpoint.sqlite")).unwrap();
    file.execute_batch(include_str!("../formats/v3/endpoint.sql")).unwrap();
    drop(file);

    let endpoint = Endpoint::start(Config { state: Some(state.path().to_owned()), ..Config::default() }).await;
    let glue = endpoint.glue("us-east-1", Attempts::One);
    let table = glue.get_table().database_name("ddb_tables").name("orders").send().await.unwrap().table.unwrap();
    assert_eq!(table.storage_descriptor().unwrap().columns().len(), 12);
    assert_eq!(table.parameters().unwrap()["sourceTable"], "orders");

    let crawler = glue.get_crawler().name("orders_crawler").send().await.unwrap().crawler.unwrap();
    assert_eq!(crawler.state(), Some(&CrawlerState::Ready));
    assert_eq!(crawler.last_crawl().unwrap().status(), Some(&LastCrawlStatus::Succeeded));
    let tags = glue.get_tags().resource_arn("arn:aws:glue:us-east-1:123456789012:crawler/orders_crawler");
    assert_eq!(tags.send().await.unwrap().tags().unwrap()["managed-by"], "glue-ddb-crawler");

    let id = SchemaId::builder().registry_name("glue-ddb-crawler").schema_name("ddb_tables.orders").build();
    let latest = SchemaVersionNumber::builder().latest_version(true).build();
    let version = glue.get_schema_version().schema_id(id).schema_version_number(latest).send().await.unwrap();
    assert_eq!((version.version_number(), version.status()), (Some(1), Some(&SchemaVersionStatus::Available)));

    let iam = endpoint.iam("us-east-1", Attempts::One);
    let role = iam.get_role().role_name("orders_crawler_us-east-1").send().await.unwrap().role.unwrap();
    assert_eq!(role.path(), "/glue-ddb-crawler/");
}
