//! One crawl on several machines. [`split`] divides a table's segments, or an export's files, into shards. [`read`] reads one
//! shard until its time is up, and is called until nothing is left. [`publish`] merges what the shards saw and publishes it
//! like any other crawl.
//!
//! Each step depends on its input alone and returns all that the next one needs. So whoever coordinates them may repeat a
//! step that failed, and no item is counted twice. In `template.yaml`, AWS Step Functions does that.

use std::collections::BTreeSet;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::TableDescription;
use crawl::dynamodb::{describe, table_not_found, too_many_places};
use crawl::error::{Error, Kind};
use crawl::export::Export;
use crawl::read::{SegmentShare, units_per_second};
use crawl::{Clients, Observed, history};
use schema::Shape;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::job::Job;
use crate::report::{Outcome, Report, TableReport};
use crate::run::run;
use crate::session::Session;
use crate::settings::Settings;

/// The most characters that all shards may have together: Step Functions passes on 256 KiB.
/// <https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html>
const MAX_TEXT: usize = 250_000;
/// The characters of a shard besides its Shape.
const OVERHEAD: usize = 500;
/// The most shards, which leaves each at least 2,500 characters.
pub const MAX_SHARDS: u32 = 100;

/// What to crawl.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FanOut {
    /// The DynamoDB table.
    pub table: String,
    /// An export of the table in S3 to read instead, `s3://bucket/prefix`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export: Option<String>,
    /// The most shards; default as many as the machine allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shards: Option<u32>,
    /// Settings by the names of `docs/settings.md`, which override those of the session. Everything is read, whatever `sample`
    /// says.
    #[serde(flatten)]
    pub settings: Map<String, Value>,
}

/// The version of [`Shard`]. This release would misread a later one. It ignores members that it does not know.
const VERSION: u32 = 1;

/// A share of a crawl: what it has seen, and what it has left to read. An execution passes it from one invocation to the next,
/// which may run another release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shard {
    /// [`VERSION`].
    v: u32,
    crawl: FanOut,
    /// The id of the table or the export, which must stay the same from step to step.
    id: String,
    /// The number of this shard, from 0.
    shard: u32,
    /// The number of shards.
    shards: u32,
    /// The number of segments or files of all shards.
    parts: u32,
    /// The segments or files that this shard has yet to read, as half-open ranges.
    left: Vec<(u32, u32)>,
    /// What it saw, encoded as in the history of a table.
    shape: String,
    /// The items that it read, or the changes of an incremental export.
    records: u64,
    read_units: f64,
    /// Whether nothing is left.
    pub done: bool,
}

/// What a crawl reads.
enum Source {
    Table(Box<TableDescription>),
    Export(Box<Export>),
}

/// Divides a crawl into at most `max_shards` shards. There are fewer if `crawl` says so, or if that many could not each carry
/// a Shape twice as long as that of the table's first page.
///
/// # Errors
/// If the settings of `crawl` are invalid, or the table or export does not exist.
///
/// # Cost
/// One DescribeTable and one page, or a read of the export's manifests and a listing of its files.
pub async fn split(
    session: &Session<'_>,
    config: &SdkConfig,
    crawl: FanOut,
    max_shards: u32,
) -> Result<Vec<Shard>, Error> {
    let wrong = |message| Err(Error::new(Kind::Settings, message));
    let clients = &session.clients;
    let settings = session.settings.with(&crawl.settings)?.validate()?;
    if settings.dry_run || settings.no_start {
        return wrong("dry_run, no_start: not possible, a crawl in shards always reads and publishes");
    }
    if crawl.table.is_empty() {
        return wrong("table: name one");
    }
    let mut wanted = crawl.shards.unwrap_or(max_shards).min(max_shards).min(MAX_SHARDS);
    if wanted == 0 {
        return wrong("shards: use at least 1");
    }
    let source = Source::open(clients, config, &crawl).await?;
    let parts = match &source {
        Source::Table(description) => {
            let shape = crawl::read::read_first_page(clients, &crawl.table, &settings.types).await?;
            wanted = wanted.min(most_shards(&history::encode(&shape)));
            crawl::read::segments_for_machines(description, wanted, rate(description, &settings) / f64::from(wanted))
        }
        Source::Export(export) => {
            // Fail on a missing file before reading for hours.
            export.look_for_files().await?;
            export.files()
        }
    };
    let shards = wanted.min(parts.max(1));
    let bound = |shard: u32| (u64::from(parts) * u64::from(shard) / u64::from(shards)) as u32;
    let shard = |shard| Shard {
        v: VERSION,
        crawl: crawl.clone(),
        id: source.id(),
        shard,
        shards,
        parts,
        left: vec![(bound(shard), bound(shard + 1))],
        shape: history::encode(&Shape::default()),
        records: 0,
        read_units: 0.0,
        done: parts == 0,
    };
    Ok((0..shards).map(shard).collect())
}

