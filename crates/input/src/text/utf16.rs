//! UTF-16 as UTF-8.

use std::io::{self, BufRead, Read};

use super::buffer::Buffer;
use crate::error::Error;

/// Which byte of a unit comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

/// A text in UTF-16, read as UTF-8.
pub(super) struct Utf16<'a> {
    input: Buffer<'a>,
    order: Order,
    /// Bytes of the input that were read.
    at: u64,
    /// UTF-8 that waits to be read, from `start` on.
    text: Vec<u8>,
    start: usize,
}

impl<'a> Utf16<'a> {
    pub(super) fn new(input: Buffer<'a>, order: Order) -> Utf16<'a> {
        Utf16 { input, order, at: 0, text: Vec::new(), start: 0 }
    }

    /// Decodes what the input has at hand.
    fn decode(&mut self) -> io::Result<()> {
        self.text.clear();
        self.start = 0;
        // Both halves of a pair, if there are so many.
        let bytes = self.input.at_least(4)?;
        let order = self.order;
        let unit = |pair: &[u8]| match (order, pair) {
            (Order::Little, [low, high]) | (Order::Big, [high, low]) => u16::from_be_bytes([*high, *low]),
            _ => 0,
        };
        let mut units: Vec<u16> = bytes.chunks_exact(2).map(unit).collect();
        let has_half = units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit));
        if has_half && units.len() > 1 {
            units.pop();
        }
        if units.is_empty() && !bytes.is_empty() {
            return Err(Error::Utf16 { at: self.at, problem: "it ends with half a character" }.into());
        }
        let mut buffer = [0; 4];
        let mut read = 0;
        for character in char::decode_utf16(units) {
            let Ok(character) = character else {
                return Err(Error::Utf16 { at: self.at + read, problem: "half of a surrogate pair" }.into());
            };
            self.text.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
            read += 2 * character.len_utf16() as u64;
        }
        self.at += read;
        self.input.consume(usize::try_from(read).unwrap_or(usize::MAX));
        Ok(())
    }
}

impl Read for Utf16<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.start == self.text.len() {
            self.decode()?;
        }
        let read = self.text.get(self.start..).unwrap_or_default().read(to)?;
        self.start += read;
        Ok(read)
    }
}
