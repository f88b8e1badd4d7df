//! What a run costs in calls.

use std::collections::BTreeMap;

use sync::Settings;
use sync::settings::Engine;

use crate::support::{World, WorldExt, all_well, waiting};

/// N tables in steady state: the pages of ListTables (100), ListCrawlers (1,000), GetCrawlers (1,000), ListRoles (100) and
/// GetTables (100), one GetCallerIdentity, two GetDatabase and one UpdateDatabase (to note the run), and one StartCrawler each. With `--wait`, the pages of GetTables
/// once more, and BatchGetCrawlers as often as it is polled.
///
/// That is where a crawl that finds nothing new writes nothing. Where it writes its table again, linking costs five calls each.
#[tokio::test]
async fn steady_state_costs_pages_and_one_start_a_table() {
    let names: Vec<String> = (0..120).map(|i| format!("t{i:03}")).collect();
    let tables: Vec<(&str, &[&str])> = names.iter().map(|name| (name.as_str(), &[][..])).collect();
    let world = World::at(&["crawl-rewrites=no"], &tables).await;
    all_well(world.sync(&waiting()).await);

    let mut waited = all_well(world.sync(&waiting()).await);
    assert!(waited.calls.remove("glue:BatchGetCrawlers").unwrap() > 0);
    assert_eq!(waited.calls, expected(120, 2, 0));

    let steady = all_well(world.sync(&Settings::default()).await);
    assert_eq!(steady.calls, expected(120, 1, 1));
    assert_eq!(steady.summary.changed, 0);
}

#[tokio::test]
async fn a_link_that_each_crawl_undoes_costs_the_same_few_calls_each_time() {
    let world = World::at(&[], &[("tbla", &[]), ("tblb", &[])]).await;
    all_well(world.sync(&waiting()).await);
    let mut waited = all_well(world.sync(&waiting()).await);
    waited.calls.remove("glue:BatchGetCrawlers");
    for (call, count) in expected(2, 2, 0) {
        assert_eq!(waited.calls.remove(&call), Some(count), "{call}");
    }
    let relinked = [
        ("dynamodb:DescribeTable", 2),
        ("dynamodb:Scan", 2),
        ("glue:GetSchemaVersion", 2),
        ("glue:PutSchemaVersionMetadata", 2),
        ("glue:UpdateTable", 2),
    ];
    assert_eq!(waited.calls, BTreeMap::from(relinked.map(|(name, count)| (name.to_owned(), count))));
}

fn expected(tables: u64, listings: u64, notes: u64) -> BTreeMap<String, u64> {
    let pages = |size: u64| tables.div_ceil(size);
    BTreeMap::from_iter(
        [
            ("dynamodb:ListTables", pages(100)),
            ("glue:GetCrawlers", pages(1000)),
            ("glue:GetDatabase", 1 + notes),
            ("glue:UpdateDatabase", notes),
            ("glue:GetTables", listings * pages(100)),
            ("glue:ListCrawlers", pages(1000)),
            ("glue:StartCrawler", tables),
            ("iam:ListRoles", pages(100)),
            ("sts:GetCallerIdentity", 1),
        ]
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| (name.to_owned(), count)),
    )
}

/// The native engine reads the tables, so it pays for that: DescribeTable, GetTable and the pages of Scan each.
#[tokio::test]
async fn the_native_engine_pays_for_reading_alone() {
    let world = World::new(&[("tbla", &[]), ("tblb", &[])]).await;
    let settings = Settings { engine: Engine::Native, ..Settings::default() };
    all_well(world.sync(&settings).await);
    let steady = all_well(world.sync(&settings).await);
    let expected = [
        ("dynamodb:DescribeTable", 2),
        ("dynamodb:ListTables", 1),
        ("dynamodb:Scan", 2),
        ("glue:GetDatabase", 1),
        ("glue:GetTable", 2),
        ("glue:GetTables", 2),
        ("sts:GetCallerIdentity", 1),
    ];
    assert_eq!(steady.calls, BTreeMap::from(expected.map(|(name, count)| (name.to_owned(), count))));
}
