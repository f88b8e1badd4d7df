//! The serialised Shape.
//!
//! ```text
//! shape  = "DDBS" version=1 limit items bytes fields
//! fields = count (length name node)*                 names in byte order
//! node   = kinds count* numbers? element? map?       a bit and a count for each kind seen, in the order of ValueKind
//! numbers = integer_digits scale flags               if N was seen; flags: 1 beyond i64, 2 lossy
//! element = 0 | 1 node                               if L, SS, NS or BS was seen
//! map    = 0 fields | 1 node                         if M was seen; 1: folded
//! ```
//! Numbers are LEB128, but the three of `numbers`, which are bytes; `limit` is one more than the most names of an unfolded
//! map, or 0 for no limit. The same Shape gives the same bytes.

use crate::number::Numbers;

use super::{Fields, Map, Node, Shape, ValueKind};
use crate::error::MAX_PLACES;

const MAGIC: &[u8] = b"DDBS\x01";
/// The signature of every version; the byte after it is the version.
const SIGNATURE: &[u8] = b"DDBS";
/// Levels of nodes below an item: the attribute, and 32 of lists and maps.
const MAX_DEPTH: u32 = 33;

/// Bytes that are not a serialised Shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a serialised Shape that this release reads: {problem} at byte {offset}")]
pub struct ShapeBytesError {
    problem: &'static str,
    offset: usize,
}

impl Shape {
    /// Serialises the Shape: the same bytes for equal Shapes, readable by [`from_bytes`](Shape::from_bytes) of this and later
    /// releases. About 10 bytes and the name for each distinct place in the items.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        write_number(&mut out, if self.limit == usize::MAX { 0 } else { self.limit as u64 + 1 });
        write_number(&mut out, self.items);
        write_number(&mut out, self.bytes);
        write_fields(&mut out, &self.attributes);
        out
    }

    /// Reads what [`to_bytes`](Shape::to_bytes) wrote.
    ///
    /// # Errors
    /// For anything else, be it hostile: more places than a Shape may have included.
    pub fn from_bytes(bytes: &[u8]) -> Result<Shape, ShapeBytesError> {
        let mut input = Input { bytes, at: 0, places: 0 };
        if !bytes.starts_with(MAGIC) {
            return Err(input.error(match bytes.starts_with(SIGNATURE) && bytes.len() > SIGNATURE.len() {
                true => "the version of another release, which can read it",
                false => "no signature",
            }));
        }
        input.at = MAGIC.len();
        let limit =
            input.number()?.checked_sub(1).map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let (items, bytes_read) = (input.number()?, input.number()?);
        let attributes = input.fields(usize::MAX, MAX_DEPTH, limit)?;
        if input.at < bytes.len() {
            return Err(input.error("surplus bytes"));
        }
        Ok(Shape { attributes, limit, room: MAX_PLACES, items, bytes: bytes_read })
    }
}

fn write_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn write_fields(out: &mut Vec<u8>, fields: &Fields) {
    write_number(out, fields.list.len() as u64);
    for (name, node) in fields.sorted() {
        write_number(out, name.len() as u64);
        out.extend_from_slice(name.as_bytes());
        write_node(out, node);
    }
}

fn write_node(out: &mut Vec<u8>, node: &Node) {
    let seen: Vec<ValueKind> = ValueKind::ALL.into_iter().filter(|kind| node.count(*kind) > 0).collect();
    write_number(out, seen.iter().fold(0, |kinds, kind| kinds | 1 << *kind as u64));
    for kind in &seen {
        write_number(out, node.count(*kind));
    }
    if seen.contains(&ValueKind::N) {
        let Numbers { integer_digits, scale, beyond_i64, lossy } = node.numbers;
        out.extend_from_slice(&[integer_digits, scale, u8::from(beyond_i64) | u8::from(lossy) << 1]);
    }
    if seen.iter().any(|kind| has_elements(*kind)) {
        out.push(u8::from(node.element.is_some()));
        if let Some(element) = &node.element {
            write_node(out, element);
        }
    }
    match node.map.as_deref() {
        Some(Map::Fields(fields)) => {
            out.push(0);
            write_fields(out, fields);
        }
        Some(Map::Folded(value)) => {
            out.push(1);
            write_node(out, value);
        }
        None => {}
    }
}

