//! One crawl on several machines. [`split`] deals a table's segments, or an export's files, out in lanes; [`read`] goes on with
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
use crawl::dynamodb::{describe, gone, too_many};
use crawl::error::{Error, Kind};
use crawl::export::Export;
use crawl::read::units_per_second;
use crawl::{Clients, Collected, history};

/// The characters that all lanes together may have when they meet: Step Functions passes on 256 KiB.
/// <https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html>
const MOST_TEXT: usize = 250_000;
/// The characters of a lane without its Shape.
const ROOM: usize = 500;
/// The most lanes: each has at least 2,500 characters.
pub const MOST_LANES: u32 = 100;

/// What is to be crawled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// The DynamoDB table.
    pub table: String,
    /// An export of it in S3 that is read instead, `s3://bucket/prefix`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export: Option<String>,
    /// Fewer lanes than there could be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lanes: Option<u32>,
    /// Settings by the names of `docs/settings.md`, over those there are. All is read, whatever they say of samples.
    #[serde(flatten)]
    pub settings: Map<String, Value>,
}

/// A share of a crawl: what it has seen, and what is left for it to read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lane {
    order: Order,
    /// The table's id, or the export's: neither may be another from one step to the next.
    id: String,
    /// Which of the lanes this is, the first is 0.
    lane: u32,
    /// How many lanes there are.
    lanes: u32,
    /// How many segments or files there are, those of the other lanes included.
    parts: u32,
    /// Those that this lane has to read yet: from the first number to before the second.
    left: Vec<(u32, u32)>,
    /// What it saw, as the memory of a table is kept.
    shape: String,
    /// Items, or changes of an incremental export, that it read.
    records: u64,
    read_units: f64,
    /// There is nothing left.
    pub done: bool,
}

/// What an order is about.
enum Source {
    Table(Box<TableDescription>),
    Export(Box<Export>),
}

/// Deals a crawl out in `most` lanes, or in as many as the order says, if that is less, or in as many as can carry a Shape of twice
/// the length of that of the table's first page.
///
/// # Errors
/// If the order's settings are wrong, or there is no such table or export.
///
/// # Cost
/// One DescribeTable and one page, or a read of the export's manifests and a listing of its files.
pub async fn split(session: &Session<'_>, config: &SdkConfig, order: Order, most: u32) -> Result<Vec<Lane>, Error> {
    let wrong = |message| Err(Error::new(Kind::Settings, message));
    let clients = &session.clients;
    let settings = session.settings.with(&order.settings)?.validate()?;
    if settings.dry_run || settings.no_start {
        return wrong("dry_run, no_start: a crawl in lanes reads and publishes");
    }
    if order.table.is_empty() {
        return wrong("table: there has to be one");
    }
    let mut wanted = order.lanes.unwrap_or(most).min(most).min(MOST_LANES);
    if wanted == 0 {
        return wrong("lanes: there has to be at least one");
    }
    let source = Source::of(clients, config, &order).await?;
    let parts = match &source {
        Source::Table(description) => {
            let shape = crawl::read::first_page(clients, &order.table, &settings.types).await?;
            wanted = wanted.min(carriers(&history::encode(&shape)));
            crawl::read::for_machines(description, wanted, rate(description, &settings) / f64::from(wanted))
        }
        Source::Export(export) => {
            // One that is missing is told before hours of reading.
            export.look_for_files().await?;
            export.files()
        }
    };
    let lanes = wanted.min(parts.max(1));
    let bound = |lane: u32| (u64::from(parts) * u64::from(lane) / u64::from(lanes)) as u32;
    let lane = |lane| Lane {
        order: order.clone(),
        id: source.id(),
        lane,
        lanes,
        parts,
        left: vec![(bound(lane), bound(lane + 1))],
        shape: history::encode(&Shape::default()),
        records: 0,
        read_units: 0.0,
        done: parts == 0,
    };
    Ok((0..lanes).map(lane).collect())
}

/// Reads on in a lane, until nothing is left of it or the time is up.
///
/// # Errors
/// If something can't be read; [`Kind::Deadline`] if not even one segment or file was read to its end.
pub async fn read(session: &Session<'_>, config: &SdkConfig, lane: Lane) -> Result<Lane, Error> {
    let Session { clients, deadline, .. } = session;
    let settings = session.settings.with(&lane.order.settings)?.validate()?;
    let source = Source::of(clients, config, &lane.order).await?;
    lane.is_of(&source)?;
    if lane.left.iter().any(|(from, to)| from >= to || *to > lane.parts) {
        return Err(Error::new(Kind::Settings, format!("a lane of {} has left what there is not", lane.order.table)));
    }
    let left = lane.left.iter().flat_map(|(from, to)| *from..*to);
    let (read, parts) = match &source {
        Source::Table(description) => {
            let rate = rate(description, &settings) / f64::from(lane.lanes.max(1));
            let segments = (left, lane.parts);
            crawl::read::segments(clients, description, &settings.types, segments, rate, deadline.reached()).await?
        }
        Source::Export(export) => export.read(left, &settings.types, deadline.reached()).await?,
    };
    lane.after(read, parts)
}

