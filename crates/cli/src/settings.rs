//! Arguments over environment over TOML file over defaults, resolved once.

use std::collections::BTreeMap;

use crawler::Settings;
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde_json::Value;

use crate::args::Common;

/// In front of every environment variable that sets a setting.
const PREFIX: &str = "GLUE_DDB_CRAWLER_";

/// Settings that can't be: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Wrong(pub String);

/// Resolves the settings; `typed` are those that were given as arguments.
///
/// # Errors
/// [`Wrong`], naming the setting and where it came from.
pub(crate) fn resolve(common: &Common, typed: BTreeMap<&'static str, Value>) -> Result<Settings, Wrong> {
    let mut typed = typed;
    if let Some(database) = &common.database {
        typed.insert("database", database.clone().into());
    }
    let mut figment = Figment::from(Serialized::defaults(Settings::default()));
    if let Some(file) = &common.config {
        if !file.is_file() {
            return Err(Wrong(format!("{}: there is no such settings file", file.display())));
        }
        figment = figment.merge(Toml::file_exact(file));
    }
    let lists = ["include", "exclude"];
    figment = figment.merge(Env::prefixed(PREFIX).ignore(&["config", "include", "exclude"]).split("__"));
    for list in lists {
        if let Ok(value) = std::env::var(format!("{PREFIX}{}", list.to_uppercase())) {
            let globs: Vec<&str> = value.split(',').map(str::trim).filter(|glob| !glob.is_empty()).collect();
            figment = figment.merge(Serialized::default(list, globs));
        }
    }
    for (name, value) in typed {
        figment = figment.merge(Serialized::default(name, value));
    }
    figment.extract().map_err(|error| Wrong(format!("wrong setting: {error}")))
}
