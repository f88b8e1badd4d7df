//! `sync`: does the whole job.

use serde_json::{Map, Value};

use ::sync::Job;

use super::run_job;
use crate::args::{Common, Engine, Sync};
use crate::settings;

/// Runs `sync` and returns the exit code.
///
/// # Errors
/// If nothing could be done at all.
pub(crate) async fn run(common: &Common, args: &Sync) -> anyhow::Result<u8> {
    let settings = settings::resolve(common, from_args(args))?;
    let (report, code) = run_job(common, &args.place, &settings, Job::Sync).await?;
    Ok(match args.check && report.has_changes() {
        true => crate::CHANGES,
        false => code,
    })
}

fn from_args(args: &Sync) -> Map<String, Value> {
    let mut settings = Map::new();
    if let Some(engine) = args.engine {
        let engine = match engine {
            Engine::Managed => "managed",
            Engine::Native => "native",
        };
        settings.insert("engine".into(), engine.into());
    }
    for (name, globs) in [("include", &args.tables.include), ("exclude", &args.tables.exclude)] {
        if !globs.is_empty() {
            settings.insert(name.into(), globs.clone().into());
        }
    }
    // The embedded endpoint and its crawls end with this process, so it has to wait.
    let wait = args.wait || args.place.local.is_some();
    let flags = [("wait", wait), ("dry_run", args.dry_run || args.check), ("no_start", args.no_start)];
    settings.extend(flags.into_iter().filter(|(_, given)| *given).map(|(name, _)| (name.to_owned(), true.into())));
    settings
}
