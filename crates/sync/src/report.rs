//! Step 6: what happened, table by table. The JSON form is stable; `docs/report.md` documents it.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use crawl::Observed;
use crawl::error::{Error, Kind};
use crawl::estimate::Estimate;
use crawl::export::ExportSize;
use serde::Serialize;

use crate::plan::Quotas;
use crate::settings::{Engine, Settings};

/// Why a managed run has read a table itself.
pub(crate) const BEYOND_QUOTA: &str = "read by this program: the quota leaves no crawler for it";

/// The report of a run: the summary first, then every table.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Counts over `tables`.
    pub summary: Summary,
    /// The account, twelve digits.
    pub account: String,
    /// The region.
    pub region: String,
    /// The Glue database.
    pub database: String,
    /// Whether this run created the database or changed its `LocationUri` (or would, in a dry run).
    pub database_changed: bool,
    /// Whether the database was created by somebody else. `database_changed` says whether its `LocationUri` is changed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub database_foreign: bool,
    /// The engine of the run.
    pub engine: Engine,
    /// Whether this is a dry run: nothing was done, and `actions` are what a run would do.
    pub dry_run: bool,
    /// The tables, by name.
    pub tables: Vec<TableReport>,
    /// The account's quotas; only if a crawler or a role had to be created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quotas: Option<Quotas>,
    /// Dry run: what a month of such runs would cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly: Option<Monthly>,
    /// The number of requests per operation (`glue:GetTables`), retries included.
    pub calls: BTreeMap<String, u64>,
    /// How long the run took.
    pub seconds: f64,
}

/// The cost of a month of runs, in dollars, at today's table sizes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Monthly {
    /// Runs per month: the setting `runs_per_month`.
    pub runs: u32,
    /// The number of tables included.
    pub tables: usize,
    /// With AWS Glue's crawlers: the setting `crawl_price` per crawl, plus what it reads. For tables beyond the quota, what
    /// the native engine reads.
    pub managed_dollars: f64,
    /// With the native engine: what it reads, at the setting `read_price`.
    pub native_dollars: f64,
}

/// Counts of tables.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The tables of the run.
    pub tables: usize,
    /// Crawls that were started but not waited for.
    pub started: usize,
    /// Crawls that succeeded.
    pub crawled: usize,
    /// Tables whose catalog table or schema link was written; in a dry run, those that need more than a crawl.
    pub changed: usize,
    /// Tables that are linked to a schema version.
    pub linked: usize,
    /// Tables left for a later run.
    pub deferred: usize,
    /// Tables that failed.
    pub failed: usize,
}

/// What happened to one table.
#[derive(Debug, Clone, Serialize)]
pub struct TableReport {
    /// The DynamoDB table.
    pub table: String,
    /// Its name in the catalog; empty for a crawl that an event started.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub catalog_table: String,
    /// Its crawler; none with the native engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crawler: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it was deferred or failed. For a started table, why its previous crawl failed. For a table that a managed run read
    /// itself, why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The kind of the error behind `reason`, if there was one. Not in the JSON.
    #[serde(skip)]
    pub kind: Option<Kind>,
    /// Whether the quotas left no crawler for it. Not in the JSON, where `quotas` counts such tables.
    #[serde(skip)]
    pub beyond_quota: bool,
    /// The AWS request id of the failed request, which AWS support asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What was done, in order.
    pub actions: Vec<Action>,
    /// The number of columns in the catalog, if the run saw them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<usize>,
    /// The number of items, as of the last crawl.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<u64>,
    /// What the native engine read in this run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<ReadReport>,
    /// Dry run of the native engine: what it would read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Estimate>,
    /// Dry run of a crawl of an export: what there is to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export: Option<ExportSize>,
    /// Columns that read as null in Athena, because their attributes contain `,` or `=` and can't be mapped.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unmapped: Vec<String>,
    /// The schema version that the table is linked to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<LinkedVersion>,
}

/// What the native engine read of a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReadReport {
    /// The number of items.
    pub items: u64,
    /// The size of their JSON, in bytes.
    pub bytes: u64,
    /// Read units that DynamoDB reported.
    pub read_units: f64,
    /// Whether every item was read.
    pub complete: bool,
    /// For a sample: the share of items below which an attribute may have been missed, with a probability of 1 %.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missed_below: Option<f64>,
}

impl From<&Observed> for ReadReport {
    fn from(observed: &Observed) -> ReadReport {
        ReadReport {
            items: observed.shape.items(),
            bytes: observed.shape.bytes(),
            read_units: observed.read_units,
            complete: observed.is_complete(),
            missed_below: observed.missed_below(),
        }
    }
}

/// The schema version that a table is linked to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkedVersion {
    /// The schema's name in the registry.
    pub name: String,
    /// Its version number.
    pub version: i64,
}

/// How a table ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Dry run: nothing was done. In a dry run, too, vanished tables and tables that would fail are reported as such.
    Planned,
    /// Its role and crawler are right; no crawl was asked for.
    Ready,
    /// Its crawler was started, or was running already.
    Started,
    /// Its crawl succeeded.
    Crawled,
    /// It is left for a later run.
    Deferred,
    /// It failed; the other tables went on.
    Failed,
    /// Its DynamoDB table no longer exists.
    Vanished,
}

