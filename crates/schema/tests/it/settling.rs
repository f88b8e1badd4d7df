//! The law of soundness: every item seen fits the settled schema.

use std::collections::BTreeMap;

use proptest::prelude::*;
use schema::{Baseline, Dialect, GlueType, NumberPolicy, TypeOptions, naming};

use crate::generate;
use crate::oracle::{Decimal, Item, Value};
use crate::reading::{policy, shape_of};

fn fits(value: &Value, glue_type: &GlueType, dialect: Dialect) -> bool {
    match (value, glue_type) {
        // Readers get the JSON text of what is no string.
        (Value::Null, _) | (_, GlueType::String) => true,
        // A number that no other type holds, in the crawler's dialect.
        (Value::N(_), GlueType::Double) if dialect == Dialect::Crawler => true,
        (Value::Bool(_), GlueType::Boolean) | (Value::B(_), GlueType::Binary) => true,
        (Value::N(text), glue_type) => number_fits(&Decimal::of(text).unwrap(), glue_type),
        (Value::Ss(_), GlueType::Set(element)) => **element == GlueType::String,
        (Value::Ns(set), GlueType::Set(element)) => {
            set.iter().all(|text| fits(&Value::N(text.clone()), element, dialect))
        }
        (Value::Bs(_), GlueType::Set(element)) => **element == GlueType::Binary,
        // A struct that the dialect can't spell.
        (Value::M(_), GlueType::Struct(fields)) if fields.is_empty() => true,
        (Value::L(list), GlueType::Array(element)) => list.iter().all(|value| fits(value, element, dialect)),
        (Value::Ss(set), GlueType::Array(element)) => set.is_empty() || **element == GlueType::String,
        (Value::Ns(set), GlueType::Array(element)) => {
            set.iter().all(|text| fits(&Value::N(text.clone()), element, dialect))
        }
        (Value::Bs(set), GlueType::Array(element)) => {
            set.iter().all(|bytes| fits(&Value::B(bytes.clone()), element, dialect))
        }
        (Value::M(map), GlueType::Map(_, value)) => map.values().all(|inner| fits(inner, value, dialect)),
        (Value::M(map), GlueType::Struct(fields)) => map.iter().all(|(name, value)| {
            let exact = fields.iter().find(|field| field.name == *name);
            let field = exact.or_else(|| fields.iter().find(|field| field.name.eq_ignore_ascii_case(name)));
            field.is_some_and(|field| fits(value, &field.glue_type, dialect))
        }),
        _ => false,
    }
}

fn number_fits(number: &Decimal, glue_type: &GlueType) -> bool {
    match glue_type {
        GlueType::BigInt => number.is_i64(),
        GlueType::Double => number.is_double(),
        GlueType::Decimal { precision, scale } => {
            number.scale() <= u64::from(*scale) && number.integer_digits() <= u64::from(precision - scale)
        }
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_item_seen_fits(items in generate::items(), limit in 0..8usize, decimal: bool, crawler: bool) {
        let numbers = if decimal { NumberPolicy::Decimal } else { NumberPolicy::Lossless };
        let dialect = if crawler { Dialect::Crawler } else { Dialect::Portable };
        let policy = TypeOptions { numbers, dialect, ..policy(limit) };
        let schema = shape_of(&items, limit).settle(&[], &BTreeMap::new(), &policy);
        let types: BTreeMap<_, _> = schema.columns.iter().map(|column| (&column.attribute, &column.glue_type)).collect();
        for (name, value) in items.iter().flatten() {
            prop_assert!(fits(value, types[name], dialect), "{value:?} in {}", types[name]);
        }
    }

    /// Items against the schema of others, of the catalog and of the registry: judged value by value.
    #[test]
    fn what_does_not_fit_is_told(old in generate::items(), new in generate::items(), limit in 0..8usize, crawler: bool) {
        let dialect = if crawler { Dialect::Crawler } else { Dialect::Portable };
        let options = TypeOptions { dialect, ..policy(limit) };
        let schema = shape_of(&old, limit).settle(&[], &BTreeMap::new(), &options);
        let is_column = |name: &str| {
            let exact = schema.columns.iter().find(|column| column.attribute == name);
            exact.or_else(|| schema.columns.iter().find(|column| column.name == column.attribute && column.name == naming::column(name)))
        };
        let all_fit = |items: &[Item]| items.iter().flatten().all(|(name, value)| {
            is_column(name).is_some_and(|column| fits(value, &column.glue_type, dialect))
        });
        let baseline = Baseline::new(schema.clone());
        let misfits = |items: &[Item]| baseline.misfits(&shape_of(items, 200), &options);
        prop_assert_eq!(misfits(&old), []);
        prop_assert_eq!(misfits(&new).is_empty(), all_fit(&new), "{:?}", misfits(&new));
        let registered = schema::avro::definition(&schema, "items", "test", None).unwrap();
        prop_assert_eq!(schema::avro::baseline(&registered).unwrap().misfits(&shape_of(&old, 200), &options), []);
    }

    /// Of parts that were read apart, in any order.
    #[test]
    fn what_was_merged_settles_as_what_was_read_at_once(a in generate::items(), b in generate::items(), limit in 0..8usize) {
        let both: Vec<_> = a.iter().chain(&b).cloned().collect();
        let mut merged = shape_of(&b, limit);
        merged.merge(shape_of(&a, limit)).unwrap();
        for dialect in [Dialect::Portable, Dialect::Crawler] {
            let settle = |shape: &schema::Shape, max| {
                shape.settle(&[], &BTreeMap::new(), &TypeOptions { dialect, ..policy(max) })
            };
            prop_assert_eq!(settle(&merged, limit), settle(&shape_of(&both, limit), limit));
            // Folded while reading or only when settling.
            prop_assert_eq!(settle(&shape_of(&both, 200), limit), settle(&merged, 200));
        }
    }

    #[test]
    fn columns_have_distinct_legal_names(items in generate::items()) {
        let schema = shape_of(&items, 200).settle(&[], &BTreeMap::new(), &policy(200));
        let mut names: Vec<&str> = schema.columns.iter().map(|column| column.name.as_str()).collect();
        for name in &names {
            prop_assert!(name.len() <= 255 && name.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_')), "{name}");
            prop_assert!(!name.starts_with(|c: char| c.is_ascii_digit()), "{name}");
        }
        names.sort_unstable();
        names.dedup();
        prop_assert_eq!(names.len(), schema.columns.len());
        // Given the names, the next crawl gives the same.
        let given: BTreeMap<_, _> = schema.columns.iter().map(|c| (c.attribute.clone(), c.name.clone())).collect();
        prop_assert_eq!(shape_of(&items, 200).settle(&[], &given, &policy(200)), schema);
    }
}
