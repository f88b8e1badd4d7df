//! Random requests: every answer is one that the service may give, never a panic or an internal error.

use proptest::prelude::*;

use super::*;

const OPERATIONS: &str = "
    CreateDatabase GetDatabase GetDatabases UpdateDatabase DeleteDatabase CreateTable GetTable GetTables UpdateTable
    DeleteTable BatchDeleteTable GetTableVersion GetTableVersions DeleteTableVersion BatchDeleteTableVersion
    SearchTables GetPartitions GetPartition GetColumnStatisticsForPartition BatchGetPartition GetPartitionIndexes
    GetColumnStatisticsForTable GetUserDefinedFunctions GetUserDefinedFunction CreateCrawler GetCrawler GetCrawlers BatchGetCrawlers ListCrawlers
    UpdateCrawler DeleteCrawler StopCrawler GetCrawlerMetrics ListCrawls StartCrawlerSchedule StopCrawlerSchedule
    UpdateCrawlerSchedule TagResource UntagResource GetTags CreateRegistry GetRegistry ListRegistries UpdateRegistry
    DeleteRegistry CreateSchema GetSchema ListSchemas UpdateSchema DeleteSchema RegisterSchemaVersion
    GetSchemaVersion ListSchemaVersions GetSchemaByDefinition CheckSchemaVersionValidity GetSchemaVersionsDiff
    DeleteSchemaVersions PutSchemaVersionMetadata QuerySchemaVersionMetadata RemoveSchemaVersionMetadata
    StartCrawler";

/// Members that operations read, so that random bodies get past the first check.
const MEMBERS: [&str; 45] = [
    "Name",
    "DatabaseName",
    "TableName",
    "CrawlerName",
    "DatabaseInput",
    "TableInput",
    "StorageDescriptor",
    "Columns",
    "PartitionKeys",
    "Type",
    "Parameters",
    "VersionId",
    "VersionIds",
    "TablesToDelete",
    "Expression",
    "NextToken",
    "MaxResults",
    "SearchText",
    "Filters",
    "Key",
    "Value",
    "SortCriteria",
    "Role",
    "Targets",
    "DynamoDBTargets",
    "Path",
    "scanRate",
    "Schedule",
    "Tags",
    "CrawlerNames",
    "FieldName",
    "FilterOperator",
    "FieldValue",
    "ResourceArn",
    "TagsToAdd",
    "RegistryId",
    "RegistryName",
    "SchemaId",
    "SchemaName",
    "SchemaDefinition",
    "DataFormat",
    "SchemaVersionId",
    "SchemaVersionNumber",
    "VersionNumber",
    "Versions",
];

/// Values with a meaning somewhere, in addition to random text.
fn text() -> impl Strategy<Value = String> {
    const MEANINGFUL: &[&str] = &[
        "db",
        "t",
        "c",
        "s",
        "r",
        "default-registry",
        "0",
        "1",
        "1-9",
        "9-1",
        "string",
        "struct<",
        "*a*",
        "(",
        "AVRO",
        "JSON",
        "PROTOBUF",
        "\"string\"",
        "{\"type\":\"record\",\"name\":\"r\",\"fields\":[]}",
        "cron(0 1 * * ? *)",
        "STATE",
        "EQ",
        "START_TIME",
        "arn:aws:glue:eu-west-1:123456789012:crawler/c",
        "arn:aws:glue:eu-west-1:123456789012:schema/x",
    ];
    prop_oneof![3 => proptest::sample::select(MEANINGFUL).prop_map(str::to_owned), 1 => any::<String>()]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-2..200_i64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from), object(inner)]
    })
}

fn object(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    let member = (proptest::sample::select(&MEMBERS[..]).prop_map(str::to_owned), value);
    proptest::collection::vec(member, 0..10).prop_map(|members| members.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]
    #[test]
    fn is_answered_or_refused(bodies in proptest::collection::vec(object(value()), OPERATIONS.split_whitespace().count())) {
        let glue = Glue::with_database();
        glue.call("CreateTable", json!({"DatabaseName": "db", "TableInput": {"Name": "t"}}));
        glue.call("CreateSchema", json!({"SchemaName": "s", "DataFormat": "AVRO", "SchemaDefinition": "\"string\""}));
        crawlers::role(&glue, "r");
        glue.call("CreateCrawler", crawlers::crawler("c"));
        for (operation, body) in OPERATIONS.split_whitespace().zip(&bodies) {
            if let Err(error) = glue.answer(operation, body) {
                prop_assert_eq!(error.status, 400, "{} {}: {}", operation, body, error);
                prop_assert_ne!(error.code, "UnknownOperationException", "{}", operation);
            }
        }
    }
}
