//! The members of items and maps.
//!
//! Items of a table tend to have the same attributes in the same order, so each field remembers what followed it: the next
//! name, its colon and the brace and quote behind are then one comparison with the bytes that stood there last time. All
//! other spellings (white space, escapes, names not seen before) take the general way and mean the same.

use crate::shape::{Field, Fields, Map, Next, Node, below, width};

use super::cursor::{Parser, Separator};
use super::text::{decode, end_of_plain_string, end_of_string};
use crate::error::{ParseError, ReadErrorKind};
use crate::simd::{self, chunk};

impl Parser<'_> {
    /// Reads the members of a map from after its opening brace to after the closing one.
    pub(super) fn fields(&mut self, mut at: usize, fields: &mut Fields, depth: u32) -> Result<usize, ParseError> {
        self.state.maps += 1;
        let map = self.state.maps;
        if let Some(end) = self.empty(at, b'}') {
            return Ok(end);
        }
        let mut previous = None;
        let mut next = fields.first;
        loop {
            let start = chunk(self.input, at);
            let mut index = next[0] as usize;
            let (field, value) = match fields.list.get_mut(index) {
                Some(field) if start.is_some_and(|start| field.run.starts(start)) => {
                    let value = at + field.run.length();
                    (field, value)
                }
                _ => {
                    let value;
                    (index, value) = self.other_field(at, fields, (previous, next), depth)?;
                    let Some(field) = fields.list.get_mut(index) else {
                        return Err(ParseError::at(at, ReadErrorKind::Expected("an attribute name")));
                    };
                    (field, value)
                }
            };
            if field.seen == map {
                return Err(ParseError::at(at, ReadErrorKind::DuplicateName));
            }
            field.seen = map;
            (previous, next) = (Some(index), field.next);
            at = self.tagged(value, &mut field.value, depth)?;
            match self.end_of_member(at, b'}', "',' or '}' after an attribute")? {
                Separator::Comma(after) => at = after,
                Separator::End(after) => return Ok(after),
            }
        }
    }

    #[inline(always)]
    pub(super) fn starts_with(&self, at: usize, field: &Field) -> Option<usize> {
        field.run.starts(chunk(self.input, at)?).then(|| field.run.length())
    }

    /// The field at `at`, which is not the one expected first, and the place after the quote that opens its type.
    #[inline(never)]
    fn other_field(
        &mut self,
        at: usize,
        fields: &mut Fields,
        (previous, next): (Option<usize>, Next),
        depth: u32,
    ) -> Result<(usize, usize), ParseError> {
        let second = next[1] as usize;
        let (index, value) = match fields.list.get(second).and_then(|field| self.starts_with(at, field)) {
            Some(length) => (second, at + length),
            None => match self.known(at, fields) {
                Some(found) => found,
                None => self.named(at, fields, depth)?,
            },
        };
        if next[0] as usize != index {
            *next_of_mut(fields, previous) = [index as u32, next[0]];
        }
        Ok((index, value))
    }

    /// The same for a field that was there before, in its usual spelling.
    #[inline(always)]
    fn known(&self, at: usize, fields: &Fields) -> Option<(usize, usize)> {
        let start: &[u8; 32] = chunk(self.input, at)?;
        let name = short_name(start)?;
        let mut guesses = fields.guesses(number_of(name));
        let index = guesses.find(|index| fields.list.get(*index).is_some_and(|field| field.run.starts(start)))?;
        // Not the run's length: the place is then known before the field is.
        Some((index, at + name.len() + "'':{'".len()))
    }

    /// The same for any field in any spelling, old or new.
    #[inline(never)]
    fn named(&mut self, at: usize, fields: &mut Fields, depth: u32) -> Result<(usize, usize), ParseError> {
        let open = self.expect(at, b'"', "an attribute name in quotes")?;
        let end = end_of_string(self.input, open)?;
        let raw = &self.input[open..end];
        let name = decode(raw);
        let index = match fields.find(&name) {
            Some(index) => index,
            None => self.added(at, &name, fields, depth)?,
        };
        // Only what is spelled as it is meant is found by its spelling.
        if name.as_bytes() == raw {
            fields.remember(number_of(raw), index);
        }
        Ok((index, self.type_of(end + 1)?))
    }

    fn added(&mut self, at: usize, name: &str, fields: &mut Fields, depth: u32) -> Result<usize, ParseError> {
        // Those of the item itself have a depth of 0.
        if depth > 0 && fields.width.saturating_add(width(name)) > self.limit {
            return Err(ParseError::wide(at));
        }
        self.state.places += 1;
        if self.state.places > self.state.max_places {
            return Err(ParseError::full(at));
        }
        Ok(fields.push(name, Node::default()))
    }

    /// Folds the map that begins at `start` and has, where the parser stopped, a name too many; reads on to after its end.
    #[cold]
    #[inline(never)]
    pub(super) fn folding(
        &mut self,
        start: usize,
        stop: &ParseError,
        map: &mut Map,
        depth: u32,
    ) -> Result<usize, ParseError> {
        let Map::Fields(fields) = map else { return Err(ParseError::at(start, ReadErrorKind::Expected("a map"))) };
        let fields = std::mem::take(fields);
        let before: u64 = fields.list.iter().map(|field| 1 + below(&field.value, 1).places).sum();
        let value = fields.into_one(self.limit);
        self.state.places = (self.state.places + 1 + below(&value, 1).places).saturating_sub(before);
        *map = Map::Folded(value);
        // The names before this one, which may not come again.
        let base = self.state.folded.names.len();
        let mut at = start;
        while at < stop.place() {
            let end = self.folded_name(at)?;
            let value = self.expect(end, b':', "':' after an attribute name")?;
            let end = self.skip(value, 0)?;
            at = match self.separator(end, b'}', "',' or '}' after an attribute")? {
                Separator::Comma(after) | Separator::End(after) => after,
            };
        }
        match map {
            Map::Folded(value) => self.folded_from(at, base, value, depth),
            Map::Fields(_) => Ok(at),
        }
    }

    /// Reads the members of a map that has given up its names.
    pub(super) fn folded(&mut self, at: usize, value: &mut Node, depth: u32) -> Result<usize, ParseError> {
        if let Some(end) = self.empty(at, b'}') {
            return Ok(end);
        }
        self.folded_from(at, self.state.folded.names.len(), value, depth)
    }

    /// The same from one of the members on; the names before it are noted from `base` on.
    #[inline(always)]
    fn folded_from(&mut self, mut at: usize, base: usize, value: &mut Node, depth: u32) -> Result<usize, ParseError> {
        loop {
            at = self.folded_name(at)?;
            at = self.type_of(at)?;
            at = self.tagged(at, value, depth)?;
            match self.end_of_member(at, b'}', "',' or '}' after an attribute")? {
                Separator::Comma(after) => at = after,
                Separator::End(after) => {
                    self.distinct(base)?;
                    return Ok(after);
                }
            }
        }
    }

    /// Notes the name at `at`; gives the place after its closing quote.
    #[inline(always)]
    fn folded_name(&mut self, at: usize) -> Result<usize, ParseError> {
        let open = self.expect(at, b'"', "an attribute name in quotes")?;
        let end = match end_of_plain_string(self.input, open) {
            Some(end) => {
                self.state.folded.numbers.push(number_of(&self.input[open..end]));
                end
            }
            None => {
                let end = end_of_string(self.input, open)?;
                let name = decode(&self.input[open..end]);
                self.state.folded.numbers.push(number_of(name.as_bytes()));
                end
            }
        };
        self.state.folded.names.push(open..end);
        Ok(end + 1)
    }

    /// Forgets the names of a folded map, if they differ.
    fn distinct(&mut self, base: usize) -> Result<(), ParseError> {
        let numbers = &mut self.state.folded.numbers[base..];
        numbers.sort_unstable();
        if numbers.windows(2).any(|pair| pair[0] == pair[1]) {
            let names = &self.state.folded.names[base..];
            let mut names: Vec<_> = names.iter().map(|raw| (decode(&self.input[raw.clone()]), raw.start)).collect();
            names.sort_unstable();
            if let Some(twice) = names.windows(2).find(|pair| pair[0].0 == pair[1].0) {
                return Err(ParseError::at(twice[1].1 - 1, ReadErrorKind::DuplicateName));
            }
        }
        self.state.folded.numbers.truncate(base);
        self.state.folded.names.truncate(base);
        Ok(())
    }
}

