//! Crawlers: their definitions, and the operations on them.

use rusqlite::{OptionalExtension, Row, params, params_from_iter};
use serde_json::{Map, Value, json};

use super::crawl_record::{Crawl, LOG_GROUP};
use super::paging::TokenPage;
use super::validate::{ROLE, exists, not_found};
use super::{Request, crawler_input, seconds};
use crate::error::AwsError;
use crate::tags;

/// One crawler, as it is stored.
pub(super) struct Crawler {
    pub(super) name: String,
    pub(super) definition: String,
    /// READY, RUNNING or STOPPING.
    pub(super) state: String,
    version: i64,
    created: i64,
    updated: i64,
    pub(super) schedule: Option<String>,
    pub(super) scheduled: bool,
    /// When the running crawl started.
    running_since: Option<i64>,
    pub(super) last: Option<Crawl>,
}

const FROM: &str = "SELECT c.name, c.definition, c.state, c.version, c.created, c.updated, c.schedule, c.scheduled,
      running.started, last.id, last.state, last.started, last.ended, last.error, last.summary
    FROM glue_crawler c
    LEFT JOIN glue_crawl running ON running.id = c.running
    LEFT JOIN glue_crawl last ON last.id = c.last";

impl Crawler {
    fn from_row(row: &Row) -> rusqlite::Result<Crawler> {
        let last = row.get::<_, Option<String>>(9)?.map(|_| Crawl::from_row(row, 9)).transpose()?;
        Ok(Crawler {
            name: row.get(0)?,
            definition: row.get(1)?,
            state: row.get(2)?,
            version: row.get(3)?,
            created: row.get(4)?,
            updated: row.get(5)?,
            schedule: row.get(6)?,
            scheduled: row.get(7)?,
            running_since: row.get(8)?,
            last,
        })
    }

    /// # Errors
    /// `EntityNotFoundException` when there is no crawler of that name; unlike tables, crawlers keep their case.
    pub(super) fn find(request: &Request, name: &str) -> Result<Crawler, AwsError> {
        let mut statement = request.tx.prepare_cached(&format!("{FROM} WHERE c.scope = ?1 AND c.name = ?2"))?;
        let found = statement.query_row(params![request.scope, name], Crawler::from_row).optional()?;
        found.ok_or_else(|| not_found(format!("Crawler {name} not found.")))
    }

    fn must_rest(&self) -> Result<(), AwsError> {
        if self.state == "READY" {
            return Ok(());
        }
        let message = format!("Crawler with name {} is running; wait for its crawl to end, or stop it.", self.name);
        Err(AwsError::new("CrawlerRunningException", message))
    }

    fn to_wire(&self, request: &Request) -> Result<Value, AwsError> {
        let mut crawler = super::stored_object(&self.definition)?;
        let elapsed = self.running_since.map_or(0, |started| request.context.now.saturating_sub(started).max(0));
        let facts = [
            ("Name", self.name.clone().into()),
            ("State", self.state.clone().into()),
            ("CrawlElapsedTime", elapsed.into()),
            ("CreationTime", seconds(self.created)),
            ("LastUpdated", seconds(self.updated)),
            ("Version", self.version.into()),
        ];
        crawler.extend(facts.map(|(name, value)| (name.to_owned(), value)));
        if let Some(expression) = &self.schedule {
            let state = if self.scheduled { "SCHEDULED" } else { "NOT_SCHEDULED" };
            crawler.insert("Schedule".to_owned(), json!({ "ScheduleExpression": expression, "State": state }));
        }
        if let Some(last) = &self.last {
            crawler.insert("LastCrawl".to_owned(), last_crawl(&self.name, last));
        }
        Ok(Value::Object(crawler))
    }
}

fn last_crawl(name: &str, crawl: &Crawl) -> Value {
    let status = match crawl.state.as_str() {
        "COMPLETED" => "SUCCEEDED",
        "STOPPED" => "CANCELLED",
        failed => failed,
    };
    let mut last = json!({
        "Status": status,
        "LogGroup": LOG_GROUP,
        "LogStream": name,
        "MessagePrefix": crawl.id,
        "StartTime": seconds(crawl.started),
    });
    if let Some(error) = &crawl.error {
        last["ErrorMessage"] = error.clone().into();
    }
    last
}

