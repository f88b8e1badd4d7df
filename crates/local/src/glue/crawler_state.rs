//! READY -> RUNNING -> STOPPING -> READY: starting, stopping and ending crawls.

use crawl::options::{DeleteBehavior, UpdateBehavior};
use rusqlite::{OptionalExtension, Transaction, params};
use serde_json::{Map, Value, json};

use super::Request;
use super::crawl_job::{CrawlJob, Target};
use super::crawl_record::Summary;
use super::crawler::Crawler;
use super::crawler_input::{CATALOG, DYNAMODB, TARGETS};
use crate::error::AwsError;

/// How long ListCrawls remembers a crawl, in milliseconds: twelve months.
const HISTORY_TTL: i64 = 366 * 24 * 60 * 60 * 1000;

/// Marks a crawler as RUNNING and returns what its crawl has to do.
///
/// AWS does not document the error at the limit of running crawlers: here it is a switch.
pub(super) fn start(request: &Request) -> Result<CrawlJob, AwsError> {
    let crawler = Crawler::find(request, request.crawler()?)?;
    let name = crawler.name;
    if crawler.state != "READY" {
        let message = format!("Crawler with name {name} has already started");
        return Err(AwsError::new("CrawlerRunningException", message));
    }
    let sql = "SELECT count(*) FROM glue_crawler WHERE scope = ?1 AND state <> 'READY'";
    let most = request.context.unknowns.running_crawlers;
    if request.tx.query_one(sql, [&request.scope], |row| row.get::<_, i64>(0))? >= i64::from(most) {
        let message = format!("Number of crawlers running at once would exceed the quota of {most}.");
        return Err(AwsError::new(request.context.unknowns.start_limit_error, message));
    }
    let (id, now) = (uuid::Uuid::new_v4().to_string(), request.context.now);
    request.tx.execute(
        "INSERT INTO glue_crawl (id, scope, crawler, state, started, endpoint) VALUES (?1, ?2, ?3, 'RUNNING', ?4, ?5)",
        params![id, request.scope, name, now, request.context.endpoint],
    )?;
    request.tx.execute(
        "UPDATE glue_crawler SET state = 'RUNNING', running = ?3 WHERE scope = ?1 AND name = ?2",
        params![request.scope, name, id],
    )?;
    request.tx.execute(
        "DELETE FROM glue_crawl WHERE scope = ?1 AND crawler = ?2 AND started < ?3 AND ended IS NOT NULL
         AND id NOT IN (SELECT last FROM glue_crawler WHERE scope = ?1 AND name = ?2 AND last IS NOT NULL)",
        params![request.scope, name, now - HISTORY_TTL],
    )?;
    let definition = super::stored_object(&crawler.definition)?;
    let text = |name: &str| definition.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let policy =
        |name: &str| definition.get("SchemaChangePolicy").and_then(|p| p.get(name)?.as_str()).unwrap_or_default();
    Ok(CrawlJob {
        region: request.context.region.clone(),
        crawler: name,
        id,
        role: text("Role"),
        database: text("DatabaseName").to_lowercase(),
        prefix: text("TablePrefix"),
        targets: targets(&definition),
        before: crawler.last.map(|last| last.summary.found).unwrap_or_default(),
        on_update: match policy("UpdateBehavior") {
            "LOG" => UpdateBehavior::Log,
            _ => UpdateBehavior::UpdateInDatabase,
        },
        on_delete: match policy("DeleteBehavior") {
            "LOG" => DeleteBehavior::Log,
            "DELETE_FROM_DATABASE" => DeleteBehavior::DeleteFromDatabase,
            _ => DeleteBehavior::DeprecateInDatabase,
        },
    })
}

