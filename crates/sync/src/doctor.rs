//! What can be seen of an installation without changing anything: what needs somebody's attention, and what this account
//! settles of what AWS does not publish ([`unknowns`]).

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

/// Crawlers of an account and region, unless AWS raised it
/// (<https://docs.aws.amazon.com/general/latest/gr/glue.html>). Old accounts have less.
const CRAWLERS: usize = 1000;
/// How many names a line tells.
const NAMED: usize = 5;

/// What an examination found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// The account, twelve digits.
    pub account: String,
    /// The region.
    pub region: String,
    /// What was looked at, in order.
    pub checks: Vec<Check>,
    /// What AWS does not publish, and what this account says of it.
    pub unknowns: Vec<Unknown>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name: `database`, `tables`, `crawlers`, `roles`, `boundary`, `quotas`, `catalog`.
    pub name: &'static str,
    /// How it is.
    pub state: State,
    /// What was seen, for people.
    pub says: String,
}

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Fine,
    /// Somebody should look at it, or a run has something to do.
    Attention,
    /// It could not be seen.
    Unseen,
}

impl Findings {
    /// Whether something needs attention.
    pub fn need_attention(&self) -> bool {
        self.checks.iter().any(|check| check.state == State::Attention)
    }
}

/// Looks at everything, and changes nothing. Its calls are listings, and a few for each of at most twenty tables.
///
/// # Errors
/// If a listing that a run needs too is refused. What else can't be seen is a line of the findings.
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
    let unknowns = unknowns::settle(clients, settings, &inventory).await;
    Ok(Findings { account: inventory.account, region: inventory.region, checks, unknowns })
}

fn check(name: &'static str, state: State, says: impl Into<String>) -> Check {
    Check { name, state, says: says.into() }
}

/// [`State::Attention`] if there is anything in `wrong`, which follows what is said anyway.
fn judged(name: &'static str, says: String, wrong: Vec<String>) -> Check {
    let state = if wrong.is_empty() { State::Fine } else { State::Attention };
    Check { name, state, says: [vec![says], wrong].concat().join("; ") }
}

fn database(inventory: &Inventory, plan: &Plan, settings: &Settings) -> Check {
    let name = &settings.database;
    let Some(database) = &inventory.database else {
        return check("database", State::Attention, format!("{name} does not exist: a run makes it"));
    };
    let owner = if ownership::is_own_database(database) { "is ours" } else { "was made by somebody else" };
    let wrong = match plan.database {
        DatabaseChange::Flag => vec![format!(
            "its location lacks {}, without which Athena's connector does not list it: a run adds that",
            plan::DATABASE_LOCATION
        )],
        _ => Vec::new(),
    };
    judged("database", format!("{name} {owner}"), wrong)
}

fn tables(inventory: &Inventory, plan: &Plan) -> Check {
    let (all, selected) = (inventory.tables.len(), plan.tables.len());
    let wrong = if selected == 0 { vec!["a run has nothing to do".to_owned()] } else { Vec::new() };
    judged("tables", format!("{selected} of {all} DynamoDB tables are selected"), wrong)
}

fn crawlers(inventory: &Inventory, plan: &Plan) -> Check {
    let with = |wanted: CrawlerChange| named(changes(plan).filter(|(_, change)| **change == wanted).map(|of| of.0));
    let failed = changes(plan).filter_map(|(name, _)| {
        let error = inventory.crawlers.get(name)?.last_error.as_deref()?;
        Some(format!("{name} ({error})"))
    });
    let owned = inventory.crawlers.values().filter(|crawler| crawler.owned).count();
    let foreign = inventory.crawlers.len() - owned;
    let wrong = [
        with(CrawlerChange::Create).map(|names| format!("a run makes {names}")),
        with(CrawlerChange::Update).map(|names| format!("set otherwise than a run sets them: {names}")),
        with(CrawlerChange::Foreign).map(|names| format!("of a name that we need, but somebody else's: {names}")),
        named(failed).map(|names| format!("failed in their last crawl: {names}")),
    ];
    let says = format!("{owned} are ours, {foreign} somebody else's");
    judged("crawlers", says, wrong.into_iter().flatten().collect())
}

