//! The Schema Registry through the AWS SDK.

use aws_sdk_glue::Client;
use aws_sdk_glue::types::{
    Compatibility, DataFormat, DatabaseInput, MetadataKeyValuePair, SchemaId, SchemaReference, SchemaVersionNumber,
    SchemaVersionStatus, StorageDescriptor, TableInput,
};

use crate::support::{Attempts, Endpoint};

const ONE: &str = r#"{"type":"record","name":"r","fields":[{"name":"a","type":["null","long"],"default":null}]}"#;
const TWO: &str = r#"{"type":"record","name":"r","fields":[{"name":"a","type":["null","long"],"default":null},{"name":"b","type":["null","string"],"default":null}]}"#;
const CLASH: &str = r#"{"type":"record","name":"r","fields":[{"name":"a","type":["null","string"],"default":null}]}"#;

fn id() -> SchemaId {
    SchemaId::builder().registry_name("default-registry").schema_name("s").build()
}

/// The schema `s` with the version [`ONE`]; the version's id.
async fn with_schema(endpoint: &Endpoint) -> (Client, String) {
    let client = endpoint.glue("eu-west-1", Attempts::One);
    let created = client
        .create_schema()
        .schema_name("s")
        .data_format(DataFormat::Avro)
        .compatibility(Compatibility::Backward)
        .schema_definition(ONE)
        .send()
        .await
        .unwrap();
    assert_eq!((created.schema_checkpoint(), created.latest_schema_version()), (Some(1), Some(1)));
    (client, created.schema_version_id.unwrap())
}

async fn register(client: &Client, definition: &str) -> (String, SchemaVersionStatus) {
    let version = client.register_schema_version().schema_id(id()).schema_definition(definition).send().await.unwrap();
    (version.schema_version_id.unwrap(), version.status.unwrap())
}

async fn status(client: &Client, id: &str) -> SchemaVersionStatus {
    client.get_schema_version().schema_version_id(id).send().await.unwrap().status.unwrap()
}

#[tokio::test]
async fn a_version_is_registered_polled_and_found_again() {
    let endpoint = Endpoint::empty().await;
    let (client, first) = with_schema(&endpoint).await;
    assert_eq!(register(&client, ONE).await, (first, SchemaVersionStatus::Available));

    let (second, pending) = register(&client, TWO).await;
    assert_eq!(pending, SchemaVersionStatus::Pending);
    assert_eq!(status(&client, &second).await, SchemaVersionStatus::Available);
    let latest = SchemaVersionNumber::builder().latest_version(true).build();
    let latest = client.get_schema_version().schema_id(id()).schema_version_number(latest).send().await.unwrap();
    assert_eq!(latest.schema_version_id(), Some(second.as_str()));
    assert_eq!((latest.schema_definition(), latest.version_number()), (Some(TWO), Some(2)));
    let found = client.get_schema_by_definition().schema_id(id()).schema_definition(TWO).send().await.unwrap();
    assert_eq!(found.schema_version_id(), Some(second.as_str()));
}

#[tokio::test]
async fn an_incompatible_version_fails() {
    let endpoint = Endpoint::empty().await;
    let (client, _) = with_schema(&endpoint).await;
    let (clash, pending) = register(&client, CLASH).await;
    assert_eq!(pending, SchemaVersionStatus::Pending);
    assert_eq!(status(&client, &clash).await, SchemaVersionStatus::Failure);
    let schema = client.get_schema().schema_id(id()).send().await.unwrap();
    assert_eq!((schema.latest_schema_version(), schema.next_schema_version()), (Some(1), Some(3)));
    let versions = client.list_schema_versions().schema_id(id()).send().await.unwrap();
    let statuses: Vec<_> = versions.schemas().iter().filter_map(|version| version.status().cloned()).collect();
    assert_eq!(statuses, [SchemaVersionStatus::Failure, SchemaVersionStatus::Available]);
}

