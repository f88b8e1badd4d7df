//! The one-pass parser of items.
//!
//! Items of a table tend to have the same attributes in the same order, so each field remembers what followed it: the next
//! name, its colon and the brace and quote behind are then one comparison with the bytes that stood there last time. All
//! other spellings (white space, escapes, names not seen before) take the general way and mean the same.

use crate::number::Numbers;
use crate::shape::{Field, Fields, Kind, Map, NO_NEXT, Next, Node, Shape};

use super::error::{ReadErrorKind, Stop};
use super::scan;
use super::text::{decode, end_of_string, is_base64};

/// Levels of lists and maps below an item that DynamoDB allows.
const MAX_DEPTH: u32 = 32;
/// A table that has more names than this is none that a schema helps with; their Nodes take a gigabyte.
const MAX_NAMES: usize = 4_000_000;

/// What outlives a chunk of input.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The number of the map being read, counted from 1.
    maps: u64,
    /// The names of the folded maps being read, innermost last.
    folded: Vec<FoldedName>,
    /// The names added to the Shape.
    names: usize,
}

/// A name in a folded map, as it stands in the input, behind a number that equal names share.
type FoldedName = (u64, std::ops::Range<usize>);

/// The input and where newlines are allowed in it.
pub(crate) struct Parser<'a> {
    pub(super) input: &'a [u8],
    /// Whether newlines are white space; else they end an item.
    newlines: bool,
    memory: &'a mut Memory,
    limit: usize,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(input: &'a [u8], newlines: bool, memory: &'a mut Memory, limit: usize) -> Self {
        memory.folded.clear();
        Parser { input, newlines, memory, limit }
    }

    /// Reads all lines of the input and gives their number (of newlines).
    pub(crate) fn lines(&mut self, shape: &mut Shape) -> Result<u64, Stop> {
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
                Some(_) => return Err(Stop::at(at, ReadErrorKind::Expected("an item, which starts with '{'"))),
            };
            match self.input.get(at) {
                None => return Ok(lines),
                Some(b'\n') => (at, lines) = (at + 1, lines + 1),
                Some(_) => return Err(Stop::at(at, ReadErrorKind::Trailing)),
            }
        }
    }

    /// Reads the item at the brace, bare or wrapped.
    fn line(&mut self, at: usize, shape: &mut Shape) -> Result<usize, Stop> {
        match self.wrapped(at, &shape.attributes) {
            None => self.item(at, shape),
            Some(inner) => {
                let end = self.item(inner, shape)?;
                self.expect(end, b'}', "'}' after the wrapped item")
            }
        }
    }

    /// Reads the item at the brace; gives the place after it.
    pub(super) fn item(&mut self, at: usize, shape: &mut Shape) -> Result<usize, Stop> {
        let end = self.fields(at + 1, &mut shape.attributes, 0)?;
        shape.items += 1;
        shape.bytes += (end - at) as u64;
        Ok(end)
    }

    /// The brace of the item inside of `{"Item":…}`, unless that is an item with an attribute `Item`.
    fn wrapped(&self, at: usize, attributes: &Fields) -> Option<usize> {
        const WRAPPER: &[u8] = b"{\"Item\":{";
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

    /// Reads the members of a map from after its opening brace to after the closing one.
    fn fields(&mut self, mut at: usize, fields: &mut Fields, depth: u32) -> Result<usize, Stop> {
        self.memory.maps += 1;
        let map = self.memory.maps;
        if let Some(end) = self.empty(at, b'}') {
            return Ok(end);
        }
        let mut previous = None;
        loop {
            let (index, value) = match self.predicted(at, fields, previous) {
                Some(found) => found,
                None => self.named(at, fields, previous)?,
            };
            let Some(field) = fields.list.get_mut(index) else {
                return Err(Stop::at(at, ReadErrorKind::Expected("an attribute name")));
            };
            if field.seen == map {
                return Err(Stop::at(at, ReadErrorKind::DuplicateName));
            }
            field.seen = map;
            at = self.tagged(value, &mut field.value, depth)?;
            previous = Some(index);
            match self.separator(at, b'}', "',' or '}' after an attribute")? {
                Separator::Comma(after) => at = after,
                Separator::End(after) => return Ok(after),
            }
        }
    }

    /// The field that was expected here and is; and the place after the quote that opens its type.
    #[inline(always)]
    fn predicted(&self, at: usize, fields: &mut Fields, previous: Option<usize>) -> Option<(usize, usize)> {
        let next = next_of(fields, previous);
        let [first, second] = next.map(|index| index as usize);
        if let Some(length) = fields.list.get(first).and_then(|field| self.starts_with(at, field)) {
            return Some((first, at + length));
        }
        let length = self.starts_with(at, fields.list.get(second)?)?;
        *next_of_mut(fields, previous) = [second as u32, first as u32];
        Some((second, at + length))
    }

    #[inline(always)]
    fn starts_with(&self, at: usize, field: &Field) -> Option<usize> {
        field.run.matches(self.input.get(at..)?.first_chunk()?)
    }

    /// The same for any field in any spelling, old or new.
    #[inline(never)]
    fn named(&mut self, at: usize, fields: &mut Fields, previous: Option<usize>) -> Result<(usize, usize), Stop> {
        let open = self.expect(at, b'"', "an attribute name in quotes")?;
        let end = end_of_string(self.input, open)?;
        let name = decode(&self.input[open..end]);
        let next = next_of(fields, previous);
        let mut expected = next.map(|index| index as usize).into_iter();
        let expected = expected.find(|index| fields.list.get(*index).is_some_and(|field| *field.name == *name));
        let index = match expected.or_else(|| fields.find(&name)) {
            Some(index) => index,
            None => {
                self.memory.names += 1;
                if self.memory.names > MAX_NAMES {
                    return Err(Stop::at(open, ReadErrorKind::TooManyNames));
                }
                fields.push(&name, Node::default())
            }
        };
        if next[0] as usize != index {
            *next_of_mut(fields, previous) = [index as u32, next[0]];
        }
        Ok((index, self.type_of(end + 1)?))
    }

    /// Reads the members of a map that has given up its names.
    fn folded(&mut self, mut at: usize, value: &mut Node, depth: u32) -> Result<usize, Stop> {
        if let Some(end) = self.empty(at, b'}') {
            return Ok(end);
        }
        let base = self.memory.folded.len();
        loop {
            let open = self.expect(at, b'"', "an attribute name in quotes")?;
            let end = end_of_string(self.input, open)?;
            self.memory.folded.push((fingerprint(&decode(&self.input[open..end])), open..end));
            at = self.type_of(end + 1)?;
            at = self.tagged(at, value, depth)?;
            match self.separator(at, b'}', "',' or '}' after an attribute")? {
                Separator::Comma(after) => at = after,
                Separator::End(after) => {
                    self.distinct(base)?;
                    return Ok(after);
                }
            }
        }
    }

    /// Forgets the names of a folded map, if they differ.
    fn distinct(&mut self, base: usize) -> Result<(), Stop> {
        let names = &mut self.memory.folded[base..];
        names.sort_unstable_by_key(|(fingerprint, name)| (*fingerprint, name.start));
        let text = |name: &std::ops::Range<usize>| decode(&self.input[name.clone()]);
        for alike in names.chunk_by(|a, b| a.0 == b.0).filter(|alike| alike.len() > 1) {
            let mut texts: Vec<_> = alike.iter().map(|(_, name)| (text(name), name.start)).collect();
            texts.sort_unstable();
            if let Some(twice) = texts.windows(2).find(|pair| pair[0].0 == pair[1].0) {
                return Err(Stop::at(twice[1].1, ReadErrorKind::DuplicateName));
            }
        }
        self.memory.folded.truncate(base);
        Ok(())
    }

    /// From the end of a name to after the quote that opens the type: `:{"`.
    #[inline(always)]
    fn type_of(&self, at: usize) -> Result<usize, Stop> {
        if self.input.get(at..).is_some_and(|rest| rest.starts_with(b":{\"")) {
            return Ok(at + 3);
        }
        let at = self.expect(at, b':', "':' after an attribute name")?;
        self.value(at)
    }

    /// From before the brace of an attribute value to after the quote that opens its type.
    fn value(&self, at: usize) -> Result<usize, Stop> {
        let at = self.expect(at, b'{', "an attribute value, which starts with '{'")?;
        let quote = self.space(at);
        if self.input.get(quote) == Some(&b'}') {
            return Err(Stop::at(quote, ReadErrorKind::NoType));
        }
        self.expect(quote, b'"', "a type in quotes")
    }

    /// Reads an attribute value from after the quote that opens its type to after its closing brace.
    #[inline(always)]
    fn tagged(&mut self, at: usize, node: &mut Node, depth: u32) -> Result<usize, Stop> {
        const STRING: u32 = u32::from_le_bytes(*b"S\":\"");
        const NUMBER: u32 = u32::from_le_bytes(*b"N\":\"");
        const MAP: u32 = u32::from_le_bytes(*b"M\":{");
        const LIST: u32 = u32::from_le_bytes(*b"L\":[");
        let start =
            self.input.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |start| u32::from_le_bytes(*start));
        let end = match start {
            STRING => {
                node.add(Kind::S, 1);
                end_of_string(self.input, at + 4)? + 1
            }
            NUMBER => self.number(at + 4, node)?,
            MAP => self.map(at + 4, node, depth)?,
            LIST => self.list(at + 4, node, depth)?,
            _ => self.other(at, node, depth)?,
        };
        if self.input.get(end) == Some(&b'}') { Ok(end + 1) } else { self.end_of_value(end) }
    }

    #[inline(never)]
    fn end_of_value(&self, at: usize) -> Result<usize, Stop> {
        let at = self.space(at);
        if self.input.get(at) == Some(&b',') {
            return Err(Stop::at(at, ReadErrorKind::TwoTypes));
        }
        self.expect(at, b'}', "'}' after an attribute value")
    }

    /// Reads a type, its colon and its content in any spelling.
    #[inline(never)]
    fn other(&mut self, at: usize, node: &mut Node, depth: u32) -> Result<usize, Stop> {
        let end = end_of_string(self.input, at)?;
        let kind = match &*decode(&self.input[at..end]) {
            "S" => Kind::S,
            "N" => Kind::N,
            "B" => Kind::B,
            "BOOL" => Kind::Bool,
            "NULL" => Kind::Null,
            "M" => Kind::M,
            "L" => Kind::L,
            "SS" => Kind::Ss,
            "NS" => Kind::Ns,
            "BS" => Kind::Bs,
            _ => return Err(Stop::at(at, ReadErrorKind::UnknownType)),
        };
        let at = self.expect(end + 1, b':', "':' after a type")?;
        match kind {
            Kind::S | Kind::N | Kind::B => {
                let at = self.expect(at, b'"', "a string after the type")?;
                self.scalar(kind, at, node)
            }
            Kind::Bool => {
                node.add(kind, 1);
                let at = self.space(at);
                self.literal(at, b"true")
                    .or_else(|| self.literal(at, b"false"))
                    .ok_or_else(|| self.unexpected(at, "true or false after BOOL"))
            }
            Kind::Null => {
                node.add(kind, 1);
                let at = self.space(at);
                self.literal(at, b"true").ok_or_else(|| self.unexpected(at, "true after NULL"))
            }
            Kind::M => {
                let at = self.expect(at, b'{', "'{' after the type M")?;
                self.map(at, node, depth)
            }
            Kind::L => {
                let at = self.expect(at, b'[', "'[' after the type L")?;
                self.list(at, node, depth)
            }
            Kind::Ss => self.set(at, kind, Kind::S, node),
            Kind::Ns => self.set(at, kind, Kind::N, node),
            Kind::Bs => self.set(at, kind, Kind::B, node),
        }
    }

    /// Reads a string, number or binary from after its opening quote to after the closing one.
    fn scalar(&mut self, kind: Kind, at: usize, node: &mut Node) -> Result<usize, Stop> {
        if kind == Kind::N {
            return self.number(at, node);
        }
        node.add(kind, 1);
        let end = end_of_string(self.input, at)?;
        if kind == Kind::B && !is_base64(&self.input[at..end]) {
            return Err(Stop::at(at, ReadErrorKind::Base64));
        }
        Ok(end + 1)
    }

    #[inline(always)]
    fn number(&mut self, at: usize, node: &mut Node) -> Result<usize, Stop> {
        node.add(Kind::N, 1);
        if let Some((length, numbers)) = scan::chunk(self.input, at).and_then(Numbers::short) {
            node.numbers.merge(numbers);
            return Ok(at + length + 1);
        }
        self.any_number(at, node)
    }

    #[inline(never)]
    fn any_number(&mut self, at: usize, node: &mut Node) -> Result<usize, Stop> {
        let end = end_of_string(self.input, at)?;
        let numbers = Numbers::of(decode(&self.input[at..end]).as_bytes()).map_err(|kind| Stop::at(at, kind))?;
        node.numbers.merge(numbers);
        Ok(end + 1)
    }

    /// Reads a map from after its opening brace to after the closing one.
    fn map(&mut self, at: usize, node: &mut Node, depth: u32) -> Result<usize, Stop> {
        let depth = deeper(at, depth)?;
        node.add(Kind::M, 1);
        let map = node.map.get_or_insert_with(|| Box::new(Map::Fields(Fields::default())));
        match &mut **map {
            Map::Folded(value) => self.folded(at, value, depth),
            Map::Fields(fields) => {
                let end = self.fields(at, fields, depth)?;
                // Not before the end of the map: until there, its fields tell which names it had.
                map.fold(self.limit);
                Ok(end)
            }
        }
    }

    /// Reads a list from after its opening bracket to after the closing one.
    fn list(&mut self, mut at: usize, node: &mut Node, depth: u32) -> Result<usize, Stop> {
        let depth = deeper(at, depth)?;
        node.add(Kind::L, 1);
        if let Some(end) = self.empty(at, b']') {
            return Ok(end);
        }
        let element = node.element.get_or_insert_default();
        loop {
            let value = if self.input.get(at..).is_some_and(|rest| rest.starts_with(b"{\"")) {
                at + 2
            } else {
                self.value(at)?
            };
            at = self.tagged(value, element, depth)?;
            match self.separator(at, b']', "',' or ']' after a list element")? {
                Separator::Comma(after) => at = after,
                Separator::End(after) => return Ok(after),
            }
        }
    }

    /// Reads a set of `element`s from before its opening bracket to after the closing one.
    fn set(&mut self, at: usize, kind: Kind, element: Kind, node: &mut Node) -> Result<usize, Stop> {
        node.add(kind, 1);
        let mut at = self.expect(at, b'[', "'[' after the type of a set")?;
        if let Some(end) = self.empty(at, b']') {
            return Ok(end);
        }
        let elements = node.element.get_or_insert_default();
        loop {
            at = self.expect(at, b'"', "a string as the element of a set")?;
            at = self.scalar(element, at, elements)?;
            match self.separator(at, b']', "',' or ']' after the element of a set")? {
                Separator::Comma(after) => at = after,
                Separator::End(after) => return Ok(after),
            }
        }
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
    pub(super) fn separator(&self, at: usize, close: u8, expected: &'static str) -> Result<Separator, Stop> {
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
    pub(super) fn expect(&self, at: usize, sign: u8, expected: &'static str) -> Result<usize, Stop> {
        let at = self.space(at);
        if self.input.get(at) == Some(&sign) { Ok(at + 1) } else { Err(self.unexpected(at, expected)) }
    }

    #[cold]
    pub(super) fn unexpected(&self, at: usize, expected: &'static str) -> Stop {
        match self.input.get(at) {
            None => Stop::at(self.input.len(), ReadErrorKind::Truncated),
            Some(b'\n') if !self.newlines => Stop::at(at, ReadErrorKind::Truncated),
            Some(_) => Stop::at(at, ReadErrorKind::Expected(expected)),
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

fn next_of(fields: &Fields, previous: Option<usize>) -> Next {
    match previous {
        None => fields.first,
        Some(index) => fields.list.get(index).map_or(NO_NEXT, |field| field.next),
    }
}

fn next_of_mut(fields: &mut Fields, previous: Option<usize>) -> &mut Next {
    match previous {
        Some(index) if index < fields.list.len() => &mut fields.list[index].next,
        _ => &mut fields.first,
    }
}

fn deeper(at: usize, depth: u32) -> Result<u32, Stop> {
    if depth == MAX_DEPTH { Err(Stop::at(at, ReadErrorKind::TooDeep)) } else { Ok(depth + 1) }
}

/// A number that equal names share and others hardly ever do.
fn fingerprint(name: &str) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    name.as_bytes().chunks(8).fold(name.len() as u64, |hash, chunk| {
        let word = chunk.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        let product = u128::from(hash ^ word ^ ODD) * u128::from(ODD);
        product as u64 ^ (product >> 64) as u64
    })
}
