use aws_sdk_iam::Client;
use aws_sdk_iam::error::ProvideErrorMetadata;
use aws_sdk_iam::types::{PermissionsBoundaryAttachmentType, Role, SummaryKeyType, Tag};
use insta::assert_snapshot;
use local::{Config, Unknowns};

use crate::refused;
use crate::support::{Attempts, Endpoint, NOW, folder};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"glue.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const POLICY: &str = r#"{"Statement":[{"Effect":"Allow","Action":"dynamodb:Scan","Resource":"*"}]}"#;
const GLUE: &str = "arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole";

fn iam(endpoint: &Endpoint) -> Client {
    endpoint.iam("us-east-1", Attempts::One)
}

/// Creates roles with [`TRUST`].
async fn create(iam: &Client, path: &str, names: &[&str]) {
    for name in names {
        iam.create_role().role_name(*name).path(path).assume_role_policy_document(TRUST).send().await.unwrap();
    }
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().unwrap()
}

fn percent_decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

async fn get(iam: &Client, name: &str) -> Role {
    iam.get_role().role_name(name).send().await.unwrap().role.unwrap()
}

#[tokio::test]
async fn a_role_comes_back_as_it_was_created() {
    let endpoint = Endpoint::empty().await;
    let iam = iam(&endpoint);
    let boundary = "arn:aws:iam::123456789012:policy/boundary";
    iam.create_policy().policy_name("boundary").policy_document(POLICY).send().await.unwrap();
    let created = iam
        .create_role()
        .role_name("Orders_crawler")
        .path("/glue-ddb-crawler/")
        .assume_role_policy_document(TRUST)
        .description("reads <Orders> & nothing else")
        .max_session_duration(7200)
        .permissions_boundary(boundary)
        .tags(tag("managed-by", "glue-ddb-crawler"))
        .tags(tag("empty", ""))
        .send()
        .await
        .unwrap()
        .role
        .unwrap();
    let role = get(&iam, "Orders_crawler").await;
    assert_eq!(role, created);
    assert_eq!(role.arn(), "arn:aws:iam::123456789012:role/glue-ddb-crawler/Orders_crawler");
    assert_eq!(role.description(), Some("reads <Orders> & nothing else"));
    assert_eq!(role.max_session_duration(), Some(7200));
    assert_eq!(role.create_date().to_millis().unwrap(), NOW);
    assert_eq!(percent_decoded(role.assume_role_policy_document().unwrap()), TRUST);
    assert_eq!(role.tags(), [tag("empty", ""), tag("managed-by", "glue-ddb-crawler")]);
    let given = role.permissions_boundary().unwrap();
    assert_eq!(given.permissions_boundary_type(), Some(&PermissionsBoundaryAttachmentType::Policy));
    assert_eq!(given.permissions_boundary_arn(), Some(boundary));
    assert!(role.role_id().starts_with("AROA") && role.role_id().len() == 21, "{}", role.role_id());
}

#[tokio::test]
async fn roles_are_global_and_named_case_insensitively() {
    let endpoint = Endpoint::empty().await;
    create(&iam(&endpoint), "/", &["Crawler"]).await;
    let elsewhere = endpoint.iam("eu-west-1", Attempts::One);
    assert_eq!(get(&elsewhere, "Crawler").await.arn(), "arn:aws:iam::123456789012:role/Crawler");
    let again = refused!(elsewhere.create_role().role_name("CRAWLER").assume_role_policy_document(TRUST));
    assert_eq!(again, "409 EntityAlreadyExists: Role with name CRAWLER already exists.");
}

#[tokio::test]
async fn lists_come_by_path_and_over_pages() {
    let endpoint = Endpoint::empty().await;
    let iam = iam(&endpoint);
    create(&iam, "/", &["zebra", "ant"]).await;
    create(&iam, "/ours/", &["c", "a", "b"]).await;
    create(&iam, "/oursnot/", &["d"]).await;

    let names = async |prefix: &str, page: i32| {
        let roles = iam.list_roles().path_prefix(prefix).max_items(page).into_paginator().items().send();
        let roles: Vec<Role> = roles.collect::<Result<_, _>>().await.unwrap();
        roles.into_iter().map(|role| role.role_name).collect::<Vec<_>>()
    };
    assert_eq!(names("/ours/", 2).await, ["a", "b", "c"]);
    assert_eq!(names("/ours", 1).await, ["a", "b", "c", "d"]);
    assert_eq!(names("/", 100).await, ["a", "ant", "b", "c", "d", "zebra"]);
    let first = iam.list_roles().max_items(6).send().await.unwrap();
    assert!(!first.is_truncated() && first.marker().is_none());
    assert_snapshot!(refused!(iam.list_roles().marker("%")), @"400 ValidationError: Invalid Marker.");
}

