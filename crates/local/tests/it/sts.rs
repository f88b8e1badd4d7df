use std::sync::atomic::{AtomicI64, Ordering};

use aws_sdk_sts::error::ProvideErrorMetadata;
use insta::assert_snapshot;
use local::{Config, Server};

use crate::refused;
use testkit::with_keys;

use crate::support::{ACCOUNT, Attempts, Endpoint, NOW, assume};

const ACCOUNT_MAY: &str = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"sts:AssumeRole"}]}"#;
const GLUE_MAY: &str =
    r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":"glue.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const ALL: &str = r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// A role that may do everything; its ARN.
async fn role(endpoint: &Endpoint, name: &str, trust: &str) -> String {
    let iam = endpoint.iam("eu-west-1", Attempts::One);
    let create = iam.create_role().role_name(name).path("/ours/").assume_role_policy_document(trust);
    let role = create.send().await.unwrap().role.unwrap();
    iam.put_role_policy().role_name(name).policy_name("all").policy_document(ALL).send().await.unwrap();
    role.arn
}

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

#[tokio::test]
async fn a_role_that_is_assumed_is_the_caller() {
    let endpoint = Endpoint::empty().await;
    let arn = role(&endpoint, "admin", ACCOUNT_MAY).await;
    let sts = endpoint.sts("eu-west-1", Attempts::One);
    let assumed = sts.assume_role().role_arn(&arn).role_session_name("me@home").duration_seconds(900).send().await;
    let assumed = assumed.unwrap();
    let issued = assumed.credentials().unwrap();
    assert_eq!(issued.expiration().to_millis().unwrap(), NOW + 900_000);
    assert!(issued.access_key_id().starts_with("ASIA") && issued.access_key_id().len() == 20);
    let user = assumed.assumed_role_user().unwrap();
    assert_eq!(user.arn(), "arn:aws:sts::123456789012:assumed-role/admin/me@home");

    let token = Some(issued.session_token().to_owned());
    let clients = with_keys(endpoint.server.url(), issued.access_key_id(), issued.secret_access_key(), token);
    let identity = clients.sts.get_caller_identity().send().await.unwrap();
    assert_eq!(identity.arn(), Some(user.arn()));
    assert_eq!(identity.user_id(), Some(user.assumed_role_id()));
    assert_eq!(identity.account(), Some(ACCOUNT));
}

