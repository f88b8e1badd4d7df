//! Validates settings before anything is done, and compiles the selection of tables.

use std::collections::BTreeSet;
use std::ops::Deref;

use crawl::error::{Error, Kind};
use globset::{Glob, GlobSet, GlobSetBuilder};

use super::{Engine, Sample, Settings};

/// A price above any real one, but small enough that sums stay finite.
const MAX_DOLLARS: f64 = 1e12;
/// More crawlers or roles than any account has.
const MAX_PER_ACCOUNT: usize = 1_000_000;

impl Settings {
    /// Checks the settings against each other and against AWS's rules, and compiles the globs.
    ///
    /// # Errors
    /// [`Kind::Settings`], naming the setting, its value and what is allowed.
    pub fn validate(self) -> Result<Validated, Error> {
        let selection = self.check()?;
        Ok(Validated { settings: self, selection })
    }

    fn check(&self) -> Result<Selection, Error> {
        let wrong = |message: String| Err(Error::new(Kind::Settings, message));
        let lower = |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if self.database.is_empty() || self.database.len() > 255 || !lower(&self.database) {
            return wrong(format!("database {:?}: use 1 to 255 of a-z, 0-9 and _", self.database));
        }
        if self.table_prefix.len() > 64 || !lower(&self.table_prefix) {
            return wrong(format!("table_prefix {:?}: use at most 64 of a-z, 0-9 and _", self.table_prefix));
        }
        // `{table}` is the only placeholder. The policy of a run matches ARNs against the name, so wildcards would widen it.
        let (once, rest) =
            (self.crawler_name.matches("{table}").count() == 1, self.crawler_name.replace("{table}", ""));
        if !once || self.crawler_name.len() > 100 || rest.contains(['{', '}', '*', '?']) || has_control(&rest) {
            return wrong(format!(
                "crawler_name {:?}: needs {{table}} exactly once, no other braces, no *, ? or control characters, and at most 100 characters",
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
            && !(0.5..=10_000_000.0).contains(&units)
        {
            return wrong(format!("max_rcu {units:?}: use 0.5 to 10000000 read units per second"));
        }
        if let Some(segments) = self.segments
            && !(1..=10_000).contains(&segments)
        {
            return wrong(format!("segments {segments}: use 1 to 10000"));
        }
        for (name, value, what) in [
            ("read_price", self.read_price, "dollars per million read request units"),
            ("export_price", self.export_price, "dollars per exported GB"),
            ("crawl_price", self.crawl_price, "dollars per crawl"),
        ] {
            if !(0.0..=MAX_DOLLARS).contains(&value) {
                return wrong(format!("{name} {value:?}: use {what}, 0 to {MAX_DOLLARS}"));
            }
        }
        // The policy of a run matches ARNs against it, so a wildcard would match other policies too.
        let is_policy = |arn: &str| {
            arn.starts_with("arn:")
                && arn.contains(":iam::")
                && arn.contains(":policy/")
                && !arn.contains(['*', '?'])
                && !has_control(arn)
        };
        if let Some(arn) = self.permissions_boundary.as_deref().filter(|arn| !is_policy(arn)) {
            return wrong(format!("permissions_boundary {arn:?}: use the ARN of a managed policy"));
        }
        if self.propagation_limit > 900 {
            return wrong(format!("propagation_limit {}: use 0 to 900 seconds", self.propagation_limit));
        }
        if !(1..=900).contains(&self.answer_limit) {
            return wrong(format!("answer_limit {}: use 1 to 900 seconds", self.answer_limit));
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
        for (name, value, min, max) in [
            ("concurrency", self.concurrency, 1, 1000),
            ("max_running", self.max_running, 1, 1000),
            ("crawler_quota", self.crawler_quota, 0, MAX_PER_ACCOUNT),
            ("role_headroom", self.role_headroom, 0, MAX_PER_ACCOUNT),
            ("runs_per_month", self.runs_per_month as usize, 0, 50_000),
            ("types.max_struct_fields", self.types.max_struct_fields, 1, 10_000),
        ] {
            if !(min..=max).contains(&value) {
                return wrong(format!("{name} {value}: use {min} to {max}"));
            }
        }
        Selection::from_globs(&self.include, &self.exclude)
    }
}

/// Valid settings, the only form that a run accepts.
#[derive(Debug, Clone)]
pub struct Validated {
    settings: Settings,
    selection: Selection,
}

impl Deref for Validated {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        &self.settings
    }
}

impl Validated {
    /// The tables of a run.
    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    /// These settings for a native crawl of `tables`, whatever `include` and `exclude` say. If `tables` is empty, the selection
    /// stays.
    pub(crate) fn for_native_crawl(&self, tables: &[&str]) -> Validated {
        let mut native = self.clone();
        native.settings.engine = Engine::Native;
        if !tables.is_empty() {
            native.selection = Selection::Tables(tables.iter().map(|table| (*table).to_owned()).collect());
        }
        native
    }

    /// These settings for a run that continues earlier ones, whatever tables those selected.
    pub(crate) fn for_all_tables(&self) -> Validated {
        let settings = Settings { wait: false, no_start: false, dry_run: false, ..self.settings.clone() };
        Validated { settings, selection: Selection::ALL }
    }
}

fn has_control(text: &str) -> bool {
    text.contains(char::is_control)
}

/// The tables that a run selects.
#[derive(Debug, Clone)]
pub enum Selection {
    /// Tables that match any of the first globs, or all tables if there are none, but none of the second globs.
    Globs(GlobSet, GlobSet),
    /// Exactly these tables.
    Tables(BTreeSet<String>),
}

impl Selection {
    pub(crate) const ALL: Selection = Selection::Globs(GlobSet::empty(), GlobSet::empty());

    /// Compiles globs.
    ///
    /// # Errors
    /// [`Kind::Settings`], naming the first invalid glob.
    pub(crate) fn from_globs(include: &[String], exclude: &[String]) -> Result<Selection, Error> {
        Ok(Selection::Globs(globs("include", include)?, globs("exclude", exclude)?))
    }

    /// Whether the DynamoDB table `name` is selected.
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Selection::Globs(include, exclude) => {
                (include.is_empty() || include.is_match(name)) && !exclude.is_match(name)
            }
            Selection::Tables(tables) => tables.contains(name),
        }
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
        let selection = settings.check().unwrap();
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
    fn impossible_settings_are_named() {
        let message = |settings: Settings| settings.validate().unwrap_err().message;
        let base = Settings::default;
        insta::assert_snapshot!(message(Settings { database: "Ddb".into(), ..base() }), @r#"database "Ddb": use 1 to 255 of a-z, 0-9 and _"#);
        insta::assert_snapshot!(message(Settings { crawler_name: "x".into(), ..base() }), @r#"crawler_name "x": needs {table} exactly once, no other braces, no *, ? or control characters, and at most 100 characters"#);
        insta::assert_snapshot!(message(Settings { scan_rate: Some(2.0), ..base() }), @"scan_rate 2: use 0.1 to 1.5");
        insta::assert_snapshot!(message(Settings { sample: Sample::Items(0), ..base() }), @"sample 0: use all, auto, or a number of items");
        insta::assert_snapshot!(message(Settings { max_rcu: Some(f64::NAN), ..base() }), @"max_rcu NaN: use 0.5 to 10000000 read units per second");
        insta::assert_snapshot!(message(Settings { segments: Some(0), ..base() }), @"segments 0: use 1 to 10000");
        insta::assert_snapshot!(message(Settings { read_price: -1.0, ..base() }), @"read_price -1.0: use dollars per million read request units, 0 to 1000000000000");
        insta::assert_snapshot!(message(Settings { export_price: f64::INFINITY, ..base() }), @"export_price inf: use dollars per exported GB, 0 to 1000000000000");
        insta::assert_snapshot!(message(Settings { permissions_boundary: Some("arn:aws:iam::1:policy/*".into()), ..base() }), @r#"permissions_boundary "arn:aws:iam::1:policy/*": use the ARN of a managed policy"#);
        insta::assert_snapshot!(message(Settings { propagation_limit: 901, ..base() }), @"propagation_limit 901: use 0 to 900 seconds");
        insta::assert_snapshot!(message(Settings { answer_limit: 0, ..base() }), @"answer_limit 0: use 1 to 900 seconds");
        insta::assert_snapshot!(message(Settings { crawl_price: f64::NAN, ..base() }), @"crawl_price NaN: use dollars per crawl, 0 to 1000000000000");
        insta::assert_snapshot!(message(Settings { concurrency: 0, ..base() }), @"concurrency 0: use 1 to 1000");
        insta::assert_snapshot!(message(Settings { max_running: usize::MAX, ..base() }), @"max_running 18446744073709551615: use 1 to 1000");
        insta::assert_snapshot!(message(Settings { crawler_quota: usize::MAX, ..base() }), @"crawler_quota 18446744073709551615: use 0 to 1000000");
        insta::assert_snapshot!(message(Settings { role_headroom: 2_000_000, ..base() }), @"role_headroom 2000000: use 0 to 1000000");
        insta::assert_snapshot!(message(Settings { runs_per_month: u32::MAX, ..base() }), @"runs_per_month 4294967295: use 0 to 50000");
        assert!(message(Settings { read_price: 1e300, ..base() }).ends_with("request units, 0 to 1000000000000"));
        for rate in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.5] {
            assert_eq!(
                message(Settings { scan_rate: Some(rate), ..base() }),
                format!("scan_rate {rate}: use 0.1 to 1.5")
            );
            let wrong = message(Settings { max_rcu: Some(rate), ..base() });
            assert_eq!(wrong, format!("max_rcu {rate:?}: use 0.5 to 10000000 read units per second"));
        }
        for fields in [0, 10_001, usize::MAX] {
            let types = schema::TypeOptions { max_struct_fields: fields, ..Default::default() };
            let wrong = message(Settings { types, ..base() });
            assert_eq!(wrong, format!("types.max_struct_fields {fields}: use 1 to 10000"));
        }
        for name in [
            "{table}_{region}",
            "{table}}",
            "{{table}",
            "{}{table}",
            "{table}\n",
            "\u{1b}[31m{table}",
            "{table}*",
            "${table",
        ] {
            let wrong = message(Settings { crawler_name: name.into(), ..base() });
            assert!(wrong.starts_with(&format!("crawler_name {name:?}: needs {{table}} exactly once")), "{wrong}");
            assert!(!wrong.contains(char::is_control), "{wrong:?}");
        }
        insta::assert_snapshot!(message(Settings { include: vec!["a[".into()], ..base() }), @r#"include "a[": unclosed character class; missing ']'"#);
    }
}
