//! Live scans against a loopback server that serves prepared pages, in a process of its own.

mod server;

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use crawl::aws::local_config;
use crawl::options::{DeleteBehavior, Readers, UpdateBehavior};
use crawl::{Clients, CrawlRequest, HistoryUse, Observed, ReadOptions, crawl};

use server::{COLUMNS, PAGE_UNITS, Table};

/// As the crawl chooses it from the budget of an on-demand table.
const SEGMENTS: u32 = 64;
const AT_ONCE: u32 = 16;
/// How much longer a scan may take than its budget and being throttled take together: it begins carefully, and again.
const RECOVERY: f64 = 10.0;
/// The best of so many runs counts: the machine is shared.
const RUNS: usize = 3;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("serve") => server::serve(&Table::parse(&arguments[1..])?),
        Some("budget") => budget().await,
        Some("throttled") => throttled().await,
        None => speed().await,
        Some(other) => Err(format!("{other}: use nothing, budget or throttled").into()),
    }
}

/// The whole of a table, by both ways in turn.
async fn speed() -> Result<()> {
    // Pages that cost next to nothing, so that no budget is in the way.
    let table = Table { pages: 6, items: 1200, units: 0.5, throttled: None };
    let server = Server::start(&table)?;
    let bytes = table.bytes() as f64 * f64::from(SEGMENTS);
    let items = table.pages * table.items * u64::from(SEGMENTS);
    println!("{:<22} {:>8} {:>8} {:>10}", format!("{:.0} MB of pages", bytes / 1e6), "MB/s", "CPU s/GB", "x less CPU");
    let (mut ours, mut typed) = (Cost::WORST, Cost::WORST);
    for _ in 0..RUNS {
        let (observed, cost) = measured(crawled(&server, ReadOptions::default())).await;
        let observed = observed?;
        assert_eq!((observed.records, observed.is_complete()), (items, true), "each item once");
        ours = ours.best(cost);
        let (scanned, cost) = measured(typed_scan(&server.clients())).await;
        assert_eq!(scanned?, (items, COLUMNS), "each item once");
        typed = typed.best(cost);
    }
    for (name, cost) in [("crawl", ours), ("scan() of the SDK", typed)] {
        let Cost { seconds, cpu } = cost;
        let (speed, cpu_a_gigabyte) = (bytes / 1e6 / seconds, cpu / bytes * 1e9);
        println!("{name:<22} {speed:>8.0} {cpu_a_gigabyte:>8.2} {:>10.1}", typed.cpu / cpu);
    }
    assert!(typed.cpu >= 5.0 * ours.cpu, "5 times less CPU");
    Ok(())
}

/// A minute of a budget.
async fn budget() -> Result<()> {
    const RATE: f64 = 5000.0;
    let pages = (RATE * 60.0 / PAGE_UNITS / f64::from(SEGMENTS)).round() as u64;
    let table = Table { pages, items: 10, units: PAGE_UNITS, throttled: None };
    let server = Server::start(&table)?;
    let options = ReadOptions { max_rcu: Some(RATE), segments: Some(SEGMENTS), ..ReadOptions::default() };
    let begin = Instant::now();
    let observed = crawled(&server, options).await?;
    let (seconds, units) = (begin.elapsed().as_secs_f64(), observed.read_units);
    assert_eq!(observed.records, table.pages * table.items * u64::from(SEGMENTS), "each item once");
    let share = units / seconds / RATE;
    println!("budget of {RATE} units/s: {units} units in {seconds:.1} s, {:.1} % of it", share * 100.0);
    assert!((0.95..=1.05).contains(&share), "within 5 %");
    Ok(())
}

