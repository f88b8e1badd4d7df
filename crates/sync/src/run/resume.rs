//! Continues what earlier runs have left and no event has reported.

use std::time::Instant;

use crawl::error::Error;

use super::{Run, make_plan};
use crate::backlog::{self, Backlog, Remaining};
use crate::discover::Inventory;
use crate::plan::{CrawlerChange, Plan, TablePlan};
use crate::report::{Outcome, Report, Row, TableReport};
use crate::session::Session;
use crate::settings::{Engine, Selection, Settings};
use crate::{discover, registry};

/// Starts the crawlers that earlier runs have left, and links what was crawled since. A table of such a run that has no crawler
/// yet gets one. Nothing else is done. To be called on a timer, to make up for lost events, throttled invocations and killed
/// runs.
///
/// A run without `wait` records a backlog in the database before it starts the first crawler. The backlog stays until every
/// crawler of the run has been started, none is running, and their tables are linked.
///
/// # Errors
/// If nothing could be done at all: a listing was refused, or there is no time.
///
/// # Cost
/// One GetDatabase if there is nothing to do. Otherwise the listings of a run, and for each table what a run does for it.
pub async fn continue_backlog(session: &Session<'_>) -> Result<Report, Error> {
    let since = Instant::now();
    let Session { clients, settings, deadline, .. } = session;
    let backlogs = match settings.engine {
        Engine::Managed => deadline.limit(backlog::list(session)).await?,
        Engine::Native => Vec::new(),
    };
    let report = match backlogs.is_empty() {
        true => Report::new("", &clients.region, settings),
        false => resume(session, &backlogs).await?,
    };
    Ok(report.finish(clients.calls(), since.elapsed().as_secs_f64()))
}

async fn resume(session: &Session<'_>, backlogs: &[Backlog]) -> Result<Report, Error> {
    // The backlogs select the tables, not the settings.
    let session = &session.with_settings(session.settings.for_all_tables()).with_progress(&|_| ());
    let Session { clients, settings, deadline, .. } = session;
    let mut inventory = deadline.limit(Box::pin(discover::discover(clients, settings))).await?;
    let mut plan = make_plan(session, &mut inventory).await;
    let crawled = keep_due(&mut plan, &inventory, settings, backlogs);

    let run = Run::new(session, &inventory, &plan);
    let mut tables = run.work(&plan.tables).await;
    let mut remaining = backlog::remaining(&tables);
    if remaining == Remaining::Nothing && crawled.iter().any(|table| table.outcome == Outcome::Started) {
        remaining = Remaining::Links;
    }
    let mut ended: Vec<TableReport> = crawled.into_iter().filter(|table| table.outcome != Outcome::Started).collect();
    run.link_as_listed(&mut ended, &inventory.catalog).await;
    if remaining == Remaining::Nothing && ended.iter().any(|table| table.outcome == Outcome::Deferred) {
        remaining = Remaining::Links;
    }
    tables.append(&mut ended);
    let recorded = match remaining {
        Remaining::Nothing => false,
        Remaining::Links => backlogs.iter().all(|backlog| !backlog.due),
        Remaining::Crawls => backlogs.iter().all(|backlog| backlog.due),
    };
    if !recorded {
        deadline.finish(backlog::update(session, backlogs, remaining)).await?;
    }
    Ok(Report { tables, ..Report::new(&inventory.account, &inventory.region, settings) })
}

/// Reduces the plan to the tables whose crawlers are due. Returns the others that the backlogs select and that need something:
/// those whose crawler is running (`Started`), whose crawl failed, or which have yet to be linked (`Crawled`).
fn keep_due(plan: &mut Plan, inventory: &Inventory, settings: &Settings, backlogs: &[Backlog]) -> Vec<TableReport> {
    // A backlog whose globs can no longer be read selects nothing.
    let backlogs: Vec<(&Backlog, Selection)> =
        backlogs.iter().filter_map(|backlog| Some((backlog, backlog.selection().ok()?))).collect();
    let selected = |table: &TablePlan| {
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
    let tables = std::mem::take(&mut plan.tables).into_iter().filter(selected);
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
