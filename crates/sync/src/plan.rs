//! Step 2: work out the changes that would make the region right. Pure: the same inventory and settings give the same plan.
//! For a region that is right, the plan consists of crawls only.

mod quota;

use std::collections::BTreeSet;

use aws_sdk_glue::types::Table;
use crawl::catalog::Entry;
use crawl::options::{DeleteBehavior, UpdateBehavior};

use crate::discover::{CrawlerConfig, CrawlerInfo, Inventory, RoleInfo};
use crate::naming;
use crate::ownership;
use crate::policy::RoleScope;
use crate::settings::{Engine, Settings, Validated};
pub use quota::{Quota, Quotas};

/// The `LocationUri` without which the Athena DynamoDB connector does not list a database.
pub const DATABASE_LOCATION: &str = "dynamo-db-flag";

/// The changes that would make the region right, and the crawls that keep it so.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What the database needs.
    pub database: DatabaseChange,
    /// The selected tables in the order of starting: never crawled first, then the stalest. With the native engine: never
    /// catalogued first, then those that were cut off, then by the last write of their catalog table.
    pub tables: Vec<TablePlan>,
    /// Catalog tables whose DynamoDB table no longer exists.
    pub vanished: Vec<Vanished>,
    /// What the account's quotas leave.
    pub quotas: Quotas,
}

/// What the database needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseChange {
    /// Nothing.
    None,
    /// It does not exist.
    Create,
    /// It exists, but its location lacks [`DATABASE_LOCATION`], so the Athena connector would not list it.
    Flag,
}

/// What one table needs.
#[derive(Debug, Clone, PartialEq)]
pub struct TablePlan {
    /// The DynamoDB table.
    pub table: String,
    /// Its name in the catalog.
    pub catalog_table: String,
    /// Whether the catalog has it already.
    pub catalogued: bool,
    /// Its crawler and what that needs; `None` for the native engine, and beyond the quota.
    pub crawler: Option<CrawlerPlan>,
    /// Whether the account's quotas leave no crawler or no role for it.
    pub beyond_quota: bool,
}

/// What one crawler needs.
#[derive(Debug, Clone, PartialEq)]
pub struct CrawlerPlan {
    /// The crawler's name.
    pub name: String,
    /// The role's name.
    pub role: String,
    /// What the role needs.
    pub role_change: RoleChange,
    /// What the crawler needs.
    pub change: CrawlerChange,
    /// The configuration that the crawler should have.
    pub config: CrawlerConfig,
    /// Whether it is running already, so that there is nothing to start.
    pub running: bool,
}

/// What a role needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleChange {
    /// Nothing.
    None,
    /// It does not exist.
    Create,
    /// It was left incomplete, its documents differ from what we would write, or its last crawl was denied.
    Repair,
}

/// What a crawler needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CrawlerChange {
    /// Nothing.
    None,
    /// It does not exist.
    Create,
    /// It is ours, but its configuration differs.
    Update,
    /// Somebody else's crawler has the name: it is left alone.
    Foreign,
}

/// A catalog table that is of no use any more: its DynamoDB table no longer exists, or has another catalog table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vanished {
    /// The DynamoDB table.
    pub table: String,
    /// Its catalog table.
    pub catalog_table: String,
    /// The catalog table that its DynamoDB table has instead, if that exists.
    pub instead: Option<String>,
    /// What becomes of it; never [`DeleteBehavior::Log`].
    pub behavior: DeleteBehavior,
}

/// Compares the inventory with the settings.
pub fn plan(inventory: &Inventory, settings: &Validated) -> Plan {
    let selection = settings.selection();
    let catalog_names =
        crawl::naming::catalog_names(&inventory.tables, &inventory.taken_names(), &settings.table_prefix);
    let roles = naming::roles(&inventory.tables, &inventory.region);
    let role = |table: &str| roles.get(table).cloned().unwrap_or_default();
    let sources = inventory.sources();
    let mut tables: Vec<(Option<i64>, TablePlan)> = inventory
        .tables
        .iter()
        .filter(|table| selection.contains(table))
        .map(|table| {
            let crawler =
                (settings.engine == Engine::Managed).then(|| crawler_plan(inventory, settings, table, role(table)));
            let existing = sources.get(table.as_str());
            let last_crawl = match &crawler {
                Some(crawler) => inventory.crawlers.get(&crawler.name).and_then(|crawler| crawler.last_crawl),
                None => existing.map(|existing| last_written(existing)),
            };
            let catalog_table = catalog_names.get(table).cloned().unwrap_or_default();
            let catalogued = existing.is_some();
            (last_crawl, TablePlan { table: table.clone(), catalog_table, catalogued, crawler, beyond_quota: false })
        })
        .collect();
    // `None`, never crawled, sorts before any time. The sort is stable, so ties stay in order of name.
    tables.sort_by_key(|(last_crawl, _)| *last_crawl);
    let mut quotas = Quotas::new(inventory, settings);
    quotas.limit(tables.iter_mut().map(|(_, table)| table));
    // The native engine reads the tables beyond the quota, so their order depends on its own last crawl.
    for (last_crawl, table) in tables.iter_mut().filter(|(_, table)| table.beyond_quota) {
        *last_crawl = sources.get(table.table.as_str()).map(|existing| last_written(existing));
    }
    tables.sort_by_key(|(last_crawl, _)| *last_crawl);

    Plan {
        database: database_change(inventory),
        tables: tables.into_iter().map(|(_, table)| table).collect(),
        vanished: vanished(inventory, settings, |table| selection.contains(table)),
        quotas,
    }
}

