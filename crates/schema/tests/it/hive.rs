//! What Hive and Spark parse, by their published rules; `make readers` runs their own parsers.
//!
//! Hive's `TypeInfoUtils` cuts a type into runs of letters, digits, `_`, `.`, space and `$`, and single signs between them. Spark's
//! `SqlBaseLexer` has as names runs of letters, digits and `_`, of which those with a digit first may be numbers (`1e5`, `10L`).

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::str::Chars;

use proptest::prelude::*;
use schema::{Dialect, TableSchema, TypeOptions};

use crate::generate;
use crate::reading::{policy, shape_of};

/// Whether both read all of `text` as one type.
fn parses(text: &str) -> bool {
    let mut rest = text.chars().peekable();
    read_type(&mut rest).is_some() && rest.next().is_none()
}

fn read_type(rest: &mut Peekable<Chars<'_>>) -> Option<()> {
    match word(rest).as_str() {
        "boolean" | "bigint" | "double" | "string" | "binary" | "tinyint" | "smallint" | "int" | "float" | "date"
        | "timestamp" => Some(()),
        "decimal" => {
            sign(rest, '(')?;
            let precision: u8 = word(rest).parse().ok()?;
            sign(rest, ',')?;
            let scale: u8 = word(rest).parse().ok()?;
            sign(rest, ')')?;
            (precision <= 38 && scale <= precision).then_some(())
        }
        "array" => {
            sign(rest, '<')?;
            read_type(rest)?;
            sign(rest, '>')
        }
        "map" => {
            sign(rest, '<')?;
            read_type(rest)?;
            sign(rest, ',')?;
            read_type(rest)?;
            sign(rest, '>')
        }
        "struct" => {
            sign(rest, '<')?;
            // Neither tells fields apart by case.
            let mut names = BTreeSet::new();
            loop {
                let name = word(rest).to_lowercase();
                let is_number = name.starts_with(|c: char| c.is_ascii_digit());
                if name.is_empty() || name.contains(['.', '$', ' ']) || is_number || !names.insert(name) {
                    return None;
                }
                sign(rest, ':')?;
                read_type(rest)?;
                if sign(rest, ',').is_none() {
                    return sign(rest, '>');
                }
            }
        }
        _ => None,
    }
}

fn word(rest: &mut Peekable<Chars<'_>>) -> String {
    let is_of_a_word = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '.' | ' ' | '$');
    std::iter::from_fn(|| rest.next_if(is_of_a_word)).collect()
}

fn sign(rest: &mut Peekable<Chars<'_>>, wanted: char) -> Option<()> {
    rest.next_if_eq(&wanted).map(|_| ())
}

#[test]
fn what_the_engines_were_seen_to_refuse() {
    for refused in [
        "struct<content-type:string>",
        "struct<2026-01-01:string>",
        "struct<2025:bigint>",
        "struct<1.0:string>",
        "struct<1e5:string>",
        "struct<10L:string>",
        "struct<a.b:string>",
        "struct<a\\:b:string>",
        "set<string>",
        "array<set<string>>",
    ] {
        assert!(!parses(refused), "{refused}");
    }
    for taken in ["struct<_1:decimal(38,2),timestamp:binary>", "map<string,array<struct<a:struct<b:bigint>>>>"] {
        assert!(parses(taken), "{taken}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_settled_type_parses(items in generate::items(), limit in 0..8usize) {
        let settle = |dialect| -> TableSchema {
            shape_of(&items, limit).settle(&[], &Default::default(), &TypeOptions { dialect, ..policy(limit) })
        };
        for column in settle(Dialect::Portable).columns {
            prop_assert!(parses(&column.glue_type.to_string()), "{}", column.glue_type);
        }
        // What AWS's crawler writes is completed.
        for column in settle(Dialect::Crawler).columns {
            let completed = column.glue_type.normalised().to_string();
            prop_assert!(parses(&completed), "{} of {}", completed, column.glue_type);
        }
    }
}