fn has_elements(kind: ValueKind) -> bool {
    matches!(kind, ValueKind::L | ValueKind::Ss | ValueKind::Ns | ValueKind::Bs)
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Nodes that were read.
    places: u64,
}

impl<'a> Input<'a> {
    /// At most `most` names; `depth` levels of nodes are left.
    fn fields(&mut self, most: usize, depth: u32, limit: usize) -> Result<Fields, ShapeBytesError> {
        let count = self.number()?;
        if count > most as u64 {
            return Err(self.error("more names than the limit"));
        }
        let mut fields = Fields::default();
        let mut previous = None;
        for _ in 0..count {
            let length = usize::try_from(self.number()?).unwrap_or(usize::MAX);
            let name = std::str::from_utf8(self.take(length)?).map_err(|_| self.error("a name that is not UTF-8"))?;
            if previous.is_some_and(|previous| previous >= name) {
                return Err(self.error("names out of order"));
            }
            previous = Some(name);
            let node = self.node(depth, limit)?;
            fields.push(name, node);
        }
        // A map with a long name is folded, whatever the limit.
        if fields.width > most {
            return Err(self.error("more names than the limit"));
        }
        Ok(fields)
    }

    fn node(&mut self, depth: u32, limit: usize) -> Result<Node, ShapeBytesError> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(self.error("too many levels"));
        };
        self.places += 1;
        if self.places > MAX_PLACES {
            return Err(self.error("more places than a Shape may have"));
        }
        let kinds = self.number()?;
        if kinds == 0 || kinds >> ValueKind::ALL.len() != 0 {
            return Err(self.error("unknown types"));
        }
        let mut node = Node::default();
        let seen = |kind: ValueKind| kinds >> kind as u64 & 1 == 1;
        for kind in ValueKind::ALL.into_iter().filter(|kind| seen(*kind)) {
            let count = self.number()?;
            if count == 0 {
                return Err(self.error("a count of zero"));
            }
            node.add(kind, count);
        }
        if seen(ValueKind::N) {
            let [integer_digits, scale, flags] = [self.byte()?, self.byte()?, self.byte()?];
            if integer_digits > 126 || scale > 167 || flags > 3 {
                return Err(self.error("numbers out of range"));
            }
            node.numbers = Numbers { integer_digits, scale, beyond_i64: flags & 1 == 1, lossy: flags & 2 == 2 };
        }
        if ValueKind::ALL.into_iter().any(|kind| has_elements(kind) && seen(kind)) && self.flag()? {
            node.element = Some(Box::new(self.node(depth, limit)?));
        }
        if seen(ValueKind::M) {
            let folded = self.flag()?;
            let map = if folded {
                Map::Folded(self.node(depth, limit)?)
            } else {
                Map::Fields(self.fields(limit, depth, limit)?)
            };
            node.map = Some(Box::new(map));
        }
        Ok(node)
    }

    fn number(&mut self) -> Result<u64, ShapeBytesError> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits || (byte == 0 && shift > 0) {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.error("a number that is none"))
    }

    fn flag(&mut self) -> Result<bool, ShapeBytesError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.error("a flag that is none")),
        }
    }

    fn byte(&mut self) -> Result<u8, ShapeBytesError> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], ShapeBytesError> {
        let rest = &self.bytes[self.at..];
        let Some(taken) = rest.get(..length) else {
            return Err(self.error("the end"));
        };
        self.at += length;
        Ok(taken)
    }

    fn error(&self, problem: &'static str) -> ShapeBytesError {
        ShapeBytesError { problem, offset: self.at }
    }
}
