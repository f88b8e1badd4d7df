//! Step 1: list what exists, in a fixed number of listings and never with a call per table.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_glue::types::{Crawler, CrawlerState, Database, LastCrawlStatus, Table};
use aws_sdk_iam::types::SummaryKeyType;
use crawl::error::Kind;
use crawl::export::{Export, unknown_keys};
use crawl::{Clients, Error, catalog};

use crate::ownership::OWNER_TAG;
use crate::settings::{Engine, Settings};
use crate::{naming, policy};

/// Everything that a plan depends on, as of when it was listed.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// The account, twelve digits.
    pub account: String,
    /// The region.
    pub region: String,
    /// The DynamoDB tables of the region, by name.
    pub tables: Vec<String>,
    /// The Glue database, if it exists.
    pub database: Option<Database>,
    /// All crawlers of the region by name, ours or not; empty for the native engine.
    pub crawlers: BTreeMap<String, CrawlerInfo>,
    /// The roles under [`naming::ROLE_PATH`] by name; empty for the native engine.
    pub roles: BTreeMap<String, RoleInfo>,
    /// The tables of the Glue database.
    pub catalog: Vec<Table>,
    /// The number of IAM roles in the account, and its quota; `None` if not looked up, or if IAM did not say.
    pub account_roles: Option<(usize, usize)>,
}

/// What a plan needs to know of a crawler.
#[derive(Debug, Clone, PartialEq)]
pub struct CrawlerInfo {
    /// Whether it carries our tag.
    pub owned: bool,
    /// Whether it is running or stopping.
    pub running: bool,
    /// Start of its last crawl, in milliseconds since 1970; `None` if it never crawled.
    pub last_crawl: Option<i64>,
    /// Why its last crawl failed, if it did.
    pub last_error: Option<String>,
    /// The part of it that we set.
    pub config: CrawlerConfig,
}

/// The part of a crawler that we set.
#[derive(Debug, Clone, PartialEq)]
pub struct CrawlerConfig {
    /// The name of its role, without path.
    pub role: String,
    /// The database it writes to.
    pub database: String,
    /// Its table prefix.
    pub table_prefix: String,
    /// Its DynamoDB targets: table, `scanAll` (unset is true), `scanRate`.
    pub targets: Vec<(String, bool, Option<f64>)>,
    /// `UpdateBehavior` and `DeleteBehavior`.
    pub policy: (String, String),
}

/// What a plan needs to know of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleInfo {
    /// Its ARN.
    pub arn: String,
    /// The fingerprint of its policy; `None` if the role is incomplete.
    pub fingerprint: Option<String>,
}

impl Inventory {
    /// The catalog tables of DynamoDB tables of this account and region, by DynamoDB table.
    pub fn sources(&self) -> BTreeMap<&str, &Table> {
        self.sources_in(&self.catalog)
    }

    /// The same for another listing of the catalog.
    ///
    /// If several catalog tables belong to one DynamoDB table, the one that a crawler created counts.
    pub fn sources_in<'a>(&self, catalog: &'a [Table]) -> BTreeMap<&'a str, &'a Table> {
        catalog::sources(catalog, &self.region, &self.account)
    }

    /// The DynamoDB table, of this account and region, that a catalog table was made from.
    pub fn source<'a>(&self, catalog: &'a Table) -> Option<&'a str> {
        self.sources_in(std::slice::from_ref(catalog)).into_keys().next()
    }

    /// The catalog names that are taken: see [`catalog::taken_names`].
    pub fn taken_names(&self) -> BTreeMap<String, String> {
        catalog::taken_names(self.catalog.iter().map(catalog::NamedTable::from), &self.region, &self.account)
    }

    /// Checks that an export belongs to this account and region. If DynamoDB no longer lists its table but the catalog has
    /// it, or a definition lies beside the items, adds the table: its keys are known then.
    pub(crate) fn admit(&mut self, export: &Export) -> Result<(), Error> {
        if let Some((account, region, name)) = export.exported()
            && (account, region) != (&self.account, &self.region)
        {
            let message = format!(
                "the export is of the table {name} in {region} of account {account}, and this catalog is in {} of account {}: \
                 use its region and a profile of its account, or name the table to read it for",
                self.region, self.account
            );
            return Err(Error::new(Kind::Conflict, message));
        }
        let table = export.table().to_owned();
        if !self.tables.contains(&table) {
            if !self.sources().contains_key(table.as_str()) && export.keys().is_empty() {
                return Err(unknown_keys(&table, &self.region));
            }
            self.tables.push(table);
            self.tables.sort();
        }
        Ok(())
    }
}

/// Lists what the plan needs. The listings run concurrently.
///
/// # Errors
/// If a listing is refused or gets no answer. A plan is safe only with all of them.
pub async fn discover(clients: &Clients, settings: &Settings) -> Result<Inventory, Error> {
    let crawlers = async {
        match settings.engine {
            Engine::Managed => list_crawlers(clients).await,
            Engine::Native => Ok(BTreeMap::new()),
        }
    };
    let roles = async {
        match settings.engine {
            Engine::Managed => list_roles(clients).await,
            Engine::Native => Ok(BTreeMap::new()),
        }
    };
    let (account, tables, (database, catalog), crawlers, roles) = tokio::try_join!(
        get_account(clients),
        crawl::dynamodb::tables(clients),
        get_catalog(clients, &settings.database),
        crawlers,
        roles
    )?;
    let region = clients.region.clone();
    Ok(Inventory { account, region, tables, database, crawlers, roles, catalog, account_roles: None })
}

