//! `sync`: the whole job.

use std::collections::BTreeMap;

use crawler::Report;

use crate::args::{Common, Engine, Place, Sync};
use crate::progress::Progress;
use crate::{connect, output, settings};

/// Runs `sync`; the exit code is the result.
///
/// # Errors
/// If nothing could be done at all.
pub(crate) async fn run(common: &Common, args: &Sync) -> anyhow::Result<u8> {
    let settings = settings::resolve(common, typed(args))?;
    settings.selection()?;
    let connection = connect::connect(common, &args.place).await?;
    let report = {
        let progress = Progress::new(common);
        crawler::sync(&connection.clients, &settings, &|event| progress.on(event)).await
    };
    if let Some(server) = connection.server {
        server.stop().await;
    }
    let report = report?;
    output::report(common, &report)?;
    hint(common, &args.place);
    Ok(match args.check && report.has_changes() {
        true => crate::CHANGES,
        false => exit_code(&report),
    })
}

/// 0, or 1 if any table failed.
pub(crate) fn exit_code(report: &Report) -> u8 {
    if report.summary.failed > 0 { crate::FAILED } else { crate::DONE }
}

/// How to look at what the embedded endpoint now holds.
pub(crate) fn hint(common: &Common, place: &Place) {
    if let Some(tables) = &place.local
        && common.output == crate::args::Output::Text
    {
        let tables = tables.as_ref().map(|folder| format!(" --tables {}", folder.display())).unwrap_or_default();
        let state = place.state.display();
        let program = std::env::args().next().unwrap_or_else(|| "glue-ddb-crawler".into());
        let serve = format!("{program} serve{tables} --state {state}");
        output::note(common, &format!("The catalog is kept in {state}/. To look into it: {serve}"));
    }
}

fn typed(args: &Sync) -> BTreeMap<&'static str, serde_json::Value> {
    let mut typed = BTreeMap::new();
    if let Some(engine) = args.engine {
        typed.insert(
            "engine",
            match engine {
                Engine::Managed => "managed".into(),
                Engine::Native => "native".into(),
            },
        );
    }
    for (name, globs) in [("include", &args.tables.include), ("exclude", &args.tables.exclude)] {
        if !globs.is_empty() {
            typed.insert(name, globs.clone().into());
        }
    }
    // The embedded endpoint ends with this process, and its crawls with it.
    let wait = args.wait || args.place.local.is_some();
    let flags = [("wait", wait), ("dry_run", args.dry_run || args.check), ("no_start", args.no_start)];
    typed.extend(flags.into_iter().filter(|(_, given)| *given).map(|(name, _)| (name, true.into())));
    typed
}
