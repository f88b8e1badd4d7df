//! The run: the steps in their order, every table on its own, so that one table's failure never stops the others.

mod watch;

use std::collections::BTreeSet;
use std::time::Instant;

use futures::stream::{self, StreamExt};
use tokio::sync::Semaphore;

use crate::crawl::{self, Change, CrawlRequest};
use crate::discover::{self, Inventory};
use crate::error::{Error, Kind};
use crate::plan::{self, CrawlerChange, CrawlerPlan, Plan, RoleChange, TablePlan, Vanished};
use crate::publish;
use crate::registry::{Link, Linker};
use crate::report::{Action, Outcome, Report, SchemaLink, TableReport};
use crate::settings::{Engine, Settings};
use crate::{Clients, apply};
use watch::Watcher;

/// `UPDATED_BY_CRAWLER` of a native crawl.
const NATIVE: &str = "glue-ddb-crawler";

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

/// Who is told.
pub type Progress<'a> = &'a (dyn Fn(Event<'_>) + Sync);

/// The whole job, once: see the crate's documentation.
///
/// # Errors
/// If nothing could be done at all: impossible settings, a listing refused, no database. What goes wrong with one table is in
/// the report.
pub async fn sync(clients: &Clients, settings: &Settings, progress: Progress<'_>) -> Result<Report, Error> {
    run(clients, settings, &[], progress).await
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
    progress: Progress<'_>,
) -> Result<Report, Error> {
    let mut settings = Settings { engine: Engine::Native, ..settings.clone() };
    if !tables.is_empty() {
        settings.include = tables.iter().map(|table| globset::escape(table)).collect();
        settings.exclude.clear();
    }
    run(clients, &settings, tables, progress).await
}

async fn run(
    clients: &Clients,
    settings: &Settings,
    named: &[String],
    progress: Progress<'_>,
) -> Result<Report, Error> {
    let since = Instant::now();
    settings.selection()?;
    let inventory = discover::discover(clients, settings).await?;
    let plan = plan::plan(&inventory, settings)?;
    all_planned(named, &plan, &clients.region)?;
    progress(Event::Planned(plan.tables.len()));

    let mut report = Report::planned(&inventory, &plan, settings);
    if !settings.dry_run {
        report.tables = carry_out(clients, settings, &inventory, &plan, progress).await?;
    }
    Ok(report.summed(clients.calls(), since.elapsed().as_secs_f64()))
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

async fn carry_out(
    clients: &Clients,
    settings: &Settings,
    inventory: &Inventory,
    plan: &Plan,
    progress: Progress<'_>,
) -> Result<Vec<TableReport>, Error> {
    apply::database(clients, inventory, &settings.database, plan.database).await?;
    let run = Run::new(clients, settings, inventory, plan, progress);
    let mut tables = match settings.engine {
        Engine::Managed => run.managed(&plan.tables).await,
        Engine::Native => run.native(&plan.tables).await,
    };
    run.link(&mut tables).await;
    tables.append(&mut run.retire(&plan.vanished).await);
    Ok(tables)
}

/// What every table's work shares.
struct Run<'a> {
    clients: &'a Clients,
    settings: &'a Settings,
    inventory: &'a Inventory,
    progress: Progress<'a>,
    /// Bounds the tables whose calls are in flight. Not held while a table waits for IAM or for its crawl.
    working: Semaphore,
    /// Bounds the crawlers that run at once.
    running: Semaphore,
    watcher: Watcher<'a>,
}

impl<'a> Run<'a> {
    fn new(
        clients: &'a Clients,
        settings: &'a Settings,
        inventory: &'a Inventory,
        plan: &Plan,
        progress: Progress<'a>,
    ) -> Self {
        let planned: BTreeSet<&str> =
            plan.tables.iter().filter_map(|t| Some(t.crawler.as_ref()?.name.as_str())).collect();
        // Crawlers that run without us, and that we won't see the end of. Those of the plan take a permit like any other.
        let others =
            inventory.crawlers.iter().filter(|(name, c)| c.running && !planned.contains(name.as_str())).count();
        Run {
            clients,
            settings,
            inventory,
            progress,
            working: Semaphore::new(settings.concurrency),
            running: Semaphore::new(settings.max_running.saturating_sub(others).max(1)),
            watcher: Watcher::new(clients),
        }
    }

    /// All tables at once; the semaphores hand out the work in the order of the plan.
    async fn managed(&self, tables: &[TablePlan]) -> Vec<TableReport> {
        let work = stream::iter(tables).map(|table| self.one_managed(table)).buffer_unordered(tables.len().max(1));
        tokio::select! {
            reports = work.collect() => reports,
            never = self.watcher.watch() => match never {},
        }
    }

    async fn one_managed(&self, table: &TablePlan) -> TableReport {
        let mut report = TableReport::new(table);
        let Some(crawler) = &table.crawler else { return report };
        let outcome = self.prepare_and_start(table, crawler, &mut report).await;
        let (outcome, reason) = match outcome {
            // Nobody waits for this crawl, so a run says how the one before it ended.
            Ok(Outcome::Started) => (Outcome::Started, self.last_error(crawler)),
            Ok(outcome) => (outcome, None),
            Err(error) if error.kind == Kind::Throttled || error.is("CrawlerRunningException") => {
                (Outcome::Deferred, Some(error.message))
            }
            Err(error) => (Outcome::Failed, Some(error.message)),
        };
        (self.progress)(Event::Done(&table.table, outcome));
        report.ended(outcome, reason)
    }

    fn last_error(&self, crawler: &CrawlerPlan) -> Option<String> {
        let error = self.inventory.crawlers.get(&crawler.name)?.last_error.as_ref()?;
        Some(format!("the crawl before failed: {error}"))
    }

    async fn prepare_and_start(
        &self,
        table: &TablePlan,
        crawler: &CrawlerPlan,
        report: &mut TableReport,
    ) -> Result<Outcome, Error> {
        if crawler.change == CrawlerChange::Foreign {
            // Refused before a role is made that nobody would use.
            return apply::crawler(self.clients, self.inventory, crawler, &self.working).await.map(|()| Outcome::Ready);
        }
        if crawler.role_change != RoleChange::None {
            (self.progress)(Event::Step(&table.table, Step::Role));
            let scope = plan::role_scope(self.inventory, self.settings, &table.table);
            apply::role(self.clients, &crawler.role, &scope, crawler.role_change, &self.working).await?;
            report.actions.push(match crawler.role_change {
                RoleChange::Repair => Action::RepairRole,
                _ => Action::CreateRole,
            });
        }
        if crawler.change != CrawlerChange::None {
            (self.progress)(Event::Step(&table.table, Step::Crawler));
            apply::crawler(self.clients, self.inventory, crawler, &self.working).await?;
            report.actions.push(match crawler.change {
                CrawlerChange::Update => Action::UpdateCrawler,
                _ => Action::CreateCrawler,
            });
        }
        if self.settings.no_start {
            return Ok(Outcome::Ready);
        }
        self.start(table, crawler, report).await
    }

    async fn start(
        &self,
        table: &TablePlan,
        crawler: &CrawlerPlan,
        report: &mut TableReport,
    ) -> Result<Outcome, Error> {
        let running = match self.settings.wait {
            true => self.running.acquire().await.ok(),
            false => self.running.try_acquire().ok(),
        };
        if running.is_none() && !crawler.running {
            let limit = self.settings.max_running;
            return Err(Error::new(Kind::Throttled, format!("{limit} crawlers run already; it starts in a later run")));
        }
        if !crawler.running {
            let _working = self.working.acquire().await;
            apply::start(self.clients, &crawler.name).await?;
            report.actions.push(Action::StartCrawler);
        }
        (self.progress)(Event::Step(&table.table, Step::Crawling));
        if !self.settings.wait {
            // It goes on running after this run, and counts for the rest of it.
            running.into_iter().for_each(|permit| permit.forget());
            return Ok(Outcome::Started);
        }
        let last_crawl = self.inventory.crawlers.get(&crawler.name).and_then(|crawler| crawler.last_crawl);
        self.watcher.ended(&crawler.name, last_crawl, crawler.running).await.map(|()| Outcome::Crawled)
    }

    async fn native(&self, tables: &[TablePlan]) -> Vec<TableReport> {
        stream::iter(tables)
            .map(|table| self.one_native(table))
            .buffer_unordered(self.settings.concurrency)
            .collect()
            .await
    }

    async fn one_native(&self, table: &TablePlan) -> TableReport {
        let mut report = TableReport::new(table);
        if self.settings.no_start {
            return report;
        }
        (self.progress)(Event::Step(&table.table, Step::Crawling));
        let settings = self.settings;
        let request = CrawlRequest {
            table: table.table.clone(),
            account: self.inventory.account.clone(),
            database: settings.database.clone(),
            catalog_table: table.catalog_table.clone(),
            crawled_by: NATIVE.into(),
            scan_all: settings.scan_all,
            scan_rate: settings.scan_rate,
            on_update: settings.on_update,
            on_delete: settings.on_delete,
            types: settings.types.clone(),
        };
        let crawled = crawl::crawl(self.clients, &request).await;
        let (outcome, reason) = match crawled {
            Ok(crawled) => {
                report.actions.push(Action::Crawl);
                report.items = Some(crawled.items);
                match crawled.change {
                    Change::Deprecated => report.actions.push(Action::DeprecateTable),
                    Change::Deleted => report.actions.push(Action::DeleteTable),
                    _ => {}
                }
                (Outcome::Crawled, None)
            }
            Err(error) if error.kind == Kind::Throttled => (Outcome::Deferred, Some(error.message)),
            Err(error) => (Outcome::Failed, Some(error.message)),
        };
        (self.progress)(Event::Done(&table.table, outcome));
        report.ended(outcome, reason)
    }

    /// Marks or deletes the catalog tables whose DynamoDB tables are gone.
    async fn retire(&self, vanished: &[Vanished]) -> Vec<TableReport> {
        let sources = self.inventory.sources();
        let work = vanished.iter().filter_map(|gone| Some((gone, *sources.get(gone.table.as_str())?)));
        stream::iter(work)
            .map(|(gone, table)| async move {
                let report = TableReport::vanished(gone);
                match apply::retire(self.clients, &self.settings.database, gone, table).await {
                    Ok(()) => report,
                    Err(error) => TableReport { actions: Vec::new(), ..report.ended(Outcome::Failed, error.message) },
                }
            })
            .buffer_unordered(self.settings.concurrency)
            .collect()
            .await
    }

    /// Links every table that has something to link, and notes what the catalog holds now.
    async fn link(&self, reports: &mut [TableReport]) {
        let crawled = reports.iter().any(|report| report.outcome == Outcome::Crawled);
        let fresh = match crawled {
            true => match discover::catalog_tables(self.clients, &self.settings.database).await {
                Ok(tables) => Some(tables),
                Err(error) => {
                    let crawled = reports.iter_mut().filter(|report| report.outcome == Outcome::Crawled);
                    return crawled.for_each(|report| not_linked(report, &error));
                }
            },
            // Nothing was crawled in this run: the listing of the beginning is as good.
            false => None,
        };
        let tables = fresh.as_ref().unwrap_or(&self.inventory.catalog);
        let sources = self.inventory.sources_in(tables);
        let before = self.inventory.sources();
        let linker = Linker::new(self.clients, self.settings);
        let linker = &linker;
        let work = reports.iter_mut().filter(|report| report.outcome != Outcome::Failed).filter_map(|report| {
            let table = *sources.get(report.table.as_str())?;
            Some((report, table))
        });
        let before = &before;
        stream::iter(work)
            .for_each_concurrent(self.settings.concurrency, |(report, table)| async move {
                match before.get(report.table.as_str()) {
                    None => report.actions.push(Action::CreateTable),
                    Some(old) if publish::columns(old) != publish::columns(table) => {
                        report.actions.push(Action::UpdateTable);
                    }
                    Some(_) => {}
                }
                report.catalog_table = table.name().to_owned();
                report.columns = Some(publish::columns(table).len());
                report.items = publish::parameter(table, "recordCount").and_then(|count| count.parse().ok());
                report.unmapped = publish::unmapped(table).into_iter().map(str::to_owned).collect();
                self.link_one(linker, report, table).await;
            })
            .await;
    }

    async fn link_one(&self, linker: &Linker<'_>, report: &mut TableReport, table: &aws_sdk_glue::types::Table) {
        (self.progress)(Event::Step(&report.table, Step::Linking));
        match linker.link(table).await {
            Ok(Link::Current) => {
                report.schema = publish::parameter(table, "schemaName").map(|name| SchemaLink {
                    name: name.to_owned(),
                    version: publish::parameter(table, "schemaVersionNumber").and_then(|v| v.parse().ok()).unwrap_or(0),
                });
            }
            Ok(Link::Written(linked)) => {
                report.link(&linked);
                report.schema = Some(SchemaLink { name: linked.schema, version: linked.version });
            }
            Err(error) => not_linked(report, &error),
        }
    }
}

fn not_linked(report: &mut TableReport, error: &Error) {
    report.outcome = if error.kind == Kind::Throttled { Outcome::Deferred } else { Outcome::Failed };
    report.reason = Some(format!("not linked: {}", error.message));
}
