//! A world of its own for each test.

use std::collections::BTreeMap;

use aws_sdk_glue::types::Table;
use crawl::Clients;
use local::{Config, Server, Source, Unknowns};
use tempfile::TempDir;

use crate::{REGION, crawl_ended, remove_table, write_table};

/// The database of every run that names no other.
const DATABASE: &str = "ddb_tables";

/// Starts an endpoint as configured, except for a free port.
pub async fn serve(config: Config) -> Server {
    Server::start(Config { listen: ([127, 0, 0, 1], 0).into(), ..config }).await.unwrap()
}

/// A folder of tables, an endpoint that serves it, and clients of that endpoint.
pub struct World {
    /// The region of the clients.
    pub region: String,
    /// Where the tables are.
    pub folder: TempDir,
    /// The endpoint; it ends with the world.
    pub server: Server,
    /// Clients with credentials of the account.
    pub clients: Clients,
}

impl World {
    /// A world in [`REGION`] with these tables, as [`write_table`] writes them.
    pub async fn new(tables: &[(&str, &[&str])]) -> World {
        World::start(REGION, Unknowns::default(), tables).await
    }

    /// A world whose endpoint has the switches of [`Unknowns`] as `asked` for, each `NAME=POSITION`.
    pub async fn at(asked: &[&str], tables: &[(&str, &[&str])]) -> World {
        let unknowns = asked.iter().fold(Unknowns::default(), |all, text| all.with(&text.parse().unwrap()));
        World::start(REGION, unknowns, tables).await
    }

    /// A world in a region of its own. All SDK clients of a process that talk to one service in one region share a rate
    /// limiter: a throttled call slows every test down that uses the same.
    pub async fn in_region(region: &str, tables: &[(&str, &[&str])]) -> World {
        World::start(region, Unknowns::default(), tables).await
    }

    /// A world in this region, whose endpoint has the switches so.
    pub async fn start(region: &str, unknowns: Unknowns, tables: &[(&str, &[&str])]) -> World {
        let folder = tempfile::tempdir().unwrap();
        for (name, items) in tables {
            write_table(folder.path(), name, items);
        }
        let source = Source::Files(folder.path().to_owned());
        let server = serve(Config { source, unknowns, ..Config::default() }).await;
        let clients = Clients::local(server.url(), region);
        World { region: region.to_owned(), folder, server, clients }
    }

    /// Writes or rewrites a table.
    pub fn put(&self, name: &str, items: &[&str]) {
        write_table(self.folder.path(), name, items);
    }

    /// Deletes a table.
    pub fn drop_table(&self, name: &str) {
        remove_table(self.folder.path(), name);
    }

    /// Waits until a crawler is ready again.
    pub async fn crawl_ended(&self, crawler: &str) {
        crawl_ended(&self.clients.glue, crawler).await;
    }

    /// All catalog tables of the database `ddb_tables`, by name.
    pub async fn tables(&self) -> BTreeMap<String, Table> {
        let tables = crawl::catalog::list(&self.clients, DATABASE).await.unwrap();
        tables.into_iter().map(|table| (table.name().to_owned(), table)).collect()
    }

    /// A catalog table of the database `ddb_tables`.
    pub async fn table(&self, name: &str) -> Table {
        let table = self.clients.glue.get_table().database_name(DATABASE).name(name).send().await;
        table.unwrap().table.unwrap_or_else(|| panic!("no catalog table {name}"))
    }

    /// How often the endpoint was called, by whomever.
    pub fn all_calls(&self) -> u64 {
        self.server.calls().values().sum()
    }

    /// How often one operation was called, `Glue.StartCrawler`.
    pub fn calls(&self, operation: &str) -> u64 {
        self.server.calls().get(operation).copied().unwrap_or_default()
    }
}

/// `name: type` of every column.
pub fn columns(table: &Table) -> Vec<String> {
    let columns = table.storage_descriptor().unwrap().columns();
    columns.iter().map(|column| format!("{}: {}", column.name(), column.r#type().unwrap_or_default())).collect()
}

/// A parameter of a table.
pub fn parameter<'a>(table: &'a Table, name: &str) -> Option<&'a str> {
    table.parameters()?.get(name).map(String::as_str)
}
