//! Scan of a live table: segments side by side within one read budget; the items go from the bodies of the answers into
//! the Shape.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_dynamodb::types::TableDescription;
use aws_smithy_types::body::SdkBody;
use schema::{Reader, Shape, TypeOptions};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinSet;
use tracing::Instrument;

use super::budget::{self, Budget, Grant, PAGE_UNITS, units_per_second};
use super::page::{ItemKey, Pages, Position, parse_key};
use super::sample;
use super::segments::{ScanPlan, StopCondition, all_segments, requests_at_once};
use crate::Clients;
use crate::checkpoint::{Checkpoint, Continuation};
use crate::deadline::cut_off;
use crate::dynamodb::too_many_places;
use crate::error::{Error, Kind};
use crate::history::HistoryUse;
use crate::observed::{Coverage, Observed};
use crate::request::CrawlRequest;

/// Reads the table, or a sample of it, within the read budget and eventually consistent, split as [`super::segments`] says.
/// `before` is where an earlier scan was cut off. When `stop` returns, what is under way is dropped, and a full scan says where
/// to go on.
///
/// Memory: the pages in flight (of all tables together, see [`Clients`]), and a Shape for each request at once.
///
/// # Errors
/// [`Kind::Deadline`] if it was stopped before anything was finished that a later scan could go on from.
pub(crate) async fn scan(
    clients: &Clients,
    description: &TableDescription,
    request: &CrawlRequest,
    before: Option<Checkpoint>,
    stop: impl Future<Output = ()>,
) -> Result<(Observed, Continuation), Error> {
    let rate = units_per_second(description, request.read.scan_rate, request.read.max_rcu);
    let plan = ScanPlan::new(description, &request.read, rate);
    let table = ScannedTable::new(clients, description, &request.table, rate, &request.types);
    let mut stop = pin!(stop);
    let is_resumable = plan.until == StopCondition::END && request.history != HistoryUse::None;
    let before = before.filter(|_| is_resumable);
    let mut units_of_probe = 0.0;
    if let (Some(until), None) = (plan.probe, &before) {
        let part = Part::new(&table, vec![Position::default()], until);
        if !part.read(1, &mut stop).await? {
            return Err(cut_off());
        }
        let observed = part.observed();
        if observed.is_complete() || until.pages == 1 || until == StopCondition::END {
            return Ok((observed, Continuation::default()));
        }
        // The table is larger than it reports. What was read is dropped: the segments read it again.
        units_of_probe = observed.read_units;
    }
    let segments = match &before {
        None => plan.segments,
        Some(before) => all_segments(before.segments).into_iter().filter(|(part, _)| !before.has(*part)).collect(),
    };
    let total = segments.first().map_or(0, |(_, total)| *total);
    let part = Part::new(&table, starts(segments), plan.until);
    let is_done = part.read(plan.at_once, &mut stop).await?;
    let mut observed = part.observed();
    observed.read_units += units_of_probe;
    let mut continuation = Continuation { earlier: before.as_ref().map(|before| before.items), checkpoint: None };
    if !is_done {
        let mut finished = part.finished();
        if !is_resumable || finished.is_empty() {
            return Err(cut_off());
        }
        finished.extend(before.iter().flat_map(|before| (0..total).filter(|part| before.has(*part))));
        let items = continuation.earlier.unwrap_or_default() + observed.shape.items();
        observed.coverage = Coverage::CutOff;
        continuation.checkpoint = Some(Checkpoint::new(description, total, &finished, items));
    }
    Ok((observed, continuation))
}

/// A part of a table for one machine to read.
#[derive(Debug)]
pub struct SegmentShare {
    /// The numbers of its segments.
    pub segments: Vec<u32>,
    /// How many segments the table is divided into.
    pub total: u32,
    /// Read units a second for this machine.
    pub rate: f64,
}

/// Reads these segments of a table until `stop` returns. What is in those that were read to their end, and which these are.
///
/// # Errors
/// If the table can't be read.
pub async fn read_segments(
    clients: &Clients,
    description: &TableDescription,
    share: SegmentShare,
    types: &TypeOptions,
    stop: impl Future<Output = ()>,
) -> Result<(Observed, Vec<u32>), Error> {
    let name = description.table_name().unwrap_or_default();
    let SegmentShare { segments, total, rate } = share;
    let table = ScannedTable::new(clients, description, name, rate, types);
    let segments = segments.into_iter().map(|segment| (segment, total)).collect();
    let part = Part::new(&table, starts(segments), StopCondition::END);
    part.read(requests_at_once(rate), pin!(stop)).await?;
    let progress = part.lock();
    let observed = Observed::from_items(progress.shape.clone(), progress.read_units, Coverage::Full);
    Ok((observed, progress.finished.clone()))
}

