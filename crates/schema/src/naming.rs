//! Names in the catalog: folding, cutting to a limit, and telling apart what folds to one name.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

/// The longest name of a Glue column, in bytes.
pub const MAX_COLUMN: usize = 255;
/// The longest name of a Glue table, in bytes.
pub const MAX_TABLE: usize = 128;

/// `base` and `suffix` where they fit into `max` bytes; else `base` cut to fit, `_`, the first 8 hex digits of its SHA-256,
/// and `suffix`. `max` has to leave room for 9 bytes and the suffix.
///
/// ```
/// assert_eq!(schema::naming::bounded("orders", "_crawler", 64), "orders_crawler");
/// assert_eq!(schema::naming::bounded("a_rather_long_name", "_c", 16), "a_rat_f14608d6_c");
/// ```
pub fn bounded(base: &str, suffix: &str, max: usize) -> String {
    if base.len() + suffix.len() <= max {
        return format!("{base}{suffix}");
    }
    let room = max.saturating_sub(suffix.len() + 9);
    let cut = &base[..base.floor_char_boundary(room)];
    format!("{cut}_{}{suffix}", &sha256_hex(base)[..8])
}

/// The catalog name of a DynamoDB table: ASCII letters in lower case, every character outside `[a-z0-9_]` an underscore.
pub fn fold(name: &str) -> String {
    let folded: String = name
        .chars()
        .map(|c| c.to_ascii_lowercase())
        .map(|c| if matches!(c, 'a'..='z' | '0'..='9' | '_') { c } else { '_' })
        .collect();
    if folded.is_empty() { "_".to_owned() } else { folded }
}

/// The column name of an attribute: as [`fold`], with `_` in front of a leading digit, which Avro and Athena want.
pub fn column(attribute: &str) -> String {
    let folded = fold(attribute);
    if folded.starts_with(|c: char| c.is_ascii_digit()) { format!("_{folded}") } else { folded }
}

/// Whether Hive, Spark, Trino and Athena can all have a struct's field of that name without quotes: `[A-Za-z_][A-Za-z0-9_]*`.
/// Hive's `TypeInfoUtils` has no `-`; Spark's lexer takes `1.0`, `2025`, `1e5` and `10L` for numbers.
pub fn is_field(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether these can be the fields of one struct: each [`is_field`], no two alike but for case.
pub fn are_fields<'a>(names: impl IntoIterator<Item = &'a str>) -> bool {
    let mut lower = BTreeSet::new();
    names.into_iter().all(|name| is_field(name) && lower.insert(name.to_ascii_lowercase()))
}

/// A distinct name of at most `max` bytes for each of `names`.
///
/// - Names in `given` (source -> name) keep what they were given, unless that is empty, too long, or given twice. Names given
///   to sources that are gone stay reserved for them.
/// - Every other gets `prefix` and `fold(name)`, cut to `max`. Where several fold to one name, the source already spelled so
///   keeps it, else the byte-wise smallest; each other gets `_` and 8 hex digits of the source's SHA-256 behind it.
///
/// Names are told apart regardless of ASCII case. The result depends on the set of names, not on their order.
pub fn unique<'a>(
    names: impl IntoIterator<Item = &'a str>,
    given: &BTreeMap<String, String>,
    max: usize,
    prefix: &str,
    fold: impl Fn(&str) -> String,
) -> BTreeMap<String, String> {
    let mut taken = BTreeSet::new();
    let mut result = BTreeMap::new();
    for (source, name) in given {
        if !name.is_empty() && name.len() <= max && taken.insert(name.to_ascii_lowercase()) {
            result.insert(source.clone(), name.clone());
        }
    }
    let names: BTreeSet<&str> = names.into_iter().collect();
    let mut groups: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for name in names.iter().filter(|name| !result.contains_key(**name)) {
        groups.entry(bounded(&format!("{prefix}{}", fold(name)), "", max)).or_default().push(name);
    }
    // The plain names first: a source spelled like another's hashed name keeps its own.
    let mut rest = Vec::new();
    for (folded, sources) in groups {
        let spelled_so = sources.iter().position(|source| folded.strip_prefix(prefix) == Some(source)).unwrap_or(0);
        for (i, source) in sources.into_iter().enumerate() {
            if i == spelled_so && taken.insert(folded.to_ascii_lowercase()) {
                result.insert(source.to_owned(), folded.clone());
            } else {
                rest.push(source);
            }
        }
    }
    for source in rest {
        let (folded, hash) = (format!("{prefix}{}", fold(source)), sha256_hex(source));
        let mut digits = 8;
        let name = loop {
            let name = bounded(&folded, &format!("_{}", &hash[..digits]), max);
            if taken.insert(name.to_ascii_lowercase()) || digits == hash.len() {
                break name;
            }
            digits += 8;
        };
        result.insert(source.to_owned(), name);
    }
    result.retain(|source, _| names.contains(source.as_str()));
    result
}

/// 64 hex digits.
pub(crate) fn sha256_hex(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
