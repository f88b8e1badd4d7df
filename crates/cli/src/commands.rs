//! The commands, one file each, and what `sync` and `crawl` share.

use crawler::{Report, Settings};

use crate::args::{Common, Output, Place};
use crate::progress::Progress;
use crate::{connect, output};

pub(crate) mod crawl;
pub(crate) mod infer;
pub(crate) mod serve;
pub(crate) mod sync;

/// Runs the job where the arguments say, with a progress line, and prints its report. `tables`: crawl these alone, with the
/// native engine.
///
/// # Errors
/// If nothing could be done at all.
async fn run_job(
    common: &Common,
    place: &Place,
    settings: &Settings,
    tables: Option<&[String]>,
) -> anyhow::Result<Report> {
    settings.selection()?;
    let connection = connect::connect(common, place).await?;
    let progress = Progress::new(common);
    let report = match tables {
        None => crawler::sync(&connection.clients, settings, &|event| progress.on(event)).await,
        Some(tables) => crawler::crawl_tables(&connection.clients, settings, tables, &|event| progress.on(event)).await,
    };
    drop(progress);
    if let Some(server) = connection.server {
        server.stop().await;
    }
    let report = report?;
    output::report(common, &report)?;
    hint(common, place);
    Ok(report)
}

/// 0, or 1 if any table failed.
fn exit_code(report: &Report) -> u8 {
    if report.summary.failed > 0 { crate::FAILED } else { crate::DONE }
}

/// How to look at what the embedded endpoint now holds.
fn hint(common: &Common, place: &Place) {
    if let Some(tables) = &place.local
        && common.output == Output::Text
    {
        let tables = tables.as_ref().map(|folder| format!(" --tables {}", folder.display())).unwrap_or_default();
        let state = place.state.display();
        let program = std::env::args().next().unwrap_or_else(|| "glue-ddb-crawler".into());
        output::note(
            common,
            &format!("The catalog is kept in {state}/. To look into it: {program} serve{tables} --state {state}"),
        );
    }
}