fn roles(inventory: &Inventory, plan: &Plan) -> Check {
    let half_made = |name: &str| inventory.roles.get(name).is_some_and(|role| role.fingerprint.is_none());
    let with = |wanted: RoleChange| named(role_changes(plan).filter(|(_, change)| *change == wanted).map(|of| of.0));
    let wrong = [
        with(RoleChange::Create).map(|names| format!("a run makes {names}")),
        with(RoleChange::Repair).map(|names| format!("not as a run with these settings writes them: {names}")),
        named(role_changes(plan).map(|of| of.0).filter(|name| half_made(name)))
            .map(|names| format!("left half-made: {names}")),
    ];
    let says = format!("{} are under our path", inventory.roles.len());
    judged("roles", says, wrong.into_iter().flatten().collect())
}

/// ListRoles does not tell boundaries, so one role stands for all: a run makes them all alike.
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
        (None, None) => check("boundary", State::Fine, format!("none caps {name}, as these settings want it")),
        (found, Some(wanted)) => {
            let found = found.unwrap_or_else(|| "none".into());
            check("boundary", State::Attention, format!("{found} caps {name}, not {wanted}"))
        }
    }
}

async fn quotas(clients: &Clients, inventory: &Inventory, plan: &Plan) -> Check {
    let needed = changes(plan).filter(|(_, change)| **change == CrawlerChange::Create).count();
    let used = inventory.crawlers.len();
    let mut wrong = Vec::new();
    if used + needed > CRAWLERS {
        wrong.push("there are not enough crawlers for all tables (quota L-11FA2C1A of AWS Glue)".to_owned());
    }
    let mut says = format!("crawlers: {used} used, {needed} to be made, {CRAWLERS} by default");
    let summary = clients.iam.get_account_summary().send().await.map_err(Error::aws("iam:GetAccountSummary"));
    match summary.map(|answer| answer.summary_map.unwrap_or_default()) {
        Ok(summary) => {
            let told = |key| summary.get(&key).copied().unwrap_or_default();
            let (used, quota) = (told(SummaryKeyType::Roles), told(SummaryKeyType::RolesQuota));
            let needed = role_changes(plan).filter(|(_, change)| *change == RoleChange::Create).count();
            says += &format!("; roles: {used} used, {needed} to be made, {quota} allowed");
            if i64::from(used) + needed as i64 > i64::from(quota) {
                wrong.push("there are not enough roles for all tables (quota L-FE177D64 of IAM)".to_owned());
            }
        }
        Err(error) => says += &format!("; roles: {}", error.message),
    }
    judged("quotas", says, wrong)
}

fn catalog(inventory: &Inventory, plan: &Plan, settings: &Settings) -> Check {
    let sources = inventory.sources();
    let ours: Vec<_> = plan.tables.iter().filter_map(|table| sources.get(table.table.as_str()).copied()).collect();
    let without = |what: &dyn Fn(&&&aws_sdk_glue::types::Table) -> bool| {
        named(ours.iter().filter(|table| what(table)).map(|table| table.name().to_owned()))
    };
    let missing = plan.tables.iter().filter(|table| !sources.contains_key(table.table.as_str()));
    let wrong = [
        named(missing.map(|table| table.table.clone())).map(|names| format!("not crawled yet: {names}")),
        without(&|table| Entry(table).is_incomplete(settings.readers))
            .map(|names| format!("crawled but not completed: {names}")),
        without(&|table| !registry::is_current(table, settings).unwrap_or(false))
            .map(|names| format!("not linked to a schema of their columns: {names}")),
        without(&|table| Entry(table).columns().is_empty())
            .map(|names| format!("listed without columns, so that readers see none: {names}")),
    ];
    let referred = ours.iter().filter(|table| Entry(table).reference().is_some()).count();
    let says = format!("{} tables, {referred} of them with a schema reference", ours.len());
    judged("catalog", says, wrong.into_iter().flatten().collect())
}

/// Name and what it needs, of the crawler of each selected table.
fn changes(plan: &Plan) -> impl Iterator<Item = (&str, &CrawlerChange)> {
    let crawlers = plan.tables.iter().filter_map(|table| table.crawler.as_ref());
    crawlers.map(|crawler| (crawler.name.as_str(), &crawler.change))
}

fn role_changes(plan: &Plan) -> impl Iterator<Item = (&str, RoleChange)> {
    let crawlers = plan.tables.iter().filter_map(|table| table.crawler.as_ref());
    crawlers.map(|crawler| (crawler.role.as_str(), crawler.role_change))
}

/// The first names and how many more there are; `None` if there is none.
fn named(names: impl Iterator<Item = impl ToString>) -> Option<String> {
    let names: Vec<String> = names.map(|name| name.to_string()).collect();
    let more = names.len().saturating_sub(NAMED);
    let first = names[..names.len() - more].join(", ");
    match (names.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(first),
        (false, more) => Some(format!("{first} and {more} more")),
    }
}
