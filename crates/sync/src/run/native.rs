//! The work on a table that the native engine reads.

use crawl::Error;
use crawl::catalog::NATIVE;
use crawl::export;
use crawl::{Change, CrawlRequest, HistoryUse};

use super::Run;
use crate::plan::TablePlan;
use crate::progress::Step;
use crate::report::{Action, Outcome, ReadReport, Row};

impl Run<'_> {
    /// Crawls one table with the native engine.
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
            crawled_by: NATIVE.into(),
            read: settings.read_options(),
            history: if settings.forget { HistoryUse::Replace } else { HistoryUse::Merge },
            on_update: settings.on_update,
            on_delete: settings.on_delete,
            types: settings.types.clone(),
            readers: settings.readers,
        };
        let crawling = async {
            let (clients, stop) = (&self.session.clients, self.session.deadline.reached());
            match (self.job.export(), self.job.read()) {
                (Some(export), Some(observed)) => export::publish(clients, &request, export, observed).await,
                (Some(export), None) => export::crawl(clients, &request, export, stop).await,
                (None, Some(observed)) => crawl::publish(clients, &request, observed).await,
                (None, None) => crawl::crawl(clients, &request, stop).await,
            }
        };
        let crawled = self.in_step(&table.table, Step::Crawling, crawling).await?;
        let action = match crawled.change {
            // The table was deleted since it was listed, and was never catalogued.
            Change::NotFound => return Ok(Outcome::Vanished),
            Change::Deprecated => Action::DeprecateTable,
            Change::Deleted => Action::DeleteTable,
            _ => {
                row.actions.push(Action::Crawl);
                row.items = Some(crawled.observed.shape.items());
                row.read = Some(ReadReport::from(&crawled.observed));
                return Ok(Outcome::Crawled);
            }
        };
        row.actions.push(action);
        Ok(Outcome::Vanished)
    }
}
