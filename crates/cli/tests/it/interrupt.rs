//! Ctrl-C: what was read is kept, and the next run goes on from there.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::time::{Duration, Instant};

use local::faults::{Calls, Fault, Rule};
use local::{Config, Server, Source};
use serde_json::Value;
use testkit::{Process, serve};

use crate::run::{Done, Shell, command};

/// A run in the background.
struct Running {
    child: Process,
    stderr: BufReader<std::process::ChildStderr>,
    said: String,
}

impl Running {
    fn new(shell: &Shell, args: &[&str], environment: &[(&str, &str)]) -> Running {
        let mut command = command(shell.folder.path());
        command.args(args).envs(environment.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Process::start(&mut command);
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Running { child, stderr, said: String::new() }
    }

    /// Waits until it says `text` on stderr.
    fn says(&mut self, text: &str) {
        while !self.said.contains(text) {
            assert_ne!(self.stderr.read_line(&mut self.said).unwrap(), 0, "{}", self.said);
        }
    }

    fn ended(mut self) -> Done {
        let mut stdout = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        self.stderr.read_to_string(&mut self.said).unwrap();
        Done { code: self.child.wait().unwrap().code().unwrap(), stdout, stderr: std::mem::take(&mut self.said) }
    }
}

const SAYS: &str = "interrupted: ending the run; Ctrl-C again to quit at once\n";

/// `big`, 3,000 items of 1 KB, and an endpoint that serves it.
async fn world() -> (Shell, Server) {
    let shell = Shell::new();
    let item = |i| format!(r#"{{"id":{{"S":"{i}"}},"n":{{"N":"{i}"}},"t":{{"S":"{}"}}}}"#, "x".repeat(1000));
    let items: Vec<String> = (0..3000).map(item).collect();
    shell.table("tables", "big", &items.iter().map(String::as_str).collect::<Vec<_>>());
    let source = Source::Files(shell.path("tables"));
    let server = serve(Config { source, ..Config::default() }).await;
    (shell, server)
}

/// Sixteen segments of 23 read units, one after the other: five a second.
fn environment(url: &str) -> Vec<(&str, &str)> {
    vec![
        ("AWS_ENDPOINT_URL", url),
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("AWS_REGION", "eu-west-1"),
        ("GLUE_DDB_CRAWLER_SEGMENTS", "16"),
        ("GLUE_DDB_CRAWLER_MAX_RCU", "120"),
    ]
}

fn report(done: &Done) -> Value {
    serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", done.stdout, done.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_crawl_goes_on_from_an_interrupt() {
    let (shell, server) = world().await;
    for (command, signal) in [
        (&["crawl", "big", "--output", "json"][..], "-INT"),
        (&["sync", "--engine", "native", "--output", "json"], "-TERM"),
    ] {
        let environment = [&environment(server.url())[..], &[("GLUE_DDB_CRAWLER_FORGET", "true")]].concat();
        let scans = || server.calls().get("DynamoDB.Scan").copied().unwrap_or_default();
        let before = scans();
        let crawl = Running::new(&shell, command, &environment);
        while scans() < before + 6 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        crawl.child.signal(signal);
        let done = crawl.ended();
        assert_eq!((done.code, done.stderr.as_str()), (130, SAYS));
        let cut = report(&done);
        assert_eq!((&cut["summary"]["deferred"], &cut["tables"][0]["outcome"]), (&1.into(), &"deferred".into()));
        let reason = cut["tables"][0]["reason"].as_str().unwrap();
        let items = reason.strip_prefix("the run was cut off after ").unwrap();
        let items: u64 = items.strip_suffix(" items; a later run goes on from there").unwrap().parse().unwrap();
        assert!((1..3000).contains(&items), "{reason}");

        let done = shell.run_with(command, &environment, b"");
        assert_eq!(done.code, 0, "{}", done.stderr);
        let rest = &report(&done)["tables"][0]["read"];
        assert_eq!((rest["items"].as_u64(), &rest["complete"]), (Some(3000 - items), &true.into()));

        let table = crawl::Clients::local(server.url(), "eu-west-1").glue.get_table();
        let table = table.database_name("ddb_tables").name("big").send().await.unwrap().table.unwrap();
        assert_eq!(table.parameters().unwrap()["recordCount"], "3000");
        assert!(!table.parameters().unwrap().contains_key("crawl"), "nothing is left to be read");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_interrupt_ends_it_at_once() {
    let (shell, server) = world().await;
    let stuck = Fault::Delay(Duration::from_secs(60));
    server.faults().add(Rule::new("Glue.CreateTable", Calls::Every, stuck));
    let mut crawl = Running::new(&shell, &["crawl", "big"], &environment(server.url())[..4]);
    while !server.calls().contains_key("Glue.CreateTable") {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let begin = Instant::now();
    crawl.child.signal("-INT");
    crawl.says(SAYS);
    crawl.child.signal("-INT");
    let done = crawl.ended();
    assert_eq!((done.code, done.stdout.as_str()), (130, ""));
    assert!(begin.elapsed() < Duration::from_secs(5));
}

/// Two runs share a state. The crawl of the one that is killed is nobody's any more: the other, which waits for it, and an
/// endpoint that looks on, see so at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_crawl_of_a_killed_process_is_over_for_all_others() {
    let (shell, behind) = world().await;
    let stuck = Fault::Delay(Duration::from_secs(600));
    behind.faults().add(Rule::new("DynamoDB.Scan", Calls::Nth(1), stuck));
    let environment = [
        ("AWS_ENDPOINT_URL_DYNAMODB", behind.url()),
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("AWS_REGION", "eu-west-1"),
    ];
    let args = ["sync", "--local", "--wait", "--output", "json"];
    let killed = Running::new(&shell, &args, &environment);
    let scanned = || behind.calls().get("DynamoDB.Scan").is_some_and(|calls| *calls > 0);
    while !scanned() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let state = Some(shell.path(".glue-ddb-crawler"));
    let looking = serve(Config { state, ..Config::default() }).await;
    let glue = crawl::Clients::local(looking.url(), "eu-west-1").glue;
    let crawler = || async { glue.get_crawler().name("big_crawler").send().await.unwrap().crawler.unwrap() };
    assert_eq!(crawler().await.state().unwrap().as_str(), "RUNNING");

    let waiting = Running::new(&shell, &args, &environment);
    while behind.calls().get("DynamoDB.ListTables").is_none_or(|calls| *calls < 2) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    killed.child.signal("-KILL");
    let done = waiting.ended();
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    assert_eq!(report(&done)["tables"][0]["outcome"], "crawled");
    assert_eq!(crawler().await.state().unwrap().as_str(), "READY");
    assert_eq!(glue.list_crawls().crawler_name("big_crawler").send().await.unwrap().crawls().len(), 2);
}

/// Two read units a second: reading would take more than a minute.
#[test]
fn crawlers_of_the_embedded_endpoint_end_with_it() {
    let shell = Shell::new();
    let line = format!(r#"{{"id":{{"S":"1"}},"t":{{"S":"{}"}}}}"#, "x".repeat(100_000));
    shell.table("tables", "slow", &[line.as_str(); 10]);
    shell.write("tables/slow.json", r#"{"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"ProvisionedThroughput":{"ReadCapacityUnits":4,"WriteCapacityUnits":1}}"#);
    let mut sync = Running::new(&shell, &["sync", "--local", "tables", "-vv"], &[]);
    sync.says("crawl started");
    sync.child.signal("-INT");
    sync.says(SAYS);
    let done = sync.ended();
    assert_eq!(done.code, 130, "{}", done.stderr);
    assert!(done.stdout.contains("crawler started; new role, crawler"), "{}", done.stdout);
    assert!(done.stderr.contains("The crawlers of the embedded endpoint stop with it"), "{}", done.stderr);
}
