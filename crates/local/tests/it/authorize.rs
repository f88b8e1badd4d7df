//! Least privilege, proven: a role with the permissions of a run does what a run does and nothing else, and crawls do what
//! their roles may.

mod crawls;

use std::time::Duration;

use aws_sdk_glue::error::ProvideErrorMetadata;
use aws_sdk_glue::types::{
    Compatibility, CrawlerTargets, DataFormat, DatabaseInput, DynamoDbTarget, LastCrawlStatus, RegistryId, SchemaId,
    SchemaReference, StorageDescriptor, TableInput,
};
use aws_sdk_iam::types::Tag;
use crawl::Clients;
use insta::assert_snapshot;
use local::{Config, Source};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::refused;
use testkit::REGION;

use crate::support::{ACCOUNT, Attempts, Endpoint, assume, folder};

const BOUNDARY: &str = "arn:aws:iam::123456789012:policy/glue-ddb-crawler/boundary";
const GLUE_ROLE: &str = "arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole";
const TABLE: &[u8] =
    br#"{"BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],
    "KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]}"#;

fn allow(actions: &[&str], resources: &[&str]) -> Value {
    let arn = |resource: &&str| match resource.split_once(':') {
        Some(("iam", rest)) => format!("arn:aws:iam::{ACCOUNT}:{rest}"),
        Some((service, rest)) => format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"),
        None => (*resource).to_owned(),
    };
    json!({"Effect": "Allow", "Action": actions, "Resource": resources.iter().map(arn).collect::<Vec<_>>()})
}

fn when(mut statement: Value, condition: Value) -> Value {
    statement["Condition"] = condition;
    statement
}

/// What a run may do.
fn run() -> Value {
    let (catalog, crawlers, roles) = (
        ["glue:catalog", "glue:database/db", "glue:table/db/*"],
        ["glue:crawler/*_crawler"],
        ["iam:role/glue-ddb-crawler/*"],
    );
    let schemas = ["glue:registry/reg", "glue:schema/reg/db.*"];
    let (ours, tags) = (json!({"aws:RequestTag/managed-by": "us"}), json!({"aws:TagKeys": ["managed-by"]}));
    let bounded = json!({"iam:PermissionsBoundary": BOUNDARY});
    json!({"Version": "2012-10-17", "Statement": [
        allow(&["dynamodb:ListTables"], &["*"]),
        allow(&["dynamodb:DescribeTable", "dynamodb:Scan"], &["dynamodb:table/Orders"]),
        allow(&["glue:GetDatabase", "glue:CreateDatabase", "glue:GetTable*", "glue:CreateTable", "glue:UpdateTable"], &catalog),
        allow(&["glue:ListCrawlers", "glue:GetCrawlers"], &["*"]),
        when(allow(&["glue:CreateCrawler"], &["*"]), json!({"StringEquals": ours})),
        when(
            allow(&["glue:UpdateCrawler", "glue:StartCrawler", "glue:BatchGetCrawlers"], &crawlers),
            json!({"StringEquals": {"aws:ResourceTag/managed-by": "us"}}),
        ),
        when(
            allow(&["glue:TagResource"], &[&crawlers[..], &schemas].concat()),
            json!({"StringEquals": ours, "ForAllValues:StringEquals": tags}),
        ),
        allow(&["glue:CreateRegistry"], &schemas[..1]),
        allow(&["glue:CreateSchema", "glue:ListSchemaVersions", "glue:RegisterSchemaVersion"], &schemas),
        allow(&["iam:ListRoles"], &["*"]),
        when(
            allow(&["iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"], &roles),
            json!({"StringEquals": bounded}),
        ),
        when(
            allow(&["iam:AttachRolePolicy"], &roles),
            json!({"StringEquals": bounded, "ArnEquals": {"iam:PolicyARN": GLUE_ROLE}}),
        ),
        when(allow(&["iam:TagRole"], &roles), json!({"StringEquals": ours, "ForAllValues:StringEquals": tags})),
        when(allow(&["iam:PassRole"], &roles), json!({"StringEquals": {"iam:PassedToService": "glue.amazonaws.com"}})),
    ]})
}

