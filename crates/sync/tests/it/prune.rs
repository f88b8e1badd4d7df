//! Taking away what is no longer used.

use sync::Settings;
use sync::prune::{Extent, Leftover, leftovers, remove};

use crate::support::{World, WorldExt, all_well, session, waiting};

const ITEM: &str = r#"{"id":{"S":"1"}}"#;

async fn found(world: &World, settings: &Settings, extent: Extent) -> Vec<String> {
    let found = leftovers(&session(&world.clients, settings), extent).await.unwrap();
    found.into_iter().map(|Leftover { thing, name }| format!("{thing:?} {name}")).collect()
}

async fn take_away(world: &World, settings: &Settings, extent: Extent) {
    let found = leftovers(&session(&world.clients, settings), extent).await.unwrap();
    for (leftover, removed) in remove(&session(&world.clients, settings), found).await {
        removed.unwrap_or_else(|error| panic!("{leftover:?}: {error}"));
    }
}

#[tokio::test]
async fn crawlers_and_roles_of_vanished_tables() {
    let world = World::new(&[("tbla", &[ITEM]), ("tblb", &[ITEM])]).await;
    all_well(world.sync(&waiting()).await);
    assert!(found(&world, &waiting(), Extent::Vanished).await.is_empty());

    world.drop_table("tblb");
    let expected = ["Crawler tblb_crawler", "Role tblb_crawler_eu-west-1"];
    assert_eq!(found(&world, &waiting(), Extent::Vanished).await, expected);
    take_away(&world, &waiting(), Extent::Vanished).await;
    assert!(found(&world, &waiting(), Extent::Vanished).await.is_empty());
    let report = all_well(world.sync(&waiting()).await);
    assert_eq!((report.summary.tables, report.summary.crawled), (2, 1), "{report:#?}");
}

#[tokio::test]
async fn everything_goes_and_nothing_of_others() {
    let world = World::new(&[("tbla", &[ITEM]), ("tblb", &[ITEM])]).await;
    let other = Settings {
        database: "other".into(),
        include: vec!["tblb".into()],
        crawler_name: "other_{table}".into(),
        ..waiting()
    };
    all_well(world.sync(&Settings { managed_policy: true, ..waiting() }).await);
    all_well(world.sync(&other).await);
    let by_hand = aws_sdk_glue::types::TableInput::builder().name("by_hand").build().unwrap();
    world.clients.glue.create_table().database_name("ddb_tables").table_input(by_hand).send().await.unwrap();

    // The role of tblb, the database with a table of somebody else's, and the registry are still in use.
    let expected = [
        "Crawler tbla_crawler",
        "Crawler tblb_crawler",
        "Role tbla_crawler_eu-west-1",
        "CatalogTable tbla",
        "CatalogTable tblb",
        "Schema ddb_tables.tbla",
        "Schema ddb_tables.tblb",
    ];
    assert_eq!(found(&world, &waiting(), Extent::Everything).await, expected);
    take_away(&world, &waiting(), Extent::Everything).await;
    assert_eq!(world.tables().await.into_keys().collect::<Vec<_>>(), ["by_hand"]);

    let expected = [
        "Crawler other_tblb",
        "Role tblb_crawler_eu-west-1",
        "CatalogTable tblb",
        "Schema other.tblb",
        "Registry glue-ddb-crawler",
        "Database other",
    ];
    assert_eq!(found(&world, &other, Extent::Everything).await, expected);
    take_away(&world, &other, Extent::Everything).await;
    assert!(found(&world, &other, Extent::Everything).await.is_empty());
    let roles = world.clients.iam.list_roles().path_prefix("/glue-ddb-crawler/").send().await.unwrap();
    assert!(roles.roles().is_empty());
}