pub(super) fn create(request: &Request) -> Result<Value, AwsError> {
    let name = request.crawler()?;
    request.body.required_members("Targets")?;
    request.body.required("Role", ROLE)?;
    let tags = request.body.tags("Tags")?;
    let schedule = crawler_input::schedule(request)?.flatten();
    let mut definition = crawler_input::defaults();
    definition.extend(crawler_input::read(request)?);
    crawler_input::check_whole(&definition)?;
    let added = request.tx.execute(
        "INSERT OR IGNORE INTO glue_crawler
         (scope, name, definition, state, version, created, updated, schedule, scheduled)
         VALUES (?1, ?2, ?3, 'READY', 1, ?4, ?4, ?5, ?5 IS NOT NULL)",
        params![request.scope, name, Value::Object(definition).to_string(), request.context.now, schedule],
    )?;
    if added == 0 {
        return Err(exists(format!("{name} already exists")));
    }
    let sql = "SELECT count(*) FROM glue_crawler WHERE scope = ?1";
    let most = request.context.unknowns.crawlers;
    if request.tx.query_one(sql, [&request.scope], |row| row.get::<_, i64>(0))? > i64::from(most) {
        let message = format!("Number of crawlers would exceed the quota of {most}.");
        return Err(AwsError::new("ResourceNumberLimitExceededException", message));
    }
    tags::put(request.tx, request.context, &arn(request, name), &tags)?;
    Ok(json!({}))
}

pub(super) fn get(request: &Request) -> Result<Value, AwsError> {
    let crawler = Crawler::find(request, request.crawler()?)?;
    Ok(json!({ "Crawler": crawler.to_wire(request)? }))
}

pub(super) fn list(request: &Request) -> Result<Value, AwsError> {
    let page = TokenPage::read(&request.body, 100, 1_000)?;
    let sql = format!("{FROM} WHERE c.scope = ?1 AND c.name > ?2 ORDER BY c.name LIMIT ?3");
    let mut statement = request.tx.prepare_cached(&sql)?;
    let rows = statement.query_map(params![request.scope, page.after, page.fetch()], Crawler::from_row)?;
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    page.answer("Crawlers", rows, |crawler| crawler.name.clone(), |crawler| crawler.to_wire(request))
}

/// Up to 100 crawlers by name, each once. Unknown names are listed in the answer.
pub(super) fn batch_get(request: &Request) -> Result<Value, AwsError> {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    let mut names: Vec<&str> = request.names.crawlers.iter().map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        match Crawler::find(request, name) {
            Ok(crawler) => found.push(crawler.to_wire(request)?),
            Err(error) if error.code == "EntityNotFoundException" => missing.push(name),
            Err(error) => return Err(error),
        }
    }
    Ok(json!({ "Crawlers": found, "CrawlersNotFound": missing }))
}

/// Names of the crawlers that carry all of `Tags`.
pub(super) fn names(request: &Request) -> Result<Value, AwsError> {
    let page = TokenPage::read(&request.body, 100, 1_000)?;
    let tags = request.body.tags("Tags")?;
    let mut sql = String::from("SELECT c.name FROM glue_crawler c WHERE c.scope = ? AND c.name > ?");
    let limit = page.fetch().to_string();
    let arns = arn(request, "");
    let mut at = vec![request.scope.as_str(), page.after.as_str()];
    for (key, value) in &tags {
        sql.push_str(" AND EXISTS (SELECT 1 FROM glue_tag t WHERE t.scope = c.scope AND t.arn = ? || c.name");
        sql.push_str(" AND t.key = ? AND t.value = ?)");
        at.extend([arns.as_str(), key, value]);
    }
    sql.push_str(" ORDER BY c.name LIMIT CAST(? AS INTEGER)");
    at.push(&limit);
    let mut statement = request.tx.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(at), |row| row.get::<_, String>(0))?;
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    page.answer("CrawlerNames", rows, String::clone, |name| Ok(name.into()))
}

/// Changes the parts in the request and leaves the rest.
pub(super) fn update(request: &Request) -> Result<Value, AwsError> {
    let name = request.crawler()?;
    let crawler = Crawler::find(request, name)?;
    crawler.must_rest()?;
    let mut definition: Map<String, Value> = super::stored_object(&crawler.definition)?;
    definition.extend(crawler_input::read(request)?);
    crawler_input::check_whole(&definition)?;
    let (schedule, scheduled) = match crawler_input::schedule(request)? {
        None => (crawler.schedule.as_deref(), crawler.scheduled),
        Some(schedule) => (schedule, schedule.is_some()),
    };
    request.tx.execute(
        "UPDATE glue_crawler SET definition = ?3, version = version + 1, updated = ?4, schedule = ?5, scheduled = ?6
         WHERE scope = ?1 AND name = ?2",
        params![request.scope, name, Value::Object(definition).to_string(), request.context.now, schedule, scheduled],
    )?;
    Ok(json!({}))
}

pub(super) fn delete(request: &Request) -> Result<Value, AwsError> {
    let name = request.crawler()?;
    Crawler::find(request, name)?.must_rest()?;
    let sql = "DELETE FROM glue_crawler WHERE scope = ?1 AND name = ?2";
    request.tx.execute(sql, params![request.scope, name])?;
    tags::remove_all(request.tx, request.context, &arn(request, name))?;
    Ok(json!({}))
}

fn arn(request: &Request, name: &str) -> String {
    request.context.arn("glue", &format!("crawler/{name}"))
}
