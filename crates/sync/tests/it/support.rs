//! What tests of a run ask for and look at.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_sdk_glue::types::{Table, TableInput};
use crawl::Clients;
use sync::report::{Action, TableReport};
use sync::{Job, Report, Session, Settings};
pub(crate) use testkit::{ACCOUNT, REGION, World, columns, parameter};

/// What tests of a run do in a [`World`].
pub(crate) trait WorldExt {
    /// One run, with clients of its own, so that the report counts its calls alone.
    async fn sync(&self, settings: &Settings) -> Report;
}

impl WorldExt for World {
    async fn sync(&self, settings: &Settings) -> Report {
        let clients = Clients::local(self.server.url(), &self.region);
        Box::pin(sync::run(&session(&clients, settings), Job::Sync)).await.unwrap()
    }
}

/// A session with these clients and settings.
pub(crate) fn session(clients: &Clients, settings: &Settings) -> Session<'static> {
    Session::new(clients.clone(), settings.clone().validate().unwrap())
}

pub(crate) fn waiting() -> Settings {
    Settings { wait: true, ..Settings::default() }
}

/// A parameter of a column.
pub(crate) fn column_parameter<'a>(table: &'a Table, column: &str, name: &str) -> Option<&'a str> {
    let columns = table.storage_descriptor().unwrap().columns();
    let column = columns.iter().find(|c| c.name() == column).unwrap_or_else(|| panic!("no column {column}"));
    column.parameters()?.get(name).map(String::as_str)
}

/// The input that would leave a table as it is, with columns of its own or without.
pub(crate) fn input_of(table: &Table) -> TableInput {
    TableInput::builder()
        .name(table.name())
        .set_table_type(table.table_type.clone())
        .set_parameters(table.parameters.clone())
        .set_storage_descriptor(table.storage_descriptor.clone())
        .build()
        .unwrap()
}

/// What somebody else does to a catalog table.
pub(crate) async fn update_table(world: &World, input: TableInput) {
    world.clients.glue.update_table().database_name("ddb_tables").table_input(input).send().await.unwrap();
}

pub(crate) fn row<'a>(report: &'a Report, table: &str) -> &'a TableReport {
    report.tables.iter().find(|row| row.table == table).unwrap_or_else(|| panic!("{table} is not in the report"))
}

/// A report that went well, or a panic that says what did not.
pub(crate) fn all_well(report: Report) -> Report {
    assert_eq!((report.summary.failed, report.summary.deferred), (0, 0), "{:#?}", report.tables);
    report
}

/// A managed run that made nothing new: it crawled, and linked again what the crawls undid.
pub(crate) fn only_linked_again(report: Report) -> Report {
    let report = all_well(report);
    let usual = |action: &Action| matches!(action, Action::StartCrawler | Action::LinkSchema);
    assert!(report.tables.iter().all(|row| row.actions.iter().all(usual)), "{:#?}", report.tables);
    report
}

/// Credentials that say nothing of their end, as of an assumed role whose session was revoked: each time others. Counts how often
/// they were asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sessions(pub(crate) Arc<AtomicUsize>);

impl ProvideCredentials for Sessions {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let session = format!("session-{}", self.0.fetch_add(1, Ordering::Relaxed));
        future::ProvideCredentials::ready(Ok(Credentials::new(session, "local", None, None, "sessions")))
    }
}