/// Publishes what all lanes saw, and links the table: the report is that of a run about this table.
///
/// # Errors
/// If these are not all lanes of one crawl, at their end; as [`crate::run`]; and if the table was not published, for the
/// reason that its line of the report would tell.
pub async fn publish(session: &Session<'_>, config: &SdkConfig, lanes: Vec<Lane>) -> Result<Report, Error> {
    let Some(first) = lanes.first() else {
        return Err(Error::new(Kind::Settings, "there are no lanes to publish"));
    };
    let order = &first.order;
    let same = |lane: &Lane| (&lane.order, &lane.id, lane.lanes, lane.done) == (order, &first.id, first.lanes, true);
    let numbers: BTreeSet<u32> = lanes.iter().filter(|lane| same(lane)).map(|lane| lane.lane).collect();
    if !numbers.into_iter().eq(0..first.lanes) || lanes.len() != first.lanes as usize {
        let message = format!("of the {} lanes of {} not all were read to their end", first.lanes, order.table);
        return Err(Error::new(Kind::Settings, message));
    }
    let settings = session.settings.with(&order.settings)?.validate()?;
    let source = Source::of(&session.clients, config, order).await?;
    first.is_of(&source)?;
    let mut read = Collected::default();
    for lane in &lanes {
        read.shape.merge(lane.seen()?).map_err(too_many(&order.table))?;
        read.records += lane.records;
        read.read_units += lane.read_units;
    }
    let export = match &source {
        Source::Table(_) => None,
        Source::Export(export) => Some(&**export),
    };
    let report = run(&session.with(settings), Job::Publish { table: &order.table, export, read: &read }).await?;
    match report.tables.first() {
        Some(TableReport {
            outcome: Outcome::Failed | Outcome::Deferred | Outcome::Vanished, reason, kind, ..
        }) => {
            let message = reason.clone().unwrap_or_else(|| gone(&order.table).message);
            Err(Error::new(kind.unwrap_or(Kind::NotFound), message))
        }
        _ => Ok(report),
    }
}

/// As many lanes as can carry a Shape of twice the length of this one, if it is one that can be carried at all.
fn carriers(shape: &str) -> u32 {
    u32::try_from(MOST_TEXT / (2 * shape.len() + ROOM)).unwrap_or(MOST_LANES).max(1)
}

impl Source {
    async fn of(clients: &Clients, config: &SdkConfig, order: &Order) -> Result<Source, Error> {
        let table = &order.table;
        if let Some(url) = &order.export {
            let export = Export::in_bucket(url, config).await?;
            let export = if export.table() == table { export } else { export.of_table(table) };
            return Ok(Source::Export(Box::new(export)));
        }
        let description = describe(clients, table).await?.ok_or_else(|| gone(table))?;
        Ok(Source::Table(Box::new(description)))
    }

    fn id(&self) -> String {
        match self {
            Source::Table(description) => description.table_id().unwrap_or_default().to_owned(),
            Source::Export(export) => export.id().to_owned(),
        }
    }
}

impl Lane {
    fn is_of(&self, source: &Source) -> Result<(), Error> {
        if self.id == source.id() {
            return Ok(());
        }
        let message = format!(
            "{} was made anew, or its export is another one, since this crawl began: start again",
            self.order.table
        );
        Err(Error::new(Kind::Conflict, message))
    }

    fn seen(&self) -> Result<Shape, Error> {
        let wrong = |what| Error::new(Kind::Data, format!("what a lane of {} saw: {what}", self.order.table));
        history::decode(&self.shape).map_err(wrong)
    }