/// Asks a crawl to stop. The crawler is STOPPING until the crawl notices.
pub(super) fn stop(request: &Request) -> Result<Value, AwsError> {
    let crawler = Crawler::find(request, request.crawler()?)?;
    let name = crawler.name;
    match crawler.state.as_str() {
        "RUNNING" => {}
        "STOPPING" => {
            return Err(AwsError::new("CrawlerStoppingException", format!("Crawler with name {name} is stopping")));
        }
        _ => {
            return Err(AwsError::new("CrawlerNotRunningException", format!("Crawler with name {name} isn't running")));
        }
    }
    let sql = "UPDATE glue_crawler SET state = 'STOPPING' WHERE scope = ?1 AND name = ?2";
    request.tx.execute(sql, params![request.scope, name])?;
    Ok(json!({}))
}

/// How a crawl ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    Completed,
    Failed(String),
    Stopped,
}

/// Whether the crawl `id` should continue: it was neither stopped nor ended.
pub(crate) fn should_continue(tx: &Transaction, id: &str) -> Result<bool, AwsError> {
    let sql = "SELECT state FROM glue_crawler WHERE running = ?1";
    let state: Option<String> = tx.query_row(sql, [id], |row| row.get(0)).optional()?;
    Ok(state.is_some_and(|state| state == "RUNNING"))
}

/// Records the end of a crawl and makes its crawler READY. Recording it again changes nothing.
pub(crate) fn record_end(tx: &Transaction, id: &str, end: &End, summary: &Summary, now: i64) -> Result<(), AwsError> {
    let (state, error) = match end {
        End::Completed => ("COMPLETED", None),
        End::Failed(error) => ("FAILED", Some(error.chars().take(2_048).collect::<String>())),
        End::Stopped => ("STOPPED", None),
    };
    let summary = serde_json::to_string(summary).map_err(|e| AwsError::internal(e.to_string()))?;
    tx.execute(
        "UPDATE glue_crawl SET state = ?2, ended = ?3, error = ?4, summary = ?5 WHERE id = ?1 AND ended IS NULL",
        params![id, state, now, error, summary],
    )?;
    tx.execute("UPDATE glue_crawler SET state = 'READY', running = NULL, last = ?1 WHERE running = ?1", [id])?;
    Ok(())
}

/// Ends the crawls that killed processes left behind: those of endpoints that are not among the `living`. `living` is called
/// only if an endpoint other than `own` has a crawl.
pub(crate) fn recover(
    tx: &Transaction,
    own: &str,
    living: impl FnOnce() -> Result<Vec<String>, AwsError>,
    now: i64,
) -> Result<(), AwsError> {
    let crawls = tx
        .prepare_cached(
            "SELECT glue_crawl.id, endpoint FROM glue_crawler JOIN glue_crawl ON glue_crawl.id = running WHERE endpoint <> ?1",
        )?
        .query_map([own], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?
        .collect::<Result<Vec<_>, _>>()?;
    if crawls.is_empty() {
        return Ok(());
    }
    let living = living()?;
    let why =
        End::Failed("Internal Service Exception: the endpoint ended during the crawl. Start the crawler again.".into());
    let mut left_behind = crawls.iter().filter(|(_, endpoint)| !living.contains(endpoint));
    left_behind.try_for_each(|(id, _)| record_end(tx, id, &why, &Summary::default(), now))
}

fn targets(definition: &Map<String, Value>) -> Vec<Target> {
    let mut all = Vec::new();
    for kind in TARGETS {
        let targets = definition.get("Targets").and_then(|targets| targets.get(kind)?.as_array());
        for target in targets.into_iter().flatten() {
            let text = |name: &str| target.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            match kind {
                DYNAMODB => all.push(Target::DynamoDb {
                    table: text("Path"),
                    scan_all: target.get("scanAll").and_then(Value::as_bool).unwrap_or(true),
                    scan_rate: target.get("scanRate").and_then(Value::as_f64),
                }),
                CATALOG => {
                    let tables = target.get("Tables").and_then(Value::as_array).into_iter().flatten();
                    let database = text("DatabaseName").to_lowercase();
                    all.extend(
                        tables
                            .filter_map(Value::as_str)
                            .map(|table| Target::Catalog { database: database.clone(), table: table.to_lowercase() }),
                    );
                }
                kind => all.push(Target::Other(kind)),
            }
        }
    }
    all
}
