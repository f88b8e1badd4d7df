//! Arguments over environment over TOML file over defaults, resolved once.

use std::fmt::Display;
use std::path::Path;

use anyhow::Context;
use serde_json::{Map, Value};
use sync::{Settings, Validated};

use crate::args::Common;

/// Settings that can't be: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Wrong(pub String);

/// Resolves and checks the settings; `typed` are those that were given as arguments.
///
/// # Errors
/// [`Wrong`] or of [`crawl::Kind::Settings`], naming the setting and where it came from.
pub(crate) fn resolve(common: &Common, mut typed: Map<String, Value>) -> anyhow::Result<Validated> {
    if let Some(database) = &common.database {
        typed.insert("database".into(), database.clone().into());
    }
    let mut settings = Settings::default();
    if let Some(file) = &common.config {
        settings = settings.with(&read(file)?).with_context(|| file.display().to_string())?;
    }
    Ok(settings.with_environment()?.with(&typed)?.validate()?)
}

fn read(file: &Path) -> Result<Map<String, Value>, Wrong> {
    let wrong = |error: &dyn Display| Wrong(format!("{}: {error}", file.display()));
    let text = crawl::files::read_to_string(file).map_err(|error| wrong(&error))?;
    let table: toml::Table = toml::from_str(&text).map_err(|error| {
        // Its own text is a picture of several lines.
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        wrong(&format_args!("line {}: {}", before.matches('\n').count() + 1, error.message()))
    })?;
    finite("", &table).map_err(|error| wrong(&error))?;
    // Of a table of TOML without such numbers all can be JSON.
    serde_json::to_value(table).and_then(serde_json::from_value).map_err(|error| wrong(&error))
}

/// Refuses `nan` and `inf`, which JSON doesn't know: they would count as not set.
fn finite(path: &str, table: &toml::Table) -> Result<(), Wrong> {
    for (name, value) in table {
        match value {
            toml::Value::Float(number) => number_of(&format!("{path}{name}"), *number).map(drop)?,
            toml::Value::Table(table) => finite(&format!("{path}{name}."), table)?,
            _ => {}
        }
    }
    Ok(())
}

/// A number as a setting.
///
/// # Errors
/// If it is `nan` or `inf`.
pub(crate) fn number_of(name: &str, number: f64) -> Result<Value, Wrong> {
    match number.is_finite() {
        true => Ok(number.into()),
        false => Err(Wrong(format!("{name} {number}: use a finite number"))),
    }
}
