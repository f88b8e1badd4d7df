//! Faults on the wire: one table's failure never stops the others, and a run after any fault converges.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crawl::Clients;
use crawl::options::DeleteBehavior;
use futures::future::join_all;
use futures::stream::{self, StreamExt};
use local::Unknowns;
use local::faults::{Calls, Fault, Rule};
use sync::progress::Event;
use sync::report::{Action, Outcome};
use sync::settings::{BeyondQuota, Engine};
use sync::{Job, Settings};

use crate::support::{REGION, World, WorldExt, all_well, only_linked_again, parameter, row, session, waiting};

const ITEM: &str = r#"{"id":{"S":"1"},"n":{"N":"1"}}"#;

/// Every operation of a first run.
const OPERATIONS: [&str; 22] = [
    "DynamoDB.DescribeTable",
    "DynamoDB.ListTables",
    "DynamoDB.Scan",
    "Glue.BatchGetCrawlers",
    "Glue.CreateCrawler",
    "Glue.CreateDatabase",
    "Glue.CreateRegistry",
    "Glue.CreateSchema",
    "Glue.CreateTable",
    "Glue.GetCrawlers",
    "Glue.GetDatabase",
    "Glue.GetSchemaVersion",
    "Glue.GetTable",
    "Glue.GetTables",
    "Glue.ListCrawlers",
    "Glue.StartCrawler",
    "Glue.UpdateTable",
    "IAM.CreateRole",
    "IAM.ListRoles",
    "IAM.PutRolePolicy",
    "IAM.UpdateRole",
    "STS.GetCallerIdentity",
];

/// Strikes the first call of one operation in a world and a region of its own, for each operation side by side: adaptive
/// retries slow down for seconds after a throttled call.
async fn strike_each(kind: &str, fault: Fault, after: bool) {
    let runs = OPERATIONS.iter().zip(1..).map(|(operation, number)| {
        let rule = Rule::new(*operation, Calls::Nth(1), fault.clone());
        let region = format!("{kind}-{number}");
        async move {
            let world = World::in_region(&region, &[("tbla", &[ITEM]), ("tblb", &[ITEM])]).await;
            world.server.faults().add(if after { rule.after() } else { rule });
            let report = all_well(world.sync(&waiting()).await);
            assert_eq!(report.summary.linked, 2, "{operation}");
            assert!(world.server.calls().contains_key(*operation), "{operation} was not called");
            only_linked_again(world.sync(&waiting()).await);
        }
    });
    join_all(runs).await;
}

#[tokio::test]
async fn throttling_of_every_operation_is_ridden_out() {
    strike_each("throttled", Fault::Throttle, false).await;
}

#[tokio::test]
async fn a_server_error_of_every_operation_is_ridden_out() {
    strike_each("failing", Fault::Status(503), false).await;
}

#[tokio::test]
async fn a_lost_request_of_every_operation_is_ridden_out() {
    strike_each("request-lost", Fault::Reset, false).await;
}

#[tokio::test]
async fn a_lost_answer_of_every_operation_is_ridden_out() {
    strike_each("answer-lost", Fault::Reset, true).await;
}

