//! The fields of a map, and what the reader remembers to find them fast.

use std::fmt::{self, Debug, Formatter};

use wide::u8x32;

use super::Node;

/// A longer name, in bytes, makes every map fold that has it: what a place takes stays bounded.
pub(crate) const LONG_NAME: usize = 255;
/// The width of such a name: more than any number of names.
const TOO_WIDE: usize = 1 << 32;

/// Names, each with its Node.
#[derive(Clone)]
pub(crate) struct Fields {
    /// In the order of their first sight, which is the order in which items tend to have them.
    pub(crate) list: Vec<Field>,
    /// Indices into the list, in byte order of the names. Most maps are small: a tree would be larger than they are.
    by_name: Vec<u32>,
    /// How many names there are; see [`width`].
    pub(crate) width: usize,
    /// The fields that maps lately began with.
    pub(crate) first: Next,
    /// The fields found lately, each at one of the places that its name's number gives; a later one may take its place.
    lately: Vec<u32>,
}

impl Default for Fields {
    fn default() -> Self {
        Fields { list: Vec::new(), by_name: Vec::new(), width: 0, first: NO_NEXT, lately: Vec::new() }
    }
}

/// Indices into [`Fields::list`]: two guesses at the next field, the better one first.
pub(crate) type Next = [u32; 2];
const NO_NEXT: Next = [u32::MAX; 2];

/// A name and its Node, with what the reader remembers to find it fast.
#[derive(Clone)]
pub(crate) struct Field {
    /// `"name":{"`, to be compared in one go, if it fits and JSON spells the name so.
    pub(crate) run: Run,
    /// The fields that lately followed this one.
    pub(crate) next: Next,
    /// The number of the map that had this name last: a second time in one map is an error.
    pub(crate) seen: u64,
    pub(crate) name: Box<str>,
    pub(crate) value: Node,
}

/// A text of at most 32 bytes, or none.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    bytes: [u8; 32],
    /// A bit for each byte of the text.
    mask: u32,
    length: u32,
}

impl Run {
    /// A quote and 31 zeros. Input that has them at a name is refused for the first zero, taken for a name or for a type.
    const NONE: Run = {
        let mut bytes = [0; 32];
        bytes[0] = b'"';
        Run { bytes, mask: u32::MAX, length: 1 }
    };

    fn new(text: &[u8]) -> Run {
        let mut run = Run { bytes: [0; 32], mask: 0, length: text.len() as u32 };
        let Some(start) = run.bytes.get_mut(..text.len()) else {
            return Run::NONE;
        };
        start.copy_from_slice(text);
        run.mask = u32::MAX >> (32 - run.length);
        run
    }

    pub(crate) fn length(&self) -> usize {
        self.length as usize
    }

    /// Whether `text` starts with the run.
    #[inline(always)]
    pub(crate) fn starts(&self, text: &[u8; 32]) -> bool {
        let same = u8x32::new(*text).simd_eq(u8x32::new(self.bytes)).to_bitmask();
        !same & self.mask == 0
    }
}

impl Fields {
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.place(name).ok().and_then(|place| self.by_name.get(place)).map(|index| *index as usize)
    }

    /// What was seen under a name.
    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        self.find(name).and_then(|index| self.list.get(index)).map(|field| &field.value)
    }

    /// Where a name stands among the sorted ones, or would stand.
    fn place(&self, name: &str) -> Result<usize, usize> {
        self.by_name.binary_search_by(|index| (*self.list[*index as usize].name).cmp(name))
    }

    /// Adds a name that is not there yet.
    pub(crate) fn push(&mut self, name: &str, value: Node) -> usize {
        let index = self.list.len();
        let (Ok(place) | Err(place)) = self.place(name);
        // More names than u32 holds would take a terabyte of Nodes.
        self.by_name.insert(place, index as u32);
        self.width = self.width.saturating_add(width(name));
        if index == self.list.capacity() {
            // A half more: most maps have few names, and a Vec would begin with room for four.
            self.list.reserve_exact(index.div_ceil(2).max(1));
        }
        let spelled_so = !name.contains(|c: char| c == '"' || c == '\\' || c < ' ');
        let run = if spelled_so { Run::new(format!("\"{name}\":{{\"").as_bytes()) } else { Run::NONE };
        self.list.push(Field { run, next: NO_NEXT, seen: 0, name: name.into(), value });
        index
    }

    /// The fields that may have the name of that number.
    #[inline(always)]
    pub(crate) fn guesses(&self, number: u64) -> impl Iterator<Item = usize> {
        let places = places(number, self.lately.len());
        places.filter_map(|place| self.lately.get(place).map(|index| *index as usize))
    }

    /// Makes a field one of the guesses for a number.
    pub(crate) fn remember(&mut self, number: u64, index: usize) {
        if self.lately.len() < 4 * self.list.len() {
            self.lately = vec![u32::MAX; (4 * self.list.len()).next_power_of_two().max(4)];
        }
        let places = places(number, self.lately.len());
        let free = places.clone().find(|place| self.lately[*place] == u32::MAX);
        if let Some(place) = free.or_else(|| places.clone().next()) {
            self.lately[place] = index as u32;
        }
    }

    /// In byte order of the names.
    pub(crate) fn sorted(&self) -> impl ExactSizeIterator<Item = (&str, &Node)> {
        self.by_name.iter().map(|index| {
            let field = &self.list[*index as usize];
            (&*field.name, &field.value)
        })
    }

    pub(super) fn merge(&mut self, other: Fields, limit: usize) {
        for field in other.list {
            match self.find(&field.name) {
                Some(index) => self.list[index].value.merge(field.value, limit),
                None => {
                    self.push(&field.name, field.value);
                }
            }
        }
    }

    /// One Node of the values of all names.
    pub(crate) fn into_one(self, limit: usize) -> Node {
        let mut one = Node::default();
        for field in self.list {
            one.merge(field.value, limit);
        }
        one
    }
}

/// How many names a name counts for.
pub(crate) fn width(name: &str) -> usize {
    if name.len() > LONG_NAME { TOO_WIDE } else { 1 }
}

/// Where a number's guesses stand among so many, a power of two.
#[inline(always)]
fn places(number: u64, length: usize) -> impl Iterator<Item = usize> + Clone {
    (0..4).map(move |nth| (number as usize ^ nth) & length.wrapping_sub(1))
}

impl Debug for Fields {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.sorted()).finish()
    }
}
