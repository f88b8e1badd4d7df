//! One crawl on several machines. [`split`] deals a table's segments, or an export's files, out in shards; [`read`] goes on with
//! one of them until its time is up, as often as it takes; [`publish`] merges what they saw and publishes it as any other crawl.
//!
//! Each step is a function of what it is given and gives all that the next one needs, so whoever coordinates them may repeat a
//! step that failed: no item is counted twice. `template.yaml` has AWS Step Functions do it.

use std::collections::BTreeSet;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::TableDescription;
use schema::Shape;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::job::Job;
use crate::report::{Outcome, Report, TableReport};
use crate::run::run;
use crate::session::Session;
use crate::settings::Settings;
use crawl::dynamodb::{describe, table_not_found, too_many_places};
use crawl::error::{Error, Kind};
use crawl::export::Export;
use crawl::read::{SegmentShare, units_per_second};
use crawl::{Clients, Observed, history};

/// The characters that all shards together may have when they meet: Step Functions passes on 256 KiB.
/// <https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html>
const MAX_TEXT: usize = 250_000;
/// The characters of a shard without its Shape.
const ROOM: usize = 500;
/// The most shards: each has at least 2,500 characters.
pub const MAX_SHARDS: u32 = 100;

/// What is to be crawled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FanOut {
    /// The DynamoDB table.
    pub table: String,
    /// An export of it in S3 that is read instead, `s3://bucket/prefix`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export: Option<String>,
    /// Fewer shards than there could be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shards: Option<u32>,
    /// Settings by the names of `docs/settings.md`, over those there are. All is read, whatever they say of samples.
    #[serde(flatten)]
    pub settings: Map<String, Value>,
}

/// The version of [`Shard`]: a later one is one that this release would misread. Members that it does not know it leaves out.
const VERSION: u32 = 1;

/// A share of a crawl: what it has seen, and what is left for it to read. An execution passes it from one invocation to the
/// next, which may be of another release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shard {
    /// [`VERSION`].
    v: u32,
    crawl: FanOut,
    /// The table's id, or the export's: neither may be another from one step to the next.
    id: String,
    /// Which of the shards this is, the first is 0.
    shard: u32,
    /// How many shards there are.
    shards: u32,
    /// How many segments or files there are, those of the other shards included.
    parts: u32,
    /// Those that this shard has to read yet: from the first number to before the second.
    left: Vec<(u32, u32)>,
    /// What it saw, as the memory of a table is kept.
    shape: String,
    /// Items, or changes of an incremental export, that it read.
    records: u64,
    read_units: f64,
    /// There is nothing left.
    pub done: bool,
}

/// What a crawl reads.
enum Source {
    Table(Box<TableDescription>),
    Export(Box<Export>),
}

