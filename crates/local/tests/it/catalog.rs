//! The Data Catalog through the AWS SDK.

use aws_sdk_glue::Client;
use aws_sdk_glue::error::ProvideErrorMetadata;
use aws_sdk_glue::primitives::DateTime;
use aws_sdk_glue::types::{Column, DatabaseInput, PropertyPredicate, StorageDescriptor, TableInput};
use local::Config;
use testkit::REGION;

use crate::support::{Attempts, Endpoint, NOW};

fn client(endpoint: &Endpoint) -> Client {
    endpoint.glue(REGION, Attempts::One)
}

fn table(name: &str, columns: &[(&str, &str)]) -> TableInput {
    let column = |(name, kind): &(&str, &str)| Column::builder().name(*name).r#type(*kind).build().unwrap();
    let descriptor = StorageDescriptor::builder().set_columns(Some(columns.iter().map(column).collect()));
    let descriptor = descriptor.location(format!("arn:aws:dynamodb:{REGION}:123456789012:table/{name}")).build();
    TableInput::builder()
        .name(name)
        .parameters("classification", "dynamodb")
        .storage_descriptor(descriptor)
        .build()
        .unwrap()
}

async fn with_database(endpoint: &Endpoint) -> Client {
    let client = client(endpoint);
    let input = DatabaseInput::builder().name("db").location_uri("dynamo-db-flag").build().unwrap();
    client.create_database().database_input(input).send().await.unwrap();
    client
}

