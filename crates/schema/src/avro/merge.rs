//! Widening: what an old schema says, and a new one too.

use std::collections::BTreeMap;

use crate::naming;

use super::model::{Branch, Field, Fixed, Record, Slot};
use super::{MAX_NAME, avro_name};

/// The bytes that 38 digits take.
const DECIMAL_SIZE: u64 = 16;
/// The digits of a 64-bit integer.
const LONG_DIGITS: u32 = 19;

/// The top: fields are columns, and those are known by name; a column's attribute may have become known since.
pub(super) fn records(previous: Record, new: Record) -> Record {
    merge_fields(previous, new, |old, new| old.name == new.name)
}

fn merge_fields(mut previous: Record, new: Record, same: impl Fn(&Field, &Field) -> bool) -> Record {
    let mut fields = Vec::with_capacity(new.fields.len());
    for field in new.fields {
        let old = previous.fields.iter().position(|old| same(old, &field));
        fields.push(match old.map(|index| previous.fields.remove(index)) {
            Some(old) => Field { attribute: field.attribute, ..merge_field(old, field.slot) },
            None => field,
        });
    }
    for mut gone in previous.fields {
        gone.slot.nullable = true;
        gone.nullable_by_default = true;
        fields.push(gone);
    }
    Record { fields, ..previous }
}

fn merge_field(mut old: Field, new: Slot) -> Field {
    old.slot.widen(new);
    old.nullable_by_default = true;
    old
}

impl Slot {
    fn widen(&mut self, new: Slot) {
        self.nullable |= new.nullable;
        for branch in new.branches {
            self.widen_by(branch);
        }
    }

    fn widen_by(&mut self, new: Branch) {
        if self.branches.contains(&new) {
            return;
        }
        let Some(new) = self.branches.iter_mut().try_fold(new, |new, old| old.take_in(new)) else {
            return;
        };
        let taken = new.kind().is_some_and(|kind| self.branches.iter().any(|old| old.kind() == Some(kind)));
        match new {
            Branch::Decimal { precision, scale, .. } if taken => {
                let fixed = Some(Fixed { full_name: None, size: DECIMAL_SIZE });
                self.branches.push(Branch::Decimal { precision, scale, fixed });
            }
            _ if taken => self.widen_by(Branch::Primitive("string")),
            new => self.branches.push(new),
        }
    }
}

impl Branch {
    /// Widens so that `new` is covered; gives it back if that can't be.
    fn take_in(&mut self, new: Branch) -> Option<Branch> {
        match (&mut *self, new) {
            (Branch::Array(old), Branch::Array(new)) | (Branch::Map(old), Branch::Map(new)) => {
                old.widen(new);
                None
            }
            (Branch::Record(old), Branch::Record(new)) => {
                let previous =
                    std::mem::replace(old, Record { full_name: None, fields: vec![], properties: BTreeMap::new() });
                *old = merge_fields(previous, new, |old, new| old.attribute == new.attribute);
                None
            }
            (
                Branch::Decimal { precision, scale, .. },
                Branch::Decimal { precision: new_precision, scale: new_scale, .. },
            ) if (*precision, *scale) == (new_precision, new_scale) => None,
            (Branch::Decimal { precision, scale, .. }, Branch::Primitive("int" | "long"))
                if *precision >= *scale + LONG_DIGITS =>
            {
                None
            }
            (Branch::Primitive(old), Branch::Primitive(new)) => match wider(old, new) {
                Some(wider) => {
                    *old = wider;
                    None
                }
                None => Some(Branch::Primitive(new)),
            },
            (_, new) => Some(new),
        }
    }
}

/// The number that the other can be promoted to. `float` holds fewer whole numbers than `int`.
fn wider(a: &str, b: &str) -> Option<&'static str> {
    match (a, b) {
        ("int", "int") => Some("int"),
        ("int" | "long", "int" | "long") => Some("long"),
        ("float", "float") => Some("float"),
        ("int" | "long" | "float" | "double", "int" | "long" | "float" | "double") => Some("double"),
        _ => None,
    }
}

/// Gives names to the fields that have none, beside those that have.
pub(super) fn name_fields(record: &mut Record) {
    let named = record.fields.iter().filter(|field| !field.name.is_empty());
    let given = named.map(|field| (field.attribute.clone(), field.name.clone())).collect();
    let attributes: Vec<String> = record.fields.iter().map(|field| field.attribute.clone()).collect();
    let names = naming::unique(attributes.iter().map(String::as_str), &given, MAX_NAME, "", avro_name);
    for field in record.fields.iter_mut().filter(|field| field.name.is_empty()) {
        field.name = names.get(&field.attribute).cloned().unwrap_or_default();
    }
}
