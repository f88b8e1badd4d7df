use insta::assert_snapshot;
use local::{Config, Server, Source, StartError};

use crate::support::{Attempts, Endpoint, folder, raw};

const GLUE: &str = "POST / HTTP/1.1\r\nX-Amz-Target: AWSGlue.GetDatabases";

/// Status line, content type and body: what must not vary.
fn essence(answer: &str) -> String {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.lines().next().unwrap_or_default();
    let content_type = head.lines().find(|line| line.starts_with("content-type")).unwrap_or("no content-type");
    format!("{status}\n{content_type}\n{body}")
}

#[tokio::test]
async fn health_is_answered() {
    let endpoint = Endpoint::empty().await;
    assert_snapshot!(essence(&raw(&endpoint, "GET /health HTTP/1.1", "").await), @r#"
    HTTP/1.1 200 OK
    content-type: application/json
    {"status":"ok","services":["glue","dynamodb","iam","sts"]}
    "#);
    assert!(endpoint.server.calls().is_empty());
}

#[tokio::test]
async fn what_is_not_served_is_named() {
    let endpoint = Endpoint::empty().await;
    let unknown = raw(&endpoint, "POST / HTTP/1.1\r\nX-Amz-Target: Logs_20140328.PutLogEvents", "{}").await;
    assert_snapshot!(essence(&unknown), @r#"
    HTTP/1.1 400 Bad Request
    content-type: application/x-amz-json-1.1
    {"Message":"The service of X-Amz-Target is not served here: only Glue, DynamoDB, IAM and STS are.","__type":"UnknownOperationException"}
    "#);
    let operation = raw(&endpoint, "POST / HTTP/1.1\r\nX-Amz-Target: AWSGlue.NoSuchThing", "{}").await;
    assert!(operation.contains("UnknownOperationException"), "{operation}");
    let action = "POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded";
    let invalid = raw(&endpoint, action, "Action=Nothing&Version=2011-06-15").await;
    assert!(invalid.starts_with("HTTP/1.1 400") && invalid.contains("content-type: text/xml"), "{invalid}");
    let body = invalid.split_once("\r\n\r\n").unwrap().1.split("<RequestId>").next().unwrap();
    assert_snapshot!(body.replace("><", ">\n<"), @r#"
    <ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
    <Error>
    <Type>Sender</Type>
    <Code>InvalidAction</Code>
    <Message>Could not find operation Nothing for version 2011-06-15</Message>
    </Error>
    "#);
    assert_snapshot!(essence(&raw(&endpoint, "POST / HTTP/1.1", "").await), @r#"
    HTTP/1.1 400 Bad Request
    content-type: application/x-amz-json-1.1
    {"Message":"The request names no operation: Glue and DynamoDB need X-Amz-Target, IAM and STS need Action.","__type":"MissingAction"}
    "#);
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused_without_showing_it() {
    let endpoint = Endpoint::empty().await;
    for body in ["{\"secret\": }", "", "[1]"] {
        let answer = raw(&endpoint, GLUE, body).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("SerializationException"), "{answer}");
        assert!(!answer.contains("secret"), "{answer}");
    }
}

#[tokio::test]
async fn the_region_comes_from_the_signature() {
    let tables = folder(&[(
        "Things.json",
        br#"{"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}]}"#,
    )]);
    let endpoint = Endpoint::with_tables(tables.path()).await;
    let arn = async |url: &str, headers: &str| {
        let head = format!("POST {url} HTTP/1.1\r\nX-Amz-Target: DynamoDB_20120810.DescribeTable{headers}");
        let answer = raw(&endpoint, &head, r#"{"TableName":"Things"}"#).await;
        let start = answer.find("arn:").unwrap_or_else(|| panic!("{answer}"));
        answer[start..].split('"').next().unwrap().to_owned()
    };
    let header = "\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKID/20260101/ap-south-1/dynamodb/aws4_request, SignedHeaders=host, Signature=x";
    assert_eq!(arn("/", header).await, "arn:aws:dynamodb:ap-south-1:123456789012:table/Things");
    let presigned = "/?X-Amz-Credential=AKID%2F20260101%2Feu-north-1%2Fdynamodb%2Faws4_request&X-Amz-Signature=x";
    assert_eq!(arn(presigned, "").await, "arn:aws:dynamodb:eu-north-1:123456789012:table/Things");
    assert_eq!(arn("/", "").await, "arn:aws:dynamodb:us-east-1:123456789012:table/Things");

    let broken = raw(&endpoint, &format!("{GLUE}\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKID/../x"), "{}").await;
    assert!(broken.contains("IncompleteSignatureException"), "{broken}");
}

#[tokio::test]
async fn presigned_urls_of_the_query_services_are_answered() {
    let endpoint = Endpoint::empty().await;
    let url =
        "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Credential=A%2F20260101%2Fus-east-1%2Fsts%2Faws4_request";
    let answer = raw(&endpoint, &format!("GET {url} HTTP/1.1"), "").await;
    assert!(answer.contains("<Account>123456789012</Account>"), "{answer}");
}

/// No signature is verified, so a page in the user's browser must not be able to call.
#[tokio::test]
async fn requests_of_web_pages_are_refused() {
    let endpoint = Endpoint::empty().await;
    let form = "Content-Type: application/x-www-form-urlencoded";
    let list_roles = "Action=ListRoles&Version=2010-05-08";
    for (head, body, status) in [
        (format!("{GLUE}\r\nOrigin: http://evil.example:4566"), "{}", "403"),
        (format!("POST / HTTP/1.1\r\n{form}\r\nOrigin: null"), list_roles, "403"),
        (format!("GET /?{list_roles} HTTP/1.1"), "", "405"),
        (GLUE.replace("POST", "GET"), "{}", "405"),
        (GLUE.replace("POST", "PUT"), "{}", "405"),
        (GLUE.to_owned(), "{}", "200"),
        (format!("POST / HTTP/1.1\r\n{form}"), list_roles, "200"),
    ] {
        let answer = raw(&endpoint, &head, body).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{head}: {answer}");
        assert!(!answer.to_lowercase().contains("access-control-allow"), "{answer}");
    }
    assert_eq!(endpoint.server.calls().values().sum::<u64>(), 2);
}

#[tokio::test]
async fn calls_are_counted_by_operation() {
    let endpoint = Endpoint::empty().await;
    let (dynamodb, sts) = (endpoint.dynamodb("eu-west-1", Attempts::One), endpoint.sts("eu-west-1", Attempts::One));
    dynamodb.list_tables().send().await.unwrap();
    dynamodb.describe_table().table_name("Missing").send().await.unwrap_err();
    dynamodb.list_tables().send().await.unwrap();
    sts.get_caller_identity().send().await.unwrap();
    let calls: Vec<_> = endpoint.server.calls().into_iter().collect();
    assert_eq!(
        calls,
        [("DynamoDB.DescribeTable".into(), 1), ("DynamoDB.ListTables".into(), 2), ("STS.GetCallerIdentity".into(), 1)]
    );
}

#[tokio::test]
async fn requests_over_16_mib_are_refused() {
    let endpoint = Endpoint::empty().await;
    let answer = raw(&endpoint, GLUE, &" ".repeat(16 * 1024 * 1024 + 1)).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{}", essence(&answer));
}

#[tokio::test]
async fn stopping_frees_the_address() {
    let first = Endpoint::empty().await;
    let client = first.sts("eu-west-1", Attempts::One);
    client.get_caller_identity().send().await.unwrap();
    let listen = first.server.url().strip_prefix("http://").unwrap().parse().unwrap();
    let taken = Server::start(Config { listen, ..Config::default() }).await;
    assert!(matches!(taken, Err(StartError::Listen { .. })));
    first.server.stop().await;
    assert!(client.get_caller_identity().send().await.is_err());
    Server::start(Config { listen, ..Config::default() }).await.unwrap().stop().await;
}

#[tokio::test]
async fn what_cannot_be_served_does_not_start() {
    let start = async |config| match Server::start(config).await {
        Ok(_) => panic!("it started"),
        Err(error) => error.to_string(),
    };
    let free = Config { listen: ([127, 0, 0, 1], 0).into(), ..Config::default() };
    let errors = [
        start(Config { listen: ([0, 0, 0, 0], 0).into(), ..Config::default() }).await,
        start(Config { account: "12".into(), ..free.clone() }).await,
        start(Config { source: Source::Files("/no/such/folder".into()), ..free.clone() }).await,
    ];
    assert_snapshot!(errors.join("\n"), @r#"
    0.0.0.0:0 can be reached from other machines, and the endpoint verifies no signatures: listen on a loopback address, or allow it with --allow-remote
    the account "12" is not a number of twelve digits
    cannot read the folder of tables /no/such/folder: No such file or directory (os error 2)
    "#);
    for url in ["https://dynamodb.eu-west-1.amazonaws.com", "localhost:8000", "http://localhost:8000/path"] {
        let error = start(Config { source: Source::Endpoint(url.into()), ..free.clone() }).await;
        assert_eq!(error, format!("cannot pass requests on to {url:?}: expected http://HOST[:PORT]"));
    }
    let remote = Config { listen: ([0, 0, 0, 0], 0).into(), allow_remote: true, ..Config::default() };
    let server = Server::start(remote).await.unwrap();
    assert!(server.url().starts_with("http://127.0.0.1:"));
    server.stop().await;
}
