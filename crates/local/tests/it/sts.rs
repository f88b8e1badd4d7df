use aws_sdk_sts::error::ProvideErrorMetadata;

use crate::support::{ACCOUNT, Attempts, Endpoint};

#[tokio::test]
async fn the_caller_is_the_account_itself() {
    let endpoint = Endpoint::empty().await;
    let identity = endpoint.sts("eu-west-1", Attempts::One).get_caller_identity().send().await.unwrap();
    assert_eq!(identity.account(), Some(ACCOUNT));
    assert_eq!(identity.user_id(), Some(ACCOUNT));
    assert_eq!(identity.arn(), Some("arn:aws:iam::123456789012:root"));
}

#[tokio::test]
async fn other_operations_do_not_exist() {
    let endpoint = Endpoint::empty().await;
    let error = endpoint.sts("eu-west-1", Attempts::One).get_session_token().send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidAction"));
}
