//! The model to canonical text: compact JSON, keys in a fixed order.

use std::collections::BTreeSet;

use serde_json::Value;

use super::merge::name_fields;
use super::model::{Branch, Field, Properties, Record, Slot};
use super::{ATTRIBUTE, avro_name};

/// Names what has no name yet, and writes.
pub(super) fn definition(mut record: Record, name: &str, namespace: &str) -> String {
    let mut taken = BTreeSet::new();
    collect_record(&record, &mut taken);
    let namespace: Vec<String> = namespace.split('.').filter(|part| !part.is_empty()).map(avro_name).collect();
    let path = namespace.iter().chain([&avro_name(name)]).cloned().collect::<Vec<_>>().join(".");
    name_record(&mut record, path, &mut taken);
    let mut out = String::new();
    write_record(&mut out, &record);
    out
}

fn collect_record(record: &Record, taken: &mut BTreeSet<String>) {
    taken.extend(record.full_name.clone());
    record.fields.iter().for_each(|field| collect_slot(&field.slot, taken));
}

fn collect_slot(slot: &Slot, taken: &mut BTreeSet<String>) {
    for branch in &slot.branches {
        match branch {
            Branch::Record(record) => collect_record(record, taken),
            Branch::Array(slot) | Branch::Map(slot) => collect_slot(slot, taken),
            Branch::Decimal { fixed: Some(fixed), .. } => taken.extend(fixed.full_name.clone()),
            Branch::Other(name, _) => taken.extend(name.clone()),
            Branch::Primitive(_) | Branch::Logical(..) | Branch::Decimal { fixed: None, .. } => {}
        }
    }
}

fn name_record(record: &mut Record, path: String, taken: &mut BTreeSet<String>) {
    let full_name = record.full_name.get_or_insert_with(|| free_name(path, taken)).clone();
    name_fields(record);
    for Field { name, slot, .. } in &mut record.fields {
        name_slot(slot, &format!("{full_name}.{name}"), taken);
    }
}

/// Records are named after the path of fields to them, whatever lists and maps lie between.
fn name_slot(slot: &mut Slot, path: &str, taken: &mut BTreeSet<String>) {
    for branch in &mut slot.branches {
        match branch {
            Branch::Record(record) => name_record(record, path.to_owned(), taken),
            Branch::Array(slot) | Branch::Map(slot) => name_slot(slot, path, taken),
            Branch::Decimal { precision, scale, fixed: Some(fixed) } => {
                let path = format!("{path}_decimal_{precision}_{scale}");
                fixed.full_name.get_or_insert_with(|| free_name(path, taken));
            }
            _ => {}
        }
    }
}

/// A list of records may come to stand beside such a record, at one path.
fn free_name(path: String, taken: &mut BTreeSet<String>) -> String {
    let mut name = path.clone();
    let mut number = 2;
    while !taken.insert(name.clone()) {
        name = format!("{path}_{number}");
        number += 1;
    }
    name
}

fn write_record(out: &mut String, Record { full_name, fields, properties }: &Record) {
    write_named(out, "record", full_name.as_deref());
    write_properties(out, properties);
    out.push_str(",\"fields\":[");
    for (i, field) in fields.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str("{\"name\":");
        write_text(out, &field.name);
        out.push_str(",\"type\":");
        write_slot(out, &field.slot);
        if field.nullable_by_default {
            out.push_str(",\"default\":null");
        }
        if field.attribute != field.name {
            out.push_str(&format!(",\"{ATTRIBUTE}\":"));
            write_text(out, &field.attribute);
        }
        write_properties(out, &field.properties);
        out.push('}');
    }
    out.push_str("]}");
}

/// Opens an object. The namespace is always given: a nested type would else have that of the type around it.
fn write_named(out: &mut String, word: &str, full_name: Option<&str>) {
    let (namespace, name) =
        full_name.unwrap_or_default().rsplit_once('.').unwrap_or(("", full_name.unwrap_or_default()));
    out.push_str(&format!("{{\"type\":\"{word}\",\"name\":"));
    write_text(out, name);
    out.push_str(",\"namespace\":");
    write_text(out, namespace);
}

fn write_slot(out: &mut String, Slot { nullable, branches }: &Slot) {
    if let ([branch], false) = (&branches[..], nullable) {
        return write_branch(out, branch);
    }
    out.push('[');
    if *nullable {
        out.push_str("\"null\"");
    }
    for (i, branch) in branches.iter().enumerate() {
        if *nullable || i > 0 {
            out.push(',');
        }
        write_branch(out, branch);
    }
    out.push(']');
}

fn write_branch(out: &mut String, branch: &Branch) {
    match branch {
        Branch::Primitive(word) => write_text(out, word),
        Branch::Logical(word, logical) => {
            out.push_str(&format!("{{\"type\":\"{word}\",\"logicalType\":"));
            write_text(out, logical);
            out.push('}');
        }
        Branch::Decimal { precision, scale, fixed } => {
            match fixed {
                None => out.push_str("{\"type\":\"bytes\""),
                Some(fixed) => {
                    write_named(out, "fixed", fixed.full_name.as_deref());
                    out.push_str(&format!(",\"size\":{}", fixed.size));
                }
            }
            out.push_str(&format!(",\"logicalType\":\"decimal\",\"precision\":{precision},\"scale\":{scale}}}"));
        }
        Branch::Array(items) => {
            out.push_str("{\"type\":\"array\",\"items\":");
            write_slot(out, items);
            out.push('}');
        }
        Branch::Map(values) => {
            out.push_str("{\"type\":\"map\",\"values\":");
            write_slot(out, values);
            out.push('}');
        }
        Branch::Record(record) => write_record(out, record),
        Branch::Other(_, value) => out.push_str(&value.to_string()),
    }
}

fn write_properties(out: &mut String, properties: &Properties) {
    for (key, value) in properties {
        out.push(',');
        write_text(out, key);
        out.push(':');
        out.push_str(&value.to_string());
    }
}

fn write_text(out: &mut String, text: &str) {
    out.push_str(&Value::from(text).to_string());
}
