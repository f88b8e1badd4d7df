use std::time::{Duration, Instant};

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use local::faults::{Calls, Fault, Rule};

use crate::support::{Attempts, Endpoint, raw};

const LIST: &str = "DynamoDB.ListTables";

/// Calls to ListTables until one is answered.
async fn calls_until_answered(endpoint: &Endpoint) -> u64 {
    endpoint.dynamodb("eu-west-1", Attempts::Three).list_tables().send().await.unwrap();
    endpoint.server.calls()[LIST]
}

#[tokio::test]
async fn clients_get_over_what_passes() {
    for fault in [Fault::Throttle, Fault::Status(500), Fault::Status(503), Fault::Reset] {
        let endpoint = Endpoint::empty().await;
        endpoint.server.faults().add(Rule::new(LIST, Calls::Nth(1), fault.clone()));
        assert_eq!(calls_until_answered(&endpoint).await, 2, "{fault:?} before");
        endpoint.server.faults().clear();
        endpoint.server.faults().add(Rule::new("*", Calls::Range(1..=2), fault.clone()).after());
        assert_eq!(calls_until_answered(&endpoint).await, 5, "{fault:?} after");
    }
}

#[tokio::test]
async fn throttling_has_the_name_that_the_service_gives_it() {
    let endpoint = Endpoint::empty().await;
    endpoint.server.faults().add(Rule::new("*", Calls::Every, Fault::Throttle));
    let region = "eu-west-1";
    let dynamodb = endpoint.dynamodb(region, Attempts::One).list_tables().send().await.unwrap_err();
    let glue = endpoint.glue(region, Attempts::One).get_databases().send().await.unwrap_err();
    let iam = endpoint.iam(region, Attempts::One).list_roles().send().await.unwrap_err();
    let sts = endpoint.sts(region, Attempts::One).get_caller_identity().send().await.unwrap_err();
    let codes = [dynamodb.code(), glue.code(), iam.code(), sts.code()].map(Option::unwrap_or_default);
    assert_eq!(codes, ["ThrottlingException", "ThrottlingException", "Throttling", "Throttling"]);
}

#[tokio::test]
async fn an_error_comes_with_its_text() {
    let endpoint = Endpoint::empty().await;
    let message = "Service is unable to assume provided role";
    let fault = Fault::Error { code: "InvalidInputException", message: message.to_owned() };
    endpoint.server.faults().add(Rule::new("Glue.CreateCrawler", Calls::Every, fault));
    let glue = endpoint.glue("eu-west-1", Attempts::One);
    let targets = aws_sdk_glue::types::CrawlerTargets::builder().build();
    let error = glue.create_crawler().name("c").role("r").targets(targets).send().await.unwrap_err();
    let error = error.into_service_error();
    assert!(error.is_invalid_input_exception());
    assert_eq!(error.message(), Some(message));
}

#[tokio::test]
async fn a_reset_comes_in_the_middle_of_the_answer() {
    let endpoint = Endpoint::empty().await;
    let head = "POST / HTTP/1.1\r\nX-Amz-Target: DynamoDB_20120810.ListTables";
    let whole = raw(&endpoint, head, "{}").await;
    endpoint.server.faults().add(Rule::new(LIST, Calls::Nth(1), Fault::Reset).after());
    let cut = raw(&endpoint, head, "{}").await;
    let body = |answer: &str| answer.split_once("\r\n\r\n").unwrap().1.to_owned();
    assert_eq!(body(&whole), r#"{"TableNames":[]}"#);
    assert_eq!(body(&cut), r#"{"TableN"#);
    assert!(cut.contains("content-length: 17"), "{cut}");
}

#[tokio::test]
async fn before_means_nothing_happened_and_after_that_it_did() {
    let endpoint = Endpoint::empty().await;
    let iam = endpoint.iam("us-east-1", Attempts::One);
    let trust =
        r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":"glue.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let create = |name| iam.create_role().role_name(name).assume_role_policy_document(trust).send();
    let exists = async |name| iam.get_role().role_name(name).send().await.is_ok();

    endpoint.server.faults().add(Rule::new("IAM.CreateRole", Calls::Nth(1), Fault::Status(500)));
    endpoint.server.faults().add(Rule::new("IAM.CreateRole", Calls::Nth(2), Fault::Reset).after());
    assert_eq!(create("before").await.unwrap_err().code(), Some("ServiceFailure"));
    assert!(!exists("before").await);
    assert!(matches!(create("after").await, Err(SdkError::DispatchFailure(_) | SdkError::ResponseError(_))));
    assert!(exists("after").await);
    assert!(create("third").await.is_ok());
}

#[tokio::test]
async fn a_delay_makes_clients_time_out_or_wait() {
    let endpoint = Endpoint::empty().await;
    endpoint.server.faults().add(Rule::new(LIST, Calls::Nth(1), Fault::Delay(Duration::from_millis(80))));
    let started = Instant::now();
    assert_eq!(calls_until_answered(&endpoint).await, 1);
    assert!(started.elapsed() >= Duration::from_millis(80));
}
