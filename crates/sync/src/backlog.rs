//! What a run leaves, because more crawlers are due than may run at once, or because it was killed. Each run that starts crawls
//! notes a backlog in the database. While crawlers are due, each end of a crawl starts the next one. [`crate::continue_backlog`]
//! finds what no event tells of. There is no list of names: a crawler is due as long as its last crawl began before the run did.

use crawl::Clients;
use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_glue::types::Database;
use futures::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};

use crate::apply;
use crate::discover::{self, CrawlerInfo};
use crate::report::{Action, Outcome, Row, TableReport};
use crate::session::Session;
use crate::settings::{Selection, Settings};
use crawl::Deadline;
use crawl::error::{Error, Kind};

/// The parameter of the Glue database that holds the open backlogs, as JSON.
const PARAMETER: &str = "backlogs";
/// The version of [`Stored`]: a later one is one that this release would misread. Members that it does not know are left out.
const VERSION: u32 = 1;
/// Our clock and Glue's may differ: a crawl that began this long before the run, in milliseconds, counts as one of its own.
const SKEW: i64 = 60_000;

/// The parameter's value.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    v: u32,
    backlogs: Vec<Backlog>,
}

/// What a run may have left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Backlog {
    /// When the run began, in milliseconds since 1970.
    start: i64,
    /// The tables it was about.
    include: Vec<String>,
    /// The tables it was not about.
    exclude: Vec<String>,
    /// It is known to have left crawlers to be started.
    pub(crate) due: bool,
}

/// What a run has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// Nothing.
    Nothing,
    /// Crawls run: what they write is to be linked.
    Links,
    /// Crawlers are to be started.
    Crawls,
}

impl Backlog {
    /// Of a run that began at `began`, in milliseconds since 1970.
    pub(crate) fn new(settings: &Settings, began: u128) -> Backlog {
        let Settings { include, exclude, .. } = settings.clone();
        let start = i64::try_from(began).unwrap_or(i64::MAX).saturating_sub(SKEW);
        Backlog { start, include, exclude, due: false }
    }

    /// Notes it; one of the same tables is replaced.
    ///
    /// # Errors
    /// If Glue refuses or does not answer.
    pub(crate) async fn open(&self, session: &Session<'_>) -> Result<(), Error> {
        write(session, |backlogs| {
            backlogs.retain(|backlog| !backlog.is_about_the_tables_of(self));
            backlogs.push(self.clone());
        })
        .await
    }

    /// Whether a crawler is still to be started whose last crawl began then, in milliseconds since 1970.
    pub(crate) fn is_due(&self, last_crawl: Option<i64>) -> bool {
        last_crawl.is_none_or(|crawl| crawl < self.start)
    }

    /// The open ones, as the database was listed, of runs about the same tables.
    pub(crate) fn earlier(&self, database: Option<&Database>) -> Vec<Backlog> {
        let mut open = database.map(read).unwrap_or_default();
        open.retain(|backlog| backlog.is_about_the_tables_of(self));
        open
    }

    fn is_about_the_tables_of(&self, other: &Backlog) -> bool {
        (&self.include, &self.exclude) == (&other.include, &other.exclude)
    }

    fn is(&self, other: &Backlog) -> bool {
        self.start == other.start && self.is_about_the_tables_of(other)
    }

    /// The tables it is about.
    ///
    /// # Errors
    /// If its globs can't be read.
    pub(crate) fn selection(&self) -> Result<Selection, Error> {
        Selection::of_globs(&self.include, &self.exclude)
    }
}

/// What these tables leave. What has no crawler, or gets none for want of quota, is for the next run.
pub(crate) fn left_by(tables: &[TableReport]) -> Left {
    let any = |outcome| {
        let mut crawled = tables.iter().filter(|table| table.crawler.is_some() && !table.beyond_quota);
        crawled.any(|table| table.outcome == outcome)
    };
    if any(Outcome::Deferred) {
        Left::Crawls
    } else if any(Outcome::Started) {
        Left::Links
    } else {
        Left::Nothing
    }
}

/// Notes what these backlogs have left; those that have left nothing are taken away. Those that a run has opened meanwhile stay.
///
/// # Errors
/// If Glue refuses or does not answer.
pub(crate) async fn leave(session: &Session<'_>, these: &[Backlog], left: Left) -> Result<(), Error> {
    let is_one = |backlog: &Backlog| these.iter().any(|one| one.is(backlog));
    write(session, |backlogs| match left {
        Left::Nothing => backlogs.retain(|backlog| !is_one(backlog)),
        Left::Links | Left::Crawls => {
            backlogs
                .iter_mut()
                .filter(|backlog| is_one(backlog))
                .for_each(|backlog| backlog.due = left == Left::Crawls);
        }
    })
    .await
}

/// The backlogs that are open.
///
/// # Errors
/// If Glue refuses or does not answer.
///
/// # Cost
/// One GetDatabase.
pub(crate) async fn open_ones(session: &Session<'_>) -> Result<Vec<Backlog>, Error> {
    Ok(discover::database(&session.clients, &session.settings.database)
        .await?
        .map(|database| read(&database))
        .unwrap_or_default())
}