/// Deals a crawl out in `most` shards, or in as many as `crawl` says, if that is less, or in as many as can carry a Shape of twice
/// the length of that of the table's first page.
///
/// # Errors
/// If the settings of `crawl` are wrong, or there is no such table or export.
///
/// # Cost
/// One DescribeTable and one page, or a read of the export's manifests and a listing of its files.
pub async fn split(session: &Session<'_>, config: &SdkConfig, crawl: FanOut, most: u32) -> Result<Vec<Shard>, Error> {
    let wrong = |message| Err(Error::new(Kind::Settings, message));
    let clients = &session.clients;
    let settings = session.settings.with(&crawl.settings)?.validate()?;
    if settings.dry_run || settings.no_start {
        return wrong("dry_run, no_start: a crawl in shards reads and publishes");
    }
    if crawl.table.is_empty() {
        return wrong("table: there has to be one");
    }
    let mut wanted = crawl.shards.unwrap_or(most).min(most).min(MAX_SHARDS);
    if wanted == 0 {
        return wrong("shards: there has to be at least one");
    }
    let source = Source::of(clients, config, &crawl).await?;
    let parts = match &source {
        Source::Table(description) => {
            let shape = crawl::read::read_first_page(clients, &crawl.table, &settings.types).await?;
            wanted = wanted.min(carriers(&history::encode(&shape)));
            crawl::read::segments_for_machines(description, wanted, rate(description, &settings) / f64::from(wanted))
        }
        Source::Export(export) => {
            // One that is missing is told before hours of reading.
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

/// Reads on in a shard, until nothing is left of it or the time is up.
///
/// # Errors
/// If something can't be read; [`Kind::Deadline`] if not even one segment or file was read to its end.
pub async fn read(session: &Session<'_>, config: &SdkConfig, shard: Shard) -> Result<Shard, Error> {
    shard.is_known()?;
    let Session { clients, deadline, .. } = session;
    let settings = session.settings.with(&shard.crawl.settings)?.validate()?;
    let source = Source::of(clients, config, &shard.crawl).await?;
    shard.is_of(&source)?;
    if shard.left.iter().any(|(from, to)| from >= to || *to > shard.parts) {
        return Err(Error::new(Kind::Settings, format!("a shard of {} has left what there is not", shard.crawl.table)));
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

/// Publishes what all shards saw, and links the table: the report is that of a run about this table.
///
/// # Errors
/// If these are not all shards of one crawl, at their end; as [`crate::run`]; and if the table was not published, for the
/// reason that its line of the report would tell.
pub async fn publish(session: &Session<'_>, config: &SdkConfig, shards: Vec<Shard>) -> Result<Report, Error> {
    let Some(first) = shards.first() else {
        return Err(Error::new(Kind::Settings, "there are no shards to publish"));
    };
    shards.iter().try_for_each(Shard::is_known)?;
    let crawl = &first.crawl;
    let same =
        |shard: &Shard| (&shard.crawl, &shard.id, shard.shards, shard.done) == (crawl, &first.id, first.shards, true);
    let numbers: BTreeSet<u32> = shards.iter().filter(|shard| same(shard)).map(|shard| shard.shard).collect();
    if !numbers.into_iter().eq(0..first.shards) || shards.len() != first.shards as usize {
        let message = format!("of the {} shards of {} not all were read to their end", first.shards, crawl.table);
        return Err(Error::new(Kind::Settings, message));
    }
    let settings = session.settings.with(&crawl.settings)?.validate()?;
    let source = Source::of(&session.clients, config, crawl).await?;
    first.is_of(&source)?;
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
    let report = run(&session.with(settings), Job::Publish { table: &crawl.table, export, read: &read }).await?;
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

/// As many shards as can carry a Shape of twice the length of this one, if it is one that can be carried at all.
fn carriers(shape: &str) -> u32 {
    u32::try_from(MAX_TEXT / (2 * shape.len() + ROOM)).unwrap_or(MAX_SHARDS).max(1)
}

impl Source {
    async fn of(clients: &Clients, config: &SdkConfig, crawl: &FanOut) -> Result<Source, Error> {
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
    /// If a later release has made it.
    fn is_known(&self) -> Result<(), Error> {
        if self.v <= VERSION {
            return Ok(());
        }
        let message = format!(
            "a shard of {} was made by a later release (version {}, this release knows {VERSION}): deploy that release again \
             and redrive the execution, or start the crawl anew",
            self.crawl.table, self.v
        );
        Err(Error::new(Kind::Settings, message))
    }

    fn is_of(&self, source: &Source) -> Result<(), Error> {
        if self.id == source.id() {
            return Ok(());
        }
        let message = format!(
            "{} was made anew, or its export is another one, since this crawl began: start again",
            self.crawl.table
        );
        Err(Error::new(Kind::Conflict, message))
    }

    fn seen(&self) -> Result<Shape, Error> {
        let wrong = |what| Error::new(Kind::Data, format!("what a shard of {} saw: {what}", self.crawl.table));
        history::decode(&self.shape).map_err(wrong)
    }

    /// The shard after it read these parts.
    fn after(self, read: Observed, parts: Vec<u32>) -> Result<Shard, Error> {
        let table = &self.crawl.table;
        let left = without(&self.left, parts);
        if left == self.left && !self.done {
            let message = format!(
                "{table}: no segment or file was read to its end in the time of one invocation: give the function more \
                 memory, or the table a larger share of its read capacity (scan_rate, max_rcu)"
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
                "{}: what its items look like takes {length} characters, more than {} shards can carry: start the crawl \
                 with \"shards\": {}",
                shard.crawl.table,
                shard.shards,
                (MAX_TEXT / length / 2).max(1)
            );
            return Err(Error::new(Kind::Settings, message));
        }
        Ok(shard)
    }
}

/// Ranges without these numbers, as few as there can be.
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

/// Read units a second of all shards together.
fn rate(description: &TableDescription, settings: &Settings) -> f64 {
    units_per_second(description, settings.scan_rate, settings.max_rcu)
}

#[cfg(test)]
mod tests;
