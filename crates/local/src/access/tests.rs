use serde_json::{Value, json};

use super::*;
use crate::context::Caller;
use crate::glue::{self, ParsedRequest};
use crate::state;
use crate::wire::params::Params;

fn context() -> Context {
    Context {
        account: "123456789012".into(),
        region: "eu-west-1".into(),
        now: 0,
        endpoint: "this".into(),
        caller: Caller::Account,
        unknowns: Default::default(),
    }
}

/// The operations that a file serves: the names before the arrows of its `match`.
fn served(source: &str) -> Vec<&str> {
    let arms = source.lines().filter_map(|line| line.trim_start().split_once(" => ")).map(|(names, _)| names);
    let names = arms.flat_map(|names| names.split(" | ")).filter_map(|name| name.strip_prefix('"')?.strip_suffix('"'));
    names.collect()
}

#[test]
fn every_operation_that_is_served_has_an_entry_and_no_other() {
    let sorted = |mut names: Vec<&'static str>| {
        names.sort_unstable();
        names
    };
    let mut of_glue = served(include_str!("../glue.rs"));
    of_glue.push("StartCrawler");
    assert_eq!(sorted(of_glue), sorted(glue::operations::OPERATIONS.iter().map(|(name, _)| *name).collect()));
    let of_iam = iam::OPERATIONS.iter().map(|(name, ..)| *name).collect();
    assert_eq!(sorted(served(include_str!("../iam.rs"))), sorted(of_iam));
    let of_sts = iam::STS_OPERATIONS.iter().map(|(name, ..)| *name).collect();
    assert_eq!(sorted(served(include_str!("../sts.rs"))), sorted(of_sts));
    let of_dynamodb: Vec<&str> = dynamodb::OPERATIONS.iter().map(|(name, _)| *name).collect();
    let of_files = served(include_str!("../dynamodb.rs"));
    assert_eq!(of_files.len(), 7);
    assert_eq!(of_files.iter().find(|name| !of_dynamodb.contains(name)), None);
}

/// `action on resource, resource {keys}` of every permission.
fn lines(required: Option<Vec<RequiredPermission>>) -> String {
    let line = |permission: RequiredPermission| {
        let short = |arn: &String| arn.replace("arn:aws:", "").replace("eu-west-1:123456789012", "");
        let resources: Vec<_> = permission.resources.iter().map(short).collect();
        let mut keys: Vec<_> = permission.keys.texts.iter().map(|(key, value)| format!(" {key}={value}")).collect();
        keys.extend(
            (!permission.keys.tag_keys.is_empty()).then(|| format!(" aws:TagKeys={:?}", permission.keys.tag_keys)),
        );
        format!("{} on {}{}", permission.action, resources.join(", "), keys.concat())
    };
    required.map_or("no entry".to_owned(), |required| required.into_iter().map(line).collect::<Vec<_>>().join("\n"))
}

fn of_glue(operation: &str, body: Value) -> String {
    let store = state::open(None).unwrap();
    let parsed = ParsedRequest::read(&context(), operation, body).unwrap();
    lines(store.read(|tx| glue::permissions::required_permissions(tx, &context(), &parsed)).unwrap())
}

