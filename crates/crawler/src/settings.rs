//! What a run is told, resolved once into a plain struct.

mod sources;

use globset::{Glob, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

use crate::crawl::ReadOptions;
use crate::error::{Error, Kind};

/// The settings of a run. [`Settings::default`] is what an invocation with `{}` does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The Glue database of all tables; default `ddb_tables`. Lower case, digits and `_`.
    pub database: String,
    /// In front of every catalog table's name; default none.
    pub table_prefix: String,
    /// Who crawls; default [`Engine::Managed`].
    pub engine: Engine,
    /// Only DynamoDB tables that match one of these globs; default all.
    pub include: Vec<String>,
    /// Not the tables that match one of these globs; stronger than `include`.
    pub exclude: Vec<String>,
    /// Wait for the crawls to end, and link what they wrote in the same run; default false.
    pub wait: bool,
    /// Say what would be done, do nothing; default false.
    pub dry_run: bool,
    /// Make what is missing but start no crawl; default false.
    pub no_start: bool,
    /// The crawler's name, with one `{table}` in it; default `{table}_crawler`.
    pub crawler_name: String,
    /// Let crawlers read every item rather than the first page; default true, as in Glue.
    pub scan_all: bool,
    /// Share of a table's read capacity that a crawl may use, 0.1 to 1.5; default Glue's own (0.5 of provisioned, 0.25 of
    /// the on-demand maximum).
    pub scan_rate: Option<f64>,
    /// Native engine: all items of a table, or a sample; default [`Sample::All`].
    pub sample: Sample,
    /// Native engine: read units a second and table that are never exceeded, at least 0.5; default what `scan_rate` says.
    pub max_rcu: Option<f64>,
    /// Native engine: segments of a full scan, 1 to 10,000; default chosen from the table's size and the budget.
    pub segments: Option<u32>,
    /// Native engine: settle what is read now, not also what earlier crawls saw; default false.
    pub forget: bool,
    /// Dollars for a million read request units, for what a dry run says; default 0.125, the price of on-demand tables of the
    /// class Standard in us-east-1 (<https://aws.amazon.com/dynamodb/pricing/on-demand/>, November 2026).
    pub read_price: f64,
    /// Dollars for each GB of a table that DynamoDB exports, for what a dry run says; default 0.10, the price in us-east-1
    /// (<https://aws.amazon.com/dynamodb/pricing/on-demand/>, November 2026).
    pub export_price: f64,
    /// What a crawl does when the catalog table differs; default [`UpdateBehavior::UpdateInDatabase`].
    pub on_update: UpdateBehavior,
    /// What becomes of the catalog table when its DynamoDB table is gone; default
    /// [`DeleteBehavior::DeprecateInDatabase`].
    pub on_delete: DeleteBehavior,
    /// The registry of the schemas; default `glue-ddb-crawler`.
    pub registry: String,
    /// The compatibility mode of new schemas; default `BACKWARD`.
    pub compatibility: String,
    /// How a catalog table points at its schema version; default [`LinkBy::Parameters`].
    pub link: LinkBy,
    /// Whom the columns' types are for; default [`Readers::Athena`].
    pub readers: Readers,
    /// After a managed crawl, read one page of items to learn how attributes are spelled; default true.
    pub learn_spelling: bool,
    /// Attach `AWSGlueServiceRole` to the crawlers' roles; default false.
    pub managed_policy: bool,
    /// The ARN of the managed policy that caps what the crawlers' roles may ever do; default none.
    pub permissions_boundary: Option<String>,
    /// For how many seconds a new role or crawler may seem not to be there, or not to be ours, 0 to 900; default 90. IAM and
    /// Glue are eventually consistent.
    pub propagation_limit: u64,
    /// Give boundary and roles of crawlers more than is known to be needed; default false. See `docs/security.md`.
    pub wide_roles: bool,
    /// How many tables are worked on at once, 1 to 1000; default 16.
    pub concurrency: usize,
    /// How many crawlers may run at once, 1 to 1000; default 150, the service's own limit.
    pub max_running: usize,
    /// What becomes of a table that the quotas leave no crawler or no role for; default [`BeyondQuota::Native`].
    pub beyond_quota: BeyondQuota,
    /// How many crawlers the account may have in the region; default 1000, the quota of new accounts (Service Quotas,
    /// AWS Glue, `L-11FA2C1A`). Older accounts have 50.
    pub crawler_quota: usize,
    /// Roles that are left for others of the account's quota; default 50.
    pub role_headroom: usize,
    /// Dollars a crawl of Glue's crawlers, for what a dry run says; default 0.147: 2 DPU for 10 minutes, the least that is
    /// charged, at 0.44 an hour (<https://aws.amazon.com/glue/pricing/>, November 2026; the 2 DPU are assumed).
    pub crawl_price: f64,
    /// Runs a month, for what a dry run says; default 30.
    pub runs_per_month: u32,
    /// How observed items become types.
    pub types: schema::Policy,
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
            wide_roles: false,
            concurrency: 16,
            max_running: 150,
            beyond_quota: BeyondQuota::Native,
            crawler_quota: 1000,
            role_headroom: 50,
            crawl_price: 0.147,
            runs_per_month: 30,
            types: schema::Policy::default(),
        }
    }
}

