//! Which DynamoDB table a catalog table was made from.

use std::collections::BTreeMap;

use aws_sdk_glue::types::Table;

use super::entry::Entry;
use crate::naming;

/// DynamoDB table -> catalog table, of those in `catalog` made from a table of this account and region. Of several catalog
/// tables of one DynamoDB table, the one that a crawler made counts, else the first.
pub fn sources<'a>(catalog: &'a [Table], region: &str, account: &str) -> BTreeMap<&'a str, &'a Table> {
    by_source(catalog.iter().map(|table| (NamedTable::from(table), table)), region, account)
}

/// A catalog table as far as its name goes.
#[derive(Debug, Clone, Copy)]
pub struct NamedTable<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its location.
    pub location: Option<&'a str>,
    /// Whether a crawler made it.
    pub crawled: bool,
}

impl<'a> From<&'a Table> for NamedTable<'a> {
    fn from(table: &'a Table) -> Self {
        let entry = Entry(table);
        NamedTable { name: table.name(), location: entry.location(), crawled: entry.crawled_by().is_some() }
    }
}

/// The catalog names that are taken: DynamoDB table of this region and account -> catalog table. A catalog table that was
/// made from something else stands under a key of its own, so that nobody gets its name.
pub fn taken_names<'a>(
    catalog: impl IntoIterator<Item = NamedTable<'a>>,
    region: &str,
    account: &str,
) -> BTreeMap<String, String> {
    let catalog: Vec<NamedTable> = catalog.into_iter().collect();
    let sources = by_source(catalog.iter().map(|table| (*table, table.name)), region, account);
    let owners: BTreeMap<&str, &str> = sources.into_iter().map(|(source, name)| (name, source)).collect();
    // No DynamoDB table is called so: their names have no colon.
    let owner = |name: &str| owners.get(name).map_or_else(|| format!("catalog:{name}"), |source| (*source).to_owned());
    catalog.iter().map(|table| (owner(table.name), table.name.to_owned())).collect()
}

/// DynamoDB table -> what was made from it.
fn by_source<'a, T>(
    catalog: impl Iterator<Item = (NamedTable<'a>, T)>,
    region: &str,
    account: &str,
) -> BTreeMap<&'a str, T> {
    let here = naming::table_arn(region, account, "");
    let mut sources: BTreeMap<&str, (T, bool)> = BTreeMap::new();
    for (NamedTable { location, crawled, .. }, made) in catalog {
        let Some(source) = location.and_then(|location| location.strip_prefix(&here)) else { continue };
        if sources.get(source).is_none_or(|(_, other)| crawled && !other) {
            sources.insert(source, (made, crawled));
        }
    }
    sources.into_iter().map(|(source, (made, _))| (source, made)).collect()
}
