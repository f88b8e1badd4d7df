//! The costs in a dry run: what it would take to crawl the tables.

use crawl::Clients;
use crawl::error::Error;
use crawl::estimate::{self, Estimate};
use crawl::export::Export;
use crawl::options::Sample;
use futures::stream::{self, StreamExt};

use crate::report::{Action, Monthly, Outcome, Report, TableReport};
use crate::session::Session;
use crate::settings::Settings;

/// Adds to the report what the native engine would read of each table or of the export, and the cost of a month of runs.
///
/// # Cost
/// One DescribeTable per table.
pub(super) async fn estimate(session: &Session<'_>, export: Option<&Export>, report: &mut Report) {
    let Session { clients, settings, deadline, .. } = session;
    if settings.no_start {
        return;
    }
    let planned = report.tables.iter_mut().filter(|table| table.outcome == Outcome::Planned);
    let estimates: Vec<Option<(f64, f64)>> = stream::iter(planned)
        .map(|table| async move {
            match deadline.limit(one(clients, settings, export, table)).await {
                Ok(estimate) => estimate.map(|estimate| dollars(&estimate, table, settings)),
                // A crawler of AWS may still be able to read the table, so only its cost is left out.
                Err(error) if !table.actions.contains(&Action::Crawl) => {
                    tracing::warn!(table = table.table, reason = %error, "can't estimate the cost of its crawls");
                    None
                }
                Err(error) => {
                    *table = table.clone().refused(error);
                    None
                }
            }
        })
        .buffer_unordered(settings.concurrency)
        .collect()
        .await;
    let runs = f64::from(settings.runs_per_month);
    let known: Vec<(f64, f64)> = estimates.into_iter().flatten().collect();
    if !known.is_empty() {
        report.monthly = Some(Monthly {
            runs: settings.runs_per_month,
            tables: known.len(),
            managed_dollars: runs * known.iter().map(|(managed, _)| managed).sum::<f64>(),
            native_dollars: runs * known.iter().map(|(_, native)| native).sum::<f64>(),
        });
    }
}

async fn one(
    clients: &Clients,
    settings: &Settings,
    export: Option<&Export>,
    table: &mut TableReport,
) -> Result<Option<Estimate>, Error> {
    if let Some(export) = export {
        table.export = Some(export.size().await?);
        return Ok(None);
    }
    let estimate = estimate::estimate(clients, &table.table, &settings.read_options(), settings.prices()).await?;
    if table.actions.contains(&Action::Crawl) {
        table.estimate.clone_from(&estimate);
    }
    Ok(estimate)
}

/// What one crawl of a table costs: with AWS Glue's crawlers, and with the native engine.
fn dollars(estimate: &Estimate, table: &TableReport, settings: &Settings) -> (f64, f64) {
    let native = match settings.sample {
        Sample::All => estimate.full.dollars,
        Sample::Auto | Sample::Items(_) => estimate.sampled.dollars,
    };
    // AWS does not publish how much a crawler reads of a sample. It is little.
    let read = if settings.scan_all { estimate.full.dollars } else { 0.0 };
    match table.beyond_quota {
        true => (native, native),
        false => (settings.crawl_price + read, native),
    }
}
