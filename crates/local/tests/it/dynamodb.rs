use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{AttributeValue, BillingMode, KeyType, ReturnConsumedCapacity, Select};
use flate2::Compression;
use flate2::write::GzEncoder;
use insta::assert_snapshot;
use local::{Config, Source};
use proptest::prelude::*;

use crate::support::{Attempts, Endpoint, folder, raw};

const ORDERS: &[u8] = br#"{
    "TableName": "Orders",
    "KeySchema": [{"AttributeName": "customer", "KeyType": "HASH"}, {"AttributeName": "number", "KeyType": "RANGE"}],
    "AttributeDefinitions": [{"AttributeName": "customer", "AttributeType": "S"}, {"AttributeName": "number", "AttributeType": "N"}],
    "BillingMode": "PROVISIONED",
    "ProvisionedThroughput": {"ReadCapacityUnits": 12, "WriteCapacityUnits": 3},
    "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": true},
    "Tags": [{"Key": "team", "Value": "shop"}]
}"#;

const BY_ID: &[u8] = br#"{
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]
}"#;

fn lines(count: usize, filler: usize) -> String {
    let filler = "x".repeat(filler);
    (0..count).map(|n| format!("{{\"id\":{{\"S\":\"item-{n}\"}},\"filler\":{{\"S\":\"{filler}\"}}}}\n")).collect()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn id(item: &HashMap<String, AttributeValue>) -> String {
    item["id"].as_s().unwrap().clone()
}

/// Code and message of an error.
macro_rules! refused {
    ($call:expr) => {{
        let error = $call.send().await.unwrap_err();
        format!("{}: {}", error.code().unwrap_or("?"), error.message().unwrap_or("?"))
    }};
}

async fn dynamodb(endpoint: &Endpoint) -> Client {
    endpoint.dynamodb("eu-west-1", Attempts::One)
}

#[tokio::test]
async fn a_table_is_described_by_name_and_arn() {
    let items =
        "{\"customer\":{\"S\":\"c\"},\"number\":{\"N\":\"1\"}}\n{\"customer\":{\"S\":\"c\"},\"number\":{\"N\":\"2\"}}";
    let tables = folder(&[("Orders.json", ORDERS), ("Orders.jsonl", items.as_bytes()), ("Empty.json", BY_ID)]);
    let endpoint = Endpoint::with_tables(tables.path()).await;
    let client = dynamodb(&endpoint).await;

    let arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/Orders";
    let table = client.describe_table().table_name("Orders").send().await.unwrap().table.unwrap();
    assert_eq!(table.table_arn(), Some(arn));
    assert_eq!((table.item_count(), table.table_size_bytes()), (Some(2), Some(2 * (8 + 1 + 6 + 2))));
    let keys: Vec<_> = table.key_schema().iter().map(|key| (key.attribute_name(), key.key_type().clone())).collect();
    assert_eq!(keys, [("customer", KeyType::Hash), ("number", KeyType::Range)]);
    let throughput = table.provisioned_throughput().unwrap();
    assert_eq!((throughput.read_capacity_units(), throughput.write_capacity_units()), (Some(12), Some(3)));
    assert!(table.billing_mode_summary().is_none());
    assert_eq!(client.describe_table().table_name(arn).send().await.unwrap().table, Some(table));

    let empty = client.describe_table().table_name("Empty").send().await.unwrap().table.unwrap();
    assert_eq!(empty.item_count(), Some(0));
    assert_eq!(empty.billing_mode_summary().unwrap().billing_mode(), Some(&BillingMode::PayPerRequest));

    let tags = client.list_tags_of_resource().resource_arn(arn).send().await.unwrap();
    assert_eq!(tags.tags().iter().map(|tag| (tag.key(), tag.value())).collect::<Vec<_>>(), [("team", "shop")]);
    let ttl = client.describe_time_to_live().table_name("Orders").send().await.unwrap();
    assert_eq!(ttl.time_to_live_description().unwrap().attribute_name(), Some("expires"));
    assert!(client.describe_continuous_backups().table_name("Orders").send().await.is_ok());
}

#[tokio::test]
async fn tables_are_listed_in_byte_order_over_pages() {
    let names: Vec<String> = (0..101).map(|n| format!("t-{n}.json")).collect();
    let mut files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), BY_ID)).collect();
    files.extend([("Upper-Case.1.json", BY_ID), ("no.txt", b"" as &[u8]), ("no table.json", BY_ID)]);
    let tables = folder(&files);
    let endpoint = Endpoint::with_tables(tables.path()).await;
    let client = dynamodb(&endpoint).await;

    let first = client.list_tables().send().await.unwrap();
    assert_eq!((first.table_names().len(), first.table_names()[0].as_str()), (100, "Upper-Case.1"));
    let all: Vec<String> =
        client.list_tables().limit(7).into_paginator().items().send().collect::<Result<_, _>>().await.unwrap();
    assert_eq!(all.len(), 102);
    assert!(all.is_sorted());
    assert_eq!(first.last_evaluated_table_name(), Some(all[99].as_str()));
}

