//! The run: the steps in their order, every table on its own, so that one table's failure never stops the others.

mod cost;
pub(crate) mod link;
mod managed;
mod native;
mod resume;
mod watch;

use crawl::Clients;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt};
use tokio::sync::Semaphore;
use tracing::Instrument;

use crate::apply;
use crate::backlog::{self, Cycle, Left};
use crate::discover::{self, Inventory};
use crate::permit::Turn;
use crate::plan::{self, DatabaseChange, Plan, Quotas, TablePlan, Vanished};
use crate::report::{Outcome, Report, TableReport};
use crate::settings::{Engine, Settings};
use crawl::Collected;
use crawl::Deadline;
use crawl::error::{Error, Kind};
use crawl::export::Export;
pub use resume::continue_backlog;
use watch::Watcher;

/// Told as a run goes on, so that people can watch it.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// The plan is made: how many tables the run is about.
    Planned(usize),
    /// Work on a table enters a step.
    Step(&'a str, Step),
    /// A table is done, but for its link.
    Done(&'a str, Outcome),
}

/// What is being done to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Making or repairing its role.
    Role,
    /// Making or setting its crawler.
    Crawler,
    /// Being crawled.
    Crawling,
    /// Registering its schema and linking.
    Linking,
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Step::Role => "role",
            Step::Crawler => "crawler",
            Step::Crawling => "crawling",
            Step::Linking => "linking",
        }
    }
}

/// Who is told.
pub type Progress<'a> = &'a (dyn Fn(Event<'_>) + Sync);

/// The whole job, once: see the crate's documentation.
///
/// # Errors
/// If nothing could be done at all: impossible settings, a listing refused, no database, no time. What goes wrong with one
/// table is in the report.
pub async fn sync(
    clients: &Clients,
    settings: &Settings,
    deadline: Deadline,
    progress: Progress<'_>,
) -> Result<Report, Error> {
    run(clients, settings, &[], Items::default(), deadline, progress).await
}

/// Crawls the named DynamoDB tables (all that the settings choose, if none is named) with the native engine, and links
/// them. Tables that are named are crawled whatever `include` and `exclude` say.
///
/// # Errors
/// As [`sync`], and if there is nothing to do for a named table: then nothing is done for the others either.
pub async fn crawl_tables(
    clients: &Clients,
    settings: &Settings,
    tables: &[String],
    deadline: Deadline,
    progress: Progress<'_>,
) -> Result<Report, Error> {
    run(clients, &native(settings, tables), tables, Items::default(), deadline, progress).await
}

/// Crawls one table by reading an export of it instead, and links it. `include` and `exclude` don't matter.
///
/// # Errors
/// As [`sync`], and if the export is not of this account and region, or of a table whose keys nobody knows.
pub async fn crawl_export(
    clients: &Clients,
    settings: &Settings,
    export: &Export,
    deadline: Deadline,
    progress: Progress<'_>,
) -> Result<Report, Error> {
    let items = Items { export: Some(export), read: None };
    let tables = [export.table().to_owned()];
    run(clients, &native(settings, &tables), &tables, items, deadline, progress).await
}

/// Publishes what was read elsewhere of one table, or of an export of it, and links it.
///
/// # Errors
/// As [`crawl_export`].
pub(crate) async fn publish_read(
    clients: &Clients,
    settings: &Settings,
    table: &str,
    export: Option<&Export>,
    read: &Collected,
    deadline: Deadline,
) -> Result<Report, Error> {
    let items = Items { export, read: Some(read) };
    let tables = [table.to_owned()];
    run(clients, &native(settings, &tables), &tables, items, deadline, &|_| ()).await
}

/// The settings of a native crawl of these tables, whatever they include; of those they do include, if none is named.
fn native(settings: &Settings, tables: &[String]) -> Settings {
    let mut settings = Settings { engine: Engine::Native, ..settings.clone() };
    if !tables.is_empty() {
        settings.include = tables.iter().map(|table| globset::escape(table)).collect();
        settings.exclude.clear();
    }
    settings
}

async fn run(
    clients: &Clients,
    settings: &Settings,
    named: &[String],
    items: Items<'_>,
    deadline: Deadline,
    progress: Progress<'_>,
) -> Result<Report, Error> {
    let since = Instant::now();
    let began = crawl::now_millis();
    settings.selection()?;
    let mut inventory =
        deadline.limit(Box::pin(discover::discover(clients, settings))).await.map_err(|error| match error.kind {
            Kind::Deadline => Error::new(
                Kind::Deadline,
                "the run was cut off before all was listed: nothing was done. If its time was up, give it more",
            ),
            _ => error,
        })?;
    if let Some(export) = items.export {
        inventory.admit(export)?;
    }
    let plan = planned(clients, settings, &mut inventory, &deadline).await?;
    all_planned(named, &plan, &clients.region)?;
    progress(Event::Planned(plan.tables.len()));

    let mut report = Report::planned(&inventory, &plan, settings);
    if settings.dry_run {
        cost::estimate(clients, settings, items.export, &deadline, &mut report).await;
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
        let run = Run { items, ..Run::new(clients, settings, &inventory, &plan, deadline, progress) };
        report.tables = Box::pin(run.carry_out(&plan, began)).await;
    }
    Ok(report.summed(clients.calls(), since.elapsed().as_secs_f64()))
}

/// The plan; where a role has to be made, with the account's roles counted.
async fn planned(
    clients: &Clients,
    settings: &Settings,
    inventory: &mut Inventory,
    deadline: &Deadline,
) -> Result<Plan, Error> {
    let plan = plan::plan(inventory, settings)?;
    if plan.quotas.roles.needed == 0 {
        return Ok(plan);
    }
    inventory.account_roles = deadline.limit(discover::account_roles(clients)).await.unwrap_or_else(|error| {
        tracing::warn!(reason = %error, "how many roles the account has is not known: the quota of new accounts is assumed");
        None
    });
    plan::plan(inventory, settings)
}

fn all_planned(named: &[String], plan: &Plan, region: &str) -> Result<(), Error> {
    let planned = plan.tables.iter().map(|table| &table.table).chain(plan.vanished.iter().map(|v| &v.table));
    let planned: BTreeSet<&String> = planned.collect();
    let missing: Vec<&str> = named.iter().filter(|name| !planned.contains(name)).map(String::as_str).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::new(Kind::NotFound, format!("no DynamoDB table {} in {region}", missing.join(", "))))
}

/// Where the items of the one table are that a native run is about, if not in the table.
#[derive(Debug, Clone, Copy, Default)]
struct Items<'a> {
    /// In an export of it.
    export: Option<&'a Export>,
    /// They were read already.
    read: Option<&'a Collected>,
}