#[tokio::test]
async fn roles_change() {
    let endpoint = Endpoint::empty().await;
    let iam = iam(&endpoint);
    create(&iam, "/", &["r"]).await;
    iam.update_role().role_name("r").description("new").max_session_duration(43_200).send().await.unwrap();
    let other = TRUST.replace("glue", "lambda");
    iam.update_assume_role_policy().role_name("r").policy_document(&other).send().await.unwrap();
    iam.put_role_permissions_boundary().role_name("r").permissions_boundary(GLUE).send().await.unwrap();
    let role = get(&iam, "r").await;
    assert_eq!((role.description(), role.max_session_duration()), (Some("new"), Some(43_200)));
    assert_eq!(percent_decoded(role.assume_role_policy_document().unwrap()), other);
    assert_eq!(role.permissions_boundary().unwrap().permissions_boundary_arn(), Some(GLUE));

    let described = iam.update_role_description().role_name("r").description("").send().await.unwrap().role.unwrap();
    assert_eq!((described.description(), described.max_session_duration()), (Some(""), Some(43_200)));
    iam.delete_role_permissions_boundary().role_name("r").send().await.unwrap();
    assert!(get(&iam, "r").await.permissions_boundary().is_none());
    assert!(refused!(iam.delete_role_permissions_boundary().role_name("r")).starts_with("404 NoSuchEntity"));
}

