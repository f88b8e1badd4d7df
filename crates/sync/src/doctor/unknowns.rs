//! What this account shows of the behaviour that AWS does not publish. The names are those of the local endpoint's switches
//! (docs/local.md), so that the findings can be reproduced there.

use aws_sdk_glue::types::{CrawlerHistoryState, Table};
use crawl::catalog::{self, Entry};
use crawl::{Clients, Error};
use serde::Serialize;

use crate::discover::Inventory;
use crate::naming;
use crate::settings::Settings;

/// The most tables that are examined, since each costs two calls.
const MAX_TABLES: usize = 20;

/// One thing that AWS does not publish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unknown {
    /// The name of its switch.
    pub name: &'static str,
    /// The position that this account shows; `None` if nothing does.
    pub position: Option<&'static str>,
    /// What was seen, or what would show it.
    pub says: String,
}

/// The switches that reading can't settle, and what would.
const NOT_BY_READING: [(&str, &str); 7] = [
    ("reader-denied", "read a table that has a schema reference, with a role that lacks glue:GetSchemaVersion"),
    ("sends-source-account", "crawl with a role whose trust policy requires aws:SourceAccount"),
    ("propagation", "see how long the first run waits for new roles"),
    ("running-crawlers", "Service Quotas has the quota of concurrent crawls"),
    ("start-limit-error", "start more crawlers than may run at once: the error is in the log"),
    ("roles", "iam:GetAccountSummary has the quota of roles"),
    ("crawlers", "Service Quotas has the quota of crawlers (L-11FA2C1A)"),
];

/// Whether the table's columns come from a schema version.
fn is_linked_by_reference(table: &Table) -> bool {
    Entry(table).reference().is_some()
}

/// Examines each switch in this account.
pub(super) async fn examine(clients: &Clients, settings: &Settings, inventory: &Inventory) -> Vec<Unknown> {
    let (mut unknowns, crawls) =
        tokio::join!(references(clients, settings, inventory), crawls(clients, settings, inventory));
    unknowns.extend(crawls);
    unknowns.extend(NOT_BY_READING.map(|(name, how)| unseen(name, how)));
    unknowns
}

fn unseen(name: &'static str, says: &str) -> Unknown {
    Unknown { name, position: None, says: says.to_owned() }
}

fn seen(name: &'static str, yes: bool, says: String) -> Unknown {
    Unknown { name, position: Some(if yes { "yes" } else { "no" }), says }
}

/// Whether GetTables and GetTable show the columns of a table with a reference.
async fn references(clients: &Clients, settings: &Settings, inventory: &Inventory) -> Vec<Unknown> {
    let (get, list) = ("get-shows-referenced", "list-shows-referenced");
    let Some(listed) = inventory.catalog.iter().find(|table| is_linked_by_reference(table)) else {
        let says = "no table has a schema reference";
        return vec![unseen(get, says), unseen(list, says)];
    };
    let count = |call: &str, table: &Table| {
        format!("{call} shows {} columns of {}", Entry(table).columns().len(), table.name())
    };
    let list = seen(list, !Entry(listed).columns().is_empty(), count("GetTables", listed));
    let get = match catalog::get(clients, &settings.database, listed.name()).await {
        Ok(Some(table)) => seen(get, !Entry(&table).columns().is_empty(), count("GetTable", &table)),
        Ok(None) => unseen(get, "the table with a reference no longer exists"),
        Err(error) => unseen(get, &error.message),
    };
    vec![get, list]
}

/// What one crawl did to a table that had been completed and linked before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Crawl {
    /// Whether it wrote the table although the column names are unchanged; `None` if they changed, or if unknown.
    rewrites: Option<bool>,
    /// Whether it kept the parameters that are not its own.
    parameters: Option<bool>,
    /// Whether it kept comments and descriptions; `None` if there were none.
    comments: Option<bool>,
    /// Whether it kept the schema reference; `None` if there was none.
    reference: Option<bool>,
}

/// Infers what the last crawls did from the tables' versions and the times of the crawls.
async fn crawls(clients: &Clients, settings: &Settings, inventory: &Inventory) -> Vec<Unknown> {
    let mut found: Vec<(String, Crawl)> = Vec::new();
    let mut refused = None;
    let ended = |name: &str| {
        let crawler = inventory.crawlers.get(name);
        crawler.is_some_and(|crawler| crawler.owned && !crawler.running && crawler.last_crawl.is_some())
    };
    let sources = inventory.sources().into_iter();
    let crawled = sources.map(|(source, table)| (naming::crawler(&settings.crawler_name, source), table));
    for (crawler, table) in crawled.filter(|(crawler, _)| ended(crawler)).take(MAX_TABLES) {
        match last_crawl(clients, settings, &crawler, table.name()).await {
            Ok(Some(crawl)) => found.push((table.name().to_owned(), crawl)),
            Ok(None) => {}
            Err(error) => refused = Some(error.message),
        }
    }
    // A single crawl is proof: one that wrote a table shows that crawls write, one that dropped something that they don't keep it.
    let told = |name: &'static str, decides: bool, what: &dyn Fn(&Crawl) -> Option<bool>| {
        let with = |wanted: bool| found.iter().find(|(_, crawl)| what(crawl) == Some(wanted));
        match with(decides).map(|of| (of, decides)).or_else(|| with(!decides).map(|of| (of, !decides))) {
            Some(((table, _), yes)) => seen(name, yes, format!("the last crawl of {table} shows it")),
            None => unseen(name, refused.as_deref().unwrap_or("no crawl of a table that was linked before shows it")),
        }
    };
    vec![
        told("crawl-rewrites", true, &|crawl| crawl.rewrites),
        told("crawl-keeps-parameters", false, &|crawl| crawl.parameters),
        told("crawl-keeps-comments", false, &|crawl| crawl.comments),
        told("crawl-keeps-reference", false, &|crawl| crawl.reference),
    ]
}

