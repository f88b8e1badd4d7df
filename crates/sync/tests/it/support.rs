//! A world of its own for each test: a folder of tables, an endpoint, and clients.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_sdk_glue::types::{CrawlerState, Table, TableInput};
use crawl::Clients;
use local::{Config, Server, Source, Unknowns};
use sync::report::{Action, TableReport};
use sync::{Job, Report, Session, Settings};
use tempfile::TempDir;

pub(crate) const REGION: &str = "eu-west-1";
pub(crate) const ACCOUNT: &str = "123456789012";

pub(crate) struct World {
    pub region: String,
    pub folder: TempDir,
    pub server: Server,
    pub clients: Clients,
}

impl World {
    /// An endpoint with these tables, each with the hash key `id` (S) and the items given as DynamoDB JSON.
    pub(crate) async fn new(tables: &[(&str, &[&str])]) -> World {
        World::in_region(REGION, tables).await
    }

    /// Where what AWS does not publish is as `asked` for, `NAME=POSITION`.
    pub(crate) async fn at(asked: &[&str], tables: &[(&str, &[&str])]) -> World {
        let unknowns = asked.iter().fold(Unknowns::default(), |all, text| all.with(&text.parse().unwrap()));
        World::start(REGION, unknowns, tables).await
    }

    /// In a region of its own: all SDK clients of a process that talk to one service in one region share a rate limiter,
    /// and a throttled call slows every test down that uses the same.
    pub(crate) async fn in_region(region: &str, tables: &[(&str, &[&str])]) -> World {
        World::start(region, Unknowns::default(), tables).await
    }

    /// With an endpoint that takes these positions where AWS says nothing.
    pub(crate) async fn with(unknowns: Unknowns, tables: &[(&str, &[&str])]) -> World {
        World::start(REGION, unknowns, tables).await
    }

    pub(crate) async fn start(region: &str, unknowns: Unknowns, tables: &[(&str, &[&str])]) -> World {
        let folder = tempfile::tempdir().unwrap();
        for (name, items) in tables {
            write_table(folder.path(), name, items);
        }
        let source = Source::Files(folder.path().to_owned());
        let server =
            Server::start(Config { listen: ([127, 0, 0, 1], 0).into(), source, unknowns, ..Config::default() });
        let server = server.await.unwrap();
        let clients = Clients::local(server.url(), region);
        World { region: region.to_owned(), folder, server, clients }
    }

    /// Writes or rewrites a table.
    pub(crate) fn put(&self, name: &str, items: &[&str]) {
        write_table(self.folder.path(), name, items);
    }

    /// Deletes a table.
    pub(crate) fn drop_table(&self, name: &str) {
        std::fs::remove_file(self.folder.path().join(format!("{name}.json"))).unwrap();
        std::fs::remove_file(self.folder.path().join(format!("{name}.jsonl"))).unwrap();
    }

    /// One run, with clients of its own, so that the report counts its calls alone.
    pub(crate) async fn sync(&self, settings: &Settings) -> Report {
        let clients = Clients::local(self.server.url(), &self.region);
        Box::pin(sync::run(&session(&clients, settings), Job::Sync)).await.unwrap()
    }

    /// Waits until a crawler is ready again.
    pub(crate) async fn crawl_ended(&self, crawler: &str) {
        loop {
            let answer = self.clients.glue.get_crawler().name(crawler).send().await.unwrap();
            if answer.crawler().unwrap().state() == Some(&CrawlerState::Ready) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn tables(&self) -> BTreeMap<String, Table> {
        let tables = crawl::catalog::list(&self.clients, "ddb_tables").await.unwrap();
        tables.into_iter().map(|table| (table.name().to_owned(), table)).collect()
    }

    pub(crate) async fn table(&self, name: &str) -> Table {
        let table = self.clients.glue.get_table().database_name("ddb_tables").name(name).send().await;
        table.unwrap().table.unwrap_or_else(|| panic!("no catalog table {name}"))
    }
}

/// A session with these clients and settings.
pub(crate) fn session(clients: &Clients, settings: &Settings) -> Session<'static> {
    Session::new(clients.clone(), settings.clone().validate().unwrap())
}

pub(crate) fn waiting() -> Settings {
    Settings { wait: true, ..Settings::default() }
}

fn write_table(folder: &Path, name: &str, items: &[&str]) {
    let create = format!(
        r#"{{"TableName":"{name}","BillingMode":"PAY_PER_REQUEST",
            "AttributeDefinitions":[{{"AttributeName":"id","AttributeType":"S"}}],
            "KeySchema":[{{"AttributeName":"id","KeyType":"HASH"}}]}}"#
    );
    std::fs::write(folder.join(format!("{name}.json")), create).unwrap();
    std::fs::write(folder.join(format!("{name}.jsonl")), items.join("\n")).unwrap();
}

/// `name: type` of every column.
pub(crate) fn columns(table: &Table) -> Vec<String> {
    let columns = table.storage_descriptor().unwrap().columns();
    columns.iter().map(|column| format!("{}: {}", column.name(), column.r#type().unwrap_or_default())).collect()
}

pub(crate) fn parameter<'a>(table: &'a Table, name: &str) -> Option<&'a str> {
    table.parameters()?.get(name).map(String::as_str)
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