/// When a native crawl last wrote the table, in milliseconds since 1970; 0 if the crawl was cut off.
fn last_written(table: &Table) -> i64 {
    match Entry(table).checkpoint() {
        Some(_) => 0,
        None => table.update_time().and_then(|time| time.to_millis().ok()).unwrap_or(0),
    }
}

fn database_change(inventory: &Inventory) -> DatabaseChange {
    match &inventory.database {
        None => DatabaseChange::Create,
        Some(database) if database.location_uri().is_some_and(|l| l.contains(DATABASE_LOCATION)) => {
            DatabaseChange::None
        }
        Some(_) => DatabaseChange::Flag,
    }
}

fn crawler_plan(inventory: &Inventory, settings: &Settings, table: &str, role: String) -> CrawlerPlan {
    let name = naming::crawler(&settings.crawler_name, table);
    let config = CrawlerConfig {
        role: role.clone(),
        database: settings.database.clone(),
        table_prefix: settings.table_prefix.clone(),
        targets: vec![(table.to_owned(), settings.scan_all, settings.scan_rate)],
        policy: (
            match settings.on_update {
                UpdateBehavior::Log => "LOG",
                UpdateBehavior::UpdateInDatabase => "UPDATE_IN_DATABASE",
            }
            .to_owned(),
            match settings.on_delete {
                DeleteBehavior::Log => "LOG",
                DeleteBehavior::DeleteFromDatabase => "DELETE_FROM_DATABASE",
                DeleteBehavior::DeprecateInDatabase => "DEPRECATE_IN_DATABASE",
            }
            .to_owned(),
        ),
    };
    let existing = inventory.crawlers.get(&name);
    let denied = existing.and_then(|crawler| crawler.last_error.as_deref()).is_some_and(is_denial);
    CrawlerPlan {
        role_change: role_change(inventory.roles.get(&role), &role_scope(inventory, settings, table), denied),
        change: crawler_change(existing, &config),
        running: existing.is_some_and(|crawler| crawler.running),
        name,
        role,
        config,
    }
}

/// The fingerprint in the description shows what we wrote, not whether somebody has changed it since. A denied crawl shows
/// that.
fn role_change(existing: Option<&RoleInfo>, scope: &RoleScope, denied: bool) -> RoleChange {
    match existing {
        None => RoleChange::Create,
        Some(role) if role.fingerprint.as_deref() == Some(&scope.fingerprint()) && !denied => RoleChange::None,
        Some(_) => RoleChange::Repair,
    }
}

/// Whether a crawl failed for lack of permission: somebody changed its role, or the role was too new.
fn is_denial(crawl_error: &str) -> bool {
    let error = crawl_error.to_lowercase();
    ["accessdenied", "access denied", "not authorized", "unable to assume"].iter().any(|text| error.contains(text))
}

fn crawler_change(existing: Option<&CrawlerInfo>, config: &CrawlerConfig) -> CrawlerChange {
    match existing {
        None => CrawlerChange::Create,
        Some(crawler) if !crawler.owned => CrawlerChange::Foreign,
        Some(crawler) if crawler.config == *config => CrawlerChange::None,
        Some(_) => CrawlerChange::Update,
    }
}

/// The scope of the role of `table`'s crawler.
pub(crate) fn role_scope<'a>(inventory: &'a Inventory, settings: &'a Settings, table: &'a str) -> RoleScope<'a> {
    RoleScope {
        region: &inventory.region,
        account: &inventory.account,
        table,
        database: &settings.database,
        managed_policy: settings.managed_policy,
        wide: settings.wide_roles,
        boundary: settings.permissions_boundary.as_deref(),
    }
}

/// The crawled catalog tables whose DynamoDB table, of this account and region, no longer exists, and second ones of a DynamoDB
/// table, where two crawls ended at once that chose different names. A second one counts only if this program or the table's own
/// crawler wrote it: whatever else people crawl into the database is theirs.
fn vanished(inventory: &Inventory, settings: &Settings, selected: impl Fn(&str) -> bool) -> Vec<Vanished> {
    if settings.on_delete == DeleteBehavior::Log {
        return Vec::new();
    }
    let present: BTreeSet<&str> = inventory.tables.iter().map(String::as_str).collect();
    let sources = inventory.sources();
    let judge = |catalog: &Table| {
        let entry = Entry(catalog);
        let table = inventory.source(catalog)?;
        let first = sources.get(table)?.name();
        let is_useless = match first == catalog.name() {
            true => !present.contains(table) && entry.crawled_by().is_some(),
            false => ownership::is_own_table(catalog, table, settings),
        };
        let is_marked = entry.is_deprecated() && settings.on_delete == DeleteBehavior::DeprecateInDatabase;
        (is_useless && !is_marked && selected(table)).then(|| Vanished {
            table: table.to_owned(),
            catalog_table: catalog.name().to_owned(),
            instead: present.contains(table).then(|| first.to_owned()),
            behavior: settings.on_delete,
        })
    };
    inventory.catalog.iter().filter_map(judge).collect()
}

#[cfg(test)]
mod tests;