/// The account of the credentials.
///
/// # Errors
/// If STS refuses them.
pub async fn get_account(clients: &Clients) -> Result<String, Error> {
    let identity = clients.sts.get_caller_identity().send().await.map_err(Error::aws("sts:GetCallerIdentity"))?;
    Ok(identity.account.unwrap_or_default())
}

async fn get_catalog(clients: &Clients, name: &str) -> Result<(Option<Database>, Vec<Table>), Error> {
    match get_database(clients, name).await? {
        None => Ok((None, Vec::new())),
        found => Ok((found, catalog::list(clients, name).await?)),
    }
}

/// A Glue database, if it exists.
///
/// # Errors
/// If Glue refuses or does not answer.
pub(crate) async fn get_database(clients: &Clients, name: &str) -> Result<Option<Database>, Error> {
    match clients.glue.get_database().name(name).send().await.map_err(Error::aws("glue:GetDatabase")) {
        Ok(answer) => Ok(answer.database),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// All crawlers of the region by name, ours or not.
///
/// # Errors
/// If Glue refuses or does not answer.
pub(crate) async fn list_crawlers(clients: &Clients) -> Result<BTreeMap<String, CrawlerInfo>, Error> {
    let owned = async {
        let mut pages =
            clients.glue.list_crawlers().tags(OWNER_TAG.0, OWNER_TAG.1).max_results(1000).into_paginator().send();
        let mut names = BTreeSet::new();
        while let Some(page) = pages.next().await {
            names.extend(page.map_err(Error::aws("glue:ListCrawlers"))?.crawler_names.unwrap_or_default());
        }
        Ok(names)
    };
    let all = async {
        let mut pages = clients.glue.get_crawlers().max_results(1000).into_paginator().send();
        let mut crawlers = Vec::new();
        while let Some(page) = pages.next().await {
            crawlers.extend(page.map_err(Error::aws("glue:GetCrawlers"))?.crawlers.unwrap_or_default());
        }
        Ok(crawlers)
    };
    let (owned, all) = tokio::try_join!(owned, all)?;
    Ok(all
        .into_iter()
        .filter_map(|crawler| {
            let name = crawler.name.clone()?;
            let info = crawler_info(&crawler, owned.contains(&name));
            Some((name, info))
        })
        .collect())
}

/// Start of a crawler's last crawl, in milliseconds since 1970; `None` if it never crawled.
pub(crate) fn last_crawl(crawler: &Crawler) -> Option<i64> {
    crawler.last_crawl()?.start_time()?.to_millis().ok()
}

pub(crate) fn crawler_info(crawler: &Crawler, owned: bool) -> CrawlerInfo {
    let targets = crawler.targets().map(|targets| targets.dynamo_db_targets()).unwrap_or_default();
    let policy = crawler.schema_change_policy();
    let role = crawler.role().unwrap_or_default();
    CrawlerInfo {
        owned,
        running: !matches!(crawler.state(), None | Some(CrawlerState::Ready)),
        last_crawl: last_crawl(crawler),
        last_error: crawler
            .last_crawl()
            .filter(|crawl| crawl.status() == Some(&LastCrawlStatus::Failed))
            .map(|crawl| crawl.error_message().unwrap_or("no reason given").to_owned()),
        config: CrawlerConfig {
            role: role.rsplit('/').next().unwrap_or(role).to_owned(),
            database: crawler.database_name().unwrap_or_default().to_owned(),
            table_prefix: crawler.table_prefix().unwrap_or_default().to_owned(),
            targets: targets
                .iter()
                .map(|t| (t.path().unwrap_or_default().to_owned(), t.scan_all().unwrap_or(true), t.scan_rate()))
                .collect(),
            policy: (
                policy.and_then(|p| p.update_behavior()).map(|b| b.as_str()).unwrap_or("UPDATE_IN_DATABASE").to_owned(),
                policy
                    .and_then(|p| p.delete_behavior())
                    .map(|b| b.as_str())
                    .unwrap_or("DEPRECATE_IN_DATABASE")
                    .to_owned(),
            ),
        },
    }
}

/// The number of IAM roles in the account, and its quota; `None` if IAM's answer leaves them out.
///
/// # Errors
/// If IAM refuses or does not answer.
pub(crate) async fn count_roles(clients: &Clients) -> Result<Option<(usize, usize)>, Error> {
    let answer = clients.iam.get_account_summary().send().await.map_err(Error::aws("iam:GetAccountSummary"))?;
    let number = |key| usize::try_from(*answer.summary_map()?.get(&key)?).ok();
    Ok(number(SummaryKeyType::Roles).zip(number(SummaryKeyType::RolesQuota)))
}

async fn list_roles(clients: &Clients) -> Result<BTreeMap<String, RoleInfo>, Error> {
    let mut pages = clients.iam.list_roles().path_prefix(naming::ROLE_PATH).into_paginator().items().send();
    let mut roles = BTreeMap::new();
    while let Some(role) = pages.next().await {
        let role = role.map_err(Error::aws("iam:ListRoles"))?;
        let fingerprint = role.description().and_then(policy::fingerprint_in).map(str::to_owned);
        roles.insert(role.role_name, RoleInfo { arn: role.arn, fingerprint });
    }
    Ok(roles)
}
