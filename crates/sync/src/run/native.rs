//! A table that is read here.

use super::Run;
use crate::plan::TablePlan;
use crate::progress::Step;
use crate::report::{Action, Outcome, Read, Row};
use crawl::catalog;
use crawl::error::{Error, Kind};
use crawl::export;
use crawl::{self, Change, CrawlRequest, Memory};

impl Run<'_> {
    /// The native crawl of one table.
    pub(super) async fn native(&self, table: &TablePlan, row: &mut Row) -> Result<Outcome, Error> {
        if self.session.settings.no_start {
            return Ok(Outcome::Ready);
        }
        let _permit = self.permit().await?;
        let settings = &self.session.settings;
        let request = CrawlRequest {
            table: table.table.clone(),
            account: self.inventory.account.clone(),
            database: settings.database.clone(),
            catalog_table: table.catalog_table.clone(),
            crawled_by: catalog::NATIVE.into(),
            read: settings.read_options(),
            memory: if settings.forget { Memory::Forgotten } else { Memory::Kept },
            on_update: settings.on_update,
            on_delete: settings.on_delete,
            types: settings.types.clone(),
            readers: settings.readers,
        };
        let crawling = async {
            let (clients, stop) = (&self.session.clients, self.session.deadline.reached());
            match (self.job.export(), self.job.read()) {
                (Some(export), read) => export::crawl(clients, &request, export, read, stop).await,
                (None, Some(read)) => crawl::publish_read(clients, &request, read).await,
                (None, None) => crawl::crawl_until(clients, &request, stop).await,
            }
        };
        let crawled = match self.in_step(&table.table, Step::Crawling, crawling).await {
            // Deleted since it was listed, and never catalogued.
            Err(error) if self.job.export().is_none() && error.kind == Kind::NotFound && error.code.is_none() => {
                return Ok(Outcome::Vanished);
            }
            crawled => crawled?,
        };
        let action = match crawled.change {
            Change::Deprecated => Action::DeprecateTable,
            Change::Deleted => Action::DeleteTable,
            _ => {
                row.actions.push(Action::Crawl);
                row.items = Some(crawled.items);
                row.read = Some(Read::of(&crawled));
                return Ok(Outcome::Crawled);
            }
        };
        row.actions.push(action);
        Ok(Outcome::Vanished)
    }
}
