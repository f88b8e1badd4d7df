//! How much of a table has to be read to have missed little.
//!
//! DynamoDB keeps items in the order of the hash of their partition keys. So in a table without a range key neighbours have
//! nothing in common, and every item of a page counts as one random sample. With a range key, items of one partition key
//! are neighbours and often alike: only each partition key counts as a sample. An attribute that a share `f` of these has is
//! missed by `n` samples with the chance `(1 - f)^n`.
//!
//! That is an approximation: it takes partition keys to hold about as many items each, and attributes to be independent of the
//! hash. An attribute that only the last items of a few very large partition keys have is missed more easily.

use std::borrow::Cow;
use std::collections::HashMap;

use aws_sdk_dynamodb::types::TableDescription;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{Error, Kind};
use crate::options::Sample;

/// The chance that is left of missing an attribute.
const MISS_CHANCE: f64 = 0.01;
/// Samples after which an attribute of 0.1 % of the items was missed with a chance below [`MISS_CHANCE`]: ln 0.01 / ln 0.999.
pub(crate) const SAMPLES: u64 = 4603;
/// A sample comes from at least so many places of the table, if the table has so many items.
const MIN_PLACES: u64 = 64;
/// The most items of a page of a sample that counts partition keys: neighbours are alike.
const MAX_CLUSTERED_ITEMS: u64 = 16;
/// The most segments that a sample is spread over.
const MAX_SEGMENTS: u64 = 8192;

/// The share of the items below which an attribute may have been missed, with a chance of 1 %, after so many samples.
pub(crate) fn missed_below(samples: u64) -> f64 {
    match samples {
        0 => 1.0,
        samples => 1.0 - MISS_CHANCE.powf(1.0 / samples as f64),
    }
}

/// Pages of a sample: at most so many items each, from so many segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spread {
    pub page_items: u64,
    pub segments: u32,
}

/// How a sample is spread over a table that says it has `items` (which may be wrong: fewer segments than would be best, or
/// segments with nothing in them, which cost a call).
pub(crate) fn spread(sample: Sample, has_range_key: bool, items: u64) -> Spread {
    let page_items = match sample {
        Sample::Items(wanted) => wanted.div_ceil(MIN_PLACES).max(1),
        _ if has_range_key => MAX_CLUSTERED_ITEMS,
        _ => SAMPLES.div_ceil(MIN_PLACES),
    };
    let segments = (items / page_items).clamp(MIN_PLACES, MAX_SEGMENTS).next_power_of_two();
    Spread { page_items, segments: u32::try_from(segments).unwrap_or(u32::MAX) }
}

/// The segments of a power of two, in an order in which any number of the first is spread evenly.
pub(crate) fn spread_order(segments: u32) -> impl Iterator<Item = u32> {
    let bits = segments.trailing_zeros();
    (0..segments).map(move |i| i.reverse_bits().checked_shr(32 - bits).unwrap_or(0))
}

/// The partition key, if there is a range key too: items with the same partition key are then neighbours.
pub(crate) fn clustering_key(description: &TableDescription) -> Option<String> {
    let [hash, _range] = &crate::dynamodb::keys(description)[..] else { return None };
    Some(hash.name.clone())
}

/// How many runs of items with the same `partition_key` a page has.
///
/// # Errors
/// If the body is no page of items.
pub(crate) fn count_partition_keys(body: &[u8], partition_key: &str) -> Result<u64, Error> {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow, rename = "Items", default)]
        items: Vec<HashMap<Cow<'a, str>, &'a RawValue>>,
    }
    let unreadable = |_| Error::new(Kind::Data, "dynamodb:Scan: the answer is no page of items");
    let body: Body = serde_json::from_slice(body).map_err(unreadable)?;
    let keys: Vec<&str> =
        body.items.iter().map(|item| item.get(partition_key).map_or("", |value| value.get())).collect();
    Ok(keys.chunk_by(|one, next| one == next).count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_draws_as_a_thousandth_needs() {
        assert!(0.999f64.powi(SAMPLES as i32) < MISS_CHANCE && 0.999f64.powi(SAMPLES as i32 - 1) >= MISS_CHANCE);
        assert!(missed_below(SAMPLES) <= 0.001);
        assert_eq!(missed_below(0), 1.0);
        assert!((missed_below(1) - 0.99).abs() < 1e-9);
    }

    #[test]
    fn samples_are_spread_over_the_table() {
        let of = |sample, range, items| spread(sample, range, items);
        assert_eq!(of(Sample::Auto, false, 0), Spread { page_items: 72, segments: 64 });
        assert_eq!(of(Sample::Auto, false, 100_000), Spread { page_items: 72, segments: 2048 });
        assert_eq!(of(Sample::Auto, true, u64::MAX), Spread { page_items: 16, segments: 8192 });
        assert_eq!(of(Sample::Items(10), false, 1_000), Spread { page_items: 1, segments: 1024 });
        assert_eq!(spread_order(8).collect::<Vec<_>>(), [0, 4, 2, 6, 1, 5, 3, 7]);
        assert_eq!(spread_order(8192).collect::<std::collections::BTreeSet<_>>().len(), 8192);
    }

    #[test]
    fn neighbours_with_one_partition_key_count_once() {
        let page = br#"{"Count":4,"Items":[{"pk":{"S":"a"},"sk":{"N":"1"}},{"sk":{"N":"2"},"pk":{"S":"a"}},
            {"pk":{"S":"b"},"x":{"M":{"pk":{"S":"c"}}}},{"p\u006b":{"S":"c"}}]}"#;
        assert_eq!(count_partition_keys(page, "pk").unwrap(), 3);
        assert_eq!(count_partition_keys(br#"{"Count":0}"#, "pk").unwrap(), 0);
        assert_eq!(count_partition_keys(b"null", "pk").unwrap_err().kind, Kind::Data);
    }
}
