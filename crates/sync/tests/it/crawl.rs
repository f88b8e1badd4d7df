//! The native crawl.

use crawl::options::{DeleteBehavior, Readers, UpdateBehavior};
use crawl::{Clients, Kind};
use local::faults::{Calls, Fault, Rule};
use sync::report::Outcome;
use sync::{Job, Settings};

use crate::support::{ACCOUNT, REGION, World, all_well, columns, parameter, row, session};

async fn crawl(world: &World, tables: &[&str]) -> Result<sync::Report, crawl::Error> {
    let clients = Clients::local(world.server.url(), REGION);
    let tables: Vec<String> = tables.iter().map(|table| (*table).to_owned()).collect();
    sync::run(&session(&clients, &Settings::default()), Job::Crawl(&tables)).await
}

#[tokio::test]
async fn named_tables_are_crawled_and_no_others() {
    let world = World::new(&[("tbla", &[r#"{"id":{"S":"1"}}"#]), ("tblb", &[])]).await;
    let report = all_well(crawl(&world, &["tbla"]).await.unwrap());
    assert_eq!(report.tables.len(), 1);
    assert_eq!(row(&report, "tbla").outcome, Outcome::Crawled);
    assert_eq!(world.tables().await.into_keys().collect::<Vec<_>>(), ["tbla"]);

    let missing = crawl(&world, &["tblb", "nope"]).await.unwrap_err();
    assert_eq!(missing.kind, Kind::NotFound);
    insta::assert_snapshot!(missing.message, @"no DynamoDB table nope in eu-west-1");
    assert_eq!(world.tables().await.into_keys().collect::<Vec<_>>(), ["tbla"], "nothing is done by halves");
}

#[tokio::test]
async fn names_are_stronger_than_include_and_exclude() {
    let world = World::new(&[("tbla", &[]), ("tblb", &[]), ("tblc", &[])]).await;
    let settings = Settings { include: vec!["tblc".into()], exclude: vec!["tbla".into()], ..Settings::default() };
    let report = sync::run(&session(&world.clients, &settings), Job::Crawl(&["tbla".to_owned()])).await;
    assert_eq!(row(&all_well(report.unwrap()), "tbla").outcome, Outcome::Crawled);
    assert_eq!(world.tables().await.into_keys().collect::<Vec<_>>(), ["tbla"]);
}

#[tokio::test]
async fn all_pages_of_a_large_table_are_read() {
    let items: Vec<String> = (0..4000)
        .map(|i| {
            format!(
                r#"{{"id":{{"S":"{i}"}},"text":{{"S":"{}"}},"only{}":{{"BOOL":true}}}}"#,
                "x".repeat(1000),
                i / 1000
            )
        })
        .collect();
    let items: Vec<&str> = items.iter().map(String::as_str).collect();
    let world = World::new(&[("big", &items)]).await;
    let report = all_well(crawl(&world, &["big"]).await.unwrap());
    assert_eq!(row(&report, "big").items, Some(4000));
    assert!(report.calls["dynamodb:Scan"] >= 4, "{:?}", report.calls);
    assert_eq!(columns(&world.table("big").await).len(), 6);
}

#[tokio::test]
async fn a_connection_lost_in_a_page_reads_the_page_once_more() {
    let items: Vec<String> =
        (0..2500).map(|i| format!(r#"{{"id":{{"S":"{i}"}},"t":{{"S":"{}"}}}}"#, "x".repeat(1000))).collect();
    let items: Vec<&str> = items.iter().map(String::as_str).collect();
    let world = World::new(&[("big", &items)]).await;
    world.server.faults().add(Rule::new("DynamoDB.Scan", Calls::Nth(2), Fault::Reset));
    world.server.faults().add(Rule::new("DynamoDB.Scan", Calls::Nth(4), Fault::Throttle));
    let report = all_well(crawl(&world, &["big"]).await.unwrap());
    assert_eq!(row(&report, "big").items, Some(2500), "each item counts once");
    assert_eq!(parameter(&world.table("big").await, "recordCount"), Some("2500"));
}

/// A catalog table that another made between our look and our CreateTable is not overwritten.
#[tokio::test]
async fn a_table_of_another_source_is_left_alone() {
    let world = World::new(&[("tbla", &[])]).await;
    all_well(crawl(&world, &["tbla"]).await.unwrap());
    let location = "arn:aws:dynamodb:us-west-2:123456789012:table/tbla";
    let descriptor = aws_sdk_glue::types::StorageDescriptor::builder().location(location).build();
    let input =
        aws_sdk_glue::types::TableInput::builder().name("other").storage_descriptor(descriptor).build().unwrap();
    world.clients.glue.create_table().database_name("ddb_tables").table_input(input).send().await.unwrap();
    let before = world.table("other").await;
    let request = crawl::CrawlRequest {
        table: "tbla".into(),
        account: ACCOUNT.into(),
        database: "ddb_tables".into(),
        catalog_table: "other".into(),
        crawled_by: "test".into(),
        read: Default::default(),
        history: crawl::HistoryUse::Merge,
        on_update: UpdateBehavior::UpdateInDatabase,
        on_delete: DeleteBehavior::DeprecateInDatabase,
        types: Default::default(),
        readers: Readers::Athena,
    };
    let unseen = Fault::Error { code: "EntityNotFoundException", message: "Table other not found.".into() };
    for look in ["seen", "unseen"] {
        if look == "unseen" {
            world.server.faults().add(Rule::new("Glue.GetTable", Calls::Nth(1), unseen.clone()));
        }
        let refused = crawl::crawl(&world.clients, &request, std::future::pending()).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Conflict, "{look}: {refused}");
    }
    assert_eq!(world.table("other").await, before);
}
