//! Reading DynamoDB JSON: the push interface around the one-pass parser.

use std::ops::Range;

use memchr::{memchr, memrchr};

use crate::policy::Policy;
use crate::shape::Shape;

mod cursor;
mod error;
mod item;
mod map;
mod page;
pub(crate) mod scan;
mod text;
mod value;

use cursor::{Memory, Parser};
use error::Stop;
pub use error::{ReadError, ReadErrorKind};

/// The longest line. The largest item, 400 KB, takes under 6 MB of DynamoDB JSON when written without white space.
const MAX_LINE: usize = 16 << 20;

/// Reads DynamoDB JSON in one pass from bytes into a [`Shape`], building no tree and keeping no value.
///
/// A Reader takes either [`lines`](Reader::lines) or [`scan_response`](Reader::scan_response)s, or both. After an error it is
/// spent: every further call returns that error, so that a Shape never holds a part of an item.
///
/// # Cost
/// O(bytes). Memory is that of the Shape, and of the longest line that was cut by the end of a chunk (at most 16 MiB).
#[derive(Debug)]
pub struct Reader {
    shape: Shape,
    memory: Memory,
    /// The start of a line whose end has not come yet.
    carry: Vec<u8>,
    /// What was given to [`Reader::lines`] and read.
    place: Place,
    failed: Option<ReadError>,
}

/// How far the input was read.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    lines: u64,
    bytes: u64,
}

/// What a page of a DynamoDB Scan says beside its items.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanPage {
    /// `Count`: the items in this page; checked against the items read.
    pub count: u64,
    /// `ScannedCount`: the items looked at, before any filter.
    pub scanned_count: u64,
    /// Where in the body the JSON object of `LastEvaluatedKey` stands, to be passed on as `ExclusiveStartKey` as it is.
    /// `None`: this was the last page.
    pub last_evaluated_key: Option<Range<usize>>,
    /// `ConsumedCapacity.CapacityUnits`, if the request asked for it.
    pub consumed_capacity: Option<f64>,
}

impl Reader {
    /// A Reader that has seen nothing. Of the policy, only `max_struct_fields` matters here.
    pub fn new(policy: &Policy) -> Reader {
        Reader {
            shape: Shape::new(policy.max_struct_fields),
            memory: Memory::default(),
            carry: Vec::new(),
            place: Place::default(),
            failed: None,
        }
    }

    /// Reads the next chunk of a file with one item a line, bare (`{"pk":{"S":"a"}}`) or as exports have it
    /// (`{"Item":{"pk":{"S":"a"}}}`). Chunks may cut lines anywhere; blank lines are skipped.
    ///
    /// A line whose only member is `Item` is told from an item whose first attribute is called `Item` by what the text can
    /// mean: an attribute value is one type and its content, an item is attributes and their values, and no text is both.
    /// So `{"Item":{"S":"x"}}` and `{"Item":{"M":{}}}` are items with an attribute `Item`, while `{"Item":{"M":{"S":"x"}}}`
    /// wraps an item with an attribute `M`.
    ///
    /// # Errors
    /// At the first line that is not an item; see [`ReadErrorKind`].
    pub fn lines(&mut self, chunk: &[u8]) -> Result<(), ReadError> {
        self.usable()?;
        let mut rest = chunk;
        if !self.carry.is_empty() {
            let line_end = memchr(b'\n', chunk).map_or(chunk.len(), |newline| newline + 1);
            let (end_of_line, after) = chunk.split_at(line_end);
            self.carry(end_of_line)?;
            if !end_of_line.ends_with(b"\n") {
                return Ok(());
            }
            let line = std::mem::take(&mut self.carry);
            self.whole_lines(&line)?;
            self.carry = line;
            self.carry.clear();
            rest = after;
        }
        let (whole, start_of_line) = rest.split_at(memrchr(b'\n', rest).map_or(0, |newline| newline + 1));
        self.whole_lines(whole)?;
        self.carry(start_of_line)
    }

    /// Reads the body of a response of DynamoDB's Scan: its `Items`, in whatever order the members come. Unknown members are
    /// skipped.
    ///
    /// # Errors
    /// If the body is not a Scan response, one of its items is none, or `Count` is not their number. Line and offset are
    /// those in this body.
    pub fn scan_response(&mut self, body: &[u8]) -> Result<ScanPage, ReadError> {
        self.usable()?;
        let mut parser = Parser::new(body, true, &mut self.memory, self.shape.limit);
        let page = parser.page(&mut self.shape);
        page.map_err(|stop| self.fail(stop, body, Place::default()))
    }

    /// Ends the input and gives the Shape. A last line without a newline is read now.
    ///
    /// # Errors
    /// If the input ends inside of an item, and after any earlier error.
    pub fn finish(mut self) -> Result<Shape, ReadError> {
        self.usable()?;
        let line = std::mem::take(&mut self.carry);
        self.whole_lines(&line)?;
        Ok(self.shape)
    }

    fn whole_lines(&mut self, input: &[u8]) -> Result<(), ReadError> {
        let mut parser = Parser::new(input, false, &mut self.memory, self.shape.limit);
        match parser.lines(&mut self.shape) {
            Ok(lines) => {
                self.place.lines += lines;
                self.place.bytes += input.len() as u64;
                Ok(())
            }
            Err(stop) => Err(self.fail(stop, input, self.place)),
        }
    }

    fn carry(&mut self, part: &[u8]) -> Result<(), ReadError> {
        if self.carry.len() + part.len() > MAX_LINE {
            return Err(self.fail(Stop::at(0, ReadErrorKind::LineTooLong), &[], self.place));
        }
        self.carry.extend_from_slice(part);
        Ok(())
    }

    fn usable(&self) -> Result<(), ReadError> {
        self.failed.clone().map_or(Ok(()), Err)
    }

    #[cold]
    fn fail(&mut self, stop: Stop, input: &[u8], start: Place) -> ReadError {
        let (at, kind) = stop.parts();
        let newlines = input.iter().take(at).filter(|byte| **byte == b'\n').count();
        let error = ReadError { kind, line: start.lines + newlines as u64 + 1, offset: start.bytes + at as u64 };
        self.failed = Some(error.clone());
        error
    }
}

#[cfg(test)]
mod tests;
