//! What StartCrawler starts: the native crawl of every target, in the background.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crawl::Clients;
use crawl::catalog::{Named, taken_names};
use crawl::options::{DeleteBehavior, Readers, UpdateBehavior};
use crawl::{self, Change, CrawlRequest, Memory, ReadOptions};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::crawl_history::Summary;
use super::crawled_table::{CrawledTable, Found};
use super::crawler_state::{End, end, goes_on};
use crate::engine::Engine;
use crate::error::AwsError;
use crate::server::blocking;

/// How often a crawl looks whether it was stopped. Asking costs one look-up by key.
const ATTENTION: Duration = Duration::from_millis(100);

/// One crawl to do: the crawler as it was when it was started.
#[derive(Debug, Clone)]
pub struct CrawlJob {
    /// Where the crawler lives, and the tables that it reads.
    pub region: String,
    /// The crawler's name.
    pub crawler: String,
    /// The crawl's id, a UUID.
    pub id: String,
    /// The role, by name, with its path if it was given with one.
    pub role: String,
    /// The catalog database to write to.
    pub database: String,
    /// In front of the names of new tables.
    pub prefix: String,
    /// What to read.
    pub targets: Vec<Target>,
    /// What the crawl before found, as a fingerprint, by catalog table.
    pub before: BTreeMap<String, String>,
    /// What to do with a catalog table that differs.
    pub on_update: UpdateBehavior,
    /// What to do with a catalog table whose source is gone.
    pub on_delete: DeleteBehavior,
}

/// One thing to crawl.
#[derive(Debug, Clone)]
pub enum Target {
    /// A DynamoDB table.
    DynamoDb {
        /// Its name.
        table: String,
        /// Every item, or a sample.
        scan_all: bool,
        /// Share of the read capacity to use; `None` for the default.
        scan_rate: Option<f64>,
    },
    /// A table of the catalog that was made from DynamoDB, to be crawled again.
    Catalog {
        /// Its database.
        database: String,
        /// Its name.
        table: String,
    },
    /// A kind of target that is kept but can't be crawled here.
    Other(&'static str),
}

/// Crawls every target of a job, one after the other, and records how it ended. All is done with credentials of the
/// crawler's role; only the names that tables get are looked up without.
///
/// A target that fails makes the crawl FAILED, but the others are done all the same. StopCrawler ends the crawl within a
/// fraction of a second; what was published before stays. Nothing is returned: the crawler's LastCrawl tells.
pub async fn run(engine: Arc<Engine>, job: CrawlJob) {
    let mut ending = Ending { engine: &engine, job: &job, summary: Summary::default(), end: None, recorded: false };
    tracing::info!(crawler = job.crawler, crawl = job.id, "crawl started");
    let end = tokio::select! {
        end = all_targets(&engine, &job, &mut ending.summary) => end,
        () = stopped(&engine, &job) => End::Stopped,
    };
    ending.end = Some(end);
    ending.record().await;
}

/// Records the end, at the latest when dropped, so that a crawl whose task is thrown away does not stay RUNNING.
struct Ending<'a> {
    engine: &'a Arc<Engine>,
    job: &'a CrawlJob,
    summary: Summary,
    end: Option<End>,
    recorded: bool,
}

impl Ending<'_> {
    /// Tries until it succeeds: the disk may be full, or another process at work. Until then the crawler is RUNNING.
    async fn record(&mut self) {
        let mut pause = Duration::from_millis(100);
        loop {
            let attempt = self.attempt();
            match blocking(attempt).await {
                Ok(()) => break,
                Err(error) => tracing::warn!(
                    crawler = self.job.crawler,
                    crawl = self.job.id,
                    %error,
                    "the end of a crawl could not be recorded yet, trying again"
                ),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(10));
        }
        self.recorded = true;
        tracing::info!(crawler = self.job.crawler, crawl = self.job.id, end = ?self.end, "crawl ended");
    }

    fn attempt(&self) -> impl FnOnce() -> Result<(), AwsError> + use<> {
        let thrown_away = || End::Failed("Internal Service Exception: the crawl was given up.".to_owned());
        let how = self.end.clone().unwrap_or_else(thrown_away);
        let (engine, id, summary) = (Arc::clone(self.engine), self.job.id.clone(), self.summary.clone());
        let now = (engine.clock)();
        move || engine.store.transaction(|tx| end(tx, &id, &how, &summary, now))
    }
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        // What can't be recorded now is so once this endpoint has ended: nobody works on the crawl any more.
        if let (false, Err(error)) = (self.recorded, self.attempt()()) {
            tracing::error!(crawler = self.job.crawler, crawl = self.job.id, %error, "the end of a crawl is not recorded");
        }
    }
}

