//! Examines an installation without changing anything: what needs attention, and what this account reveals of the behaviour
//! that AWS does not publish ([`unknowns`]).

pub mod unknowns;

use aws_sdk_iam::types::SummaryKeyType;
use crawl::catalog::Entry;
use crawl::{Clients, Error};
use serde::Serialize;

use crate::discover::{self, Inventory};
use crate::ownership;
use crate::plan::{self, CrawlerChange, DatabaseChange, Plan, RoleChange};
use crate::registry;
use crate::session::Session;
use crate::settings::{Engine, Settings};
use unknowns::Unknown;

/// The default quota of crawlers per account and region (<https://docs.aws.amazon.com/general/latest/gr/glue.html>). Old
/// accounts have less.
const CRAWLER_QUOTA: usize = 1000;
/// The number of names that a line lists before "and N more".
const MAX_NAMES: usize = 5;

/// What an examination found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// The account, twelve digits.
    pub account: String,
    /// The region.
    pub region: String,
    /// The checks, in order.
    pub checks: Vec<Check>,
    /// What AWS does not publish, and what this account shows of it.
    pub unknowns: Vec<Unknown>,
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name: `database`, `tables`, `crawlers`, `roles`, `boundary`, `quotas`, `catalog`.
    pub name: &'static str,
    /// Its result.
    pub state: State,
    /// What was found, for people.
    pub says: String,
}

/// The state of what a check examined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Fine,
    /// Somebody should look at it, or a run has something to do.
    Attention,
    /// It could not be examined.
    Unseen,
}

impl Findings {
    /// Whether something needs attention.
    pub fn need_attention(&self) -> bool {
        self.checks.iter().any(|check| check.state == State::Attention)
    }
}

/// Examines everything and changes nothing. It makes listings, and a few calls for each of at most twenty tables.
///
/// # Errors
/// If a listing that a run also needs is refused. Anything else that can't be examined becomes a line of the findings.
pub async fn examine(session: &Session<'_>) -> Result<Findings, Error> {
    let Session { clients, settings, .. } = session;
    let inventory = discover::discover(clients, settings).await?;
    let plan = plan::plan(&inventory, settings);
    let mut checks = vec![database(&inventory, &plan, settings), tables(&inventory, &plan)];
    if settings.engine == Engine::Managed {
        let (boundary, quotas) =
            tokio::join!(boundary(clients, settings, &inventory, &plan), quotas(clients, &inventory, &plan));
        checks.extend([crawlers(&inventory, &plan), roles(&inventory, &plan), boundary, quotas]);
    }
    checks.push(catalog(&inventory, &plan, settings));
    let unknowns = unknowns::examine(clients, settings, &inventory).await;
    Ok(Findings { account: inventory.account, region: inventory.region, checks, unknowns })
}

fn check(name: &'static str, state: State, says: impl Into<String>) -> Check {
    Check { name, state, says: says.into() }
}

/// [`State::Attention`] if there are `problems`, which are appended to `says`.
fn check_problems(name: &'static str, says: String, problems: Vec<String>) -> Check {
    let state = if problems.is_empty() { State::Fine } else { State::Attention };
    Check { name, state, says: [vec![says], problems].concat().join("; ") }
}

fn database(inventory: &Inventory, plan: &Plan, settings: &Settings) -> Check {
    let name = &settings.database;
    let Some(database) = &inventory.database else {
        return check("database", State::Attention, format!("{name} does not exist: a run creates it"));
    };
    let owner = if ownership::is_own_database(database) { "was created by a run" } else { "was not created by a run" };
    let problems = match plan.database {
        DatabaseChange::Flag => vec![format!(
            "its location lacks {}, without which Athena's connector does not list it: a run adds it",
            plan::DATABASE_LOCATION
        )],
        _ => Vec::new(),
    };
    check_problems("database", format!("{name} {owner}"), problems)
}

fn tables(inventory: &Inventory, plan: &Plan) -> Check {
    let (all, selected) = (inventory.tables.len(), plan.tables.len());
    let problems = if selected == 0 { vec!["a run has nothing to do".to_owned()] } else { Vec::new() };
    check_problems("tables", format!("{selected} of {all} DynamoDB tables are selected"), problems)
}

fn crawlers(inventory: &Inventory, plan: &Plan) -> Check {
    let with = |wanted: CrawlerChange| named(changes(plan).filter(|(_, change)| **change == wanted).map(|of| of.0));
    let failed = changes(plan).filter_map(|(name, _)| {
        let error = inventory.crawlers.get(name)?.last_error.as_deref()?;
        Some(format!("{name} ({error})"))
    });
    let owned = inventory.crawlers.values().filter(|crawler| crawler.owned).count();
    let foreign = inventory.crawlers.len() - owned;
    let problems = [
        with(CrawlerChange::Create).map(|names| format!("a run creates {names}")),
        with(CrawlerChange::Update).map(|names| format!("configured differently than by a run: {names}")),
        with(CrawlerChange::Foreign)
            .map(|names| format!("not created by a run, under a name that a run needs: {names}")),
        named(failed).map(|names| format!("last crawl failed: {names}")),
    ];
    let says = format!("{owned} created by runs, {foreign} others");
    check_problems("crawlers", says, problems.into_iter().flatten().collect())
}

