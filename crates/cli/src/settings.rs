//! Resolves the settings: arguments override the environment, which overrides the TOML file, which overrides the defaults.

use std::fmt::Display;
use std::path::Path;

use anyhow::Context;
use serde_json::{Map, Value};
use sync::{Settings, Validated};

use crate::args::Common;

/// UsageError usage or settings: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub String);

/// Resolves and validates the settings. `arguments` are those given as arguments.
///
/// # Errors
/// [`UsageError`], or an error of [`crawl::Kind::Settings`], naming the setting and where it came from.
pub(crate) fn resolve(common: &Common, mut arguments: Map<String, Value>) -> anyhow::Result<Validated> {
    if let Some(database) = &common.database {
        arguments.insert("database".into(), database.clone().into());
    }
    let mut settings = Settings::default();
    if let Some(file) = &common.config {
        settings = settings.with(&read(file)?).with_context(|| file.display().to_string())?;
    }
    Ok(settings.with_environment()?.with(&arguments)?.validate()?)
}

fn read(file: &Path) -> Result<Map<String, Value>, UsageError> {
    let wrong = |error: &dyn Display| UsageError(format!("{}: {error}", file.display()));
    let text = input::files::read_to_string(file).map_err(|error| wrong(&error))?;
    let table: toml::Table = toml::from_str(&text).map_err(|error| {
        // The error's own text is a diagram of several lines.
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        wrong(&format_args!("line {}: {}", before.matches('\n').count() + 1, error.message()))
    })?;
    check_finite("", &table).map_err(|error| wrong(&error))?;
    // With finite numbers only, all of TOML can be represented in JSON.
    serde_json::to_value(table).and_then(serde_json::from_value).map_err(|error| wrong(&error))
}

/// Refuses `nan` and `inf`, which JSON can't represent: they would count as unset.
fn check_finite(path: &str, table: &toml::Table) -> Result<(), UsageError> {
    for (name, value) in table {
        match value {
            toml::Value::Float(number) => number_of(&format!("{path}{name}"), *number).map(drop)?,
            toml::Value::Table(table) => check_finite(&format!("{path}{name}."), table)?,
            _ => {}
        }
    }
    Ok(())
}

/// The JSON value of a number.
///
/// # Errors
/// If it is `nan` or `inf`.
pub(crate) fn number_of(name: &str, number: f64) -> Result<Value, UsageError> {
    match number.is_finite() {
        true => Ok(number.into()),
        false => Err(UsageError(format!("{name} {number}: use a finite number"))),
    }
}
