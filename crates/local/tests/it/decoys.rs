//! What is judged is what is used: a member that an operation does not use, or uses otherwise, opens nothing.
//!
//! A role that may do everything with what is called `mine`, and nothing with anything else, asks for `theirs`, with decoys
//! that name `mine` at every place of the request.

use local::{Config, Source};
use serde_json::{Map, Value, json};
use testkit::REGION;
use tokio::task::JoinSet;

use crate::support::{ACCOUNT, Attempts, Endpoint, folder, raw};

const TABLE: &[u8] =
    br#"{"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]}"#;

/// A request for every operation that names something.
fn requests() -> Vec<(String, Value)> {
    let registry = json!({"RegistryName": "theirs"});
    let schema = json!({"SchemaName": "theirs", "RegistryName": "theirs"});
    let schema_arn = json!({"SchemaArn": arn("glue", "schema/theirs/theirs")});
    let (one, table) = (json!({"VersionNumber": 1}), json!({"DatabaseName": "theirs", "TableName": "theirs"}));
    let version = json!({"SchemaId": schema, "SchemaVersionNumber": one});
    let with = |base: &Value, more: Value| {
        let mut all = base.clone();
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let (database, crawler) = (json!({"DatabaseName": "theirs"}), json!({"Name": "theirs"}));
    let (of_registry, of_schema) = (json!({"RegistryId": registry}), json!({"SchemaId": schema}));
    let pair = json!({"MetadataKeyValue": {"MetadataKey": "k", "MetadataValue": "v"}});
    let resource = json!({"ResourceArn": arn("glue", "crawler/theirs")});
    let glue = [
        ("CreateDatabase", json!({"DatabaseInput": {"Name": "theirs"}})),
        ("GetDatabase", json!({"Name": "theirs"})),
        ("GetDatabases", json!({})),
        ("UpdateDatabase", json!({"Name": "theirs", "DatabaseInput": {"Name": "theirs"}})),
        ("DeleteDatabase", json!({"Name": "theirs"})),
        ("CreateTable", with(&database, json!({"TableInput": {"Name": "theirs", "StorageDescriptor": {}}}))),
        ("GetTable", with(&database, json!({"Name": "theirs"}))),
        ("GetTables", database.clone()),
        ("UpdateTable", with(&database, json!({"TableInput": {"Name": "theirs"}}))),
        ("DeleteTable", with(&database, json!({"Name": "theirs"}))),
        ("BatchDeleteTable", with(&database, json!({"TablesToDelete": ["theirs"]}))),
        ("GetTableVersion", table.clone()),
        ("GetTableVersions", table.clone()),
        ("DeleteTableVersion", with(&table, json!({"VersionId": "0"}))),
        ("BatchDeleteTableVersion", with(&table, json!({"VersionIds": ["0"]}))),
        ("SearchTables", json!({})),
        ("GetPartitions", table.clone()),
        ("GetPartition", table.clone()),
        ("GetColumnStatisticsForPartition", table.clone()),
        ("BatchGetPartition", table.clone()),
        ("GetPartitionIndexes", table.clone()),
        ("GetColumnStatisticsForTable", table.clone()),
        ("GetUserDefinedFunctions", with(&database, json!({"Pattern": "*"}))),
        ("GetUserDefinedFunction", with(&database, json!({"FunctionName": "theirs"}))),
        ("CreateCrawler", with(&crawler, json!({"Role": "theirs", "Targets": {}}))),
        ("GetCrawler", crawler.clone()),
        ("GetCrawlers", json!({})),
        ("BatchGetCrawlers", json!({"CrawlerNames": ["theirs"]})),
        ("ListCrawlers", json!({})),
        ("UpdateCrawler", crawler.clone()),
        ("DeleteCrawler", crawler.clone()),
        ("StartCrawler", crawler.clone()),
        ("StopCrawler", crawler.clone()),
        ("GetCrawlerMetrics", json!({})),
        ("ListCrawls", json!({"CrawlerName": "theirs"})),
        ("StartCrawlerSchedule", json!({"CrawlerName": "theirs"})),
        ("StopCrawlerSchedule", json!({"CrawlerName": "theirs"})),
        ("UpdateCrawlerSchedule", json!({"CrawlerName": "theirs"})),
        ("TagResource", with(&resource, json!({"TagsToAdd": {"k": "v"}}))),
        ("UntagResource", with(&resource, json!({"TagsToRemove": ["k"]}))),
        ("GetTags", resource.clone()),
        ("CreateRegistry", registry.clone()),
        ("GetRegistry", of_registry.clone()),
        ("ListRegistries", json!({})),
        ("UpdateRegistry", with(&of_registry, json!({"Description": "d"}))),
        ("DeleteRegistry", of_registry.clone()),
        ("DeleteRegistry", json!({"RegistryId": {"RegistryArn": arn("glue", "registry/theirs")}})),
        ("CreateSchema", with(&of_registry, json!({"SchemaName": "theirs", "DataFormat": "AVRO"}))),
        (
            "CreateSchema",
            json!({"SchemaName": "theirs", "DataFormat": "AVRO", "RegistryId": {"RegistryName": "default-registry"}}),
        ),
        ("GetSchema", of_schema.clone()),
        ("GetSchema", json!({"SchemaId": schema_arn})),
        ("ListSchemas", of_registry.clone()),
        ("UpdateSchema", with(&of_schema, json!({"Description": "d"}))),
        ("DeleteSchema", of_schema.clone()),
        ("RegisterSchemaVersion", with(&of_schema, json!({"SchemaDefinition": "\"string\""}))),
        ("GetSchemaVersion", version.clone()),
        ("GetSchemaVersion", json!({"SchemaVersionId": "00000000-0000-0000-0000-000000000000"})),
        ("ListSchemaVersions", of_schema.clone()),
        ("GetSchemaByDefinition", with(&of_schema, json!({"SchemaDefinition": "\"string\""}))),
        ("CheckSchemaVersionValidity", json!({"DataFormat": "AVRO", "SchemaDefinition": "\"string\""})),
        (
            "GetSchemaVersionsDiff",
            with(
                &of_schema,
                json!({"FirstSchemaVersionNumber": one, "SecondSchemaVersionNumber": one, "SchemaDiffType": "SYNTAX_DIFF"}),
            ),
        ),
        ("DeleteSchemaVersions", with(&of_schema, json!({"Versions": "2"}))),
        ("PutSchemaVersionMetadata", with(&version, pair.clone())),
        ("QuerySchemaVersionMetadata", version.clone()),
        ("RemoveSchemaVersionMetadata", with(&version, pair)),
    ];
    let name = json!({"TableName": "theirs"});
    let dynamodb = [
        ("ListTables", json!({})),
        ("DescribeTable", name.clone()),
        ("DescribeTable", json!({"TableName": arn("dynamodb", "table/theirs")})),
        ("Scan", name.clone()),
        ("DescribeTimeToLive", name.clone()),
        ("DescribeContinuousBackups", name),
        ("ListTagsOfResource", json!({"ResourceArn": arn("dynamodb", "table/theirs")})),
        ("DescribeLimits", json!({})),
    ];
    let glue = glue.map(|(operation, body)| (format!("AWSGlue.{operation}"), body));
    glue.into_iter().chain(dynamodb.map(|(operation, body)| (format!("DynamoDB_20120810.{operation}"), body))).collect()
}

/// All that operations know to name something by, each naming `mine`.
fn decoys() -> Vec<(&'static str, Value)> {
    let (registry, schema) = (json!({"RegistryName": "mine"}), json!({"SchemaName": "mine", "RegistryName": "mine"}));
    vec![
        ("Name", json!("mine")),
        ("name", json!("mine")),
        ("DatabaseName", json!("mine")),
        ("databaseName", json!("mine")),
        ("DatabaseInput", json!({"Name": "mine"})),
        ("TableName", json!("mine")),
        ("TableInput", json!({"Name": "mine"})),
        ("TablesToDelete", json!(["mine"])),
        ("FunctionName", json!("mine")),
        ("CrawlerName", json!("mine")),
        ("CrawlerNames", json!(["mine"])),
        ("CrawlerNameList", json!(["mine"])),
        ("RegistryName", json!("mine")),
        ("RegistryArn", json!(arn("glue", "registry/mine"))),
        ("RegistryId", registry),
        ("RegistryId", json!({"RegistryArn": arn("glue", "registry/mine")})),
        ("SchemaName", json!("mine")),
        ("SchemaArn", json!(arn("glue", "schema/mine/mine"))),
        ("SchemaId", schema),
        ("SchemaId", json!({"SchemaArn": arn("glue", "schema/mine/mine")})),
        (
            "SchemaReference",
            json!({"SchemaId": {"SchemaName": "mine", "RegistryName": "mine"}, "SchemaVersionNumber": 1}),
        ),
        ("ResourceArn", json!(arn("glue", "crawler/mine"))),
        ("ResourceArn", json!(arn("dynamodb", "table/mine"))),
        ("TableArn", json!(arn("dynamodb", "table/mine"))),
        ("IndexName", json!("mine")),
        ("RequestItems", json!({"mine": {}})),
        ("TransactItems", json!([{"Get": {"TableName": "mine"}}])),
        ("CatalogId", json!(ACCOUNT)),
        ("Role", json!("mine")),
    ]
}

/// The request with a decoy in each possible place: beside the members of every object.
fn with_decoy(body: &Value, name: &str, decoy: &Value) -> Vec<Value> {
    fn places(value: &Value, name: &str, decoy: &Value, rebuild: &dyn Fn(Value) -> Value, all: &mut Vec<Value>) {
        let Value::Object(members) = value else { return };
        if !members.contains_key(name) {
            let mut with: Map<String, Value> = members.clone();
            with.insert(name.to_owned(), decoy.clone());
            all.push(rebuild(Value::Object(with)));
        }
        for (member, inner) in members {
            let outer = |changed: Value| {
                let mut with = members.clone();
                with.insert(member.clone(), changed);
                rebuild(Value::Object(with))
            };
            places(inner, name, decoy, &outer, all);
        }
    }
    let mut all = Vec::new();
    places(body, name, decoy, &|whole| whole, &mut all);
    all
}

fn arn(service: &str, resource: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}")
}