/// Another is at the same thing at the same moment: no SDK retries that, so the run does.
#[tokio::test]
async fn a_write_at_the_same_moment_as_another_is_made_again() {
    let writes = [
        "Glue.CreateDatabase",
        "Glue.UpdateDatabase",
        "Glue.CreateTable",
        "Glue.UpdateTable",
        "Glue.DeleteTable",
        "Glue.CreateRegistry",
        "Glue.CreateSchema",
        "Glue.RegisterSchemaVersion",
        "Glue.PutSchemaVersionMetadata",
    ];
    for write in writes {
        let world = World::new(&[("tbla", &[ITEM]), ("tblb", &[ITEM])]).await;
        let concurrent = Fault::Error { code: "ConcurrentModificationException", message: "somebody else".into() };
        world.server.faults().add(Rule::new(write, Calls::Range(1..=2), concurrent));
        if write == "Glue.UpdateDatabase" {
            let input = aws_sdk_glue::types::DatabaseInput::builder().name("ddb_tables").build().unwrap();
            world.clients.glue.create_database().database_input(input).send().await.unwrap();
        }
        let native =
            Settings { engine: Engine::Native, on_delete: DeleteBehavior::DeleteFromDatabase, ..Settings::default() };
        all_well(world.sync(&native).await);
        world.put("tbla", &[r#"{"id":{"S":"1"},"n":{"N":"1"},"more":{"S":"x"}}"#]);
        world.drop_table("tblb");
        all_well(world.sync(&native).await);
        assert!(world.server.calls().get(write).is_some_and(|calls| *calls > 2), "{write} was not made again");
        let tables = world.tables().await;
        assert_eq!(tables.keys().collect::<Vec<_>>(), ["tbla"], "{write}");
        assert_eq!(parameter(&tables["tbla"], "schemaVersionNumber"), Some("2"), "{write}");
        let database = world.clients.glue.get_database().name("ddb_tables").send().await.unwrap().database.unwrap();
        assert!(database.location_uri().unwrap().contains("dynamo-db-flag"), "{write}");
    }
}

#[tokio::test]
async fn a_run_cut_off_anywhere_converges() {
    let calls = {
        let world = World::new(&[("tbla", &[ITEM]), ("tblb", &[])]).await;
        all_well(world.sync(&waiting()).await);
        world.server.calls().values().sum::<u64>()
    };
    assert!(calls > 20, "{calls}");
    let cut_off = |cut: u64| async move {
        let world = World::new(&[("tbla", &[ITEM]), ("tblb", &[])]).await;
        // From the n-th call on, nothing goes through: the process might as well be killed.
        let denied = Fault::Error { code: "AccessDeniedException", message: "cut off".into() };
        world.server.faults().add(Rule::new("*", Calls::Range(cut..=u64::MAX), denied));
        let clients = Clients::local(world.server.url(), REGION);
        // One that is killed waits for no denial to pass.
        let killed = Settings { propagation_limit: 0, ..Settings::default() };
        let _ = sync::run(&session(&clients, &killed), Job::Sync).await;
        world.server.faults().clear();
        let report = all_well(world.sync(&waiting()).await);
        assert_eq!(report.summary.linked, 2, "cut at call {cut}");
        only_linked_again(world.sync(&waiting()).await);
    };
    stream::iter(1..=calls).for_each_concurrent(8, cut_off).await;
}

#[tokio::test]
async fn one_table_that_fails_stops_no_other() {
    let world = World::new(&[("good", &[ITEM]), ("bad", &[r#"{"id":{"S":"secret-value"},"n":{"N":"1"#])]).await;
    let report = world.sync(&waiting()).await;
    assert_eq!(row(&report, "good").outcome, Outcome::Crawled);
    assert_eq!(row(&report, "bad").outcome, Outcome::Failed);
    assert!(!format!("{report:?}").contains("secret-value"));
}

/// A new role takes up to half a minute to spread. Five refusals are 25 s of pauses.
#[tokio::test]
async fn a_role_that_glue_cannot_assume_yet_is_waited_for_while_others_go_on() {
    let world = World::new(&[("tbla", &[ITEM]), ("tblb", &[ITEM])]).await;
    let one_at_a_time = Settings { concurrency: 1, ..waiting() };
    let propagating = Fault::Error {
        code: "InvalidInputException",
        message: "Service is unable to assume provided role. Please verify role's TrustPolicy".into(),
    };
    world.server.faults().add(Rule::new("Glue.CreateCrawler", Calls::Nth(1), propagating.clone()));
    world.server.faults().add(Rule::new("Glue.CreateCrawler", Calls::Range(3..=6), propagating));
    let begin = Instant::now();
    let ended = Mutex::new(Vec::new());
    let clients = Clients::local(world.server.url(), REGION);
    let note = |event: Event<'_>| {
        if let Event::Done(table, _) = event {
            ended.lock().unwrap().push((table.to_owned(), begin.elapsed()));
        }
    };
    let report = all_well(sync::run(&session(&clients, &one_at_a_time).with_progress(&note), Job::Sync).await.unwrap());
    assert_eq!((report.summary.crawled, report.calls["glue:CreateCrawler"]), (2, 7));
    let ended = ended.into_inner().unwrap();
    assert_eq!([ended[0].0.as_str(), ended[1].0.as_str()], ["tblb", "tbla"]);
    assert!(ended[0].1 < Duration::from_secs(5) && ended[1].1 > Duration::from_secs(20), "{ended:?}");
}

#[tokio::test]
async fn a_role_that_iam_does_not_know_everywhere_yet_is_waited_for() {
    let world = World::new(&[("tbla", &[ITEM])]).await;
    let unknown = Fault::Error { code: "NoSuchEntity", message: "The role with name x cannot be found.".into() };
    world.server.faults().add(Rule::new("IAM.PutRolePolicy", Calls::Nth(1), unknown));
    assert_eq!(all_well(world.sync(&waiting()).await).summary.crawled, 1);
}

/// Conditions on the tags and the boundary of what is new are not met everywhere at once.
#[tokio::test]
async fn a_denial_of_what_was_just_made_is_ridden_out() {
    for operation in
        ["IAM.PutRolePolicy", "IAM.UpdateRole", "Glue.CreateCrawler", "Glue.StartCrawler", "Glue.BatchGetCrawlers"]
    {
        let world = World::new(&[("tbla", &[ITEM])]).await;
        world.server.faults().add(Rule::new(operation, Calls::Nth(1), denied(operation)));
        assert_eq!(all_well(world.sync(&waiting()).await).summary.crawled, 1, "{operation}");
    }
}

#[tokio::test]
async fn a_denial_of_what_is_old_is_told_at_once() {
    let world = World::new(&[("tbla", &[ITEM])]).await;
    all_well(world.sync(&waiting()).await);
    world.server.faults().add(Rule::new("Glue.StartCrawler", Calls::Every, denied("Glue.StartCrawler")));
    let begin = Instant::now();
    let report = world.sync(&waiting()).await;
    assert!(row(&report, "tbla").reason.as_ref().unwrap().contains("AccessDenied"), "{report:#?}");
    assert!(begin.elapsed() < Duration::from_secs(5));
}

fn denied(operation: &str) -> Fault {
    let code = if operation.starts_with("IAM") { "AccessDenied" } else { "AccessDeniedException" };
    Fault::Error { code, message: format!("User: x is not authorized to perform: {operation}") }
}

#[tokio::test]
async fn a_role_that_somebody_else_is_writing_too_is_written_again() {
    let world = World::new(&[("tbla", &[ITEM])]).await;
    let busy = Fault::Error { code: "ConcurrentModification", message: "The request was rejected.".into() };
    world.server.faults().add(Rule::new("IAM.UpdateRole", Calls::Nth(1), busy));
    assert_eq!(all_well(world.sync(&waiting()).await).summary.crawled, 1);
}

#[tokio::test]
async fn a_quota_that_nobody_knew_of_sends_tables_to_the_native_engine() {
    let world =
        World::start(REGION, Unknowns { crawlers: 1, ..Unknowns::default() }, &[("tbla", &[ITEM]), ("tblb", &[ITEM])])
            .await;
    let one_at_a_time = Settings { concurrency: 1, ..waiting() };
    let deferred = world.sync(&Settings { beyond_quota: BeyondQuota::Defer, ..one_at_a_time.clone() }).await;
    assert_eq!(
        (deferred.summary.crawled, deferred.summary.deferred, deferred.summary.failed),
        (1, 1, 0),
        "{deferred:#?}"
    );
    let report = all_well(world.sync(&one_at_a_time).await);
    let tblb = row(&report, "tblb");
    assert_eq!((tblb.outcome, &tblb.crawler), (Outcome::Crawled, &None));
    assert!(tblb.reason.as_ref().unwrap().contains("ResourceNumberLimitExceededException"), "{tblb:?}");
    assert_eq!((report.summary.linked, report.quotas.unwrap().beyond), (2, 1));
}

#[tokio::test]
async fn quotas_are_known_before_anything_is_made() {
    let tables = ["tbla", "tblb", "tblc"].map(|name| (name, &[ITEM][..]));
    let world = World::start(REGION, Unknowns { roles: 52, ..Unknowns::default() }, &tables).await;
    let planned = world.sync(&Settings { dry_run: true, ..waiting() }).await;
    let quotas = planned.quotas.clone().unwrap();
    assert_eq!((quotas.roles.used, quotas.roles.needed, quotas.roles.limit, quotas.beyond), (0, 3, 2, 1));
    insta::assert_snapshot!(quotas.reason(), @"the quota of IAM roles: 0 in use, 3 more needed, 2 allowed, less role_headroom; request an increase (Service Quotas, IAM, roles per account)");
    assert_eq!(row(&planned, "tblc").actions, [Action::Crawl, Action::CreateTable]);

    let report = all_well(world.sync(&waiting()).await);
    assert_eq!((report.summary.crawled, report.summary.linked), (3, 3));
    let calls = world.server.calls();
    assert_eq!((calls["IAM.CreateRole"], calls["Glue.CreateCrawler"]), (2, 2), "none that is of no use");
    assert_eq!(parameter(&world.table("tblc").await, "UPDATED_BY_CRAWLER"), Some("glue-ddb-crawler"));
    // With room again the table gets its crawler.
    let later = all_well(world.sync(&Settings { role_headroom: 0, ..waiting() }).await);
    assert_eq!(row(&later, "tblc").crawler.as_deref(), Some("tblc_crawler"));

    let few = Settings {
        role_headroom: 0,
        crawler_quota: 1,
        beyond_quota: BeyondQuota::Defer,
        include: vec!["new".into()],
        ..waiting()
    };
    world.put("new", &[ITEM]);
    let report = world.sync(&few).await;
    insta::assert_snapshot!(row(&report, "new").reason.as_ref().unwrap(), @"the quota of crawlers: 3 in use, 1 more needed, 1 allowed; request an increase (Service Quotas, AWS Glue, L-11FA2C1A) and set crawler_quota");
}

#[tokio::test]
async fn a_running_crawler_is_as_good_as_started() {
    let world = World::new(&[("tbla", &[ITEM])]).await;
    let running = Fault::Error {
        code: "CrawlerRunningException",
        message: "Crawler with name tbla_crawler has already started".into(),
    };
    world.server.faults().add(Rule::new("Glue.StartCrawler", Calls::Nth(1), running));
    let report = all_well(world.sync(&Settings::default()).await);
    assert_eq!(row(&report, "tbla").outcome, Outcome::Started);
}

/// Runs that overlap: one lists the crawlers by tag, another makes a crawler, the first lists all crawlers.
#[tokio::test]
async fn a_crawler_that_another_run_has_just_made_is_ours() {
    let world = World::new(&[("tbla", &[ITEM])]).await;
    all_well(world.sync(&waiting()).await);
    for settings in [waiting(), Settings { scan_rate: Some(1.0), ..waiting() }] {
        let none = Fault::Answer(r#"{"CrawlerNames":[]}"#.into());
        world.server.faults().add(Rule::new("Glue.ListCrawlers", Calls::Nth(1), none));
        let report = all_well(world.sync(&settings).await);
        let updated = row(&report, "tbla").actions.contains(&Action::UpdateCrawler);
        assert_eq!((row(&report, "tbla").outcome, updated), (Outcome::Crawled, settings.scan_rate.is_some()));
        world.server.faults().clear();
    }
}

/// A crawl that was running when the run came, and failed, may have been of other settings, or of a process that was killed.
#[tokio::test]
async fn a_crawl_of_somebody_else_that_fails_is_made_again() {
    let world = World::new(&[("tbla", &[ITEM])]).await;
    all_well(world.sync(&waiting()).await);
    world.server.faults().add(Rule::new("DynamoDB.Scan", Calls::Nth(1), Fault::Delay(Duration::from_secs(2))));
    world.clients.glue.start_crawler().name("tbla_crawler").send().await.unwrap();
    let stop = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        world.clients.glue.stop_crawler().name("tbla_crawler").send().await.unwrap();
    };
    let settings = waiting();
    let (report, ()) = tokio::join!(world.sync(&settings), stop);
    assert_eq!(row(&all_well(report), "tbla").outcome, Outcome::Crawled);
}

#[tokio::test]
async fn a_failed_crawl_is_reported_with_its_reason() {
    let world = World::new(&[("tbla", &[ITEM])]).await;
    all_well(world.sync(&Settings { no_start: true, ..Settings::default() }).await);
    world
        .clients
        .iam
        .delete_role_policy()
        .role_name("tbla_crawler_eu-west-1")
        .policy_name("glue-ddb-crawler")
        .send()
        .await
        .unwrap();
    let report = world.sync(&waiting()).await;
    let row = row(&report, "tbla");
    assert_eq!(row.outcome, Outcome::Failed);
    assert!(row.reason.as_ref().unwrap().contains("the crawl failed"), "{row:?}");
    // A run that does not wait tells what became of the crawl before. It sees that the crawl was denied, and writes the
    // role again.
    let report = all_well(world.sync(&Settings::default()).await);
    let row = self::row(&report, "tbla");
    assert_eq!((row.outcome, row.actions[0]), (Outcome::Started, Action::RepairRole));
    assert!(row.reason.as_ref().unwrap().starts_with("the previous crawl failed: "), "{row:?}");
    assert_eq!(all_well(world.sync(&waiting()).await).summary.crawled, 1);
    only_linked_again(world.sync(&waiting()).await);
}

#[tokio::test]
async fn a_listing_refused_before_linking_does_not_lose_the_report() {
    let world = World::new(&[("tbla", &[ITEM])]).await;
    let denied = Fault::Error { code: "AccessDeniedException", message: "not allowed".into() };
    world.server.faults().add(Rule::new("Glue.GetTables", Calls::Nth(1), denied));
    let report = world.sync(&waiting()).await;
    let tbla = row(&report, "tbla");
    assert_eq!(tbla.outcome, Outcome::Failed);
    assert!(tbla.reason.as_ref().unwrap().starts_with("not linked: glue:GetTables: AccessDeniedException"), "{tbla:?}");
    assert_eq!(all_well(world.sync(&waiting()).await).summary.linked, 1);
}

/// The tables are listed beside the catalog: one that was made and crawled meanwhile only looks as if it were gone.
#[tokio::test]
async fn a_table_that_was_only_missing_from_the_listing_is_not_retired() {
    let world = World::new(&[("tbla", &[ITEM])]).await;
    all_well(world.sync(&waiting()).await);
    let listed = world.table("tbla").await;
    let gone = sync::plan::Vanished {
        table: "tbla".into(),
        catalog_table: "tbla".into(),
        instead: None,
        behavior: DeleteBehavior::DeleteFromDatabase,
    };
    let refused = sync::apply::retire(&world.clients, "ddb_tables", &gone, &listed).await.unwrap_err();
    assert_eq!(refused.kind, crawl::Kind::Conflict);
    assert_eq!(world.table("tbla").await, listed);
}

#[tokio::test]
async fn a_table_deleted_since_it_was_listed_is_no_failure() {
    let native = Settings { engine: Engine::Native, ..Settings::default() };
    for settings in [&native, &waiting()] {
        let world = World::new(&[("tbla", &[ITEM]), ("tblb", &[ITEM]), ("tblc", &[ITEM])]).await;
        world.drop_table("tblc");
        all_well(world.sync(settings).await);
        world.drop_table("tblb");
        let listed = r#"{"TableNames":["tbla","tblb","tblc"]}"#;
        world.server.faults().add(Rule::new("DynamoDB.ListTables", Calls::Nth(1), Fault::Answer(listed.into())));
        let report = all_well(world.sync(settings).await);
        assert_eq!(row(&report, "tbla").outcome, Outcome::Crawled);
        assert_eq!(row(&report, "tblc").outcome, Outcome::Vanished);
        // Glue's crawl of a table that is gone succeeds, and marks the catalog table.
        assert_eq!(row(&report, "tblb").outcome == Outcome::Vanished, settings.engine == Engine::Native);
        assert!(parameter(&world.table("tblb").await, "DEPRECATED_BY_CRAWLER").is_some());
        world.server.faults().clear();
        all_well(world.sync(settings).await);
    }
}
