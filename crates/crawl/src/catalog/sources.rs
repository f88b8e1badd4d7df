//! Which DynamoDB table a catalog table was made from.

use std::collections::BTreeMap;

use aws_sdk_glue::types::Table;

use super::entry::{UPDATED_BY, location, parameter};
use crate::naming;

/// DynamoDB table -> catalog table, of those in `catalog` made from a table of this account and region.
pub fn sources<'a>(catalog: &'a [Table], region: &str, account: &str) -> BTreeMap<&'a str, &'a Table> {
    by_source(catalog.iter().map(|table| (table, location(table), crawled(table))), region, account)
}

/// A catalog table as far as its name goes: the name, the location, and whether a crawler made it.
pub type Named<'a> = (&'a str, Option<&'a str>, bool);

/// The catalog names that are taken: DynamoDB table of this region and account -> catalog table. A catalog table that was
/// made from something else stands under a key of its own, so that nobody gets its name.
pub fn taken_names(catalog: &[Named], region: &str, account: &str) -> BTreeMap<String, String> {
    let sources = by_source(catalog.iter().map(|named| (named.0, named.1, named.2)), region, account);
    let owners: BTreeMap<&str, &str> = sources.into_iter().map(|(source, name)| (name, source)).collect();
    // No DynamoDB table is called so: their names have no colon.
    let owner = |name: &str| owners.get(name).map_or_else(|| format!("catalog:{name}"), |source| (*source).to_owned());
    catalog.iter().map(|(name, ..)| (owner(name), (*name).to_owned())).collect()
}

/// DynamoDB table -> what was made from it, of `(what, location, whether a crawler made it)`. Of several, the one that a
/// crawler made counts, else the first.
fn by_source<'a, T>(
    catalog: impl Iterator<Item = (T, Option<&'a str>, bool)>,
    region: &str,
    account: &str,
) -> BTreeMap<&'a str, T> {
    let here = naming::table_arn(region, account, "");
    let mut sources: BTreeMap<&str, (T, bool)> = BTreeMap::new();
    for (made, location, crawled) in catalog {
        let Some(source) = location.and_then(|location| location.strip_prefix(&here)) else { continue };
        if sources.get(source).is_none_or(|(_, other)| crawled && !other) {
            sources.insert(source, (made, crawled));
        }
    }
    sources.into_iter().map(|(source, (made, _))| (source, made)).collect()
}

/// A catalog table as far as its name goes.
pub fn named(table: &Table) -> Named<'_> {
    (table.name(), location(table), crawled(table))
}

fn crawled(table: &Table) -> bool {
    parameter(table, UPDATED_BY).is_some()
}

/// The DynamoDB table behind a catalog table, from its location ARN.
pub fn source_table(table: &Table) -> Option<&str> {
    let location = location(table)?;
    if location.starts_with("arn:") && location.contains(":dynamodb:") {
        location.split_once(":table/").map(|(_, name)| name)
    } else {
        None
    }
}
