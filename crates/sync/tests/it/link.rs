//! Registering schemas and linking tables.

use aws_sdk_glue::types::{Column, SchemaId, SchemaVersionNumber, StorageDescriptor, Table, TableInput};
use crawl::options::Readers;
use local::faults::{Calls, Fault, Rule};
use sync::report::{Action, Outcome};
use sync::settings::Engine;
use sync::{Report, Settings};

use crate::support::{
    ACCOUNT, World, WorldExt, all_well, column_parameter, columns, input_of, parameter, row, update_table,
};

async fn versions(world: &World, schema: &str) -> usize {
    let id = SchemaId::builder().registry_name("glue-ddb-crawler").schema_name(schema).build();
    world.clients.glue.list_schema_versions().schema_id(id).send().await.unwrap().schemas().len()
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

/// The link can be followed from both ends: the table names its version, and the version its table.
#[tokio::test]
async fn the_version_names_its_table() {
    let world = World::new(&[("My-Orders", &[r#"{"id":{"S":"1"}}"#])]).await;
    all_well(world.sync(&native()).await);
    world.put("My-Orders", &[r#"{"id":{"S":"1"},"n":{"N":"1"}}"#]);
    all_well(world.sync(&native()).await);
    for version in [1, 2] {
        let id = SchemaId::builder().registry_name("glue-ddb-crawler").schema_name("ddb_tables.my_orders").build();
        let number = SchemaVersionNumber::builder().version_number(version).build();
        let query = world.clients.glue.query_schema_version_metadata().schema_id(id).schema_version_number(number);
        let metadata = query.send().await.unwrap().metadata_info_map.unwrap();
        assert_eq!(metadata["glueTable"].metadata_value(), Some("ddb_tables.my_orders"), "version {version}");
    }
}

/// Ten pairs of people's leave no room for ours: the table is linked all the same.
#[tokio::test]
async fn a_version_that_can_not_name_its_table_is_linked_all_the_same() {
    let world = World::new(&[("tblt", &[r#"{"id":{"S":"1"}}"#])]).await;
    let full = Fault::Error { code: "ResourceNumberLimitExceededException", message: "10 a version".into() };
    world.server.faults().add(Rule::new("Glue.PutSchemaVersionMetadata", Calls::Every, full));
    all_well(world.sync(&native()).await);
    assert_eq!(parameter(&world.table("tblt").await, "schemaVersionNumber"), Some("1"));
}

#[tokio::test]
async fn comments_and_parameters_stay_as_people_left_them() {
    let world = World::new(&[("tblt", &[r#"{"id":{"S":"1"},"n":{"N":"1"}}"#])]).await;
    all_well(world.sync(&native()).await);
    let mut input = input_of(&world.table("tblt").await);
    let descriptor = input.storage_descriptor.as_mut().unwrap();
    let column = &mut descriptor.columns.as_mut().unwrap()[1];
    column.comment = Some("how many".into());
    column.parameters.as_mut().unwrap().insert("owner".into(), "sales".into());
    input.parameters.as_mut().unwrap().insert("team".into(), "sales".into());
    update_table(&world, input).await;

    world.put("tblt", &[r#"{"id":{"S":"1"},"n":{"N":"1"},"b":{"BOOL":true}}"#]);
    all_well(world.sync(&native()).await);
    let table = world.table("tblt").await;
    let comment =
        |table: &Table, i: usize| table.storage_descriptor().unwrap().columns()[i].comment().map(str::to_owned);
    assert_eq!(columns(&table), ["id: string", "b: boolean", "n: bigint"]);
    assert_eq!(comment(&table, 2).as_deref(), Some("how many"));
    assert_eq!(column_parameter(&table, "n", "owner"), Some("sales"));
    assert_eq!(column_parameter(&table, "n", "dynamodbTypes"), Some("N"));
    assert_eq!(parameter(&table, "team"), Some("sales"));
    assert_eq!(all_well(world.sync(&native()).await).summary.changed, 0);
}

/// What AWS's own crawler writes, as far as that is known: names in lower case, sets, few parameters, no order. It takes
/// away all else that the table had.
async fn as_aws_writes_it(world: &World) {
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
    match world.tables().await.is_empty() {
        false => update_table(world, input).await,
        true => {
            drop(world.clients.glue.create_table().database_name("ddb_tables").table_input(input).send().await.unwrap())
        }
    }
}

const MY_ORDERS: &[&str] = &[r#"{"id":{"S":"1"},"userId":{"S":"u"},"tags":{"SS":["tbla"]},"meta":{"M":{}}}"#];

/// Links what crawls left, and starts none.
fn linking() -> Settings {
    Settings { no_start: true, ..Settings::default() }
}

#[tokio::test]
async fn what_a_managed_crawl_left_out_is_completed() {
    let world = World::new(&[("My-Orders", MY_ORDERS)]).await;
    all_well(world.sync(&linking()).await);
    as_aws_writes_it(&world).await;
    let link: Report = all_well(world.sync(&linking()).await);
    assert!(row(&link, "My-Orders").actions.contains(&Action::LinkSchema));

    let table = world.table("my_orders").await;
    assert_eq!(columns(&table), ["id: string", "meta: map<string,string>", "tags: array<string>", "userid: string"]);
    assert_eq!(parameter(&table, "sourceTable"), Some("My-Orders"));
    assert_eq!(parameter(&table, "columnMapping"), Some("userid=userId"));
    assert_eq!(parameter(&table, "hashKey"), Some("id"));
    assert_eq!(parameter(&table, "dynamodb.table.name"), Some("My-Orders"));
    assert_eq!(parameter(&table, "dynamodb.column.mapping"), Some("id:id,meta:meta,tags:tags,userid:userId"));
    assert_eq!(parameter(&table, "UPDATED_BY_CRAWLER"), Some("My-Orders_crawler"));
    assert_eq!(column_parameter(&table, "userid", "attribute"), Some("userId"));
    assert_eq!(column_parameter(&table, "tags", "dynamodbTypes"), Some("SS"));
    assert_eq!(column_parameter(&table, "tags", "presence"), None, "a page of items tells nothing of that");
    assert!(table.storage_descriptor().unwrap().input_format().unwrap().ends_with("HiveDynamoDBInputFormat"));
    assert_eq!(all_well(world.sync(&linking()).await).summary.changed, 0);
}

/// A crawl every day that undoes what we added: the table is the same again, for one update, and its history has no version
/// of the state in between.
#[tokio::test]
async fn what_a_crawl_undoes_is_put_back_at_once() {
    let world = World::new(&[("My-Orders", MY_ORDERS)]).await;
    all_well(world.sync(&linking()).await);
    as_aws_writes_it(&world).await;
    all_well(world.sync(&linking()).await);
    let before = world.table("my_orders").await;

    as_aws_writes_it(&world).await;
    let again = all_well(world.sync(&linking()).await);
    assert_eq!(row(&again, "My-Orders").actions, [Action::LinkSchema]);
    for call in [
        "dynamodb:DescribeTable",
        "dynamodb:Scan",
        "glue:GetSchemaVersion",
        "glue:PutSchemaVersionMetadata",
        "glue:UpdateTable",
    ] {
        assert_eq!(again.calls.get(call), Some(&1), "{call}: {:?}", again.calls);
    }
    for call in ["glue:GetTable", "glue:CreateRegistry", "glue:RegisterSchemaVersion"] {
        assert_eq!(again.calls.get(call), None, "{call}");
    }
    let after = world.table("my_orders").await;
    assert_eq!(after.storage_descriptor(), before.storage_descriptor());
    assert_eq!(after.parameters(), before.parameters());
    let versions = world.clients.glue.get_table_versions().database_name("ddb_tables").table_name("my_orders");
    let versions = versions.send().await.unwrap().table_versions.unwrap();
    let complete = versions.iter().map(|version| parameter(version.table().unwrap(), "schemaVersionId").is_some());
    assert_eq!(complete.collect::<Vec<_>>(), [true, true], "the crawl's own update kept one, ours none");
}

/// What a page of items told of spelling stays known when the next page tells nothing of it.
#[tokio::test]
async fn a_spelling_that_was_learned_is_not_lost_with_the_items_that_told_it() {
    let world = World::new(&[("My-Orders", MY_ORDERS)]).await;
    all_well(world.sync(&linking()).await);
    as_aws_writes_it(&world).await;
    all_well(world.sync(&linking()).await);

    world.put("My-Orders", &[r#"{"id":{"S":"1"}}"#]);
    as_aws_writes_it(&world).await;
    all_well(world.sync(&linking()).await);
    assert_eq!(parameter(&world.table("my_orders").await, "columnMapping"), Some("userid=userId"));
    assert_eq!(versions(&world, "ddb_tables.my_orders").await, 1);
}

/// A crawl may leave our parameters alone and change the columns: what is new is completed too.
#[tokio::test]
async fn a_crawl_that_keeps_the_parameters_is_completed_as_well() {
    let world = World::new(&[("My-Orders", MY_ORDERS)]).await;
    all_well(world.sync(&linking()).await);
    as_aws_writes_it(&world).await;
    all_well(world.sync(&linking()).await);
    world.put("My-Orders", &[MY_ORDERS[0], r#"{"id":{"S":"2"},"shipTo":{"S":"x"}}"#]);
    let mut input = input_of(&world.table("my_orders").await);
    let added = Column::builder().name("shipto").r#type("string").build().unwrap();
    input.storage_descriptor.as_mut().unwrap().columns.as_mut().unwrap().insert(0, added);
    update_table(&world, input).await;

    all_well(world.sync(&linking()).await);
    let table = world.table("my_orders").await;
    assert_eq!(parameter(&table, "columnMapping"), Some("shipto=shipTo,userid=userId"));
    assert_eq!(parameter(&table, "schemaVersionNumber"), Some("2"));
    assert_eq!(all_well(world.sync(&linking()).await).summary.changed, 0);
}

/// The client of sosw knows sets and structs by the words that AWS's crawler writes: they stay.
#[tokio::test]
async fn types_stay_as_the_crawler_wrote_them_for_sosw() {
    let world = World::new(&[("My-Orders", MY_ORDERS)]).await;
    let sosw = Settings { readers: Readers::Sosw, ..linking() };
    all_well(world.sync(&sosw).await);
    as_aws_writes_it(&world).await;
    all_well(world.sync(&sosw).await);
    let table = world.table("my_orders").await;
    assert_eq!(columns(&table), ["id: string", "meta: struct<>", "tags: set<string>", "userid: string"]);
    assert_eq!(parameter(&table, "hashKey"), Some("id"));
    assert_eq!(all_well(world.sync(&sosw).await).summary.changed, 0);
}

/// A native crawl writes them as the crawler would, and no `map<…>`, which that client does not know.
#[tokio::test]
async fn a_native_crawl_writes_types_for_sosw() {
    let item = r#"{"id":{"S":"1"},"tags":{"SS":["a"]},"sizes":{"NS":["1.5"]},"meta":{"M":{}},"days":{"M":{"2026-01-01":{"N":"1"}}},"list":{"L":[]}}"#;
    let world = World::new(&[("tblt", &[item])]).await;
    let sosw = Settings { readers: Readers::Sosw, ..native() };
    all_well(world.sync(&sosw).await);
    let table = world.table("tblt").await;
    assert_eq!(
        columns(&table),
        [
            "id: string",
            "days: struct<2026-01-01:bigint>",
            "list: array<string>",
            "meta: struct<>",
            "sizes: set<bigint>",
            "tags: set<string>"
        ]
    );
    assert_eq!(all_well(world.sync(&sosw).await).summary.changed, 0);
}
