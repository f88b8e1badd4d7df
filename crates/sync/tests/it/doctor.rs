//! What `doctor` sees, and that it changes nothing.

use aws_sdk_glue::types::{CrawlerTargets, DynamoDbTarget};
use local::Unknowns;
use sync::Settings;
use sync::doctor::{Check, Findings, State, examine};

use crate::support::{REGION, World, WorldExt, all_well, input_of, session, update_table, waiting};

async fn examined(world: &World) -> Findings {
    examine(&session(&world.clients, &Settings::default())).await.unwrap()
}

fn check<'a>(found: &'a Findings, name: &str) -> &'a Check {
    found.checks.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("no {name} in {found:#?}"))
}

fn position(found: &Findings, name: &str) -> Option<&'static str> {
    found.unknowns.iter().find(|unknown| unknown.name == name).unwrap_or_else(|| panic!("no {name}")).position
}

const TABLES: &[(&str, &[&str])] = &[("Orders", &[r#"{"id":{"S":"value-of-an-item"}}"#]), ("users", &[])];

/// A world where AWS does what it does not publish as these switches have it.
async fn under(switches: &[&str]) -> World {
    let unknowns = switches.iter().fold(Unknowns::default(), |all, switch| all.with(&switch.parse().unwrap()));
    World::start(REGION, unknowns, TABLES).await
}

#[tokio::test]
async fn an_account_before_the_first_run_is_told_what_a_run_makes() {
    let world = World::new(TABLES).await;
    let found = examined(&world).await;
    assert!(found.need_attention());
    for (name, says) in [
        ("database", "ddb_tables does not exist: a run creates it"),
        ("tables", "2 of 2 DynamoDB tables are selected"),
        ("crawlers", "0 created by runs, 0 others; a run creates Orders_crawler, users_crawler"),
        ("catalog", "0 tables, 0 of them with a schema reference; not crawled yet: Orders, users"),
    ] {
        assert_eq!(check(&found, name).says, says);
    }
    assert_eq!(check(&found, "boundary").state, State::Unseen);
    assert!(found.unknowns.iter().all(|unknown| unknown.position.is_none()), "{:#?}", found.unknowns);
    let writes = |call: &String| ["Create", "Update", "Put"].iter().any(|word| call.contains(word));
    let written: Vec<String> = world.server.calls().into_keys().filter(writes).collect();
    assert!(written.is_empty(), "it only looks: {written:?}");
}

#[tokio::test]
async fn a_region_that_is_right_needs_nobody() {
    let world = World::new(TABLES).await;
    all_well(world.sync(&waiting()).await);
    let found = examined(&world).await;
    assert!(!found.need_attention(), "{:#?}", found.checks);
    assert_eq!(check(&found, "database").says, "ddb_tables was created by a run");
    assert!(!format!("{found:?}").contains("value-of-an-item"));
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let world = World::new(TABLES).await;
    let (glue, iam) = (&world.clients.glue, &world.clients.iam);
    let only = |include: &str| Settings { include: vec![include.into()], ..waiting() };
    all_well(world.sync(&only("users")).await);
    let orders = DynamoDbTarget::builder().path("Orders").build();
    let targets = CrawlerTargets::builder().dynamo_db_targets(orders).build();
    let role = glue.get_crawler().name("users_crawler").send().await.unwrap().crawler.unwrap().role.unwrap();
    glue.create_crawler()
        .name("Orders_crawler")
        .role(role)
        .database_name("other")
        .targets(targets)
        .send()
        .await
        .unwrap();
    iam.update_role().role_name("users_crawler_eu-west-1").description("half-made").send().await.unwrap();
    glue.update_crawler().name("users_crawler").table_prefix("x_").send().await.unwrap();

    let found = examined(&world).await;
    let says = |name| (check(&found, name).state, check(&found, name).says.as_str());
    let (state, crawlers) = says("crawlers");
    assert_eq!(state, State::Attention);
    assert!(crawlers.contains("configured differently than by a run: users_crawler"), "{crawlers}");
    assert!(crawlers.contains("under a name that a run needs: Orders_crawler"), "{crawlers}");
    assert!(says("roles").1.contains("left incomplete: users_crawler_eu-west-1"), "{}", says("roles").1);
    assert!(says("catalog").1.contains("not crawled yet: Orders"), "{}", says("catalog").1);
}

#[tokio::test]
async fn a_crawl_that_leaves_a_linked_table_alone_is_seen() {
    let world = under(&["crawl-rewrites=no"]).await;
    all_well(world.sync(&waiting()).await);
    assert_eq!(position(&examined(&world).await, "crawl-rewrites"), None, "one crawl shows nothing");
    for crawler in ["Orders_crawler", "users_crawler"] {
        world.clients.glue.start_crawler().name(crawler).send().await.unwrap();
        world.crawl_ended(crawler).await;
    }
    let found = examined(&world).await;
    let seen = (position(&found, "crawl-rewrites"), position(&found, "crawl-keeps-parameters"));
    assert_eq!(seen, (Some("no"), None), "{:#?}", found.unknowns);
}

#[tokio::test]
async fn a_crawl_that_writes_a_linked_table_is_seen_with_what_it_keeps() {
    for keeps in ["yes", "no"] {
        let switches = ["parameters", "comments"].map(|what| format!("crawl-keeps-{what}={keeps}"));
        let world = under(&switches.each_ref().map(String::as_str)).await;
        all_well(world.sync(&waiting()).await);
        let mut input = input_of(&world.table("orders").await);
        input.description = Some("what customers bought".into());
        // So that there is something to write for a crawl that keeps everything.
        input.parameters.as_mut().unwrap().insert("recordCount".into(), "7".into());
        update_table(&world, input).await;
        // The time of the update has to be before that of the crawl, in milliseconds.
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        world.clients.glue.start_crawler().name("Orders_crawler").send().await.unwrap();
        world.crawl_ended("Orders_crawler").await;

        let found = examined(&world).await;
        let seen =
            ["crawl-rewrites", "crawl-keeps-parameters", "crawl-keeps-comments"].map(|name| position(&found, name));
        assert_eq!(seen, [Some("yes"), Some(keeps), Some(keeps)], "{:#?}", found.unknowns);
    }
}

#[tokio::test]
async fn a_reference_settles_whether_its_columns_are_shown() {
    // Where GetTable shows none, no run sets a reference.
    for (get, list) in [("yes", "yes"), ("yes", "no")] {
        let switches = [format!("get-shows-referenced={get}"), format!("list-shows-referenced={list}")];
        let switches: Vec<&str> = switches.iter().map(String::as_str).collect();
        let world = under(&switches).await;
        let reference = serde_json::json!({"link": "reference", "engine": "native"});
        let settings = Settings::default().with(reference.as_object().unwrap()).unwrap();
        all_well(world.sync(&settings).await);
        let found = examine(&session(&world.clients, &settings)).await.unwrap();
        let seen = (position(&found, "get-shows-referenced"), position(&found, "list-shows-referenced"));
        assert_eq!(seen, (Some(get), Some(list)), "{:#?}", found.unknowns);
        let columns = check(&found, "catalog").says.contains("listed without columns");
        assert_eq!(columns, list == "no", "{}", check(&found, "catalog").says);
    }
}
