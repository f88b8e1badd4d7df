//! The work that a run leaves, because more crawlers are due than may run at once, or because it was killed. Each run that
//! starts crawls records a backlog in the database. While crawlers are due, the end of each crawl starts the next one, and
//! [`crate::continue_backlog`] picks up what no event reports. A backlog lists no names: a crawler is due as long as its last
//! crawl began before the run did.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_glue::types::Database;
use crawl::Clients;
use crawl::Deadline;
use crawl::error::{Error, Kind};
use futures::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};

use crate::apply;
use crate::discover::{self, CrawlerInfo};
use crate::report::{Action, Outcome, Row, TableReport};
use crate::session::Session;
use crate::settings::{Selection, Settings};

/// The parameter of the Glue database that holds the open backlogs, as JSON.
const PARAMETER: &str = "backlogs";
/// The version of [`Stored`]. This release would misread a later one. It ignores members that it does not know.
const VERSION: u32 = 1;
/// Our clock and Glue's may differ: a crawl that began at most this long before the run, in milliseconds, counts as started
/// by it.
const MAX_SKEW: i64 = 60_000;

/// The parameter's value.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    v: u32,
    backlogs: Vec<Backlog>,
}

/// The backlog of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Backlog {
    /// When the run began, in milliseconds since 1970.
    start: i64,
    /// The `include` globs of the run.
    include: Vec<String>,
    /// The `exclude` globs of the run.
    exclude: Vec<String>,
    /// Whether the run is known to have left crawlers to start.
    pub(crate) due: bool,
}

/// What remains to be done for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remaining {
    /// Nothing.
    Nothing,
    /// Crawls are running, and their tables have yet to be linked.
    Links,
    /// Crawlers have yet to be started.
    Crawls,
}

impl Backlog {
    /// The backlog of a run that began at `began`, in milliseconds since 1970.
    pub(crate) fn new(settings: &Settings, began: u128) -> Backlog {
        let Settings { include, exclude, .. } = settings.clone();
        let start = i64::try_from(began).unwrap_or(i64::MAX).saturating_sub(MAX_SKEW);
        Backlog { start, include, exclude, due: false }
    }

    /// Records this backlog in the database, in place of any with the same globs.
    ///
    /// # Errors
    /// If Glue refuses or does not answer.
    pub(crate) async fn open(&self, session: &Session<'_>) -> Result<(), Error> {
        write(session, |backlogs| {
            backlogs.retain(|backlog| !backlog.has_same_globs(self));
            backlogs.push(self.clone());
        })
        .await
    }

    /// Whether a crawler has yet to be started, given the start of its last crawl in milliseconds since 1970.
    pub(crate) fn is_due(&self, last_crawl: Option<i64>) -> bool {
        last_crawl.is_none_or(|crawl| crawl < self.start)
    }

    /// The open backlogs of runs with the same globs, as of when the database was listed.
    pub(crate) fn earlier(&self, database: Option<&Database>) -> Vec<Backlog> {
        let mut open = database.map(read).unwrap_or_default();
        open.retain(|backlog| backlog.has_same_globs(self));
        open
    }

    fn has_same_globs(&self, other: &Backlog) -> bool {
        (&self.include, &self.exclude) == (&other.include, &other.exclude)
    }

    fn is_same_run(&self, other: &Backlog) -> bool {
        self.start == other.start && self.has_same_globs(other)
    }

    /// The tables of the run.
    ///
    /// # Errors
    /// If its globs can't be read.
    pub(crate) fn selection(&self) -> Result<Selection, Error> {
        Selection::from_globs(&self.include, &self.exclude)
    }
}

/// What remains to be done for these tables. Those without a crawler, or beyond the quota, are left to the next run.
pub(crate) fn remaining(tables: &[TableReport]) -> Remaining {
    let any = |outcome| {
        let mut crawled = tables.iter().filter(|table| table.crawler.is_some() && !table.beyond_quota);
        crawled.any(|table| table.outcome == outcome)
    };
    if any(Outcome::Deferred) {
        Remaining::Crawls
    } else if any(Outcome::Started) {
        Remaining::Links
    } else {
        Remaining::Nothing
    }
}

