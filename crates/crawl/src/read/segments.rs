//! How a table is split for reading.
//!
//! A table that reports at most 8 MB is read in one go. What tables report is up to six hours old, and 0 for a new one. So a table
//! that turns out to be larger is begun anew, in segments; at most 8 pages are then read twice.
//!
//! One request runs at once for every 640 read units a second of the budget, 32 at most. There are four segments for each of
//! them, so that none of them is idle for long at the end. There are more segments, 10,000 at most, if one would have more
//! than 64 MB or take longer than a minute, so that little is lost when a crawl is cut off.

use aws_sdk_dynamodb::types::TableDescription;

use super::budget::PAGE_UNITS;
use super::sample::{self, Spread};
use crate::options::{ReadOptions, Sample};

/// A table of at most so many pages is read in one go: segments would save little.
const MAX_PROBE_PAGES: u64 = 8;
/// The bytes of a page.
const PAGE_BYTES: u64 = 1 << 20;
/// What one request after the other reads, in units a second: about five pages.
const UNITS_PER_REQUEST: f64 = 5.0 * PAGE_UNITS;
/// The most requests at once for one table.
const MAX_REQUESTS_AT_ONCE: u32 = 32;
/// Segments for each request at once.
const SEGMENTS_PER_REQUEST: u32 = 4;
/// The most bytes of a segment, where there are not too many.
const MAX_SEGMENT_BYTES: u64 = 64 << 20;
/// No segment is made smaller than this.
const MIN_SEGMENT_BYTES: u64 = 64 << 10;
/// Segments of a table that doesn't say how large it is, and turns out not to be small.
const SEGMENTS_OF_UNKNOWN_SIZE: u32 = 64;
/// What DynamoDB takes: `TotalSegments` in the API reference of Scan.
const MAX_TOTAL_SEGMENTS: u32 = 1_000_000;
/// The most segments of a full scan that are chosen.
const MAX_SEGMENTS: u32 = 10_000;

/// When to stop reading: as soon as any of these is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StopCondition {
    /// So many items.
    pub items: u64,
    /// So many samples, see [`sample`].
    pub samples: u64,
    /// So many pages.
    pub pages: u64,
    /// Not a condition: items that each page may have.
    pub page_items: u64,
}

impl StopCondition {
    pub(crate) const END: StopCondition =
        StopCondition { items: u64::MAX, samples: u64::MAX, pages: u64::MAX, page_items: u64::MAX };

    /// Whether each page comes from another place of the table, and not from where the last one ended.
    pub(crate) fn is_sample(&self) -> bool {
        *self != StopCondition::END
    }
}

/// How a table is read.
#[derive(Debug)]
pub(crate) struct ScanPlan {
    /// First in one go, until this much is read.
    pub probe: Option<StopCondition>,
    /// Then in these segments, if that was not all.
    pub segments: Vec<(u32, u32)>,
    /// Until this much of them is read.
    pub until: StopCondition,
    /// With so many requests at once.
    pub at_once: u32,
}

impl ScanPlan {
    /// How to read the table that `description` describes, with `rate` read units a second.
    pub(crate) fn new(description: &TableDescription, options: &ReadOptions, rate: f64) -> ScanPlan {
        let at_once = requests_at_once(rate);
        let at_once = options.segments.map_or(at_once, |segments| at_once.min(segments));
        let everything = StopCondition::END;
        let small = is_small(description);
        let first_pages = StopCondition { pages: MAX_PROBE_PAGES, ..everything };

        if options.first_page {
            return ScanPlan {
                probe: Some(StopCondition { pages: 1, ..everything }),
                segments: Vec::new(),
                until: everything,
                at_once,
            };
        }
        if options.sample == Sample::All {
            let each = match at_once {
                1 => 1,
                _ => SEGMENTS_PER_REQUEST * at_once,
            };
            let total = options.segments.unwrap_or(each.max(segments_by_size(description, rate)).min(MAX_SEGMENTS));
            let probe = match (options.segments, total) {
                (Some(_), _) => None,
                (None, 1) => Some(everything),
                (None, _) => small.then_some(first_pages),
            };
            return ScanPlan { probe, segments: all_segments(total), until: everything, at_once };
        }
        let has_range_key = sample::clustering_key(description).is_some();
        let Spread { page_items, segments: total } =
            sample::spread(options.sample, has_range_key, reported(description.item_count()));
        let segments = sample::spread_order(total).map(|part| (part, total)).collect();
        let (until, probe) = match options.sample {
            // One more item shows whether there are more.
            Sample::Items(items) => (
                StopCondition { items, page_items, ..everything },
                StopCondition { items: items.saturating_add(1), ..first_pages },
            ),
            _ => (StopCondition { samples: sample::SAMPLES, page_items, ..everything }, first_pages),
        };
        ScanPlan { probe: small.then_some(probe), segments, until, at_once }
    }
}

/// Requests that may run at once to read `rate` units a second.
pub(crate) fn requests_at_once(rate: f64) -> u32 {
    ((rate / UNITS_PER_REQUEST).ceil() as u32).clamp(1, MAX_REQUESTS_AT_ONCE)
}

