//! The report of what a plan would do.

use crawl::options::DeleteBehavior;

use crate::discover::Inventory;
use crate::plan::{CrawlerChange, DatabaseChange, Plan, RoleChange, TablePlan, Vanished};
use crate::report::{Action, BEYOND_QUOTA, Outcome, Report, Row, TableReport};
use crate::settings::{BeyondQuota, Settings};
use crate::{ownership, registry};

/// The report of a run that has not begun: it covers the database and the quotas, and has no tables.
pub(crate) fn report(inventory: &Inventory, plan: &Plan, settings: &Settings) -> Report {
    Report {
        database_changed: plan.database != DatabaseChange::None,
        database_foreign: inventory.database.as_ref().is_some_and(|database| !ownership::is_own_database(database)),
        quotas: (plan.quotas.crawlers.needed + plan.quotas.roles.needed > 0).then(|| plan.quotas.clone()),
        ..Report::new(&inventory.account, &inventory.region, settings)
    }
}

/// Every table, with what a run would do for it.
pub(crate) fn tables(inventory: &Inventory, plan: &Plan, settings: &Settings) -> Vec<TableReport> {
    let sources = inventory.sources();
    let planned = plan.tables.iter().map(|table| {
        let mut row = Row::from(table);
        if let Some(crawler) = table.crawler.as_ref().filter(|c| c.change == CrawlerChange::Foreign) {
            return row.ended(Outcome::Failed, ownership::foreign_crawler(&crawler.name).message);
        }
        let mut reason = None;
        if table.beyond_quota {
            row.beyond_quota = true;
            match settings.beyond_quota {
                BeyondQuota::Defer => return row.ended(Outcome::Deferred, plan.quotas.reason()),
                BeyondQuota::Native => reason = Some(BEYOND_QUOTA.to_owned()),
            }
        }
        row.actions = actions(table, settings);
        if let Some(existing) = sources.get(table.table.as_str())
            && !registry::is_current(existing, settings).unwrap_or(false)
        {
            row.actions.push(Action::LinkSchema);
        }
        row.ended(Outcome::Planned, reason)
    });
    planned.chain(plan.vanished.iter().map(retired)).collect()
}

/// The row of a catalog table that is retired as the settings say.
pub(crate) fn retired(vanished: &Vanished) -> TableReport {
    let mut row = Row::new(&vanished.table, None);
    row.catalog_table.clone_from(&vanished.catalog_table);
    row.actions.push(match vanished.behavior {
        DeleteBehavior::DeleteFromDatabase => Action::DeleteTable,
        DeleteBehavior::DeprecateInDatabase | DeleteBehavior::Log => Action::DeprecateTable,
    });
    let reason =
        vanished.instead.as_ref().map(|name| format!("a second catalog table of it; {name} is the one kept in step"));
    row.ended(Outcome::Vanished, reason)
}

fn actions(table: &TablePlan, settings: &Settings) -> Vec<Action> {
    let mut actions = Vec::new();
    match &table.crawler {
        None => actions.push(Action::Crawl),
        Some(crawler) => {
            match crawler.role_change {
                RoleChange::None => {}
                RoleChange::Create => actions.push(Action::CreateRole),
                RoleChange::Repair => actions.push(Action::RepairRole),
            }
            match crawler.change {
                CrawlerChange::None => {}
                CrawlerChange::Create => actions.push(Action::CreateCrawler),
                CrawlerChange::Update => actions.push(Action::UpdateCrawler),
                // Nothing is done for a table whose crawler is somebody else's.
                CrawlerChange::Foreign => return actions,
            }
            if !settings.no_start && !crawler.running {
                actions.push(Action::StartCrawler);
            }
        }
    }
    if !table.catalogued && !settings.no_start {
        actions.push(Action::CreateTable);
    }
    actions
}

impl From<&TablePlan> for Row {
    fn from(plan: &TablePlan) -> Row {
        let mut row = Row::new(&plan.table, plan.crawler.as_ref().map(|crawler| crawler.name.clone()));
        row.catalog_table.clone_from(&plan.catalog_table);
        row
    }
}