/// How much of a table the native engine reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sample {
    /// Every item.
    All,
    /// Pages spread over the table, until the chance that an attribute of at least 0.1 % of the items was missed is under
    /// 1 %. A table of up to 8 MB as a whole.
    Auto,
    /// About so many items, from pages spread over the table.
    #[serde(untagged)]
    Items(u64),
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

/// What becomes of a table that the quotas leave no crawler or no role for.
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
    /// By a `SchemaReference` as well, which the columns then come from, where that shows the same ones. Whoever reads such
    /// a table needs `glue:GetSchemaVersion`.
    Reference,
}

/// Whom the columns' types are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Readers {
    /// Athena's DynamoDB connector, Glue ETL, Spark, Hive and Trino: `array<…>` and `map<…>`.
    Athena,
    /// sosw's client as well, which maps types by the words that AWS's crawler writes: `set<…>` and `struct<…>`.
    Sosw,
}

/// `SchemaChangePolicy.UpdateBehavior` of Glue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UpdateBehavior {
    /// Leave the catalog table as it is.
    Log,
    /// Update it.
    UpdateInDatabase,
}

/// `SchemaChangePolicy.DeleteBehavior` of Glue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeleteBehavior {
    /// Leave the catalog table as it is.
    Log,
    /// Delete it.
    DeleteFromDatabase,
    /// Mark it with the parameter `DEPRECATED_BY_CRAWLER`.
    DeprecateInDatabase,
}

impl Settings {
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

    /// Checks the settings against each other and against AWS's rules, and compiles the globs.
    ///
    /// # Errors
    /// [`Kind::Settings`], naming the setting, its value and what is allowed.
    pub fn selection(&self) -> Result<Selection, Error> {
        let wrong = |message: String| Err(Error::new(Kind::Settings, message));
        let lower = |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if self.database.is_empty() || self.database.len() > 255 || !lower(&self.database) {
            return wrong(format!("database {:?}: use 1 to 255 of a-z, 0-9 and _", self.database));
        }
        if self.table_prefix.len() > 64 || !lower(&self.table_prefix) {
            return wrong(format!("table_prefix {:?}: use at most 64 of a-z, 0-9 and _", self.table_prefix));
        }
        if self.crawler_name.matches("{table}").count() != 1 || self.crawler_name.len() > 100 {
            return wrong(format!(
                "crawler_name {:?}: needs {{table}} exactly once, and at most 100 characters",
                self.crawler_name
            ));
        }
        if let Some(rate) = self.scan_rate
            && !(0.1..=1.5).contains(&rate)
        {
            return wrong(format!("scan_rate {rate}: use 0.1 to 1.5"));
        }
        if self.sample == Sample::Items(0) {
            return wrong("sample 0: use all, auto, or a number of items".into());
        }
        if let Some(units) = self.max_rcu
            && !(units >= 0.5 && units.is_finite())
        {
            return wrong(format!("max_rcu {units}: use 0.5 or more read units a second"));
        }
        if let Some(segments) = self.segments
            && !(1..=10_000).contains(&segments)
        {
            return wrong(format!("segments {segments}: use 1 to 10000"));
        }
        if !(self.read_price >= 0.0 && self.read_price.is_finite()) {
            return wrong(format!("read_price {}: use the dollars for a million read request units", self.read_price));
        }
        if !(self.export_price >= 0.0 && self.export_price.is_finite()) {
            return wrong(format!("export_price {}: use the dollars for a GB that is exported", self.export_price));
        }
        if !(self.crawl_price >= 0.0 && self.crawl_price.is_finite()) {
            return wrong(format!("crawl_price {}: use the dollars of one crawl", self.crawl_price));
        }
        // The policy of a run compares ARNs with it, and a pattern would be another's too.
        let is_policy = |arn: &str| {
            arn.starts_with("arn:") && arn.contains(":iam::") && arn.contains(":policy/") && !arn.contains(['*', '?'])
        };
        if let Some(arn) = self.permissions_boundary.as_deref().filter(|arn| !is_policy(arn)) {
            return wrong(format!("permissions_boundary {arn:?}: use the ARN of a managed policy"));
        }
        if self.propagation_limit > 900 {
            return wrong(format!("propagation_limit {}: use 0 to 900 seconds", self.propagation_limit));
        }
        const MODES: [&str; 8] =
            ["NONE", "DISABLED", "BACKWARD", "BACKWARD_ALL", "FORWARD", "FORWARD_ALL", "FULL", "FULL_ALL"];
        if !MODES.contains(&self.compatibility.as_str()) {
            return wrong(format!("compatibility {:?}: use one of {}", self.compatibility, MODES.join(", ")));
        }
        let registry_ok = |b: u8| b.is_ascii_alphanumeric() || b"-_$#.".contains(&b);
        if self.registry.is_empty() || self.registry.len() > 255 || !self.registry.bytes().all(registry_ok) {
            return wrong(format!("registry {:?}: use 1 to 255 of letters, digits and -_$#.", self.registry));
        }
        for (name, value) in [("concurrency", self.concurrency), ("max_running", self.max_running)] {
            if !(1..=1000).contains(&value) {
                return wrong(format!("{name} {value}: use 1 to 1000"));
            }
        }
        Ok(Selection { include: globs("include", &self.include)?, exclude: globs("exclude", &self.exclude)? })
    }
}

