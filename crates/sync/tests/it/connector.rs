//! Athena's DynamoDB connector reads the catalog as a role of its own.

use std::path::Path;

use crawl::Clients;
use local::{Config, Server, Source};
use serde_json::json;
use sync::settings::{Engine, LinkBy};
use sync::{Job, Settings};
use testkit::{assume, serve};

use crate::support::{ACCOUNT, REGION, all_well, columns, session};

/// What its role may do: the first statement of FunctionExecutionPolicy in athena-dynamodb/athena-dynamodb.yaml of
/// awslabs/aws-athena-query-federation at 01d5c69. The other one is about its spill bucket.
const ACTIONS: [&str; 15] = [
    "dynamodb:DescribeTable",
    "dynamodb:ListSchemas",
    "dynamodb:ListTables",
    "dynamodb:Query",
    "dynamodb:Scan",
    "glue:GetTableVersions",
    "glue:GetPartitions",
    "glue:GetTables",
    "glue:GetTableVersion",
    "glue:GetDatabases",
    "glue:GetTable",
    "glue:GetPartition",
    "glue:GetDatabase",
    "athena:GetQueryExecution",
    "s3:ListAllMyBuckets",
];

/// The sample tables, and clients with the connector's permissions.
async fn catalogued(settings: &Settings) -> (Server, Clients, Clients) {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/tables");
    let server = serve(Config { source: Source::Files(samples), ..Config::default() }).await;
    let own = Clients::local(server.url(), REGION);
    all_well(sync::run(&session(&own, settings), Job::Sync).await.unwrap());

    let allow = json!({"Effect": "Allow", "Action": ACTIONS, "Resource": "*"});
    let policy = json!({"Version": "2012-10-17", "Statement": [allow]}).to_string();
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")},
    }]});
    let role = own.iam.create_role().role_name("connector").assume_role_policy_document(trust.to_string());
    let role = role.send().await.unwrap().role.unwrap();
    let put = own.iam.put_role_policy().role_name("connector").policy_name("FunctionExecutionPolicy");
    put.policy_document(policy).send().await.unwrap();
    let connector = assume(&own.sts, server.url(), role.arn()).await;
    (server, own, connector)
}

#[tokio::test]
async fn the_connector_sees_every_column_of_every_sample_table() {
    for engine in [Engine::Managed, Engine::Native] {
        let (_server, own, connector) = catalogued(&Settings { engine, wait: true, ..Settings::default() }).await;
        let databases = connector.glue.get_databases().send().await.unwrap().database_list;
        let flagged = |location: Option<&str>| location.is_some_and(|location| location.contains("dynamo-db-flag"));
        assert!(databases.iter().any(|d| d.name() == "ddb_tables" && flagged(d.location_uri())), "{databases:?}");

        let listed = connector.glue.get_tables().database_name("ddb_tables").send().await.unwrap().table_list.unwrap();
        assert_eq!(listed.len(), 8);
        for table in listed {
            let seen = connector.glue.get_table().database_name("ddb_tables").name(table.name()).send().await.unwrap();
            let all = own.glue.get_table().database_name("ddb_tables").name(table.name()).send().await.unwrap();
            assert!(!columns(&table).is_empty(), "{}", table.name());
            assert_eq!(columns(&table), columns(&all.table.unwrap()), "{}", table.name());
            assert_eq!(columns(&table), columns(&seen.table.unwrap()), "{}", table.name());
        }
    }
}

/// Why columns stay in the table unless somebody wants it otherwise: a reference asks its readers for a permission that the
/// connector does not have, and is refused the whole database.
#[tokio::test]
async fn a_reference_takes_the_database_from_the_connector() {
    let settings = Settings { engine: Engine::Native, link: LinkBy::Reference, ..Settings::default() };
    let (_server, _own, connector) = catalogued(&settings).await;
    let refused = connector.glue.get_tables().database_name("ddb_tables").send().await.unwrap_err();
    assert!(format!("{refused:?}").contains("glue:GetSchemaVersion"), "{refused:?}");
}
