//! The read budget of one table, shared by all who read it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::types::{BillingMode, TableDescription};
use tokio::time::{Instant, sleep_until};

/// What a full page, 1 MB, costs when read eventually consistent: half a unit for every 4 KB.
pub(crate) const PAGE_UNITS: f64 = 128.0;
/// What was not used of the budget can be used for this long.
const CREDIT: Duration = Duration::from_secs(1);
/// The pause after the first throttled page; it doubles while throttling goes on.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause.
const MAX_PAUSE: Duration = Duration::from_secs(4);
/// The least share of the budget that throttling leaves.
const MIN_SHARE: f64 = 1.0 / 16.0;
/// The share that comes back each second.
const RECOVERY: f64 = 0.1;
/// A table may be throttled for this long without a single page read.
const PATIENCE: Duration = Duration::from_secs(300);

/// Read units a second that a scan may use.
///
/// Source: `scanRate` in the Glue API: "the default is 0.5 for provisioned and 0.25 of the maximum configured read
/// capacity for on-demand tables"; without a configured maximum, Glue ETL takes 40,000.
pub fn units_per_second(description: &TableDescription, rate: Option<f64>, max: Option<f64>) -> f64 {
    const ON_DEMAND_UNITS: f64 = 40_000.0;
    let provisioned = description.provisioned_throughput().and_then(|t| t.read_capacity_units()).unwrap_or(0);
    let share = if is_on_demand(description) {
        let maximum = description.on_demand_throughput().and_then(|t| t.max_read_request_units()).filter(|m| *m > 0);
        rate.unwrap_or(0.25) * maximum.map_or(ON_DEMAND_UNITS, |m| m as f64)
    } else {
        rate.unwrap_or(0.5) * provisioned as f64
    };
    max.map_or(share, |max| share.min(max))
}

/// Whether reads are paid one by one.
pub(crate) fn is_on_demand(description: &TableDescription) -> bool {
    let billing = description.billing_mode_summary().and_then(|summary| summary.billing_mode());
    let provisioned = description.provisioned_throughput().and_then(|t| t.read_capacity_units()).unwrap_or(0);
    billing == Some(&BillingMode::PayPerRequest) || provisioned <= 0
}

/// Read units of `bytes`, read eventually consistent: half a unit for every 4 KB begun.
pub(crate) fn units(bytes: u64) -> f64 {
    bytes.div_ceil(4096) as f64 / 2.0
}

/// What an average item costs by what the table reports, in read units; `None` if it reports nothing (yet).
pub(crate) fn units_an_item(description: &TableDescription) -> Option<f64> {
    let positive = |value: Option<i64>| value.filter(|value| *value > 0).map(|value| value as f64);
    let (bytes, items) = (positive(description.table_size_bytes())?, positive(description.item_count())?);
    Some(bytes / items / 8192.0)
}

/// Spaces pages out so that what they consume keeps to `rate` units a second.
///
/// What a page costs is known only once it is read. So each page is taken to cost what the one before it did, and the error is
/// corrected afterwards: the budget is never overdrawn by more than the pages that are being read at once.
pub(crate) struct Budget {
    rate: f64,
    state: Mutex<BudgetState>,
}

struct BudgetState {
    /// When the next page may be asked for.
    next: Instant,
    /// What a page is expected to cost.
    expected: f64,
    /// When a page was throttled last, and the share of the rate that this left; it grows from there.
    throttled: Option<(Instant, f64)>,
    /// The last pause for throttling; zero after a page that was read.
    pause: Duration,
    /// When the last page was read.
    read: Instant,
}

/// A page that may be asked for now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grant {
    units: f64,
    rate: f64,
    at: Instant,
}

impl Budget {
    pub(crate) fn new(rate: f64) -> Budget {
        let now = Instant::now();
        let expected = PAGE_UNITS.min(rate);
        let state = BudgetState { next: now, expected, throttled: None, pause: Duration::ZERO, read: now };
        Budget { rate, state: Mutex::new(state) }
    }

    /// Waits until the next page may be asked for.
    pub(crate) async fn next_page(&self) -> Grant {
        let (mut grant, mut at) = {
            let mut state = self.lock();
            let now = Instant::now();
            let rate = self.rate * state.share(now);
            let at = state.next.max(now.checked_sub(CREDIT).unwrap_or(now));
            state.next = at + seconds(state.expected / rate);
            (Grant { units: state.expected, rate, at: now }, at)
        };
        loop {
            sleep_until(at).await;
            // Throttled meanwhile: no request is sent before the pause is over.
            let state = self.lock();
            match state.throttled {
                Some((since, _)) if since + state.pause > Instant::now() => at = since + state.pause,
                _ => break,
            }
        }
        grant.at = Instant::now();
        grant
    }

    /// A page was read for `units`.
    pub(crate) fn spent(&self, grant: Grant, units: f64) {
        let mut state = self.lock();
        state.settle(grant, units);
        state.expected = units;
        state.pause = Duration::ZERO;
        state.read = Instant::now();
    }