#[tokio::test]
async fn pages_end_at_one_megabyte_and_at_the_limit() {
    // 11 + 6 + 1000 bytes or so: some 1,030 items a page.
    let tables = folder(&[("Big.json", BY_ID), ("Big.jsonl.gz", &gzip(&lines(2500, 1000)))]);
    let endpoint = Endpoint::with_tables(tables.path()).await;
    let client = dynamodb(&endpoint).await;
    let scan = || client.scan().table_name("Big").return_consumed_capacity(ReturnConsumedCapacity::Total);

    let (mut seen, mut pages, mut start) = (BTreeSet::new(), Vec::new(), None);
    loop {
        let page = scan().set_exclusive_start_key(start).send().await.unwrap();
        let size: usize = page.items().iter().map(|item| 2 + id(item).len() + 6 + 1000).sum();
        assert!(size <= 1 << 20);
        assert_eq!(page.consumed_capacity().unwrap().capacity_units(), Some(size.div_ceil(4096) as f64 / 2.0));
        assert!(page.items().iter().all(|item| seen.insert(id(item))), "an item came twice");
        pages.push((page.count(), size));
        start = page.last_evaluated_key().cloned();
        if start.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 2500);
    assert_eq!(pages.len(), 3);
    assert!(pages[..2].iter().all(|(_, size)| *size > (1 << 20) - 1020), "{pages:?}");

    let limited = scan().limit(3).consistent_read(true).send().await.unwrap();
    assert_eq!((limited.items().len(), limited.scanned_count()), (3, 3));
    assert_eq!(limited.last_evaluated_key().unwrap()["id"], limited.items()[2]["id"]);
    assert_eq!(limited.consumed_capacity().unwrap().capacity_units(), Some(1.0));

    let count = scan().select(Select::Count).send().await.unwrap();
    assert_eq!((count.count(), count.items.is_none()), (pages[0].0, true));
}

#[tokio::test]
async fn the_last_line_of_a_key_is_the_item() {
    let items = r#"{"Item":{"customer":{"S":"c"},"number":{"N":"1"},"state":{"S":"old"}}}
{"customer":{"S":"c"},"number":{"N":"1.0"},"state":{"S":"new"}}"#;
    let tables = folder(&[("Orders.json", ORDERS), ("Orders.jsonl", items.as_bytes())]);
    let endpoint = Endpoint::with_tables(tables.path()).await;
    let page = dynamodb(&endpoint).await.scan().table_name("Orders").send().await.unwrap();
    let states: Vec<_> = page.items().iter().map(|item| item["state"].as_s().unwrap().as_str()).collect();
    assert_eq!(states, ["new"]);
}