/// An endpoint, and the head of requests of the role.
async fn with_role() -> (Endpoint, String) {
    let tables = folder(&[("mine.json", TABLE), ("theirs.json", TABLE)]);
    let endpoint =
        Endpoint::start(Config { source: Source::Files(tables.path().to_owned()), ..Config::default() }).await;
    // The endpoint looks at the files with each request.
    std::mem::forget(tables);
    let iam = endpoint.iam(REGION, Attempts::One);
    let mine = ["catalog", "database/mine", "table/mine/*", "userDefinedFunction/mine/*", "crawler/mine"];
    let mut mine: Vec<String> = mine.iter().map(|resource| arn("glue", resource)).collect();
    mine.extend(["registry/mine", "schema/mine/mine"].map(|resource| arn("glue", resource)));
    mine.extend(["table/mine", "table/mine/*"].map(|resource| arn("dynamodb", resource)));
    mine.extend(["role/mine", "policy/mine"].map(|resource| format!("arn:aws:iam::{ACCOUNT}:{resource}")));
    let trust = json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT}}});
    for name in ["mine", "theirs"] {
        iam.create_role().role_name(name).assume_role_policy_document(trust.to_string()).send().await.unwrap();
    }
    let policy = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": mine}}).to_string();
    iam.put_role_policy().role_name("mine").policy_name("p").policy_document(policy).send().await.unwrap();
    let arn = format!("arn:aws:iam::{ACCOUNT}:role/mine");
    let assume = endpoint.sts(REGION, Attempts::One).assume_role().role_arn(arn).role_session_name("test");
    let issued = assume.send().await.unwrap().credentials.unwrap();
    let (key, token) = (issued.access_key_id(), issued.session_token());
    let signed =
        format!("Authorization: AWS4-HMAC-SHA256 Credential={key}/20260101/{REGION}/x/aws4_request, Signature=x");
    (endpoint, format!("{signed}\r\nX-Amz-Security-Token: {token}"))
}