#[tokio::test]
async fn exceptions_are_those_of_the_sdk() {
    let endpoint = Endpoint::empty().await;
    let (client, _) = with_schema(&endpoint).await;
    let again = client.create_schema().schema_name("s").data_format(DataFormat::Avro).schema_definition(ONE);
    assert!(again.send().await.unwrap_err().into_service_error().is_already_exists_exception());
    let missing = SchemaId::builder().registry_name("no").schema_name("no").build();
    let missing = client.get_schema().schema_id(missing).send().await.unwrap_err();
    assert!(missing.into_service_error().is_entity_not_found_exception());
    let broken = client.register_schema_version().schema_id(id()).schema_definition("{").send().await.unwrap_err();
    assert!(broken.into_service_error().is_invalid_input_exception());
}

#[tokio::test]
async fn a_table_shows_the_columns_of_the_version_it_is_linked_to() {
    let endpoint = Endpoint::empty().await;
    let (client, first) = with_schema(&endpoint).await;
    let database = DatabaseInput::builder().name("db").build().unwrap();
    client.create_database().database_input(database).send().await.unwrap();
    let linked = |id: &str| {
        let reference = SchemaReference::builder().schema_version_id(id).build();
        let descriptor = StorageDescriptor::builder().schema_reference(reference).build();
        TableInput::builder().name("t").storage_descriptor(descriptor).build().unwrap()
    };
    client.create_table().database_name("db").table_input(linked(&first)).send().await.unwrap();
    let shown = || async {
        let table = client.get_table().database_name("db").name("t").send().await.unwrap().table.unwrap();
        let descriptor = table.storage_descriptor.unwrap();
        let columns: Vec<_> = descriptor.columns().iter().map(|column| column.name().to_owned()).collect();
        (descriptor.schema_reference.unwrap().schema_version_id.unwrap(), columns)
    };
    assert_eq!(shown().await, (first, vec!["a".to_owned()]));

    // Linking to a version before anyone asked for it: the link itself asks.
    let (second, _) = register(&client, TWO).await;
    client.update_table().database_name("db").table_input(linked(&second)).send().await.unwrap();
    assert_eq!(shown().await, (second, vec!["a".to_owned(), "b".to_owned()]));

    let (clash, _) = register(&client, CLASH).await;
    let refused = client.update_table().database_name("db").table_input(linked(&clash)).send().await.unwrap_err();
    assert!(refused.into_service_error().is_invalid_input_exception());
}

#[tokio::test]
async fn metadata_and_validity_come_back_as_types_of_the_sdk() {
    let endpoint = Endpoint::empty().await;
    let (client, first) = with_schema(&endpoint).await;
    let pair = MetadataKeyValuePair::builder().metadata_key("team").metadata_value("shop").build();
    client.put_schema_version_metadata().schema_version_id(&first).metadata_key_value(pair).send().await.unwrap();
    let found = client.query_schema_version_metadata().schema_version_id(&first).send().await.unwrap();
    assert_eq!(found.metadata_info_map().unwrap()["team"].metadata_value(), Some("shop"));

    let check = |definition: &str| {
        let check = client.check_schema_version_validity().data_format(DataFormat::Avro);
        check.schema_definition(definition).send()
    };
    assert!(check(ONE).await.unwrap().valid());
    let broken = check("{}").await.unwrap();
    assert!(!broken.valid() && broken.error().is_some());
}

#[tokio::test]
async fn registries_and_schemas_are_paged() {
    let endpoint = Endpoint::empty().await;
    let client = endpoint.glue("eu-west-1", Attempts::One);
    for n in 0..5 {
        client.create_schema().schema_name(format!("s{n}")).data_format(DataFormat::Avro).send().await.unwrap();
        client.create_registry().registry_name(format!("r{n}")).send().await.unwrap();
    }
    let schemas: Result<Vec<_>, _> =
        client.list_schemas().max_results(2).into_paginator().items().send().collect().await;
    let registries: Result<Vec<_>, _> =
        client.list_registries().max_results(2).into_paginator().items().send().collect().await;
    assert_eq!(schemas.unwrap().len(), 5);
    assert_eq!(registries.unwrap().len(), 6, "five, and the default one");
}
