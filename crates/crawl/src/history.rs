//! The history of a table: the Shape of all that crawls saw of it, in a parameter of the catalog table, so that a sample
//! never narrows what is known.

use std::io::{Read, Write};

use aws_sdk_glue::types::Table;
use aws_smithy_types::base64;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use schema::{Shape, TooManyPlaces};

use crate::catalog::Entry;

/// The longest text that is kept: Glue takes 512,000 bytes of parameters for a table, and every listing of tables carries them.
const MAX_TEXT: usize = 100_000;
/// The most bytes that a text may inflate to. Shapes shrink to a tenth or so; a hundredth is a bomb.
const MAX_BYTES: u64 = 100 * MAX_TEXT as u64;

/// What becomes of what earlier crawls saw of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryUse {
    /// There is none, as with a crawler of Glue.
    None,
    /// It counts as if it had been read now: what is known never narrows.
    Merge,
    /// It is replaced by what is read now.
    Replace,
}

/// What is known of a table: what a crawl saw now, and what earlier ones saw.
#[derive(Debug)]
pub(crate) struct History {
    /// What the columns are settled from.
    pub shape: Shape,
    /// What the catalog table has now.
    stored: Option<Shape>,
}

impl History {
    /// What was `seen` now, and what `table` has.
    ///
    /// # Errors
    /// If the two have too many places for one Shape.
    pub(crate) fn new(history: HistoryUse, table: Option<&Table>, seen: &Shape) -> Result<History, TooManyPlaces> {
        let stored = if history == HistoryUse::None { None } else { table.and_then(stored) };
        let mut shape = seen.clone();
        if let (HistoryUse::Merge, Some(stored)) = (history, &stored) {
            shape.merge(stored.clone())?;
        }
        Ok(History { shape, stored })
    }

    /// The text to be kept; `None` if it would be too long. The last one that was not then stays, which is still true.
    pub(crate) fn text(&self) -> Option<String> {
        let text = encode(&self.shape);
        if text.len() > MAX_TEXT {
            tracing::info!(characters = text.len(), "what was seen of the table is too long to be kept");
            return None;
        }
        Some(text)
    }

    /// Whether this says more than what the catalog table has, beside larger counts.
    pub(crate) fn is_news(&self) -> bool {
        self.stored.as_ref().is_none_or(|stored| !stored.differs_only_in_counts(&self.shape))
    }
}

/// The text of a Shape.
pub fn encode(shape: &Shape) -> String {
    let mut deflated = DeflateEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail.
    let bytes = deflated.write_all(&shape.to_bytes()).and_then(|()| deflated.finish());
    base64::encode(bytes.unwrap_or_default())
}

/// What a catalog table has, if this release can read it.
pub fn stored(table: &Table) -> Option<Shape> {
    let text = Entry(table).history()?;
    decode(text)
        .inspect_err(|problem| {
            tracing::warn!(table = table.name(), problem, "the parameter shape can't be read, and is ignored");
        })
        .ok()
}

