//! What an invocation costs: the start of the process, time, memory and calls, beside the Python function that this one
//! replaces. `bench/lambda.sh` builds what is measured and says where it is:
//!
//! - `LAMBDA_BIN`: the binary; default that of this build
//! - `ORIGINAL`: the folder with the Python function's `app.py`, `PYTHON`: an interpreter that has what it imports; left out if
//!   unset
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark fails by panicking, and prints"
)]

#[path = "../tests/it/runtime_api.rs"]
#[allow(dead_code)]
mod runtime_api;
#[path = "../tests/it/world.rs"]
#[allow(dead_code)]
mod world;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{REGION, World};
use world::{BINARY, WorldExt, count, world};

const STARTS: usize = 20;
const MANY: usize = 1000;
/// The original sleeps 10 s for each table: with these it takes some minutes.
const FEW: usize = 20;

#[tokio::main]
async fn main() {
    let binary = std::env::var_os("LAMBDA_BIN").map_or(PathBuf::from(BINARY), PathBuf::from);
    println!("{:<44} {:>8.1} ms", format!("start to the first request, median of {STARTS}"), start(&binary).await);
    println!("{:<44} {:>8} {:>9} {:>7} {:>7} {:>7}", "", "seconds", "peak MB", "calls", "started", "tables");
    for tables in [FEW, MANY] {
        let world = world_of(tables).await;
        // The second links what the first had crawled, the third finds all in order.
        for run in ["first", "second", "third"] {
            ours(&world, &binary, tables, run).await;
        }
    }
    if let (Some(original), Some(python)) = (std::env::var_os("ORIGINAL"), std::env::var_os("PYTHON")) {
        let world = world_of(FEW).await;
        for run in ["first", "second"] {
            theirs(&world, Path::new(&original), Path::new(&python), run).await;
        }
    }
}

async fn world_of(tables: usize) -> World {
    let names: Vec<String> = (0..tables).map(|i| format!("table{i:04}")).collect();
    world(&names.iter().map(String::as_str).collect::<Vec<_>>()).await
}

/// Milliseconds.
async fn start(binary: &Path) -> f64 {
    let world = World::new(&[]).await;
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let since = Instant::now();
        let lambda = world.lambda_of(binary, &[]).await;
        times.push(since.elapsed().as_secs_f64() * 1000.0);
        drop(lambda);
    }
    times.sort_by(f64::total_cmp);
    times[STARTS / 2]
}

/// A cold start and one invocation with `{}`.
async fn ours(world: &World, binary: &Path, tables: usize, run: &str) {
    let before = world.all_calls();
    let since = Instant::now();
    let lambda = world.lambda_of(binary, &[]).await;
    let report = lambda.invoke(json!({})).await.unwrap();
    let seconds = since.elapsed().as_secs_f64();
    assert_eq!((count(&report, "tables"), count(&report, "failed")), (tables as u64, 0), "{}", report["summary"]);
    let calls: u64 = report["calls"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert!(world.all_calls() >= before + calls, "the endpoint saw what the report counts, and the crawls' own calls");
    let peak = lambda.peak_memory() as f64 / 1e6;
    let made = made(world, count(&report, "started")).await;
    line(&format!("{tables} tables, {run} run"), seconds, peak, calls, count(&report, "started"), made);
}

/// A process with one invocation with `{}`. Its calls are what the endpoint saw, without those of the crawls.
async fn theirs(world: &World, original: &Path, python: &Path, run: &str) {
    let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench/original.py");
    let before = world.server.calls();
    let since = Instant::now();
    let mut command = tokio::process::Command::new(python);
    command.arg(driver).arg(original).env_clear();
    command.env("AWS_ENDPOINT_URL", world.server.url()).env("AWS_REGION", REGION).env("AWS_DEFAULT_REGION", REGION);
    command.env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE").env("AWS_SECRET_ACCESS_KEY", "secret-of-the-key");
    let output = command.env("AWS_LAMBDA_FUNCTION_NAME", "sys-glue-ddb-crawler").output().await.unwrap();
    let seconds = since.elapsed().as_secs_f64();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let peak: f64 = String::from_utf8(output.stdout).unwrap().lines().last().unwrap().parse().unwrap();
    let after = world.server.calls();
    let seen = |name: &str| after.get(name).copied().unwrap_or(0) - before.get(name).copied().unwrap_or(0);
    // What a crawl of the endpoint itself calls.
    let of_crawls =
        ["DynamoDB.DescribeTable", "DynamoDB.Scan", "Glue.GetTable", "Glue.CreateTable", "Glue.UpdateTable"];
    let calls = after.keys().filter(|name| !of_crawls.contains(&name.as_str())).map(|name| seen(name)).sum();
    let started = seen("Glue.StartCrawler");
    assert_eq!(started, FEW as u64);
    line(
        &format!("{FEW} tables, {run} run, the original"),
        seconds,
        peak / 1e3,
        calls,
        started,
        made(world, started).await,
    );
}

/// How many catalog tables there are once as many crawls have ended as were started.
async fn made(world: &World, started: u64) -> usize {
    let clients = crawl::Clients::local(world.server.url(), REGION);
    for _ in 0..600 {
        let tables = crawl::catalog::list(&clients, "ddb_tables").await.unwrap();
        if tables.len() as u64 >= started {
            return tables.len();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the crawls have not ended after a minute");
}

fn line(what: &str, seconds: f64, peak: f64, calls: u64, started: u64, made: usize) {
    println!("{what:<44} {seconds:>8.2} {peak:>9.1} {calls:>7} {started:>7} {made:>7}");
}
