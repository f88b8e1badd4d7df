//! The body of a DynamoDB Scan response.

use crate::shape::Shape;

use super::ScanPage;
use super::cursor::{Parser, Separator};
use super::text::{decode, end_of_string};
use crate::error::{ParseError, ReadErrorKind};

/// How deep members may nest that are skipped: twice as deep as values, each of which is an object and its content.
const MAX_SKIPPED_DEPTH: u32 = 2 * 33;

impl Parser<'_> {
    /// Reads the whole body.
    pub(super) fn page(&mut self, shape: &mut Shape) -> Result<ScanPage, ParseError> {
        let before = shape.items;
        let (mut items, mut count, mut scanned, mut key, mut capacity) = (None, None, None, None, None);
        let end = self.members(0, &mut |parser, name, at| {
            let start = parser.space(at);
            let twice =
                |known: bool| if known { Err(ParseError::at(at, ReadErrorKind::DuplicateName)) } else { Ok(()) };
            match name {
                "Items" => {
                    twice(items.is_some())?;
                    items = Some(());
                    parser.items(start, shape)
                }
                "Count" | "ScannedCount" => {
                    let value = if name == "Count" { &mut count } else { &mut scanned };
                    twice(value.is_some())?;
                    let end = parser.skip(start, 0)?;
                    let number =
                        std::str::from_utf8(&parser.input[start..end]).ok().and_then(|text| text.parse::<u64>().ok());
                    *value = Some(number.ok_or_else(|| parser.unexpected(start, "a whole number"))?);
                    Ok(end)
                }
                "LastEvaluatedKey" => {
                    twice(key.is_some())?;
                    let end = parser.skip(start, 0)?;
                    match parser.input.get(start) {
                        Some(b'{') => key = Some(start..end),
                        Some(b'n') => {}
                        _ => return Err(parser.unexpected(start, "a key, which starts with '{'")),
                    }
                    Ok(end)
                }
                "ConsumedCapacity" => {
                    twice(capacity.is_some())?;
                    parser.capacity(start, &mut capacity)
                }
                _ => parser.skip(start, 0),
            }
        })?;
        let rest = self.space(end);
        if rest < self.input.len() {
            return Err(ParseError::at(rest, ReadErrorKind::Trailing));
        }
        let Some(count) = count else {
            return Err(ParseError::at(end, ReadErrorKind::Expected("a Scan response, which has a Count")));
        };
        if items.is_some() && count != shape.items - before {
            return Err(ParseError::at(end, ReadErrorKind::Count));
        }
        Ok(ScanPage {
            count,
            scanned_count: scanned.unwrap_or(count),
            last_evaluated_key: key,
            consumed_capacity: capacity,
        })
    }

    /// Reads the array of items; gives the place after it.
    fn items(&mut self, at: usize, shape: &mut Shape) -> Result<usize, ParseError> {
        let mut at = self.expect(at, b'[', "'[' before the items")?;
        if let Some(end) = self.empty(at, b']') {
            return Ok(end);
        }
        loop {
            let inner = self.expect(at, b'{', "an item, which starts with '{'")?;
            at = self.item(inner - 1, shape)?;
            match self.separator(at, b']', "',' or ']' after an item")? {
                Separator::Comma(after) => at = after,
                Separator::End(after) => return Ok(after),
            }
        }
    }

    fn capacity(&mut self, at: usize, capacity: &mut Option<f64>) -> Result<usize, ParseError> {
        if self.input.get(at) != Some(&b'{') {
            return self.skip(at, 0);
        }
        self.members(at, &mut |parser, name, at| {
            let start = parser.space(at);
            let end = parser.skip(start, 1)?;
            if name == "CapacityUnits" {
                let number = std::str::from_utf8(&parser.input[start..end])
                    .ok()
                    .and_then(|text| text.parse().ok())
                    .filter(|units: &f64| units.is_finite());
                *capacity = Some(number.ok_or_else(|| parser.unexpected(start, "a number"))?);
            }
            Ok(end)
        })
    }

    /// Gives each member's name and the place after its colon to `member`, which gives the place after the value.
    fn members(
        &mut self,
        at: usize,
        member: &mut dyn FnMut(&mut Self, &str, usize) -> Result<usize, ParseError>,
    ) -> Result<usize, ParseError> {
        let mut at = self.expect(at, b'{', "an object, which starts with '{'")?;
        if let Some(end) = self.empty(at, b'}') {
            return Ok(end);
        }
        loop {
            let open = self.expect(at, b'"', "a name in quotes")?;
            let end = end_of_string(self.input, open)?;
            let input = self.input;
            at = self.expect(end + 1, b':', "':' after a name")?;
            at = member(self, &decode(&input[open..end]), at)?;
            match self.separator(at, b'}', "',' or '}' after a member")? {
                Separator::Comma(after) => at = after,
                Separator::End(after) => return Ok(after),
            }
        }
    }

    /// Checks any JSON value at `at`; gives the place after it.
    pub(super) fn skip(&mut self, at: usize, depth: u32) -> Result<usize, ParseError> {
        if depth > MAX_SKIPPED_DEPTH {
            return Err(ParseError::at(at, ReadErrorKind::TooDeep));
        }
        let at = self.space(at);
        match self.input.get(at) {
            Some(b'{') => self.members(at, &mut |parser, _, at| parser.skip(at, depth + 1)),
            Some(b'[') => {
                let mut at = at + 1;
                if let Some(end) = self.empty(at, b']') {
                    return Ok(end);
                }
                loop {
                    at = self.skip(at, depth + 1)?;
                    match self.separator(at, b']', "',' or ']' after an element")? {
                        Separator::Comma(after) => at = after,
                        Separator::End(after) => return Ok(after),
                    }
                }
            }
            Some(b'"') => Ok(end_of_string(self.input, at + 1)? + 1),
            Some(b'-' | b'0'..=b'9') => self.skip_number(at),
            _ => [&b"true"[..], b"false", b"null"]
                .iter()
                .find_map(|word| self.literal(at, word))
                .ok_or_else(|| self.unexpected(at, "a JSON value")),
        }
    }

    /// JSON's own numbers: no leading zeros, digits on both sides of the point.
    fn skip_number(&self, at: usize) -> Result<usize, ParseError> {
        let digits = |at: usize| {
            let count = self.input[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            if count == 0 { Err(self.unexpected(at, "a digit")) } else { Ok(at + count) }
        };
        let byte = |at: usize| self.input.get(at).copied();
        let start = at + usize::from(byte(at) == Some(b'-'));
        let mut end = if byte(start) == Some(b'0') { start + 1 } else { digits(start)? };
        if byte(end) == Some(b'.') {
            end = digits(end + 1)?;
        }
        if let Some(b'e' | b'E') = byte(end) {
            let signed = usize::from(matches!(byte(end + 1), Some(b'+' | b'-')));
            end = digits(end + 1 + signed)?;
        }
        Ok(end)
    }
}
