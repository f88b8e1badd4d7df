//! The run: the steps in their order, every table on its own, so that one table's failure never stops the others.

mod cost;
pub(crate) mod link;
mod managed;
mod native;
mod resume;
mod watch;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt};
use tokio::sync::Semaphore;
use tracing::Instrument;

use crate::apply;
use crate::backlog::{self, Backlog, Left};
use crate::discover::{self, Inventory};
use crate::job::Job;
use crate::permit::Permit;
use crate::plan::{self, DatabaseChange, Plan, Quotas, TablePlan, Vanished};
use crate::preview;
use crate::progress::{Event, Step};
use crate::report::{Outcome, Report, Row, TableReport};
use crate::session::Session;
use crawl::error::{Error, Kind};
pub use resume::continue_backlog;
use watch::Watcher;

/// Does the job, once: see the crate's documentation.
///
/// # Errors
/// If nothing could be done at all: a listing refused, no database, no time; an export that is not of this account and region,
/// or of a table whose keys nobody knows. If one of the tables that were named does not exist, then nothing is done for the
/// others either. What goes wrong with one table is in the report.
pub async fn run(session: &Session<'_>, job: Job<'_>) -> Result<Report, Error> {
    let since = Instant::now();
    let began = crawl::now_millis();
    let named = job.tables();
    let session = &session.with(match job {
        Job::Sync => session.settings.clone(),
        _ => session.settings.native(&named),
    });
    let Session { clients, settings, deadline, .. } = session;
    let mut inventory =
        deadline.limit(Box::pin(discover::discover(clients, settings))).await.map_err(|error| match error.kind {
            Kind::Deadline => Error::new(
                Kind::Deadline,
                "the run was cut off before all was listed: nothing was done. If its time was up, give it more",
            ),
            _ => error,
        })?;
    if let Some(export) = job.export() {
        inventory.admit(export)?;
    }
    let plan = planned(session, &mut inventory).await;
    all_planned(&named, &plan, &clients.region)?;
    (session.progress)(Event::Planned(plan.tables.len()));

    let mut report = preview::report(&inventory, &plan, settings);
    if settings.dry_run {
        report.tables = preview::tables(&inventory, &plan, settings);
        cost::estimate(session, job.export(), &mut report).await;
        if !named.is_empty() {
            // A crawl that somebody asks for is none of the schedule's.
            report.monthly = None;
        }
    } else {
        if report.database_foreign && plan.database == DatabaseChange::Flag {
            let (database, flag) = (&settings.database, plan::DATABASE_LOCATION);
            tracing::warn!(database, "the database was not made by this program: its LocationUri gets {flag} added");
        }
        apply::database(clients, &settings.database, plan.database).await?;
        let run = Run { job, ..Run::new(session, &inventory, &plan) };
        report.tables = Box::pin(run.carry_out(&plan, began)).await;
    }
    Ok(report.summed(clients.calls(), since.elapsed().as_secs_f64()))
}

/// The plan; where a role has to be made, with the account's roles counted.
async fn planned(session: &Session<'_>, inventory: &mut Inventory) -> Plan {
    let Session { clients, settings, deadline, .. } = session;
    let plan = plan::plan(inventory, settings);
    if plan.quotas.roles.needed == 0 {
        return plan;
    }
    inventory.account_roles = deadline.limit(discover::account_roles(clients)).await.unwrap_or_else(|error| {
        tracing::warn!(reason = %error, "how many roles the account has is not known: the quota of new accounts is assumed");
        None
    });
    plan::plan(inventory, settings)
}

fn all_planned(named: &[&str], plan: &Plan, region: &str) -> Result<(), Error> {
    let planned = plan.tables.iter().map(|table| &table.table).chain(plan.vanished.iter().map(|v| &v.table));
    let planned: BTreeSet<&str> = planned.map(String::as_str).collect();
    let missing: Vec<&str> = named.iter().copied().filter(|name| !planned.contains(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::new(Kind::NotFound, format!("no DynamoDB table {} in {region}", missing.join(", "))))
}

/// What every table's work shares.
struct Run<'a> {
    session: &'a Session<'a>,
    inventory: &'a Inventory,
    job: Job<'a>,
    /// Bounds the tables whose calls are in flight. Not held while a table waits for IAM or for its crawl.
    working: Semaphore,
    /// Bounds the crawlers that run at once.
    running: Semaphore,
    quotas: &'a Quotas,
    /// Glue has said that the account takes no more crawlers.
    no_more_crawlers: AtomicBool,
    watcher: Watcher<'a>,
}