/// What every table's work shares.
struct Run<'a> {
    clients: &'a Clients,
    settings: &'a Settings,
    inventory: &'a Inventory,
    items: Items<'a>,
    deadline: Deadline,
    progress: Progress<'a>,
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
    fn new(
        clients: &'a Clients,
        settings: &'a Settings,
        inventory: &'a Inventory,
        plan: &'a Plan,
        deadline: Deadline,
        progress: Progress<'a>,
    ) -> Self {
        let planned: BTreeSet<&str> =
            plan.tables.iter().filter_map(|t| Some(t.crawler.as_ref()?.name.as_str())).collect();
        // Crawlers that run already and that nobody here waits for. Those that are waited for take a permit like any other.
        let others = inventory
            .crawlers
            .iter()
            .filter(|(name, crawler)| crawler.running && !(settings.wait && planned.contains(name.as_str())));
        let free = settings.max_running.saturating_sub(others.count());
        Run {
            clients,
            settings,
            inventory,
            items: Items::default(),
            deadline,
            progress,
            working: Semaphore::new(settings.concurrency),
            // Who waits needs at least one, and gets it when the service lets it.
            running: Semaphore::new(free.max(usize::from(settings.wait))),
            quotas: &plan.quotas,
            no_more_crawlers: AtomicBool::new(false),
            watcher: Watcher::new(clients, Duration::from_secs(settings.propagation_limit)),
        }
    }

    async fn carry_out(&self, plan: &Plan, began: u128) -> Vec<TableReport> {
        let cycle = Cycle::of(self.settings, began);
        let crawls = !self.settings.no_start && plan.tables.iter().any(|table| table.crawler.is_some());
        // Who waits links here, and has something to note at the end, if at all.
        let at_once = crawls && !self.settings.wait;
        if at_once {
            // Before the first crawl: whatever becomes of this run, what it started is linked, and what it left is started.
            self.note(&cycle).await;
        }
        let mut tables = self.work(&plan.tables).await;
        let left = backlog::left_by(&tables);
        if crawls && !at_once && left != Left::Nothing {
            self.note(&cycle).await;
        }
        // Who interrupts wants nothing more to be started.
        if crawls && !self.deadline.interrupted() && left == Left::Crawls {
            self.leave_crawls(&cycle, &mut tables).await;
        }
        self.link(&mut tables).await;
        if at_once && backlog::left_by(&tables) == Left::Nothing {
            let cycles = [cycle];
            let left = backlog::leave(self.clients, self.settings, &cycles, Left::Nothing);
            if let Err(error) = self.deadline.finish(left).await {
                tracing::warn!(reason = %error, "the note of this run stays, though nothing is left to do");
            }
        }
        tables.append(&mut self.retire(&plan.vanished).await);
        tables
    }

    /// Notes the run in the database, so that others can go on with it.
    async fn note(&self, cycle: &Cycle) {
        if let Err(error) = self.deadline.finish(cycle.open(self.clients, self.settings)).await {
            tracing::warn!(reason = %error, "if this run is cut off, only a later one goes on");
        }
    }

    /// Notes that crawlers are to be started.
    async fn leave_crawls(&self, cycle: &Cycle, tables: &mut [TableReport]) {
        let cycles = std::slice::from_ref(cycle);
        let noted = backlog::leave(self.clients, self.settings, cycles, Left::Crawls);
        if let Err(error) = self.deadline.finish(noted).await {
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
        self.deadline.reached().await;
        self.working.close();
        self.running.close();
        std::future::pending().await
    }

    async fn one(&self, table: &TablePlan) -> TableReport {
        let mut report = TableReport::new(table);
        let work = async {
            match &table.crawler {
                Some(crawler) => self.managed(table, crawler, &mut report).await,
                None if table.beyond_quota => {
                    let error = Error::new(Kind::Quota, self.quotas.reason());
                    self.beyond_quota(table, error, &mut report).await
                }
                None => self.native(table, &mut report).await,
            }
        };
        let span = tracing::info_span!("table", table = table.table);
        let ended = self.deadline.limit(work).instrument(span).await;
        let report = match ended {
            // Nobody waits for this crawl, so a run says how the one before it ended.
            Ok(Outcome::Started) => {
                let before = table.crawler.as_ref().and_then(|crawler| self.last_error(crawler));
                report.ended(Outcome::Started, before)
            }
            Ok(outcome) => {
                let reason = report.reason.take();
                report.ended(outcome, reason)
            }
            Err(error) => report.refused(error),
        };
        (self.progress)(Event::Done(&table.table, report.outcome));
        report
    }

    /// A table's turn to be worked on.
    async fn turn(&self) -> Result<Turn<'_>, Error> {
        Turn::take(&self.working, Duration::from_secs(self.settings.propagation_limit)).await
    }

    /// Tells that work on a table enters a step; the work, to be awaited.
    ///
    /// It is boxed: the state of the SDK's calls is tens of kilobytes, and every table of the region waits here for its turn.
    fn in_step<'f, T>(
        &self,
        table: &str,
        step: Step,
        work: impl Future<Output = T> + 'f,
    ) -> Pin<Box<dyn Future<Output = T> + 'f>> {
        (self.progress)(Event::Step(table, step));
        Box::pin(work.instrument(tracing::info_span!("step", step = step.name())))
    }

    /// Marks or deletes the catalog tables whose DynamoDB tables are gone.
    async fn retire(&self, vanished: &[Vanished]) -> Vec<TableReport> {
        let sources = self.inventory.sources();
        let work = vanished.iter().filter_map(|gone| Some((gone, *sources.get(gone.table.as_str())?)));
        stream::iter(work)
            .map(|(gone, table)| async move {
                let report = TableReport::vanished(gone);
                let retire = apply::retire(self.clients, &self.settings.database, gone, table);
                match self.deadline.limit(retire).await {
                    Ok(()) => report,
                    Err(error) => TableReport { actions: Vec::new(), ..report.refused(error) },
                }
            })
            .buffer_unordered(self.settings.concurrency)
            .collect()
            .await
    }
}
