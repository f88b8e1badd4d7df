//! The Shape: a mergeable, counted summary of items.

use std::fmt::{self, Debug, Formatter};

use crate::error::{MAX_PLACES, TooManyPlaces};
use crate::number::Numbers;

mod attributes;
mod bytes;
mod fields;
mod places;

pub use attributes::Attribute;
pub use bytes::ShapeBytesError;
pub(crate) use fields::{Field, Fields, Next, width};

pub(crate) use places::below;

/// What the items seen look like: for each place in them, how often each DynamoDB type stood there, the widths of its
/// numbers, and the same again for what maps, lists and sets hold. No value is kept.
///
/// A map with more distinct names than [`TypeOptions::max_struct_fields`](crate::TypeOptions::max_struct_fields) is folded: its values
/// share one summary; so is one with a name of over 255 bytes. The attributes of the items themselves are never folded.
///
/// A Shape that could need more than 40,000 places lowers the limit, to the highest with which it can't: see
/// [`merge`](Shape::merge).
///
/// A Shape depends only on the items, not on their order or on how they were divided among readers: [`merge`](Shape::merge) is
/// associative and commutative, with the empty Shape (`Default`) as identity. That holds for Shapes read with the same limit;
/// of two limits the lower one wins, as if all had been read with it.
///
/// # Memory
/// At most 40,000 places, whatever the number of items, of some 350 bytes each and the bytes of its name.
#[derive(Clone)]
pub struct Shape {
    pub(crate) attributes: Fields,
    pub(crate) limit: usize,
    /// The most places; see [`Shape::fit`].
    pub(crate) room: u64,
    pub(crate) items: u64,
    pub(crate) bytes: u64,
}

impl Default for Shape {
    fn default() -> Self {
        Shape::new(usize::MAX, MAX_PLACES)
    }
}

impl Shape {
    pub(crate) fn new(limit: usize, room: u64) -> Shape {
        Shape { attributes: Fields::default(), limit, room, items: 0, bytes: 0 }
    }

    /// The number of items.
    pub fn items(&self) -> u64 {
        self.items
    }

    /// The size of the items' JSON text, from brace to brace, in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds what another Shape saw.
    ///
    /// # Errors
    /// If the attributes of both are too many for one Shape, in whichever order they are merged; it is of no use afterwards.
    ///
    /// # Cost
    /// A walk over both; nothing depends on the number of items.
    pub fn merge(&mut self, mut other: Shape) -> Result<(), TooManyPlaces> {
        let limit = self.limit.min(other.limit);
        self.lower_limit(limit);
        other.lower_limit(limit);
        self.attributes.merge(other.attributes, limit);
        self.items = self.items.saturating_add(other.items);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.room = self.room.min(other.room);
        self.fit()
    }

    /// Whether the two differ in nothing but how often things were seen.
    ///
    /// # Cost
    /// A copy of both.
    pub fn differs_only_in_counts(&self, other: &Shape) -> bool {
        let outline = |shape: &Shape| {
            let mut outline = shape.clone();
            (outline.items, outline.bytes) = (0, 0);
            outline.attributes.list.iter_mut().for_each(|field| field.value.forget_counts());
            outline
        };
        outline(self) == outline(other)
    }

    /// The Shape that reading with a lower limit would have given.
    pub(crate) fn lower_limit(&mut self, limit: usize) {
        if limit < self.limit {
            self.limit = limit;
            for field in &mut self.attributes.list {
                field.value.fold(limit);
            }
        }
    }
}

impl PartialEq for Shape {
    fn eq(&self, other: &Self) -> bool {
        // The bytes are canonical; the fields of a map are not, they stand in the order of their first sight.
        self.to_bytes() == other.to_bytes()
    }
}

impl Debug for Shape {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shape")
            .field("items", &self.items)
            .field("bytes", &self.bytes)
            .field("attributes", &self.attributes)
            .finish()
    }
}

/// The types of DynamoDB attribute values, in the order of the serialised form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ValueKind {
    S,
    N,
    B,
    Bool,
    Null,
    M,
    L,
    Ss,
    Ns,
    Bs,
}

impl ValueKind {
    pub(crate) const ALL: [ValueKind; 10] = [
        ValueKind::S,
        ValueKind::N,
        ValueKind::B,
        ValueKind::Bool,
        ValueKind::Null,
        ValueKind::M,
        ValueKind::L,
        ValueKind::Ss,
        ValueKind::Ns,
        ValueKind::Bs,
    ];

    /// The word of DynamoDB JSON for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            ValueKind::S => "S",
            ValueKind::N => "N",
            ValueKind::B => "B",
            ValueKind::Bool => "BOOL",
            ValueKind::Null => "NULL",
            ValueKind::M => "M",
            ValueKind::L => "L",
            ValueKind::Ss => "SS",
            ValueKind::Ns => "NS",
            ValueKind::Bs => "BS",
        }
    }
}

