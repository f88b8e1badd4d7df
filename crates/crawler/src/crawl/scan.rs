//! Scan of a live table: segments side by side within one read budget; the items go from the bodies of the answers into
//! the Shape.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_dynamodb::types::TableDescription;
use aws_smithy_types::body::SdkBody;
use schema::{Policy, Reader, Shape};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinSet;
use tracing::Instrument;

use super::budget::{self, Budget, Grant, PAGE_UNITS, units_per_second};
use super::page::{Pages, Position, key};
use super::split::{Goal, Plan};
use super::{CrawlRequest, Reading, sample};
use crate::Clients;
use crate::error::{Error, Kind};

/// Reads the table, or a sample of it, within the read budget and eventually consistent, split as [`super::split`] says.
///
/// Memory: the pages in flight (of all tables together, see [`Clients`]), and a Shape for each request at once.
pub(super) async fn scan(
    clients: &Clients,
    description: &TableDescription,
    request: &CrawlRequest,
) -> Result<Reading, Error> {
    let rate = units_per_second(description, request.read.scan_rate, request.read.max_rcu);
    let plan = Plan::of(description, &request.read, rate);
    let table = Arc::new(Table {
        name: request.table.clone(),
        pages: Pages::of(&clients.dynamodb, &request.table),
        budget: Budget::new(rate),
        rate,
        in_flight: Arc::clone(&clients.pages_in_flight),
        policy: request.types.clone(),
        clustered_by: sample::clustered_by(description),
        units_an_item: budget::units_an_item(description),
    });
    let mut spent = 0.0;
    if let Some(goal) = plan.alone {
        let part = Part::new(&table, vec![Position::default()], goal).read(1).await?;
        if part.complete || plan.segments.is_empty() {
            return Ok(part);
        }
        // There is more than was thought; what was read of it now would be counted twice.
        spent = part.read_units;
    }
    let positions = plan.segments.iter().map(|segment| Position { segment: Some(*segment), start: None }).collect();
    let reading = Part::new(&table, positions, plan.goal).read(plan.at_once).await?;
    Ok(Reading { read_units: reading.read_units + spent, ..reading })
}

/// The top-level attribute names of one page of items, spelled as in the items.
pub(crate) async fn attribute_names(clients: &Clients, table: &str) -> Result<Vec<String>, Error> {
    let policy = Policy::default();
    let mut reader = Reader::new(&policy);
    let body = Pages::of(&clients.dynamodb, table).body(&Position::default(), None).await?;
    reader.scan_response(body.bytes().unwrap_or_default()).map_err(|e| unreadable(table, &e))?;
    let shape = reader.finish().map_err(|e| unreadable(table, &e))?;
    let schema = shape.settle(&[], &Default::default(), &policy);
    Ok(schema.columns.into_iter().map(|column| column.attribute).collect())
}

/// The table that is read.
struct Table {
    name: String,
    pages: Pages,
    budget: Budget,
    /// Read units a second.
    rate: f64,
    in_flight: Arc<Semaphore>,
    policy: Policy,
    /// The partition key, if items with the same one are neighbours.
    clustered_by: Option<String>,
    /// What an item costs, as far as the table itself can tell.
    units_an_item: Option<f64>,
}

/// A part of the table, and how far it was read.
struct Part {
    table: Arc<Table>,
    goal: Goal,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    /// Where to go on.
    left: VecDeque<Position>,
    /// Items that pages on their way may bring.
    promised: u64,
    items: u64,
    draws: u64,
    pages: u64,
    read_units: f64,
}

impl Part {
    fn new(table: &Arc<Table>, positions: Vec<Position>, goal: Goal) -> Arc<Part> {
        let progress = Mutex::new(Progress { left: positions.into(), ..Progress::default() });
        Arc::new(Part { table: Arc::clone(table), goal, progress })
    }

    /// Reads until the goal or the end, with so many requests at once.
    async fn read(self: Arc<Self>, at_once: u32) -> Result<Reading, Error> {
        let mut workers = JoinSet::new();
        for _ in 0..at_once {
            workers.spawn(Arc::clone(&self).work().in_current_span());
        }
        // An error ends the others: they are aborted with the set.
        let mut shape = Shape::default();
        while let Some(worker) = workers.join_next().await {
            let read = worker.unwrap_or_else(|e| Err(Error::new(Kind::Service, format!("the scan was given up: {e}"))));
            shape.merge(&read?);
        }
        let progress = self.lock();
        let complete = progress.left.is_empty();
        let missed_below = (!complete).then(|| sample::missed_below(progress.draws));
        Ok(Reading { shape, complete, read_units: progress.read_units, missed_below })
    }

    /// Page after page, each read as a whole or not at all.
    async fn work(self: Arc<Self>) -> Result<Shape, Error> {
        let table = &*self.table;
        let mut reader = Reader::new(&table.policy);
        while let Some((position, limit)) = self.take() {
            let (body, grant, _in_flight) = self.fetch(&position, limit).await?;
            let units = self.put(position, limit, &mut reader, body.bytes().unwrap_or_default())?;
            table.budget.spent(grant, units);
        }
        reader.finish().map_err(|e| unreadable(&table.name, &e))
    }

    /// Where to read the next page, and at most how many items; `None` if enough is read, or left to others.
    fn take(&self) -> Option<(Position, Option<u64>)> {
        let Goal { items, draws, pages, limit } = self.goal;
        let mut progress = self.lock();
        let missing = items.saturating_sub(progress.items.saturating_add(progress.promised));
        if missing == 0 || progress.draws >= draws || progress.pages >= pages {
            return None;
        }
        let position = progress.left.pop_front()?;
        progress.pages += 1;
        let affordable = self.affordable(&progress).unwrap_or(u64::MAX);
        let limit = limit.min(missing).min(affordable);
        let limit = (limit < u64::from(u32::MAX)).then_some(limit);
        progress.promised += limit.unwrap_or_default();
        Some((position, limit))
    }

    /// The items of a second, where a page would use up the budget of more than that.
    fn affordable(&self, progress: &Progress) -> Option<u64> {
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
            let grant = table.budget.page().await;
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

    /// Reads the page at `position`, and notes how far that got; the units it cost.
    fn put(&self, position: Position, limit: Option<u64>, reader: &mut Reader, body: &[u8]) -> Result<f64, Error> {
        let table = &*self.table;
        let page = reader.scan_response(body).map_err(|e| unreadable(&table.name, &e))?;
        let draws = match &table.clustered_by {
            Some(partition_key) if self.goal.is_sample() => {
                let known = position.start.is_some();
                // The first ones may belong to the last partition key of the page before.
                sample::partition_keys(body, partition_key)?.saturating_sub(u64::from(known))
            }
            _ => page.count,
        };
        let next = page.last_evaluated_key.map(|range| key(body.get(range).unwrap_or_default())).transpose()?;
        let units = page.consumed_capacity.unwrap_or_default();

        let mut progress = self.lock();
        progress.promised -= limit.unwrap_or_default();
        progress.items += page.count;
        progress.draws += draws;
        progress.read_units += units;
        if next.is_some() {
            let rest = Position { start: next, ..position };
            match self.goal.is_sample() {
                true => progress.left.push_back(rest),
                // Few segments are begun at any time.
                false => progress.left.push_front(rest),
            }
        }
        Ok(units)
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unreadable(table: &str, error: &schema::ReadError) -> Error {
    Error::new(Kind::Data, format!("an item of the DynamoDB table {table} can't be read: {error}"))
}
