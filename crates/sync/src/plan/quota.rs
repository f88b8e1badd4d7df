//! The account's quotas: which tables can get a crawler, and a role for it.

use serde::Serialize;

use super::{CrawlerChange, RoleChange, TablePlan};
use crate::discover::Inventory;
use crate::settings::{Engine, Settings};

/// The quota of IAM roles that is assumed if IAM does not report it: that of new accounts.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const DEFAULT_ROLE_QUOTA: usize = 1000;

/// The quotas that limit the creation of crawlers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Quotas {
    /// Crawlers of the account in this region, against the setting `crawler_quota`.
    pub crawlers: Quota,
    /// IAM roles of the account, against its quota less the setting `role_headroom`.
    pub roles: Quota,
    /// The number of tables that get no crawler.
    pub beyond: usize,
}

/// One quota.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Quota {
    /// The number in use.
    pub used: usize,
    /// How many more it takes for every selected table to have its own.
    pub needed: usize,
    /// The number allowed.
    pub limit: usize,
    /// IAM did not report the numbers: `used` counts this program's roles only, and `limit` is that of new accounts.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub assumed: bool,
}

impl Quota {
    fn is_short(&self) -> bool {
        self.used + self.needed > self.limit
    }

    fn describe(&self, what: &str) -> String {
        let Quota { used, needed, limit, assumed } = self;
        let assumed = if *assumed { " (assumed, since IAM did not report it)" } else { "" };
        format!("{what}: {used} in use, {needed} more needed, {limit} allowed{assumed}")
    }
}

impl Quotas {
    /// The quotas and their use, before any table is planned.
    pub(super) fn new(inventory: &Inventory, settings: &Settings) -> Quotas {
        if settings.engine == Engine::Native {
            return Quotas::default();
        }
        let (used, quota) = inventory.account_roles.unwrap_or((inventory.roles.len(), DEFAULT_ROLE_QUOTA));
        Quotas {
            crawlers: Quota { used: inventory.crawlers.len(), limit: settings.crawler_quota, ..Quota::default() },
            roles: Quota {
                used,
                needed: 0,
                limit: quota.saturating_sub(settings.role_headroom),
                assumed: inventory.account_roles.is_none(),
            },
            beyond: 0,
        }
    }

    /// Which quotas are too small, with their numbers and what to do; empty if none is.
    pub fn reason(&self) -> String {
        let mut short = Vec::new();
        if self.crawlers.is_short() {
            short.push(format!(
                "{}; request an increase (Service Quotas, AWS Glue, L-11FA2C1A) and set crawler_quota",
                self.crawlers.describe("the quota of crawlers")
            ));
        }
        if self.roles.is_short() {
            short.push(format!(
                "{}, less role_headroom; request an increase (Service Quotas, IAM, roles per account)",
                self.roles.describe("the quota of IAM roles")
            ));
        }
        short.join(". ")
    }

    /// Removes the crawlers that can't be created from the plan. `tables` come in the order of starting. Existing crawlers
    /// stay.
    pub(super) fn limit<'a>(&mut self, tables: impl Iterator<Item = &'a mut TablePlan>) {
        let makes = |table: &TablePlan| match &table.crawler {
            Some(crawler) if crawler.change != CrawlerChange::Foreign => (
                usize::from(crawler.change == CrawlerChange::Create),
                usize::from(crawler.role_change == RoleChange::Create),
            ),
            _ => (0, 0),
        };
        let free = |quota: &Quota| quota.limit.saturating_sub(quota.used);
        let (mut crawlers, mut roles) = (free(&self.crawlers), free(&self.roles));
        let mut tables: Vec<_> = tables.map(|table| (makes(table), table)).collect();
        // Tables that have a crawler come first. The sort is stable, so each group keeps its order.
        tables.sort_by_key(|((new_crawlers, _), _)| *new_crawlers);
        for ((new_crawlers, new_roles), table) in tables {
            self.crawlers.needed += new_crawlers;
            self.roles.needed += new_roles;
            if new_crawlers > crawlers || new_roles > roles {
                table.crawler = None;
                table.beyond_quota = true;
                self.beyond += 1;
                continue;
            }
            crawlers -= new_crawlers;
            roles -= new_roles;
        }
    }
}