/// Records what remains of `backlogs`, and removes them if nothing does. Backlogs that other runs have opened since stay.
///
/// # Errors
/// If Glue refuses or does not answer.
pub(crate) async fn update(session: &Session<'_>, backlogs: &[Backlog], remaining: Remaining) -> Result<(), Error> {
    let is_one = |stored: &Backlog| backlogs.iter().any(|backlog| backlog.is_same_run(stored));
    write(session, |stored| match remaining {
        Remaining::Nothing => stored.retain(|backlog| !is_one(backlog)),
        Remaining::Links | Remaining::Crawls => {
            let due = remaining == Remaining::Crawls;
            stored.iter_mut().filter(|backlog| is_one(backlog)).for_each(|backlog| backlog.due = due);
        }
    })
    .await
}

/// The open backlogs.
///
/// # Errors
/// If Glue refuses or does not answer.
///
/// # Cost
/// One GetDatabase.
pub(crate) async fn list(session: &Session<'_>) -> Result<Vec<Backlog>, Error> {
    Ok(discover::get_database(&session.clients, &session.settings.database)
        .await?
        .map(|database| read(&database))
        .unwrap_or_default())
}

/// Starts the crawlers that are due by any open backlog, as far as the limits allow. Returns the started crawls in order.
///
/// `ended` is the crawler whose crawl has just ended.
///
/// # Errors
/// If something can't be listed. [`Kind::Throttled`] if crawlers are due but none could be started and none is running, so
/// that no event would continue: call again later.
///
/// # Cost
/// One GetDatabase if no crawler is due. Otherwise also the pages of ListTables, ListCrawlers and GetCrawlers, and one
/// StartCrawler each. The call that drains a backlog adds a GetDatabase and an UpdateDatabase.
pub(crate) async fn start_next(session: &Session<'_>, ended: &str) -> Result<Vec<TableReport>, Error> {
    let Session { clients, settings, deadline, .. } = session;
    let listing = async {
        let mut backlogs = list(session).await?;
        backlogs.retain(|backlog| backlog.due);
        if backlogs.is_empty() {
            return Ok(None);
        }
        let (tables, crawlers) = tokio::try_join!(crawl::dynamodb::tables(clients), discover::list_crawlers(clients))?;
        Ok(Some((backlogs, tables, crawlers)))
    };
    let Some((backlogs, tables, mut crawlers)) = deadline.limit(listing).await? else { return Ok(Vec::new()) };
    // Glue may still show it as STOPPING.
    if let Some(crawler) = crawlers.get_mut(ended) {
        crawler.running = false;
    }
    let tables: BTreeSet<String> = tables.into_iter().collect();
    let due = due_crawlers(&backlogs, settings, &tables, &crawlers);
    let running = crawlers.values().filter(|crawler| crawler.running).count();
    // Only the end of our own crawls invokes us again.
    let own_running =
        crawlers.values().filter(|c| c.running && c.owned && c.config.database == settings.database).count();
    let next = due.iter().flat_map(|due| due.crawlers.clone()).collect::<BTreeSet<_>>();
    let free = settings.max_running.saturating_sub(running);

    let started: Vec<TableReport> = stream::iter(next.iter().take(free))
        .map(|crawler| start(clients, deadline, crawler))
        .buffered(settings.concurrency)
        .collect()
        .await;
    let done = |due: &DueCrawler| {
        started.iter().any(|s| s.crawler.as_ref() == Some(&due.crawler) && s.outcome != Outcome::Deferred)
    };
    let drained: Vec<Backlog> =
        due.into_iter().filter(|due| due.crawlers.iter().all(done)).map(|due| due.backlog).collect();
    if !drained.is_empty() {
        // Keep these backlogs: if the event of a running crawl gets lost, its table has yet to be linked.
        deadline.finish(update(session, &drained, Remaining::Links)).await?;
    }
    let stuck = own_running == 0 && !started.iter().any(|table| table.outcome == Outcome::Started);
    if drained.len() < backlogs.len() && stuck {
        let reason = started.iter().find_map(|table| table.reason.clone()).unwrap_or_default();
        return Err(Error::new(Kind::Throttled, format!("crawlers are due, but none could be started: {reason}")));
    }
    Ok(started)
}

/// A crawler to start. The order is that of starting: never crawled first, then the stalest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct DueCrawler {
    last_crawl: Option<i64>,
    crawler: String,
    table: String,
}

