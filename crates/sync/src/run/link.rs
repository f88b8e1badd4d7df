//! The link step of a run: every table that has something to link.

use aws_sdk_glue::types::Table;
use crawl::Deadline;
use crawl::catalog::{self, Entry};
use crawl::error::Error;
use futures::stream::{self, StreamExt};
use tracing::Instrument;

use super::Run;
use crate::progress::Step;
use crate::registry::{Link, Linker};
use crate::report::{Action, LinkedVersion, Outcome, TableReport};

impl Run<'_> {
    /// Links every table that has something to link, and reports what the catalog holds now.
    pub(super) async fn link(&self, reports: &mut [TableReport]) {
        let crawled = reports.iter().any(|report| report.outcome == Outcome::Crawled);
        let fresh = match crawled {
            true => match self
                .session
                .deadline
                .finish(catalog::list(&self.session.clients, &self.session.settings.database))
                .await
            {
                Ok(tables) => Some(tables),
                Err(error) => {
                    let crawled = reports.iter_mut().filter(|report| report.outcome == Outcome::Crawled);
                    return crawled.for_each(|report| not_linked(report, &error));
                }
            },
            // Nothing was crawled in this run, so the first listing is still right.
            false => None,
        };
        let tables = fresh.as_ref().unwrap_or(&self.inventory.catalog);
        self.link_as_listed(reports, tables).await;
    }

    /// The same, with this listing of the catalog.
    pub(super) async fn link_as_listed(&self, reports: &mut [TableReport], tables: &[Table]) {
        let sources = self.inventory.sources_in(tables);
        let before = self.inventory.sources();
        let linker = Linker::new(self.session);
        let linker = &linker;
        let there = |report: &&mut TableReport| !matches!(report.outcome, Outcome::Failed | Outcome::Vanished);
        let work = reports.iter_mut().filter(there).filter_map(|report| {
            let table = *sources.get(report.table.as_str())?;
            Some((report, table))
        });
        let before = &before;
        stream::iter(work)
            .for_each_concurrent(self.session.settings.concurrency, |(report, table)| async move {
                match before.get(report.table.as_str()) {
                    None => report.actions.push(Action::CreateTable),
                    Some(old) if !Entry(old).has_columns_like(Entry(table)) => {
                        report.actions.push(Action::UpdateTable);
                    }
                    Some(_) => {}
                }
                let span = tracing::info_span!("table", table = report.table);
                let name = report.table.clone();
                let work = link_table(linker, &self.session.deadline, report, table);
                self.in_step(&name, Step::Linking, work).instrument(span).await;
            })
            .await;
    }
}

/// Links one table, and reports what the catalog holds of it.
pub(crate) async fn link_table(linker: &Linker<'_>, deadline: &Deadline, report: &mut TableReport, table: &Table) {
    report.catalog_table = table.name().to_owned();
    report.columns = (!Entry(table).hides_columns()).then(|| Entry(table).columns().len());
    report.items = Entry(table).record_count();
    report.unmapped = Entry(table).unmapped().into_iter().map(str::to_owned).collect();
    match deadline.finish(linker.link(table)).await {
        Ok(Link::Current) => {
            let link = Entry(table).link();
            report.schema = link.map(|link| LinkedVersion { name: link.schema, version: link.version });
        }
        Ok(Link::Written(linked)) => {
            if linked.registered {
                report.actions.push(Action::RegisterSchema);
            }
            report.actions.push(Action::LinkSchema);
            report.unmapped = linked.unmapped;
            report.schema = Some(LinkedVersion { name: linked.schema, version: linked.version });
        }
        Err(error) => not_linked(report, &error),
    }
}

fn not_linked(report: &mut TableReport, error: &Error) {
    report.outcome = Outcome::from_error(error);
    report.reason = Some(format!("not linked: {}", error.message));
    report.request_id = error.request_id.clone();
}
