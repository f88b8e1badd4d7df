//! Going on with what runs have left, when no event tells of it.

use std::time::Instant;

use super::{Run, planned};
use crate::backlog::{self, Backlog, Left};
use crate::discover::Inventory;
use crate::plan::{CrawlerChange, Plan, TablePlan};
use crate::report::{Outcome, Report, Row, TableReport};
use crate::session::Session;
use crate::settings::{Engine, Selection, Settings};
use crate::{discover, registry};
use crawl::error::Error;

/// Starts the crawlers that runs have left, links what was crawled since, and does nothing else (a table without a crawler
/// counts as left, and gets one): for events that got lost, for
/// invocations that were throttled, for a run that was killed. To be called by a timer.
///
/// A run without `wait` notes itself in the database before it starts the first crawler. The note stays until every crawler
/// of the run was started, none runs, and what they wrote is linked.
///
/// # Errors
/// If nothing could be done at all: impossible settings, a listing refused, no time.
///
/// # Cost
/// One GetDatabase where there is nothing to do; else the listings of a run, and for each table what a run does for it.
pub async fn continue_backlog(session: &Session<'_>) -> Result<Report, Error> {
    let since = Instant::now();
    let Session { clients, settings, deadline, .. } = session;
    let backlogs = match settings.engine {
        Engine::Managed => deadline.limit(backlog::open_ones(session)).await?,
        Engine::Native => Vec::new(),
    };
    let report = match backlogs.is_empty() {
        true => Report::of("", &clients.region, settings),
        false => go_on(session, &backlogs).await?,
    };
    Ok(report.summed(clients.calls(), since.elapsed().as_secs_f64()))
}

async fn go_on(session: &Session<'_>, backlogs: &[Backlog]) -> Result<Report, Error> {
    // Which tables it is about, the backlogs say.
    let session = &session.with(session.settings.of_all_tables()).telling(&|_| ());
    let Session { clients, settings, deadline, .. } = session;
    let mut inventory = deadline.limit(Box::pin(discover::discover(clients, settings))).await?;
    let mut plan = planned(session, &mut inventory).await;
    let crawled = left(&mut plan, &inventory, settings, backlogs);

    let run = Run::new(session, &inventory, &plan);
    let mut tables = run.work(&plan.tables).await;
    let mut left = backlog::left_by(&tables);
    if left == Left::Nothing && crawled.iter().any(|table| table.outcome == Outcome::Started) {
        left = Left::Links;
    }
    let mut ended: Vec<TableReport> = crawled.into_iter().filter(|table| table.outcome != Outcome::Started).collect();
    run.link_as_listed(&mut ended, &inventory.catalog).await;
    if left == Left::Nothing && ended.iter().any(|table| table.outcome == Outcome::Deferred) {
        left = Left::Links;
    }
    tables.append(&mut ended);
    let noted = match left {
        Left::Nothing => false,
        Left::Links => backlogs.iter().all(|backlog| !backlog.due),
        Left::Crawls => backlogs.iter().all(|backlog| backlog.due),
    };
    if !noted {
        deadline.finish(backlog::leave(session, backlogs, left)).await?;
    }
    Ok(Report { tables, ..Report::of(&inventory.account, &inventory.region, settings) })
}

/// Leaves the tables in the plan whose crawlers the backlogs have left. Of the others that these are about: those that run
/// (`Started`), those whose crawl failed, and those of which something is to be linked (`Crawled`).
fn left(plan: &mut Plan, inventory: &Inventory, settings: &Settings, backlogs: &[Backlog]) -> Vec<TableReport> {
    // A backlog whose globs can't be read any more has nothing left.
    let backlogs: Vec<(&Backlog, Selection)> =
        backlogs.iter().filter_map(|backlog| Some((backlog, backlog.selection().ok()?))).collect();
    let about = |table: &TablePlan| {
        table.crawler.as_ref().is_some_and(|crawler| crawler.change != CrawlerChange::Foreign)
            && backlogs.iter().any(|(_, selection)| selection.contains(&table.table))
    };
    let crawler = |table: &TablePlan| inventory.crawlers.get(&table.crawler.as_ref()?.name);
    let due = |table: &TablePlan| {
        let last_crawl = crawler(table).and_then(|crawler| crawler.last_crawl);
        !crawler(table).is_some_and(|crawler| crawler.running)
            && backlogs
                .iter()
                .any(|(backlog, selection)| backlog.is_due(last_crawl) && selection.contains(&table.table))
    };
    let tables = std::mem::take(&mut plan.tables).into_iter().filter(about);
    let (due, others): (Vec<_>, Vec<_>) = tables.partition(due);
    plan.tables = due;

    let sources = inventory.sources();
    let report = |table: &TablePlan| {
        let row = Row::from(table);
        let info = crawler(table)?;
        if info.running {
            return Some(row.ended(Outcome::Started, None));
        }
        if let Some(error) = &info.last_error {
            return Some(row.ended(Outcome::Failed, format!("the crawl failed: {error}")));
        }
        let existing = sources.get(table.table.as_str())?;
        let linked = registry::is_current(existing, settings).unwrap_or(false);
        (!linked).then(|| row.ended(Outcome::Crawled, None))
    };
    others.iter().filter_map(report).collect()
}
