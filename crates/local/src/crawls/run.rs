//! One crawl: reads every target and writes it to the catalog.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crawl::Clients;
use crawl::options::Readers;
use crawl::{Change, CrawlRequest, HistoryUse, ReadOptions};
use tokio::sync::{Semaphore, watch};

use super::CrawlContext;
use super::crawled_table::{CrawledTable, Found};
use super::names::{choose_catalog_name, find_source};
use crate::blocking::blocking;
use crate::error::AwsError;
use crate::glue::{CrawlJob, End, Summary, Target, record_end, should_continue};

/// How often a crawl checks whether it was stopped. A check costs one lookup by key.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Crawls every target of a job, one after the other, and records how the crawl ended. It uses the credentials of the
/// crawler's role, except to look up names of tables.
///
/// A target that fails makes the crawl FAILED, but does not stop the others. StopCrawler ends the crawl within a fraction
/// of a second; what was published stays. The result is in the crawler's LastCrawl.
pub(super) async fn run(
    context: Arc<CrawlContext>,
    job: CrawlJob,
    permits: Arc<Semaphore>,
    mut closing: watch::Receiver<bool>,
) {
    let mut ending = Ending { context: &context, job: &job, summary: Summary::default(), end: None, recorded: false };
    let crawl = async {
        // The semaphore is never closed. A crawl that waits for a permit does not poll for a stop yet, which would cost lookups.
        let _permit = permits.acquire().await;
        tracing::info!(crawler = job.crawler, crawl = job.id, "crawl started");
        tokio::select! {
            end = crawl_targets(&context, &job, &mut ending.summary) => end,
            () = wait_for_stop(&context, &job) => End::Stopped,
        }
    };
    let end = tokio::select! {
        end = crawl => Some(end),
        // An error means that the endpoint was dropped.
        _ = closing.wait_for(|closing| *closing) => None,
    };
    ending.end = end;
    ending.record().await;
}

/// Records the end of a crawl. If the task is aborted first, dropping this records it, because the crawl would stay
/// RUNNING. That blocks the thread, so it is the last resort.
struct Ending<'a> {
    context: &'a Arc<CrawlContext>,
    job: &'a CrawlJob,
    summary: Summary,
    end: Option<End>,
    recorded: bool,
}

impl Ending<'_> {
    /// Retries until it succeeds: the disk may be full, or another process may be writing. Until then the crawler is RUNNING.
    async fn record(&mut self) {
        let mut pause = Duration::from_millis(100);
        while let Err(error) = blocking(self.attempt()).await {
            tracing::warn!(
                crawler = self.job.crawler,
                crawl = self.job.id,
                %error,
                "the end of a crawl could not be recorded yet, trying again"
            );
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(10));
        }
        self.recorded = true;
        tracing::info!(crawler = self.job.crawler, crawl = self.job.id, end = ?self.end, "crawl ended");
    }

    fn attempt(&self) -> impl FnOnce() -> Result<(), AwsError> + use<> {
        let given_up = || End::Failed("Internal Service Exception: the crawl was given up.".to_owned());
        let how = self.end.clone().unwrap_or_else(given_up);
        let (backend, id, summary) = (Arc::clone(&self.context.backend), self.job.id.clone(), self.summary.clone());
        let now = (backend.clock)();
        move || backend.store.transaction(|tx| record_end(tx, &id, &how, &summary, now))
    }
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        // If this fails, the next endpoint that looks finds a crawl whose endpoint is gone, and ends it.
        if let (false, Err(error)) = (self.recorded, self.attempt()()) {
            tracing::error!(crawler = self.job.crawler, crawl = self.job.id, %error, "the end of a crawl is not recorded");
        }
    }
}

async fn wait_for_stop(context: &CrawlContext, job: &CrawlJob) {
    loop {
        let id = job.id.clone();
        // A store that cannot be read for a moment is no reason to stop.
        if !context.backend.read(move |tx| should_continue(tx, &id)).await.unwrap_or(true) {
            return;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

async fn crawl_targets(context: &CrawlContext, job: &CrawlJob, summary: &mut Summary) -> End {
    let clients = match context.role_clients(&job.region, &job.role).await {
        Ok(clients) => clients,
        Err(error) if error.status < 500 => return End::Failed(error.message),
        Err(error) => return End::Failed(error.to_string()),
    };
    let mut failures = Vec::new();
    for target in &job.targets {
        let (table, change) = match crawl_target(context, &clients, job, target, &mut summary.found).await {
            Ok(done) => done,
            Err(failure) => {
                failures.push(failure);
                continue;
            }
        };
        match change {
            Change::Created => summary.created.push(table),
            Change::Updated | Change::Deprecated => summary.updated.push(table),
            Change::Deleted => summary.deleted.push(table),
            Change::Statistics | Change::Unchanged | Change::Logged | Change::NotFound => {}
        }
    }
    if failures.is_empty() { End::Completed } else { End::Failed(failures.join("; ")) }
}

/// Crawls one target. Returns the catalog table and how it changed, or why the target failed; adds what was found to `found`.
async fn crawl_target(
    context: &CrawlContext,
    clients: &Clients,
    job: &CrawlJob,
    target: &Target,
    found: &mut BTreeMap<String, String>,
) -> Result<(String, Change), String> {
    let (table, database, catalog_table, scan_all, scan_rate) = match target {
        Target::DynamoDb { table, scan_all, scan_rate } => {
            context.check_may_scan(&job.region, &job.role, table).await.map_err(|error| error.to_string())?;
            let name = choose_catalog_name(context, job, table).await?;
            (table.clone(), job.database.clone(), name, *scan_all, *scan_rate)
        }
        Target::Catalog { database, table } => {
            let source = find_source(context, job, database, table).await?;
            context.check_may_scan(&job.region, &job.role, &source).await.map_err(|error| error.to_string())?;
            (source, database.clone(), table.clone(), true, None)
        }
        Target::Other(kind) => {
            return Err(format!("{kind} can't be crawled by this endpoint: it crawls DynamoDB tables only."));
        }
    };
    let request = CrawlRequest {
        table,
        account: context.backend.account.clone(),
        database,
        catalog_table,
        crawled_by: job.crawler.clone(),
        read: ReadOptions { first_page: !scan_all, scan_rate, ..ReadOptions::default() },
        history: HistoryUse::None,
        on_update: job.on_update,
        on_delete: job.on_delete,
        types: schema::TypeOptions { dialect: schema::Dialect::Crawler, ..schema::TypeOptions::default() },
        readers: Readers::Athena,
    };
    let here = context.backend.context(&job.region);
    let location = here.arn("dynamodb", &format!("table/{}", request.table));
    let written = CrawledTable { clients, request: &request, location, unknowns: here.unknowns };
    let change = match crawl::read(clients, &request).await.map_err(|error| error.to_string())? {
        None => written.retire(here.now).await?,
        Some(read) => {
            let columns = Found::new(&read, &request.types);
            let before = job.before.get(&request.catalog_table).map(String::as_str);
            let change = written.write(&columns, before).await?;
            found.insert(request.catalog_table.clone(), columns.fingerprint());
            change
        }
    };
    Ok((request.catalog_table, change))
}