#[test]
fn what_the_catalog_needs() {
    let all = [
        of_glue("GetDatabases", json!({})),
        of_glue("UpdateDatabase", json!({"Name": "DB", "DatabaseInput": {"Name": "other"}})),
        of_glue("CreateTable", json!({"DatabaseName": "db", "TableInput": {"Name": "Orders"}})),
        of_glue("GetTables", json!({"DatabaseName": "db"})),
        of_glue("BatchDeleteTable", json!({"DatabaseName": "db", "TablesToDelete": ["a", "B"]})),
        of_glue("BatchDeleteTable", json!({"DatabaseName": "db", "TablesToDelete": []})),
        of_glue("SearchTables", json!({})),
        of_glue("DeleteDatabase", json!({"Name": "db"})),
        of_glue("CreateJob", json!({})),
    ];
    insta::assert_snapshot!(all.join("\n"), @r"
    glue:GetDatabases on glue::catalog, glue::database/*
    glue:UpdateDatabase on glue::catalog, glue::database/db
    glue:CreateTable on glue::catalog, glue::database/db, glue::table/db/orders
    glue:GetTables on glue::catalog, glue::database/db, glue::table/db/*
    glue:BatchDeleteTable on glue::catalog, glue::database/db, glue::table/db/a, glue::table/db/b
    glue:BatchDeleteTable on glue::catalog, glue::database/db, glue::table/db/*
    glue:SearchTables on glue::catalog, glue::database/*, glue::table/*/*
    glue:DeleteDatabase on glue::catalog, glue::database/db, glue::table/db/*, glue::userDefinedFunction/db/*
    no entry
    ");
}

#[test]
fn what_crawlers_need() {
    let tags = json!({"managed-by": "us"});
    let role = "arn:aws:iam::123456789012:role/ours/r";
    let all = [
        of_glue("CreateCrawler", json!({"Name": "c", "Role": role, "Tags": tags})),
        of_glue("CreateCrawler", json!({"Name": "c", "Role": "r"})),
        of_glue("UpdateCrawler", json!({"Name": "c"})),
        of_glue("UpdateCrawler", json!({"Name": "c", "Role": "ours/r"})),
        of_glue("BatchGetCrawlers", json!({"CrawlerNames": ["a", "b"]})),
        of_glue("StartCrawler", json!({"Name": "c"})),
        of_glue("ListCrawlers", json!({"Tags": tags})),
        of_glue(
            "TagResource",
            json!({"ResourceArn": "arn:aws:glue:eu-west-1:123456789012:crawler/c", "TagsToAdd": tags}),
        ),
        of_glue(
            "UntagResource",
            json!({"ResourceArn": "arn:aws:glue:eu-west-1:123456789012:crawler/c", "TagsToRemove": ["t"]}),
        ),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    glue:CreateCrawler on * aws:RequestTag/managed-by=us aws:TagKeys=["managed-by"]
    glue:TagResource on glue::crawler/c aws:RequestTag/managed-by=us aws:TagKeys=["managed-by"]
    iam:PassRole on iam::123456789012:role/ours/r iam:PassedToService=glue.amazonaws.com
    glue:CreateCrawler on *
    iam:PassRole on iam::123456789012:role/r iam:PassedToService=glue.amazonaws.com
    glue:UpdateCrawler on glue::crawler/c
    glue:UpdateCrawler on glue::crawler/c
    iam:PassRole on iam::123456789012:role/ours/r iam:PassedToService=glue.amazonaws.com
    glue:BatchGetCrawlers on glue::crawler/a, glue::crawler/b
    glue:StartCrawler on glue::crawler/c
    glue:ListCrawlers on *
    glue:TagResource on glue::crawler/c aws:RequestTag/managed-by=us aws:TagKeys=["managed-by"]
    glue:UntagResource on glue::crawler/c aws:TagKeys=["t"]
    "#);
}

#[test]
fn what_the_registry_needs() {
    let id = json!({"RegistryName": "r", "SchemaName": "s"});
    let arn = json!({"SchemaArn": "arn:aws:glue:eu-west-1:123456789012:schema/r/s"});
    let all = [
        of_glue("CreateRegistry", json!({"RegistryName": "r", "Tags": {"k": "v"}})),
        of_glue(
            "GetRegistry",
            json!({"RegistryId": {"RegistryArn": "arn:aws:glue:eu-west-1:123456789012:registry/r"}}),
        ),
        of_glue("CreateSchema", json!({"RegistryId": {"RegistryName": "r"}, "SchemaName": "s", "Tags": {"k": "v"}})),
        of_glue("CreateSchema", json!({"SchemaName": "s"})),
        of_glue("RegisterSchemaVersion", json!({"SchemaId": id})),
        of_glue("ListSchemaVersions", json!({"SchemaId": arn})),
        of_glue("GetSchemaVersion", json!({"SchemaVersionId": "00000000-0000-0000-0000-000000000000"})),
        of_glue("GetSchemaVersion", json!({"SchemaId": id, "SchemaVersionNumber": {"LatestVersion": true}})),
        of_glue("ListSchemas", json!({})),
        of_glue("ListSchemas", json!({"RegistryId": {"RegistryName": "r"}})),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    glue:CreateRegistry on glue::registry/r aws:RequestTag/k=v aws:TagKeys=["k"]
    glue:TagResource on glue::registry/r aws:RequestTag/k=v aws:TagKeys=["k"]
    glue:GetRegistry on glue::registry/r
    glue:CreateSchema on glue::registry/r, glue::schema/r/s aws:RequestTag/k=v aws:TagKeys=["k"]
    glue:TagResource on glue::schema/r/s aws:RequestTag/k=v aws:TagKeys=["k"]
    glue:CreateSchema on glue::registry/default-registry, glue::schema/default-registry/s
    glue:RegisterSchemaVersion on glue::registry/r, glue::schema/r/s
    glue:ListSchemaVersions on glue::registry/r, glue::schema/r/s
    glue:GetSchemaVersion on *
    glue:GetSchemaVersion on glue::registry/r, glue::schema/r/s
    glue:ListSchemas on *
    glue:ListSchemas on glue::registry/r
    "#);
}

#[test]
fn what_dynamodb_needs() {
    let of =
        |operation: &str, body: Value| lines(dynamodb::required_permissions(&context(), operation, &body).unwrap());
    let all = [
        of("ListTables", json!({})),
        of("Scan", json!({"TableName": "Orders"})),
        of("Scan", json!({"TableName": "Orders", "IndexName": "i"})),
        of("DescribeTable", json!({"TableName": "arn:aws:dynamodb:eu-west-1:999999999999:table/Orders"})),
        of("BatchGetItem", json!({"RequestItems": {"A": {}, "B": {}}})),
        of("BatchGetItem", json!({})),
        of(
            "TransactWriteItems",
            json!({"TransactItems": [{"Put": {"TableName": "A"}}, {"ConditionCheck": {"TableName": "B"}}]}),
        ),
        of("TransactWriteItems", json!({"TransactItems": []})),
        of("ExecuteStatement", json!({"Statement": "SELECT * FROM Orders"})),
    ];
    insta::assert_snapshot!(all.join("\n"), @r"
    dynamodb:ListTables on *
    dynamodb:Scan on dynamodb::table/Orders
    dynamodb:Scan on dynamodb::table/Orders/index/i
    dynamodb:DescribeTable on dynamodb:eu-west-1:999999999999:table/Orders
    dynamodb:BatchGetItem on dynamodb::table/A, dynamodb::table/B
    dynamodb:BatchGetItem on dynamodb::table/*
    dynamodb:PutItem on dynamodb::table/A
    dynamodb:ConditionCheckItem on dynamodb::table/B
    no entry
    no entry
    ");
}

#[test]
fn what_iam_and_sts_need() {
    let store = state::open(None).unwrap();
    let role = "INSERT INTO iam_role VALUES ('Reader', 'AROA', '/ours/', 0, NULL, '', 3600, 'arn:aws:iam::123456789012:policy/b')";
    store.transaction(|tx| Ok(tx.execute_batch(role)?)).unwrap();
    let of = |service: Service, operation: &str, query: &str| {
        let params = Params::read(query, b"").unwrap();
        lines(store.read(|tx| iam::required_permissions(tx, &context(), service, operation, &params)).unwrap())
    };
    let iam = |operation: &str, query: &str| of(Service::Iam, operation, query);
    let all = [
        iam(
            "CreateRole",
            "RoleName=new&Path=/ours/&PermissionsBoundary=arn:aws:iam::123456789012:policy/b&Tags.member.1.Key=k&Tags.member.1.Value=v",
        ),
        iam("CreateRole", "RoleName=new"),
        iam("PutRolePolicy", "RoleName=reader&PolicyName=p"),
        iam("PutRolePolicy", "RoleName=missing"),
        iam("PutRolePermissionsBoundary", "RoleName=reader&PermissionsBoundary=arn:aws:iam::123456789012:policy/c"),
        iam("AttachRolePolicy", "RoleName=reader&PolicyArn=arn:aws:iam::123456789012:policy/p"),
        iam("TagRole", "RoleName=reader&Tags.member.1.Key=k&Tags.member.1.Value=v"),
        iam("UntagRole", "RoleName=reader&TagKeys.member.1=k"),
        iam("ListRoles", ""),
        iam("CreatePolicy", "PolicyName=p&Path=/ours/"),
        iam("GetPolicy", "PolicyArn=arn:aws:iam::123456789012:policy/b"),
        iam("CreateUser", "UserName=u"),
        of(Service::Sts, "AssumeRole", "RoleArn=arn:aws:iam::123456789012:role/ours/Reader"),
        of(Service::Sts, "GetCallerIdentity", ""),
        of(Service::Sts, "GetSessionToken", ""),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    iam:CreateRole on iam::123456789012:role/ours/new iam:PermissionsBoundary=arn:aws:iam::123456789012:policy/b aws:RequestTag/k=v aws:TagKeys=["k"]
    iam:TagRole on iam::123456789012:role/ours/new aws:RequestTag/k=v aws:TagKeys=["k"]
    iam:CreateRole on iam::123456789012:role/new
    iam:PutRolePolicy on iam::123456789012:role/ours/Reader iam:PermissionsBoundary=arn:aws:iam::123456789012:policy/b
    iam:PutRolePolicy on iam::123456789012:role/missing
    iam:PutRolePermissionsBoundary on iam::123456789012:role/ours/Reader iam:PermissionsBoundary=arn:aws:iam::123456789012:policy/c
    iam:AttachRolePolicy on iam::123456789012:role/ours/Reader iam:PolicyARN=arn:aws:iam::123456789012:policy/p iam:PermissionsBoundary=arn:aws:iam::123456789012:policy/b
    iam:TagRole on iam::123456789012:role/ours/Reader aws:RequestTag/k=v aws:TagKeys=["k"]
    iam:UntagRole on iam::123456789012:role/ours/Reader aws:TagKeys=["k"]
    iam:ListRoles on *
    iam:CreatePolicy on iam::123456789012:policy/ours/p
    iam:GetPolicy on iam::123456789012:policy/b
    no entry
    sts:AssumeRole on iam::123456789012:role/ours/Reader

    no entry
    "#);
}