#[tokio::test]
async fn inline_policies() {
    let endpoint = Endpoint::empty().await;
    let iam = iam(&endpoint);
    create(&iam, "/", &["r"]).await;
    let put =
        |name: &str, document: &str| iam.put_role_policy().role_name("r").policy_name(name).policy_document(document);
    for name in ["b", "a", "c"] {
        put(name, POLICY).send().await.unwrap();
    }
    let changed = POLICY.replace("Scan", "Query");
    put("b", &changed).send().await.unwrap();
    let policy = iam.get_role_policy().role_name("r").policy_name("b").send().await.unwrap();
    assert_eq!(percent_decoded(policy.policy_document()), changed);
    let names = iam.list_role_policies().role_name("r").max_items(2).into_paginator().items().send();
    assert_eq!(names.collect::<Result<Vec<_>, _>>().await.unwrap(), ["a", "b", "c"]);

    let large = POLICY.replace('*', &format!("arn:aws:dynamodb:*:*:table/{}", "x".repeat(10_240)));
    let errors = [
        refused!(put("d", &large)),
        refused!(put("d", "{")),
        refused!(put("d", &POLICY.replace('*', "arn:aws-cn:s3:::bucket"))),
        refused!(put("a b", POLICY)),
        refused!(iam.get_role_policy().role_name("r").policy_name("x")),
        refused!(iam.delete_role_policy().role_name("r").policy_name("x")),
        refused!(iam.delete_role().role_name("r")),
    ];
    assert_snapshot!(errors.join("\n"), @r#"
    409 LimitExceeded: Maximum policy size of 10240 bytes exceeded for role r
    400 MalformedPolicyDocument: This policy contains invalid Json
    400 MalformedPolicyDocument: Partition "aws-cn" is not valid for resource "arn:aws-cn:s3:::bucket".
    400 ValidationError: The specified value for policyName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-
    404 NoSuchEntity: The role policy with name x cannot be found.
    404 NoSuchEntity: The role policy with name x cannot be found.
    409 DeleteConflict: Cannot delete entity, must delete policies first.
    "#);
    for name in ["a", "b", "c"] {
        iam.delete_role_policy().role_name("r").policy_name(name).send().await.unwrap();
    }
    iam.delete_role().role_name("r").send().await.unwrap();
    assert_snapshot!(refused!(iam.get_role().role_name("r")), @"404 NoSuchEntity: The role with name r cannot be found.");
}

#[tokio::test]
async fn attached_policies() {
    let endpoint = Endpoint::empty().await;
    let iam = iam(&endpoint);
    create(&iam, "/", &["r"]).await;
    let attach = |arn: &str| iam.attach_role_policy().role_name("r").policy_arn(arn);
    attach(GLUE).send().await.unwrap();
    attach(GLUE).send().await.unwrap();
    let listed = iam.list_attached_role_policies().role_name("r").send().await.unwrap();
    let listed: Vec<_> =
        listed.attached_policies().iter().map(|p| (p.policy_name().unwrap(), p.policy_arn().unwrap())).collect();
    assert_eq!(listed, [("AWSGlueServiceRole", GLUE)]);

    for n in 1..10 {
        attach(&format!("arn:aws:iam::aws:policy/P{n}")).send().await.unwrap();
    }
    let errors = [
        refused!(attach("arn:aws:iam::aws:policy/P10")),
        refused!(attach("arn:aws:iam::123456789012:policy/mine")),
        refused!(attach("AWSGlueServiceRole")),
        refused!(iam.detach_role_policy().role_name("r").policy_arn("arn:aws:iam::aws:policy/P10")),
        refused!(iam.delete_role().role_name("r")),
    ];
    assert_snapshot!(errors.join("\n"), @r"
    409 LimitExceeded: Cannot exceed quota for PoliciesPerRole: 10
    404 NoSuchEntity: Policy arn:aws:iam::123456789012:policy/mine does not exist or is not attachable.
    400 InvalidInput: ARN AWSGlueServiceRole is not valid.
    404 NoSuchEntity: Policy arn:aws:iam::aws:policy/P10 was not found.
    409 DeleteConflict: Cannot delete entity, must detach all policies first.
    ");
    iam.detach_role_policy().role_name("r").policy_arn(GLUE).send().await.unwrap();
    let left = iam.list_attached_role_policies().role_name("r").max_items(4).into_paginator().items().send();
    assert_eq!(left.collect::<Result<Vec<_>, _>>().await.unwrap().len(), 9);
}

#[tokio::test]
async fn tags() {
    let endpoint = Endpoint::empty().await;
    let iam = iam(&endpoint);
    create(&iam, "/", &["r"]).await;
    let put = |tags: Vec<Tag>| iam.tag_role().role_name("r").set_tags(Some(tags));
    put(vec![tag("Team", "shop"), tag("b", "2"), tag("c", "3")]).send().await.unwrap();
    put(vec![tag("team", "warehouse")]).send().await.unwrap();
    iam.untag_role().role_name("r").tag_keys("c").tag_keys("never").send().await.unwrap();
    let tags = iam.list_role_tags().role_name("r").max_items(1).into_paginator().items().send();
    assert_eq!(tags.collect::<Result<Vec<_>, _>>().await.unwrap(), [tag("b", "2"), tag("team", "warehouse")]);

    let errors = [
        refused!(put((0..49).map(|n| tag(&format!("k{n}"), "")).collect())),
        refused!(put(vec![tag("x", "1"), tag("X", "2")])),
        refused!(put(vec![tag("aws:x", "1")])),
        refused!(put(vec![tag("x", "{}")])),
        refused!(put(vec![tag("x", &"v".repeat(257))])).replace(&"v".repeat(257), "V"),
        refused!(iam.tag_role().role_name("none").tags(tag("x", ""))),
    ];
    assert_snapshot!(errors.join("\n"), @r#"
    409 LimitExceeded: The number of tags has reached the maximum limit.
    400 InvalidInput: Duplicate tag keys found. Please note that Tag keys are case insensitive.
    400 InvalidInput: Tag keys that start with aws: are reserved.
    400 ValidationError: 1 validation error detected: Value '{}' at 'tags' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]*
    400 ValidationError: 1 validation error detected: Value 'V' at 'tags.value' failed to satisfy constraint: Member must have length less than or equal to 256
    404 NoSuchEntity: The role with name none cannot be found.
    "#);
    assert_eq!(get(&iam, "r").await.tags().len(), 2, "a refused request changes nothing");
}

#[tokio::test]
async fn roles_that_iam_would_refuse() {
    let endpoint = Endpoint::empty().await;
    let iam = iam(&endpoint);
    let role = |name: &str| iam.create_role().role_name(name).assume_role_policy_document(TRUST);
    let long_trust = TRUST.replace("glue.amazonaws.com", &format!("{}.amazonaws.com", "x".repeat(2048)));
    let errors = [
        refused!(role(&"r".repeat(65))),
        refused!(role("a/b")),
        refused!(role("r").path("ours/")),
        refused!(role("r").path("/ours")),
        refused!(role("r").description("\u{1F600}")),
        refused!(role("r").description("d".repeat(1001))).replace(&"d".repeat(1001), "D"),
        refused!(role("r").max_session_duration(3599)),
        refused!(role("r").max_session_duration(43_201)),
        refused!(role("r").permissions_boundary("boundary")),
        refused!(role("r").permissions_boundary("arn:aws:iam::123456789012:policy/none")),
        refused!(role("r").assume_role_policy_document(POLICY)),
        refused!(role("r").assume_role_policy_document(long_trust)),
        refused!(iam.get_role().role_name("r")),
        refused!(iam.list_roles().max_items(1001)),
        refused!(iam.list_users()),
    ];
    assert_snapshot!(errors.join("\n"), @r#"
    400 ValidationError: 1 validation error detected: Value 'rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr' at 'roleName' failed to satisfy constraint: Member must have length less than or equal to 64
    400 ValidationError: The specified value for roleName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-
    400 ValidationError: The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.
    400 ValidationError: The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.
    400 ValidationError: 1 validation error detected: Value '😀' at 'description' failed to satisfy constraint: Member must satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*
    400 ValidationError: 1 validation error detected: Value 'D' at 'description' failed to satisfy constraint: Member must have length less than or equal to 1000
    400 ValidationError: 1 validation error detected: Value '3599' at 'maxSessionDuration' failed to satisfy constraint: Member must have value greater than or equal to 3600
    400 ValidationError: 1 validation error detected: Value '43201' at 'maxSessionDuration' failed to satisfy constraint: Member must have value less than or equal to 43200
    400 InvalidInput: ARN boundary is not valid.
    404 NoSuchEntity: Policy arn:aws:iam::123456789012:policy/none does not exist or is not attachable.
    400 MalformedPolicyDocument: Has prohibited field Resource
    409 LimitExceeded: Cannot exceed quota for ACLSizePerRole: 2048
    404 NoSuchEntity: The role with name r cannot be found.
    400 ValidationError: 1 validation error detected: Value '1001' at 'maxItems' failed to satisfy constraint: Member must have value less than or equal to 1000
    400 InvalidAction: Could not find operation ListUsers for version 2010-05-08
    "#);
}

#[tokio::test]
async fn roles_outlive_the_server() {
    let state = folder(&[]);
    let config = Config { state: Some(state.path().to_owned()), ..Config::default() };
    let endpoint = Endpoint::start(config.clone()).await;
    create(&iam(&endpoint), "/", &["r"]).await;
    let before = get(&iam(&endpoint), "r").await;
    endpoint.server.stop().await;
    let endpoint = Endpoint::start(config).await;
    assert_eq!(get(&iam(&endpoint), "r").await, before);
}

#[tokio::test]
async fn the_account_tells_its_roles_and_takes_no_more_than_its_quota() {
    let unknowns = Unknowns { roles: 2, ..Unknowns::default() };
    let endpoint = Endpoint::start(Config { unknowns, ..Config::default() }).await;
    let iam = iam(&endpoint);
    create(&iam, "/", &["one", "two"]).await;
    let summary = iam.get_account_summary().send().await.unwrap().summary_map.unwrap();
    assert_eq!((summary[&SummaryKeyType::Roles], summary[&SummaryKeyType::RolesQuota]), (2, 2));
    let role = |name: &str| iam.create_role().role_name(name).assume_role_policy_document(TRUST);
    assert_snapshot!(refused!(role("three")), @"409 LimitExceeded: Cannot exceed quota for RolesPerAccount: 2");
    assert_snapshot!(refused!(role("one")), @"409 EntityAlreadyExists: Role with name one already exists.");
}
