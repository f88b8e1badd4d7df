//! Output for people: results on stdout, everything else on stderr.

use std::io::{IsTerminal, Write};
use std::ops::Range;

use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table, presets};
use crawl::estimate::Estimate;
use crawl::export::ExportSize;
use indicatif::HumanBytes;
use schema::escape;
use serde::Serialize;
use sync::Report;
use sync::report::{Action, Monthly, Outcome, TableReport};
use tracing_subscriber::EnvFilter;

use crate::args::{Common, Output};
use crate::stderr::Stderr;

/// Logs go to stderr: warnings, or what `-v` or RUST_LOG ask for.
pub(crate) fn start_logging(common: &Common) {
    let level = match (common.quiet, common.verbose) {
        (true, _) => "error",
        // A missing region or missing credentials are reported once, at the end.
        (_, 0) => "warn,aws_config=error",
        (_, 1) => "warn,aws_config=error,crawl=info,sync=info",
        (_, 2) => "info,crawl=debug,sync=debug,local=debug",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Stderr)
        // Without colours, any escape sequence in a line comes from outside.
        .with_ansi(false)
        .without_time()
        .init();
}

/// Prints why the command as a whole failed.
pub(crate) fn error(error: &anyhow::Error) {
    let mut told = String::from("glue-ddb-crawler");
    for cause in error.chain() {
        told += &format!(": {cause}");
        // The message already includes the causes.
        if cause.is::<crawl::Error>() {
            break;
        }
    }
    say(&told);
}

/// Prints a remark on stderr, unless `--quiet`.
pub(crate) fn note(common: &Common, text: &str) {
    if !common.quiet {
        say(text);
    }
}

/// Prints a line on stderr.
pub(crate) fn say(text: &str) {
    let _ = Stderr.write_all(text.as_bytes());
}

/// Prints a result on stdout. It is no error if the reader went away (`| head`).
pub(crate) fn result(text: &[u8]) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Prints a result as JSON on stdout.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    result(json_text(value)?.as_bytes())
}

/// A result as JSON.
pub(crate) fn json_text(value: &impl Serialize) -> anyhow::Result<String> {
    Ok(escape::json(&serde_json::to_string_pretty(value)?) + "\n")
}

/// Prints the report of a run.
pub(crate) fn report(common: &Common, report: &Report) -> anyhow::Result<()> {
    if common.verbose > 0 {
        say("AWS calls:");
        report.calls.iter().for_each(|(name, count)| say(&format!("  {count:>6}  {name}")));
    }
    match common.output {
        Output::Json => json(report),
        Output::Text => result(text(report, std::io::stdout().is_terminal()).as_bytes()),
    }
}

fn text(report: &Report, terminal: bool) -> String {
    let mut table = grid(&["DYNAMODB TABLE", "GLUE TABLE", "COLUMNS", "ITEMS", "SCHEMA", "RESULT"], terminal);
    for row in &report.tables {
        let number = |value: Option<String>| value.unwrap_or_else(|| "-".into());
        table.add_row([
            Cell::new(escape::line(&row.table)),
            Cell::new(escape::line(&row.catalog_table)),
            Cell::new(number(row.columns.map(|n| n.to_string()))),
            Cell::new(number(row.items.map(|n| n.to_string()))),
            Cell::new(number(row.schema.as_ref().map(|schema| format!("v{}", schema.version)))),
            Cell::new(escape::line(&outcome(row, report.dry_run))).fg(colour(row.outcome)),
        ]);
    }
    let rows = if table.is_empty() { String::new() } else { lines(table, 2..4) };
    let remarks: String = remarks(report).iter().map(|remark| format!("{}\n", escape::line(remark))).collect();
    format!("{rows}{}{}\n{remarks}", costs(report, terminal), escape::line(&summary(report)))
}