#[tokio::test]
async fn a_database_and_its_table_come_back_as_types_of_the_sdk() {
    let endpoint = Endpoint::empty().await;
    let client = with_database(&endpoint).await;
    let now = DateTime::from_millis(NOW);

    let database = client.get_database().name("DB").send().await.unwrap().database.unwrap();
    assert_eq!((database.name(), database.location_uri()), ("db", Some("dynamo-db-flag")));
    assert_eq!((database.create_time(), database.catalog_id()), (Some(&now), Some("123456789012")));

    let input = table("Orders", &[("id", "string"), ("lines", "array<struct<sku:string,n:bigint>>")]);
    client.create_table().database_name("db").table_input(input).send().await.unwrap();
    let table = client.get_table().database_name("db").name("orders").send().await.unwrap().table.unwrap();
    assert_eq!((table.name(), table.version_id()), ("orders", Some("0")));
    assert_eq!((table.create_time(), table.update_time()), (Some(&now), Some(&now)));
    assert_eq!(table.parameters().unwrap()["classification"], "dynamodb");
    let columns = table.storage_descriptor().unwrap().columns();
    assert_eq!(columns[1].r#type(), Some("array<struct<sku:string,n:bigint>>"));
}

#[tokio::test]
async fn exceptions_are_those_of_the_sdk() {
    let endpoint = Endpoint::empty().await;
    let client = with_database(&endpoint).await;
    let error = client.get_database().name("no").send().await.unwrap_err().into_service_error();
    assert!(error.is_entity_not_found_exception());
    assert_eq!(error.message(), Some("Database no not found."));

    let create = || client.create_table().database_name("db");
    create().table_input(table("t", &[("id", "string")])).send().await.unwrap();
    let error = create().table_input(table("T", &[])).send().await.unwrap_err().into_service_error();
    assert!(error.is_already_exists_exception());
    let error = create().table_input(table("u", &[("c", "nonsense<")])).send().await.unwrap_err().into_service_error();
    assert!(error.is_invalid_input_exception());
    let error = create().table_input(table("u", &[(&"c".repeat(256), "string")])).send().await.unwrap_err();
    assert_eq!(error.code(), Some("ValidationException"));

    let update = client.update_table().database_name("db").table_input(table("t", &[])).version_id("7");
    let error = update.send().await.unwrap_err().into_service_error();
    assert!(error.is_concurrent_modification_exception());
    assert_eq!(error.message(), Some("Update table failed due to concurrent modifications."));
}

#[tokio::test]
async fn paginators_follow_every_page() {
    let endpoint = Endpoint::empty().await;
    let client = with_database(&endpoint).await;
    for n in 0..205 {
        let input = table(&format!("t{n:03}"), &[("id", "string")]);
        client.create_table().database_name("db").table_input(input).send().await.unwrap();
    }
    let mut pages = client.get_tables().database_name("db").into_paginator().send();
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await {
        sizes.push(page.unwrap().table_list().len());
    }
    assert_eq!(sizes, [100, 100, 5]);

    for _ in 0..4 {
        client.update_table().database_name("db").table_input(table("t000", &[])).send().await.unwrap();
    }
    let versions = client.get_table_versions().database_name("db").table_name("t000").max_results(2);
    let pages: Result<Vec<_>, _> = versions.into_paginator().send().collect().await;
    let versions = pages.unwrap().into_iter().flat_map(|page| page.table_versions.unwrap());
    let ids: Vec<_> = versions.filter_map(|version| version.version_id).collect();
    assert_eq!(ids, ["4", "3", "2", "1", "0"]);
}

#[tokio::test]
async fn a_search_goes_over_all_databases() {
    let endpoint = Endpoint::empty().await;
    let client = with_database(&endpoint).await;
    let input = DatabaseInput::builder().name("other").build().unwrap();
    client.create_database().database_input(input).send().await.unwrap();
    for (database, name) in [("db", "orders"), ("other", "old_orders"), ("other", "users")] {
        client.create_table().database_name(database).table_input(table(name, &[])).send().await.unwrap();
    }
    let found = client.search_tables().search_text("orders").send().await.unwrap();
    let found: Vec<_> = found.table_list().iter().map(|table| (table.database_name(), table.name())).collect();
    assert_eq!(found, [(Some("db"), "orders"), (Some("other"), "old_orders")]);
    let filter = PropertyPredicate::builder().key("DatabaseName").value("other").build();
    assert_eq!(client.search_tables().filters(filter).send().await.unwrap().table_list().len(), 2);
}

#[tokio::test]
async fn the_catalog_outlives_the_process() {
    let state = tempfile::tempdir().unwrap();
    let config = || Config { state: Some(state.path().to_owned()), ..Config::default() };
    let endpoint = Endpoint::start(config()).await;
    let client = with_database(&endpoint).await;
    client.create_table().database_name("db").table_input(table("t", &[("id", "string")])).send().await.unwrap();
    endpoint.server.stop().await;

    let endpoint = Endpoint::start(config()).await;
    let client = self::client(&endpoint);
    let found = client.get_table().database_name("db").name("t").send().await.unwrap().table.unwrap();
    assert_eq!(found.storage_descriptor().unwrap().columns().len(), 1);
}

#[tokio::test]
async fn the_region_of_the_signature_chooses_the_catalog() {
    let endpoint = Endpoint::empty().await;
    with_database(&endpoint).await;
    let elsewhere = endpoint.glue("us-west-2", Attempts::One);
    assert_eq!(elsewhere.get_databases().send().await.unwrap().database_list().len(), 0);
    let error = elsewhere.get_database().name("db").send().await.unwrap_err().into_service_error();
    assert!(error.is_entity_not_found_exception());
}

#[tokio::test]
async fn writers_that_lock_by_version_lose_no_update() {
    let endpoint = Endpoint::empty().await;
    let client = with_database(&endpoint).await;
    client.create_table().database_name("db").table_input(table("t", &[])).send().await.unwrap();
    let writer = |client: Client| async move {
        for _ in 0..5 {
            loop {
                let now = client.get_table().database_name("db").name("t").send().await.unwrap().table.unwrap();
                let count: u32 = now.description().unwrap_or("0").parse().unwrap();
                let mut input = table("t", &[]);
                input.description = Some((count + 1).to_string());
                let update = client.update_table().database_name("db").table_input(input);
                match update.set_version_id(now.version_id).send().await {
                    Ok(_) => break,
                    Err(error) => assert!(error.into_service_error().is_concurrent_modification_exception()),
                }
            }
        }
    };
    let writers: Vec<_> = (0..4).map(|_| tokio::spawn(writer(client.clone()))).collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let table = client.get_table().database_name("db").name("t").send().await.unwrap().table.unwrap();
    assert_eq!((table.description(), table.version_id()), (Some("20"), Some("20")));
}
