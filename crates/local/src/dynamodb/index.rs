//! The index of a data file: where each item is, in scan order.

use std::io::{BufRead, Read};

use super::item::{Wrong, measure, wrong};
use super::key::KeySchema;

/// The longest line, in bytes. An item has at most 400 KB, which stays below this even with every byte escaped.
pub(super) const MAX_LINE: u64 = 4 * 1024 * 1024;

/// How many lines are indexed before lines replaced by a later one with the same key are dropped.
const MANY: usize = 1 << 20;

/// Where the items of a table are.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// By position, without duplicates.
    entries: Vec<Entry>,
    /// The sum of the sizes.
    pub(super) bytes: u64,
}

/// One item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// See [`KeySchema::position`].
    pub(super) position: u128,
    /// Where its JSON starts in the file.
    pub(super) offset: u64,
    /// Bytes of JSON.
    pub(super) length: u32,
    /// Bytes as DynamoDB counts them.
    pub(super) size: u32,
}

/// One of `total` parts that a table splits into along its partition keys.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    pub(super) number: u32,
    pub(super) total: u32,
}

impl Segment {
    pub(super) const WHOLE: Segment = Segment { number: 0, total: 1 };

    pub(super) fn holds(self, position: u128) -> bool {
        self.of(position) == self.number
    }

    /// The segment of `position`. It grows with the position, and a partition is never split.
    fn of(self, position: u128) -> u32 {
        let part = ((position >> 64) * u128::from(self.total)) >> 64;
        u32::try_from(part).unwrap_or(u32::MAX)
    }
}

impl Index {
    /// Reads a data file to its end.
    ///
    /// # Errors
    /// If it cannot be read, or a line is not an item of the table. The error has the line number.
    pub(super) fn build(mut file: impl BufRead, schema: &KeySchema) -> Result<Index, String> {
        let mut entries = Vec::new();
        let mut many = MANY;
        let (mut line, mut offset) = (Vec::new(), 0u64);
        for number in 1u64.. {
            line.clear();
            let read =
                file.by_ref().take(MAX_LINE).read_until(b'\n', &mut line).map_err(|e| format!("line {number}: {e}"))?;
            if read == 0 {
                break;
            }
            if read as u64 == MAX_LINE && !line.ends_with(b"\n") {
                return Err(format!("line {number}: longer than {MAX_LINE} bytes, which no item is"));
            }
            if !line.trim_ascii().is_empty() {
                entries.push(entry(&line, offset, schema).map_err(|problem| format!("line {number}, {problem}"))?);
            }
            if entries.len() >= many {
                latest(&mut entries);
                many = MANY.max(2 * entries.len());
            }
            offset += read as u64;
        }
        Ok(Index::of(entries))
    }

    fn of(mut entries: Vec<Entry>) -> Index {
        latest(&mut entries);
        entries.shrink_to_fit();
        let bytes = entries.iter().map(|entry| u64::from(entry.size)).sum();
        Index { entries, bytes }
    }

    /// How many items there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The items of a segment that come after a position.
    pub(super) fn after(&self, segment: Segment, start: Option<u128>) -> &[Entry] {
        let first_in = self.entries.partition_point(|entry| segment.of(entry.position) < segment.number);
        let end = self.entries.partition_point(|entry| segment.of(entry.position) <= segment.number);
        let first_after = start.map_or(0, |start| self.entries.partition_point(|entry| entry.position <= start));
        self.entries.get(first_in.max(first_after)..end).unwrap_or_default()
    }
}

/// Keeps the last entry in the file for each position.
fn latest(entries: &mut Vec<Entry>) {
    entries.sort_unstable_by_key(|entry| (entry.position, std::cmp::Reverse(entry.offset)));
    entries.dedup_by_key(|entry| entry.position);
}

/// Whether a line is an item of the table.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(line: &[u8], schema: &KeySchema) -> Result<(), Wrong> {
    entry(line, 0, schema).map(drop)
}

fn entry(line: &[u8], offset: u64, schema: &KeySchema) -> Result<Entry, Wrong> {
    let measured = measure(line, schema)?;
    let position =
        schema.position(&measured.key).ok_or_else(|| wrong("a key attribute is empty or no value of its type"))?;
    Ok(Entry {
        position,
        offset: offset + measured.range.start as u64,
        length: u32::try_from(measured.range.len()).map_err(|_| wrong("the item is too long"))?,
        size: u32::try_from(measured.size).map_err(|_| wrong("the item is too large"))?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use schema::{Key, KeyKind};

    use super::*;

    fn schema() -> KeySchema {
        KeySchema { partition: Key { name: "k".into(), kind: KeyKind::S }, sort: None }
    }

    fn build(file: &str) -> Result<Index, String> {
        Index::build(file.as_bytes(), &schema())
    }

    #[test]
    fn the_last_line_of_a_key_wins() {
        let file =
            "{\"k\":{\"S\":\"a\"}}\n\n{\"k\":{\"S\":\"b\"}}\r\n{\"Item\":{\"k\":{\"S\":\"a\"},\"n\":{\"S\":\"new\"}}}";
        let index = build(file).unwrap();
        let mut items: Vec<_> = (index.after(Segment::WHOLE, None).iter())
            .map(|entry| &file[entry.offset as usize..][..entry.length as usize])
            .collect();
        items.sort_unstable();
        assert_eq!(items, [r#"{"k":{"S":"a"},"n":{"S":"new"}}"#, r#"{"k":{"S":"b"}}"#]);
        assert_eq!(index.bytes, 6 + 2);
    }

    #[test]
    fn errors_name_the_line() {
        let error = build("{\"k\":{\"S\":\"a\"}}\n\n{\"k\":{\"S\":\"\"}}\n").unwrap_err();
        assert_eq!(error, "line 3, a key attribute is empty or no value of its type");
        assert_eq!(build("{\"k\":{\"S\":\"a\"}}\n{}").unwrap_err(), "line 2, the key attribute \"k\" is missing");
        assert!(build(&" ".repeat(MAX_LINE as usize + 1)).unwrap_err().starts_with("line 1: longer"));
    }

    proptest! {
        /// Whatever the number of segments and the place a scan goes on from, every item is in exactly one segment, once.
        #[test]
        fn segments_partition_the_items(
            positions in prop::collection::vec(any::<u128>(), 0..200),
            total in prop_oneof![1u32..20, Just(1_000_000u32)],
            start in prop::option::of(any::<u128>()),
        ) {
            let entries = positions.iter().zip(0..).map(|(&position, offset)| Entry { position, offset, length: 1, size: 1 });
            let index = Index::of(entries.collect());
            let numbers: Vec<u32> = if total > 20 {
                let segment = Segment { number: 0, total };
                let mut all: Vec<u32> = index.entries.iter().map(|entry| segment.of(entry.position)).collect();
                all.dedup();
                all
            } else {
                (0..total).collect()
            };
            let mut seen = Vec::new();
            for number in numbers {
                let segment = Segment { number, total };
                let part = index.after(segment, start);
                prop_assert!(part.iter().all(|entry| segment.holds(entry.position)));
                seen.extend(part.iter().map(|entry| entry.position));
            }
            let mut expected: Vec<u128> = positions.into_iter().filter(|p| start.is_none_or(|start| *p > start)).collect();
            expected.sort_unstable();
            expected.dedup();
            prop_assert_eq!(seen, expected);
        }
    }
}