fn is_refused(answer: &str) -> bool {
    let codes = ["AccessDenied", "Validation", "Serialization", "InvalidInput"];
    !answer.starts_with("HTTP/1.1 2") && codes.iter().any(|code| answer.contains(code))
}

#[tokio::test]
async fn a_decoy_opens_nothing() {
    let (endpoint, signed) = with_role().await;
    let endpoint = std::sync::Arc::new(endpoint);
    let every = raw(&endpoint, "GET /actions HTTP/1.1", "").await;
    let every: Value = serde_json::from_str(every.split_once("\r\n\r\n").unwrap().1).unwrap();
    let requests = requests();
    for action in every.as_array().unwrap().iter().filter_map(|row| row["action"].as_str()) {
        let name = action.strip_prefix("glue:").unwrap_or("GetTable");
        let target = format!("AWSGlue.{name}");
        assert!(requests.iter().any(|(operation, _)| *operation == target), "{action} has a request here");
    }

    let mut asked: JoinSet<(String, bool)> = JoinSet::new();
    let mut opened = Vec::new();
    for (operation, body) in &requests {
        let mut bodies = vec![body.clone()];
        for (name, decoy) in decoys() {
            bodies.extend(with_decoy(body, name, &decoy));
        }
        for body in bodies {
            let head = format!("POST / HTTP/1.1\r\nX-Amz-Target: {operation}\r\n{signed}");
            let (endpoint, operation) = (std::sync::Arc::clone(&endpoint), operation.clone());
            asked.spawn(async move {
                let answer = raw(&endpoint, &head, &body.to_string()).await;
                (format!("{operation} {body}"), is_refused(&answer))
            });
            if asked.len() > 32 {
                opened.extend(asked.join_next().await.map(Result::unwrap));
            }
        }
    }
    opened.extend(asked.join_all().await);
    assert!(opened.len() > 1_000, "{} requests", opened.len());
    let opened: Vec<&String> = opened.iter().filter(|(_, refused)| !refused).map(|(request, _)| request).collect();
    assert!(opened.is_empty(), "{} were let through:\n{opened:#?}", opened.len());

    // The role may do with its own what it asks for: what was refused above was not so for another reason.
    for (operation, body) in &requests {
        let body = body.to_string().replace("theirs", "mine");
        let head = format!("POST / HTTP/1.1\r\nX-Amz-Target: {operation}\r\n{signed}");
        let answer = raw(&endpoint, &head, &body).await;
        let nothing_of_its_own = answer.contains("on resource: * ") || answer.contains("default-registry");
        let everything = answer.contains("database/* ");
        assert!(nothing_of_its_own || everything || !answer.contains("AccessDenied"), "{operation}: {answer}");
    }
}

