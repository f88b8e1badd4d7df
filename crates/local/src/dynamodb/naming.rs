//! What the names of files in a folder of tables say.

use std::collections::BTreeMap;

/// Endings of compressed files.
const PACKED: [&str; 3] = [".gz", ".zst", ".zstd"];
/// Endings of definitions. What comes before is the table's name.
const DEFINITIONS: [&str; 4] = [".json", ".yaml", ".yml", ".template"];

/// The table that a file is named after: the one with the longest name.
pub(super) fn owner<'n, T>(file: &'n str, tables: &BTreeMap<String, T>) -> Option<&'n str> {
    let stems = file.rmatch_indices('.').filter_map(|(dot, _)| file.get(..dot));
    std::iter::once(file).chain(stems).find(|stem| tables.contains_key(*stem))
}

/// A name without the ending of a compressed file.
pub(super) fn unpacked(file: &str) -> &str {
    PACKED.into_iter().find_map(|ending| without(file, ending)).unwrap_or(file)
}

/// The table that the file of a definition is named after.
pub(super) fn stem(file: &str) -> Option<&str> {
    let file = unpacked(file);
    DEFINITIONS.into_iter().find_map(|ending| without(file, ending))
}

/// What the name of a file with a definition says of its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    Json,
    Template,
}

/// What the name of a file says, if it is that of a definition.
pub(super) fn naming(file: &str) -> Option<Naming> {
    let ending = file.get(stem(file)?.len()..)?;
    let json = ending.get(..DEFINITIONS[0].len()).is_some_and(|start| start.eq_ignore_ascii_case(DEFINITIONS[0]));
    Some(if json { Naming::Json } else { Naming::Template })
}

/// A name without an ending, in upper or lower case.
pub(super) fn without<'n>(name: &'n str, ending: &str) -> Option<&'n str> {
    let (stem, end) = name.split_at_checked(name.len().checked_sub(ending.len())?)?;
    (!stem.is_empty() && end.eq_ignore_ascii_case(ending)).then_some(stem)
}