fn roles(inventory: &Inventory, plan: &Plan) -> Check {
    let incomplete = |name: &str| inventory.roles.get(name).is_some_and(|role| role.fingerprint.is_none());
    let with = |wanted: RoleChange| named(role_changes(plan).filter(|(_, change)| *change == wanted).map(|of| of.0));
    let problems = [
        with(RoleChange::Create).map(|names| format!("a run creates {names}")),
        with(RoleChange::Repair).map(|names| format!("different from what these settings give: {names}")),
        named(role_changes(plan).map(|of| of.0).filter(|name| incomplete(name)))
            .map(|names| format!("left incomplete: {names}")),
    ];
    let says = format!("{} are under our path", inventory.roles.len());
    check_problems("roles", says, problems.into_iter().flatten().collect())
}

/// ListRoles does not return boundaries, so one role stands for all: a run creates them all alike.
async fn boundary(clients: &Clients, settings: &Settings, inventory: &Inventory, plan: &Plan) -> Check {
    let exists = |(name, _): &(&str, RoleChange)| inventory.roles.contains_key(*name);
    let Some((name, _)) = role_changes(plan).find(exists) else {
        return check("boundary", State::Unseen, "there is no role yet");
    };
    let role = match clients.iam.get_role().role_name(name).send().await.map_err(Error::aws("iam:GetRole")) {
        Ok(answer) => answer.role,
        Err(error) => return check("boundary", State::Unseen, error.message),
    };
    let capped = role.and_then(|role| role.permissions_boundary?.permissions_boundary_arn);
    match (capped, &settings.permissions_boundary) {
        (Some(found), Some(wanted)) if found == *wanted => {
            check("boundary", State::Fine, format!("{found} caps {name}"))
        }
        (Some(found), None) => check("boundary", State::Fine, format!("{found} caps {name}; these settings name none")),
        (None, None) => check("boundary", State::Fine, format!("none caps {name}, and these settings name none")),
        (found, Some(wanted)) => {
            let found = found.unwrap_or_else(|| "none".into());
            check("boundary", State::Attention, format!("{found} caps {name}, not {wanted}"))
        }
    }
}

async fn quotas(clients: &Clients, inventory: &Inventory, plan: &Plan) -> Check {
    let needed = changes(plan).filter(|(_, change)| **change == CrawlerChange::Create).count();
    let used = inventory.crawlers.len();
    let mut problems = Vec::new();
    if used + needed > CRAWLER_QUOTA {
        problems.push("too few crawlers for all tables (AWS Glue quota L-11FA2C1A)".to_owned());
    }
    let mut says = format!("crawlers: {used} used, {needed} to create, {CRAWLER_QUOTA} allowed by default");
    let summary = clients.iam.get_account_summary().send().await.map_err(Error::aws("iam:GetAccountSummary"));
    match summary.map(|answer| answer.summary_map.unwrap_or_default()) {
        Ok(summary) => {
            let count = |key| summary.get(&key).copied().unwrap_or_default();
            let (used, quota) = (count(SummaryKeyType::Roles), count(SummaryKeyType::RolesQuota));
            let needed = role_changes(plan).filter(|(_, change)| *change == RoleChange::Create).count();
            says += &format!("; roles: {used} used, {needed} to create, {quota} allowed");
            if i64::from(used) + needed as i64 > i64::from(quota) {
                problems.push("too few roles for all tables (IAM quota L-FE177D64)".to_owned());
            }
        }
        Err(error) => says += &format!("; roles: {}", error.message),
    }
    check_problems("quotas", says, problems)
}

fn catalog(inventory: &Inventory, plan: &Plan, settings: &Settings) -> Check {
    let sources = inventory.sources();
    let ours: Vec<_> = plan.tables.iter().filter_map(|table| sources.get(table.table.as_str()).copied()).collect();
    let without = |what: &dyn Fn(&&&aws_sdk_glue::types::Table) -> bool| {
        named(ours.iter().filter(|table| what(table)).map(|table| table.name().to_owned()))
    };
    let missing = plan.tables.iter().filter(|table| !sources.contains_key(table.table.as_str()));
    let problems = [
        named(missing.map(|table| table.table.clone())).map(|names| format!("not crawled yet: {names}")),
        without(&|table| Entry(table).is_incomplete(settings.readers))
            .map(|names| format!("crawled but not completed: {names}")),
        without(&|table| !registry::is_current(table, settings).unwrap_or(false))
            .map(|names| format!("not linked to a schema version with their columns: {names}")),
        without(&|table| Entry(table).columns().is_empty())
            .map(|names| format!("listed without columns, so readers see none: {names}")),
    ];
    let referred = ours.iter().filter(|table| Entry(table).reference().is_some()).count();
    let says = format!("{} tables, {referred} of them with a schema reference", ours.len());
    check_problems("catalog", says, problems.into_iter().flatten().collect())
}

/// The name of each selected table's crawler, and what that crawler needs.
fn changes(plan: &Plan) -> impl Iterator<Item = (&str, &CrawlerChange)> {
    let crawlers = plan.tables.iter().filter_map(|table| table.crawler.as_ref());
    crawlers.map(|crawler| (crawler.name.as_str(), &crawler.change))
}

fn role_changes(plan: &Plan) -> impl Iterator<Item = (&str, RoleChange)> {
    let crawlers = plan.tables.iter().filter_map(|table| table.crawler.as_ref());
    crawlers.map(|crawler| (crawler.role.as_str(), crawler.role_change))
}

/// The first names, and how many more there are; `None` if there are none.
fn named(names: impl Iterator<Item = impl ToString>) -> Option<String> {
    let names: Vec<String> = names.map(|name| name.to_string()).collect();
    let more = names.len().saturating_sub(MAX_NAMES);
    let first = names[..names.len() - more].join(", ");
    match (names.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(first),
        (false, more) => Some(format!("{first} and {more} more")),
    }
}