impl Outcome {
    /// The outcome of a table whose work ended with `error`.
    pub(crate) fn from_error(error: &Error) -> Outcome {
        match error.is_for_later() || error.kind == Kind::Quota || error.is("CrawlerRunningException") {
            true => Outcome::Deferred,
            false => Outcome::Failed,
        }
    }
}

/// One thing that was done to a table (or would be, in a dry run).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The role was created.
    CreateRole,
    /// The role was incomplete or had drifted, and was rewritten.
    RepairRole,
    /// The crawler was created.
    CreateCrawler,
    /// The crawler's configuration was corrected.
    UpdateCrawler,
    /// The crawler was started.
    StartCrawler,
    /// The native engine read the table.
    Crawl,
    /// The catalog table is new.
    CreateTable,
    /// The catalog table's columns changed.
    UpdateTable,
    /// A schema version was registered.
    RegisterSchema,
    /// The catalog table was linked to its schema version.
    LinkSchema,
    /// The catalog table was marked as deprecated.
    DeprecateTable,
    /// The catalog table was deleted.
    DeleteTable,
}

impl Report {
    /// A report without tables.
    pub(crate) fn new(account: &str, region: &str, settings: &Settings) -> Report {
        Report {
            summary: Summary::default(),
            account: account.to_owned(),
            region: region.to_owned(),
            database: settings.database.clone(),
            database_changed: false,
            database_foreign: false,
            engine: settings.engine,
            dry_run: settings.dry_run,
            tables: Vec::new(),
            quotas: None,
            monthly: None,
            calls: BTreeMap::new(),
            seconds: 0.0,
        }
    }

    /// Completes the report: sorts the tables, and counts them and the calls.
    pub(crate) fn finish(mut self, calls: BTreeMap<String, u64>, seconds: f64) -> Report {
        self.tables.sort_by(|a, b| a.table.cmp(&b.table));
        let count = |outcome| self.tables.iter().filter(|table| table.outcome == outcome).count();
        let dry_run = self.dry_run;
        // A dry run also counts changes to roles and crawlers, as does the exit code of `--check`.
        let changes = |table: &&TableReport| match dry_run {
            true => table.actions.iter().any(|action| !action.is_crawl()),
            false => table.actions.iter().any(|action| action.writes_catalog()),
        };
        self.summary = Summary {
            tables: self.tables.len(),
            started: count(Outcome::Started),
            crawled: count(Outcome::Crawled),
            changed: self.tables.iter().filter(changes).count(),
            linked: self.tables.iter().filter(|table| table.schema.is_some()).count(),
            deferred: count(Outcome::Deferred),
            failed: count(Outcome::Failed),
        };
        // Includes tables that Glue or IAM refused because their quota is lower than the settings say.
        let beyond = self.tables.iter().filter(|table| table.beyond_quota).count();
        self.quotas.iter_mut().for_each(|quotas| quotas.beyond = beyond);
        self.calls = calls;
        self.seconds = seconds;
        self
    }

    /// Whether a dry run found anything to change besides the crawls themselves.
    pub fn has_changes(&self) -> bool {
        self.database_changed || self.tables.iter().any(|table| table.actions.iter().any(|action| !action.is_crawl()))
    }
}

impl Action {
    fn is_crawl(self) -> bool {
        matches!(self, Action::StartCrawler | Action::Crawl)
    }

    fn writes_catalog(self) -> bool {
        use Action::{CreateTable, DeleteTable, DeprecateTable, LinkSchema, RegisterSchema, UpdateTable};
        matches!(self, CreateTable | UpdateTable | RegisterSchema | LinkSchema | DeprecateTable | DeleteTable)
    }
}

/// The line of a table that is still being worked on. Only [`Row::ended`] and [`Row::refused`] turn it into a
/// [`TableReport`], so that no table is reported without an outcome.
pub(crate) struct Row(TableReport);

impl Row {
    /// The line of a table whose name in the catalog is not known yet.
    pub(crate) fn new(table: &str, crawler: Option<String>) -> Row {
        Row(TableReport {
            table: table.to_owned(),
            catalog_table: String::new(),
            crawler,
            outcome: Outcome::Failed,
            reason: None,
            kind: None,
            beyond_quota: false,
            request_id: None,
            actions: Vec::new(),
            columns: None,
            items: None,
            read: None,
            estimate: None,
            export: None,
            unmapped: Vec::new(),
            schema: None,
        })
    }

    /// The line of a table whose work ended with `outcome`.
    pub(crate) fn ended(self, outcome: Outcome, reason: impl Into<Option<String>>) -> TableReport {
        TableReport { outcome, reason: reason.into(), ..self.0 }
    }

    /// The line of a table whose work ended with an error.
    pub(crate) fn refused(self, error: Error) -> TableReport {
        self.0.refused(error)
    }
}

impl Deref for Row {
    type Target = TableReport;

    fn deref(&self) -> &TableReport {
        &self.0
    }
}

impl DerefMut for Row {
    fn deref_mut(&mut self) -> &mut TableReport {
        &mut self.0
    }
}

impl TableReport {
    /// The same line, for a table whose work ended with an error after all.
    pub(crate) fn refused(mut self, error: Error) -> TableReport {
        self.request_id.clone_from(&error.request_id);
        self.kind = Some(error.kind);
        self.outcome = Outcome::from_error(&error);
        self.reason = Some(error.message);
        self
    }
}