    /// A page was throttled. Halves the rate, which then grows back within 10 s, and pauses all requests. False if that has gone
    /// on for too long.
    pub(crate) fn throttled(&self, grant: Grant) -> bool {
        let mut state = self.lock();
        state.settle(grant, 0.0);
        let now = Instant::now();
        // Pages that were under way when the first one was throttled say nothing new.
        if state.throttled.is_none_or(|(since, _)| grant.at > since) {
            state.throttled = Some((now, (state.share(now) / 2.0).max(MIN_SHARE)));
            state.pause = (state.pause * 2).clamp(FIRST_PAUSE, MAX_PAUSE);
            state.next = state.next.max(now + state.pause);
        }
        now - state.read < PATIENCE
    }

    fn lock(&self) -> MutexGuard<'_, BudgetState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BudgetState {
    fn share(&self, now: Instant) -> f64 {
        self.throttled.map_or(1.0, |(since, share)| (share + RECOVERY * (now - since).as_secs_f64()).min(1.0))
    }

    /// Corrects what a page was expected to cost.
    fn settle(&mut self, grant: Grant, units: f64) {
        match units >= grant.units {
            true => self.next += seconds((units - grant.units) / grant.rate),
            false => {
                self.next = self.next.checked_sub(seconds((grant.units - units) / grant.rate)).unwrap_or(self.next)
            }
        }
    }
}

/// A time that a sleep can take, whatever the arithmetic says.
fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(if seconds.is_finite() { seconds.clamp(0.0, 3600.0) } else { 3600.0 })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// Reads for a minute with `workers`, each page taking `latency` and costing `cost` of its number; the units spent.
    async fn minute(rate: f64, workers: u64, cost: fn(u64) -> f64, latency: fn(u64) -> Duration) -> f64 {
        let begin = Instant::now();
        let (budget, pages) = (Arc::new(Budget::new(rate)), Arc::new(AtomicU64::new(0)));
        let work = (0..workers).map(|_| {
            let (budget, pages) = (Arc::clone(&budget), Arc::clone(&pages));
            async move {
                let mut spent = 0.0;
                loop {
                    let grant = budget.next_page().await;
                    if begin.elapsed() >= Duration::from_secs(60) {
                        return spent;
                    }
                    let page = pages.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(latency(page)).await;
                    budget.spent(grant, cost(page));
                    spent += cost(page);
                }
            }
        });
        futures::future::join_all(work).await.iter().sum()
    }

    #[tokio::test(start_paused = true)]
    async fn a_minute_keeps_to_the_budget_within_five_percent() {
        let full = |_| PAGE_UNITS;
        let varied = |page: u64| 1.0 + (page * 7919 % 128) as f64;
        let quick = |_| Duration::from_millis(20);
        // Now and then half a second, as networks have it.
        let uneven = |page: u64| Duration::from_millis(if page.is_multiple_of(50) { 500 } else { 10 + page * 31 % 90 });
        type Case = (f64, u64, fn(u64) -> f64, fn(u64) -> Duration);
        let cases: [Case; 5] = [
            (10_000.0, 16, full, quick),
            (1_000.0, 2, full, uneven),
            (500.0, 8, varied, uneven),
            (2.5, 1, |_| 2.5, quick),
            (40_000.0, 32, varied, |_| Duration::from_millis(5)),
        ];
        for (rate, workers, cost, latency) in cases {
            let spent = minute(rate, workers, cost, latency).await;
            let share = spent / (rate * 60.0);
            assert!((0.95..=1.05).contains(&share), "{rate} units/s with {workers}: {share}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn throttling_slows_everybody_down_once_and_is_forgotten() {
        let budget = Budget::new(1280.0);
        let (first, second) = (budget.next_page().await, budget.next_page().await);
        assert!(budget.throttled(first) && budget.throttled(second));
        assert_eq!(budget.lock().share(Instant::now()), 0.5, "both were on their way at once");
        let begin = Instant::now();
        let grant = budget.next_page().await;
        assert!(begin.elapsed() >= FIRST_PAUSE);
        budget.spent(grant, PAGE_UNITS);
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(budget.lock().share(Instant::now()), 1.0);
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends_after_minutes_without_a_page() {
        let budget = Budget::new(1280.0);
        let (begin, mut asked) = (Instant::now(), 0);
        while budget.throttled(budget.next_page().await) {
            asked += 1;
        }
        assert!(begin.elapsed() >= PATIENCE && asked < 100, "{asked} pages in {:?}", begin.elapsed());
    }

    #[test]
    fn the_share_and_the_limit() {
        use aws_sdk_dynamodb::types::ProvisionedThroughputDescription;
        let on_demand = TableDescription::builder().build();
        let throughput = ProvisionedThroughputDescription::builder().read_capacity_units(100).build();
        let provisioned = TableDescription::builder().provisioned_throughput(throughput).build();
        assert_eq!(units_per_second(&on_demand, None, None), 10_000.0);
        assert_eq!(units_per_second(&on_demand, Some(1.0), Some(300.0)), 300.0);
        assert_eq!(units_per_second(&provisioned, None, Some(300.0)), 50.0);
        assert_eq!(units_per_second(&provisioned, Some(1.5), None), 150.0);
    }
}