/// How many segments a table is divided into that several machines read, with `rate` read units a second each.
pub fn segments_for_machines(description: &TableDescription, machines: u32, rate: f64) -> u32 {
    let at_once = SEGMENTS_PER_REQUEST * requests_at_once(rate) * machines;
    segments_by_size(description, rate).max(at_once).min(MAX_TOTAL_SEGMENTS)
}

/// Segments that each have at most 64 MB and can be read in a minute, with `rate` units a second: one that is not read to its
/// end is read again.
fn segments_by_size(description: &TableDescription, rate: f64) -> u32 {
    let in_a_minute = (rate * 60.0 * PAGE_BYTES as f64 / PAGE_UNITS) as u64;
    match reported(description.table_size_bytes()) {
        0 => SEGMENTS_OF_UNKNOWN_SIZE,
        bytes => {
            let segments = bytes.div_ceil(in_a_minute.clamp(MIN_SEGMENT_BYTES, MAX_SEGMENT_BYTES));
            u32::try_from(segments).unwrap_or(u32::MAX)
        }
    }
}

/// All segments of a table.
pub(crate) fn all_segments(total: u32) -> Vec<(u32, u32)> {
    (0..total).map(|part| (part, total)).collect()
}

/// Whether a table reports at most 8 MB.
pub(crate) fn is_small(description: &TableDescription) -> bool {
    reported(description.table_size_bytes()) <= MAX_PROBE_PAGES * PAGE_BYTES
}

fn reported(value: Option<i64>) -> u64 {
    value.and_then(|value| u64::try_from(value).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(bytes: i64) -> TableDescription {
        TableDescription::builder().table_size_bytes(bytes).item_count(bytes / 1000).build()
    }

    fn split(bytes: i64, options: &ReadOptions, rate: f64) -> (Option<u64>, usize, u32) {
        let plan = ScanPlan::new(&table(bytes), options, rate);
        (plan.probe.map(|goal| goal.pages), plan.segments.len(), plan.at_once)
    }

    #[test]
    fn the_budget_and_the_size_split_a_table() {
        let all = ReadOptions::default();
        assert_eq!(split(0, &all, 10_000.0), (Some(8), 64, 16), "a size that may be stale");
        assert_eq!(split(8 << 20, &all, 10_000.0), (Some(8), 64, 16));
        assert_eq!(split(9 << 20, &all, 10_000.0), (None, 64, 16));
        assert_eq!(split(i64::MAX, &all, f64::MAX), (None, 10_000, 32));
        assert_eq!(split(10 << 30, &all, f64::MAX), (None, 160, 32), "64 MB each");
        assert_eq!(split(64 << 20, &all, 640.0), (Some(u64::MAX), 1, 1));
        assert_eq!(split(1 << 30, &all, 640.0), (None, 16, 1));
        assert_eq!(split(0, &all, 2.5), (Some(8), 64, 1), "a size that nobody knows");
        assert_eq!(split(17 << 20, &all, 2.5), (None, 15, 1), "a minute each");
        assert_eq!(split(1 << 20, &all, 0.5), (Some(8), 5, 1));
        assert_eq!(split(1 << 40, &ReadOptions { first_page: true, ..all.clone() }, 1e4), (Some(1), 0, 16));
        assert_eq!(split(0, &ReadOptions { segments: Some(3), ..all.clone() }, 1e4), (None, 3, 3));
        assert_eq!(split(0, &ReadOptions { segments: Some(300), ..all }, 1.0), (None, 300, 1));
    }

    #[test]
    fn several_machines_get_segments_that_end_in_a_minute() {
        let split = |bytes, machines, rate| segments_for_machines(&table(bytes), machines, rate);
        assert_eq!(split(0, 4, 640.0), 64, "a size that nobody knows");
        assert_eq!(split(1 << 40, 16, 2500.0), 16_384, "64 MB each");
        assert_eq!(split(1 << 30, 4, 10.0), 219, "600 units, 4.7 MB, each");
        assert_eq!(split(i64::MAX, 4, 10.0), 1_000_000);
    }

    /// Whatever the budget: each run of some minutes gets on.
    #[test]
    fn no_segment_takes_longer_than_a_minute() {
        for rate in [0.5, 2.5, 10.0, 300.0, 640.0, 10_000.0, 40_000.0] {
            for bytes in [1i64 << 20, 17 << 20, 1 << 30] {
                let plan = ScanPlan::new(&table(bytes), &ReadOptions::default(), rate);
                let units = bytes as f64 / 8192.0 / plan.segments.len() as f64;
                let busy = f64::from(plan.at_once.min(plan.segments.len() as u32));
                assert!(units * busy / rate <= 60.1 || plan.segments.len() == 10_000, "{bytes} bytes at {rate}");
            }
        }
    }

    #[test]
    fn a_sample_of_a_small_table_begins_with_the_whole() {
        let auto = ReadOptions { sample: Sample::Auto, ..ReadOptions::default() };
        assert_eq!(split(1000, &auto, 10_000.0), (Some(8), 64, 16));
        assert_eq!(split(1 << 30, &auto, 10_000.0), (None, 8192, 16));
        let some = ReadOptions { sample: Sample::Items(100), ..ReadOptions::default() };
        assert_eq!(ScanPlan::new(&table(0), &some, 1.0).probe.unwrap().items, 101);
    }
}
