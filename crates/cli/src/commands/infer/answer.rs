//! Reads the response of a Scan, which is one JSON document of any length, item by item as it comes.

use std::io::BufRead;

use anyhow::bail;
use schema::{ReadError, ReadErrorKind, Reader, Shape, TypeOptions};

/// The most bytes of an item. The largest possible one, of 400 KB, takes under 6 MB of DynamoDB JSON without white space.
const MAX_ITEM: usize = 16 << 20;
/// The most bytes besides the items.
const MAX_REST: usize = 1 << 20;

/// Reads all of `input` with a new `reader`.
///
/// # Errors
/// If it is not the response of a Scan, or something in it is longer than possible.
pub(super) fn read(input: &mut impl BufRead, reader: Reader) -> anyhow::Result<Shape> {
    let mut answer = Answer {
        reader,
        given: 0,
        at: Place::default(),
        item: Vec::new(),
        from: Place::default(),
        rest: Vec::new(),
        text: Text::Between,
        depth: 0,
        array: None,
        items: None,
        removed: None,
    };
    loop {
        let chunk = input.fill_buf()?;
        if chunk.is_empty() {
            return answer.finish();
        }
        for byte in chunk {
            answer.take(*byte)?;
        }
        let read = chunk.len();
        input.consume(read);
    }
}

/// A place in the input.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    newlines: u64,
    bytes: u64,
}

/// The lexical context of a byte in JSON.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Text {
    Between,
    String,
    /// After a backslash in a string.
    Escape,
}

/// What may come next in the array of items.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    ItemOrEnd,
    Item,
    CommaOrEnd,
}

struct Answer {
    reader: Reader,
    /// The bytes that the reader was given.
    given: u64,
    at: Place,
    /// The item being collected, as one line, and where it began.
    item: Vec<u8>,
    from: Place,
    /// The document without the items.
    rest: Vec<u8>,
    text: Text,
    depth: u32,
    /// What may come next, while in the array of items but outside of an item.
    array: Option<Next>,
    /// The number of items so far; `None` before their array.
    items: Option<u64>,
    /// Where in `rest` the items belong, and how much of the input was left out there.
    removed: Option<(usize, Place)>,
}

impl Answer {
    fn take(&mut self, byte: u8) -> anyhow::Result<()> {
        let outside = self.text == Text::Between;
        self.text = match (self.text, byte) {
            (Text::Between, b'"') | (Text::Escape, _) => Text::String,
            (Text::String, b'\\') => Text::Escape,
            (Text::String, b'"') => Text::Between,
            (text, _) => text,
        };
        match self.array {
            Some(next) if self.depth == 2 => self.between_items(next, byte)?,
            Some(_) => {
                // A newline outside a string is white space. In a string it stays, and the reader refuses it.
                let byte = if byte == b'\n' && outside { b' ' } else { byte };
                self.item.push(byte);
                if self.item.len() > MAX_ITEM {
                    bail!(
                        "line {} (byte {} of the input): an item of more than {MAX_ITEM} bytes, which is too long",
                        self.from.newlines + 1,
                        self.from.bytes
                    );
                }
                if outside && self.nest(byte) && self.depth == 2 {
                    self.end_of_item()?;
                }
            }
            None => {
                self.rest.push(byte);
                if self.rest.len() > MAX_REST {
                    bail!(
                        "byte {} of the input: more than {MAX_REST} bytes besides the items, too many for the response of a Scan",
                        self.at.bytes
                    );
                }
                if outside && byte == b'[' && self.depth == 1 && is_items(&self.rest) {
                    if self.items.is_some() {
                        return Err(self.wrong(ReadErrorKind::DuplicateName));
                    }
                    (self.array, self.items, self.from) = (Some(Next::ItemOrEnd), Some(0), self.at);
                }
                if outside {
                    self.nest(byte);
                }
            }
        }
        self.at.bytes += 1;
        self.at.newlines += u64::from(byte == b'\n');
        Ok(())
    }

    /// Tracks the depth of nesting. Returns whether a level ended.
    fn nest(&mut self, byte: u8) -> bool {
        match byte {
            b'{' | b'[' => self.depth = self.depth.saturating_add(1),
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                return true;
            }
            _ => {}
        }
        false
    }

    fn between_items(&mut self, next: Next, byte: u8) -> anyhow::Result<()> {
        self.array = match (next, byte) {
            (next, b' ' | b'\t' | b'\r' | b'\n') => Some(next),
            (Next::ItemOrEnd | Next::Item, b'{') => {
                self.nest(byte);
                self.item.push(byte);
                self.from = self.at;
                Some(Next::CommaOrEnd)
            }
            (Next::CommaOrEnd, b',') => Some(Next::Item),
            (Next::ItemOrEnd | Next::CommaOrEnd, b']') => {
                self.nest(byte);
                // Drop the key from `rest`, which then has no items for its count to be checked against.
                let key = self.rest.iter().rposition(|byte| *byte == b'I').unwrap_or(0);
                self.rest.truncate(key);
                self.rest.extend_from_slice(b"\":[]");
                let removed = Place {
                    newlines: self.at.newlines,
                    bytes: (self.at.bytes + 1).saturating_sub(self.rest.len() as u64),
                };
                let kept = self.rest.iter().filter(|byte| **byte == b'\n').count() as u64;
                self.removed = Some((self.rest.len(), Place { newlines: removed.newlines - kept, ..removed }));
                None
            }
            (Next::CommaOrEnd, _) => return Err(self.wrong(ReadErrorKind::Expected("',' or ']' after an item"))),
            (Next::ItemOrEnd | Next::Item, _) => {
                return Err(self.wrong(ReadErrorKind::Expected("an item, which starts with '{'")));
            }
        };
        Ok(())
    }

    fn wrong(&self, kind: ReadErrorKind) -> anyhow::Error {
        ReadError { kind, line: self.at.newlines + 1, offset: self.at.bytes }.into()
    }

    fn end_of_item(&mut self) -> anyhow::Result<()> {
        let (from, given) = (self.from, self.given);
        self.item.push(b'\n');
        // The reader's positions refer to what it was given. For an item of several lines, report the line on which it begins.
        self.reader.lines(&self.item).map_err(|error| ReadError {
            line: from.newlines + 1,
            offset: from.bytes + error.offset.saturating_sub(given),
            ..error
        })?;
        self.given += self.item.len() as u64;
        self.item.clear();
        self.items = self.items.map(|items| items + 1);
        Ok(())
    }

    fn finish(self) -> anyhow::Result<Shape> {
        let end = ReadError { kind: ReadErrorKind::Truncated, line: self.at.newlines + 1, offset: self.at.bytes };
        if self.array.is_some() {
            return Err(end.into());
        }
        let page =
            Reader::new(&TypeOptions::default()).scan_response(&self.rest).map_err(|error| match self.removed {
                Some((at, removed)) if error.offset >= at as u64 => {
                    ReadError { line: error.line + removed.newlines, offset: error.offset + removed.bytes, ..error }
                }
                _ => error,
            })?;
        if self.items.is_some_and(|items| items != page.count) {
            return Err(ReadError { kind: ReadErrorKind::Count, ..end }.into());
        }
        Ok(self.reader.finish()?)
    }
}

/// Whether this text, which ends with a bracket, ends with `"Items": [`.
fn is_items(text: &[u8]) -> bool {
    let text = text.strip_suffix(b"[").unwrap_or(text).trim_ascii_end();
    text.strip_suffix(b":").is_some_and(|text| text.trim_ascii_end().ends_with(b"\"Items\""))
}
