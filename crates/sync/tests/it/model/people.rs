//! What other people do, and what is theirs.

use aws_sdk_glue::types::{Column, CrawlerTargets, DynamoDbTarget, RegistryId, SchemaId, TableInput};
use crawl::Clients;
use sync::prune::{Extent, leftovers, remove};

use crate::support::{World, WorldExt, input_of, session};

/// Done to what a run has made of one table; what is not there can't be edited.
#[derive(Debug, Clone, Copy)]
pub(super) enum Edit {
    DeleteTable,
    DeleteCrawler,
    DeleteRole,
    DeleteRolePolicy,
    DescribeRole,
    PrefixCrawler,
    StopCrawler,
    StartCrawler,
    RetypeColumns,
    DropParameters,
    DeleteSchema,
    DeleteRegistry,
}

pub(super) const EDITS: [Edit; 12] = [
    Edit::DeleteTable,
    Edit::DeleteCrawler,
    Edit::DeleteRole,
    Edit::DeleteRolePolicy,
    Edit::DescribeRole,
    Edit::PrefixCrawler,
    Edit::StopCrawler,
    Edit::StartCrawler,
    Edit::RetypeColumns,
    Edit::DropParameters,
    Edit::DeleteSchema,
    Edit::DeleteRegistry,
];

pub(super) async fn edit(world: &World, edit: Edit, table: &str) {
    let Clients { glue, iam, .. } = &world.clients;
    let crawler = sync::naming::crawler("{table}_crawler", table);
    let known = glue.get_crawler().name(&crawler).send().await.ok().and_then(|answer| answer.crawler);
    let role = known.and_then(|crawler| crawler.role).unwrap_or_default();
    let role = role.rsplit('/').next().unwrap_or_default();
    // A call that is to fail may be one of theirs.
    let catalogued = crawl::catalog::list(&world.clients, "ddb_tables").await.unwrap_or_default();
    let catalogued = catalogued.into_iter().find(|of| crawl::catalog::Entry(of).source() == Some(table));
    let name = catalogued.as_ref().map(|of| of.name().to_owned()).unwrap_or_default();
    let update = |input: Option<TableInput>| async move {
        if let Some(input) = input {
            drop(glue.update_table().database_name("ddb_tables").table_input(input).send().await);
        }
    };
    let policy = || iam.delete_role_policy().role_name(role).policy_name("glue-ddb-crawler").send();
    match edit {
        Edit::DeleteTable => drop(glue.delete_table().database_name("ddb_tables").name(name).send().await),
        Edit::DeleteCrawler => drop(glue.delete_crawler().name(crawler).send().await),
        Edit::DeleteRole => {
            drop(policy().await);
            drop(iam.delete_role().role_name(role).send().await);
        }
        Edit::DeleteRolePolicy => drop(policy().await),
        Edit::DescribeRole => drop(iam.update_role().role_name(role).description("mine").send().await),
        Edit::PrefixCrawler => drop(glue.update_crawler().name(crawler).table_prefix("x_").send().await),
        Edit::StopCrawler => drop(glue.stop_crawler().name(crawler).send().await),
        Edit::StartCrawler => drop(glue.start_crawler().name(crawler).send().await),
        Edit::RetypeColumns => {
            let input = catalogued.map(|table| {
                let mut input = input_of(&table);
                if let Some(descriptor) = &mut input.storage_descriptor {
                    let odd = Column::builder().name("odd").r#type("string").comment("by hand").build().unwrap();
                    descriptor.columns = Some(vec![odd]);
                    descriptor.schema_reference = None;
                }
                input
            });
            update(input).await;
        }
        Edit::DropParameters => {
            let input = catalogued.map(|table| {
                let mut input = input_of(&table);
                input.parameters = None;
                input
            });
            update(input).await;
        }
        Edit::DeleteSchema => {
            let id = SchemaId::builder().registry_name("glue-ddb-crawler").schema_name(format!("ddb_tables.{name}"));
            drop(glue.delete_schema().schema_id(id.build()).send().await);
        }
        Edit::DeleteRegistry => {
            let id = RegistryId::builder().registry_name("glue-ddb-crawler").build();
            drop(glue.delete_registry().registry_id(id).send().await);
        }
    }
}

/// Takes away what can be; what is in use at this moment stays.
pub(super) async fn prune(clients: &Clients, extent: Extent) {
    let settings = super::step::settings();
    if let Ok(found) = leftovers(&session(clients, &settings), extent).await {
        drop(remove(&session(clients, &settings), found).await);
    }
}

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"glue.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// Somebody else's table, crawler and role, beside ours.
pub(super) struct Others(String);

impl Others {
    pub(super) async fn make(world: &World) -> Others {
        let Clients { glue, iam, .. } = &world.clients;
        // Our database, so that it is one of which everything may go but what is in it of others.
        drop(world.sync(&super::step::settings()).await);
        let table = TableInput::builder().name("by_hand").description("theirs").build().unwrap();
        glue.create_table().database_name("ddb_tables").table_input(table).send().await.unwrap();
        iam.create_role().role_name("theirs").assume_role_policy_document(TRUST).send().await.unwrap();
        let target = DynamoDbTarget::builder().path("theirs").build();
        let targets = CrawlerTargets::builder().dynamo_db_targets(target).build();
        let crawler = glue.create_crawler().name("theirs_crawler").role("theirs").database_name("ddb_tables");
        crawler.targets(targets).send().await.unwrap();
        Others(Others::as_they_are(world).await)
    }

    pub(super) async fn are_untouched(&self, world: &World) {
        assert_eq!(Others::as_they_are(world).await, self.0);
    }

    async fn as_they_are(world: &World) -> String {
        let Clients { glue, iam, .. } = &world.clients;
        let table = glue.get_table().database_name("ddb_tables").name("by_hand").send().await.unwrap().table;
        let crawler = glue.get_crawler().name("theirs_crawler").send().await.unwrap().crawler;
        let role = iam.get_role().role_name("theirs").send().await.unwrap().role;
        format!("{table:?}\n{crawler:?}\n{role:?}")
    }
}
