//! Arguments over environment over TOML file over defaults, resolved once.

use std::path::Path;

use anyhow::Context;
use crawler::Settings;
use serde_json::{Map, Value};

use crate::args::Common;

/// Settings that can't be: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Wrong(pub String);

/// Resolves the settings; `typed` are those that were given as arguments.
///
/// # Errors
/// [`Wrong`] or of [`crawler::Kind::Settings`], naming the setting and where it came from.
pub(crate) fn resolve(common: &Common, mut typed: Map<String, Value>) -> anyhow::Result<Settings> {
    if let Some(database) = &common.database {
        typed.insert("database".into(), database.clone().into());
    }
    let mut settings = Settings::default();
    if let Some(file) = &common.config {
        settings = settings.with(&read(file)?).with_context(|| file.display().to_string())?;
    }
    Ok(settings.with_environment()?.with(&typed)?)
}

fn read(file: &Path) -> Result<Map<String, Value>, Wrong> {
    let text = std::fs::read_to_string(file).map_err(|error| Wrong(format!("{}: {error}", file.display())))?;
    toml::from_str(&text).map_err(|error| Wrong(format!("{}: {error}", file.display())))
}