#[tokio::test]
async fn a_changed_file_is_read_again() {
    let tables = folder(&[("Things.json", BY_ID), ("Things.jsonl.gz", &gzip(&lines(3, 1)))]);
    let endpoint = Endpoint::with_tables(tables.path()).await;
    let client = dynamodb(&endpoint).await;
    assert_eq!(client.scan().table_name("Things").send().await.unwrap().count(), 3);
    std::fs::write(tables.path().join("Things.jsonl.gz"), gzip(&lines(50, 1))).unwrap();
    assert_eq!(client.scan().table_name("Things").send().await.unwrap().count(), 50);
    std::fs::remove_file(tables.path().join("Things.jsonl.gz")).unwrap();
    assert_eq!(client.scan().table_name("Things").send().await.unwrap().count(), 0);
    std::fs::remove_file(tables.path().join("Things.json")).unwrap();
    assert!(refused!(client.scan().table_name("Things")).starts_with("ResourceNotFoundException"));
}

#[tokio::test]
async fn unpacked_files_stay_in_the_state_folder() {
    let tables = folder(&[("Things.json", BY_ID), ("Things.jsonl.gz", &gzip(&lines(3, 1)))]);
    let state = folder(&[]);
    let config = Config {
        source: Source::Files(tables.path().to_owned()),
        state: Some(state.path().to_owned()),
        ..Config::default()
    };
    let unpacked = || {
        let below = |folder: std::path::PathBuf| std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
        let origin = below(state.path().join("unpacked")).next().unwrap();
        below(origin.join("Things.jsonl.gz")).collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    for _ in 0..2 {
        let endpoint = Endpoint::start(config.clone()).await;
        assert_eq!(dynamodb(&endpoint).await.scan().table_name("Things").send().await.unwrap().count(), 3);
        endpoint.server.stop().await;
        found.push(unpacked());
    }
    assert_eq!((found[0].len(), &found[0]), (1, &found[1]));

    std::fs::write(tables.path().join("Things.jsonl.gz"), gzip(&lines(4, 1))).unwrap();
    let endpoint = Endpoint::start(config).await;
    assert_eq!(dynamodb(&endpoint).await.scan().table_name("Things").send().await.unwrap().count(), 4);
    let replaced = unpacked();
    assert_eq!(replaced.len(), 1);
    assert_ne!(replaced, found[0]);
}

#[tokio::test]
async fn wrong_files_fail_their_own_table_and_say_where() {
    let mut cut = gzip(&lines(300, 20));
    cut.truncate(cut.len() / 2);
    let tables = folder(&[
        ("Good.json", BY_ID),
        ("Good.jsonl", b"{\"id\":{\"S\":\"a\"}}"),
        ("BadLine.json", BY_ID),
        ("BadLine.jsonl", b"{\"id\":{\"S\":\"a\"}}\n{\"id\":{\"S\":\"secret\"}}}\n"),
        ("BadName.json", ORDERS),
        ("BadJson.json", b"{\n  \"KeySchema\": ["),
        ("Cut.json", BY_ID),
        ("Cut.jsonl.gz", &cut),
        ("Two.json", BY_ID),
        ("Two.jsonl", b""),
        ("Two.jsonl.gz", &gzip("")),
    ]);
    let endpoint = Endpoint::with_tables(tables.path()).await;
    let client = dynamodb(&endpoint).await;
    assert_eq!(client.scan().table_name("Good").send().await.unwrap().count(), 1);
    assert_eq!(client.list_tables().send().await.unwrap().table_names().len(), 6);

    let mut errors = String::new();
    for table in ["BadLine", "BadName", "BadJson", "Cut", "Two"] {
        let described = refused!(client.describe_table().table_name(table));
        assert_eq!(refused!(client.scan().table_name(table)), described);
        errors += &described.replace(tables.path().to_str().unwrap(), "DIR");
        errors += "\n";
    }
    assert_snapshot!(errors, @r#"
    ValidationException: DIR/BadLine.jsonl: line 2, column 22: not valid JSON, or nested too deep
    ValidationException: DIR/BadName.json: TableName is "Orders", but the file is the definition of "BadName"
    ValidationException: DIR/BadJson.json: not the definition of a table: EOF while parsing a list at line 2 column 16
    ValidationException: DIR/Cut.jsonl.gz: the gzip data is cut off or damaged: incomplete deflate stream
    ValidationException: DIR/Two.jsonl and DIR/Two.jsonl.gz are both data of the table: remove one
    "#);
}

#[tokio::test]
async fn requests_are_refused_in_dynamodbs_words() {
    let tables = folder(&[("Orders.json", ORDERS)]);
    let endpoint = Endpoint::with_tables(tables.path()).await;
    let client = dynamodb(&endpoint).await;
    let scan = || client.scan().table_name("Orders");
    let text = |s: &str| AttributeValue::S(s.into());
    let errors = [
        refused!(client.describe_table().table_name("Missing")),
        refused!(client.describe_table().table_name("arn:aws:dynamodb:us-east-1:123456789012:table/Orders")),
        refused!(client.describe_table().table_name("x")),
        refused!(client.describe_table().table_name("a/b")),
        refused!(client.describe_continuous_backups().table_name("Missing")),
        refused!(client.list_tables().limit(101)),
        refused!(scan().limit(0)),
        refused!(scan().segment(0)),
        refused!(scan().total_segments(2)),
        refused!(scan().segment(2).total_segments(2)),
        refused!(scan().segment(0).total_segments(1_000_001)),
        refused!(scan().exclusive_start_key("customer", text("c"))),
        refused!(scan().filter_expression("a = b")),
        refused!(scan().projection_expression("a")),
        refused!(scan().index_name("by-date")),
        refused!(scan().select(Select::SpecificAttributes)),
        refused!(client.put_item().table_name("Orders").item("customer", text("c"))),
        refused!(client.query().table_name("Orders")),
    ];
    assert_snapshot!(errors.join("\n"), @r"
    ResourceNotFoundException: Requested resource not found: Table: Missing not found
    ResourceNotFoundException: Requested resource not found: Table: arn:aws:dynamodb:us-east-1:123456789012:table/Orders not found
    ValidationException: 1 validation error detected: Value 'x' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3
    ValidationException: 1 validation error detected: Value 'a/b' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+
    TableNotFoundException: Requested resource not found: Table: Missing not found
    ValidationException: 1 validation error detected: Value '101' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 100
    ValidationException: 1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1
    ValidationException: The TotalSegments parameter is required but was not present in the request when Segment parameter is present
    ValidationException: The Segment parameter is required but was not present in the request when parameter TotalSegments is present
    ValidationException: The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 2 is not less than TotalSegments: 2
    ValidationException: 1 validation error detected: Value '1000001' at 'totalSegments' failed to satisfy constraint: Member must have value less than or equal to 1000000
    ValidationException: The provided starting key is invalid: The provided key element does not match the schema
    ValidationException: FilterExpression is not supported in a Scan of tables out of files.
    ValidationException: ProjectionExpression is not supported in a Scan of tables out of files.
    ValidationException: IndexName is not supported in a Scan of tables out of files.
    ValidationException: Select is served as ALL_ATTRIBUTES or COUNT on tables out of files.
    UnknownOperationException: PutItem is not served: tables out of files are read-only, through ListTables, DescribeTable and Scan.
    UnknownOperationException: Query is not served: tables out of files are read-only, through ListTables, DescribeTable and Scan.
    ");
}

#[tokio::test]
async fn a_start_key_of_another_segment_is_refused() {
    let tables = folder(&[("Things.json", BY_ID), ("Things.jsonl", lines(20, 1).as_bytes())]);
    let endpoint = Endpoint::with_tables(tables.path()).await;
    let client = dynamodb(&endpoint).await;
    let scan = |segment| client.scan().table_name("Things").segment(segment).total_segments(2).limit(1);
    let key = scan(0).send().await.unwrap().last_evaluated_key;
    assert!(scan(0).set_exclusive_start_key(key.clone()).send().await.is_ok());
    let error = refused!(scan(1).set_exclusive_start_key(key));
    assert!(
        error.ends_with("Please use ExclusiveStartKey with correct Segment. TotalSegments: 2 Segment: 1"),
        "{error}"
    );
}

#[tokio::test]
async fn without_tables_there_are_none() {
    let endpoint = Endpoint::empty().await;
    let client = dynamodb(&endpoint).await;
    assert!(client.list_tables().send().await.unwrap().table_names().is_empty());
    let error = refused!(client.describe_table().table_name("Orders"));
    assert_eq!(error, "ResourceNotFoundException: Requested resource not found: Table: Orders not found");
}

#[tokio::test]
async fn behind_an_endpoint_url_requests_are_passed_on_with_their_signature() {
    let tables = folder(&[("Things.json", BY_ID), ("Things.jsonl", lines(3, 1).as_bytes())]);
    let behind = Endpoint::with_tables(tables.path()).await;
    let source = Source::Endpoint(behind.server.url().to_owned());
    let front = Endpoint::start(Config { source, ..Config::default() }).await;

    let client = dynamodb(&front).await;
    assert_eq!(client.scan().table_name("Things").send().await.unwrap().count(), 3);
    // The region is read from the signature, so the signature arrived.
    let table = client.describe_table().table_name("Things").send().await.unwrap().table.unwrap();
    assert_eq!(table.table_arn(), Some("arn:aws:dynamodb:eu-west-1:123456789012:table/Things"));
    assert!(refused!(client.describe_table().table_name("Missing")).starts_with("ResourceNotFoundException"));
    assert_eq!(behind.server.calls()["DynamoDB.DescribeTable"], 2);

    behind.server.stop().await;
    let error = refused!(client.list_tables());
    assert!(error.starts_with("InternalServerError: no answer from DynamoDB at http://127.0.0.1:"), "{error}");
}

#[tokio::test]
async fn with_a_client_dynamodb_is_not_served_here() {
    let behind = Endpoint::empty().await;
    let source = Source::Client(dynamodb(&behind).await);
    let endpoint = Endpoint::start(Config { source, ..Config::default() }).await;
    let error = refused!(dynamodb(&endpoint).await.list_tables());
    assert!(error.starts_with("UnknownOperationException: DynamoDB is not served here: crawls read it"), "{error}");
}

#[tokio::test]
async fn answers_carry_their_checksum() {
    let endpoint = Endpoint::empty().await;
    let head = "POST / HTTP/1.1\r\nX-Amz-Target: DynamoDB_20120810.ListTables";
    let answer = raw(&endpoint, head, "{}").await;
    let (headers, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(headers.contains("content-type: application/x-amz-json-1.0"), "{headers}");
    assert!(headers.contains(&format!("x-amz-crc32: {}", crc32fast::hash(body.as_bytes()))), "{headers}");
    assert!(headers.contains("x-amzn-requestid: "), "{headers}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// However many segments and however small the pages, every item comes once.
    #[test]
    fn segments_and_pages_partition_a_table(total in 1i32..9, limit in 1i32..40, partitions in 1usize..60) {
        let orders: String = (0..120)
            .map(|n| format!("{{\"customer\":{{\"S\":\"c{}\"}},\"number\":{{\"N\":\"{n}\"}}}}\n", n % partitions))
            .collect();
        let tables = folder(&[("Orders.json", ORDERS), ("Orders.jsonl", orders.as_bytes())]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let endpoint = Endpoint::with_tables(tables.path()).await;
            let client = dynamodb(&endpoint).await;
            let mut segment_of = BTreeMap::new();
            let mut count = 0;
            for segment in 0..total {
                let scan = client.scan().table_name("Orders").segment(segment).total_segments(total).limit(limit);
                let items: Vec<_> = scan.into_paginator().items().send().collect::<Result<_, _>>().await.unwrap();
                count += items.len();
                for item in items {
                    let customer = item["customer"].as_s().unwrap().clone();
                    prop_assert_eq!(*segment_of.entry(customer).or_insert(segment), segment);
                }
            }
            prop_assert_eq!((count, segment_of.len()), (120, partitions));
            Ok(())
        })?;
    }
}