/// Which tables a run is about: the compiled `include` and `exclude`.
#[derive(Debug, Clone)]
pub struct Selection {
    include: GlobSet,
    exclude: GlobSet,
}

impl Selection {
    /// Whether the DynamoDB table `name` is in.
    pub fn contains(&self, name: &str) -> bool {
        (self.include.is_empty() || self.include.is_match(name)) && !self.exclude.is_match(name)
    }
}

fn globs(setting: &str, patterns: &[String]) -> Result<GlobSet, Error> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let glob = Glob::new(pattern)
            .map_err(|e| Error::new(Kind::Settings, format!("{setting} {pattern:?}: {}", e.kind())))?;
        set.add(glob);
    }
    set.build().map_err(|e| Error::new(Kind::Settings, format!("{setting}: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(include: &[&str], exclude: &[&str], names: &[&'static str]) -> Vec<&'static str> {
        let own = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        let settings = Settings { include: own(include), exclude: own(exclude), ..Settings::default() };
        let selection = settings.selection().unwrap();
        names.iter().copied().filter(|name| selection.contains(name)).collect()
    }

    #[test]
    fn include_then_exclude() {
        let names = ["orders", "orders-test", "users"];
        assert_eq!(selected(&[], &[], &names), names);
        assert_eq!(selected(&["orders*"], &["*-test"], &names), ["orders"]);
        assert_eq!(selected(&[], &["{orders,users}"], &names), ["orders-test"]);
    }

    #[test]
    fn a_sample_is_a_word_or_a_number() {
        for (json, sample) in [("\"all\"", Sample::All), ("\"auto\"", Sample::Auto), ("5000", Sample::Items(5000))] {
            assert_eq!(serde_json::from_str::<Sample>(json).unwrap(), sample);
            assert_eq!(serde_json::to_string(&sample).unwrap(), json);
        }
        assert!(serde_json::from_str::<Sample>("\"some\"").is_err());
    }

    #[test]
    fn impossible_settings_are_named() {
        let message = |settings: Settings| settings.selection().unwrap_err().message;
        let base = Settings::default;
        insta::assert_snapshot!(message(Settings { database: "Ddb".into(), ..base() }), @r#"database "Ddb": use 1 to 255 of a-z, 0-9 and _"#);
        insta::assert_snapshot!(message(Settings { crawler_name: "x".into(), ..base() }), @r#"crawler_name "x": needs {table} exactly once, and at most 100 characters"#);
        insta::assert_snapshot!(message(Settings { scan_rate: Some(2.0), ..base() }), @"scan_rate 2: use 0.1 to 1.5");
        insta::assert_snapshot!(message(Settings { sample: Sample::Items(0), ..base() }), @"sample 0: use all, auto, or a number of items");
        insta::assert_snapshot!(message(Settings { max_rcu: Some(f64::NAN), ..base() }), @"max_rcu NaN: use 0.5 or more read units a second");
        insta::assert_snapshot!(message(Settings { segments: Some(0), ..base() }), @"segments 0: use 1 to 10000");
        insta::assert_snapshot!(message(Settings { read_price: -1.0, ..base() }), @"read_price -1: use the dollars for a million read request units");
        insta::assert_snapshot!(message(Settings { export_price: f64::INFINITY, ..base() }), @"export_price inf: use the dollars for a GB that is exported");
        insta::assert_snapshot!(message(Settings { permissions_boundary: Some("arn:aws:iam::1:policy/*".into()), ..base() }), @r#"permissions_boundary "arn:aws:iam::1:policy/*": use the ARN of a managed policy"#);
        insta::assert_snapshot!(message(Settings { propagation_limit: 901, ..base() }), @"propagation_limit 901: use 0 to 900 seconds");
        insta::assert_snapshot!(message(Settings { crawl_price: f64::NAN, ..base() }), @"crawl_price NaN: use the dollars of one crawl");
        insta::assert_snapshot!(message(Settings { concurrency: 0, ..base() }), @"concurrency 0: use 1 to 1000");
        insta::assert_snapshot!(message(Settings { max_running: usize::MAX, ..base() }), @"max_running 18446744073709551615: use 1 to 1000");
        insta::assert_snapshot!(message(Settings { include: vec!["a[".into()], ..base() }), @r#"include "a[": unclosed character class; missing ']'"#);
    }
}
