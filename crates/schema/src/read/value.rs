//! Attribute values.

use crate::number::{Numbers, Plain};
use crate::shape::{Fields, Map, Node, ValueKind};

use super::cursor::{Parser, Separator};
use super::text::{decode, end_of_plain_string, end_of_string, is_base64};
use crate::error::{ParseError, ReadErrorKind};
use crate::simd;

/// Levels of lists and maps in each other. DynamoDB counts what is innermost as a level too, so what it stores has 31 at most.
const MAX_DEPTH: u32 = 32;

impl Parser<'_> {
    /// From the end of a name to after the quote that opens the type: `:{"`.
    #[inline(always)]
    pub(super) fn type_of(&self, at: usize) -> Result<usize, ParseError> {
        if simd::chunk(self.input, at) == Some(b":{\"") {
            return Ok(at + 3);
        }
        let at = self.expect(at, b':', "':' after an attribute name")?;
        self.value(at)
    }

    /// From before the brace of an attribute value to after the quote that opens its type.
    fn value(&self, at: usize) -> Result<usize, ParseError> {
        let at = self.expect(at, b'{', "an attribute value of DynamoDB JSON, which starts with '{'")?;
        let quote = self.space(at);
        if self.input.get(quote) == Some(&b'}') {
            return Err(ParseError::at(quote, ReadErrorKind::NoType));
        }
        self.expect(quote, b'"', "a type in quotes")
    }

    /// Reads an attribute value from after the quote that opens its type to before its closing brace.
    #[inline(always)]
    pub(super) fn tagged(&mut self, at: usize, node: &mut Node, depth: u32) -> Result<usize, ParseError> {
        const STRING: u32 = u32::from_le_bytes(*b"S\":\"");
        const NUMBER: u32 = u32::from_le_bytes(*b"N\":\"");
        const MAP: u32 = u32::from_le_bytes(*b"M\":{");
        const LIST: u32 = u32::from_le_bytes(*b"L\":[");
        const BOOL: u32 = u32::from_le_bytes(*b"BOOL");
        let start = simd::chunk(self.input, at).map_or(0, |start| u32::from_le_bytes(*start));
        match start {
            STRING => {
                node.saw(ValueKind::S);
                Ok(end_of_string(self.input, at + 4)? + 1)
            }
            NUMBER => self.number(at + 4, node),
            MAP => self.map(at + 4, node, depth),
            LIST => self.list(at + 4, node, depth),
            BOOL => self.boolean(at, node, depth),
            _ => self.other(at, node, depth),
        }
    }

    /// Reads the brace that closes an attribute value, and what stands behind this member or element.
    #[inline(always)]
    pub(super) fn end_of_member(&self, at: usize, close: u8, expected: &'static str) -> Result<Separator, ParseError> {
        match simd::chunk(self.input, at) {
            Some(b"},") => Ok(Separator::Comma(at + 2)),
            Some([b'}', sign]) if *sign == close => Ok(Separator::End(at + 2)),
            _ => self.end_of_spaced_member(at, close, expected),
        }
    }

    #[inline(never)]
    fn end_of_spaced_member(&self, at: usize, close: u8, expected: &'static str) -> Result<Separator, ParseError> {
        let after = self.end_of_value(at)?;
        self.separator(after, close, expected)
    }

    fn end_of_value(&self, at: usize) -> Result<usize, ParseError> {
        let at = self.space(at);
        if self.input.get(at) == Some(&b',') {
            return Err(ParseError::at(at, ReadErrorKind::TwoTypes));
        }
        self.expect(at, b'}', "'}' after an attribute value")
    }

    #[inline(always)]
    fn boolean(&mut self, at: usize, node: &mut Node, depth: u32) -> Result<usize, ParseError> {
        let is_true = simd::chunk(self.input, at) == Some(b"BOOL\":true");
        let is_false = simd::chunk(self.input, at) == Some(b"BOOL\":false");
        // Without a branch between the two: which one it is can't be predicted.
        if is_true | is_false {
            node.saw(ValueKind::Bool);
            return Ok(at + "BOOL':true".len() + usize::from(is_false));
        }
        self.other(at, node, depth)
    }

    /// Reads the rest of the types, and all in any spelling: the type, its colon and its content.
    #[inline(never)]
    fn other(&mut self, at: usize, node: &mut Node, depth: u32) -> Result<usize, ParseError> {
        let end = end_of_string(self.input, at)?;
        let kind = match &self.input[at..end] {
            raw if raw.contains(&b'\\') => kind_of(decode(raw).as_bytes()),
            raw => kind_of(raw),
        };
        let Some(kind) = kind else {
            return Err(ParseError::at(at, ReadErrorKind::UnknownType));
        };
        let at = self.expect(end + 1, b':', "':' after a type")?;
        match kind {
            ValueKind::S | ValueKind::N | ValueKind::B => {
                let at = self.expect(at, b'"', "a string after the type")?;
                self.scalar(kind, at, node)
            }
            ValueKind::Bool => {
                node.saw(kind);
                let at = self.space(at);
                self.literal(at, b"true")
                    .or_else(|| self.literal(at, b"false"))
                    .ok_or_else(|| self.unexpected(at, "true or false after BOOL"))
            }
            ValueKind::Null => {
                node.saw(kind);
                let at = self.space(at);
                self.literal(at, b"true").ok_or_else(|| self.unexpected(at, "true after NULL"))
            }
            ValueKind::M => {
                let at = self.expect(at, b'{', "'{' after the type M")?;
                self.map(at, node, depth)
            }
            ValueKind::L => {
                let at = self.expect(at, b'[', "'[' after the type L")?;
                self.list(at, node, depth)
            }
            ValueKind::Ss => self.set(at, kind, ValueKind::S, node),
            ValueKind::Ns => self.set(at, kind, ValueKind::N, node),
            ValueKind::Bs => self.set(at, kind, ValueKind::B, node),
        }
    }

    /// Reads a string, number or binary from after its opening quote to after the closing one.
    fn scalar(&mut self, kind: ValueKind, at: usize, node: &mut Node) -> Result<usize, ParseError> {
        if kind == ValueKind::N {
            return self.number(at, node);
        }
        node.saw(kind);
        let end = end_of_string(self.input, at)?;
        if kind == ValueKind::B && !is_base64(&self.input[at..end]) {
            return Err(ParseError::at(at, ReadErrorKind::Base64));
        }
        Ok(end + 1)
    }

    #[inline(always)]
    fn number(&mut self, at: usize, node: &mut Node) -> Result<usize, ParseError> {
        node.saw(ValueKind::N);
        if let Some(plain) = simd::chunk(self.input, at).and_then(Plain::in_16) {
            node.numbers.widen(plain.integer_digits, plain.scale);
            return Ok(at + plain.length + 1);
        }
        self.any_number(at, node)
    }

    #[inline(never)]
    fn any_number(&mut self, at: usize, node: &mut Node) -> Result<usize, ParseError> {
        if let Some(length) = simd::chunk(self.input, at).and_then(|text| node.numbers.add_long(text)) {
            return Ok(at + length + 1);
        }
        let (end, numbers) = match end_of_plain_string(self.input, at) {
            Some(end) => (end, Numbers::parse(&self.input[at..end])),
            None => {
                let end = end_of_string(self.input, at)?;
                (end, Numbers::parse(decode(&self.input[at..end]).as_bytes()))
            }
        };
        node.numbers.merge(numbers.map_err(|kind| ParseError::at(at, kind))?);
        Ok(end + 1)
    }

    /// Reads a map from after its opening brace to after the closing one. Inlined, a level costs one call.
    #[inline(always)]
    fn map(&mut self, at: usize, node: &mut Node, depth: u32) -> Result<usize, ParseError> {
        let depth = deeper(at, depth)?;
        node.saw(ValueKind::M);
        let map = node.map.get_or_insert_with(|| Box::new(Map::Fields(Fields::default())));
        match &mut **map {
            Map::Folded(value) => self.folded(at, value, depth),
            Map::Fields(fields) => match self.fields(at, fields, depth) {
                Err(stop) if stop.is_wide() => self.folding(at, &stop, map, depth),
                end => end,
            },
        }
    }

    /// Reads a list from after its opening bracket to after the closing one.
    fn list(&mut self, mut at: usize, node: &mut Node, depth: u32) -> Result<usize, ParseError> {
        let depth = deeper(at, depth)?;
        node.saw(ValueKind::L);
        if let Some(end) = self.empty(at, b']') {
            return Ok(end);
        }
        let element = node.element.get_or_insert_with(|| self.state.element());
        loop {
            let value = if simd::chunk(self.input, at) == Some(b"{\"") { at + 2 } else { self.value(at)? };
            at = self.tagged(value, element, depth)?;
            match self.end_of_member(at, b']', "',' or ']' after a list element")? {
                Separator::Comma(after) => at = after,
                Separator::End(after) => return Ok(after),
            }
        }
    }

    /// Reads a set of `element`s from before its opening bracket to after the closing one.
    fn set(&mut self, at: usize, kind: ValueKind, element: ValueKind, node: &mut Node) -> Result<usize, ParseError> {
        node.saw(kind);
        let mut at = self.expect(at, b'[', "'[' after the type of a set")?;
        if let Some(end) = self.empty(at, b']') {
            return Ok(end);
        }
        let elements = node.element.get_or_insert_with(|| self.state.element());
        loop {
            at = self.expect(at, b'"', "a string as the element of a set")?;
            at = self.scalar(element, at, elements)?;
            match self.separator(at, b']', "',' or ']' after the element of a set")? {
                Separator::Comma(after) => at = after,
                Separator::End(after) => return Ok(after),
            }
        }
    }
}

fn deeper(at: usize, depth: u32) -> Result<u32, ParseError> {
    if depth == MAX_DEPTH { Err(ParseError::at(at, ReadErrorKind::TooDeep)) } else { Ok(depth + 1) }
}

fn kind_of(tag: &[u8]) -> Option<ValueKind> {
    Some(match tag {
        b"S" => ValueKind::S,
        b"N" => ValueKind::N,
        b"B" => ValueKind::B,
        b"BOOL" => ValueKind::Bool,
        b"NULL" => ValueKind::Null,
        b"M" => ValueKind::M,
        b"L" => ValueKind::L,
        b"SS" => ValueKind::Ss,
        b"NS" => ValueKind::Ns,
        b"BS" => ValueKind::Bs,
        _ => return None,
    })
}