/// Starts what the backlogs with a backlog have left, as far as the limits allow; the crawls started, in order.
///
/// `ended` is the crawler whose end this is about.
///
/// # Errors
/// If something can't be listed. [`Kind::Throttled`] if crawlers are left, none could be started and none runs, so that no
/// event would go on: call again later.
///
/// # Cost
/// One GetDatabase where no backlog has a backlog; else the pages of ListTables, ListCrawlers and GetCrawlers, and one StartCrawler
/// each. The one that ends a backlog: GetDatabase again, and UpdateDatabase.
pub(crate) async fn go_on(session: &Session<'_>, ended: &str) -> Result<Vec<TableReport>, Error> {
    let Session { clients, settings, deadline, .. } = session;
    let listing = async {
        let mut backlogs = open_ones(session).await?;
        backlogs.retain(|backlog| backlog.due);
        if backlogs.is_empty() {
            return Ok(None);
        }
        let (tables, crawlers) = tokio::try_join!(crawl::dynamodb::tables(clients), discover::crawlers(clients))?;
        Ok(Some((backlogs, tables, crawlers)))
    };
    let Some((backlogs, tables, mut crawlers)) = deadline.limit(listing).await? else { return Ok(Vec::new()) };
    // Its crawl is over, though it may still be shown as stopping.
    if let Some(crawler) = crawlers.get_mut(ended) {
        crawler.running = false;
    }
    let tables: BTreeSet<String> = tables.into_iter().collect();
    let left = due_crawlers(&backlogs, settings, &tables, &crawlers);
    let running = crawlers.values().filter(|crawler| crawler.running).count();
    // The end of another's crawl tells us nothing.
    let own_running =
        crawlers.values().filter(|c| c.running && c.owned && c.config.database == settings.database).count();
    let next = left.iter().flat_map(|left| left.crawlers.clone()).collect::<BTreeSet<_>>();
    let free = settings.max_running.saturating_sub(running);

    let started: Vec<TableReport> = stream::iter(next.iter().take(free))
        .map(|next| start(clients, deadline, next))
        .buffered(settings.concurrency)
        .collect()
        .await;
    let done = |next: &Next| {
        started.iter().any(|s| s.crawler.as_ref() == Some(&next.crawler) && s.outcome != Outcome::Deferred)
    };
    let drained: Vec<Backlog> =
        left.into_iter().filter(|left| left.crawlers.iter().all(done)).map(|left| left.backlog).collect();
    if !drained.is_empty() {
        // What runs now is still to be linked, should its event get lost.
        deadline.finish(leave(session, &drained, Left::Links)).await?;
    }
    let stuck = own_running == 0 && !started.iter().any(|table| table.outcome == Outcome::Started);
    if drained.len() < backlogs.len() && stuck {
        let reason = started.iter().find_map(|table| table.reason.clone()).unwrap_or_default();
        return Err(Error::new(Kind::Throttled, format!("crawlers are left, and none could be started: {reason}")));
    }
    Ok(started)
}

/// A crawler to be started. In the order of starting: never crawled first, then the stalest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Next {
    last_crawl: Option<i64>,
    crawler: String,
    table: String,
}

/// The crawlers that are due by a backlog.
struct Due {
    backlog: Backlog,
    crawlers: Vec<Next>,
}

/// What each backlog has left of the crawlers that are ours and whose tables exist.
fn due_crawlers(
    backlogs: &[Backlog],
    settings: &Settings,
    tables: &BTreeSet<String>,
    crawlers: &BTreeMap<String, CrawlerInfo>,
) -> Vec<Due> {
    let idle =
        |crawler: &CrawlerInfo| crawler.owned && !crawler.running && crawler.config.database == settings.database;
    let due_by = |backlog: &Backlog| {
        // A backlog whose globs can't be read any more has nothing left.
        let Ok(selection) = backlog.selection() else { return Vec::new() };
        let idle = crawlers.iter().filter(|(_, crawler)| idle(crawler));
        idle.filter(|(_, crawler)| backlog.is_due(crawler.last_crawl))
            .filter_map(|(name, crawler)| {
                let table = crawler.config.targets.first()?.0.clone();
                (tables.contains(&table) && selection.contains(&table)).then(|| Next {
                    last_crawl: crawler.last_crawl,
                    crawler: name.clone(),
                    table,
                })
            })
            .collect()
    };
    backlogs.iter().map(|backlog| Due { backlog: backlog.clone(), crawlers: due_by(backlog) }).collect()
}

async fn start(clients: &Clients, deadline: &Deadline, next: &Next) -> TableReport {
    let mut row = Row::new(&next.table, Some(next.crawler.clone()));
    match deadline.limit(apply::start(clients, &next.crawler)).await {
        Ok(_) => {
            row.actions.push(Action::StartCrawler);
            row.ended(Outcome::Started, None)
        }
        Err(error) => row.refused(error),
    }
}

/// The open backlogs. What somebody else wrote under the name, or a later release, counts as none: the next run makes a new one.
fn read(database: &Database) -> Vec<Backlog> {
    let text = database.parameters().and_then(|parameters| parameters.get(PARAMETER));
    let stored: Option<Stored> = text.and_then(|text| serde_json::from_str(text).ok());
    stored.filter(|stored| stored.v <= VERSION).map(|stored| stored.backlogs).unwrap_or_default()
}

/// Changes the open backlogs as they are now.
async fn write(session: &Session<'_>, change: impl Fn(&mut Vec<Backlog>)) -> Result<(), Error> {
    apply::update_database(&session.clients, &session.settings.database, |database| {
        let mut backlogs = read(database);
        change(&mut backlogs);
        let parameters = database.parameters.get_or_insert_default();
        // Texts and numbers always make JSON.
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
