//! A table that is read here.

use super::{Items, Run, Step};
use crate::plan::TablePlan;
use crate::report::{Action, Outcome, Read, TableReport};
use crawl::catalog;
use crawl::error::{Error, Kind};
use crawl::export;
use crawl::{self, Change, CrawlRequest, Memory};

impl Run<'_> {
    /// The native crawl of one table.
    pub(super) async fn native(&self, table: &TablePlan, report: &mut TableReport) -> Result<Outcome, Error> {
        if self.settings.no_start {
            return Ok(Outcome::Ready);
        }
        let _turn = self.turn().await?;
        let settings = self.settings;
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
            match self.items {
                Items { export: Some(export), read } => {
                    export::crawl(self.clients, &request, export, read, self.deadline.reached()).await
                }
                Items { read: Some(read), .. } => crawl::publish_read(self.clients, &request, read).await,
                Items { .. } => crawl::crawl_until(self.clients, &request, self.deadline.reached()).await,
            }
        };
        let crawled = match self.in_step(&table.table, Step::Crawling, crawling).await {
            // Deleted since it was listed, and never catalogued.
            Err(error) if self.items.export.is_none() && error.kind == Kind::NotFound && error.code.is_none() => {
                return Ok(Outcome::Vanished);
            }
            crawled => crawled?,
        };
        let action = match crawled.change {
            Change::Deprecated => Action::DeprecateTable,
            Change::Deleted => Action::DeleteTable,
            _ => {
                report.actions.push(Action::Crawl);
                report.items = Some(crawled.items);
                report.read = Some(Read::of(&crawled));
                return Ok(Outcome::Crawled);
            }
        };
        report.actions.push(action);
        Ok(Outcome::Vanished)
    }
}
