//! The work on a table that a crawler of AWS Glue reads: its role, its crawler, its crawl.

use std::sync::atomic::Ordering;

use crawl::cut_off;
use crawl::error::{Error, Kind};

use super::Run;
use crate::apply;
use crate::discover;
use crate::ownership;
use crate::permit::Permit;
use crate::plan::{self, CrawlerChange, CrawlerPlan, RoleChange, TablePlan};
use crate::progress::Step;
use crate::report::{Action, BEYOND_QUOTA, Outcome, Row};
use crate::settings::BeyondQuota;

impl Run<'_> {
    pub(super) fn last_error(&self, crawler: &CrawlerPlan) -> Option<String> {
        let error = self.inventory.crawlers.get(&crawler.name)?.last_error.as_ref()?;
        Some(format!("the previous crawl failed: {error}"))
    }

    /// Crawls a table with a crawler of AWS Glue, or natively if Glue or IAM reports that the account's quota is reached.
    pub(super) async fn managed(
        &self,
        table: &TablePlan,
        crawler: &CrawlerPlan,
        row: &mut Row,
    ) -> Result<Outcome, Error> {
        match self.prepare_and_start(table, crawler, row).await {
            Err(error) if error.kind == Kind::Quota => self.beyond_quota(table, error, row).await,
            done => done,
        }
    }

    /// Reads or defers a table that the quotas leave no crawler for. `error` says which quota.
    ///
    /// # Errors
    /// `error`, if such tables are deferred; otherwise those of the native crawl.
    pub(super) async fn beyond_quota(&self, table: &TablePlan, error: Error, row: &mut Row) -> Result<Outcome, Error> {
        row.beyond_quota = true;
        if self.session.settings.beyond_quota == BeyondQuota::Defer {
            return Err(error);
        }
        row.crawler = None;
        row.reason = Some(match error.code {
            // AWS refused, which the plan did not foresee.
            Some(_) => format!("{BEYOND_QUOTA} ({})", error.message),
            None => BEYOND_QUOTA.into(),
        });
        self.native(table, row).await
    }

    async fn prepare_and_start(
        &self,
        table: &TablePlan,
        crawler: &CrawlerPlan,
        row: &mut Row,
    ) -> Result<Outcome, Error> {
        let mut permit = self.permit().await?;
        let mut crawler = crawler.clone();
        let mut last_crawl = self.inventory.crawlers.get(&crawler.name).and_then(|crawler| crawler.last_crawl);
        if crawler.change == CrawlerChange::Foreign {
            // A concurrent run may have created it, and new tags take time to appear in listings.
            if !ownership::is_own_crawler(&self.session.clients, &self.inventory.account, &crawler.name).await? {
                // Fail before creating a role that nobody would use.
                return Err(ownership::foreign_crawler(&crawler.name));
            }
            let existing = self.inventory.crawlers.get(&crawler.name);
            crawler.change = match existing.is_some_and(|existing| existing.config == crawler.config) {
                true => CrawlerChange::None,
                false => CrawlerChange::Update,
            };
        }
        if crawler.change == CrawlerChange::Create && self.no_more_crawlers.load(Ordering::Relaxed) {
            // Fail before creating a role that no crawler could use.
            return Err(Error::new(Kind::Quota, "Glue accepts no more crawlers under the quota of this account"));
        }
        if crawler.role_change != RoleChange::None {
            let scope = plan::role_scope(self.inventory, &self.session.settings, &table.table);
            let role =
                apply::ensure_role(&self.session.clients, &crawler.role, &scope, crawler.role_change, &mut permit);
            self.in_step(&table.table, Step::Role, role).await?;
            row.actions.push(match crawler.role_change {
                RoleChange::Repair => Action::RepairRole,
                _ => Action::CreateRole,
            });
        }
        if crawler.change != CrawlerChange::None {
            let ensured = self.ensure_crawler(&crawler, last_crawl, &mut permit);
            let ensured = self.in_step(&table.table, Step::Crawler, ensured).await;
            if ensured.as_ref().is_err_and(|error| error.kind == Kind::Quota) {
                self.no_more_crawlers.store(true, Ordering::Relaxed);
            }
            last_crawl = ensured?;
            // If it was running, `ensure_crawler` has waited for its end.
            crawler.running = false;
            row.actions.push(match crawler.change {
                CrawlerChange::Update => Action::UpdateCrawler,
                _ => Action::CreateCrawler,
            });
        }
        if self.session.settings.no_start {
            return Ok(Outcome::Ready);
        }
        let crawl = self.start(&table.table, (&crawler, last_crawl), row, permit);
        self.in_step(&table.table, Step::Crawling, crawl).await
    }

    /// Creates or updates the crawler, and returns the start of its last crawl. Glue refuses to update a running crawler, so a
    /// waiting run waits for its end first.
    ///
    /// # Errors
    /// `CrawlerRunningException`, if the crawler is running and the run doesn't wait; otherwise as [`apply::ensure_crawler`].
    async fn ensure_crawler(
        &self,
        crawler: &CrawlerPlan,
        mut last_crawl: Option<i64>,
        permit: &mut Permit<'_>,
    ) -> Result<Option<i64>, Error> {
        let mut running = crawler.running;
        loop {
            if running && !self.session.settings.wait {
                return Err(still_running());
            }
            if running {
                last_crawl = permit.release_during(self.wait_until_idle(&crawler.name, last_crawl)).await??;
            }
            match apply::ensure_crawler(&self.session.clients, self.inventory, crawler, permit).await {
                Err(error) if error.is("CrawlerRunningException") => running = true,
                ensured => return ensured.map(|()| last_crawl),
            }
        }
    }

    /// Waits until a running crawler has ended, successfully or not, and returns the start of its last crawl.
    async fn wait_until_idle(&self, name: &str, last_crawl: Option<i64>) -> Result<Option<i64>, Error> {
        let _running = self.running.acquire().await.map_err(|_| cut_off())?;
        tokio::select! {
            _ = self.watcher.ended(name, last_crawl, true) => {}
            () = self.session.deadline.reached() => return Err(cut_off()),
        }
        self.last_crawl(name).await
    }

    /// The start of a crawler's last crawl, in milliseconds since 1970.
    async fn last_crawl(&self, name: &str) -> Result<Option<i64>, Error> {
        let request = self.session.clients.glue.batch_get_crawlers().crawler_names(name);
        let answer = request.send().await.map_err(Error::aws("glue:BatchGetCrawlers"))?;
        Ok(answer.crawlers().first().and_then(discover::last_crawl))
    }

    async fn start(
        &self,
        table: &str,
        (crawler, last_crawl): (&CrawlerPlan, Option<i64>),
        row: &mut Row,
        mut permit: Permit<'_>,
    ) -> Result<Outcome, Error> {
        if self.session.deadline.passed() {
            return Err(cut_off());
        }
        if !self.session.settings.wait {
            if !crawler.running {
                let Ok(running) = self.running.try_acquire() else { return Err(self.limit_reached()) };
                self.start_crawl(crawler, row, &mut permit).await?;
                // It keeps running after this run, so its permit is not returned.
                running.forget();
            }
            return Ok(Outcome::Started);
        }
        drop(permit);
        let _running = self.running.acquire().await.map_err(|_| cut_off())?;
        let (mut last_crawl, mut running) = (last_crawl, crawler.running);
        let ended = loop {
            let own = !running && self.start_crawl(crawler, row, &mut self.permit().await?).await?;
            let ended = tokio::select! {
                ended = self.watcher.ended(&crawler.name, last_crawl, running) => ended,
                () = self.session.deadline.reached() => return Ok(Outcome::Started),
            };
            if ended.is_ok() || own {
                break ended;
            }
            // The failed crawl was started by somebody else and says nothing about ours, so start our own.
            (last_crawl, running) = (self.last_crawl(&crawler.name).await?, false);
        };
        match ended {
            Ok(()) => Ok(Outcome::Crawled),
            // The table may have been deleted since it was listed.
            Err(error) => match crawl::dynamodb::describe(&self.session.clients, table).await {
                Ok(None) => Ok(Outcome::Vanished),
                _ => Err(error),
            },
        }
    }

    /// Starts the crawler. Returns false if it was running already, started by somebody else.
    async fn start_crawl(&self, crawler: &CrawlerPlan, row: &mut Row, permit: &mut Permit<'_>) -> Result<bool, Error> {
        let new = crawler.change == CrawlerChange::Create;
        let started =
            apply::retry_propagation(permit, new, || apply::start_crawler(&self.session.clients, &crawler.name))
                .await?;
        if !row.actions.contains(&Action::StartCrawler) {
            row.actions.push(Action::StartCrawler);
        }
        Ok(started)
    }

    fn limit_reached(&self) -> Error {
        let limit = self.session.settings.max_running;
        Error::new(
            Kind::Throttled,
            format!("{limit} crawlers are running already; it starts when some have ended, or in a later run"),
        )
    }
}

fn still_running() -> Error {
    let message = "its crawler needs an update but is running: it is updated and started when that crawl has ended";
    Error { code: Some("CrawlerRunningException".into()), ..Error::new(Kind::Conflict, message) }
}