/// One place in the items.
#[derive(Clone, Default)]
pub(crate) struct Node {
    /// How often each [`ValueKind`] was seen.
    counts: [u64; ValueKind::ALL.len()],
    /// Of all the numbers at this place.
    pub(crate) numbers: Numbers,
    /// Of all elements of lists and sets at this place, if there were any.
    pub(crate) element: Option<Box<Node>>,
    /// Of all maps at this place, if there were any.
    pub(crate) map: Option<Box<Map>>,
}

impl Node {
    pub(crate) fn count(&self, kind: ValueKind) -> u64 {
        self.counts[kind as usize]
    }

    /// The number of values, NULL aside.
    pub(crate) fn values(&self) -> u64 {
        ValueKind::ALL.iter().filter(|kind| **kind != ValueKind::Null).map(|kind| self.count(*kind)).sum()
    }

    /// Counts one value; the reader can't live to see 2^64.
    #[inline(always)]
    pub(crate) fn saw(&mut self, kind: ValueKind) {
        self.counts[kind as usize] += 1;
    }

    fn add(&mut self, kind: ValueKind, times: u64) {
        let count = &mut self.counts[kind as usize];
        *count = count.saturating_add(times);
    }

    fn merge(&mut self, other: Node, limit: usize) {
        for kind in ValueKind::ALL {
            self.add(kind, other.count(kind));
        }
        self.numbers.merge(other.numbers);
        match (&mut self.element, other.element) {
            (Some(mine), Some(theirs)) => mine.merge(*theirs, limit),
            (mine @ None, theirs) => *mine = theirs,
            (Some(_), None) => {}
        }
        match (&mut self.map, other.map) {
            (Some(mine), Some(theirs)) => mine.merge(*theirs, limit),
            (mine @ None, theirs) => *mine = theirs,
            (Some(_), None) => {}
        }
    }

    /// What was seen at all was seen once.
    fn forget_counts(&mut self) {
        self.counts.iter_mut().for_each(|count| *count = (*count).min(1));
        if let Some(element) = &mut self.element {
            element.forget_counts();
        }
        match self.map.as_deref_mut() {
            Some(Map::Fields(fields)) => fields.list.iter_mut().for_each(|field| field.value.forget_counts()),
            Some(Map::Folded(value)) => value.forget_counts(),
            None => {}
        }
    }

    /// Folds every map below with more than `limit` names.
    fn fold(&mut self, limit: usize) {
        if let Some(element) = &mut self.element {
            element.fold(limit);
        }
        if let Some(map) = &mut self.map {
            map.fold(limit);
            match &mut **map {
                Map::Folded(value) => value.fold(limit),
                Map::Fields(fields) => fields.list.iter_mut().for_each(|field| field.value.fold(limit)),
            }
        }
    }
}

impl Debug for Node {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for kind in ValueKind::ALL.into_iter().filter(|kind| self.count(*kind) > 0) {
            map.entry(&kind, &self.count(kind));
        }
        if self.count(ValueKind::N) > 0 {
            map.entry(&"numbers", &self.numbers);
        }
        if let Some(element) = &self.element {
            map.entry(&"element", element);
        }
        match self.map.as_deref() {
            Some(Map::Fields(fields)) => map.entry(&"fields", fields),
            Some(Map::Folded(value)) => map.entry(&"folded", value),
            None => &mut map,
        };
        map.finish()
    }
}

/// All maps of one place.
///
/// The state is a function of the set of values seen: folded exactly if they had more distinct names than the limit, or a
/// long one.
/// Merging Nodes gives the Node of all values of both, so folding before, after or between merges makes no difference.
#[derive(Clone)]
pub(crate) enum Map {
    /// One Node per name.
    Fields(Fields),
    /// One Node for the values of all names.
    Folded(Node),
}

impl Map {
    fn merge(&mut self, other: Map, limit: usize) {
        match (&mut *self, other) {
            (Map::Fields(mine), Map::Fields(theirs)) => {
                mine.merge(theirs, limit);
                self.fold(limit);
            }
            (Map::Folded(mine), Map::Folded(theirs)) => mine.merge(theirs, limit),
            (Map::Folded(mine), Map::Fields(theirs)) => mine.merge(theirs.into_one(limit), limit),
            (Map::Fields(mine), Map::Folded(mut theirs)) => {
                theirs.merge(std::mem::take(mine).into_one(limit), limit);
                *self = Map::Folded(theirs);
            }
        }
    }

    /// Gives up the names if there are more than `limit`.
    pub(crate) fn fold(&mut self, limit: usize) {
        if let Map::Fields(fields) = self
            && fields.width > limit
        {
            *self = Map::Folded(std::mem::take(fields).into_one(limit));
        }
    }
}
