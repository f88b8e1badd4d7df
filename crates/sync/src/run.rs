//! The run: takes the steps in order, each table on its own, so that one table's failure never stops the others.

mod cost;
pub(crate) mod link;
mod managed;
mod native;
mod resume;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use aws_sdk_glue::types::Table;
use crawl::error::{Error, Kind};
use futures::stream::{self, StreamExt};
use tokio::sync::Semaphore;
use tracing::Instrument;

use crate::apply;
use crate::backlog::{self, Backlog, Remaining};
use crate::discover::{self, Inventory};
use crate::job::Job;
use crate::permit::Permit;
use crate::plan::{self, DatabaseChange, Plan, Quotas, TablePlan, Vanished};
use crate::preview;
use crate::progress::{Event, Step};
use crate::report::{Outcome, Report, Row, TableReport};
use crate::session::Session;
pub use resume::continue_backlog;
use watch::Watcher;

/// Does the job once: see the crate's documentation.
///
/// # Errors
/// If nothing could be done at all: a listing was refused, there is no database or no time, or the export is from another
/// account or region, or of a table whose keys are unknown. If a named table does not exist, nothing is done for the others
/// either. Failures of single tables are in the report instead.
pub async fn run(session: &Session<'_>, job: Job<'_>) -> Result<Report, Error> {
    let since = Instant::now();
    let began = crawl::now_millis();
    let named = job.tables();
    let session = &session.with_settings(match job {
        Job::Sync => session.settings.clone(),
        _ => session.settings.for_native_crawl(&named),
    });
    let Session { clients, settings, deadline, .. } = session;
    let mut inventory =
        deadline.limit(Box::pin(discover::discover(clients, settings))).await.map_err(|error| match error.kind {
            Kind::Deadline => Error::new(
                Kind::Deadline,
                "the run was cut off before everything was listed, so nothing was done. If its time was up, allow more",
            ),
            _ => error,
        })?;
    if let Some(export) = job.export() {
        inventory.admit(export)?;
    }
    let plan = make_plan(session, &mut inventory).await;
    check_named(&named, &plan, &clients.region)?;
    (session.progress)(Event::Planned(plan.tables.len()));

    let mut report = preview::report(&inventory, &plan, settings);
    if settings.dry_run {
        report.tables = preview::tables(&inventory, &plan, settings);
        cost::estimate(session, job.export(), &mut report).await;
        if !named.is_empty() {
            // A crawl of named tables isn't part of the schedule, so it has no monthly cost.
            report.monthly = None;
        }
    } else {
        if report.database_foreign && plan.database == DatabaseChange::Flag {
            let (database, flag) = (&settings.database, plan::DATABASE_LOCATION);
            tracing::warn!(database, "the database was created by somebody else: adding {flag} to its LocationUri");
        }
        apply::ensure_database(clients, &settings.database, plan.database).await?;
        let run = Run { job, ..Run::new(session, &inventory, &plan) };
        report.tables = Box::pin(run.carry_out(&plan, began)).await;
    }
    Ok(report.finish(clients.calls(), since.elapsed().as_secs_f64()))
}

/// Makes the plan. Counts the account's roles only if a role has to be created.
async fn make_plan(session: &Session<'_>, inventory: &mut Inventory) -> Plan {
    let Session { clients, settings, deadline, .. } = session;
    let plan = plan::plan(inventory, settings);
    if plan.quotas.roles.needed == 0 {
        return plan;
    }
    inventory.account_roles = deadline.limit(discover::count_roles(clients)).await.unwrap_or_else(|error| {
        tracing::warn!(reason = %error, "can't count the account's roles: assuming the quota of new accounts");
        None
    });
    plan::plan(inventory, settings)
}