#[tokio::test]
async fn a_decoy_in_a_query_opens_nothing() {
    let (endpoint, signed) = with_role().await;
    let decoys = "&RoleName.member.1=mine&roleName=mine&Role=mine&RoleArn=arn:aws:iam::123456789012:role/mine&Path=/&PolicyName=mine";
    let policy = "&PolicyArn=arn:aws:iam::123456789012:policy/theirs&VersionId=v1";
    let requests = [
        ("GetRole", "&RoleName=theirs"),
        ("UpdateRole", "&RoleName=theirs"),
        ("DeleteRole", "&RoleName=theirs"),
        ("ListRoles", ""),
        ("GetAccountSummary", ""),
        ("ListRolePolicies", "&RoleName=theirs"),
        ("ListAttachedRolePolicies", "&RoleName=theirs"),
        ("ListRoleTags", "&RoleName=theirs"),
        ("GetPolicy", policy),
        ("GetPolicyVersion", policy),
        ("DeletePolicy", policy),
    ];
    for (action, members) in requests {
        for (query, body) in [("", members), (members, "")] {
            let head = format!("POST /?{} HTTP/1.1\r\n{signed}", query.trim_start_matches('&'));
            let body = format!("Action={action}&Version=2010-05-08{body}{decoys}");
            let head = head.replace("/x/", "/iam/");
            let answer = raw(&endpoint, &head, &body).await;
            assert!(is_refused(&answer), "{action} {query} {body}: {answer}");
            // A name twice is one value too many, wherever the two stand.
            if let Some(name) = members.split(['&', '=']).nth(1) {
                let answer = raw(&endpoint, &head, &format!("{body}&{name}=mine")).await;
                assert!(answer.contains("MalformedQueryString"), "{action} {query} {body}: {answer}");
            }
        }
    }
}

#[tokio::test]
async fn a_decoy_of_tags_meets_no_condition() {
    let (endpoint, signed) = with_role().await;
    let iam = endpoint.iam(REGION, Attempts::One);
    let policy = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": {"StringEquals": {"aws:RequestTag/owner": "mine"}}}});
    iam.put_role_policy().role_name("mine").policy_name("p").policy_document(policy.to_string()).send().await.unwrap();
    let (theirs, mine) = (json!({"owner": "theirs"}), json!({"owner": "mine"}));
    let crawler = arn("glue", "crawler/theirs");
    let requests = [
        ("TagResource", json!({"ResourceArn": crawler, "TagsToAdd": theirs, "Tags": mine})),
        ("UntagResource", json!({"ResourceArn": crawler, "TagsToRemove": ["owner"], "Tags": mine, "TagsToAdd": mine})),
        ("CreateRegistry", json!({"RegistryName": "theirs", "Tags": theirs, "TagsToAdd": mine})),
        ("CreateRegistry", json!({"RegistryName": "theirs", "TagsToAdd": mine})),
        ("GetTags", json!({"ResourceArn": crawler, "Tags": mine})),
    ];
    for (operation, body) in requests {
        let head = format!("POST / HTTP/1.1\r\nX-Amz-Target: AWSGlue.{operation}\r\n{signed}");
        let answer = raw(&endpoint, &head, &body.to_string()).await;
        assert!(answer.contains("AccessDenied"), "{operation} {body}: {answer}");
    }
}

