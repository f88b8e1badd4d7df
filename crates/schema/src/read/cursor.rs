//! The parser's state, and its smallest steps.

use std::ops::Range;

use crate::error::{ParseError, ReadErrorKind};
use crate::shape::Node;

/// The input and where newlines are allowed in it.
pub(crate) struct Parser<'a> {
    pub(super) input: &'a [u8],
    /// Whether newlines are white space; else they end an item.
    newlines: bool,
    pub(super) state: &'a mut ParserState,
    /// The most names of a map that is not folded.
    pub(super) limit: usize,
}

/// What outlives a chunk of input.
#[derive(Debug, Default)]
pub(crate) struct ParserState {
    /// The number of the map being read, counted from 1.
    pub(super) maps: u64,
    /// The names of the folded maps being read, innermost last.
    pub(super) folded: FoldedNames,
    /// Places of the Shape.
    pub(super) places: u64,
    /// With more of them the parser stops, if it may.
    pub(super) max_places: u64,
}

impl ParserState {
    /// A new place for what lists hold.
    #[cold]
    pub(super) fn element(&mut self) -> Box<Node> {
        self.places += 1;
        Box::default()
    }
}

/// Names of folded maps, as they stand in the input, and beside them numbers that equal names share.
#[derive(Debug, Default)]
pub(super) struct FoldedNames {
    pub(super) numbers: Vec<u64>,
    pub(super) names: Vec<Range<usize>>,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(input: &'a [u8], newlines: bool, state: &'a mut ParserState, limit: usize) -> Self {
        state.folded.numbers.clear();
        state.folded.names.clear();
        Parser { input, newlines, state, limit }
    }

    /// The place after the closing sign, if it follows at once.
    #[inline(always)]
    pub(super) fn empty(&self, at: usize, close: u8) -> Option<usize> {
        match self.input.get(at) {
            Some(b'"' | b'{') => None,
            _ => {
                let at = self.space(at);
                (self.input.get(at) == Some(&close)).then_some(at + 1)
            }
        }
    }

    #[inline(always)]
    pub(super) fn separator(&self, at: usize, close: u8, expected: &'static str) -> Result<Separator, ParseError> {
        let at = match self.input.get(at) {
            Some(b',' | b'}' | b']') => at,
            _ => self.space(at),
        };
        match self.input.get(at) {
            Some(b',') => Ok(Separator::Comma(at + 1)),
            Some(byte) if *byte == close => Ok(Separator::End(at + 1)),
            _ => Err(self.unexpected(at, expected)),
        }
    }

    /// The place after `sign`, with white space in front of it.
    #[inline(always)]
    pub(super) fn expect(&self, at: usize, sign: u8, expected: &'static str) -> Result<usize, ParseError> {
        let at = self.space(at);
        if self.input.get(at) == Some(&sign) { Ok(at + 1) } else { Err(self.unexpected(at, expected)) }
    }

    #[cold]
    pub(super) fn unexpected(&self, at: usize, expected: &'static str) -> ParseError {
        match self.input.get(at) {
            None => ParseError::at(self.input.len(), ReadErrorKind::Truncated),
            Some(b'\n') if !self.newlines => ParseError::at(at, ReadErrorKind::Truncated),
            Some(_) => ParseError::at(at, ReadErrorKind::Expected(expected)),
        }
    }

    pub(super) fn literal(&self, at: usize, word: &[u8]) -> Option<usize> {
        self.input.get(at..)?.starts_with(word).then_some(at + word.len())
    }

    /// The first place from `at` on that is not white space.
    #[inline(always)]
    pub(super) fn space(&self, mut at: usize) -> usize {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.input.get(at) {
            if self.input[at] == b'\n' && !self.newlines {
                break;
            }
            at += 1;
        }
        at
    }
}

/// What stands behind a member or an element, and the place after it.
pub(super) enum Separator {
    Comma(usize),
    End(usize),
}
