//! A world of its own for each test: a folder of tables, the embedded endpoint, and functions that find it.

use std::collections::BTreeMap;
use std::path::Path;

use aws_credential_types::Credentials;
use crawl::Clients;
use local::{Config, Server, Source};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::runtime_api::Lambda;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_sys-glue-ddb-crawler");
pub(crate) const REGION: &str = "eu-west-1";

pub(crate) struct World {
    folder: TempDir,
    pub server: Server,
}

impl World {
    /// An endpoint with these tables, each with one item.
    pub(crate) async fn new(tables: &[&str]) -> World {
        let folder = tempfile::tempdir().unwrap();
        for table in tables {
            write_table(folder.path(), table, r#"{"id":{"S":"1"},"Total":{"N":"12.5"}}"#);
        }
        let source = Source::Files(folder.path().to_owned());
        let config = Config { listen: ([127, 0, 0, 1], 0).into(), source, ..Config::default() };
        World { server: Server::start(config).await.unwrap(), folder }
    }

    pub(crate) fn put(&self, table: &str, item: &str) {
        write_table(self.folder.path(), table, item);
    }

    /// A function of this world, with its credentials and `environment`.
    pub(crate) async fn lambda(&self, environment: &[(&str, &str)]) -> Lambda {
        self.lambda_of(Path::new(BINARY), environment).await
    }

    /// The same of another binary.
    pub(crate) async fn lambda_of(&self, binary: &Path, environment: &[(&str, &str)]) -> Lambda {
        let log = self.folder.path().join("function.log");
        let aws = [
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "secret-of-the-key"),
            ("AWS_SESSION_TOKEN", "token-of-the-session"),
            ("AWS_ENDPOINT_URL", self.server.url()),
        ];
        Lambda::start(binary, &log, &[&aws, environment].concat()).await
    }

    /// Waits until a crawler is ready again.
    pub(crate) async fn crawl_ended(&self, crawler: &str) {
        let glue = Clients::local(self.server.url(), REGION).glue;
        loop {
            let answer = glue.get_crawler().name(crawler).send().await.unwrap();
            if answer.crawler().unwrap().state().is_some_and(|state| state.as_str() == "READY") {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// Columns and parameters of a catalog table, but for the names of its schema.
    pub(crate) async fn catalogued(
        &self,
        database: &str,
        table: &str,
    ) -> (Vec<(String, String)>, BTreeMap<String, String>) {
        let config = crawl::aws::config_loader(sync::Settings::default().answer_limit())
            .region(aws_config::Region::from_static(REGION))
            .endpoint_url(self.server.url())
            .credentials_provider(Credentials::from_keys("AKIDEXAMPLE", "secret-of-the-key", None));
        let glue = Clients::new(&config.load().await).glue;
        let answer = glue.get_table().database_name(database).name(table).send().await.unwrap();
        let table = answer.table.unwrap();
        let columns = table.storage_descriptor.unwrap().columns.unwrap();
        let columns = columns.into_iter().map(|column| (column.name, column.r#type.unwrap())).collect();
        let mut parameters = BTreeMap::from_iter(table.parameters.unwrap());
        parameters.retain(|name, _| name != "schemaName" && name != "schemaVersionId");
        (columns, parameters)
    }

    /// How often the endpoint was called, by whomever.
    pub(crate) fn all_calls(&self) -> u64 {
        self.server.calls().values().sum()
    }

    /// How often one operation was called.
    pub(crate) fn calls(&self, operation: &str) -> u64 {
        self.server.calls().get(operation).copied().unwrap_or_default()
    }
}

pub(crate) fn write_table(folder: &Path, name: &str, items: &str) {
    let create = json!({
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    });
    std::fs::write(folder.join(format!("{name}.json")), create.to_string()).unwrap();
    std::fs::write(folder.join(format!("{name}.jsonl")), items).unwrap();
}

/// The line of a table in a report.
pub(crate) fn row<'a>(report: &'a Value, table: &str) -> &'a Value {
    let rows = report["tables"].as_array().unwrap();
    rows.iter().find(|row| row["table"] == table).unwrap_or_else(|| panic!("{table} is not in {report}"))
}

/// A count of a report's summary.
pub(crate) fn count(report: &Value, name: &str) -> u64 {
    report["summary"][name].as_u64().unwrap()
}