/// Reads one page of a table. What its items look like.
///
/// # Errors
/// If the table can't be read.
pub async fn read_first_page(clients: &Clients, table: &str, types: &TypeOptions) -> Result<Shape, Error> {
    let mut reader = Reader::new(types);
    let body = Pages::new(&clients.dynamodb, table).body(&Position::default(), None).await?;
    reader.scan_response(body.bytes().unwrap_or_default()).map_err(|e| unreadable(table, &e))?;
    reader.finish().map_err(|e| unreadable(table, &e))
}

/// The table that is read, and what all requests for it share.
struct ScannedTable {
    name: String,
    pages: Pages,
    budget: Budget,
    /// Read units a second.
    rate: f64,
    in_flight: Arc<Semaphore>,
    types: TypeOptions,
    /// The partition key, if items with the same one are neighbours.
    clustering_key: Option<String>,
    /// What an item costs, as far as the table itself can tell.
    units_an_item: Option<f64>,
}

impl ScannedTable {
    fn new(
        clients: &Clients,
        description: &TableDescription,
        name: &str,
        rate: f64,
        types: &TypeOptions,
    ) -> Arc<ScannedTable> {
        Arc::new(ScannedTable {
            name: name.to_owned(),
            pages: Pages::new(&clients.dynamodb, name),
            budget: Budget::new(rate),
            rate,
            in_flight: Arc::clone(&clients.pages_in_flight),
            types: types.clone(),
            clustering_key: sample::clustering_key(description),
            units_an_item: budget::units_an_item(description),
        })
    }
}

/// The starts of segments.
fn starts(segments: Vec<(u32, u32)>) -> Vec<Position> {
    segments.into_iter().map(|segment| Position { segment: Some(segment), start: None }).collect()
}

/// A part of the table, and how far it was read.
struct Part {
    table: Arc<ScannedTable>,
    until: StopCondition,
    progress: Mutex<PartProgress>,
}

#[derive(Default)]
struct PartProgress {
    /// What is left to read.
    left: VecDeque<Position>,
    /// What was finished looks like: pages of a sample, else segments.
    shape: Shape,
    /// Segments that were read to their end.
    finished: Vec<u32>,
    /// Items that pages under way may bring.
    promised: u64,
    items: u64,
    samples: u64,
    pages: u64,
    read_units: f64,
}

impl Part {
    fn new(table: &Arc<ScannedTable>, positions: Vec<Position>, until: StopCondition) -> Arc<Part> {
        let progress = Mutex::new(PartProgress { left: positions.into(), ..PartProgress::default() });
        Arc::new(Part { table: Arc::clone(table), until, progress })
    }

    /// Reads until the stop condition or the end, with so many requests at once. False if it was stopped before that.
    async fn read(self: &Arc<Self>, at_once: u32, mut stop: impl Future<Output = ()> + Unpin) -> Result<bool, Error> {
        // Whatever ends this, an error or the caller, ends the workers: they are aborted with the set.
        let mut workers = JoinSet::new();
        for _ in 0..at_once {
            workers.spawn(Arc::clone(self).work().in_current_span());
        }
        loop {
            let worker = tokio::select! {
                worker = workers.join_next() => worker,
                () = &mut stop => {
                    workers.shutdown().await;
                    return Ok(false);
                }
            };
            match worker {
                None => return Ok(true),
                Some(Ok(ended)) => ended?,
                Some(Err(error)) => return Err(Error::new(Kind::Service, format!("the scan was given up: {error}"))),
            }
        }
    }

    fn observed(&self) -> Observed {
        let progress = self.lock();
        let coverage = match progress.left.is_empty() {
            true => Coverage::Full,
            false => Coverage::Sample { missed_below: sample::missed_below(progress.samples) },
        };
        Observed::from_items(progress.shape.clone(), progress.read_units, coverage)
    }

    fn finished(&self) -> Vec<u32> {
        self.lock().finished.clone()
    }

