//! A table that a crawler of AWS Glue reads: its role, its crawler, its crawl.

use super::{Run, Step};
use crate::apply;
use crate::crawl;
use crate::deadline::cut_off;
use crate::error::{Error, Kind};
use crate::plan::{self, CrawlerChange, CrawlerPlan, RoleChange, TablePlan};
use crate::report::{Action, Outcome, TableReport};
use crate::turn::Turn;

impl Run<'_> {
    pub(super) fn last_error(&self, crawler: &CrawlerPlan) -> Option<String> {
        let error = self.inventory.crawlers.get(&crawler.name)?.last_error.as_ref()?;
        Some(format!("the crawl before failed: {error}"))
    }

    pub(super) async fn prepare_and_start(
        &self,
        table: &TablePlan,
        crawler: &CrawlerPlan,
        report: &mut TableReport,
    ) -> Result<Outcome, Error> {
        let mut turn = self.turn().await?;
        if crawler.change == CrawlerChange::Foreign {
            // Refused before a role is made that nobody would use.
            return Err(apply::foreign(&crawler.name));
        }
        if crawler.role_change != RoleChange::None {
            let scope = plan::role_scope(self.inventory, self.settings, &table.table);
            let role = apply::role(self.clients, &crawler.role, &scope, crawler.role_change, &mut turn);
            self.in_step(&table.table, Step::Role, role).await?;
            report.actions.push(match crawler.role_change {
                RoleChange::Repair => Action::RepairRole,
                _ => Action::CreateRole,
            });
        }
        if crawler.change != CrawlerChange::None {
            let made = apply::crawler(self.clients, self.inventory, crawler, &mut turn);
            self.in_step(&table.table, Step::Crawler, made).await?;
            report.actions.push(match crawler.change {
                CrawlerChange::Update => Action::UpdateCrawler,
                _ => Action::CreateCrawler,
            });
        }
        if self.settings.no_start {
            return Ok(Outcome::Ready);
        }
        self.in_step(&table.table, Step::Crawling, self.start(&table.table, crawler, report, turn)).await
    }

    async fn start(
        &self,
        table: &str,
        crawler: &CrawlerPlan,
        report: &mut TableReport,
        mut turn: Turn<'_>,
    ) -> Result<Outcome, Error> {
        if self.deadline.passed() {
            return Err(cut_off());
        }
        if !self.settings.wait {
            if !crawler.running {
                let Ok(running) = self.running.try_acquire() else { return Err(self.too_many_run()) };
                self.start_crawl(crawler, report, &mut turn).await?;
                // It goes on running after this run, and counts for the rest of it.
                running.forget();
            }
            return Ok(Outcome::Started);
        }
        drop(turn);
        let _running = self.running.acquire().await.map_err(|_| cut_off())?;
        if !crawler.running {
            self.start_crawl(crawler, report, &mut self.turn().await?).await?;
        }
        let last_crawl = self.inventory.crawlers.get(&crawler.name).and_then(|crawler| crawler.last_crawl);
        let ended = tokio::select! {
            ended = self.watcher.ended(&crawler.name, last_crawl, crawler.running) => ended,
            () = self.deadline.reached() => return Ok(Outcome::Started),
        };
        match ended {
            Ok(()) => Ok(Outcome::Crawled),
            // The table may have been deleted since it was listed.
            Err(error) => match crawl::describe(self.clients, table).await {
                Ok(None) => Ok(Outcome::Vanished),
                _ => Err(error),
            },
        }
    }

    async fn start_crawl(
        &self,
        crawler: &CrawlerPlan,
        report: &mut TableReport,
        turn: &mut Turn<'_>,
    ) -> Result<(), Error> {
        let new = crawler.change == CrawlerChange::Create;
        apply::with_propagation(turn, new, || apply::start(self.clients, &crawler.name)).await?;
        report.actions.push(Action::StartCrawler);
        Ok(())
    }

    fn too_many_run(&self) -> Error {
        let limit = self.settings.max_running;
        Error::new(
            Kind::Throttled,
            format!("{limit} crawlers run already; it starts when some have ended, or in a later run"),
        )
    }
}