/// Lengths are checked before policies, and neither blocks others.
#[tokio::test]
async fn a_name_that_is_too_long_is_refused_before_it_is_judged() {
    let (endpoint, signed) = with_role().await;
    let iam = endpoint.iam(REGION, Attempts::One);
    // As many stars as a policy may have, on a text in which all of them match.
    let pattern = format!("arn:aws:glue:*:*:*{}b", "a*".repeat(4_000));
    let policy = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": pattern}});
    iam.put_role_policy().role_name("mine").policy_name("p").policy_document(policy.to_string()).send().await.unwrap();
    let long = "a".repeat(1_000_000);
    let arn = json!(format!("arn:aws:glue:::{long}"));
    let requests = [
        ("AWSGlue.GetTags", json!({"ResourceArn": arn})),
        ("AWSGlue.GetTags", json!({"ResourceArn": format!("arn:aws:glue:::{}", &long[..10_000])})),
        ("AWSGlue.UpdateCrawler", json!({"Name": "mine", "Role": arn})),
        ("AWSGlue.GetTable", json!({"DatabaseName": "mine", "Name": long})),
        ("AWSGlue.GetSchema", json!({"SchemaId": {"SchemaArn": arn}})),
        ("AWSGlue.CreateRegistry", json!({"RegistryName": "mine", "Tags": {long.clone(): "v"}})),
        ("DynamoDB_20120810.Scan", json!({"TableName": long})),
        ("DynamoDB_20120810.Scan", json!({"TableName": "mine", "IndexName": long})),
        ("DynamoDB_20120810.ListTagsOfResource", json!({"ResourceArn": arn})),
    ];
    let started = std::time::Instant::now();
    for (operation, body) in requests {
        let head = format!("POST / HTTP/1.1\r\nX-Amz-Target: {operation}\r\n{signed}");
        let answer = raw(&endpoint, &head, &body.to_string()).await;
        assert!(is_refused(&answer) && !answer.contains(&long), "{operation}: {}", &answer[..200]);
    }
    for query in
        ["Action=GetRole&RoleName=", "Action=GetPolicy&PolicyArn=", "Action=TagRole&RoleName=mine&Tags.member.1.Key="]
    {
        let body = format!("{query}{long}&Version=2010-05-08");
        let answer = raw(&endpoint, &format!("POST / HTTP/1.1\r\n{}", signed.replace("/x/", "/iam/")), &body).await;
        assert!(is_refused(&answer) && !answer.contains(&long), "{query}: {}", &answer[..200]);
    }
    assert!(started.elapsed() < std::time::Duration::from_secs(2), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_decoy_in_a_schema_reference_shows_no_columns() {
    let (endpoint, signed) = with_role().await;
    let head =
        "POST / HTTP/1.1\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/glue/aws4_request";
    let account = async |operation: &str, body: Value| {
        raw(&endpoint, &format!("{head}\r\nX-Amz-Target: AWSGlue.{operation}"), &body.to_string()).await
    };
    account("CreateDatabase", json!({"DatabaseInput": {"Name": "mine"}})).await;
    account("CreateRegistry", json!({"RegistryName": "theirs"})).await;
    let definition = r#"{"type":"record","name":"r","fields":[{"name":"salary","type":"long"}]}"#;
    let schema = json!({"RegistryId": {"RegistryName": "theirs"}, "SchemaName": "theirs", "DataFormat": "AVRO", "SchemaDefinition": definition});
    let made = account("CreateSchema", schema).await;
    assert!(made.starts_with("HTTP/1.1 200"), "{made}");
    let mut reference = json!({"SchemaId": {"RegistryName": "theirs", "SchemaName": "theirs"}, "SchemaVersionNumber": 1,
        "RegistryName": "mine", "SchemaName": "mine"});
    for decoy in [
        json!({}),
        json!({"RegistryId": {"RegistryName": "mine"}}),
        json!({"SchemaArn": arn("glue", "schema/mine/mine")}),
    ] {
        reference.as_object_mut().unwrap().extend(decoy.as_object().unwrap().clone());
        account("DeleteTable", json!({"DatabaseName": "mine", "Name": "mine"})).await;
        let table = json!({"Name": "mine", "StorageDescriptor": {"SchemaReference": reference}});
        let made = account("CreateTable", json!({"DatabaseName": "mine", "TableInput": table})).await;
        assert!(made.starts_with("HTTP/1.1 200"), "{made}");
        let head = format!("POST / HTTP/1.1\r\nX-Amz-Target: AWSGlue.GetTable\r\n{signed}");
        let seen = raw(&endpoint, &head, r#"{"DatabaseName":"mine","Name":"mine"}"#).await;
        assert!(seen.contains("AccessDenied") && !seen.contains("salary"), "{seen}");
    }
}
