//! `sync`: the whole job.

use serde_json::{Map, Value};

use ::sync::Job;

use super::run_job;
use crate::args::{Common, Engine, Sync};
use crate::settings;

/// Runs `sync`; the exit code is the result.
///
/// # Errors
/// If nothing could be done at all.
pub(crate) async fn run(common: &Common, args: &Sync) -> anyhow::Result<u8> {
    let settings = settings::resolve(common, typed(args))?;
    let (report, code) = run_job(common, &args.place, &settings, Job::Sync).await?;
    Ok(match args.check && report.has_changes() {
        true => crate::CHANGES,
        false => code,
    })
}

fn typed(args: &Sync) -> Map<String, Value> {
    let mut typed = Map::new();
    if let Some(engine) = args.engine {
        let engine = match engine {
            Engine::Managed => "managed",
            Engine::Native => "native",
        };
        typed.insert("engine".into(), engine.into());
    }
    for (name, globs) in [("include", &args.tables.include), ("exclude", &args.tables.exclude)] {
        if !globs.is_empty() {
            typed.insert(name.into(), globs.clone().into());
        }
    }
    // The embedded endpoint ends with this process, and its crawls with it.
    let wait = args.wait || args.place.local.is_some();
    let flags = [("wait", wait), ("dry_run", args.dry_run || args.check), ("no_start", args.no_start)];
    typed.extend(flags.into_iter().filter(|(_, given)| *given).map(|(name, _)| (name.to_owned(), true.into())));
    typed
}
