//! Crawls and readers: what their roles may.

use super::*;

#[tokio::test]
async fn a_crawl_does_what_its_role_may() {
    let nothing_else = allow(&["glue:GetTable"], &["*"]);
    let deny = json!({"Effect": "Deny", "Action": "dynamodb:Scan", "Resource": "*"});
    let mut ends = Vec::new();
    for statements in [vec![write()], vec![read(), nothing_else], vec![read(), write(), deny]] {
        let world = World::new().await;
        let role = world.role("Orders_crawler", &statements).await;
        ends.push(world.crawl(&role).await.unwrap_err());
        assert_eq!(world.root.get_tables().database_name("db").send().await.unwrap().table_list().len(), 0);
    }
    // A boundary that allows the catalog only.
    let world = World::new().await;
    let role = world.role("Orders_crawler", &[read(), write()]).await;
    let caps =
        world.iam.create_policy().policy_name("caps").policy_document(json!({"Statement": [write()]}).to_string());
    caps.send().await.unwrap();
    let caps = format!("arn:aws:iam::{ACCOUNT}:policy/caps");
    world
        .iam
        .put_role_permissions_boundary()
        .role_name("Orders_crawler")
        .permissions_boundary(caps)
        .send()
        .await
        .unwrap();
    ends.push(world.crawl(&role).await.unwrap_err());
    assert_snapshot!(ends.join("\n"), @r"
    dynamodb:DescribeTable: AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/Orders_crawler/AWS-Crawler is not authorized to perform: dynamodb:DescribeTable on resource: arn:aws:dynamodb:eu-west-1:123456789012:table/Orders because no identity-based policy allows the dynamodb:DescribeTable action
    glue:CreateTable: AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/Orders_crawler/AWS-Crawler is not authorized to perform: glue:CreateTable on resource: arn:aws:glue:eu-west-1:123456789012:catalog because no identity-based policy allows the glue:CreateTable action
    dynamodb:Scan: AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/Orders_crawler/AWS-Crawler is not authorized to perform: dynamodb:Scan on resource: arn:aws:dynamodb:eu-west-1:123456789012:table/Orders with an explicit deny in an identity-based policy
    dynamodb:DescribeTable: AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/Orders_crawler/AWS-Crawler is not authorized to perform: dynamodb:DescribeTable on resource: arn:aws:dynamodb:eu-west-1:123456789012:table/Orders because no permissions boundary allows the dynamodb:DescribeTable action
    ");
}

#[tokio::test]
async fn a_crawler_s_role_reads_its_own_table_only() {
    let world = World::new().await;
    let role = world.role("Orders_crawler", &[read(), write()]).await;
    let clients = assume(&world.endpoint, &role).await;
    assert_eq!(clients.dynamodb.scan().table_name("Orders").send().await.unwrap().count(), 1);
    let errors = [
        refused!(clients.dynamodb.scan().table_name("Users")),
        refused!(clients.dynamodb.list_tables()),
        refused!(clients.dynamodb.execute_statement().statement("SELECT * FROM Orders")),
        refused!(clients.iam.list_roles()),
    ];
    assert_snapshot!(errors.join("\n"), @r"
    400 AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/Orders_crawler/test is not authorized to perform: dynamodb:Scan on resource: arn:aws:dynamodb:eu-west-1:123456789012:table/Users because no identity-based policy allows the dynamodb:Scan action
    400 AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/Orders_crawler/test is not authorized to perform: dynamodb:ListTables on resource: * because no identity-based policy allows the dynamodb:ListTables action
    400 AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/Orders_crawler/test is not authorized to perform: dynamodb:ExecuteStatement on resource: * because this endpoint does not know what permission that needs
    403 AccessDenied: User: arn:aws:sts::123456789012:assumed-role/Orders_crawler/test is not authorized to perform: iam:ListRoles on resource: * because no identity-based policy allows the iam:ListRoles action
    ");
}

#[tokio::test]
async fn tables_behind_another_endpoint_are_judged_here() {
    let behind = World::new().await;
    let url = behind.endpoint.server.url().to_owned();
    let in_front = Endpoint::start(Config { source: Source::Endpoint(url), ..Config::default() }).await;
    let world = World::with(folder(&[]), in_front).await;
    let role = world.role("Orders_crawler", &[read(), write()]).await;
    let clients = assume(&world.endpoint, &role).await;
    assert_eq!(clients.dynamodb.scan().table_name("Orders").send().await.unwrap().count(), 1);
    assert!(refused!(clients.dynamodb.scan().table_name("Users")).starts_with("400 AccessDeniedException: "));
    assert!(refused!(clients.dynamodb.delete_table().table_name("Orders")).starts_with("400 AccessDeniedException: "));
    assert_eq!(world.crawl(&role).await, Ok(()));

    let blind = world.role("blind", &[write()]).await;
    world.root.delete_crawler().name("Orders_crawler").send().await.unwrap();
    let why = world.crawl(&blind).await.unwrap_err();
    assert!(why.contains("AWS-Crawler is not authorized to perform: dynamodb:DescribeTable"), "{why}");
}

#[tokio::test]
async fn a_linked_table_is_read_with_the_caller_s_right_to_its_schema() {
    let world = World::new().await;
    let schema = world.root.create_schema().schema_name("orders").data_format(DataFormat::Avro);
    let record = r#"{"type":"record","name":"r","fields":[{"name":"id","type":"string"}]}"#;
    schema.schema_definition(record).send().await.unwrap();
    let id = SchemaId::builder().registry_name("default-registry").schema_name("orders").build();
    let reference = SchemaReference::builder().schema_id(id).schema_version_number(1).build();
    let descriptor = StorageDescriptor::builder().schema_reference(reference).build();
    let table = TableInput::builder().name("orders").storage_descriptor(descriptor).build().unwrap();
    world.root.create_table().database_name("db").table_input(table).send().await.unwrap();

    let glue = &world.run.glue;
    let errors = [
        refused!(glue.get_table().database_name("db").name("orders")),
        refused!(glue.get_tables().database_name("db")),
    ];
    assert_snapshot!(errors.join("\n"), @r"
    400 AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/run/test is not authorized to perform: glue:GetSchemaVersion on resource: arn:aws:glue:eu-west-1:123456789012:registry/default-registry because no identity-based policy allows the glue:GetSchemaVersion action
    400 AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/run/test is not authorized to perform: glue:GetSchemaVersion on resource: arn:aws:glue:eu-west-1:123456789012:registry/default-registry because no identity-based policy allows the glue:GetSchemaVersion action
    ");
    let more = json!({"Statement": [allow(&["glue:GetSchemaVersion"], &["*"])]}).to_string();
    world.iam.put_role_policy().role_name("run").policy_name("more").policy_document(more).send().await.unwrap();
    let table = glue.get_table().database_name("db").name("orders").send().await.unwrap().table.unwrap();
    assert_eq!(table.storage_descriptor().unwrap().columns()[0].name(), "id");
}
