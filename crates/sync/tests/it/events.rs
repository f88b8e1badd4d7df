//! What the end of a crawl sets off, and runs that can't start or finish everything.

use std::time::Duration;

use crawl::{Clients, Deadline, Kind};
use local::faults::{Calls, Fault, Rule};
use sync::event::crawl_ended;
use sync::report::{Action, Outcome};
use sync::{Job, Report, Settings, continue_backlog};
use tokio::time::Instant;

use crate::support::{REGION, World, WorldExt, all_well, parameter, row, session, waiting};

const ITEM: &str = r#"{"id":{"S":"1"},"userName":{"S":"u"}}"#;

async fn event(world: &World, settings: &Settings, crawler: &str, state: &str) -> Report {
    let clients = Clients::local(world.server.url(), REGION);
    crawl_ended(&session(&clients, settings), crawler, state).await.unwrap()
}

/// The note that runs leave in the database.
async fn note(world: &World) -> Option<String> {
    let answer = world.clients.glue.get_database().name("ddb_tables").send().await.unwrap();
    answer.database.unwrap().parameters.unwrap_or_default().remove("backlogs")
}

/// Whether the ends of crawls have to start others.
async fn has_backlog(world: &World) -> bool {
    note(world).await.is_some_and(|note| note.contains(r#""due":true"#))
}

async fn go_on(world: &World, settings: &Settings) -> Report {
    let clients = Clients::local(world.server.url(), REGION);
    continue_backlog(&session(&clients, settings)).await.unwrap()
}

#[tokio::test]
async fn the_end_of_a_crawl_links_its_table() {
    let world = World::new(&[("Orders.eu", &[ITEM])]).await;
    all_well(world.sync(&Settings::default()).await);
    world.crawl_ended("Orders.eu_crawler").await;

    let report = all_well(event(&world, &Settings::default(), "Orders.eu_crawler", "Succeeded").await);
    let linked = row(&report, "Orders.eu");
    assert_eq!((linked.outcome, linked.catalog_table.as_str()), (Outcome::Crawled, "orders_eu"));
    assert_eq!(linked.actions, [Action::RegisterSchema, Action::LinkSchema]);
    assert_eq!(parameter(&world.table("orders_eu").await, "schemaVersionNumber"), Some("1"));

    let again = all_well(event(&world, &Settings::default(), "Orders.eu_crawler", "Succeeded").await);
    assert_eq!((again.summary.linked, again.summary.changed), (1, 0));
    let spent: Vec<&str> = again.calls.keys().map(String::as_str).collect();
    let cost = ["glue:BatchGetCrawlers", "glue:GetDatabase", "glue:GetTable", "glue:GetTags", "sts:GetCallerIdentity"];
    assert_eq!(spent, cost);
}

#[tokio::test]
async fn tables_are_found_whose_names_collided() {
    let world = World::new(&[("a-b", &[ITEM]), ("a.b", &[ITEM])]).await;
    all_well(world.sync(&waiting()).await);
    for name in ["a-b", "a.b"] {
        let report = all_well(event(&world, &Settings::default(), &format!("{name}_crawler"), "Succeeded").await);
        let location =
            world.table(&row(&report, name).catalog_table).await.storage_descriptor.unwrap().location.unwrap();
        assert!(location.ends_with(&format!("table/{name}")), "{location}");
    }
}

#[tokio::test]
async fn a_failed_crawl_is_reported_and_links_nothing() {
    let world = World::new(&[("tbla", &[ITEM, r#"{"id":{"S":"2"},"n":{"N":"secret"}}"#])]).await;
    world.sync(&waiting()).await;
    let report = event(&world, &Settings::default(), "tbla_crawler", "Failed").await;
    let failed = row(&report, "tbla");
    assert_eq!((failed.outcome, report.summary.failed), (Outcome::Failed, 1));
    assert!(failed.reason.as_ref().unwrap().starts_with("the crawl ended as Failed: "), "{failed:?}");
    assert!(!format!("{report:?}").contains("secret"));
}

#[tokio::test]
async fn crawlers_that_are_not_ours_are_left_alone() {
    let world = World::new(&[("tbla", &[ITEM])]).await;
    all_well(world.sync(&waiting()).await);
    let other_database = Settings { database: "other".into(), ..Settings::default() };
    all_well(
        world
            .sync(&Settings {
                wait: true,
                crawler_name: "{table}_crawler".into(),
                include: vec!["none".into()],
                ..other_database.clone()
            })
            .await,
    );
    // A crawler without our tag.
    let role = world.clients.iam.get_role().role_name("tbla_crawler_eu-west-1").send().await.unwrap().role.unwrap().arn;
    let target = aws_sdk_glue::types::DynamoDbTarget::builder().path("tbla").build();
    let targets = aws_sdk_glue::types::CrawlerTargets::builder().dynamo_db_targets(target).build();
    let foreign = world.clients.glue.create_crawler().name("foreign_crawler").role(role).database_name("ddb_tables");
    foreign.targets(targets).send().await.unwrap();

    let writes = |world: &World| {
        let reads = ["Get", "List", "BatchGet", "Describe"];
        let calls = world.server.calls();
        calls
            .into_iter()
            .filter(|(name, _)| !reads.iter().any(|read| name.contains(&format!(".{read}"))))
            .map(|(_, n)| n)
            .sum::<u64>()
    };
    let before = writes(&world);
    for (settings, crawler) in [
        (&Settings::default(), "foreign_crawler"),
        (&Settings::default(), "never_made_crawler"),
        (&Settings::default(), "named otherwise"),
        (&other_database, "tbla_crawler"),
    ] {
        let report = event(&world, settings, crawler, "Succeeded").await;
        assert!(report.tables.is_empty(), "{crawler}: {report:?}");
    }
    let native = Settings { engine: sync::settings::Engine::Native, ..Settings::default() };
    let report = event(&world, &native, "tbla_crawler", "Succeeded").await;
    assert!(report.tables.is_empty() && report.calls.is_empty(), "crawlers left from before: {report:?}");
    assert_eq!(writes(&world), before);
    assert_eq!(
        event(&world, &Settings::default(), "named otherwise", "Succeeded").await.calls.len(),
        1,
        "the identity alone"
    );
}

/// Five tables, two at a time: each end of a crawl starts the next, and every table is crawled exactly once.
#[tokio::test]
async fn events_drain_what_a_run_deferred() {
    let names = ["tbla", "tblb", "tblc", "tbld", "tble"];
    let world = World::new(&names.map(|name| (name, &[ITEM][..]))).await;
    let settings = Settings { max_running: 2, ..Settings::default() };
    let report = world.sync(&settings).await;
    assert_eq!((report.summary.started, report.summary.deferred, report.summary.failed), (2, 3, 0), "{report:#?}");
    assert!(has_backlog(&world).await);

    let mut running: Vec<String> =
        report.tables.iter().filter(|t| t.outcome == Outcome::Started).map(|t| t.crawler.clone().unwrap()).collect();
    let mut crawled = 0;
    while !running.is_empty() {
        let crawler = running.remove(0);
        world.crawl_ended(&crawler).await;
        crawled += 1;
        let report = all_well(event(&world, &settings, &crawler, "Succeeded").await);
        assert!(report.summary.started <= 2, "{report:#?}");
        running
            .extend(report.tables.iter().filter(|t| t.outcome == Outcome::Started).map(|t| t.crawler.clone().unwrap()));
    }
    assert_eq!(crawled, names.len());
    assert_eq!(world.server.calls()["Glue.StartCrawler"], 5);
    assert!(!has_backlog(&world).await);
    assert_eq!(world.tables().await.values().filter(|table| parameter(table, "schemaVersionId").is_some()).count(), 5);
    // The next day they are due again.
    assert_eq!(world.sync(&settings).await.summary.started, 2);
}

#[tokio::test]
async fn a_backlog_starts_the_tables_of_its_run_alone() {
    let world = World::new(&[("keep-a", &[ITEM]), ("keep-b", &[ITEM]), ("other", &[ITEM])]).await;
    all_well(world.sync(&Settings { no_start: true, ..Settings::default() }).await);
    let some = Settings { max_running: 1, concurrency: 1, include: vec!["keep-*".into()], ..Settings::default() };
    assert_eq!(world.sync(&some).await.summary.deferred, 1);
    world.crawl_ended("keep-a_crawler").await;
    // The settings of the function, not those of the run that deferred.
    let report = event(
        &world,
        &Settings { max_running: 1, concurrency: 1, ..Settings::default() },
        "keep-a_crawler",
        "Succeeded",
    )
    .await;
    assert_eq!(row(&report, "keep-b").actions, [Action::StartCrawler]);
    assert_eq!(report.tables.len(), 2, "{report:#?}");
    assert!(!has_backlog(&world).await);
}

#[tokio::test]
async fn a_backlog_goes_on_after_a_failed_crawl_and_skips_vanished_tables() {
    let world = World::new(&[("tbla", &[r#"{"id":"#]), ("tblb", &[ITEM]), ("tblc", &[ITEM])]).await;
    let settings = Settings { max_running: 1, concurrency: 1, ..Settings::default() };
    world.sync(&settings).await;
    world.crawl_ended("tbla_crawler").await;
    world.drop_table("tblb");
    let report = event(&world, &settings, "tbla_crawler", "Failed").await;
    assert_eq!((report.summary.failed, report.summary.started), (1, 1));
    assert_eq!(row(&report, "tblc").actions, [Action::StartCrawler]);
    assert!(!has_backlog(&world).await);
}

#[tokio::test]
async fn a_backlog_that_cannot_go_on_asks_to_be_called_again() {
    let world = World::in_region("backlog-stuck", &[("tbla", &[ITEM]), ("tblb", &[ITEM])]).await;
    let settings = Settings { max_running: 1, concurrency: 1, ..Settings::default() };
    world.sync(&settings).await;
    world.crawl_ended("tbla_crawler").await;
    let limit = Fault::Error { code: "ResourceNumberLimitExceededException", message: "too many crawls".into() };
    world.server.faults().add(Rule::new("Glue.StartCrawler", Calls::Nth(1), limit));
    let event = async || crawl_ended(&session(&world.clients, &settings), "tbla_crawler", "Succeeded").await;
    let error = event().await.unwrap_err();
    assert_eq!(error.kind, Kind::Throttled);
    insta::assert_snapshot!(error.message, @"crawlers are due, but none could be started: glue:StartCrawler: ResourceNumberLimitExceededException: too many crawls");
    assert_eq!(parameter(&world.table("tbla").await, "schemaVersionNumber"), Some("1"), "linked all the same");
    assert_eq!(event().await.unwrap().summary.started, 1, "as Lambda's next attempt");
}

/// No event is ever delivered: the timer alone starts every crawler once, links every table, and then costs one call.
#[tokio::test]
async fn the_timer_drains_what_a_run_deferred() {
    let names = ["tbla", "tblb", "tblc", "tbld", "tble"];
    let world = World::new(&names.map(|name| (name, &[ITEM][..]))).await;
    let settings = Settings { max_running: 2, ..Settings::default() };
    assert_eq!(world.sync(&settings).await.summary.deferred, 3);
    let mut rounds = 0;
    while note(&world).await.is_some() {
        for name in names {
            world.crawl_ended(&format!("{name}_crawler")).await;
        }
        let report = go_on(&world, &settings).await;
        assert_eq!(report.summary.failed, 0, "{report:#?}");
        rounds += 1;
        assert!(rounds < 6, "{report:#?}");
    }
    assert_eq!(rounds, 3, "two more, the last, and one that links it");
    assert_eq!(world.server.calls()["Glue.StartCrawler"], 5);
    assert_eq!(world.tables().await.values().filter(|table| parameter(table, "schemaVersionId").is_some()).count(), 5);

    let idle = go_on(&world, &settings).await;
    assert_eq!(idle.calls, [("glue:GetDatabase".to_owned(), 1)].into());
    assert!(idle.tables.is_empty());
}

/// The run dies when it has started its first crawlers: the rest is started, though nobody noted that it was left.
#[tokio::test]
async fn the_timer_goes_on_for_a_run_that_was_killed() {
    let names = ["tbla", "tblb", "tblc"];
    let world = World::new(&names.map(|name| (name, &[ITEM][..]))).await;
    world.server.faults().add(Rule::new(
        "Glue.StartCrawler",
        Calls::Range(2..=99),
        Fault::Delay(Duration::from_secs(60)),
    ));
    let settings = Settings { concurrency: 1, ..Settings::default() };
    let run = world.sync(&settings);
    assert!(tokio::time::timeout(Duration::from_secs(5), run).await.is_err(), "killed");
    world.server.faults().clear();

    world.crawl_ended("tbla_crawler").await;
    let report = all_well(go_on(&world, &Settings::default()).await);
    let outcomes = names.map(|name| row(&report, name).outcome);
    assert_eq!(outcomes, [Outcome::Crawled, Outcome::Started, Outcome::Started], "{report:#?}");
    assert_eq!(row(&report, "tblc").actions, [Action::CreateRole, Action::CreateCrawler, Action::StartCrawler]);
    for name in ["tblb", "tblc"] {
        world.crawl_ended(&format!("{name}_crawler")).await;
    }
    assert_eq!(all_well(go_on(&world, &Settings::default()).await).summary.linked, 2);
    assert_eq!(note(&world).await, None);
}

#[tokio::test]
async fn the_timer_tells_of_a_crawl_that_failed_and_is_done_with_it() {
    let world = World::new(&[("tbla", &[r#"{"id":"#]), ("tblb", &[ITEM])]).await;
    all_well(world.sync(&Settings::default()).await);
    for name in ["tbla", "tblb"] {
        world.crawl_ended(&format!("{name}_crawler")).await;
    }
    let report = go_on(&world, &Settings::default()).await;
    assert_eq!((report.summary.failed, report.summary.linked, report.summary.started), (1, 1, 0), "{report:#?}");
    assert!(row(&report, "tbla").reason.as_ref().unwrap().starts_with("the crawl failed: "));
    assert_eq!(note(&world).await, None);
}

/// The settings change while a crawl runs: Glue refuses to change its crawler then.
#[tokio::test]
async fn a_running_crawler_that_has_drifted_is_set_right_when_it_has_ended() {
    let world = World::in_region("drifted", &[("tbla", &[ITEM])]).await;
    all_well(world.sync(&waiting()).await);
    world.server.faults().add(Rule::new("DynamoDB.Scan", Calls::Nth(1), Fault::Delay(Duration::from_secs(4))));
    all_well(world.sync(&Settings::default()).await);
    let slower = Settings { scan_rate: Some(0.2), ..Settings::default() };
    let deferred = world.sync(&slower).await;
    assert_eq!(row(&deferred, "tbla").outcome, Outcome::Deferred);
    insta::assert_snapshot!(row(&deferred, "tbla").reason.as_ref().unwrap(), @"its crawler needs an update but is running: it is updated and started when that crawl has ended");
    let report = all_well(world.sync(&Settings { wait: true, ..slower }).await);
    let tbla = row(&report, "tbla");
    assert_eq!(tbla.outcome, Outcome::Crawled);
    assert_eq!(tbla.actions[..2], [Action::UpdateCrawler, Action::StartCrawler], "{tbla:?}");
}

#[tokio::test]
async fn the_deadline_leaves_the_rest_deferred() {
    let names: Vec<String> = (0..12).map(|n| format!("table-{n:02}")).collect();
    let tables: Vec<(&str, &[&str])> = names.iter().map(|name| (name.as_str(), &[ITEM][..])).collect();
    let world = World::new(&tables).await;
    world.server.faults().add(Rule::new("Glue.CreateCrawler", Calls::Every, Fault::Delay(Duration::from_millis(600))));
    let settings = Settings { concurrency: 2, ..Settings::default() };
    let begin = Instant::now();
    // Half a minute of it is kept back.
    let deadline = Deadline::at(begin + Duration::from_millis(32_000));
    let report = sync::run(&session(&world.clients, &settings).with_deadline(deadline), Job::Sync).await.unwrap();
    assert!(begin.elapsed() < Duration::from_secs(12), "{:?}", begin.elapsed());
    let summary = &report.summary;
    assert!(summary.started >= 1 && summary.deferred >= 4, "{summary:?}");
    assert_eq!(summary.started + summary.deferred, 12, "{summary:?}");
    let deferred = report.tables.iter().find(|table| table.outcome == Outcome::Deferred).unwrap();
    insta::assert_snapshot!(deferred.reason.as_ref().unwrap(), @"the run was cut off before this was done; a later run does it");
    world.server.faults().clear();
    assert_eq!(all_well(world.sync(&waiting()).await).summary.crawled, 12);
}

#[tokio::test]
async fn a_run_that_waits_leaves_its_crawls_running_at_the_deadline() {
    let world = World::new(&[("tbla", &[ITEM])]).await;
    world.server.faults().add(Rule::new("DynamoDB.Scan", Calls::Every, Fault::Delay(Duration::from_secs(3))));
    let deadline = Deadline::at(Instant::now() + Duration::from_secs(31));
    let report = sync::run(&session(&world.clients, &waiting()).with_deadline(deadline), Job::Sync).await.unwrap();
    assert_eq!(row(&all_well(report), "tbla").outcome, Outcome::Started);
    assert!(note(&world).await.is_some(), "what it started is still to be linked");
    world.server.faults().clear();
    assert_eq!(all_well(world.sync(&waiting()).await).summary.linked, 1);
    assert_eq!(note(&world).await, None, "and is");
}

#[tokio::test]
async fn no_time_to_list_is_an_error() {
    let world = World::new(&[("tbla", &[ITEM])]).await;
    let deadline = Deadline::at(Instant::now() + Duration::from_secs(30));
    let error =
        sync::run(&session(&world.clients, &Settings::default()).with_deadline(deadline), Job::Sync).await.unwrap_err();
    assert_eq!(error.kind, Kind::Deadline);
    insta::assert_snapshot!(error.message, @"the run was cut off before everything was listed, so nothing was done. If its time was up, allow more");
}

#[tokio::test]
async fn a_native_crawl_that_takes_too_long_is_given_up() {
    let world = World::new(&[("tbla", &[ITEM]), ("tblb", &[ITEM]), ("tblc", &[ITEM])]).await;
    world.server.faults().add(Rule::new("DynamoDB.Scan", Calls::Every, Fault::Delay(Duration::from_millis(2000))));
    let settings = Settings { engine: sync::settings::Engine::Native, concurrency: 1, ..Settings::default() };
    let deadline = Deadline::at(Instant::now() + Duration::from_millis(33_500));
    let report = sync::run(&session(&world.clients, &settings).with_deadline(deadline), Job::Sync).await.unwrap();
    let (crawled, deferred) = (report.summary.crawled, report.summary.deferred);
    assert!(crawled >= 1 && deferred >= 1 && crawled + deferred == 3, "{:#?}", report.tables);
}
