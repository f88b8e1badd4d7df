//! How the native engine reads: segments, the read budget, samples, memory, and what can go wrong on the way.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use aws_credential_types::provider::SharedCredentialsProvider;
use crawl::options::Sample;
use crawl::{Clients, Deadline};
use local::faults::{Calls, Fault, Rule};
use sync::report::{Outcome, ReadReport};
use sync::settings::Engine;
use sync::{Job, Report, Settings};

use crate::support::{Sessions, World, WorldExt, all_well, columns, parameter, row, session};

/// `count` items of about 1 KB. One in a hundred has an attribute `rare`.
fn items(count: usize) -> Vec<String> {
    let item = |i| {
        let rare = if i % 100 == 7 { r#","rare":{"BOOL":true}"# } else { "" };
        format!(r#"{{"id":{{"S":"{i}"}},"n":{{"N":"{i}"}},"t":{{"S":"{}"}}{rare}}}"#, "x".repeat(1000))
    };
    (0..count).map(item).collect()
}

/// A region for each test: throttled tables share nothing with others, but their clients' other calls do.
async fn world(region: &str, count: usize) -> World {
    let items = items(count);
    World::in_region(region, &[("big", &items.iter().map(String::as_str).collect::<Vec<_>>())]).await
}

fn native() -> Settings {
    Settings { engine: Engine::Native, ..Settings::default() }
}

fn read(report: &Report) -> ReadReport {
    row(report, "big").read.clone().expect("read in this run")
}

#[tokio::test]
async fn segments_in_any_number_give_the_same() {
    let world = world("segments", 3000).await;
    let mut kept = Vec::new();
    for segments in [None, Some(1), Some(7), Some(500)] {
        let report = all_well(world.sync(&Settings { segments, forget: true, ..native() }).await);
        let ReadReport { items, complete, missed_below, .. } = read(&report);
        assert_eq!((items, complete, missed_below), (3000, true, None));
        assert!(report.calls["dynamodb:Scan"] >= u64::from(segments.unwrap_or(3)));
        kept.push(parameter(&world.table("big").await, "shape").unwrap().to_owned());
    }
    kept.dedup();
    assert_eq!(kept.len(), 1);
}

/// Tables say how large they are up to six hours late; a new one says 0.
#[tokio::test]
async fn a_table_larger_than_it_says_is_read_in_segments() {
    let world = world("stale", 10_000).await;
    let new = r#"{"Table":{"TableName":"big","ItemCount":0,"TableSizeBytes":0,
        "BillingModeSummary":{"BillingMode":"PAY_PER_REQUEST"},
        "AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],
        "KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]}}"#;
    world.server.faults().add(Rule::new("DynamoDB.DescribeTable", Calls::Every, Fault::Answer(new.into())));
    let report = all_well(world.sync(&native()).await);
    let ReadReport { items, complete, read_units, .. } = read(&report);
    assert_eq!((items, complete), (10_000, true));
    assert_eq!(report.calls["dynamodb:Scan"], 8 + 64);
    // 10 MB, and the first 8 MB of them twice.
    assert!((2200.0..2500.0).contains(&read_units), "{read_units}");
    world.server.faults().clear();
    let known = all_well(world.sync(&native()).await);
    assert_eq!(known.calls["dynamodb:Scan"], 64);
}

/// Each fault strikes some page of a scan in eight segments; every item is counted once.
#[tokio::test]
async fn whatever_happens_to_a_page_its_items_count_once() {
    let world = world("struck", 6000).await;
    let settings = Settings { segments: Some(8), forget: true, ..native() };
    all_well(world.sync(&settings).await);
    let clean = parameter(&world.table("big").await, "shape").unwrap().to_owned();
    // Not what its CRC32 is for.
    let damaged = Fault::Answer(r#"{"Count":1,"Items":[{"id":{"S":"?"},"never":{"S":""}}]}"#.into());
    let faults = || {
        vec![
            ("lost in a page", vec![(Fault::Reset, true, 3..=3)]),
            ("lost before a page", vec![(Fault::Reset, false, 2..=4)]),
            ("damaged", vec![(damaged.clone(), false, 5..=6)]),
            ("failing", vec![(Fault::Status(500), true, 1..=3)]),
            ("throttled", vec![(Fault::Throttle, false, 2..=30)]),
            ("damaged, then throttled", vec![(damaged.clone(), false, 1..=8), (Fault::Throttle, false, 9..=12)]),
        ]
    };
    for (what, rules) in faults() {
        for (fault, after, calls) in rules {
            let rule = Rule::new("DynamoDB.Scan", Calls::Range(calls), fault);
            world.server.faults().add(if after { rule.after() } else { rule });
        }
        let report = all_well(world.sync(&settings).await);
        assert_eq!(read(&report).items, 6000, "{what}");
        assert!(report.calls["dynamodb:Scan"] > 8, "{what}: {:?}", report.calls);
        assert_eq!(parameter(&world.table("big").await, "shape"), Some(clean.as_str()), "{what}");
        world.server.faults().clear();
    }
}

#[tokio::test]
async fn a_refusal_in_mid_scan_publishes_nothing() {
    let world = world("refused", 3000).await;
    let settings = Settings { segments: Some(4), ..native() };
    let wrong = Fault::Error { code: "ValidationException", message: "wrong".into() };
    world.server.faults().add(Rule::new("DynamoDB.Scan", Calls::Nth(3), wrong));
    let report = world.sync(&settings).await;
    let big = row(&report, "big");
    assert_eq!(
        (big.outcome, big.reason.as_deref()),
        (Outcome::Failed, Some("dynamodb:Scan: ValidationException: wrong"))
    );
    assert!(world.tables().await.is_empty());
    assert_eq!(read(&all_well(world.sync(&settings).await)).items, 3000);
}

#[tokio::test]
async fn credentials_that_expire_in_mid_scan_are_asked_for_again() {
    let world = world("expired", 3000).await;
    let sessions = Sessions::default();
    let config = crawl::aws::local_config(world.server.url(), "expired").into_builder();
    let config = config.credentials_provider(SharedCredentialsProvider::new(sessions.clone())).build();
    let expired = Fault::Error { code: "ExpiredTokenException", message: "The security token is expired".into() };
    let run = async |settings: &Settings| {
        let clients = Clients::new(&config);
        let report = sync::run(&session(&clients, settings), Job::Sync).await.unwrap();
        (report, sessions.0.swap(0, Ordering::Relaxed))
    };
    let settings = Settings { segments: Some(4), ..native() };
    let (_, asked) = run(&settings).await;
    world.server.faults().add(Rule::new("DynamoDB.Scan", Calls::Nth(3), expired.clone()));
    let (report, asked_again) = run(&settings).await;
    assert_eq!(read(&all_well(report)).items, 3000);
    assert_eq!(asked_again, asked + 1);

    world.server.faults().add(Rule::new("DynamoDB.Scan", Calls::Every, expired));
    let (report, _) = run(&settings).await;
    assert_eq!(row(&report, "big").outcome, Outcome::Failed, "those asked for are no better");
}

#[tokio::test]
async fn ten_seconds_of_throttling_are_ridden_out() {
    let world = world("throttled-long", 5000).await;
    world.server.faults().add(Rule::new("DynamoDB.Scan", Calls::Every, Fault::Throttle));
    let faults = world.server.faults();
    let begin = Instant::now();
    let relief = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        faults.clear();
    };
    let settings = Settings { segments: Some(8), ..native() };
    let (report, ()) = tokio::join!(world.sync(&settings), relief);
    assert_eq!(read(&all_well(report)).items, 5000);
    let after = begin.elapsed().as_secs_f64() - 10.0;
    assert!(after < 15.0, "{after} s after it ended");
}

/// 1,000 items of 1 KB are 125 units: at 50 a second the last page begins 2 s after the first, when this many are left.
#[tokio::test]
async fn a_small_budget_takes_small_pages() {
    let world = world("slow", 1000).await;
    let begin = Instant::now();
    let report = all_well(world.sync(&Settings { max_rcu: Some(50.0), ..native() }).await);
    let ReadReport { items, read_units, complete, .. } = read(&report);
    assert_eq!((items, complete), (1000, true));
    assert!((120.0..140.0).contains(&read_units), "{read_units}");
    assert!(report.calls["dynamodb:Scan"] >= 3, "{:?}", report.calls);
    assert!(begin.elapsed() >= Duration::from_secs_f64(read_units / 50.0 - 1.0), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_sample_is_spread_and_says_what_it_may_have_missed() {
    let world = world("sampled", 10_000).await;
    let sampled = |sample| Settings { sample, ..native() };
    let report = all_well(world.sync(&sampled(Sample::Items(500))).await);
    let some = read(&report);
    assert!((500..=532).contains(&some.items) && !some.complete, "{some:?}");
    assert!(some.read_units < 120.0, "{some:?}");
    // 500 draws: 1 - 0.01^(1/500).
    assert!((0.0085..0.0093).contains(&some.missed_below.unwrap()), "{some:?}");
    assert_eq!(parameter(&world.table("big").await, "recordCount"), Some("10000"), "as DynamoDB counts them");

    let auto = read(&all_well(world.sync(&sampled(Sample::Auto)).await));
    assert!((4603..6000).contains(&auto.items) && !auto.complete, "{auto:?}");
    assert!(auto.missed_below.unwrap() < 0.001, "{auto:?}");
    assert!(columns(&world.table("big").await).contains(&"rare: boolean".to_owned()));
}

#[tokio::test]
async fn a_sample_of_a_small_table_is_all_of_it() {
    let world = world("sampled-small", 300).await;
    for sample in [Sample::Auto, Sample::Items(300)] {
        let report = all_well(world.sync(&Settings { sample, ..native() }).await);
        let all = read(&report);
        assert_eq!((all.items, all.complete, all.missed_below), (300, true, None), "{sample:?}");
        assert_eq!(report.calls["dynamodb:Scan"], 1);
    }
    let some = read(&all_well(world.sync(&Settings { sample: Sample::Items(100), ..native() }).await));
    assert!((100..300).contains(&some.items) && !some.complete, "{some:?}");
}

#[tokio::test]
async fn a_sample_narrows_nothing() {
    let world = world("memory", 2000).await;
    all_well(world.sync(&native()).await);
    let full = world.table("big").await;
    let sampled = Settings { sample: Sample::Items(1), ..native() };
    let report = all_well(world.sync(&sampled).await);
    assert!(read(&report).items < 100);
    assert_eq!(columns(&world.table("big").await), columns(&full));

    // What the items no longer hold is still known, until the settings say to forget it.
    world.put("big", &[r#"{"id":{"S":"1"}}"#]);
    all_well(world.sync(&native()).await);
    assert_eq!(columns(&world.table("big").await), columns(&full));
    all_well(world.sync(&Settings { forget: true, ..native() }).await);
    assert_eq!(columns(&world.table("big").await), ["id: string"]);
}

#[tokio::test]
async fn two_parts_give_what_the_whole_gives() {
    let parts = [
        r#"{"id":{"S":"1"},"n":{"N":"12345678901234567890"}}"#,
        r#"{"id":{"S":"2"},"n":{"N":"0.5"},"x":{"NULL":true}}"#,
    ];
    let whole = World::in_region("whole", &[("big", &parts)]).await;
    all_well(whole.sync(&native()).await);
    let parted = World::in_region("parted", &[("big", &parts[..1])]).await;
    all_well(parted.sync(&native()).await);
    parted.put("big", &parts[1..]);
    all_well(parted.sync(&native()).await);
    let (whole, parted) = (whole.table("big").await, parted.table("big").await);
    assert_eq!(columns(&whole), columns(&parted));
    assert_eq!(parameter(&whole, "shape"), parameter(&parted, "shape"));
}

/// Not one of three: more digits, under the same type, are written, or a later crawl would settle on a type too narrow.
#[tokio::test]
async fn what_only_the_memory_needs_is_written_once() {
    let item = |digits: &str| format!(r#"{{"id":{{"S":"1"}},"n":{{"N":"{digits}"}}}}"#);
    let world = World::in_region("grown", &[("big", &[&item("1")])]).await;
    let written = |report: &Report| report.calls.get("glue:UpdateTable").copied();
    let first = all_well(world.sync(&native()).await);
    assert_eq!(written(&first), Some(1), "the link");
    assert_eq!(written(&all_well(world.sync(&native()).await)), None, "only counts grew");
    let (before, version) = (world.table("big").await, world.table("big").await.version_id);
    world.put("big", &[&item("2")]);
    assert_eq!(written(&all_well(world.sync(&native()).await)), None);
    assert_eq!(world.table("big").await.version_id, version);
    world.put("big", &[&item("3000000")]);
    all_well(world.sync(&native()).await);
    let grown = world.table("big").await;
    assert_eq!(columns(&grown), columns(&before));
    assert_ne!(parameter(&grown, "shape"), parameter(&before, "shape"));
}

#[tokio::test]
async fn a_dry_run_says_what_reading_costs() {
    let world = world("estimated", 10_000).await;
    let report = world.sync(&Settings { dry_run: true, read_price: 1.0, ..native() }).await;
    let estimate = row(&report, "big").estimate.clone().unwrap();
    assert_eq!((estimate.items, report.calls["dynamodb:DescribeTable"]), (10_000, 1));
    assert!((1200.0..1300.0).contains(&estimate.full.read_units), "{estimate:?}");
    assert!((estimate.full.dollars - estimate.full.read_units / 1e6).abs() < 1e-12, "{estimate:?}");
    assert_eq!(estimate.sampled.items, 4603);
    assert!(!report.calls.contains_key("dynamodb:Scan"));
    let managed = world.sync(&Settings { dry_run: true, ..Settings::default() }).await;
    assert_eq!(row(&managed, "big").estimate, None, "Glue reads, not this program");
    let month = managed.monthly.unwrap();
    assert_eq!((month.runs, month.tables), (30, 1));
    let reads = 30.0 * 0.125 * estimate.full.read_units / 1e6;
    assert!((month.native_dollars - reads).abs() < 1e-9, "{month:?}");
    assert!((month.managed_dollars - 30.0 * 0.147 - reads).abs() < 1e-9, "{month:?}");
}

#[tokio::test]
async fn a_crawl_that_was_cut_off_goes_on_where_it_was() {
    let world = world("cut-off", 3000).await;
    let settings = Settings { segments: Some(16), max_rcu: Some(120.0), forget: true, ..native() };
    let clients = Clients::local(world.server.url(), "cut-off");
    // Half a minute before the end nothing more is read: 1.5 s are for some of 375 units.
    let deadline = Deadline::at(tokio::time::Instant::now() + Duration::from_millis(31_500));
    let report = sync::run(&session(&clients, &settings).with_deadline(deadline), Job::Sync).await.unwrap();
    let big = row(&report, "big");
    assert_eq!(big.outcome, Outcome::Deferred, "{big:?}");
    let reason = big.reason.as_ref().unwrap();
    assert!(reason.ends_with("items; a later run goes on from there"), "{reason}");
    let cut = world.table("big").await;
    assert!(parameter(&cut, "crawl").unwrap().contains(r#""segments":16"#));
    assert_eq!(columns(&cut)[..2], ["id: string", "n: bigint"]);

    let report = all_well(world.sync(&settings).await);
    let rest = read(&report);
    assert!(rest.complete && (1..3000).contains(&rest.items), "{rest:?}");
    let whole = world.table("big").await;
    assert_eq!((parameter(&whole, "crawl"), parameter(&whole, "recordCount")), (None, Some("3000")));
    let shape = parameter(&whole, "shape").unwrap();
    all_well(world.sync(&Settings { max_rcu: None, ..settings }).await);
    assert_eq!(parameter(&world.table("big").await, "shape"), Some(shape), "as if read in one go");
}

/// Two segments of about a second each: nothing is finished by the time.
#[tokio::test]
async fn a_crawl_that_had_finished_nothing_begins_anew() {
    let world = world("cut-early", 2000).await;
    let settings = Settings { segments: Some(2), max_rcu: Some(20.0), ..native() };
    let clients = Clients::local(world.server.url(), "cut-early");
    let deadline = Deadline::at(tokio::time::Instant::now() + Duration::from_millis(31_000));
    let report = sync::run(&session(&clients, &settings).with_deadline(deadline), Job::Sync).await.unwrap();
    assert_eq!(row(&report, "big").outcome, Outcome::Deferred);
    assert!(world.tables().await.is_empty());
    let ReadReport { items, complete, .. } = read(&all_well(world.sync(&native()).await));
    assert_eq!((items, complete), (2000, true));
}