fn next_of_mut(fields: &mut Fields, previous: Option<usize>) -> &mut Next {
    match previous {
        Some(index) if index < fields.list.len() => &mut fields.list[index].next,
        _ => &mut fields.first,
    }
}

/// The name at the opening quote, if its closing one is among these bytes.
#[inline(always)]
fn short_name(text: &[u8; 32]) -> Option<&[u8]> {
    let (halves, _) = text.as_chunks();
    let quotes = halves.iter().rev().fold(0, |all, half| all << 16 | simd::quotes(half));
    text.get(1..1 + simd::first(quotes >> 1))
}

/// A number that equal names share and others hardly ever do.
#[inline(always)]
fn number_of(name: &[u8]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |number: u64, word: u64| {
        let product = u128::from(number ^ word) * u128::from(ODD);
        product as u64 ^ (product >> 64) as u64
    };
    let (words, rest) = name.as_chunks::<8>();
    let mut number = words.iter().fold(ODD ^ name.len() as u64, |number, word| mix(number, u64::from_le_bytes(*word)));
    // The last eight bytes, some of which may have been in already, are quicker than those that are left one by one.
    if !rest.is_empty() {
        number = mix(
            number,
            match name.last_chunk::<8>() {
                Some(word) => u64::from_le_bytes(*word),
                None => rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
            },
        );
    }
    number
}
