//! Functions that find the endpoint of a [`World`].

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use testkit::REGION;
pub(crate) use testkit::World;

use crate::runtime_api::Lambda;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_sys-glue-ddb-crawler");

const ITEM: &[&str] = &[r#"{"id":{"S":"1"},"Total":{"N":"12.5"}}"#];

/// What tests of the function do in a [`World`].
pub(crate) trait WorldExt {
    /// A function of this world, with its credentials and `environment`.
    async fn lambda(&self, environment: &[(&str, &str)]) -> Lambda;

    /// The same of another binary.
    async fn lambda_of(&self, binary: &Path, environment: &[(&str, &str)]) -> Lambda;

    /// Columns and parameters of a catalog table, but for the names of its schema.
    async fn catalogued(&self, database: &str, table: &str) -> (Vec<(String, String)>, BTreeMap<String, String>);
}

/// A world with these tables, each with one item.
pub(crate) async fn world(tables: &[&str]) -> World {
    let tables: Vec<(&str, &[&str])> = tables.iter().map(|table| (*table, ITEM)).collect();
    World::new(&tables).await
}

impl WorldExt for World {
    async fn lambda(&self, environment: &[(&str, &str)]) -> Lambda {
        self.lambda_of(Path::new(BINARY), environment).await
    }

    async fn lambda_of(&self, binary: &Path, environment: &[(&str, &str)]) -> Lambda {
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

    async fn catalogued(&self, database: &str, table: &str) -> (Vec<(String, String)>, BTreeMap<String, String>) {
        let answer = self.clients.glue.get_table().database_name(database).name(table).send().await.unwrap();
        let table = answer.table.unwrap();
        let columns = table.storage_descriptor.unwrap().columns.unwrap();
        let columns = columns.into_iter().map(|column| (column.name, column.r#type.unwrap())).collect();
        let mut parameters = BTreeMap::from_iter(table.parameters.unwrap());
        parameters.retain(|name, _| name != "schemaName" && name != "schemaVersionId");
        (columns, parameters)
    }
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