/// The Shape of a text.
///
/// # Errors
/// What is wrong with the text.
pub fn decode(text: &str) -> Result<Shape, String> {
    let deflated = base64::decode(text).map_err(|_| "not base64".to_owned())?;
    let mut bytes = Vec::new();
    let inflated = DeflateDecoder::new(&deflated[..]).take(MAX_BYTES + 1).read_to_end(&mut bytes);
    match inflated {
        Err(_) => Err("not deflated".to_owned()),
        Ok(_) if bytes.len() as u64 > MAX_BYTES => Err(format!("over {MAX_BYTES} bytes")),
        Ok(_) => Shape::from_bytes(&bytes).map_err(|e| e.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use schema::{Reader, TypeOptions};

    use super::*;

    fn shape(items: &str) -> Shape {
        let mut reader = Reader::new(&TypeOptions::default());
        reader.lines(items.as_bytes()).unwrap();
        reader.finish().unwrap()
    }

    fn keeping(text: impl Into<String>) -> Table {
        let parameters = HashMap::from([("shape".to_owned(), text.into())]);
        Table::builder().name("t").set_parameters(Some(parameters)).build().unwrap()
    }

    fn packed(bytes: &[u8]) -> String {
        let mut deflated = DeflateEncoder::new(Vec::new(), Compression::best());
        deflated.write_all(bytes).unwrap();
        base64::encode(deflated.finish().unwrap())
    }

    #[test]
    fn what_was_kept_is_known() {
        let (before, now) = (shape(r#"{"a":{"N":"1.5"}}"#), shape(r#"{"b":{"S":""}}"#));
        let mut both = before.clone();
        both.merge(now.clone()).unwrap();
        let table = keeping(encode(&before));
        let known = |history| History::new(history, Some(&table), &now).unwrap();
        assert_eq!(known(HistoryUse::Merge).shape, both);
        assert_eq!(decode(&known(HistoryUse::Merge).text().unwrap()).unwrap(), both);
        assert_eq!(known(HistoryUse::Replace).shape, now);
        assert_eq!(known(HistoryUse::None).shape, now);
    }

    #[test]
    fn counts_alone_are_no_news() {
        let kept = shape("{\"a\":{\"N\":\"1\"},\"l\":{\"L\":[{\"S\":\"\"}]}}\n{}");
        let table = keeping(encode(&kept));
        let news = |items: &str| History::new(HistoryUse::Merge, Some(&table), &shape(items)).unwrap().is_news();
        assert!(!news(r#"{"a":{"N":"2"}}"#));
        assert!(!news(""));
        // Neither of these changes a column's type.
        assert!(news(r#"{"a":{"N":"200"}}"#), "digits");
        assert!(news(r#"{"a":{"NULL":true}}"#), "types");
        assert!(news(r#"{"l":{"L":[{"NULL":true}]}}"#), "elements");
        assert!(History::new(HistoryUse::Merge, None, &kept).unwrap().is_news());
        assert!(History::new(HistoryUse::Replace, Some(&table), &shape(r#"{"a":{"N":"2"}}"#)).unwrap().is_news());
    }

    #[test]
    fn what_this_release_cannot_read_counts_as_nothing() {
        let seen = shape(r#"{"a":{"N":"1"}}"#);
        let mut later = seen.to_bytes();
        later[4] = 200;
        for text in
            [String::new(), "%".into(), "AAAA".into(), packed(b"DDBS"), packed(&later), packed(&vec![0; 11_000_000])]
        {
            assert!(decode(&text).is_err());
            let known = History::new(HistoryUse::Merge, Some(&keeping(text)), &seen).unwrap();
            assert_eq!(known.shape, seen);
            assert!(known.is_news(), "it is replaced");
        }
    }

    #[test]
    fn a_history_in_version_1_is_read() {
        let text = include_str!("../tests/formats/v1/shape.txt").trim();
        assert_eq!(decode(text).unwrap(), shape(include_str!("../tests/formats/v1/items.jsonl")));
    }

    #[test]
    fn a_history_in_a_later_version_says_who_can_read_it() {
        let mut later = shape(r#"{"a":{"N":"1"}}"#).to_bytes();
        later[4] = 2;
        insta::assert_snapshot!(decode(&packed(&later)).unwrap_err(), @"not a serialised Shape that this release reads: the version of another release, which can read it at byte 0");
    }

    #[test]
    fn a_long_text_is_not_kept() {
        use std::fmt::Write;
        let mut item = String::from("{");
        for i in 0..8_000u64 {
            // Names that don't deflate.
            write!(item, r#""{:016x}{i}":{{"S":""}},"#, i.wrapping_mul(0x9E37_79B9_7F4A_7C15)).unwrap();
        }
        let wide = shape(&item.trim_end_matches(',').chars().chain("}".chars()).collect::<String>());
        let table = keeping(encode(&shape(r#"{"a":{"N":"1"}}"#)));
        assert_eq!(History::new(HistoryUse::Merge, Some(&table), &wide).unwrap().text(), None);
    }
}