    /// Segment after segment, or page after page of a sample. Each counts when it was read as a whole.
    async fn work(self: Arc<Self>) -> Result<(), Error> {
        let table = &*self.table;
        while let Some((mut position, mut limit)) = self.take() {
            let segment = position.segment;
            let mut reader = Reader::new(&table.types);
            let rest = loop {
                let (body, grant, _in_flight) = self.fetch(&position, limit).await?;
                let page = self.read_page(&position, limit, &mut reader, body.bytes().unwrap_or_default())?;
                table.budget.spent(grant, page.units);
                let rest = page.next.map(|start| Position { start: Some(start), ..position });
                match rest {
                    Some(rest) if !self.until.is_sample() => position = rest,
                    rest => break rest,
                }
                limit = self.limit(&self.lock(), u64::MAX);
            };
            let shape = reader.finish().map_err(|e| unreadable(&table.name, &e))?;
            let mut progress = self.lock();
            progress.shape.merge(shape).map_err(too_many_places(&table.name))?;
            match rest {
                Some(rest) => progress.left.push_back(rest),
                None => progress.finished.extend(segment.map(|(segment, _)| segment)),
            }
        }
        Ok(())
    }

    /// Where to read the next page, and at most how many items; `None` if enough is read, or left to others.
    fn take(&self) -> Option<(Position, Option<u64>)> {
        let StopCondition { items, samples, pages, page_items } = self.until;
        let mut progress = self.lock();
        let missing = items.saturating_sub(progress.items.saturating_add(progress.promised));
        if missing == 0 || progress.samples >= samples || progress.pages >= pages {
            return None;
        }
        let position = progress.left.pop_front()?;
        progress.pages += 1;
        let limit = self.limit(&progress, page_items.min(missing));
        progress.promised += limit.unwrap_or_default();
        Some((position, limit))
    }

    /// At most so many items in the next page; `None` for as many as it takes.
    fn limit(&self, progress: &PartProgress, wanted: u64) -> Option<u64> {
        let limit = self.affordable(progress).unwrap_or(u64::MAX).min(wanted);
        (limit < u64::from(u32::MAX)).then_some(limit)
    }

    /// The items that a second of the budget pays for, where a full page would take more than a second.
    fn affordable(&self, progress: &PartProgress) -> Option<u64> {
        let rate = self.table.rate;
        if rate >= PAGE_UNITS {
            return None;
        }
        let an_item = match progress.items {
            0 => self.table.units_an_item?,
            items => progress.read_units / items as f64,
        };
        Some((rate / an_item).max(1.0) as u64)
    }

    /// Asks for a page until there is one, however often it is throttled.
    async fn fetch(
        &self,
        position: &Position,
        limit: Option<u64>,
    ) -> Result<(SdkBody, Grant, SemaphorePermit<'_>), Error> {
        let table = &*self.table;
        let limit = limit.and_then(|limit| i32::try_from(limit).ok());
        loop {
            let grant = table.budget.next_page().await;
            let closed = |_| Error::new(Kind::Deadline, "no more pages are read");
            let in_flight = table.in_flight.acquire().await.map_err(closed)?;
            match table.pages.body(position, limit).await {
                Ok(body) => return Ok((body, grant, in_flight)),
                Err(error) if error.kind == Kind::Throttled && table.budget.throttled(grant) => {
                    tracing::debug!(reason = %error, "throttled: reading more slowly");
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads the page at `position`.
    fn read_page(
        &self,
        position: &Position,
        limit: Option<u64>,
        reader: &mut Reader,
        body: &[u8],
    ) -> Result<PageEnd, Error> {
        let table = &*self.table;
        let page = reader.scan_response(body).map_err(|e| unreadable(&table.name, &e))?;
        let samples = match &table.clustering_key {
            Some(partition_key) if self.until.is_sample() => {
                let known = position.start.is_some();
                // The first items may belong to the last partition key of the page before.
                sample::count_partition_keys(body, partition_key)?.saturating_sub(u64::from(known))
            }
            _ => page.count,
        };
        let next = page.last_evaluated_key.map(|range| parse_key(body.get(range).unwrap_or_default())).transpose()?;
        let units = page.consumed_capacity.unwrap_or_default();
        let mut progress = self.lock();
        progress.promised = progress.promised.saturating_sub(limit.unwrap_or_default());
        progress.items += page.count;
        progress.samples += samples;
        progress.read_units += units;
        Ok(PageEnd { next, units })
    }

    fn lock(&self) -> MutexGuard<'_, PartProgress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a page says beside its items.
struct PageEnd {
    next: Option<ItemKey>,
    units: f64,
}

fn unreadable(table: &str, error: &schema::ReadError) -> Error {
    Error::new(Kind::Data, format!("an item of the DynamoDB table {table} can't be read: {error}"))
}