/// # Errors
/// [`Kind::NotFound`] if a named table does not exist.
fn check_named(named: &[&str], plan: &Plan, region: &str) -> Result<(), Error> {
    let planned = plan.tables.iter().map(|table| &table.table).chain(plan.vanished.iter().map(|v| &v.table));
    let planned: BTreeSet<&str> = planned.map(String::as_str).collect();
    let missing: Vec<&str> = named.iter().copied().filter(|name| !planned.contains(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::new(Kind::NotFound, format!("no DynamoDB table {} in {region}", missing.join(", "))))
}

/// What the work on all tables shares.
struct Run<'a> {
    session: &'a Session<'a>,
    inventory: &'a Inventory,
    job: Job<'a>,
    /// Limits the tables that are worked on at once. Released while a table waits for IAM or for its crawl.
    working: Semaphore,
    /// Limits the crawlers that run at once.
    running: Semaphore,
    quotas: &'a Quotas,
    /// Whether Glue has reported that the account's quota of crawlers is reached.
    no_more_crawlers: AtomicBool,
    watcher: Watcher<'a>,
}

impl<'a> Run<'a> {
    fn new(session: &'a Session<'a>, inventory: &'a Inventory, plan: &'a Plan) -> Self {
        let settings = &session.settings;
        let planned: BTreeSet<&str> =
            plan.tables.iter().filter_map(|t| Some(t.crawler.as_ref()?.name.as_str())).collect();
        // Running crawlers that this run doesn't wait for. Those that it waits for take a permit like any other.
        let others = inventory
            .crawlers
            .iter()
            .filter(|(name, crawler)| crawler.running && !(settings.wait && planned.contains(name.as_str())));
        let free = settings.max_running.saturating_sub(others.count());
        Run {
            session,
            inventory,
            job: Job::Sync,
            working: Semaphore::new(settings.concurrency),
            // A waiting run needs at least one permit. It then starts a crawl as soon as the service allows.
            running: Semaphore::new(free.max(usize::from(settings.wait))),
            quotas: &plan.quotas,
            no_more_crawlers: AtomicBool::new(false),
            watcher: Watcher::new(&session.clients, Duration::from_secs(settings.propagation_limit)),
        }
    }

    async fn carry_out(&self, plan: &Plan, began: u128) -> Vec<TableReport> {
        let backlog = Backlog::new(&self.session.settings, began);
        let crawls = !self.session.settings.no_start && plan.tables.iter().any(|table| table.crawler.is_some());
        // A waiting run links its tables itself, and leaves a backlog only if something remains in the end.
        let opens_first = crawls && !self.session.settings.wait;
        if opens_first {
            // Before the first crawl, so that whatever this run starts or leaves is continued even if it is killed.
            self.open(&backlog).await;
        }
        let mut tables = self.work(&plan.tables).await;
        let remaining = backlog::remaining(&tables);
        if crawls && !opens_first && remaining != Remaining::Nothing {
            self.open(&backlog).await;
        }
        // After an interrupt nothing more should start.
        if crawls && !self.session.deadline.interrupted() && remaining == Remaining::Crawls {
            self.record_due(&backlog, &mut tables).await;
        }
        self.link(&mut tables).await;
        // This run has also done what earlier runs left of the same tables.
        let done = match opens_first {
            true => vec![backlog],
            false => backlog.earlier(self.inventory.database.as_ref()),
        };
        if crawls && !done.is_empty() && backlog::remaining(&tables) == Remaining::Nothing {
            let close = backlog::update(self.session, &done, Remaining::Nothing);
            if let Err(error) = self.session.deadline.finish(close).await {
                tracing::warn!(reason = %error, "the backlog of this run stays open, though nothing is left to do");
            }
        }
        tables.append(&mut self.retire(&plan.vanished).await);
        tables
    }

    /// Records the backlog in the database, so that events and later runs can continue this run.
    async fn open(&self, backlog: &Backlog) {
        if let Err(error) = self.session.deadline.finish(backlog.open(self.session)).await {
            tracing::warn!(reason = %error, "can't record this run: if it is cut off, only a later run continues");
        }
    }