/// Continues to read a shard until nothing is left or the time is up.
///
/// # Errors
/// If something can't be read. [`Kind::Deadline`] if not a single segment or file was completed.
pub async fn read(session: &Session<'_>, config: &SdkConfig, shard: Shard) -> Result<Shard, Error> {
    shard.check_version()?;
    let Session { clients, deadline, .. } = session;
    let settings = session.settings.with(&shard.crawl.settings)?.validate()?;
    let source = Source::open(clients, config, &shard.crawl).await?;
    shard.check_source(&source)?;
    if shard.left.iter().any(|(from, to)| from >= to || *to > shard.parts) {
        let message = format!("a shard of {} has invalid ranges left to read", shard.crawl.table);
        return Err(Error::new(Kind::Settings, message));
    }
    let left = shard.left.iter().flat_map(|(from, to)| *from..*to);
    let (read, parts) = match &source {
        Source::Table(description) => {
            let rate = rate(description, &settings) / f64::from(shard.shards.max(1));
            let share = SegmentShare { segments: left.collect(), total: shard.parts, rate };
            crawl::read::read_segments(clients, description, share, &settings.types, deadline.reached()).await?
        }
        Source::Export(export) => export.read(left, &settings.types, deadline.reached()).await?,
    };
    shard.after(read, parts)
}

/// Publishes what all shards saw and links the table. The report is that of a run on this table.
///
/// # Errors
/// If these are not all the shards of one crawl, all done. If the table was not published, with the reason that its line of
/// the report would have. Otherwise as [`crate::run`].
pub async fn publish(session: &Session<'_>, config: &SdkConfig, shards: Vec<Shard>) -> Result<Report, Error> {
    let Some(first) = shards.first() else {
        return Err(Error::new(Kind::Settings, "there are no shards to publish"));
    };
    shards.iter().try_for_each(Shard::check_version)?;
    let crawl = &first.crawl;
    let same =
        |shard: &Shard| (&shard.crawl, &shard.id, shard.shards, shard.done) == (crawl, &first.id, first.shards, true);
    let numbers: BTreeSet<u32> = shards.iter().filter(|shard| same(shard)).map(|shard| shard.shard).collect();
    if !numbers.into_iter().eq(0..first.shards) || shards.len() != first.shards as usize {
        let message = format!("not all of the {} shards of {} are done", first.shards, crawl.table);
        return Err(Error::new(Kind::Settings, message));
    }
    let settings = session.settings.with(&crawl.settings)?.validate()?;
    let source = Source::open(&session.clients, config, crawl).await?;
    first.check_source(&source)?;
    let mut read = Observed::default();
    for shard in &shards {
        read.shape.merge(shard.seen()?).map_err(too_many_places(&crawl.table))?;
        read.records += shard.records;
        read.read_units += shard.read_units;
    }
    let export = match &source {
        Source::Table(_) => None,
        Source::Export(export) => Some(&**export),
    };
    let report =
        run(&session.with_settings(settings), Job::Publish { table: &crawl.table, export, read: &read }).await?;
    match report.tables.first() {
        Some(TableReport {
            outcome: Outcome::Failed | Outcome::Deferred | Outcome::Vanished, reason, kind, ..
        }) => {
            let message = reason.clone().unwrap_or_else(|| table_not_found(&crawl.table).message);
            Err(Error::new(kind.unwrap_or(Kind::NotFound), message))
        }
        _ => Ok(report),
    }
}

