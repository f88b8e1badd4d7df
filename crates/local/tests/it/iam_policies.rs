//! Customer managed policies.

use aws_sdk_iam::Client;
use aws_sdk_iam::error::ProvideErrorMetadata;
use aws_sdk_iam::types::{PolicyScopeType, Tag};
use insta::assert_snapshot;

use crate::refused;
use crate::support::{Attempts, Endpoint, NOW};

const TRUST: &str =
    r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":"glue.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const POLICY: &str = r#"{"Statement":[{"Effect":"Allow","Action":"dynamodb:Scan","Resource":"*"}]}"#;

fn iam(endpoint: &Endpoint) -> Client {
    endpoint.iam("us-east-1", Attempts::One)
}

/// A policy; its ARN.
async fn create(iam: &Client, path: &str, name: &str) -> String {
    let create = iam.create_policy().path(path).policy_name(name).policy_document(POLICY);
    create.send().await.unwrap().policy.unwrap().arn.unwrap()
}

#[tokio::test]
async fn a_policy_comes_back_as_it_was_created() {
    let endpoint = Endpoint::empty().await;
    let iam = iam(&endpoint);
    let tag = Tag::builder().key("managed-by").value("us").build().unwrap();
    let create = iam.create_policy().policy_name("boundary").path("/ours/").description("caps").tags(tag.clone());
    let created = create.policy_document(POLICY).send().await.unwrap().policy.unwrap();
    let arn = "arn:aws:iam::123456789012:policy/ours/boundary";
    let policy = iam.get_policy().policy_arn(arn).send().await.unwrap().policy.unwrap();
    assert_eq!(policy, created);
    assert_eq!((policy.arn(), policy.path(), policy.description()), (Some(arn), Some("/ours/"), Some("caps")));
    assert_eq!((policy.default_version_id(), policy.attachment_count()), (Some("v1"), Some(0)));
    assert_eq!((policy.create_date().unwrap().to_millis().unwrap(), policy.tags()), (NOW, &[tag][..]));
    assert!(policy.policy_id().unwrap().starts_with("ANPA"));
    let version = iam.get_policy_version().policy_arn(arn).version_id("v1").send().await.unwrap();
    let version = version.policy_version.unwrap();
    let document = percent_encoding::percent_decode_str(version.document().unwrap()).decode_utf8().unwrap();
    assert_eq!((document.as_ref(), version.is_default_version()), (POLICY, true));
    let glue = "arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole";
    let glue = iam.get_policy().policy_arn(glue).send().await.unwrap().policy.unwrap();
    assert_eq!((glue.policy_name(), glue.path()), (Some("AWSGlueServiceRole"), Some("/service-role/")));
}

#[tokio::test]
async fn policies_are_listed_by_scope_and_path() {
    let endpoint = Endpoint::empty().await;
    let iam = iam(&endpoint);
    create(&iam, "/", "b").await;
    create(&iam, "/ours/", "c").await;
    create(&iam, "/", "a").await;
    let names = async |scope: PolicyScopeType, prefix: &str| {
        let list = iam.list_policies().scope(scope).path_prefix(prefix).max_items(2).into_paginator().items().send();
        let policies = list.collect::<Result<Vec<_>, _>>().await.unwrap();
        policies.into_iter().map(|policy| policy.policy_name.unwrap()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(PolicyScopeType::Local, "/").await, "a b c");
    assert_eq!(names(PolicyScopeType::Local, "/ours/").await, "c");
    assert_eq!(names(PolicyScopeType::Aws, "/service-role/").await, "AWSGlueServiceRole");
    assert_eq!(names(PolicyScopeType::All, "/").await.split(' ').count(), 7);
}

#[tokio::test]
async fn a_policy_in_use_is_not_deleted() {
    let endpoint = Endpoint::empty().await;
    let iam = iam(&endpoint);
    let (attached, boundary) = (create(&iam, "/", "attached").await, create(&iam, "/", "boundary").await);
    let role = iam.create_role().role_name("r").assume_role_policy_document(TRUST);
    role.permissions_boundary(&boundary).send().await.unwrap();
    iam.attach_role_policy().role_name("r").policy_arn(&attached).send().await.unwrap();
    let policy = iam.get_policy().policy_arn(&boundary).send().await.unwrap().policy.unwrap();
    assert_eq!((policy.attachment_count(), policy.permissions_boundary_usage_count()), (Some(0), Some(1)));
    for arn in [&attached, &boundary] {
        let error = refused!(iam.delete_policy().policy_arn(arn));
        assert_eq!(error, "409 DeleteConflict: Cannot delete a policy attached to entities.");
    }
    iam.detach_role_policy().role_name("r").policy_arn(&attached).send().await.unwrap();
    iam.delete_role_permissions_boundary().role_name("r").send().await.unwrap();
    for arn in [&attached, &boundary] {
        iam.delete_policy().policy_arn(arn).send().await.unwrap();
        assert!(refused!(iam.get_policy().policy_arn(arn)).starts_with("404 NoSuchEntity"));
    }
    let error = refused!(iam.put_role_permissions_boundary().role_name("r").permissions_boundary(&boundary));
    assert!(error.starts_with("404 NoSuchEntity"), "{error}");
}

#[tokio::test]
async fn policies_that_iam_would_refuse() {
    let endpoint = Endpoint::empty().await;
    let iam = iam(&endpoint);
    create(&iam, "/", "there").await;
    let policy = |name: &str, document: &str| iam.create_policy().policy_name(name).policy_document(document);
    let large = POLICY.replace('*', &format!("arn:aws:dynamodb:*:*:table/{}", "x".repeat(6_144)));
    let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
    let errors = [
        refused!(policy("THERE", POLICY).path("/other/")),
        refused!(policy("a b", POLICY)),
        refused!(policy("p", "{")),
        refused!(policy("p", TRUST)),
        refused!(policy("p", &large)),
        refused!(policy("p", POLICY).path("ours")),
        refused!(iam.get_policy().policy_arn("arn:aws:iam::123456789012:policy/none")),
        refused!(iam.get_policy_version().policy_arn(admin).version_id("v2")),
        refused!(iam.delete_policy().policy_arn(admin)),
        refused!(iam.list_policies().scope("Mine".into())),
    ];
    assert_snapshot!(errors.join("\n"), @r"
    409 EntityAlreadyExists: A policy called THERE already exists. Duplicate names are not allowed.
    400 ValidationError: The specified value for policyName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-
    400 MalformedPolicyDocument: This policy contains invalid Json
    400 MalformedPolicyDocument: Policy document should not specify a principal.
    409 LimitExceeded: Cannot exceed quota for PolicySize: 6144
    400 ValidationError: The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.
    404 NoSuchEntity: Policy arn:aws:iam::123456789012:policy/none was not found.
    404 NoSuchEntity: Policy arn:aws:iam::aws:policy/AdministratorAccess version v2 does not exist.
    403 AccessDenied: Policy arn:aws:iam::aws:policy/AdministratorAccess is AWS's own and can't be deleted.
    400 ValidationError: 1 validation error detected: Value 'Mine' at 'scope' failed to satisfy constraint: Member must satisfy enum value set: [All, AWS, Local]
    ");
}