    /// Records that crawlers have yet to be started.
    async fn record_due(&self, backlog: &Backlog, tables: &mut [TableReport]) {
        let backlogs = std::slice::from_ref(backlog);
        let recorded = backlog::update(self.session, backlogs, Remaining::Crawls);
        if let Err(error) = self.session.deadline.finish(recorded).await {
            for table in tables.iter_mut().filter(|table| table.outcome == Outcome::Deferred) {
                let reason = table.reason.take().unwrap_or_default();
                table.reason =
                    Some(format!("{reason}; only a later run starts it, since this was not recorded: {error}"));
            }
        }
    }

    /// Works on these tables until they are done or the run must end.
    async fn work(&self, tables: &[TablePlan]) -> Vec<TableReport> {
        tokio::select! {
            reports = self.work_on_all(tables) => reports,
            never = Box::pin(self.watcher.watch()) => match never {},
            never = self.stop_in_time() => match never {},
        }
    }

    /// Works on all tables at once. The semaphores grant permits in the order of the plan.
    async fn work_on_all(&self, tables: &[TablePlan]) -> Vec<TableReport> {
        let work = stream::iter(tables).map(|table| self.work_on(table));
        work.buffer_unordered(tables.len().max(1)).collect().await
    }

    /// Grants no more permits once the run must end.
    async fn stop_in_time(&self) -> Infallible {
        self.session.deadline.reached().await;
        self.working.close();
        self.running.close();
        std::future::pending().await
    }

    async fn work_on(&self, table: &TablePlan) -> TableReport {
        let mut row = Row::from(table);
        let work = async {
            match &table.crawler {
                Some(crawler) => self.managed(table, crawler, &mut row).await,
                None if table.beyond_quota => {
                    let error = Error::new(Kind::Quota, self.quotas.reason());
                    self.beyond_quota(table, error, &mut row).await
                }
                None => self.native(table, &mut row).await,
            }
        };
        let span = tracing::info_span!("table", table = table.table);
        let ended = self.session.deadline.limit(work).instrument(span).await;
        let report = match ended {
            // This run doesn't wait for the crawl, so it reports how the previous one failed.
            Ok(Outcome::Started) => {
                let previous = table.crawler.as_ref().and_then(|crawler| self.last_error(crawler));
                row.ended(Outcome::Started, previous)
            }
            Ok(outcome) => {
                let reason = row.reason.take();
                row.ended(outcome, reason)
            }
            Err(error) => row.refused(error),
        };
        (self.session.progress)(Event::Done(&table.table, report.outcome));
        report
    }

    /// Waits for a permit to work on a table.
    async fn permit(&self) -> Result<Permit<'_>, Error> {
        Permit::acquire(&self.working, Duration::from_secs(self.session.settings.propagation_limit)).await
    }

    /// Reports that a table enters a step, and returns the step's work, to be awaited.
    ///
    /// The work is boxed, since the state of an SDK call takes tens of kilobytes, and every table of the region waits here for
    /// its permit.
    fn in_step<'f, T>(
        &self,
        table: &str,
        step: Step,
        work: impl Future<Output = T> + 'f,
    ) -> Pin<Box<dyn Future<Output = T> + 'f>> {
        (self.session.progress)(Event::Step(table, step));
        Box::pin(work.instrument(tracing::info_span!("step", step = step.name())))
    }

    /// Marks or deletes the catalog tables whose DynamoDB tables no longer exist or have another one.
    async fn retire(&self, vanished: &[Vanished]) -> Vec<TableReport> {
        let catalog: BTreeMap<&str, &Table> =
            self.inventory.catalog.iter().map(|table| (table.name(), table)).collect();
        let work = vanished.iter().filter_map(|gone| Some((gone, *catalog.get(gone.catalog_table.as_str())?)));
        stream::iter(work)
            .map(|(gone, table)| async move {
                let report = preview::retired(gone);
                let retire = apply::retire(&self.session.clients, &self.session.settings.database, gone, table);
                match self.session.deadline.limit(retire).await {
                    Ok(()) => report,
                    Err(error) => TableReport { actions: Vec::new(), ..report.refused(error) },
                }
            })
            .buffer_unordered(self.session.settings.concurrency)
            .collect()
            .await
    }
}