/// Throttled for 10 s in mid-scan.
async fn throttled() -> Result<()> {
    const RATE: f64 = 10_000.0;
    let (from, time) = (Duration::from_secs(2), Duration::from_secs(10));
    let pages = (RATE * 20.0 / PAGE_UNITS / f64::from(SEGMENTS)).round() as u64;
    let table = Table { pages, items: 10, units: PAGE_UNITS, throttled: Some((from, time)) };
    let server = Server::start(&table)?;
    let begin = Instant::now();
    let observed = crawled(&server, ReadOptions::default()).await?;
    assert_eq!(observed.records, table.pages * table.items * u64::from(SEGMENTS), "each item once");
    let needed = observed.read_units / RATE + time.as_secs_f64();
    let late = begin.elapsed().as_secs_f64() - needed;
    println!("throttled for 10 s: {:.1} s in all, {late:.1} s more than budget and throttling take", needed + late);
    assert!(late < RECOVERY, "it recovers");
    Ok(())
}

/// What the SDK is made for: every item as a map of attribute values. The items, and the most attributes of one.
async fn typed_scan(clients: &Clients) -> Result<(u64, usize)> {
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..AT_ONCE {
        workers.spawn(typed_segments(clients.dynamodb.clone(), worker));
    }
    let (mut items, mut attributes) = (0, 0);
    while let Some(worker) = workers.join_next().await {
        let (read, most) = worker??;
        (items, attributes) = (items + read, attributes.max(most));
    }
    Ok((items, attributes))
}

async fn typed_segments(
    client: aws_sdk_dynamodb::Client,
    worker: u32,
) -> std::result::Result<(u64, usize), aws_sdk_dynamodb::Error> {
    let (mut items, mut attributes) = (0, 0);
    for segment in (worker..SEGMENTS).step_by(AT_ONCE as usize) {
        let scan = client.scan().table_name("orders").segment(segment as i32).total_segments(SEGMENTS as i32);
        let mut pages = scan.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page: Vec<HashMap<String, AttributeValue>> = page?.items.unwrap_or_default();
            items += page.len() as u64;
            attributes = page.iter().map(HashMap::len).max().unwrap_or(0).max(attributes);
        }
    }
    Ok((items, attributes))
}

/// What a crawl reads that nothing cuts off.
async fn crawled(server: &Server, read: ReadOptions) -> Result<Observed> {
    Ok(crawl(&server.clients(), &request(read), std::future::pending()).await?.observed)
}

fn request(read: ReadOptions) -> CrawlRequest {
    CrawlRequest {
        table: "orders".into(),
        account: "123456789012".into(),
        database: "ddb_tables".into(),
        catalog_table: "orders".into(),
        crawled_by: "bench".into(),
        read,
        history: HistoryUse::None,
        on_update: UpdateBehavior::UpdateInDatabase,
        on_delete: DeleteBehavior::Log,
        types: Default::default(),
        readers: Readers::Athena,
    }
}

#[derive(Clone, Copy)]
struct Cost {
    seconds: f64,
    /// Seconds of this process's CPU time, in all threads.
    cpu: f64,
}

impl Cost {
    const WORST: Cost = Cost { seconds: f64::MAX, cpu: f64::MAX };

    fn best(self, other: Cost) -> Cost {
        Cost { seconds: self.seconds.min(other.seconds), cpu: self.cpu.min(other.cpu) }
    }
}

async fn measured<T>(work: impl Future<Output = T>) -> (T, Cost) {
    let (begin, cpu) = (Instant::now(), cpu());
    let done = work.await;
    (done, Cost { seconds: begin.elapsed().as_secs_f64(), cpu: self::cpu() - cpu })
}

/// User and system time of this process: Linux counts them in hundredths of a second.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

/// The server's process.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(table: &Table) -> Result<Server> {
        let mut child = Command::new(std::env::current_exe()?);
        let mut child = child.arg("serve").args(table.arguments()).stdout(Stdio::piped()).spawn()?;
        let mut url = String::new();
        BufReader::new(child.stdout.take().ok_or("no stdout")?).read_line(&mut url)?;
        Ok(Server { child, url: url.trim().to_owned() })
    }

    fn clients(&self) -> Clients {
        Clients::new(&local_config(&self.url, "us-east-1"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
