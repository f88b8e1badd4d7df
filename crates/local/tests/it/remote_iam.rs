//! Roles of another endpoint, judged here.

use std::time::Duration;

use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_glue::error::ProvideErrorMetadata;
use aws_sdk_glue::types::{CrawlerState, CrawlerTargets, DatabaseInput, DynamoDbTarget};
use local::faults::{Calls, Fault, Rule};
use local::{Config, IamEndpoint, Source};
use serde_json::json;

use crate::refused;
use testkit::REGION;

use crate::support::{ACCOUNT, Attempts, Endpoint, folder};

const TABLE: &[u8] =
    br#"{"BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],
    "KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]}"#;

const OTHER_ACCOUNT: &str = r#"{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole",
    "Principal":{"Service":"glue.amazonaws.com"},"Condition":{"StringEquals":{"aws:SourceAccount":"999999999999"}}}}"#;

/// An endpoint in front of another, which has the tables and the roles.
async fn in_front_of(behind: &Endpoint) -> Endpoint {
    let url = behind.server.url().to_owned();
    let credentials = SharedCredentialsProvider::new(Credentials::new("AKIDOFOUTSIDE", "secret", None, None, "test"));
    let iam = Some(IamEndpoint { url: url.clone(), credentials });
    Endpoint::start(Config { source: Source::Endpoint(url), iam, ..Config::default() }).await
}

/// Creates a role that the service may assume for this account, and that may read Orders and write the catalog.
async fn role(endpoint: &Endpoint, name: &str, trusted: &str) {
    let iam = endpoint.iam(REGION, Attempts::One);
    let trust = json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": trusted},
        "Condition": {"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}}}});
    iam.create_role().role_name(name).assume_role_policy_document(trust.to_string()).send().await.unwrap();
    let read = json!({"Statement": {"Effect": "Allow", "Action": ["dynamodb:DescribeTable", "dynamodb:Scan"],
        "Resource": format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/Orders")}});
    let put = iam.put_role_policy().role_name(name).policy_name("read").policy_document(read.to_string());
    put.send().await.unwrap();
    iam.attach_role_policy().role_name(name).policy_arn(policy(endpoint, name, "glue:*").await).send().await.unwrap();
}

/// Creates a policy that allows `action`, and returns its ARN.
async fn policy(endpoint: &Endpoint, name: &str, action: &str) -> String {
    let document = json!({"Statement": {"Effect": "Allow", "Action": action, "Resource": "*"}});
    let create = endpoint.iam(REGION, Attempts::One).create_policy().policy_name(name);
    create.policy_document(document.to_string()).send().await.unwrap().policy.unwrap().arn.unwrap()
}

/// Runs a crawl, and returns how it ended.
async fn crawled(glue: &aws_sdk_glue::Client, name: &str) -> Result<(), String> {
    glue.start_crawler().name(name).send().await.unwrap();
    for _ in 0..500 {
        let crawler = glue.get_crawler().name(name).send().await.unwrap().crawler.unwrap();
        if crawler.state() == Some(&CrawlerState::Ready) {
            let last = crawler.last_crawl().unwrap();
            return last.error_message().map_or(Ok(()), |why| Err(why.to_owned()));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the crawl did not end");
}

#[tokio::test]
async fn roles_of_another_endpoint_are_judged_as_they_are_there() {
    let tables = folder(&[("Orders.json", TABLE), ("Users.json", TABLE)]);
    let behind = Endpoint::with_tables(tables.path()).await;
    let endpoint = in_front_of(&behind).await;
    role(&endpoint, "reader", "glue.amazonaws.com").await;
    role(&endpoint, "job", "lambda.amazonaws.com").await;
    let iam = behind.iam(REGION, Attempts::One);
    assert_eq!(iam.list_roles().send().await.unwrap().roles().len(), 2);
    let identity = endpoint.sts(REGION, Attempts::One).get_caller_identity().send().await.unwrap();
    assert_eq!(identity.account(), Some(ACCOUNT));

    let glue = endpoint.glue(REGION, Attempts::One);
    let database = DatabaseInput::builder().name("db").build().unwrap();
    glue.create_database().database_input(database).send().await.unwrap();
    let crawler = |name: &str, role: &str, table: &str| {
        let target = DynamoDbTarget::builder().path(table).build();
        let targets = CrawlerTargets::builder().dynamo_db_targets(target).build();
        glue.create_crawler().name(name).role(role).database_name("db").targets(targets)
    };
    for role in ["job", "nobody", "arn:aws:iam::123456789012:role/other/reader"] {
        assert!(refused!(crawler("c", role, "Orders")).contains("unable to assume provided role"), "{role}");
    }
    crawler("orders", "arn:aws:iam::123456789012:role/reader", "Orders").send().await.unwrap();
    crawler("users", "reader", "Users").send().await.unwrap();
    assert_eq!(crawled(&glue, "orders").await, Ok(()));

    let mut denied = vec![crawled(&glue, "users").await.unwrap_err()];
    let put = iam.put_role_permissions_boundary().role_name("reader");
    put.permissions_boundary(policy(&endpoint, "boundary", "dynamodb:*").await).send().await.unwrap();
    denied.push(crawled(&glue, "orders").await.unwrap_err());
    iam.update_assume_role_policy().role_name("reader").policy_document(OTHER_ACCOUNT).send().await.unwrap();
    denied.push(crawled(&glue, "orders").await.unwrap_err());
    insta::assert_snapshot!(denied.join("\n"), @r"
    AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/reader/AWS-Crawler is not authorized to perform: dynamodb:DescribeTable on resource: arn:aws:dynamodb:eu-west-1:123456789012:table/Users because no identity-based policy allows the dynamodb:DescribeTable action
    glue:GetTable: AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/reader/AWS-Crawler is not authorized to perform: glue:GetTable on resource: arn:aws:glue:eu-west-1:123456789012:catalog because no permissions boundary allows the glue:GetTable action
    Service is unable to assume provided role. Please verify role's TrustPolicy
    ");
}

#[tokio::test]
async fn an_iam_that_does_not_answer_is_named() {
    let behind = Endpoint::empty().await;
    let url = behind.server.url().to_owned();
    let endpoint = in_front_of(&behind).await;
    behind.server.faults().add(Rule::new(
        "IAM.GetRole",
        Calls::Every,
        Fault::Error { code: "AccessDenied", message: "no".into() },
    ));
    let target = DynamoDbTarget::builder().path("Orders").build();
    let targets = CrawlerTargets::builder().dynamo_db_targets(target).build();
    let glue = endpoint.glue(REGION, Attempts::One);
    let error = refused!(glue.create_crawler().name("c").role("r").database_name("db").targets(targets));
    let why = format!("a crawler's role can't be looked up: GetRole at {url}: AccessDenied: no");
    assert_eq!(error, format!("500 InternalServiceException: {why}"));
    behind.server.stop().await;
    let error = refused!(endpoint.iam(REGION, Attempts::One).list_roles());
    assert!(error.starts_with(&format!("500 ServiceFailure: no answer from IAM at {url}")), "{error}");
}