async fn stopped(engine: &Arc<Engine>, job: &CrawlJob) {
    loop {
        let id = job.id.clone();
        // A store that can't be read for a moment is no reason to stop.
        if !engine.read(move |tx| goes_on(tx, &id)).await.unwrap_or(true) {
            return;
        }
        tokio::time::sleep(ATTENTION).await;
    }
}

async fn all_targets(engine: &Arc<Engine>, job: &CrawlJob, summary: &mut Summary) -> End {
    let clients = match engine.role_clients(&job.region, &job.role).await {
        Ok(clients) => clients,
        Err(error) if error.status < 500 => return End::Failed(error.message),
        Err(error) => return End::Failed(error.to_string()),
    };
    let mut failures = Vec::new();
    for target in &job.targets {
        let (table, change) = match one_target(engine, &clients, job, target, &mut summary.found).await {
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
            Change::Statistics | Change::Unchanged | Change::Logged => {}
        }
    }
    if failures.is_empty() { End::Completed } else { End::Failed(failures.join("; ")) }
}

/// The catalog table and what became of it, or why the target failed. What was found is noted in `found`.
async fn one_target(
    engine: &Arc<Engine>,
    clients: &Clients,
    job: &CrawlJob,
    target: &Target,
    found: &mut BTreeMap<String, String>,
) -> Result<(String, Change), String> {
    let (table, database, catalog_table, scan_all, scan_rate) = match target {
        Target::DynamoDb { table, scan_all, scan_rate } => {
            engine.may_scan(&job.region, &job.role, table).await.map_err(|error| error.to_string())?;
            let name = catalog_name(engine, job, table).await?;
            (table.clone(), job.database.clone(), name, *scan_all, *scan_rate)
        }
        Target::Catalog { database, table } => {
            let source = source_of(engine, job, database, table).await?;
            engine.may_scan(&job.region, &job.role, &source).await.map_err(|error| error.to_string())?;
            (source, database.clone(), table.clone(), true, None)
        }
        Target::Other(kind) => {
            return Err(format!("{kind} can't be crawled by this endpoint: it crawls DynamoDB tables only."));
        }
    };
    let request = CrawlRequest {
        table,
        account: engine.account.clone(),
        database,
        catalog_table,
        crawled_by: job.crawler.clone(),
        read: ReadOptions { first_page: !scan_all, scan_rate, ..ReadOptions::default() },
        memory: Memory::None,
        on_update: job.on_update,
        on_delete: job.on_delete,
        types: schema::Policy { dialect: schema::Dialect::Crawler, ..schema::Policy::default() },
        readers: Readers::Athena,
    };
    let context = engine.context(&job.region);
    let location = context.arn("dynamodb", &format!("table/{}", request.table));
    let written = CrawledTable { clients, request: &request, location, unknowns: context.unknowns };
    let change = match crawl::read(clients, &request).await.map_err(|error| error.to_string())? {
        None => written.retire(context.now).await?,
        Some(seen) => {
            let columns = Found::of(&seen, &request.types);
            let before = job.before.get(&request.catalog_table).map(String::as_str);
            let change = written.write(&columns, before).await?;
            found.insert(request.catalog_table.clone(), columns.fingerprint());
            change
        }
    };
    Ok((request.catalog_table, change))
}