async fn last_crawl(
    clients: &Clients,
    settings: &Settings,
    crawler: &str,
    table: &str,
) -> Result<Option<Crawl>, Error> {
    let request = clients.glue.list_crawls().crawler_name(crawler).max_results(20);
    let crawls = request.send().await.map_err(Error::aws("glue:ListCrawls"))?.crawls.unwrap_or_default();
    let completed = crawls.iter().filter(|crawl| crawl.state() == Some(&CrawlerHistoryState::Completed));
    let times = completed
        .filter_map(|crawl| Some((crawl.start_time()?.to_millis().ok()?, crawl.end_time()?.to_millis().ok()?)));
    let Some((start, end)) = times.max() else { return Ok(None) };
    let request = clients.glue.get_table_versions().database_name(&settings.database).table_name(table).max_results(20);
    let versions =
        request.send().await.map_err(Error::aws("glue:GetTableVersions"))?.table_versions.unwrap_or_default();
    let versions: Vec<Table> = versions.into_iter().filter_map(|version| version.table).collect();
    Ok(what_it_did(&versions, start, end))
}

/// What a crawl from `start` to `end`, in milliseconds since 1970, did to the table with these versions. A version that was
/// written during the crawl is the crawler's, since a table is linked only afterwards.
fn what_it_did(versions: &[Table], start: i64, end: i64) -> Option<Crawl> {
    let mut versions: Vec<(i64, &Table)> =
        versions.iter().filter_map(|table| Some((table.update_time()?.to_millis().ok()?, table))).collect();
    versions.sort_by_key(|(written, _)| std::cmp::Reverse(*written));
    let before = versions.iter().find(|(written, _)| *written < start).map(|(_, table)| *table)?;
    Entry(before).link()?;
    let after = versions.iter().find(|(written, _)| (start..=end).contains(written)).map(|(_, table)| *table);
    let Some(after) = after else {
        // If the table was written since, the crawl's own version may have been replaced without being archived.
        let untouched = versions.first().is_some_and(|(written, _)| *written < start);
        return untouched.then(|| Crawl { rewrites: Some(false), ..Crawl::default() });
    };
    let names = |table: &Table| -> Vec<String> {
        let mut names: Vec<_> = Entry(table).columns().iter().map(|column| column.name().to_lowercase()).collect();
        names.sort();
        names
    };
    let commented = |table: &Table| {
        let text = |text: Option<&str>| text.is_some_and(|text| !text.is_empty());
        text(table.description()) || Entry(table).columns().iter().any(|column| text(column.comment()))
    };
    Some(Crawl {
        rewrites: (names(before) == names(after)).then_some(true),
        parameters: Some(Entry(after).link().is_some()),
        comments: commented(before).then(|| commented(after)),
        reference: is_linked_by_reference(before).then(|| is_linked_by_reference(after)),
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_glue::primitives::DateTime;
    use aws_sdk_glue::types::{Column, StorageDescriptor};

    use super::*;

    /// A version that was written at `second`, linked or not, with a comment or not.
    fn version(second: i64, linked: bool, comment: Option<&str>) -> Table {
        let column = Column::builder().name("id").set_comment(comment.map(str::to_owned)).build().unwrap();
        let descriptor = StorageDescriptor::builder().columns(column).build();
        let table = Table::builder().name("t").update_time(DateTime::from_secs(second)).storage_descriptor(descriptor);
        const LINK: [&str; 5] =
            ["schemaRegistryName", "schemaName", "schemaVersionId", "schemaVersionNumber", "schemaFingerprint"];
        let link = LINK.iter().filter(|_| linked);
        link.fold(table, |table, name| table.parameters(*name, "1")).build().unwrap()
    }

    #[test]
    fn the_versions_tell_what_a_crawl_did() {
        let did = |versions: &[Table]| what_it_did(versions, 100_000, 200_000);
        let undone = Crawl { rewrites: Some(true), parameters: Some(false), comments: Some(false), reference: None };
        let kept = Crawl { rewrites: Some(true), parameters: Some(true), comments: None, reference: None };
        let left = Crawl { rewrites: Some(false), ..Crawl::default() };
        let (old, new) = (|comment| version(50, true, comment), |linked| version(150, linked, None));
        assert_eq!(did(&[new(false), old(Some("c"))]), Some(undone.clone()), "before it is linked again");
        assert_eq!(did(&[version(300, true, None), new(false), old(Some("c"))]), Some(undone), "after");
        assert_eq!(did(&[new(true), old(None)]), Some(kept));
        assert_eq!(did(&[old(None)]), Some(left));
        assert_eq!(did(&[version(300, true, None), old(None)]), None, "what the crawl wrote may be gone");
        assert_eq!(did(&[new(false)]), None, "the first crawl of a table shows nothing");
        assert_eq!(did(&[new(false), version(50, false, None)]), None, "it was not linked before");
    }
}