/// The crawlers that are due by one backlog.
struct Due {
    backlog: Backlog,
    crawlers: Vec<DueCrawler>,
}

/// The crawlers that are due by each backlog, among those that are ours, idle, and whose tables exist.
fn due_crawlers(
    backlogs: &[Backlog],
    settings: &Settings,
    tables: &BTreeSet<String>,
    crawlers: &BTreeMap<String, CrawlerInfo>,
) -> Vec<Due> {
    let idle =
        |crawler: &CrawlerInfo| crawler.owned && !crawler.running && crawler.config.database == settings.database;
    let due_by = |backlog: &Backlog| {
        // A backlog whose globs can no longer be read selects nothing.
        let Ok(selection) = backlog.selection() else { return Vec::new() };
        let idle = crawlers.iter().filter(|(_, crawler)| idle(crawler));
        idle.filter(|(_, crawler)| backlog.is_due(crawler.last_crawl))
            .filter_map(|(name, crawler)| {
                let table = crawler.config.targets.first()?.0.clone();
                (tables.contains(&table) && selection.contains(&table)).then(|| DueCrawler {
                    last_crawl: crawler.last_crawl,
                    crawler: name.clone(),
                    table,
                })
            })
            .collect()
    };
    backlogs.iter().map(|backlog| Due { backlog: backlog.clone(), crawlers: due_by(backlog) }).collect()
}

async fn start(clients: &Clients, deadline: &Deadline, due: &DueCrawler) -> TableReport {
    let mut row = Row::new(&due.table, Some(due.crawler.clone()));
    match deadline.limit(apply::start_crawler(clients, &due.crawler)).await {
        Ok(_) => {
            row.actions.push(Action::StartCrawler);
            row.ended(Outcome::Started, None)
        }
        Err(error) => row.refused(error),
    }
}

/// The open backlogs. A value that somebody else or a later release wrote counts as none: the next run replaces it.
fn read(database: &Database) -> Vec<Backlog> {
    let text = database.parameters().and_then(|parameters| parameters.get(PARAMETER));
    let stored: Option<Stored> = text.and_then(|text| serde_json::from_str(text).ok());
    stored.filter(|stored| stored.v <= VERSION).map(|stored| stored.backlogs).unwrap_or_default()
}

/// Reads the open backlogs, applies `change`, and writes them back.
async fn write(session: &Session<'_>, change: impl Fn(&mut Vec<Backlog>)) -> Result<(), Error> {
    apply::update_database(&session.clients, &session.settings.database, |database| {
        let mut backlogs = read(database);
        change(&mut backlogs);
        let parameters = database.parameters.get_or_insert_default();
        // Serializing strings and numbers can't fail.
        let any = !backlogs.is_empty();
        match serde_json::to_string(&Stored { v: VERSION, backlogs }) {
            Ok(text) if any => drop(parameters.insert(PARAMETER.into(), text)),
            _ => drop(parameters.remove(PARAMETER)),
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(text: &str) -> Vec<Backlog> {
        read(&Database::builder().name("d").parameters(PARAMETER, text).build().unwrap())
    }

    #[test]
    fn backlogs_in_version_1_are_read() {
        let text = include_str!("../tests/formats/v1/backlog.json").trim();
        let backlogs = stored(text);
        let written = serde_json::to_string(&Stored { v: VERSION, backlogs: backlogs.clone() }).unwrap();
        assert_eq!(written, text, "they are still written so");
        let (include, exclude) = (vec!["orders*".to_owned()], vec!["*_old".to_owned()]);
        let expected = Backlog { start: 1_700_000_000_000, include, exclude, due: true };
        assert_eq!(backlogs, [expected]);
        let of_next = text.replace("{\"v\":1", "{\"v\":1,\"pace\":{\"x\":1}").replace("\"due\"", "\"rank\":1,\"due\"");
        assert_eq!(stored(&of_next), backlogs, "what this release does not know it leaves out");
    }

    #[test]
    fn backlogs_of_a_later_version_count_as_none() {
        let text = include_str!("../tests/formats/v1/backlog.json");
        assert_eq!(stored(&text.replace("{\"v\":1", "{\"v\":2")), []);
        assert_eq!(stored("[]"), []);
    }
}
