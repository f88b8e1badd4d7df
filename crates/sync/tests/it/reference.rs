//! Tables whose columns come from their schema version: `link = "reference"`, and what an earlier release left.

use aws_sdk_glue::types::Table;
use local::Unknowns;
use local::faults::{Calls, Fault, Rule};
use serde_json::{Value, json};
use sync::Settings;
use sync::report::{Action, Outcome};
use sync::settings::{Engine, LinkBy};

use crate::support::{ACCOUNT, REGION, World, WorldExt, all_well, columns, input_of, parameter, row, update_table};

const ITEM: &str = r#"{"id":{"S":"1"},"Ship-To":{"S":"x"},"ship_to":{"N":"1"}}"#;
const COLUMNS: [&str; 3] = ["id: string", "ship_to_f3f0d584: string", "ship_to: bigint"];

fn referred(table: &Table) -> bool {
    table.storage_descriptor().unwrap().schema_reference().is_some()
}

fn native() -> Settings {
    Settings { engine: Engine::Native, ..Settings::default() }
}

fn by_reference() -> Settings {
    Settings { link: LinkBy::Reference, ..native() }
}

#[tokio::test]
async fn a_dropped_reference_is_put_back() {
    let world = World::new(&[("tblt", &[r#"{"id":{"S":"1"}}"#])]).await;
    all_well(world.sync(&by_reference()).await);
    let table = world.table("tblt").await;
    // As a crawler would leave it: own columns, no reference.
    let mut input = input_of(&table);
    input.storage_descriptor.as_mut().unwrap().schema_reference = None;
    update_table(&world, input).await;
    assert!(!referred(&world.table("tblt").await));
    let report = all_well(world.sync(&by_reference()).await);
    assert_eq!(row(&report, "tblt").actions, [Action::Crawl, Action::LinkSchema]);
    assert!(referred(&world.table("tblt").await));
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
    all_well(world.sync(&by_reference()).await);
    let table = world.table("tblt").await;
    assert_eq!(columns(&table), ["id: string", "n: bigint"]);
    assert!(!referred(&table));
    assert_eq!(parameter(&table, "schemaVersionNumber"), Some("1"));
    assert_eq!(all_well(world.sync(&by_reference()).await).summary.changed, 0, "and left at that");
}

#[tokio::test]
async fn a_schema_with_more_fields_than_columns_is_not_referred_to() {
    let world = World::new(&[("tblt", &[r#"{"id":{"S":"1"},"old":{"S":"x"}}"#])]).await;
    let forgetful = Settings { forget: true, ..by_reference() };
    all_well(world.sync(&forgetful).await);
    assert!(referred(&world.table("tblt").await));
    world.put("tblt", &[r#"{"id":{"S":"1"},"new":{"S":"x"}}"#]);
    all_well(world.sync(&forgetful).await);
    let table = world.table("tblt").await;
    assert_eq!(columns(&table), ["id: string", "new: string"]);
    assert!(!referred(&table));
    assert_eq!(all_well(world.sync(&forgetful).await).summary.changed, 0);
}

#[tokio::test]
async fn a_reference_does_not_hide_what_people_wrote() {
    let world = World::new(&[("tblt", &[r#"{"id":{"S":"1"}}"#])]).await;
    all_well(world.sync(&native()).await);
    let mut input = input_of(&world.table("tblt").await);
    input.storage_descriptor.as_mut().unwrap().columns.as_mut().unwrap()[0].comment = Some("which".into());
    update_table(&world, input).await;
    all_well(world.sync(&by_reference()).await);
    let table = world.table("tblt").await;
    assert!(!referred(&table));
    assert_eq!(table.storage_descriptor().unwrap().columns()[0].comment(), Some("which"));
    assert_eq!(all_well(world.sync(&by_reference()).await).summary.changed, 0);
}

/// Back and forth: the setting alone decides, and the columns stay the same.
#[tokio::test]
async fn a_table_that_had_a_reference_gets_its_columns_back() {
    let world = World::new(&[("tblt", &[ITEM])]).await;
    for (settings, reference) in [(native(), false), (by_reference(), true), (native(), false)] {
        let report = all_well(world.sync(&settings).await);
        assert!(row(&report, "tblt").actions.contains(&Action::LinkSchema), "{:?}", row(&report, "tblt").actions);
        let table = world.table("tblt").await;
        assert_eq!(referred(&table), reference);
        assert_eq!(columns(&table), COLUMNS);
        assert_eq!(parameter(&table, "schemaVersionNumber"), Some("1"));
        assert_eq!(all_well(world.sync(&settings).await).summary.changed, 0);
    }
}

/// What AWS answers of a table with a reference is not documented: here it lists no columns.
fn without_columns(table: &Table) -> Value {
    let descriptor = table.storage_descriptor().unwrap();
    let version = descriptor.schema_reference().unwrap().schema_version_id();
    json!({
        "Name": table.name(), "DatabaseName": "ddb_tables", "TableType": table.table_type(),
        "Parameters": table.parameters(),
        "StorageDescriptor": {
            "Location": descriptor.location(), "Columns": [], "Parameters": descriptor.parameters(),
            "InputFormat": descriptor.input_format(), "OutputFormat": descriptor.output_format(),
            "SerdeInfo": {"SerializationLibrary": descriptor.serde_info().unwrap().serialization_library()},
            "SchemaReference": {"SchemaVersionId": version},
        },
    })
}

/// A world with a referred table whose columns the named operations leave out.
async fn leaving_out(operations: &[&str]) -> World {
    let world = World::new(&[("tblt", &[ITEM])]).await;
    all_well(world.sync(&by_reference()).await);
    let table = without_columns(&world.table("tblt").await);
    for operation in operations {
        let answer = match *operation {
            "Glue.GetTables" => json!({"TableList": [table]}),
            _ => json!({"Table": table}),
        };
        world.server.faults().add(Rule::new(*operation, Calls::Every, Fault::Answer(answer.to_string())));
    }
    world
}

const LEFT_OUT: [&[&str]; 3] = [&["Glue.GetTables"], &["Glue.GetTable"], &["Glue.GetTables", "Glue.GetTable"]];

#[tokio::test]
async fn a_listing_that_leaves_columns_out_loses_nothing() {
    let managed = Settings { no_start: true, ..Settings::default() };
    let managed_by_reference = Settings { link: LinkBy::Reference, ..managed.clone() };
    for operations in LEFT_OUT {
        for settings in [native(), by_reference(), managed.clone(), managed_by_reference.clone()] {
            let world = leaving_out(operations).await;
            // A new attribute, whose column must not take a name that is given.
            world.put("tblt", &[ITEM, r#"{"id":{"S":"2"},"SHIP-TO":{"S":"x"}}"#]);
            all_well(world.sync(&settings).await);
            world.server.faults().clear();
            let table = world.table("tblt").await;
            let shown = columns(&table);
            for column in COLUMNS {
                assert!(shown.contains(&column.to_owned()), "{operations:?}: {shown:?}");
            }
            let mapping = parameter(&table, "columnMapping").unwrap();
            assert!(mapping.contains("ship_to_f3f0d584=Ship-To"), "{operations:?}: {mapping}");
            all_well(world.sync(&settings).await);
            let versions = parameter(&world.table("tblt").await, "schemaVersionNumber").map(str::to_owned);
            let crawled = settings.engine == Engine::Native;
            assert_eq!(versions.as_deref(), Some(if crawled { "2" } else { "1" }), "{operations:?}");
        }
    }
}

/// Neither listing nor table nor schema version tells the columns: nothing is written, and the report says why.
#[tokio::test]
async fn a_table_whose_columns_can_not_be_had_fails_and_stays() {
    let world = leaving_out(&["Glue.GetTables", "Glue.GetTable"]).await;
    let denied = Fault::Error { code: "AccessDeniedException", message: "not allowed".into() };
    world.server.faults().add(Rule::new("Glue.GetSchemaVersion", Calls::Every, denied));
    for settings in [native(), Settings { no_start: true, ..Settings::default() }] {
        let report = world.sync(&settings).await;
        let failed = row(&report, "tblt");
        assert_eq!(failed.outcome, Outcome::Failed);
        let reason = failed.reason.as_ref().unwrap();
        assert!(reason.contains("lists none, and that can't be read: glue:GetSchemaVersion"), "{reason}");
        assert_eq!(report.calls.get("glue:UpdateTable"), None);
    }
    world.server.faults().clear();
    assert_eq!(columns(&world.table("tblt").await), COLUMNS);
}

/// A run in steady state asks for no table one by one, even where the listing leaves columns out.
#[tokio::test]
async fn a_reference_that_stands_costs_no_call() {
    let world = leaving_out(&["Glue.GetTables"]).await;
    let settings = Settings { engine: Engine::Managed, no_start: true, ..by_reference() };
    let report = all_well(world.sync(&settings).await);
    for call in ["glue:GetTable", "glue:GetSchemaVersion", "glue:UpdateTable"] {
        assert_eq!(report.calls.get(call), None, "{call}");
    }
    assert_eq!(row(&report, "tblt").columns, None, "they were not told");
    assert_eq!(row(&report, "tblt").schema.as_ref().unwrap().version, 1);
}

/// The same with what the endpoint's switches make of a reference, under every position.
#[tokio::test]
async fn columns_survive_whatever_a_reference_shows() {
    for (get_shows_referenced, list_shows_referenced) in [(true, true), (true, false), (false, true), (false, false)] {
        for after in [native(), by_reference(), Settings { no_start: true, ..Settings::default() }] {
            let unknowns = Unknowns { get_shows_referenced, list_shows_referenced, ..Unknowns::default() };
            let world = World::start(REGION, unknowns, &[("tblt", &[ITEM])]).await;
            all_well(world.sync(&by_reference()).await);
            all_well(world.sync(&after).await);
            assert_eq!(all_well(world.sync(&after).await).summary.changed, 0);
            // Whatever was written, the columns are there: with the default setting in the table itself.
            all_well(world.sync(&native()).await);
            let table = world.table("tblt").await;
            assert!(!referred(&table), "{unknowns:?}");
            assert_eq!(columns(&table), COLUMNS, "{unknowns:?}");
            assert_eq!(parameter(&table, "schemaVersionNumber"), Some("1"), "{unknowns:?}");
        }
    }
}
