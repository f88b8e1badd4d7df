//! Lines and items.

use crate::shape::{Fields, Shape};

use super::cursor::Parser;
use super::text::{decode, end_of_string};
use crate::error::{ParseError, ReadErrorKind};

impl<'a> Parser<'a> {
    /// Reads all lines of the input and gives their number (of newlines).
    pub(crate) fn lines(&mut self, shape: &mut Shape) -> Result<u64, ParseError> {
        let (mut at, mut lines) = (0, 0);
        loop {
            at = self.space(at);
            at = match self.input.get(at) {
                None => return Ok(lines),
                Some(b'\n') => at,
                Some(b'{') => {
                    let end = self.line(at, shape)?;
                    self.space(end)
                }
                Some(_) => return Err(ParseError::at(at, ReadErrorKind::Expected("an item, which starts with '{'"))),
            };
            match self.input.get(at) {
                None => return Ok(lines),
                Some(b'\n') => (at, lines) = (at + 1, lines + 1),
                Some(_) => return Err(ParseError::at(at, ReadErrorKind::Trailing)),
            }
        }
    }

    /// Reads the item at the brace, bare or wrapped.
    fn line(&mut self, at: usize, shape: &mut Shape) -> Result<usize, ParseError> {
        match self.wrapped(at, &shape.attributes) {
            None => self.item(at, shape),
            Some(inner) => {
                let end = self.item(inner, shape)?;
                self.expect(end, b'}', "'}' after the wrapped item")
            }
        }
    }

    /// Reads the item at the brace; gives the place after it.
    pub(super) fn item(&mut self, at: usize, shape: &mut Shape) -> Result<usize, ParseError> {
        let end = self.fields(at + 1, &mut shape.attributes, 0)?;
        shape.items += 1;
        shape.bytes += (end - at) as u64;
        Ok(end)
    }

    /// The brace of the item inside of `{"Item":…}`, unless that is an item with an attribute `Item`.
    fn wrapped(&self, at: usize, attributes: &Fields) -> Option<usize> {
        const WRAPPER: &[u8] = b"{\"Item\":{";
        // Most bare items can be told by three bytes.
        if let [b'{', b'"', third, ..] = self.input[at..]
            && !matches!(third, b'I' | b'\\')
        {
            return None;
        }
        let inner = if self.input[at..].starts_with(WRAPPER) {
            at + WRAPPER.len() - 1
        } else {
            let (name, value) = self.first_member(at)?;
            (self.input.get(value) == Some(&b'{') && decode(name) == "Item").then_some(value)?
        };
        let usual = attributes.list.get(attributes.first[0] as usize);
        let is_usual = usual.is_some_and(|field| self.starts_with(inner + 1, field).is_some() && &*field.name != "M");
        (is_usual || self.is_item(inner)).then_some(inner)
    }

    /// Whether the object at the brace has attributes for members, and not a type: see [`Reader::lines`](crate::Reader::lines).
    ///
    /// `{"M":{…}}` is the one text that could be either: a map if members follow, an attribute `M` if a type does.
    fn is_item(&self, mut at: usize) -> bool {
        let mut item = true;
        loop {
            let Some((name, value)) = self.first_member(at) else {
                return item;
            };
            if self.input.get(value) != Some(&b'{') {
                return !item;
            }
            if decode(name) != "M" {
                return item;
            }
            (at, item) = (value, !item);
        }
    }

    /// The raw name of the first member of the object at the brace, and the place of its value.
    fn first_member(&self, at: usize) -> Option<(&'a [u8], usize)> {
        let quote = self.space(at + 1);
        if self.input.get(quote) != Some(&b'"') {
            return None;
        }
        let end = end_of_string(self.input, quote + 1).ok()?;
        let value = self.expect(end + 1, b':', "':'").ok()?;
        Some((&self.input[quote + 1..end], self.space(value)))
    }
}