    /// The lane after it read these parts.
    fn after(self, read: Collected, parts: Vec<u32>) -> Result<Lane, Error> {
        let table = &self.order.table;
        let left = without(&self.left, parts);
        if left == self.left && !self.done {
            let message = format!(
                "{table}: no segment or file was read to its end in the time of one invocation: give the function more \
                 memory, or the table a larger share of its read capacity (scan_rate, max_rcu)"
            );
            return Err(Error::new(Kind::Deadline, message));
        }
        let mut shape = self.seen()?;
        shape.merge(read.shape).map_err(too_many(table))?;
        let lane = Lane {
            done: left.is_empty(),
            left,
            shape: history::encode(&shape),
            records: self.records + read.records,
            read_units: self.read_units + read.read_units,
            ..self
        };
        let length = serde_json::to_string(&lane).map_or(0, |text| text.len());
        if length > MOST_TEXT / lane.lanes.max(1) as usize {
            let message = format!(
                "{}: what its items look like takes {length} characters, more than {} lanes can carry: start the crawl \
                 with \"lanes\": {}",
                lane.order.table,
                lane.lanes,
                (MOST_TEXT / length / 2).max(1)
            );
            return Err(Error::new(Kind::Settings, message));
        }
        Ok(lane)
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

/// Read units a second of all lanes together.
fn rate(description: &TableDescription, settings: &Settings) -> f64 {
    units_per_second(description, settings.scan_rate, settings.max_rcu)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use schema::{Policy, Reader};
    use serde_json::json;

    use super::*;

    fn lane(lanes: u32, left: &[(u32, u32)]) -> Lane {
        let order = Order { table: "orders".into(), export: None, lanes: None, settings: Map::new() };
        let shape = history::encode(&Shape::default());
        let left = left.to_vec();
        Lane {
            order,
            id: "1".into(),
            lane: 0,
            lanes,
            parts: 100,
            left,
            shape,
            records: 0,
            read_units: 0.0,
            done: false,
        }
    }

    fn read(items: &str) -> Collected {
        let mut reader = Reader::new(&Policy::default());
        reader.lines(items.as_bytes()).unwrap();
        let shape = reader.finish().unwrap();
        Collected { records: shape.items(), shape, read_units: 1.5 }
    }

    #[test]
    fn a_lane_carries_what_it_saw_and_what_is_left() {
        let lane = lane(4, &[(10, 20)]).after(read("{\"a\":{\"S\":\"x\"}}\n"), vec![12, 10, 11, 15]).unwrap();
        assert_eq!((&lane.left[..], lane.done), (&[(13, 15), (16, 20)][..], false));
        let text = serde_json::to_string(&lane).unwrap();
        assert_eq!(serde_json::from_str::<Lane>(&text).unwrap(), lane);
        let lane = lane.after(read("{\"a\":{\"S\":\"x\"}}\n"), vec![13, 14, 16, 17, 18, 19]).unwrap();
        assert_eq!((lane.left.len(), lane.done, lane.records, lane.read_units), (0, true, 2, 3.0));
        assert_eq!(lane.seen().unwrap().items(), 2);
    }

    #[test]
    fn a_lane_that_gets_nowhere_or_grows_too_large_says_so() {
        let message = |lane: Lane, items: &str, parts| lane.after(read(items), parts).unwrap_err().message;
        insta::assert_snapshot!(message(lane(4, &[(10, 20)]), "", vec![]), @"orders: no segment or file was read to its end in the time of one invocation: give the function more memory, or the table a larger share of its read capacity (scan_rate, max_rcu)");
        let names = |from: u32, to: u32| {
            (from..to)
                .map(|name| format!("\"{:x}\":{{\"S\":\"x\"}}", name.wrapping_mul(2_654_435_761)))
                .collect::<Vec<_>>()
                .join(",")
        };
        insta::assert_snapshot!(message(lane(50, &[(10, 20)]), &format!("{{{}}}", names(0, 2000)), vec![10]), @r#"orders: what its items look like takes 14447 characters, more than 50 lanes can carry: start the crawl with "lanes": 8"#);
        lane(1, &[(10, 20)]).after(read(&format!("{{{}}}", names(0, 2000))), vec![10]).unwrap();
    }

    #[test]
    fn an_order_is_a_table_and_settings() {
        let order: Order = serde_json::from_value(json!({"table": "orders", "lanes": 3, "max_rcu": 7})).unwrap();
        assert_eq!((order.lanes, Value::from(order.settings.clone())), (Some(3), json!({"max_rcu": 7})));
        assert_eq!(serde_json::to_value(&order).unwrap(), json!({"table": "orders", "lanes": 3, "max_rcu": 7}));
    }

    proptest! {
        #[test]
        fn what_is_left_is_what_was_not_read(cuts in proptest::collection::btree_set(0u32..60, 0..8), read: Vec<u32>) {
            let cuts: Vec<u32> = cuts.into_iter().collect();
            let ranges: Vec<(u32, u32)> = cuts.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
            let read: Vec<u32> = read.into_iter().map(|part| part % 60).collect();
            let expected: Vec<u32> =
                ranges.iter().flat_map(|(from, to)| *from..*to).filter(|part| !read.contains(part)).collect();
            let left = without(&ranges, read);
            prop_assert_eq!(left.iter().flat_map(|(from, to)| *from..*to).collect::<Vec<_>>(), expected);
        }
    }
}