/// Remarks that concern no single table: the quotas, a database of somebody else, and the cost of runs.
fn remarks(report: &Report) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Some(quotas) = report.quotas.as_ref().filter(|quotas| quotas.beyond > 0) {
        let reason = quotas.reason();
        let reason = if reason.is_empty() { "Glue or IAM accepts no more".into() } else { reason };
        remarks.push(format!("Quota: no crawler for {} of the tables: {reason}.", quotas.beyond));
    }
    if report.database_foreign {
        let name = &report.database;
        remarks.push(match (report.database_changed, report.dry_run) {
            (true, true) => format!("The database {name} was created by somebody else; \"dynamo-db-flag\" would be added to its location, for Athena's connector."),
            (true, false) => format!("The database {name} was created by somebody else; \"dynamo-db-flag\" was added to its location, for Athena's connector."),
            (false, _) => format!("The database {name} was created by somebody else: its tables of other sources are left alone."),
        });
    }
    if let Some(Monthly { runs, managed_dollars, native_dollars, .. }) = &report.monthly {
        let (managed, native) = (dollars(*managed_dollars), dollars(*native_dollars));
        remarks.push(format!(
            "{runs} runs a month cost about {managed} with AWS Glue's crawlers, or {native} with --engine native."
        ));
        remarks.push("This assumes today's table sizes and the settings crawl_price, read_price and runs_per_month; see docs/settings.md.".into());
    }
    remarks
}

/// What the native engine would read, in a dry run: the whole table, a sample, or an export.
fn costs(report: &Report, terminal: bool) -> String {
    let heads = ["TO READ", "ITEMS", "SIZE", "READ UNITS", "SECONDS", "COST", "SAMPLE UNITS", "COST", "EXPORT"];
    let mut table = grid(&heads, terminal);
    for row in &report.tables {
        let cells = match (&row.estimate, &row.export) {
            (Some(Estimate { items, bytes, full, sampled, export_dollars }), _) => [
                items.to_string(),
                HumanBytes(*bytes).to_string(),
                full.read_units.to_string(),
                format!("{:.0}", full.seconds.ceil()),
                dollars(full.dollars),
                sampled.read_units.to_string(),
                dollars(sampled.dollars),
                dollars(*export_dollars),
            ],
            (None, Some(ExportSize { items, bytes, .. })) => {
                let none = || "-".to_owned();
                let size = HumanBytes(*bytes).to_string();
                [
                    items.map_or_else(none, |items| items.to_string()),
                    size,
                    "0".into(),
                    none(),
                    dollars(0.0),
                    none(),
                    none(),
                    none(),
                ]
            }
            (None, None) => continue,
        };
        table.add_row([Cell::new(escape::line(&row.table))].into_iter().chain(cells.map(Cell::new)));
    }
    if table.is_empty() { String::new() } else { lines(table, 1..heads.len()) }
}

fn dollars(dollars: f64) -> String {
    match dollars {
        0.0 => "$0".into(),
        0.0..0.01 => "<$0.01".into(),
        _ => format!("${dollars:.2}"),
    }
}

/// An empty table, with styles only for a terminal.
pub(crate) fn grid(heads: &[&str], terminal: bool) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if terminal {
        table.set_content_arrangement(ContentArrangement::Dynamic).enforce_styling();
    } else {
        table.force_no_tty();
    }
    table.set_header(heads.iter().map(|head| Cell::new(head).add_attribute(Attribute::Bold)));
    table
}