/// The name that a table has, or gets, in the job's database. Other tables matter for a new name only: it must not collide.
async fn catalog_name(engine: &Arc<Engine>, job: &CrawlJob, table: &str) -> Result<String, String> {
    if let Some(name) = given_name(engine, job, table).await.map_err(|error| error.to_string())? {
        return Ok(name);
    }
    let given = given_names(engine, job).await.map_err(|error| error.to_string())?;
    let tables = crawl::dynamodb::tables(&engine.clients(&job.region)).await.map_err(|error| error.to_string())?;
    let mut names = crawl::naming::catalog_names(&tables, &given, &job.prefix);
    names.remove(table).ok_or_else(|| format!("DynamoDB table {table} not found in {}. Check the Path.", job.region))
}

const NAME_AT: &str = "SELECT name FROM glue_table
    WHERE scope = ?1 AND database = ?2 AND json_extract(input, '$.StorageDescriptor.Location') = ?3
    ORDER BY json_extract(input, '$.Parameters.UPDATED_BY_CRAWLER') IS NULL, name LIMIT 1";

/// The name that [`given_names`] has for one table, found without reading the others.
async fn given_name(engine: &Arc<Engine>, job: &CrawlJob, table: &str) -> Result<Option<String>, AwsError> {
    let context = engine.context(&job.region);
    let location = context.arn("dynamodb", &format!("table/{table}"));
    let database = job.database.clone();
    let look_up = move |tx: &Transaction| {
        let at = params![super::scope(&context), database, location];
        Ok(tx.prepare_cached(NAME_AT)?.query_row(at, |row| row.get(0)).optional()?)
    };
    engine.read(look_up).await
}

/// The names that are taken in the job's database, as [`crawl::catalog::taken_names`] has them.
async fn given_names(engine: &Arc<Engine>, job: &CrawlJob) -> Result<BTreeMap<String, String>, AwsError> {
    let context = engine.context(&job.region);
    let database = job.database.clone();
    let collect = move |tx: &Transaction| {
        let mut statement = tx.prepare_cached(
            "SELECT name, json_extract(input, '$.StorageDescriptor.Location'),
                    json_extract(input, '$.Parameters.UPDATED_BY_CRAWLER') IS NOT NULL
             FROM glue_table WHERE scope = ?1 AND database = ?2 ORDER BY name",
        )?;
        let row = |row: &Row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?, row.get::<_, bool>(2)?));
        let rows = statement.query_map(params![super::scope(&context), database], row)?;
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        let named: Vec<Named> =
            rows.iter().map(|(name, at, crawled)| (name.as_str(), at.as_deref(), *crawled)).collect();
        Ok(taken_names(&named, &context.region, &context.account))
    };
    engine.read(collect).await
}

/// The DynamoDB table behind a catalog table.
async fn source_of(engine: &Arc<Engine>, job: &CrawlJob, database: &str, table: &str) -> Result<String, String> {
    let context = engine.context(&job.region);
    let (in_scope, of_database, name) = (super::scope(&context), database.to_owned(), table.to_owned());
    let location = engine.read(move |tx| {
        let sql = "SELECT json_extract(input, '$.StorageDescriptor.Location') FROM glue_table
                   WHERE scope = ?1 AND database = ?2 AND name = ?3";
        let at = params![in_scope, of_database, name];
        Ok(tx.query_row(sql, at, |row| row.get::<_, Option<String>>(0)).optional()?)
    });
    match location.await.map_err(|error| error.to_string())? {
        None => Err(format!("Table {database}.{table} not found.")),
        Some(location) => {
            let tables = context.arn("dynamodb", "table/");
            let source = location.as_deref().and_then(|location| location.strip_prefix(&tables));
            source.map(str::to_owned).ok_or_else(|| {
                format!("Table {database}.{table} was not made from a DynamoDB table of this account and region.")
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A crawl of a table that the catalog knows must not get slower with the catalog.
    #[test]
    fn the_name_of_a_known_table_is_found_by_an_index() {
        let store = crate::store::Store::open(None).unwrap();
        let plan = store.read(|tx| {
            let mut statement = tx.prepare(&format!("EXPLAIN QUERY PLAN {NAME_AT}"))?;
            let rows = statement.query_map(params!["scope", "db", "location"], |row| row.get::<_, String>(3))?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?.join("\n"))
        });
        let plan = plan.unwrap();
        assert!(plan.contains("SEARCH glue_table USING INDEX glue_table_location"), "{plan}");
    }
}