impl<'a> Run<'a> {
    fn new(session: &'a Session<'a>, inventory: &'a Inventory, plan: &'a Plan) -> Self {
        let settings = &session.settings;
        let planned: BTreeSet<&str> =
            plan.tables.iter().filter_map(|t| Some(t.crawler.as_ref()?.name.as_str())).collect();
        // Crawlers that run already and that nobody here waits for. Those that are waited for take a permit like any other.
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
            // Who waits needs at least one, and gets it when the service lets it.
            running: Semaphore::new(free.max(usize::from(settings.wait))),
            quotas: &plan.quotas,
            no_more_crawlers: AtomicBool::new(false),
            watcher: Watcher::new(&session.clients, Duration::from_secs(settings.propagation_limit)),
        }
    }

    async fn carry_out(&self, plan: &Plan, began: u128) -> Vec<TableReport> {
        let backlog = Backlog::new(&self.session.settings, began);
        let crawls = !self.session.settings.no_start && plan.tables.iter().any(|table| table.crawler.is_some());
        // Who waits links here, and has something to note at the end, if at all.
        let at_once = crawls && !self.session.settings.wait;
        if at_once {
            // Before the first crawl: whatever becomes of this run, what it started is linked, and what it left is started.
            self.note(&backlog).await;
        }
        let mut tables = self.work(&plan.tables).await;
        let left = backlog::left_by(&tables);
        if crawls && !at_once && left != Left::Nothing {
            self.note(&backlog).await;
        }
        // Who interrupts wants nothing more to be started.
        if crawls && !self.session.deadline.interrupted() && left == Left::Crawls {
            self.leave_crawls(&backlog, &mut tables).await;
        }
        self.link(&mut tables).await;
        // What an earlier run had left of the same tables is done too.
        let done = match at_once {
            true => vec![backlog],
            false => backlog.earlier(self.inventory.database.as_ref()),
        };
        if crawls && !done.is_empty() && backlog::left_by(&tables) == Left::Nothing {
            let left = backlog::leave(self.session, &done, Left::Nothing);
            if let Err(error) = self.session.deadline.finish(left).await {
                tracing::warn!(reason = %error, "the note of this run stays, though nothing is left to do");
            }
        }
        tables.append(&mut self.retire(&plan.vanished).await);
        tables
    }

    /// Notes the run in the database, so that others can go on with it.
    async fn note(&self, backlog: &Backlog) {
        if let Err(error) = self.session.deadline.finish(backlog.open(self.session)).await {
            tracing::warn!(reason = %error, "if this run is cut off, only a later one goes on");
        }
    }

    /// Notes that crawlers are to be started.
    async fn leave_crawls(&self, backlog: &Backlog, tables: &mut [TableReport]) {
        let backlogs = std::slice::from_ref(backlog);
        let noted = backlog::leave(self.session, backlogs, Left::Crawls);
        if let Err(error) = self.session.deadline.finish(noted).await {
            for table in tables.iter_mut().filter(|table| table.outcome == Outcome::Deferred) {
                let reason = table.reason.take().unwrap_or_default();
                table.reason =
                    Some(format!("{reason}; only a later run, since the end of no crawl starts it: {error}"));
            }
        }
    }

    /// Works on these tables until they are done or the run has to end.
    async fn work(&self, tables: &[TablePlan]) -> Vec<TableReport> {
        tokio::select! {
            reports = self.all(tables) => reports,
            never = Box::pin(self.watcher.watch()) => match never {},
            never = self.stop_in_time() => match never {},
        }
    }

    /// All tables at once; the semaphores hand out the work in the order of the plan.
    async fn all(&self, tables: &[TablePlan]) -> Vec<TableReport> {
        let work = stream::iter(tables).map(|table| self.one(table));
        work.buffer_unordered(tables.len().max(1)).collect().await
    }

    /// When the run has to end nobody gets a permit any more.
    async fn stop_in_time(&self) -> Infallible {
        self.session.deadline.reached().await;
        self.working.close();
        self.running.close();
        std::future::pending().await
    }

    async fn one(&self, table: &TablePlan) -> TableReport {
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
            // Nobody waits for this crawl, so a run says how the one before it ended.
            Ok(Outcome::Started) => {
                let before = table.crawler.as_ref().and_then(|crawler| self.last_error(crawler));
                row.ended(Outcome::Started, before)
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

    /// The permit to work on a table.
    async fn permit(&self) -> Result<Permit<'_>, Error> {
        Permit::acquire(&self.working, Duration::from_secs(self.session.settings.propagation_limit)).await
    }

    /// Tells that work on a table enters a step; the work, to be awaited.
    ///
    /// It is boxed: the state of the SDK's calls is tens of kilobytes, and every table of the region waits here for its permit.
    fn in_step<'f, T>(
        &self,
        table: &str,
        step: Step,
        work: impl Future<Output = T> + 'f,
    ) -> Pin<Box<dyn Future<Output = T> + 'f>> {
        (self.session.progress)(Event::Step(table, step));
        Box::pin(work.instrument(tracing::info_span!("step", step = step.name())))
    }

    /// Marks or deletes the catalog tables whose DynamoDB tables are gone.
    async fn retire(&self, vanished: &[Vanished]) -> Vec<TableReport> {
        let sources = self.inventory.sources();
        let work = vanished.iter().filter_map(|gone| Some((gone, *sources.get(gone.table.as_str())?)));
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