/// Trust in Glue and in the account, so that tests can be the role too.
fn trust(service: &str) -> String {
    let principal = json!({"Service": service, "AWS": format!("arn:aws:iam::{ACCOUNT}:root")});
    json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}}).to_string()
}

/// The tables Orders and Users, the database `db`, the policy [`BOUNDARY`], and a run's role.
struct World {
    _tables: TempDir,
    endpoint: Endpoint,
    /// The account's own.
    root: aws_sdk_glue::Client,
    iam: aws_sdk_iam::Client,
    run: Clients,
}

impl World {
    async fn new() -> World {
        let items = br#"{"id":{"S":"1"},"total":{"N":"1"}}"#;
        let files = [("Orders.json", TABLE), ("Orders.jsonl", items), ("Users.json", TABLE)];
        let tables = folder(&files);
        let endpoint = Endpoint::with_tables(tables.path()).await;
        World::with(tables, endpoint).await
    }

    async fn with(tables: TempDir, endpoint: Endpoint) -> World {
        let (root, iam) = (endpoint.glue(REGION, Attempts::One), endpoint.iam(REGION, Attempts::One));
        let database = DatabaseInput::builder().name("db").build().unwrap();
        root.create_database().database_input(database).send().await.unwrap();
        let caps = json!({"Statement": [
            allow(&["dynamodb:DescribeTable", "dynamodb:Scan"], &["dynamodb:table/*"]),
            allow(&["glue:GetTable", "glue:CreateTable"], &["glue:catalog", "glue:database/db", "glue:table/db/*"]),
        ]});
        let boundary = iam.create_policy().path("/glue-ddb-crawler/").policy_name("boundary");
        boundary.policy_document(caps.to_string()).send().await.unwrap();
        let create = iam.create_role().role_name("run").assume_role_policy_document(trust("lambda.amazonaws.com"));
        let arn = create.send().await.unwrap().role.unwrap().arn;
        let put = iam.put_role_policy().role_name("run").policy_name("run").policy_document(run().to_string());
        put.send().await.unwrap();
        let run = assume(&endpoint, &arn).await;
        World { _tables: tables, endpoint, root, iam, run }
    }

    /// The run makes a role.
    fn make(&self, name: &str) -> aws_sdk_iam::operation::create_role::builders::CreateRoleFluentBuilder {
        let create = self.run.iam.create_role().role_name(name).path("/glue-ddb-crawler/");
        create.permissions_boundary(BOUNDARY).assume_role_policy_document(trust("glue.amazonaws.com"))
    }

    /// A crawler's role, made by the run; its ARN.
    async fn role(&self, name: &str, statements: &[Value]) -> String {
        let role = self.make(name).send().await.unwrap().role.unwrap();
        let policy = json!({"Statement": statements}).to_string();
        let put = self.run.iam.put_role_policy().role_name(name).policy_name("p").policy_document(policy);
        put.send().await.unwrap();
        role.arn
    }

    /// The run makes the crawler of a table.
    fn crawler(
        &self,
        name: &str,
        role: &str,
    ) -> aws_sdk_glue::operation::create_crawler::builders::CreateCrawlerFluentBuilder {
        let create = self.run.glue.create_crawler().name(name).role(role).database_name("db");
        create.targets(targets()).tags("managed-by", "us")
    }

