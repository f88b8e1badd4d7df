//! What `sync` promises.

use crawl::options::DeleteBehavior;
use sync::Settings;
use sync::report::{Action, Outcome};
use sync::settings::Engine;

use crate::support::{ACCOUNT, World, WorldExt, all_well, columns, only_linked_again, parameter, row, waiting};

const ORDERS: &[&str] = &[
    r#"{"id":{"S":"1"},"Total":{"N":"12.50"},"tags":{"SS":["a","b"]},"Ship-To":{"M":{"City":{"S":"Graz"},"zip":{"N":"8010"}}}}"#,
    r#"{"id":{"S":"2"},"Total":{"N":"3"},"note":{"NULL":true}}"#,
];

#[tokio::test]
async fn every_table_is_catalogued_registered_and_linked() {
    let world = World::new(&[("Orders", ORDERS), ("empty", &[])]).await;
    let report = all_well(world.sync(&waiting()).await);
    assert_eq!((report.summary.tables, report.summary.crawled, report.summary.linked), (2, 2, 2));

    let orders = world.table("orders").await;
    insta::assert_snapshot!(columns(&orders).join("\n"), @r"
    id: string
    ship_to: struct<City:string,zip:bigint>
    total: double
    note: string
    tags: array<string>
    ");
    assert_eq!(
        orders.storage_descriptor().unwrap().location().unwrap(),
        format!("arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/Orders")
    );
    let mut parameters: Vec<String> = orders
        .parameters()
        .unwrap()
        .iter()
        .filter(|(name, _)| *name != "schemaVersionId")
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    parameters.sort();
    insta::assert_snapshot!(parameters.join("\n"), @"
    CrawlerSchemaDeserializerVersion=1.0
    CrawlerSchemaSerializerVersion=1.0
    UPDATED_BY_CRAWLER=Orders_crawler
    averageRecordSize=29
    classification=dynamodb
    columnMapping=ship_to=Ship-To,total=Total
    dynamodb.column.mapping=id:id,ship_to:Ship-To,total:Total,note:note,tags:tags
    dynamodb.table.name=Orders
    hashKey=id
    recordCount=2
    schemaFingerprint=039dbf5d5fc75d79
    schemaName=ddb_tables.orders
    schemaRegistryName=glue-ddb-crawler
    schemaVersionNumber=1
    sizeKey=58
    sourceTable=Orders
    typeOfData=table
    ");
    assert_eq!(columns(&world.table("empty").await), ["id: string"]);

    let database = world.clients.glue.get_database().name("ddb_tables").send().await.unwrap().database.unwrap();
    assert!(database.location_uri().unwrap().contains("dynamo-db-flag"));
}

#[tokio::test]
async fn each_crawler_has_a_role_for_its_table_alone() {
    let world = World::new(&[("Orders", ORDERS), ("Users", &[])]).await;
    all_well(world.sync(&waiting()).await);
    let crawler = world.clients.glue.get_crawler().name("Orders_crawler").send().await.unwrap().crawler.unwrap();
    assert!(crawler.role().unwrap().ends_with("Orders_crawler_eu-west-1"));
    let tags =
        world.clients.glue.get_tags().resource_arn(format!("arn:aws:glue:eu-west-1:{ACCOUNT}:crawler/Orders_crawler"));
    assert_eq!(tags.send().await.unwrap().tags.unwrap()["managed-by"], "glue-ddb-crawler");

    let role = world.clients.iam.get_role().role_name("Orders_crawler_eu-west-1").send().await.unwrap().role.unwrap();
    assert_eq!(role.path(), "/glue-ddb-crawler/");
    let policies = world.clients.iam.list_attached_role_policies().role_name(role.role_name()).send().await.unwrap();
    assert!(policies.attached_policies().is_empty());

    // Its crawler can't be turned on another table.
    let other = aws_sdk_glue::types::DynamoDbTarget::builder().path("Users").build();
    let targets = aws_sdk_glue::types::CrawlerTargets::builder().dynamo_db_targets(other).build();
    world.clients.glue.update_crawler().name("Orders_crawler").targets(targets).send().await.unwrap();
    let report = world.sync(&Settings { no_start: true, ..waiting() }).await;
    assert_eq!(row(&report, "Orders").actions, [Action::UpdateCrawler]);
}

#[tokio::test]
async fn a_second_run_changes_nothing() {
    for engine in [Engine::Managed, Engine::Native] {
        // Where each crawl undoes the link, a run makes it again: see `unknowns`.
        let world = World::at(&["crawl-rewrites=no"], &[("Orders", ORDERS), ("A-b", &[]), ("a_b", &[])]).await;
        let settings = Settings { engine, ..waiting() };
        all_well(world.sync(&settings).await);
        let before = world.tables().await;
        let second = all_well(world.sync(&settings).await);
        assert_eq!(second.summary.changed, 0, "{:#?}", second.tables);
        assert_eq!(world.tables().await, before);
        for write in
            ["CreateTable", "UpdateTable", "RegisterSchemaVersion", "CreateSchema", "GetSchemaVersion", "CreateCrawler"]
        {
            assert_eq!(second.calls.get(&format!("glue:{write}")), None, "{write} ({engine:?})");
        }
        assert!(
            second.calls.keys().all(|call| !call.starts_with("iam:") || call == "iam:ListRoles"),
            "{:?}",
            second.calls
        );
    }
}

#[tokio::test]
async fn a_dry_run_says_what_and_does_nothing() {
    let world = World::new(&[("Orders", ORDERS)]).await;
    let report = world.sync(&Settings { dry_run: true, ..waiting() }).await;
    let orders = row(&report, "Orders");
    assert_eq!(orders.outcome, Outcome::Planned);
    let all = [Action::CreateRole, Action::CreateCrawler, Action::StartCrawler, Action::CreateTable];
    assert_eq!(orders.actions, all);
    assert!(report.has_changes());
    assert!(
        report.calls.keys().all(|call| ["List", "Get", "Describe"].iter().any(|read| call.contains(read))),
        "{:?}",
        report.calls
    );

    all_well(world.sync(&waiting()).await);
    let after = world.sync(&Settings { dry_run: true, ..waiting() }).await;
    assert!(!after.has_changes(), "{:#?}", after.tables);
    assert_eq!(row(&after, "Orders").actions, [Action::StartCrawler]);
}

#[tokio::test]
async fn without_waiting_the_next_run_links() {
    let world = World::new(&[("Orders", ORDERS)]).await;
    let first = all_well(world.sync(&Settings::default()).await);
    assert_eq!(row(&first, "Orders").outcome, Outcome::Started);
    while !world.tables().await.contains_key("orders") {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let second = all_well(world.sync(&Settings::default()).await);
    assert!(row(&second, "Orders").actions.contains(&Action::LinkSchema));
    assert_eq!(second.summary.linked, 1);
}

#[tokio::test]
async fn include_and_exclude_choose_tables() {
    let world = World::new(&[("orders", &[]), ("orders-test", &[]), ("users", &[])]).await;
    let settings = Settings { include: vec!["orders*".into()], exclude: vec!["*-test".into()], ..waiting() };
    let report = all_well(world.sync(&settings).await);
    assert_eq!(report.tables.iter().map(|row| row.table.as_str()).collect::<Vec<_>>(), ["orders"]);
    assert_eq!(world.tables().await.into_keys().collect::<Vec<_>>(), ["orders"]);
}

#[tokio::test]
async fn only_as_many_crawlers_run_as_may() {
    let world = World::new(&[("tbla", &[]), ("tblb", &[]), ("tblc", &[])]).await;
    let one = Settings { max_running: 1, ..Settings::default() };
    let report = world.sync(&one).await;
    assert_eq!((report.summary.started, report.summary.deferred, report.summary.failed), (1, 2, 0));
    let deferred = report.tables.iter().find(|row| row.outcome == Outcome::Deferred).unwrap();
    assert!(deferred.reason.as_ref().unwrap().contains("later run"));

    // Waiting, one after the other gets its turn.
    let report = all_well(world.sync(&Settings { max_running: 1, ..waiting() }).await);
    assert_eq!(report.summary.crawled, 3);
}

#[tokio::test]
async fn foreign_crawlers_and_roles_are_left_alone() {
    let world = World::new(&[("Orders", ORDERS), ("Users", &[]), ("tblc", &[])]).await;
    all_well(world.sync(&waiting()).await);
    let arn = format!("arn:aws:glue:eu-west-1:{ACCOUNT}:crawler/Orders_crawler");
    world.clients.glue.untag_resource().resource_arn(arn).tags_to_remove("managed-by").send().await.unwrap();
    let version = |world: &World| {
        let request = world.clients.glue.get_crawler().name("Orders_crawler");
        async move { request.send().await.unwrap().crawler.unwrap() }
    };
    let before = version(&world).await;
    let planned = world.sync(&Settings { dry_run: true, ..waiting() }).await;
    assert_eq!(row(&planned, "Orders").outcome, Outcome::Failed, "a dry run tells what would fail");
    let report = world.sync(&Settings { scan_rate: Some(1.0), ..waiting() }).await;
    assert_eq!(row(&report, "Orders").outcome, Outcome::Failed);
    assert!(row(&report, "Orders").reason.as_ref().unwrap().contains("not ours"));
    assert_eq!(version(&world).await, before, "neither changed nor started");
    assert_eq!(row(&report, "Users").outcome, Outcome::Crawled);

    // A role of our name outside of our path.
    let world = World::new(&[("Orders", ORDERS)]).await;
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let foreign =
        world.clients.iam.create_role().role_name("Orders_crawler_eu-west-1").assume_role_policy_document(trust);
    foreign.send().await.unwrap();
    let report = world.sync(&waiting()).await;
    assert!(row(&report, "Orders").reason.as_ref().unwrap().contains("outside /glue-ddb-crawler/"), "{report:#?}");
    let policies = world.clients.iam.list_role_policies().role_name("Orders_crawler_eu-west-1").send().await.unwrap();
    assert!(policies.policy_names().is_empty());
}

#[tokio::test]
async fn vanished_tables_are_deprecated_and_come_back() {
    let world = World::new(&[("Orders", ORDERS), ("Users", &[])]).await;
    all_well(world.sync(&waiting()).await);
    world.drop_table("Orders");
    let report = all_well(world.sync(&waiting()).await);
    assert_eq!(row(&report, "Orders").outcome, Outcome::Vanished);
    let marked = world.table("orders").await;
    assert!(parameter(&marked, "DEPRECATED_BY_CRAWLER").unwrap().parse::<u64>().unwrap() > 1_600_000_000_000);
    assert_eq!(columns(&marked).len(), 5);
    all_well(world.sync(&waiting()).await);
    assert_eq!(world.table("orders").await, marked, "marked once");

    world.put("Orders", ORDERS);
    all_well(world.sync(&waiting()).await);
    assert_eq!(parameter(&world.table("orders").await, "DEPRECATED_BY_CRAWLER"), None);

    world.drop_table("Orders");
    all_well(world.sync(&Settings { on_delete: DeleteBehavior::DeleteFromDatabase, ..waiting() }).await);
    assert!(!world.tables().await.contains_key("orders"));
}

#[tokio::test]
async fn colliding_and_long_names() {
    let long = "L".repeat(200);
    let world = World::new(&[("A.b", &[]), ("A-b", &[]), (&long, &[])]).await;
    let report = all_well(world.sync(&waiting()).await);
    let names: std::collections::BTreeSet<_> = report.tables.iter().map(|row| row.catalog_table.clone()).collect();
    assert_eq!(names.len(), 3);
    assert_eq!(row(&report, "A-b").catalog_table, "a_b", "the byte-wise smallest keeps the plain name");
    assert!(row(&report, "A.b").catalog_table.starts_with("a_b_"));
    assert_eq!(row(&report, &long).catalog_table.len(), 128);
    only_linked_again(world.sync(&waiting()).await);
}

#[tokio::test]
async fn both_engines_publish_the_same() {
    let tables: &[(&str, &[&str])] = &[("Orders", ORDERS), ("A-b", &[]), ("a_b", &[])];
    let mut published = Vec::new();
    for engine in [Engine::Managed, Engine::Native] {
        let world = World::new(tables).await;
        all_well(world.sync(&Settings { engine, ..waiting() }).await);
        let tables = world.tables().await.into_values().map(|table| {
            let mut parameters = table.parameters().cloned().unwrap();
            parameters.retain(|name, _| !["UPDATED_BY_CRAWLER", "schemaVersionId", "shape"].contains(&name.as_str()));
            (table.name().to_owned(), columns(&table), std::collections::BTreeMap::from_iter(parameters))
        });
        published.push(tables.collect::<Vec<_>>());
    }
    assert_eq!(published[0], published[1]);
}

/// IAM does not tell roles apart by case, DynamoDB does so with tables.
#[tokio::test]
async fn tables_that_differ_in_case_have_a_role_each() {
    let world = World::new(&[("Orders", ORDERS), ("orders", &[])]).await;
    assert_eq!(all_well(world.sync(&waiting()).await).summary.crawled, 2);
    assert_eq!(only_linked_again(world.sync(&waiting()).await).summary.crawled, 2);
}

#[tokio::test]
async fn a_managed_policy_that_is_no_longer_wanted_is_detached() {
    let world = World::new(&[("Orders", ORDERS)]).await;
    let wide = Settings { managed_policy: true, no_start: true, ..Settings::default() };
    all_well(world.sync(&wide).await);
    let attached = || async {
        let policies = world.clients.iam.list_attached_role_policies().role_name("Orders_crawler_eu-west-1");
        policies.send().await.unwrap().attached_policies.unwrap_or_default().len()
    };
    assert_eq!(attached().await, 1);
    let report = all_well(world.sync(&Settings { managed_policy: false, ..wide }).await);
    assert_eq!(row(&report, "Orders").actions, [Action::RepairRole]);
    assert_eq!(attached().await, 0);
}

#[tokio::test]
async fn the_flag_is_all_that_changes_of_a_database() {
    use aws_sdk_glue::types::{DataLakePrincipal, DatabaseInput, Permission, PrincipalPermissions};

    let world = World::new(&[]).await;
    let principal = DataLakePrincipal::builder().data_lake_principal_identifier("IAM_ALLOWED_PRINCIPALS").build();
    let permissions = PrincipalPermissions::builder().principal(principal).permissions(Permission::Select).build();
    let input = DatabaseInput::builder()
        .name("ddb_tables")
        .description("by hand")
        .location_uri("s3://bucket/path")
        .parameters("team", "shop")
        .create_table_default_permissions(permissions);
    world.clients.glue.create_database().database_input(input.build().unwrap()).send().await.unwrap();
    let database =
        || async { world.clients.glue.get_database().name("ddb_tables").send().await.unwrap().database.unwrap() };
    let mut before = database().await;
    assert!(world.sync(&Settings::default()).await.database_changed);
    before.location_uri = Some("s3://bucket/path/dynamo-db-flag".into());
    assert_eq!(database().await, before);
    assert!(!world.sync(&Settings::default()).await.database_changed);
}

#[tokio::test]
async fn roles_get_the_permissions_boundary() {
    let world = World::new(&[("tbla", ORDERS), ("tblb", ORDERS)]).await;
    let boundary = "arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess";
    let role = |table: &str| {
        let request = world.clients.iam.get_role().role_name(format!("{table}_crawler_eu-west-1"));
        async { request.send().await.unwrap().role.unwrap() }
    };
    // One made before the boundary was set gets it too.
    let without = Settings { no_start: true, include: vec!["tbla".into()], ..Settings::default() };
    all_well(world.sync(&without).await);
    assert!(role("tbla").await.permissions_boundary().is_none());
    let capped = Settings { no_start: true, permissions_boundary: Some(boundary.into()), ..Settings::default() };
    let report = all_well(world.sync(&capped).await);
    assert_eq!(row(&report, "tbla").actions, [Action::RepairRole]);
    assert_eq!(row(&report, "tblb").actions, [Action::CreateRole, Action::CreateCrawler]);
    for table in ["tbla", "tblb"] {
        assert_eq!(role(table).await.permissions_boundary().unwrap().permissions_boundary_arn(), Some(boundary));
    }
    assert!(all_well(world.sync(&capped).await).tables.iter().all(|table| table.actions.is_empty()));
    // Nothing widens a role.
    all_well(world.sync(&without).await);
    assert!(role("tbla").await.permissions_boundary().is_some());
}
