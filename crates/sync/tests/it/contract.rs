//! What a published table holds.

use sync::Settings;
use sync::report::Action;
use sync::settings::Engine;

use crate::support::{World, WorldExt, all_well, column_parameter, parameter, row};

fn native() -> Settings {
    Settings { engine: Engine::Native, ..Settings::default() }
}

/// AWS's Glue client for Hive and Spark refuses tables without formats and SerDe, and the EMR connector finds its table and
/// attributes by two parameters of its own.
#[tokio::test]
async fn the_table_is_one_of_the_emr_connector() {
    let world = World::new(&[("My-Orders", &[r#"{"id":{"S":"1"},"Ship-To":{"S":"x"},"a:b":{"N":"1"}}"#])]).await;
    all_well(world.sync(&native()).await);
    let table = world.table("my_orders").await;
    let descriptor = table.storage_descriptor().unwrap();
    let hive = "org.apache.hadoop.hive.dynamodb";
    assert_eq!(descriptor.input_format().unwrap(), format!("{hive}.read.HiveDynamoDBInputFormat"));
    assert_eq!(descriptor.output_format().unwrap(), format!("{hive}.write.HiveDynamoDBOutputFormat"));
    assert_eq!(descriptor.serde_info().unwrap().serialization_library().unwrap(), format!("{hive}.DynamoDBSerDe"));
    assert_eq!(parameter(&table, "dynamodb.table.name"), Some("My-Orders"));
    assert_eq!(parameter(&table, "dynamodb.column.mapping"), Some("id:id,ship_to:Ship-To"));
    assert_eq!(column_parameter(&table, "a_b", "attribute"), Some("a:b"));
}

#[tokio::test]
async fn a_column_tells_what_is_known_of_its_attribute() {
    let items =
        [r#"{"id":{"S":"1"},"Tags":{"SS":["a"]}}"#, r#"{"id":{"S":"2"},"Tags":{"L":[]}}"#, r#"{"id":{"S":"3"}}"#];
    let world = World::new(&[("tblt", &items), ("empty", &[])]).await;
    all_well(world.sync(&native()).await);
    let table = world.table("tblt").await;
    let facts = |column| ["attribute", "dynamodbTypes", "presence"].map(|name| column_parameter(&table, column, name));
    assert_eq!(facts("id"), [Some("id"), Some("S"), Some("1.000")]);
    assert_eq!(facts("tags"), [Some("Tags"), Some("L,SS"), Some("0.667")]);
    let empty = world.table("empty").await;
    let facts = ["attribute", "dynamodbTypes", "presence"].map(|name| column_parameter(&empty, "id", name));
    assert_eq!(facts, [Some("id"), Some("S"), None], "there are no items to have a share of");
}

/// Shares of items are statistics: they are written with others, in no version of their own, and never alone.
#[tokio::test]
async fn a_share_that_changed_is_written_with_other_statistics() {
    let (with, without) = (r#"{"id":{"S":"1"},"n":{"N":"1"}}"#, r#"{"id":{"S":"2"}}"#);
    let world = World::new(&[("tblt", &[with, without])]).await;
    all_well(world.sync(&native()).await);
    let share = async || column_parameter(&world.table("tblt").await, "n", "presence").map(str::to_owned);
    assert_eq!(share().await.as_deref(), Some("0.500"));

    // As many items and as many bytes as before: nothing else is to be written.
    let wide = r#"{"id":{"S":"2"},"n":{"N":"1"}}"#;
    let narrow = r#"{"id":{"S":"1"},"m":{"N":"1"}}"#;
    world.put("both", &[with, wide]);
    all_well(world.sync(&native()).await);
    world.put("both", &[narrow, wide]);
    all_well(world.sync(&native()).await);
    world.put("both", &[narrow, &wide.replace(r#""n""#, r#""m""#)]);
    let report = all_well(world.sync(&native()).await);
    assert_eq!(report.calls.get("glue:UpdateTable"), None, "shares alone are not written");

    world.put("tblt", &[with, r#"{"id":{"S":"3"},"n":{"N":"2"}}"#, without]);
    let report = all_well(world.sync(&native()).await);
    assert_eq!(report.calls.get("glue:UpdateTable"), Some(&1));
    assert_eq!(row(&report, "tblt").actions, [Action::Crawl]);
    assert_eq!(share().await.as_deref(), Some("0.667"));
    let versions = world.clients.glue.get_table_versions().database_name("ddb_tables").table_name("tblt");
    assert_eq!(versions.send().await.unwrap().table_versions().len(), 1, "no version for statistics");
}

/// A table of an earlier release has no formats and no parameters of columns: a crawl adds them.
#[tokio::test]
async fn a_table_of_an_earlier_release_is_brought_up_to_date() {
    let world = World::new(&[("tblt", &[r#"{"id":{"S":"1"}}"#])]).await;
    for settings in [native(), Settings { no_start: true, ..Settings::default() }] {
        all_well(world.sync(&native()).await);
        let mut input = crate::support::input_of(&world.table("tblt").await);
        let descriptor = input.storage_descriptor.as_mut().unwrap();
        (descriptor.input_format, descriptor.output_format, descriptor.serde_info) = (None, None, None);
        descriptor.columns.as_mut().unwrap()[0].parameters = None;
        if settings.engine == Engine::Managed {
            input.parameters.as_mut().unwrap().insert("UPDATED_BY_CRAWLER".into(), "tblt_crawler".into());
        }
        crate::support::update_table(&world, input).await;
        all_well(world.sync(&settings).await);
        let table = world.table("tblt").await;
        assert!(table.storage_descriptor().unwrap().input_format().is_some(), "{:?}", settings.engine);
        assert_eq!(column_parameter(&table, "id", "dynamodbTypes"), Some("S"));
    }
}
