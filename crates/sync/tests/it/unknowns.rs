//! What AWS does not publish: the job ends right under every position of every switch.

use crawl::Clients;
use futures::stream::{self, StreamExt};
use local::Unknowns;
use local::unknowns::SWITCHES;
use sync::Settings;
use sync::event::crawl_ended;
use sync::prune::{Extent, leftovers, remove};
use sync::report::Outcome;
use sync::settings::LinkBy;

use crate::support::{
    REGION, World, WorldExt, all_well, column_parameter, columns, input_of, parameter, session, update_table, waiting,
};

const ORDERS: &[&str] = &[
    r#"{"id":{"S":"1"},"userName":{"S":"u"},"tags":{"SS":["a"]},"meta":{"M":{}}}"#,
    r#"{"id":{"S":"2"},"total":{"N":"1.5"}}"#,
];
const COLUMNS: [&str; 5] =
    ["id: string", "meta: map<string,string>", "tags: array<string>", "total: double", "username: string"];

/// Positions of the switches that take a number.
const NUMBERS: [(&str, &[&str]); 4] =
    [("propagation", &["1"]), ("running-crawlers", &["1"]), ("crawlers", &["1"]), ("roles", &["100"])];

/// Every position of every switch, `NAME=POSITION`.
fn positions() -> Vec<String> {
    let of_number = |name| NUMBERS.iter().find(|(number, _)| *number == name).expect("a position of each number").1;
    SWITCHES
        .iter()
        .flat_map(|switch| {
            let positions = if switch.positions.is_empty() { of_number(switch.name) } else { switch.positions };
            positions.iter().map(|position| format!("{}={position}", switch.name))
        })
        .collect()
}

/// What readers rely on, of the table in a listing and of the table alone.
async fn is_complete(world: &World, asked: &str) {
    let alone = world.clients.glue.get_table().database_name("ddb_tables").name("orders").send().await.unwrap();
    for (how, table) in [("alone", alone.table.unwrap()), ("listed", world.tables().await.remove("orders").unwrap())] {
        let mut found = columns(&table);
        found.sort();
        assert_eq!(found, COLUMNS, "{asked}, {how}");
        assert_eq!(parameter(&table, "sourceTable"), Some("Orders"), "{asked}, {how}");
        assert_eq!(parameter(&table, "columnMapping"), Some("username=userName"), "{asked}, {how}");
        assert_eq!(column_parameter(&table, "username", "attribute"), Some("userName"), "{asked}, {how}");
        assert!(parameter(&table, "schemaVersionId").is_some(), "{asked}, {how}");
    }
}

#[tokio::test]
async fn the_job_ends_right_under_every_position_of_every_switch() {
    let job = |asked: String| async move {
        let world = World::at(&[&asked], &[("Orders", ORDERS)]).await;
        for _ in 0..2 {
            all_well(world.sync(&waiting()).await);
            is_complete(&world, &asked).await;
        }

        // A run that does not wait: the end of its crawl is told, and links.
        all_well(world.sync(&Settings::default()).await);
        world.crawl_ended("Orders_crawler").await;
        let clients = Clients::local(world.server.url(), REGION);
        let settings = Settings::default();
        let ended = crawl_ended(&session(&clients, &settings), "Orders_crawler", "Succeeded").await.unwrap();
        assert_eq!(all_well(ended).summary.linked, 1, "{asked}");
        is_complete(&world, &asked).await;

        // The event is lost: the next run links what was crawled.
        all_well(world.sync(&settings).await);
        world.crawl_ended("Orders_crawler").await;
        all_well(world.sync(&Settings { no_start: true, ..settings.clone() }).await);
        is_complete(&world, &asked).await;

        world.drop_table("Orders");
        assert_eq!(all_well(world.sync(&waiting()).await).tables[0].outcome, Outcome::Vanished, "{asked}");
        let found = leftovers(&session(&world.clients, &settings), Extent::Vanished).await.unwrap();
        assert_eq!(found.len(), 2, "{asked}: a crawler and its role");
        for (leftover, removed) in remove(&session(&world.clients, &settings), found).await {
            removed.unwrap_or_else(|error| panic!("{asked}: {leftover:?}: {error}"));
        }
    };
    stream::iter(positions()).for_each_concurrent(4, job).await;
}

