//! What a run leaves, be it that more crawlers are due than may run at once, or that it was killed: each run that starts crawls
//! notes itself as a cycle. Where it has a backlog, each end of a crawl starts the next, until none is left. What no event
//! tells of finds [`crate::continue_backlog`]. No list of names: a crawler is left as long as its last crawl began before the
//! cycle did.

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

/// The parameter of the Glue database that holds the open cycles, as JSON.
const PARAMETER: &str = "cycles";
/// Our clock and Glue's may differ: a crawl that began this long before the run, in milliseconds, counts as one of its own.
const SKEW: i64 = 60_000;

/// A run that may have left something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cycle {
    /// When the run began, in milliseconds since 1970.
    start: i64,
    /// The tables it was about.
    include: Vec<String>,
    /// The tables it was not about.
    exclude: Vec<String>,
    /// It is known to have left crawlers to be started.
    #[serde(default = "yes")]
    pub(crate) backlog: bool,
}

/// Those of earlier versions were noted for nothing else.
fn yes() -> bool {
    true
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

impl Cycle {
    /// Of a run that began at `began`, in milliseconds since 1970.
    pub(crate) fn of(settings: &Settings, began: u128) -> Cycle {
        let Settings { include, exclude, .. } = settings.clone();
        let start = i64::try_from(began).unwrap_or(i64::MAX).saturating_sub(SKEW);
        Cycle { start, include, exclude, backlog: false }
    }

    /// Notes it; one of the same tables is replaced.
    ///
    /// # Errors
    /// If Glue refuses or does not answer.
    pub(crate) async fn open(&self, session: &Session<'_>) -> Result<(), Error> {
        write(session, |cycles| {
            cycles.retain(|cycle| (&cycle.include, &cycle.exclude) != (&self.include, &self.exclude));
            cycles.push(self.clone());
        })
        .await
    }

    /// Whether a crawler is still to be started whose last crawl began then, in milliseconds since 1970.
    pub(crate) fn is_due(&self, last_crawl: Option<i64>) -> bool {
        last_crawl.is_none_or(|crawl| crawl < self.start)
    }

    fn is(&self, other: &Cycle) -> bool {
        (self.start, &self.include, &self.exclude) == (other.start, &other.include, &other.exclude)
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

/// Notes what these cycles have left; those that have left nothing are taken away. Those that a run has opened meanwhile stay.
///
/// # Errors
/// If Glue refuses or does not answer.
pub(crate) async fn leave(session: &Session<'_>, these: &[Cycle], left: Left) -> Result<(), Error> {
    let is_one = |cycle: &Cycle| these.iter().any(|one| one.is(cycle));
    write(session, |cycles| match left {
        Left::Nothing => cycles.retain(|cycle| !is_one(cycle)),
        Left::Links | Left::Crawls => {
            cycles.iter_mut().filter(|cycle| is_one(cycle)).for_each(|cycle| cycle.backlog = left == Left::Crawls);
        }
    })
    .await
}

/// The cycles that are open.
///
/// # Errors
/// If Glue refuses or does not answer.
///
/// # Cost
/// One GetDatabase.
pub(crate) async fn open_ones(session: &Session<'_>) -> Result<Vec<Cycle>, Error> {
    Ok(discover::database(&session.clients, &session.settings.database)
        .await?
        .map(|database| read(&database))
        .unwrap_or_default())
}

/// Starts what the cycles with a backlog have left, as far as the limits allow; the crawls started, in order.
///
/// `ended` is the crawler whose end this is about.
///
/// # Errors
/// If something can't be listed. [`Kind::Throttled`] if crawlers are left, none could be started and none runs, so that no
/// event would go on: call again later.
///
/// # Cost
/// One GetDatabase where no cycle has a backlog; else the pages of ListTables, ListCrawlers and GetCrawlers, and one StartCrawler
/// each. The one that ends a backlog: GetDatabase again, and UpdateDatabase.
pub(crate) async fn go_on(session: &Session<'_>, ended: &str) -> Result<Vec<TableReport>, Error> {
    let Session { clients, settings, deadline, .. } = session;
    let listing = async {
        let mut cycles = open_ones(session).await?;
        cycles.retain(|cycle| cycle.backlog);
        if cycles.is_empty() {
            return Ok(None);
        }
        let (tables, crawlers) = tokio::try_join!(crawl::dynamodb::tables(clients), discover::crawlers(clients))?;
        Ok(Some((cycles, tables, crawlers)))
    };
    let Some((cycles, tables, mut crawlers)) = deadline.limit(listing).await? else { return Ok(Vec::new()) };
    // Its crawl is over, though it may still be shown as stopping.
    if let Some(crawler) = crawlers.get_mut(ended) {
        crawler.running = false;
    }
    let tables: BTreeSet<String> = tables.into_iter().collect();
    let left = left_of(&cycles, settings, &tables, &crawlers);
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
    let drained: Vec<Cycle> =
        left.into_iter().filter(|left| left.crawlers.iter().all(done)).map(|left| left.cycle).collect();
    if !drained.is_empty() {
        // What runs now is still to be linked, should its event get lost.
        deadline.finish(leave(session, &drained, Left::Links)).await?;
    }
    let stuck = own_running == 0 && !started.iter().any(|table| table.outcome == Outcome::Started);
    if drained.len() < cycles.len() && stuck {
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

/// The crawlers that a cycle has left.
struct Backlog {
    cycle: Cycle,
    crawlers: Vec<Next>,
}

/// What each cycle has left of the crawlers that are ours and whose tables exist.
fn left_of(
    cycles: &[Cycle],
    settings: &Settings,
    tables: &BTreeSet<String>,
    crawlers: &BTreeMap<String, CrawlerInfo>,
) -> Vec<Backlog> {
    let idle =
        |crawler: &CrawlerInfo| crawler.owned && !crawler.running && crawler.config.database == settings.database;
    let of_cycle = |cycle: &Cycle| {
        // A cycle whose globs can't be read any more has nothing left.
        let Ok(selection) = cycle.selection() else { return Vec::new() };
        let idle = crawlers.iter().filter(|(_, crawler)| idle(crawler));
        idle.filter(|(_, crawler)| cycle.is_due(crawler.last_crawl))
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
    cycles.iter().map(|cycle| Backlog { cycle: cycle.clone(), crawlers: of_cycle(cycle) }).collect()
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

/// The open cycles. What somebody else wrote under the name counts as none.
fn read(database: &Database) -> Vec<Cycle> {
    let text = database.parameters().and_then(|parameters| parameters.get(PARAMETER));
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// Changes the open cycles as they are now.
async fn write(session: &Session<'_>, change: impl Fn(&mut Vec<Cycle>)) -> Result<(), Error> {
    apply::update_database(&session.clients, &session.settings.database, |database| {
        let mut cycles = read(database);
        change(&mut cycles);
        let parameters = database.parameters.get_or_insert_default();
        // Texts and numbers always make JSON.
        match serde_json::to_string(&cycles) {
            Ok(text) if !cycles.is_empty() => drop(parameters.insert(PARAMETER.into(), text)),
            _ => drop(parameters.remove(PARAMETER)),
        }
    })
    .await
}
