//! Reading DynamoDB JSON: the push interface around the one-pass parser.

use std::ops::Range;

use memchr::{memchr, memrchr};

use crate::options::TypeOptions;
use crate::shape::Shape;

mod cursor;

mod item;
mod map;
mod page;

mod text;
mod value;

use crate::error::{MAX_PLACES, ParseError, ReadError, ReadErrorKind};
use cursor::{Parser, ParserState};

/// The longest line. The largest item, 400 KB, takes under 6 MB of DynamoDB JSON when written without white space.
const MAX_LINE: usize = 16 << 20;

/// Input that is read at once into the Shape, which may then lower its limit. A longer line, or page, is read into one of its own:
/// it may have too many places, and what was read of it can't be taken back.
const PIECE: usize = 256 << 10;

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
    piece: usize,
    state: ParserState,
    /// The start of a line whose end has not come yet.
    carry: Vec<u8>,
    /// What was given to [`Reader::lines`] and read.
    place: ReadPlace,
    failed: Option<ReadError>,
}

/// How far the input was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReadPlace {
    /// Newlines.
    pub lines: u64,
    /// Bytes.
    pub bytes: u64,
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
    /// A Reader that has seen nothing. Of the options, only `max_struct_fields` matters here.
    pub fn new(options: &TypeOptions) -> Reader {
        Reader::with_room(options, MAX_PLACES, PIECE)
    }

    /// With less room than usual, for tests: at most so many places, and pieces of the input of so many bytes.
    #[doc(hidden)]
    pub fn with_room(options: &TypeOptions, places: u64, piece: usize) -> Reader {
        Reader {
            shape: Shape::new(options.max_struct_fields, places),
            piece,
            state: ParserState::default(),
            carry: Vec::new(),
            place: ReadPlace::default(),
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
        let page = self.parse(body, true, &|parser, shape| parser.page(shape));
        page.map_err(|stop| self.fail(stop, body, ReadPlace::default()))
    }

    /// Ends a text of [`lines`](Reader::lines), after which another one may begin. A last line without a newline is read now.
    /// The place after it: what errors in the next text are counted from.
    ///
    /// # Errors
    /// If the text ends inside of an item, and after any earlier error.
    pub fn end_text(&mut self) -> Result<ReadPlace, ReadError> {
        self.usable()?;
        let line = std::mem::take(&mut self.carry);
        self.whole_lines(&line)?;
        Ok(self.place)
    }

    /// Ends the input and gives the Shape. A last line without a newline is read now.
    ///
    /// # Errors
    /// If the input ends inside of an item, and after any earlier error.
    pub fn finish(mut self) -> Result<Shape, ReadError> {
        self.end_text()?;
        match self.shape.fit() {
            Ok(()) => Ok(self.shape),
            Err(_) => Err(self.fail(ParseError::full(0), &[], self.place)),
        }
    }

    fn whole_lines(&mut self, mut input: &[u8]) -> Result<(), ReadError> {
        while !input.is_empty() {
            let (piece, rest) = input.split_at(self.piece_of(input));
            match self.parse(piece, false, &|parser, shape| parser.lines(shape)) {
                Ok(lines) => {
                    self.place.lines += lines;
                    self.place.bytes += piece.len() as u64;
                }
                Err(stop) => return Err(self.fail(stop, piece, self.place)),
            }
            input = rest;
        }
        Ok(())
    }

    /// The bytes of as many whole lines as make a piece, or of one that is longer.
    fn piece_of(&self, input: &[u8]) -> usize {
        let Some((start, rest)) = input.split_at_checked(self.piece) else { return input.len() };
        match memrchr(b'\n', start) {
            Some(newline) => newline + 1,
            None => memchr(b'\n', rest).map_or(input.len(), |newline| self.piece + newline + 1),
        }
    }

    /// Has `input` parsed, within bounds.
    fn parse<T>(
        &mut self,
        input: &[u8],
        newlines: bool,
        parse: &dyn Fn(&mut Parser<'_>, &mut Shape) -> Result<T, ParseError>,
    ) -> Result<T, ParseError> {
        if input.len() > self.piece {
            return self.parse_apart(input, newlines, parse);
        }
        self.state.max_places = u64::MAX;
        let parsed = parse(&mut Parser::new(input, newlines, &mut self.state, self.shape.limit), &mut self.shape)?;
        if self.state.places > self.shape.room {
            self.shape.fit().map_err(|_| ParseError::full(0))?;
            self.state.places = self.shape.places();
        }
        Ok(parsed)
    }

    /// The same with a Shape of its own, from the start again with a lower limit as often as that is full.
    fn parse_apart<T>(
        &mut self,
        input: &[u8],
        newlines: bool,
        parse: &dyn Fn(&mut Parser<'_>, &mut Shape) -> Result<T, ParseError>,
    ) -> Result<T, ParseError> {
        let Shape { mut limit, room, .. } = self.shape;
        loop {
            let mut shape = Shape::new(limit, room);
            // The one that makes it stop is not in the Shape yet.
            let mut state = ParserState { max_places: room.saturating_add(1), ..ParserState::default() };
            match parse(&mut Parser::new(input, newlines, &mut state, limit), &mut shape) {
                Err(stop) if stop.is_full() => {
                    if shape.fit().is_err() || shape.limit == limit {
                        return Err(stop);
                    }
                    limit = shape.limit;
                }
                Err(stop) => return Err(stop),
                Ok(parsed) => {
                    self.shape.merge(shape).map_err(|_| ParseError::full(0))?;
                    self.state.places = self.shape.places();
                    // Fields that came with the Shape know the numbers of its maps: none of those may come again.
                    self.state.maps = self.state.maps.max(state.maps);
                    return Ok(parsed);
                }
            }
        }
    }

    fn carry(&mut self, part: &[u8]) -> Result<(), ReadError> {
        if self.carry.len() + part.len() > MAX_LINE {
            return Err(self.fail(ParseError::at(0, ReadErrorKind::LineTooLong), &[], self.place));
        }
        self.carry.extend_from_slice(part);
        Ok(())
    }

    fn usable(&self) -> Result<(), ReadError> {
        self.failed.clone().map_or(Ok(()), Err)
    }

    #[cold]
    fn fail(&mut self, stop: ParseError, input: &[u8], start: ReadPlace) -> ReadError {
        let (at, kind) = stop.parts();
        let newlines = input.iter().take(at).filter(|byte| **byte == b'\n').count();
        let error = ReadError { kind, line: start.lines + newlines as u64 + 1, offset: start.bytes + at as u64 };
        self.failed = Some(error.clone());
        error
    }
}

#[cfg(test)]
mod tests;