/// With references, what readers see is up to AWS; that nothing is lost is up to the job.
#[tokio::test]
async fn columns_come_back_from_a_reference_whatever_is_shown_of_it() {
    let shown = |get, list| [format!("get-shows-referenced={get}"), format!("list-shows-referenced={list}")];
    let mut cases: Vec<Vec<String>> = [("yes", "yes"), ("yes", "no"), ("no", "yes"), ("no", "no")]
        .map(|(get, list)| shown(get, list).to_vec())
        .into();
    cases.push(vec!["crawl-keeps-reference=yes".into()]);
    cases.push(vec!["crawl-rewrites=no".into(), "list-shows-referenced=no".into()]);
    for case in cases {
        let asked = case.join(" ");
        let case: Vec<&str> = case.iter().map(String::as_str).collect();
        let world = World::at(&case, &[("Orders", ORDERS)]).await;
        let by_reference = Settings { link: LinkBy::Reference, ..waiting() };
        for _ in 0..2 {
            all_well(world.sync(&by_reference).await);
        }
        all_well(world.sync(&waiting()).await);
        is_complete(&world, &asked).await;
    }
}

/// What people wrote stays where the crawl leaves it.
#[tokio::test]
async fn what_people_wrote_stays_where_a_crawl_leaves_it() {
    for (asked, parameters, comments) in [
        ("crawl-rewrites=no", true, true),
        ("crawl-keeps-parameters=yes", true, false),
        ("crawl-keeps-comments=yes", false, true),
    ] {
        let world = World::at(&[asked], &[("Orders", ORDERS)]).await;
        all_well(world.sync(&waiting()).await);
        let mut input = input_of(&world.table("orders").await);
        input.parameters.as_mut().unwrap().insert("team".into(), "shop".into());
        for column in input.storage_descriptor.as_mut().unwrap().columns.iter_mut().flatten() {
            column.comment = Some("by hand".into());
        }
        update_table(&world, input).await;
        all_well(world.sync(&waiting()).await);
        is_complete(&world, asked).await;
        let table = world.table("orders").await;
        assert_eq!(parameter(&table, "team").is_some(), parameters, "{asked}");
        let commented = |column: &aws_sdk_glue::types::Column| column.comment() == Some("by hand");
        assert_eq!(table.storage_descriptor().unwrap().columns().iter().all(commented), comments, "{asked}");
    }
}

/// More tables than crawlers may run at once, or may be made: whatever StartCrawler answers, each is crawled in the end or
/// said to be left.
#[tokio::test]
async fn limits_defer_and_never_fail() {
    let limits = SWITCHES.iter().find(|switch| switch.name == "start-limit-error").unwrap().positions;
    let at_once = limits.iter().map(|error| vec!["running-crawlers=1".into(), format!("start-limit-error={error}")]);
    let tables: &[(&str, &[&str])] = &[("Orders", ORDERS), ("tbla", &[]), ("tblb", &[])];
    let job = |(case, asked): (usize, Vec<String>)| async move {
        let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
        // The SDK takes some of these errors for throttling, and then slows down all that is in the region.
        let region = format!("eu-limits-{case}");
        let unknowns = asked.iter().fold(Unknowns::default(), |all, text| all.with(&text.parse().unwrap()));
        let world = World::start(&region, unknowns, tables).await;
        for _ in 0..tables.len() {
            let report = world.sync(&Settings::default()).await;
            assert_eq!(report.summary.failed, 0, "{asked:?}: {:#?}", report.tables);
            for row in report.tables {
                assert!(row.outcome != Outcome::Deferred || row.reason.is_some(), "{asked:?}: {}", row.table);
                world.crawl_ended(row.crawler.as_deref().unwrap_or_default()).await;
            }
        }
        all_well(world.sync(&Settings { no_start: true, ..Settings::default() }).await);
        is_complete(&world, &format!("{asked:?}")).await;
        assert_eq!(world.tables().await.len(), tables.len(), "{asked:?}");
    };
    stream::iter(at_once.enumerate().collect::<Vec<_>>()).for_each_concurrent(None, job).await;
}