/// The most shards that can each carry a Shape twice as long as this one; at least 1.
fn most_shards(shape: &str) -> u32 {
    u32::try_from(MAX_TEXT / (2 * shape.len() + OVERHEAD)).unwrap_or(MAX_SHARDS).max(1)
}

impl Source {
    async fn open(clients: &Clients, config: &SdkConfig, crawl: &FanOut) -> Result<Source, Error> {
        let table = &crawl.table;
        if let Some(url) = &crawl.export {
            let export = Export::in_bucket(url, config).await?;
            let export = if export.table() == table { export } else { export.of_table(table) };
            return Ok(Source::Export(Box::new(export)));
        }
        let description = describe(clients, table).await?.ok_or_else(|| table_not_found(table))?;
        Ok(Source::Table(Box::new(description)))
    }

    fn id(&self) -> String {
        match self {
            Source::Table(description) => description.table_id().unwrap_or_default().to_owned(),
            Source::Export(export) => export.id().to_owned(),
        }
    }
}

impl Shard {
    /// # Errors
    /// If a later release wrote the shard.
    fn check_version(&self) -> Result<(), Error> {
        if self.v <= VERSION {
            return Ok(());
        }
        let message = format!(
            "a shard of {} was written by a later release (version {}, this release knows {VERSION}): deploy that release \
             again and redrive the execution, or restart the crawl",
            self.crawl.table, self.v
        );
        Err(Error::new(Kind::Settings, message))
    }

    /// # Errors
    /// If the table or export is no longer the one that the crawl began with.
    fn check_source(&self, source: &Source) -> Result<(), Error> {
        if self.id == source.id() {
            return Ok(());
        }
        let message = format!(
            "{} was recreated, or its export replaced, since this crawl began: restart the crawl",
            self.crawl.table
        );
        Err(Error::new(Kind::Conflict, message))
    }

    fn seen(&self) -> Result<Shape, Error> {
        let wrong = |reason| Error::new(Kind::Data, format!("the Shape of a shard of {}: {reason}", self.crawl.table));
        history::decode(&self.shape).map_err(wrong)
    }

    /// The shard after it has read these parts.
    fn after(self, read: Observed, parts: Vec<u32>) -> Result<Shard, Error> {
        let table = &self.crawl.table;
        let left = without(&self.left, parts);
        if left == self.left && !self.done {
            let message = format!(
                "{table}: one invocation could not finish a single segment or file: give the function more memory, or the \
                 crawl a larger share of the table's read capacity (scan_rate, max_rcu)"
            );
            return Err(Error::new(Kind::Deadline, message));
        }
        let mut shape = self.seen()?;
        shape.merge(read.shape).map_err(too_many_places(table))?;
        let shard = Shard {
            done: left.is_empty(),
            left,
            shape: history::encode(&shape),
            records: self.records + read.records,
            read_units: self.read_units + read.read_units,
            ..self
        };
        let length = serde_json::to_string(&shard).map_or(0, |text| text.len());
        if length > MAX_TEXT / shard.shards.max(1) as usize {
            let message = format!(
                "{}: a shard takes {length} characters, more than {} shards can carry: start the crawl with \"shards\": {}",
                shard.crawl.table,
                shard.shards,
                (MAX_TEXT / length / 2).max(1)
            );
            return Err(Error::new(Kind::Settings, message));
        }
        Ok(shard)
    }
}

/// Removes these numbers from the ranges. Leaves as few ranges as possible.
fn without(ranges: &[(u32, u32)], mut parts: Vec<u32>) -> Vec<(u32, u32)> {
    parts.sort_unstable();
    let mut left = Vec::new();
    for (mut from, to) in ranges.iter().copied() {
        for part in parts.iter().copied().filter(|part| (from..to).contains(part)).collect::<Vec<_>>() {
            left.push((from, part));
            from = part + 1;
        }
        left.push((from, to));
    }
    left.retain(|(from, to)| from < to);
    left
}

/// The read units per second of all shards together.
fn rate(description: &TableDescription, settings: &Settings) -> f64 {
    units_per_second(description, settings.scan_rate, settings.max_rcu)
}

#[cfg(test)]
mod tests;
