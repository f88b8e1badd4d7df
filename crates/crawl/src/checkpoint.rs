//! Where a crawl that was cut off goes on: the segments that it has read to their end, in a parameter of the catalog table.
//! What they hold is in the history of the table.
//!
//! No key is kept: they are values of items, and many may read the catalog. So a segment that was not read to its end is read
//! again, and large tables have many small segments.

use aws_sdk_dynamodb::types::TableDescription;
use aws_sdk_glue::types::Table;
use serde::{Deserialize, Serialize};

use crate::catalog::Entry;

const VERSION: u32 = 1;

/// Where a crawl was cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    version: u32,
    /// The DynamoDB table, which may have been made anew since.
    table_id: String,
    /// How many segments there are.
    pub segments: u32,
    /// A bit for each segment, the lowest first, in hexadecimal: 1 if it was read to its end.
    finished: String,
    /// Items of these.
    pub items: u64,
}

/// What of a crawl happens in others: it went on where an earlier one was cut off, or a later one goes on where it was.
#[derive(Debug, Default)]
pub(crate) struct Continuation {
    /// Items that the earlier crawl read; the history has them.
    pub earlier: Option<u64>,
    /// Where the later crawl begins.
    pub checkpoint: Option<Checkpoint>,
}

impl Checkpoint {
    /// The checkpoint of a crawl of the table that is described, which has read the `finished` ones of so many segments.
    pub(crate) fn new(description: &TableDescription, segments: u32, finished: &[u32], items: u64) -> Self {
        let mut bits = vec![0u8; segments.div_ceil(8) as usize];
        for segment in finished {
            if let Some(byte) = bits.get_mut(*segment as usize / 8) {
                *byte |= 1 << (segment % 8);
            }
        }
        let finished = bits.iter().map(|byte| format!("{byte:02x}")).collect();
        let table_id = description.table_id().unwrap_or_default().to_owned();
        Checkpoint { version: VERSION, table_id, segments, finished, items }
    }

    /// The checkpoint that a catalog table has for the table that is described. One of a later format, one of another
    /// table and one that can't be read count as none: the table is then read from its beginning.
    pub(crate) fn stored(table: &Table, description: &TableDescription) -> Option<Self> {
        let checkpoint: Checkpoint = serde_json::from_str(Entry(table).checkpoint()?).ok()?;
        let fits = checkpoint.version == VERSION
            && checkpoint.table_id == description.table_id().unwrap_or_default()
            && checkpoint.finished.len() == 2 * checkpoint.segments.div_ceil(8) as usize;
        fits.then_some(checkpoint)
    }

    /// Whether a segment was read to its end.
    pub(crate) fn has(&self, segment: u32) -> bool {
        let at = 2 * (segment as usize / 8);
        let byte = self.finished.get(at..at + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        byte.is_some_and(|byte| byte >> (segment % 8) & 1 == 1)
    }

    /// The text to be kept.
    pub(crate) fn text(&self) -> String {
        // A struct of numbers and strings serialises.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn catalog(text: &str) -> Table {
        let parameters = HashMap::from([("crawl".to_owned(), text.to_owned())]);
        Table::builder().name("t").set_parameters(Some(parameters)).build().unwrap()
    }

    #[test]
    fn what_is_kept_is_read_again() {
        let description = TableDescription::builder().table_id("1-2").build();
        let unfinished = Checkpoint::new(&description, 20, &[0, 9, 19], 7);
        let text = unfinished.text();
        insta::assert_snapshot!(text, @r#"{"version":1,"table_id":"1-2","segments":20,"finished":"010208","items":7}"#);
        let read = Checkpoint::stored(&catalog(&text), &description).unwrap();
        assert_eq!(read, unfinished);
        assert_eq!((0..30).filter(|segment| read.has(*segment)).collect::<Vec<_>>(), [0, 9, 19]);
        assert!(Checkpoint::new(&description, 10_000, &[], 0).text().len() < 3000);
    }

    #[test]
    fn a_checkpoint_in_version_1_is_read() {
        let text = include_str!("../tests/formats/v1/checkpoint.json").trim();
        let description = TableDescription::builder().table_id("1-2").build();
        let expected = Checkpoint::new(&description, 20, &[0, 9, 19], 7);
        assert_eq!(expected.text(), text, "it is still written so");
        assert_eq!(Checkpoint::stored(&catalog(text), &description).as_ref(), Some(&expected));
        let of_next = text.replace("{\"version\":1", "{\"version\":1,\"pace\":{\"x\":1}");
        let read = Checkpoint::stored(&catalog(&of_next), &description);
        assert_eq!(read, Some(expected), "what this release does not know it leaves out");
    }

    #[test]
    fn what_does_not_fit_counts_as_nothing() {
        let description = TableDescription::builder().table_id("1").build();
        let text = Checkpoint::new(&description, 20, &[0], 7).text();
        let anew = TableDescription::builder().table_id("2").build();
        assert_eq!(Checkpoint::stored(&catalog(&text), &anew), None);
        for (from, to) in [("\"version\":1", "\"version\":2"), ("0100", "01"), ("{", "")] {
            assert_eq!(Checkpoint::stored(&catalog(&text.replacen(from, to, 1)), &description), None, "{from}");
        }
        let garbage = text.replace("010000", "x10000");
        assert!(!Checkpoint::stored(&catalog(&garbage), &description).unwrap().has(0));
    }
}
