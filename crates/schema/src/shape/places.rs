//! How much a Shape may hold.
//!
//! A Shape is as large as what the items have of distinct places: attributes, what lists hold, and the names of maps. Folding
//! makes it smaller, so of the same items a part may take more room than the whole, if it is the first to be read. What counts
//! is therefore not how large a Shape is but how large it can have been before its maps folded, whatever the order: that never
//! falls when items are added. So the highest limit with which it stays within bounds is the same for the same items, and can be
//! lowered step by step: what a part of them doesn't allow, the whole doesn't either.

use super::fields::LONG_NAME;
use super::{Fields, Map, Node, Shape, ValueKind};
use crate::error::TooManyPlaces;

impl Shape {
    /// Lowers the limit to the highest with which there can't have been more than [`MAX_PLACES`] at any time.
    pub(crate) fn fit(&mut self) -> Result<(), TooManyPlaces> {
        while self.max_places(self.limit) > self.room {
            // Down to the widest map nothing folds, and what folded maps can have been sinks with the limit.
            let widest =
                self.attributes.list.iter().map(|field| widest(&field.value)).max().unwrap_or(0).min(self.limit);
            if self.max_places(widest) <= self.room {
                let (mut fits, mut beyond) = (widest, self.limit);
                while beyond - fits > 1 {
                    let middle = fits + (beyond - fits) / 2;
                    if self.max_places(middle) <= self.room { fits = middle } else { beyond = middle }
                }
                self.limit = fits;
                return Ok(());
            }
            let limit = widest.checked_sub(1).ok_or(TooManyPlaces)?;
            self.lower_limit(limit);
        }
        Ok(())
    }

    /// How many places there are.
    pub(crate) fn places(&self) -> u64 {
        self.max_places(1)
    }

    /// How many there can have been, while maps had up to `limit` names.
    fn max_places(&self, limit: usize) -> u64 {
        let attribute = |name: &str| 1 + (name.len() / (LONG_NAME + 1)) as u64;
        let places = self
            .attributes
            .list
            .iter()
            .map(|field| attribute(&field.name).saturating_add(below(&field.value, limit).places));
        places.fold(0, u64::saturating_add)
    }
}

/// What is below a Node.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Below {
    /// Names and elements; of folded maps as many as there can have been, with up to `limit` names, before they folded.
    pub(crate) places: u64,
    /// Values that were seen there: in no order there were more places.
    values: u64,
}

/// With a limit of 1 the places are those that there are.
pub(crate) fn below(node: &Node, limit: usize) -> Below {
    let mut sum = Below::default();
    let mut add = |more: Below| {
        sum.places = sum.places.saturating_add(more.places);
        sum.values = sum.values.saturating_add(more.values);
    };
    if let Some(element) = &node.element {
        add(place(element, limit));
    }
    match node.map.as_deref() {
        None => {}
        Some(Map::Fields(Fields { list, .. })) => list.iter().for_each(|field| add(place(&field.value, limit))),
        Some(Map::Folded(value)) => {
            let Below { places, values } = place(value, limit);
            add(Below { places: places.saturating_mul(limit.max(1) as u64).min(values), values });
        }
    }
    sum
}

/// A Node and what is below it.
fn place(node: &Node, limit: usize) -> Below {
    let Below { places, values } = below(node, limit);
    let own = ValueKind::ALL.into_iter().fold(values, |sum, kind| sum.saturating_add(node.count(kind)));
    Below { places: places.saturating_add(1), values: own }
}

/// The most names of a map below that has not folded.
fn widest(node: &Node) -> usize {
    let element = node.element.as_deref().map_or(0, widest);
    let map = match node.map.as_deref() {
        None => 0,
        Some(Map::Fields(fields)) => {
            fields.list.iter().map(|field| widest(&field.value)).fold(fields.width, usize::max)
        }
        Some(Map::Folded(value)) => widest(value),
    };
    element.max(map)
}
