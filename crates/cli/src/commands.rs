//! The commands, one per file, and what `sync` and `crawl` share.

use ::sync::progress::Event;
use ::sync::{Job, Report, Session, Settings, Validated};

use crate::args::{Common, Output, Place};
use crate::progress::Progress;
use crate::{connect, interrupt, output};

pub(crate) mod completions;
pub(crate) mod crawl;
pub(crate) mod doctor;
pub(crate) mod infer;
pub(crate) mod man;
pub(crate) mod policy;
pub(crate) mod profile;
pub(crate) mod prune;
pub(crate) mod serve;
pub(crate) mod show;
pub(crate) mod sync;

const INTERRUPTED: &str = "interrupted: ending the run; Ctrl-C again to quit at once";

/// Runs the job against the endpoint in the arguments, with a progress line, and prints its report. Returns the report and
/// the exit code: 0, 1 if any table failed, 130 if the run was interrupted.
///
/// # Errors
/// If nothing could be done at all.
async fn run_job(common: &Common, place: &Place, settings: &Validated, job: Job<'_>) -> anyhow::Result<(Report, u8)> {
    let connection = connect::connect(common, settings, place).await?;
    let progress = Progress::new(common);
    let deadline = interrupt::deadline(progress.printer(INTERRUPTED))?;
    let on = |event: Event<'_>| progress.on(event);
    let session =
        Session::new(connection.clients.clone(), settings.clone()).with_deadline(deadline.clone()).with_progress(&on);
    let report = ::sync::run(&session, job).await;
    let interrupted = deadline.interrupted();
    drop(progress);
    if let Some(server) = connection.server {
        server.stop().await;
    }
    let report = report?;
    output::report(common, &report)?;
    match report.tables.is_empty() {
        true => output::note(common, no_table(place, settings)),
        false => hint(common, place),
    }
    if interrupted && place.local.is_some() && report.summary.started > 0 {
        output::note(common, "The crawlers of the embedded endpoint stop with it: the next run crawls their tables.");
    }
    let code = match (interrupted, report.summary.failed) {
        (true, _) => crate::INTERRUPTED,
        (false, 0) => crate::DONE,
        (false, _) => crate::FAILED,
    };
    Ok((report, code))
}

/// Why there may be no table, which is hardly ever intended.
fn no_table(place: &Place, settings: &Settings) -> &'static str {
    if !(settings.include.is_empty() && settings.exclude.is_empty()) {
        "No DynamoDB table passes --include and --exclude; names are case-sensitive."
    } else if let Some(Some(_)) = place.local {
        "No table: a table is NAME.json, its definition, beside its items in NAME.jsonl or another form. See docs/local.md."
    } else {
        "There is no DynamoDB table in this region and account."
    }
}

/// Prints how to look at what the embedded endpoint now holds.
fn hint(common: &Common, place: &Place) {
    if let Some(tables) = &place.local
        && common.output == Output::Text
    {
        let state = place.state.display();
        let program = std::env::args().next().unwrap_or_else(|| "glue-ddb-crawler".into());
        let look = match tables {
            Some(folder) => format!(" To look into it: {program} serve --tables {} --state {state}", folder.display()),
            None => String::new(),
        };
        output::note(common, &format!("The catalog is kept in {state}/.{look}"));
    }
}
