//! Registering schemas and linking tables.

use aws_sdk_glue::types::{Column, SchemaId, StorageDescriptor, Table, TableInput};
use crawler::report::{Action, Outcome};
use crawler::settings::Engine;
use crawler::{Report, Settings};
use local::faults::{Calls, Fault, Rule};

use crate::support::{ACCOUNT, World, all_well, columns, parameter, row};

async fn versions(world: &World, schema: &str) -> usize {
    let id = SchemaId::builder().registry_name("glue-ddb-crawler").schema_name(schema).build();
    world.clients.glue.list_schema_versions().schema_id(id).send().await.unwrap().schemas().len()
}

fn referred(table: &Table) -> bool {
    table.storage_descriptor().unwrap().schema_reference().is_some()
}

fn native() -> Settings {
    Settings { engine: Engine::Native, ..Settings::default() }
}

#[tokio::test]
async fn a_widened_schema_is_a_new_version_and_an_equal_one_is_not() {
    let world = World::new(&[("tblt", &[r#"{"id":{"S":"1"},"n":{"N":"1"}}"#])]).await;
    all_well(world.sync(&native()).await);
    let first = world.table("tblt").await;
    assert_eq!(columns(&first), ["id: string", "n: bigint"]);
    assert_eq!(parameter(&first, "schemaVersionNumber"), Some("1"));
    assert!(referred(&first));

    // More items of the same shape: statistics change, no version of table or schema does.
    world.put("tblt", &[r#"{"id":{"S":"1"},"n":{"N":"1"}}"#, r#"{"id":{"S":"2"},"n":{"N":"2"}}"#]);
    let report = all_well(world.sync(&native()).await);
    assert!(!row(&report, "tblt").actions.contains(&Action::UpdateTable));
    assert_eq!(parameter(&world.table("tblt").await, "recordCount"), Some("2"));
    assert_eq!(versions(&world, "ddb_tables.tblt").await, 1);

    world.put("tblt", &[r#"{"id":{"S":"1"},"n":{"N":"1.5"},"new":{"BOOL":true}}"#]);
    let report = all_well(world.sync(&native()).await);
    assert_eq!(
        row(&report, "tblt").actions,
        [Action::Crawl, Action::UpdateTable, Action::RegisterSchema, Action::LinkSchema]
    );
    let second = world.table("tblt").await;
    assert_eq!(columns(&second), ["id: string", "n: double", "new: boolean"]);
    assert_eq!(parameter(&second, "schemaVersionNumber"), Some("2"));
    assert_ne!(parameter(&first, "schemaVersionId"), parameter(&second, "schemaVersionId"));
    assert!(referred(&second));
}

#[tokio::test]
async fn a_vanished_attribute_stays_in_the_schema() {
    let forgetful = Settings { forget: true, ..native() };
    let world = World::new(&[("tblt", &[r#"{"id":{"S":"1"},"old":{"S":"x"}}"#])]).await;
    all_well(world.sync(&forgetful).await);
    world.put("tblt", &[r#"{"id":{"S":"1"},"new":{"S":"x"}}"#]);
    all_well(world.sync(&forgetful).await);
    let table = world.table("tblt").await;
    assert_eq!(columns(&table), ["id: string", "new: string"]);
    assert!(!referred(&table), "the schema has a field more than the table has columns");
    let version =
        world.clients.glue.get_schema_version().schema_version_id(parameter(&table, "schemaVersionId").unwrap());
    let definition = version.send().await.unwrap().schema_definition.unwrap();
    assert!(definition.contains(r#""name":"old""#) && definition.contains(r#""name":"new""#), "{definition}");
    assert_eq!(all_well(world.sync(&forgetful).await).summary.changed, 0);
}

#[tokio::test]
async fn a_refused_version_is_reported_and_the_old_link_kept() {
    let world = World::new(&[("tblt", &[r#"{"id":{"S":"1"},"n":{"N":"1"}}"#])]).await;
    let forward = Settings { compatibility: "FORWARD".into(), ..native() };
    all_well(world.sync(&forward).await);
    let before = world.table("tblt").await;
    // Readers of the old schema can't read a double as a long.
    world.put("tblt", &[r#"{"id":{"S":"1"},"n":{"N":"1.5"}}"#]);
    for _ in 0..2 {
        let report = world.sync(&forward).await;
        let failed = row(&report, "tblt");
        assert_eq!(failed.outcome, Outcome::Failed);
        assert!(failed.reason.as_ref().unwrap().contains("keeps its old link"), "{failed:?}");
        let after = world.table("tblt").await;
        assert_eq!(columns(&after)[1], "n: double", "the catalog is right all the same");
        assert_eq!(parameter(&after, "schemaVersionId"), parameter(&before, "schemaVersionId"));
    }
}

#[tokio::test]
async fn another_registry_in_the_settings_moves_the_link() {
    let world = World::new(&[("tblt", &[r#"{"id":{"S":"1"}}"#])]).await;
    all_well(world.sync(&native()).await);
    let first = world.table("tblt").await;
    let other = Settings { registry: "other".into(), ..native() };
    assert!(world.sync(&Settings { dry_run: true, ..other.clone() }).await.has_changes());
    let moved = all_well(world.sync(&other).await);
    assert_eq!(row(&moved, "tblt").actions, [Action::Crawl, Action::RegisterSchema, Action::LinkSchema]);
    let table = world.table("tblt").await;
    assert_eq!(parameter(&table, "schemaRegistryName"), Some("other"));
    assert_ne!(parameter(&table, "schemaVersionId"), parameter(&first, "schemaVersionId"));
    assert_eq!(all_well(world.sync(&other).await).summary.changed, 0);
}

#[tokio::test]
async fn a_dropped_reference_is_put_back() {
    let world = World::new(&[("tblt", &[r#"{"id":{"S":"1"}}"#])]).await;
    all_well(world.sync(&native()).await);
    let table = world.table("tblt").await;
    // As a crawler would leave it: own columns, no reference.
    let mut input = input_of(&table);
    input.storage_descriptor.as_mut().unwrap().schema_reference = None;
    update(&world, input).await;
    assert!(!referred(&world.table("tblt").await));
    let report = all_well(world.sync(&native()).await);
    assert_eq!(row(&report, "tblt").actions, [Action::Crawl, Action::LinkSchema]);
    assert!(referred(&world.table("tblt").await));
}

#[tokio::test]
async fn comments_stay_as_people_left_them() {
    let world = World::new(&[("tblt", &[r#"{"id":{"S":"1"},"n":{"N":"1"}}"#])]).await;
    all_well(world.sync(&native()).await);
    let mut input = input_of(&world.table("tblt").await);
    let descriptor = input.storage_descriptor.as_mut().unwrap();
    descriptor.schema_reference = None;
    descriptor.columns.as_mut().unwrap()[1].comment = Some("how many".into());
    update(&world, input).await;

    world.put("tblt", &[r#"{"id":{"S":"1"},"n":{"N":"1"},"b":{"BOOL":true}}"#]);
    all_well(world.sync(&native()).await);
    let table = world.table("tblt").await;
    let comment =
        |table: &Table, i: usize| table.storage_descriptor().unwrap().columns()[i].comment().map(str::to_owned);
    assert_eq!(columns(&table), ["id: string", "b: boolean", "n: bigint"]);
    assert_eq!(comment(&table, 2).as_deref(), Some("how many"));
    assert!(!referred(&table), "a reference would hide the comment");
    assert_eq!(all_well(world.sync(&native()).await).summary.changed, 0);
}

#[tokio::test]
async fn a_reference_that_shows_other_columns_is_taken_back() {
    let world = World::new(&[("tblt", &[r#"{"id":{"S":"1"},"n":{"N":"1"}}"#])]).await;
    // The second look at the table is the one at what the reference shows.
    let other = format!(
        r#"{{"Table":{{"Name":"tblt","DatabaseName":"ddb_tables","VersionId":"1","StorageDescriptor":{{
            "Location":"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/tblt","SchemaReference":{{"SchemaVersionId":"x"}},
            "Columns":[{{"Name":"id","Type":"string"}},{{"Name":"n","Type":"int"}}]}}}}}}"#
    );
    world.server.faults().add(Rule::new("Glue.GetTable", Calls::Nth(2), Fault::Answer(other)));
    all_well(world.sync(&native()).await);
    let table = world.table("tblt").await;
    assert_eq!(columns(&table), ["id: string", "n: bigint"]);
    assert!(!referred(&table));
    assert_eq!(parameter(&table, "schemaVersionNumber"), Some("1"));
    assert_eq!(all_well(world.sync(&native()).await).summary.changed, 0, "and left at that");
}

/// What AWS's own crawler writes, as far as that is known: names in lower case, sets, few parameters.
async fn as_aws_writes_it(world: &World) {
    all_well(world.sync(&Settings { no_start: true, ..Settings::default() }).await);
    let column = |name: &str, glue_type: &str| Column::builder().name(name).r#type(glue_type).build().unwrap();
    let input = TableInput::builder()
        .name("my_orders")
        .owner("owner")
        .table_type("EXTERNAL_TABLE")
        .storage_descriptor(
            StorageDescriptor::builder()
                .location(format!("arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/My-Orders"))
                .columns(column("tags", "set<string>"))
                .columns(column("userid", "string"))
                .columns(column("meta", "struct<>"))
                .columns(column("id", "string"))
                .parameters("classification", "dynamodb")
                .build(),
        )
        .parameters("classification", "dynamodb")
        .parameters("UPDATED_BY_CRAWLER", "My-Orders_crawler")
        .build()
        .unwrap();
    world.clients.glue.create_table().database_name("ddb_tables").table_input(input).send().await.unwrap();
}

#[tokio::test]
async fn what_a_managed_crawl_left_out_is_completed() {
    let items = &[r#"{"id":{"S":"1"},"userId":{"S":"u"},"tags":{"SS":["tbla"]},"meta":{"M":{}}}"#];
    let world = World::new(&[("My-Orders", items)]).await;
    as_aws_writes_it(&world).await;
    let link: Report = all_well(world.sync(&Settings { no_start: true, ..Settings::default() }).await);
    assert!(row(&link, "My-Orders").actions.contains(&Action::LinkSchema));

    let table = world.table("my_orders").await;
    assert_eq!(columns(&table), ["tags: array<string>", "userid: string", "meta: map<string,string>", "id: string"]);
    assert_eq!(parameter(&table, "sourceTable"), Some("My-Orders"));
    assert_eq!(parameter(&table, "columnMapping"), Some("userid=userId"));
    assert_eq!(parameter(&table, "hashKey"), Some("id"));
    assert_eq!(parameter(&table, "UPDATED_BY_CRAWLER"), Some("My-Orders_crawler"));
    assert!(referred(&table));
    let again = all_well(world.sync(&Settings { no_start: true, ..Settings::default() }).await);
    assert_eq!(again.summary.changed, 0);
}

fn input_of(table: &Table) -> TableInput {
    TableInput::builder()
        .name(table.name())
        .set_table_type(table.table_type.clone())
        .set_parameters(table.parameters.clone())
        .set_storage_descriptor(table.storage_descriptor.clone())
        .build()
        .unwrap()
}

async fn update(world: &World, input: TableInput) {
    world.clients.glue.update_table().database_name("ddb_tables").table_input(input).send().await.unwrap();
}
