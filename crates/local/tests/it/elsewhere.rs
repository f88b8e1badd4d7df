//! IAM and STS of another endpoint, which judges what crawls read.

use std::time::Duration;

use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_glue::error::ProvideErrorMetadata;
use aws_sdk_glue::types::{Crawler, CrawlerTargets, DatabaseInput, DynamoDbTarget, LastCrawlStatus};
use local::{Config, IamEndpoint, Source};
use serde_json::json;

use crate::refused;
use crate::support::{ACCOUNT, Attempts, Endpoint, folder};

const REGION: &str = "eu-west-1";
const TABLE: &[u8] =
    br#"{"BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],
    "KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]}"#;

/// An endpoint in front of another, which has the tables and the roles.
async fn in_front_of(behind: &Endpoint) -> Endpoint {
    let url = behind.server.url().to_owned();
    let credentials = SharedCredentialsProvider::new(Credentials::new("AKIDOFOUTSIDE", "secret", None, None, "test"));
    let iam = Some(IamEndpoint { url: url.clone(), credentials });
    Endpoint::start(Config { source: Source::Endpoint(url), iam, ..Config::default() }).await
}

/// A role that may read `table`.
async fn role(endpoint: &Endpoint, name: &str, trusted: &str, table: &str) {
    let iam = endpoint.iam(REGION, Attempts::One);
    let trust = json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": trusted, "AWS": ACCOUNT}}});
    iam.create_role().role_name(name).assume_role_policy_document(trust.to_string()).send().await.unwrap();
    let policy = json!({"Statement": {"Effect": "Allow", "Action": ["dynamodb:DescribeTable", "dynamodb:Scan"],
        "Resource": format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}")}});
    let put = iam.put_role_policy().role_name(name).policy_name("p").policy_document(policy.to_string());
    put.send().await.unwrap();
}

async fn crawled(glue: &aws_sdk_glue::Client, name: &str) -> Crawler {
    glue.start_crawler().name(name).send().await.unwrap();
    for _ in 0..500 {
        let crawler = glue.get_crawler().name(name).send().await.unwrap().crawler.unwrap();
        if crawler.last_crawl().is_some() {
            return crawler;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the crawl did not end");
}

#[tokio::test]
async fn roles_are_kept_and_judged_by_the_other_endpoint() {
    let tables = folder(&[("Orders.json", TABLE), ("Users.json", TABLE)]);
    let behind = Endpoint::with_tables(tables.path()).await;
    let endpoint = in_front_of(&behind).await;
    role(&endpoint, "reader", "glue.amazonaws.com", "Orders").await;
    role(&endpoint, "job", "lambda.amazonaws.com", "Orders").await;
    assert_eq!(behind.iam(REGION, Attempts::One).list_roles().send().await.unwrap().roles().len(), 2);
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
    let arn = "arn:aws:iam::123456789012:role/reader";
    crawler("orders", arn, "Orders").send().await.unwrap();
    crawler("users", "reader", "Users").send().await.unwrap();
    let last = crawled(&glue, "orders").await.last_crawl.unwrap();
    assert_eq!((last.status(), last.error_message()), (Some(&LastCrawlStatus::Succeeded), None));
    let why = crawled(&glue, "users").await.last_crawl.unwrap().error_message.unwrap();
    insta::assert_snapshot!(why, @r"dynamodb:DescribeTable: AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/reader/AWS-Crawler is not authorized to perform: dynamodb:DescribeTable on resource: arn:aws:dynamodb:eu-west-1:123456789012:table/Users because no identity-based policy allows the dynamodb:DescribeTable action");
}

#[tokio::test]
async fn an_iam_that_does_not_answer_is_named() {
    let behind = Endpoint::empty().await;
    let url = behind.server.url().to_owned();
    let endpoint = in_front_of(&behind).await;
    behind.server.stop().await;
    let error = refused!(endpoint.iam(REGION, Attempts::One).list_roles());
    assert!(error.starts_with(&format!("500 ServiceFailure: no answer from IAM at {url}")), "{error}");
}
