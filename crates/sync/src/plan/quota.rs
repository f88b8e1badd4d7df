//! What the account's quotas leave: which tables can get a crawler, and a role for it.

use serde::Serialize;

use super::{CrawlerChange, RoleChange, TablePlan};
use crate::discover::Inventory;
use crate::settings::{Engine, Settings};

/// Roles that an account may have where IAM does not tell: the quota of new accounts.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const ROLES: usize = 1000;

/// The quotas that stand against making crawlers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Quotas {
    /// Crawlers of the account in this region, against the setting `crawler_quota`.
    pub crawlers: Quota,
    /// IAM roles of the account, against its quota less the setting `role_headroom`.
    pub roles: Quota,
    /// Tables that the quotas leave no crawler for.
    pub beyond: usize,
}

/// One quota.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Quota {
    /// How many there are.
    pub used: usize,
    /// How many more there have to be, for every selected table to have its own.
    pub needed: usize,
    /// How many there may be.
    pub limit: usize,
    /// IAM did not tell: `used` are those of this program alone, and `limit` is that of new accounts.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub assumed: bool,
}

impl Quota {
    fn is_short(&self) -> bool {
        self.used + self.needed > self.limit
    }

    fn tell(&self, what: &str) -> String {
        let Quota { used, needed, limit, assumed } = self;
        let assumed = if *assumed { ", as assumed, since IAM did not tell" } else { "" };
        format!("{what}: {used} in use, {needed} more needed, {limit} allowed{assumed}")
    }
}

impl Quotas {
    /// What there is, and may be.
    pub(super) fn of(inventory: &Inventory, settings: &Settings) -> Quotas {
        if settings.engine == Engine::Native {
            return Quotas::default();
        }
        let (used, quota) = inventory.account_roles.unwrap_or((inventory.roles.len(), ROLES));
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

    /// Which quota is short, with its numbers, and what to do about it.
    pub fn reason(&self) -> String {
        let mut short = Vec::new();
        if self.crawlers.is_short() {
            short.push(format!(
                "{}; ask for more (Service Quotas, AWS Glue, L-11FA2C1A) and set crawler_quota",
                self.crawlers.tell("the quota of crawlers")
            ));
        }
        if self.roles.is_short() {
            short.push(format!(
                "{}, less those of role_headroom; ask for more (Service Quotas, IAM, roles per account)",
                self.roles.tell("the quota of IAM roles")
            ));
        }
        short.join(". ")
    }

    /// Takes the crawlers away that can't be made. `tables` stand in the order of starting; those that have crawlers keep them.
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
        // Stable: within those that have a crawler and those that have none the order stays.
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