/// The lines of a table, with these columns aligned to the right, and an empty line.
pub(crate) fn lines(mut table: Table, numbers: Range<usize>) -> String {
    for (i, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if numbers.contains(&i) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect::<String>() + "\n"
}

fn colour(outcome: Outcome) -> Color {
    match outcome {
        Outcome::Failed => Color::Red,
        Outcome::Deferred | Outcome::Vanished => Color::Yellow,
        _ => Color::Green,
    }
}

/// The result of one table: what was done, or why not.
fn outcome(row: &TableReport, dry_run: bool) -> String {
    let done = done(row);
    let state = match row.outcome {
        Outcome::Planned => "to do",
        Outcome::Ready => "ready",
        Outcome::Started => "crawler started",
        Outcome::Crawled => "crawled",
        Outcome::Deferred => "deferred",
        Outcome::Failed => "FAILED",
        Outcome::Vanished => "gone",
    };
    match (&row.reason, done.is_empty(), row.outcome) {
        (Some(reason), _, _) => format!("{state}: {reason}"),
        (None, true, Outcome::Crawled) => "crawled, unchanged".into(),
        (None, true, Outcome::Planned) if is_to_read(row) => "to read".into(),
        (None, true, Outcome::Planned) => "nothing to do".into(),
        (None, true, _) => state.into(),
        (None, false, Outcome::Vanished) if dry_run => format!("{state}; to do: {}", done.join("; ")),
        (None, false, Outcome::Planned) => format!("{state}: {}", done.join("; ")),
        (None, false, _) => format!("{state}; {}", done.join("; ")),
    }
}

/// Whether a dry run has estimated what a crawl would read.
fn is_to_read(row: &TableReport) -> bool {
    row.estimate.is_some() || row.export.is_some()
}

/// What was done to a table, besides the crawl, which the outcome shows.
fn done(row: &TableReport) -> Vec<String> {
    let has = |action| row.actions.contains(&action);
    let listed = |words: &[(Action, &'static str)]| -> Vec<&'static str> {
        words.iter().filter(|(action, _)| has(*action)).map(|(_, word)| *word).collect()
    };
    let new = listed(&[
        (Action::CreateRole, "role"),
        (Action::CreateCrawler, "crawler"),
        (Action::CreateTable, "table"),
        (Action::RegisterSchema, "schema"),
    ]);
    let mut done = Vec::new();
    if !new.is_empty() {
        done.push(format!("new {}", new.join(", ")));
    }
    let changed = listed(&[
        (Action::RepairRole, "role repaired"),
        (Action::UpdateCrawler, "crawler updated"),
        (Action::UpdateTable, "columns changed"),
        (Action::DeprecateTable, "marked deprecated"),
        (Action::DeleteTable, "deleted"),
    ]);
    done.extend(changed.into_iter().map(String::from));
    // A new schema is always linked.
    if has(Action::LinkSchema) && !has(Action::RegisterSchema) {
        done.push("linked".into());
    }
    if !row.unmapped.is_empty() {
        done.push(format!("attributes that can't be mapped, null in Athena: {}", row.unmapped.join(", ")));
    }
    done
}

fn summary(report: &Report) -> String {
    let summary = &report.summary;
    let to_read = report.tables.iter().filter(|row| is_to_read(row)).count();
    let mut counts = Vec::new();
    for (count, word) in [
        (summary.crawled, "crawled"),
        (summary.started, "started"),
        (summary.changed, if report.dry_run { "to change" } else { "changed" }),
        (to_read, "to read"),
        (summary.linked, "linked to a schema version"),
        (summary.deferred, "deferred"),
        (summary.failed, "failed"),
    ] {
        if count > 0 {
            counts.push(format!("{count} {word}"));
        }
    }
    if report.database_changed {
        counts.push(if report.dry_run { "the database to set up" } else { "database set up" }.into());
    }
    if counts.is_empty() {
        counts.push(if summary.tables == 0 { "no table to work on" } else { "nothing to do" }.into());
    }
    let tables = if summary.tables == 1 { "1 table".to_owned() } else { format!("{} tables", summary.tables) };
    format!(
        "{tables} -> Glue database {} in {} (account {}): {}. {}{:.1} s",
        report.database,
        report.region,
        report.account,
        counts.join(", "),
        if report.dry_run { "Dry run, nothing was done. " } else { "" },
        report.seconds
    )
}