    /// How the crawl of a crawler with such a role ends.
    async fn crawl(&self, role: &str) -> Result<(), String> {
        self.crawler("Orders_crawler", role).send().await.unwrap();
        self.run.glue.start_crawler().name("Orders_crawler").send().await.unwrap();
        for _ in 0..500 {
            let crawler = self.root.get_crawler().name("Orders_crawler").send().await.unwrap().crawler.unwrap();
            if let Some(last) = crawler.last_crawl() {
                let well = last.status() == Some(&LastCrawlStatus::Succeeded);
                return if well { Ok(()) } else { Err(last.error_message().unwrap().to_owned()) };
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the crawl did not end");
    }
}

/// What the run was refused, without the words that are the same in all denials.
fn denials(errors: &[String]) -> String {
    let short = |error: &String| {
        let (status, denial) = error.split_once(": User: arn:aws:sts::123456789012:assumed-role/run/test ").unwrap();
        let denial = denial.strip_prefix("is not authorized to perform: ").unwrap();
        let (what, why) = denial.split_once(" because ").unwrap();
        let why = if why.starts_with("no identity-based policy allows the ") { "" } else { why };
        format!("{status}: {what} {why}").trim_end().to_owned()
    };
    errors.iter().map(short).collect::<Vec<_>>().join("\n")
}

fn targets() -> CrawlerTargets {
    CrawlerTargets::builder().dynamo_db_targets(DynamoDbTarget::builder().path("Orders").build()).build()
}

fn tag(value: &str) -> Tag {
    Tag::builder().key("managed-by").value(value).build().unwrap()
}

fn read() -> Value {
    allow(&["dynamodb:DescribeTable", "dynamodb:Scan"], &["dynamodb:table/Orders"])
}

fn write() -> Value {
    allow(&["glue:*Table"], &["glue:catalog", "glue:database/db", "glue:table/db/*"])
}

#[tokio::test]
async fn a_run_does_its_work_and_no_other() {
    let world = World::new().await;
    let (glue, iam) = (&world.run.glue, &world.run.iam);
    let role = world.role("Orders_crawler", &[read(), write()]).await;
    world.make("tagged").tags(tag("us")).send().await.unwrap();
    iam.attach_role_policy().role_name("tagged").policy_arn(GLUE_ROLE).send().await.unwrap();
    assert_eq!(world.crawl(&role).await, Ok(()));
    glue.update_crawler().name("Orders_crawler").role(&role).send().await.unwrap();
    let found = glue.batch_get_crawlers().crawler_names("Orders_crawler").send().await.unwrap();
    assert_eq!(found.crawlers().len(), 1);
    assert_eq!(glue.list_crawlers().tags("managed-by", "us").send().await.unwrap().crawler_names(), ["Orders_crawler"]);
    assert_eq!(glue.get_tables().database_name("db").send().await.unwrap().table_list().len(), 1);
    glue.create_registry().registry_name("reg").tags("managed-by", "us").send().await.unwrap();
    let registry = RegistryId::builder().registry_name("reg").build();
    let schema =
        glue.create_schema().registry_id(registry.clone()).schema_name("db.orders").data_format(DataFormat::Avro);
    schema.compatibility(Compatibility::Backward).schema_definition(r#""string""#).send().await.unwrap();
    assert_eq!(world.run.dynamodb.list_tables().send().await.unwrap().table_names().len(), 2);

    let errors = [
        refused!(world.run.dynamodb.scan().table_name("Users")),
        refused!(glue.get_tables().database_name("other")),
        refused!(glue.delete_table().database_name("db").name("orders")),
        refused!(glue.delete_crawler().name("Orders_crawler")),
        refused!(glue.create_schema().registry_id(registry).schema_name("other").data_format(DataFormat::Avro)),
        refused!(glue.create_registry().registry_name("reg").tags("managed-by", "someone")),
        refused!(iam.delete_role().role_name("tagged")),
        refused!(iam.get_policy().policy_arn(BOUNDARY)),
        refused!(world.run.sts.assume_role().role_arn(&role).role_session_name("me")),
        refused!(glue.list_jobs()),
        refused!(iam.list_users()),
    ];
    assert_snapshot!(denials(&errors), @r"
    400 AccessDeniedException: dynamodb:Scan on resource: arn:aws:dynamodb:eu-west-1:123456789012:table/Users
    400 AccessDeniedException: glue:GetTables on resource: arn:aws:glue:eu-west-1:123456789012:database/other
    400 AccessDeniedException: glue:DeleteTable on resource: arn:aws:glue:eu-west-1:123456789012:catalog
    400 AccessDeniedException: glue:DeleteCrawler on resource: arn:aws:glue:eu-west-1:123456789012:crawler/Orders_crawler
    400 AccessDeniedException: glue:CreateSchema on resource: arn:aws:glue:eu-west-1:123456789012:schema/reg/other
    400 AccessDeniedException: glue:TagResource on resource: arn:aws:glue:eu-west-1:123456789012:registry/reg
    403 AccessDenied: iam:DeleteRole on resource: arn:aws:iam::123456789012:role/glue-ddb-crawler/tagged
    403 AccessDenied: iam:GetPolicy on resource: arn:aws:iam::123456789012:policy/glue-ddb-crawler/boundary
    403 AccessDenied: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/glue-ddb-crawler/Orders_crawler
    400 AccessDeniedException: glue:ListJobs on resource: * this endpoint does not know what permission that needs
    403 AccessDenied: iam:ListUsers on resource: * this endpoint does not know what permission that needs
    ");
}

#[tokio::test]
async fn a_run_makes_only_roles_that_are_bounded_and_under_its_path() {
    let world = World::new().await;
    let iam = &world.run.iam;
    let open = world.iam.create_role().role_name("open").path("/glue-ddb-crawler/");
    open.assume_role_policy_document(trust("glue.amazonaws.com")).send().await.unwrap();
    world.make("ours").send().await.unwrap();
    let administrator = "arn:aws:iam::aws:policy/AdministratorAccess";
    let put = |name: &str| iam.put_role_policy().role_name(name).policy_name("p").policy_document(run().to_string());
    let errors = [
        refused!(world.make("new").set_permissions_boundary(None)),
        refused!(world.make("new").permissions_boundary(administrator)),
        refused!(world.make("new").path("/")),
        refused!(world.make("new").tags(tag("someone"))),
        refused!(world.make("new").tags(Tag::builder().key("other").value("x").build().unwrap())),
        refused!(put("open")),
        refused!(put("run")),
        refused!(iam.put_role_permissions_boundary().role_name("ours").permissions_boundary(administrator)),
        refused!(iam.delete_role_permissions_boundary().role_name("ours")),
        refused!(iam.attach_role_policy().role_name("ours").policy_arn(administrator)),
        refused!(iam.attach_role_policy().role_name("open").policy_arn(GLUE_ROLE)),
    ];
    assert_snapshot!(denials(&errors), @r"
    403 AccessDenied: iam:CreateRole on resource: arn:aws:iam::123456789012:role/glue-ddb-crawler/new
    403 AccessDenied: iam:CreateRole on resource: arn:aws:iam::123456789012:role/glue-ddb-crawler/new
    403 AccessDenied: iam:CreateRole on resource: arn:aws:iam::123456789012:role/new
    403 AccessDenied: iam:TagRole on resource: arn:aws:iam::123456789012:role/glue-ddb-crawler/new
    403 AccessDenied: iam:TagRole on resource: arn:aws:iam::123456789012:role/glue-ddb-crawler/new
    403 AccessDenied: iam:PutRolePolicy on resource: arn:aws:iam::123456789012:role/glue-ddb-crawler/open
    403 AccessDenied: iam:PutRolePolicy on resource: arn:aws:iam::123456789012:role/run
    403 AccessDenied: iam:PutRolePermissionsBoundary on resource: arn:aws:iam::123456789012:role/glue-ddb-crawler/ours
    403 AccessDenied: iam:DeleteRolePermissionsBoundary on resource: arn:aws:iam::123456789012:role/glue-ddb-crawler/ours
    403 AccessDenied: iam:AttachRolePolicy on resource: arn:aws:iam::123456789012:role/glue-ddb-crawler/ours
    403 AccessDenied: iam:AttachRolePolicy on resource: arn:aws:iam::123456789012:role/glue-ddb-crawler/open
    ");
    iam.put_role_permissions_boundary().role_name("open").permissions_boundary(BOUNDARY).send().await.unwrap();
    put("open").send().await.unwrap();
    assert_eq!(world.iam.list_roles().path_prefix("/glue").send().await.unwrap().roles().len(), 2);
}

#[tokio::test]
async fn a_run_passes_only_its_own_roles_and_only_to_glue() {
    let world = World::new().await;
    let ours = world.role("ours", &[read()]).await;
    let foreign = world.iam.create_role().role_name("foreign").assume_role_policy_document(trust("glue.amazonaws.com"));
    foreign.send().await.unwrap();
    world.crawler("a_crawler", &ours).send().await.unwrap();
    world.crawler("b_crawler", "glue-ddb-crawler/ours").send().await.unwrap();
    let errors = [
        refused!(world.crawler("c_crawler", "foreign")),
        refused!(world.crawler("c_crawler", "nobody")),
        refused!(world.run.glue.update_crawler().name("a_crawler").role("foreign")),
    ];
    assert_snapshot!(denials(&errors), @r"
    400 AccessDeniedException: iam:PassRole on resource: arn:aws:iam::123456789012:role/foreign
    400 AccessDeniedException: iam:PassRole on resource: arn:aws:iam::123456789012:role/nobody
    400 AccessDeniedException: iam:PassRole on resource: arn:aws:iam::123456789012:role/foreign
    ");

    let elsewhere = run().to_string().replace("glue.amazonaws.com", "lambda.amazonaws.com");
    let put = world.iam.put_role_policy().role_name("run").policy_name("run").policy_document(elsewhere);
    put.send().await.unwrap();
    assert!(refused!(world.crawler("c_crawler", &ours)).contains("not authorized to perform: iam:PassRole"));
}

#[tokio::test]
async fn a_run_leaves_the_crawlers_of_others_alone() {
    let world = World::new().await;
    let ours = world.role("ours", &[read()]).await;
    let theirs = world.root.create_crawler().name("their_crawler").role(&ours).database_name("db").targets(targets());
    theirs.tags("managed-by", "someone").send().await.unwrap();
    let untagged = world.root.create_crawler().name("untagged_crawler").role(&ours).database_name("db");
    untagged.targets(targets()).send().await.unwrap();
    world.crawler("a_crawler", &ours).send().await.unwrap();
    let glue = &world.run.glue;
    let crawler = |name: &str| format!("arn:aws:glue:{REGION}:{ACCOUNT}:crawler/{name}");
    let errors = [
        refused!(glue.start_crawler().name("their_crawler")),
        refused!(glue.update_crawler().name("untagged_crawler").description("ours now")),
        refused!(glue.batch_get_crawlers().crawler_names("a_crawler").crawler_names("their_crawler")),
        refused!(glue.create_crawler().name("new").role(&ours).database_name("db").targets(targets())),
        refused!(world.crawler("other", &ours)),
        refused!(world.crawler("new_crawler", &ours).tags("other", "x")),
        refused!(glue.tag_resource().resource_arn(crawler("a_crawler")).tags_to_add("managed-by", "someone")),
        refused!(glue.untag_resource().resource_arn(crawler("a_crawler")).tags_to_remove("managed-by")),
    ];
    assert_snapshot!(denials(&errors), @r"
    400 AccessDeniedException: glue:StartCrawler on resource: arn:aws:glue:eu-west-1:123456789012:crawler/their_crawler
    400 AccessDeniedException: glue:UpdateCrawler on resource: arn:aws:glue:eu-west-1:123456789012:crawler/untagged_crawler
    400 AccessDeniedException: glue:BatchGetCrawlers on resource: arn:aws:glue:eu-west-1:123456789012:crawler/their_crawler
    400 AccessDeniedException: glue:CreateCrawler on resource: *
    400 AccessDeniedException: glue:TagResource on resource: arn:aws:glue:eu-west-1:123456789012:crawler/other
    400 AccessDeniedException: glue:TagResource on resource: arn:aws:glue:eu-west-1:123456789012:crawler/new_crawler
    400 AccessDeniedException: glue:TagResource on resource: arn:aws:glue:eu-west-1:123456789012:crawler/a_crawler
    400 AccessDeniedException: glue:UntagResource on resource: arn:aws:glue:eu-west-1:123456789012:crawler/a_crawler
    ");
}