#[tokio::test]
async fn roles_that_cannot_be_assumed() {
    let endpoint = Endpoint::empty().await;
    let (admin, crawler) = (role(&endpoint, "admin", ACCOUNT_MAY).await, role(&endpoint, "crawler", GLUE_MAY).await);
    let sts = endpoint.sts("eu-west-1", Attempts::One);
    let assume_as = |arn: &str| sts.assume_role().role_arn(arn).role_session_name("me");
    let chained = assume(&endpoint, &admin).await.sts;
    let errors = [
        refused!(assume_as(&crawler)),
        refused!(assume_as("arn:aws:iam::123456789012:role/admin")),
        refused!(assume_as("arn:aws:iam::123456789012:role/none")),
        refused!(assume_as(&admin).duration_seconds(899)),
        refused!(assume_as(&admin).duration_seconds(3601)),
        refused!(assume_as(&admin).role_session_name("a b")),
        refused!(assume_as(&admin).policy(ALL)),
        refused!(chained.assume_role().role_arn(&admin).role_session_name("me").duration_seconds(3601)),
    ];
    assert_snapshot!(errors.join("\n"), @r"
    403 AccessDenied: User: arn:aws:iam::123456789012:root is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/ours/crawler because no resource-based policy allows the sts:AssumeRole action
    403 AccessDenied: User: arn:aws:iam::123456789012:root is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/admin because no resource-based policy allows the sts:AssumeRole action
    403 AccessDenied: User: arn:aws:iam::123456789012:root is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/none because no resource-based policy allows the sts:AssumeRole action
    400 ValidationError: DurationSeconds must be between 900 and 43200.
    400 ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set for this role.
    400 ValidationError: RoleSessionName must have 2 to 64 characters out of letters, digits and _+=,.@-
    400 ValidationError: Policy is not offered by this endpoint: leave it out.
    400 ValidationError: The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.
    ");
    chained.assume_role().role_arn(&admin).role_session_name("me").send().await.unwrap();
}

#[tokio::test]
async fn a_role_needs_the_permission_to_assume_another() {
    let endpoint = Endpoint::empty().await;
    let (admin, other) = (role(&endpoint, "admin", ACCOUNT_MAY).await, role(&endpoint, "other", ACCOUNT_MAY).await);
    let iam = endpoint.iam("eu-west-1", Attempts::One);
    iam.delete_role_policy().role_name("other").policy_name("all").send().await.unwrap();
    let other = assume(&endpoint, &other).await.sts;
    assert_snapshot!(refused!(other.assume_role().role_arn(&admin).role_session_name("me")), @r"403 AccessDenied: User: arn:aws:sts::123456789012:assumed-role/other/test is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/ours/admin because no identity-based policy allows the sts:AssumeRole action");
}

#[tokio::test]
async fn forged_credentials_and_those_of_a_role_that_is_gone() {
    let endpoint = Endpoint::empty().await;
    let arn = role(&endpoint, "admin", ACCOUNT_MAY).await;
    let sts = endpoint.sts("eu-west-1", Attempts::One);
    let assumed = sts.assume_role().role_arn(&arn).role_session_name("me").send().await.unwrap();
    let issued = assumed.credentials().unwrap();
    let key = issued.access_key_id();
    let token = issued.session_token().to_owned();
    let forged = [
        with_keys(endpoint.server.url(), key, "x", Some(token.replace(&token[..4], "0000"))),
        with_keys(endpoint.server.url(), key, "x", None),
        with_keys(endpoint.server.url(), "ASIALOCALAAAAAAAAAAA", "x", Some(token.clone())),
    ];
    let refused_as = "403 InvalidClientTokenId: The security token included in the request is invalid.";
    for clients in &forged {
        assert_eq!(refused!(clients.sts.get_caller_identity()), refused_as);
        let error = refused!(clients.glue.get_databases());
        assert_eq!(error, "400 UnrecognizedClientException: The security token included in the request is invalid.");
        assert!(refused!(clients.dynamodb.list_tables()).starts_with("400 UnrecognizedClientException: "));
    }

    let good = with_keys(endpoint.server.url(), key, "secrets are not verified", Some(token));
    good.glue.get_databases().send().await.unwrap();
    let iam = endpoint.iam("eu-west-1", Attempts::One);
    iam.delete_role_policy().role_name("admin").policy_name("all").send().await.unwrap();
    iam.delete_role().role_name("admin").send().await.unwrap();
    assert_eq!(refused!(good.iam.list_roles()), refused_as);
    role(&endpoint, "admin", ACCOUNT_MAY).await;
    assert_eq!(refused!(good.iam.list_roles()), refused_as, "another role of the same name");
}

#[tokio::test]
async fn credentials_expire() {
    static CLOCK: AtomicI64 = AtomicI64::new(NOW);
    let listen = ([127, 0, 0, 1], 0).into();
    let config = Config { listen, clock: || CLOCK.load(Ordering::Relaxed), ..Config::default() };
    let endpoint = Endpoint { server: Server::start(config).await.unwrap() };
    let arn = role(&endpoint, "admin", ACCOUNT_MAY).await;
    let clients = assume(&endpoint, &arn).await;
    CLOCK.fetch_add(3_599_999, Ordering::Relaxed);
    clients.sts.get_caller_identity().send().await.unwrap();
    CLOCK.fetch_add(1, Ordering::Relaxed);
    let errors = [
        refused!(clients.sts.get_caller_identity()),
        refused!(clients.iam.list_roles()),
        refused!(clients.glue.get_databases()),
        refused!(clients.dynamodb.list_tables()),
    ];
    assert_snapshot!(errors.join("\n"), @r"
    403 ExpiredToken: The security token included in the request is expired
    403 ExpiredToken: The security token included in the request is expired
    400 ExpiredTokenException: The security token included in the request is expired
    400 ExpiredTokenException: The security token included in the request is expired
    ");
    // Forgotten, it still is not the account.
    CLOCK.fetch_add(7 * 24 * 3_600_000, Ordering::Relaxed);
    assume(&endpoint, &arn).await;
    assert!(refused!(clients.iam.list_roles()).starts_with("403 InvalidClientTokenId"));
}
