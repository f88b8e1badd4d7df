//! The settings of a run, resolved once into a plain struct.

mod check;
mod sources;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use check::{Selection, Validated};
use crawl::ReadOptions;
use crawl::estimate::Prices;
use crawl::options::{ANSWER_LIMIT, DeleteBehavior, Readers, Sample, UpdateBehavior};

/// The settings of a run. An invocation with `{}` uses [`Settings::default`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The Glue database of all tables: lower-case letters, digits and `_`; default `ddb_tables`.
    pub database: String,
    /// The prefix of every catalog table's name; default none.
    pub table_prefix: String,
    /// Who crawls; default [`Engine::Managed`].
    pub engine: Engine,
    /// Only DynamoDB tables that match one of these globs; default all.
    pub include: Vec<String>,
    /// Leave out tables that match one of these globs; takes precedence over `include`.
    pub exclude: Vec<String>,
    /// Wait for the crawls to end, and link their tables in the same run; default false.
    pub wait: bool,
    /// Report what a run would do, and do nothing; default false.
    pub dry_run: bool,
    /// Create what is missing, but start no crawl; default false.
    pub no_start: bool,
    /// The crawler's name, with one `{table}` in it and no other braces; default `{table}_crawler`.
    pub crawler_name: String,
    /// Let crawlers read every item rather than only the first page; default true, as in Glue.
    pub scan_all: bool,
    /// The share of a table's read capacity that a crawl may use, 0.1 to 1.5; default as in Glue (0.5 of provisioned capacity,
    /// 0.25 of the on-demand maximum).
    pub scan_rate: Option<f64>,
    /// Native engine: whether to read all items of a table or a sample; default [`Sample::All`].
    pub sample: Sample,
    /// Native engine: the most read units per second and table, 0.5 to 10,000,000; default no limit besides `scan_rate`.
    pub max_rcu: Option<f64>,
    /// Native engine: segments of a full scan, 1 to 10,000; default chosen from the table's size and the budget.
    pub segments: Option<u32>,
    /// Native engine: settle only what is read now, without what earlier crawls saw; default false.
    pub forget: bool,
    /// Dollars per million read request units, for the estimates of a dry run; default 0.125, the price of on-demand tables of
    /// the Standard class in us-east-1 (<https://aws.amazon.com/dynamodb/pricing/on-demand/>, November 2026).
    pub read_price: f64,
    /// Dollars per GB of a table that DynamoDB exports, for the estimates of a dry run; default 0.10, the price in us-east-1
    /// (<https://aws.amazon.com/dynamodb/pricing/on-demand/>, November 2026).
    pub export_price: f64,
    /// What a crawl does if the catalog table differs; default [`UpdateBehavior::UpdateInDatabase`].
    pub on_update: UpdateBehavior,
    /// What happens to a catalog table whose DynamoDB table no longer exists; default
    /// [`DeleteBehavior::DeprecateInDatabase`].
    pub on_delete: DeleteBehavior,
    /// The registry of the schemas; default `glue-ddb-crawler`.
    pub registry: String,
    /// The compatibility mode of new schemas; default `BACKWARD`.
    pub compatibility: String,
    /// How a catalog table points at its schema version; default [`LinkBy::Parameters`].
    pub link: LinkBy,
    /// The readers that the columns' types are for; default [`Readers::Athena`].
    pub readers: Readers,
    /// After a managed crawl, read one page of items to learn how attributes are spelled; default true.
    pub learn_spelling: bool,
    /// Attach `AWSGlueServiceRole` to the crawlers' roles; default false.
    pub managed_policy: bool,
    /// The ARN of the managed policy that is the permissions boundary of the crawlers' roles; default none.
    pub permissions_boundary: Option<String>,
    /// How long IAM and Glue, which are eventually consistent, may take to propagate a new role or crawler, in seconds, 0 to
    /// 900; default 90.
    pub propagation_limit: u64,
    /// How long a request waits for its answer, in seconds, 1 to 900; default 60. An operation, with its retries, takes at most
    /// three times as long.
    pub answer_limit: u64,
    /// Allow the crawlers' roles and their boundary more than is known to be needed; default false. See `docs/security.md`.
    pub wide_roles: bool,
    /// How many tables are worked on at once, 1 to 1000; default 16.
    pub concurrency: usize,
    /// How many crawlers may run at once, 1 to 1000; default 150, the service's own limit.
    pub max_running: usize,
    /// What happens to a table that the quotas leave no crawler or role for; default [`BeyondQuota::Native`].
    pub beyond_quota: BeyondQuota,
    /// How many crawlers the account may have in the region; default 1000, the quota of new accounts (Service Quotas,
    /// AWS Glue, `L-11FA2C1A`). Older accounts have 50.
    pub crawler_quota: usize,
    /// How many roles of the account's quota to leave for other uses; default 50.
    pub role_headroom: usize,
    /// Dollars per crawl by Glue's crawlers, for the estimates of a dry run; default 0.147: 2 DPU for 10 minutes, the minimum
    /// charge, at 0.44 per hour (<https://aws.amazon.com/glue/pricing/>, November 2026; the 2 DPU are assumed).
    pub crawl_price: f64,
    /// Runs per month, for the estimates of a dry run, at most 50,000; default 30.
    pub runs_per_month: u32,
    /// How observed items become types.
    pub types: schema::TypeOptions,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            database: "ddb_tables".into(),
            table_prefix: String::new(),
            engine: Engine::Managed,
            include: Vec::new(),
            exclude: Vec::new(),
            wait: false,
            dry_run: false,
            no_start: false,
            crawler_name: "{table}_crawler".into(),
            scan_all: true,
            scan_rate: None,
            sample: Sample::All,
            max_rcu: None,
            segments: None,
            forget: false,
            read_price: 0.125,
            export_price: 0.10,
            on_update: UpdateBehavior::UpdateInDatabase,
            on_delete: DeleteBehavior::DeprecateInDatabase,
            registry: "glue-ddb-crawler".into(),
            compatibility: "BACKWARD".into(),
            link: LinkBy::Parameters,
            readers: Readers::Athena,
            learn_spelling: true,
            managed_policy: false,
            permissions_boundary: None,
            propagation_limit: 90,
            answer_limit: ANSWER_LIMIT,
            wide_roles: false,
            concurrency: 16,
            max_running: 150,
            beyond_quota: BeyondQuota::Native,
            crawler_quota: 1000,
            role_headroom: 50,
            crawl_price: 0.147,
            runs_per_month: 30,
            types: schema::TypeOptions::default(),
        }
    }
}

/// Who reads the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// AWS Glue's own crawlers, one per table, each with its own role.
    Managed,
    /// This program: no crawler, no role, no charge per crawl.
    Native,
}

/// What happens to a table that the quotas leave no crawler or role for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BeyondQuota {
    /// The native engine reads it in the same run.
    Native,
    /// It is left for a later run.
    Defer,
}

/// How a catalog table points at its schema version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LinkBy {
    /// By parameters; the columns stay in the table.
    Parameters,
    /// By parameters and, if it shows the same columns, a `SchemaReference`, from which Glue then takes them. Readers of such
    /// a table need `glue:GetSchemaVersion`.
    Reference,
}

impl Settings {
    /// How long a request waits for its answer.
    pub fn answer_limit(&self) -> Duration {
        Duration::from_secs(self.answer_limit)
    }

    /// The prices for estimates.
    pub(crate) fn prices(&self) -> Prices {
        Prices { read: self.read_price, export: self.export_price }
    }

    /// How the native engine reads.
    pub(crate) fn read_options(&self) -> ReadOptions {
        ReadOptions {
            first_page: !self.scan_all,
            sample: self.sample,
            scan_rate: self.scan_rate,
            max_rcu: self.max_rcu,
            segments: self.segments,
        }
    }
}
