//! Where a crawl that was cut off goes on: the segments that it has read to their end, in a parameter of the catalog table.
//! What they hold is in the memory of the table.
//!
//! No key is kept: they are values of items, and many may read the catalog. So a segment that was not read to its end is read
//! again, and large tables have many small segments.

use aws_sdk_dynamodb::types::TableDescription;
use aws_sdk_glue::types::Table;
use serde::{Deserialize, Serialize};

use crate::catalog::{self, UNFINISHED};

const VERSION: u32 = 1;

/// A crawl that was cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unfinished {
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

impl Unfinished {
    /// Of the table that is described.
    pub(crate) fn new(description: &TableDescription, segments: u32, finished: &[u32], items: u64) -> Self {
        let mut bits = vec![0u8; segments.div_ceil(8) as usize];
        for segment in finished {
            if let Some(byte) = bits.get_mut(*segment as usize / 8) {
                *byte |= 1 << (segment % 8);
            }
        }
        let finished = bits.iter().map(|byte| format!("{byte:02x}")).collect();
        let table_id = description.table_id().unwrap_or_default().to_owned();
        Unfinished { version: VERSION, table_id, segments, finished, items }
    }

    /// What a catalog table says of the table that is described. Of another version, of another table, or nothing that can be
    /// read counts as nothing.
    pub(crate) fn of(table: &Table, description: &TableDescription) -> Option<Self> {
        let unfinished: Unfinished = serde_json::from_str(catalog::parameter(table, UNFINISHED)?).ok()?;
        let fits = unfinished.version == VERSION
            && unfinished.table_id == description.table_id().unwrap_or_default()
            && unfinished.finished.len() == 2 * unfinished.segments.div_ceil(8) as usize;
        fits.then_some(unfinished)
    }

    /// Whether a segment was read to its end.
    pub(crate) fn has(&self, segment: u32) -> bool {
        let at = 2 * (segment as usize / 8);
        let byte = self.finished.get(at..at + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        byte.is_some_and(|byte| byte >> (segment % 8) & 1 == 1)
    }

    /// The text of the parameter.
    pub(crate) fn parameter(&self) -> String {
        // A struct of numbers and strings serialises.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn catalog(text: &str) -> Table {
        let parameters = HashMap::from([(UNFINISHED.to_owned(), text.to_owned())]);
        Table::builder().name("t").set_parameters(Some(parameters)).build().unwrap()
    }

    #[test]
    fn what_is_kept_is_read_again() {
        let description = TableDescription::builder().table_id("1-2").build();
        let unfinished = Unfinished::new(&description, 20, &[0, 9, 19], 7);
        let text = unfinished.parameter();
        insta::assert_snapshot!(text, @r#"{"version":1,"table_id":"1-2","segments":20,"finished":"010208","items":7}"#);
        let read = Unfinished::of(&catalog(&text), &description).unwrap();
        assert_eq!(read, unfinished);
        assert_eq!((0..30).filter(|segment| read.has(*segment)).collect::<Vec<_>>(), [0, 9, 19]);
        assert!(Unfinished::new(&description, 10_000, &[], 0).parameter().len() < 3000);
    }

    #[test]
    fn what_does_not_fit_counts_as_nothing() {
        let description = TableDescription::builder().table_id("1").build();
        let text = Unfinished::new(&description, 20, &[0], 7).parameter();
        let anew = TableDescription::builder().table_id("2").build();
        assert_eq!(Unfinished::of(&catalog(&text), &anew), None);
        for (from, to) in [("\"version\":1", "\"version\":2"), ("0100", "01"), ("{", "")] {
            assert_eq!(Unfinished::of(&catalog(&text.replacen(from, to, 1)), &description), None, "{from}");
        }
        let garbage = text.replace("010000", "x10000");
        assert!(!Unfinished::of(&catalog(&garbage), &description).unwrap().has(0));
    }
}
