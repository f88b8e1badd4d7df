//! Databases, tables and their versions.

use super::*;

fn table(name: &str, columns: Value) -> Value {
    json!({"DatabaseName": "db", "TableInput": {"Name": name, "StorageDescriptor": {"Columns": columns}}})
}

fn with_tables(names: &[&str]) -> Glue {
    let glue = Glue::with_database();
    for name in names {
        glue.call("CreateTable", table(name, json!([{"Name": "id", "Type": "string"}])));
    }
    glue
}

#[test]
fn a_database_comes_back_as_it_was_given_in_lower_case() {
    let glue = Glue::new();
    glue.call(
        "CreateDatabase",
        json!({"DatabaseInput": {"Name": "DDB_Tables", "LocationUri": "dynamo-db-flag", "Parameters": {"a": "b"}}}),
    );
    insta::assert_json_snapshot!(glue.call("GetDatabase", json!({"Name": "ddb_TABLES"})), @r#"
    {
      "Database": {
        "CatalogId": "123456789012",
        "CreateTime": 1750000000.0,
        "LocationUri": "dynamo-db-flag",
        "Name": "ddb_tables",
        "Parameters": {
          "a": "b"
        }
      }
    }
    "#);
    let error = glue.refused("CreateDatabase", json!({"DatabaseInput": {"Name": "ddb_tables"}}));
    assert_eq!(error, AwsError::new("AlreadyExistsException", "Database already exists."));
}

#[test]
fn databases_are_updated_and_deleted_with_their_tables() {
    let glue = with_tables(&["t"]);
    glue.call("UpdateDatabase", json!({"Name": "db", "DatabaseInput": {"Name": "db", "Description": "new"}}));
    assert_eq!(glue.call("GetDatabase", json!({"Name": "db"}))["Database"]["Description"], "new");
    let rename = json!({"Name": "db", "DatabaseInput": {"Name": "other"}});
    assert_eq!(glue.code("UpdateDatabase", rename), "InvalidInputException");

    glue.call("DeleteDatabase", json!({"Name": "db"}));
    let error = glue.refused("GetDatabase", json!({"Name": "db"}));
    assert_eq!(error, AwsError::new("EntityNotFoundException", "Database db not found."));
    assert_eq!(glue.code("DeleteDatabase", json!({"Name": "db"})), "EntityNotFoundException");
    // A new database of that name starts empty.
    glue.call("CreateDatabase", json!({"DatabaseInput": {"Name": "db"}}));
    assert_eq!(glue.call("GetTables", json!({"DatabaseName": "db"}))["TableList"], json!([]));
}

#[test]
fn databases_and_tables_come_in_pages_of_up_to_100() {
    let glue = Glue::new();
    for n in 0..105 {
        glue.call("CreateDatabase", json!({"DatabaseInput": {"Name": format!("d{n:03}")}}));
    }
    assert_eq!(glue.call("GetDatabases", json!({}))["DatabaseList"].as_array().unwrap().len(), 100);
    let databases = names(&glue.pages("GetDatabases", json!({}), "DatabaseList", 30), "Name");
    assert_eq!(databases, (0..105).map(|n| format!("d{n:03}")).collect::<Vec<_>>());
    assert_eq!(glue.code("GetDatabases", json!({"MaxResults": 101})), "ValidationException");

    let glue = with_tables(&["b1", "a1", "a3", "b2", "a2"]);
    let all = glue.pages("GetTables", json!({"DatabaseName": "db"}), "TableList", 2);
    assert_eq!(names(&all, "Name"), ["a1", "a2", "a3", "b1", "b2"]);
    let some = glue.pages("GetTables", json!({"DatabaseName": "db", "Expression": "a.*"}), "TableList", 1);
    assert_eq!(names(&some, "Name"), ["a1", "a2", "a3"]);
}

#[test]
fn a_table_comes_back_with_the_defaults_of_aws() {
    let glue = Glue::with_database();
    glue.call(
        "CreateTable",
        json!({"DatabaseName": "DB", "TableInput": {
            "Name": "Orders",
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"classification": "dynamodb"},
            "Unknown": "dropped",
            "StorageDescriptor": {
                "Location": "arn:aws:dynamodb:eu-west-1:123456789012:table/Orders",
                "Columns": [{"Name": "Id", "Type": "string", "Comment": "the key"}],
            },
        }}),
    );
    insta::assert_json_snapshot!(glue.call("GetTable", json!({"DatabaseName": "db", "Name": "ORDERS"})), @r#"
    {
      "Table": {
        "CatalogId": "123456789012",
        "CreateTime": 1750000000.0,
        "CreatedBy": "arn:aws:iam::123456789012:root",
        "DatabaseName": "db",
        "IsRegisteredWithLakeFormation": false,
        "Name": "orders",
        "Parameters": {
          "classification": "dynamodb"
        },
        "PartitionKeys": [],
        "Retention": 0,
        "StorageDescriptor": {
          "Columns": [
            {
              "Comment": "the key",
              "Name": "Id",
              "Type": "string"
            }
          ],
          "Compressed": false,
          "Location": "arn:aws:dynamodb:eu-west-1:123456789012:table/Orders",
          "NumberOfBuckets": 0,
          "SortColumns": [],
          "StoredAsSubDirectories": false
        },
        "TableType": "EXTERNAL_TABLE",
        "UpdateTime": 1750000000.0,
        "VersionId": "0"
      }
    }
    "#);
    let error = glue.refused("CreateTable", table("orders", json!([])));
    assert_eq!(error, AwsError::new("AlreadyExistsException", "Table already exists."));
}

#[test]
fn what_is_not_there_is_named() {
    let glue = Glue::with_database();
    let message = |operation: &str, body: Value| glue.refused(operation, body).message;
    let nowhere = json!({"DatabaseName": "no", "Name": "t", "TableName": "t", "TableInput": {"Name": "t"}});
    let not_there = json!({"DatabaseName": "db", "Name": "t", "TableName": "t", "TableInput": {"Name": "t"}});
    for operation in ["GetTable", "UpdateTable", "DeleteTable", "GetTableVersions", "GetPartitions"] {
        assert_eq!(message(operation, nowhere.clone()), "Database no not found.", "{operation}");
        assert_eq!(message(operation, not_there.clone()), "Table t not found.", "{operation}");
    }
    assert_eq!(message("CreateTable", nowhere), "Database no not found.");
    assert_eq!(message("GetTables", json!({"DatabaseName": "no"})), "Database no not found.");
}

#[test]
fn columns_hold_types_that_the_catalog_knows() {
    let glue = Glue::with_database();
    for (n, good) in ["", "string", "bigint", "decimal(38,2)", "array<struct<a:map<string,double>>>"].iter().enumerate()
    {
        glue.call("CreateTable", table(&format!("t{n}"), json!([{"Name": "c", "Type": good}])));
    }
    glue.call("CreateTable", table("untyped", json!([{"Name": "c"}])));
    for bad in ["nonsense<", "array<string", "array<string>>"] {
        let error = glue.refused("CreateTable", table("t", json!([{"Name": "c", "Type": bad}])));
        assert_eq!(error.code, "InvalidInputException", "{bad}");
        assert!(error.message.contains("column c"), "{}", error.message);
    }
}

#[test]
fn names_of_columns_differ_by_more_than_case() {
    let glue = Glue::with_database();
    let columns = json!([{"Name": "userId", "Type": "string"}, {"Name": "userid", "Type": "string"}]);
    assert_eq!(glue.code("CreateTable", table("t", columns)), "InvalidInputException");
    let mut body = table("t", json!([{"Name": "day", "Type": "string"}]));
    body["TableInput"]["PartitionKeys"] = json!([{"Name": "Day", "Type": "string"}]);
    assert_eq!(glue.code("CreateTable", body), "InvalidInputException");
}

#[test]
fn lengths_are_limited_as_in_the_model_of_aws() {
    let glue = Glue::with_database();
    let column = |column: Value| table("t", json!([column]));
    let long = |n: usize| "x".repeat(n);
    let mut location = table("t", json!([]));
    location["TableInput"]["StorageDescriptor"]["Location"] = long(2_057).into();
    let mut parameter = table("t", json!([]));
    parameter["TableInput"]["Parameters"] = json!({ long(256): "v" });
    let mut value = table("t", json!([]));
    value["TableInput"]["Parameters"] = json!({ "k": long(512_001) });
    for (what, body) in [
        ("table name", table(&long(256), json!([]))),
        ("no table name", table("", json!([]))),
        ("table name in two lines", table("a\nb", json!([]))),
        ("column name", column(json!({"Name": long(256), "Type": "string"}))),
        ("no column name", column(json!({"Type": "string"}))),
        ("column type", column(json!({"Name": "c", "Type": format!("struct<{}:string>", long(131_072))}))),
        ("column comment", column(json!({"Name": "c", "Comment": long(256)}))),
        ("column comment in two lines", column(json!({"Name": "c", "Comment": "a\nb"}))),
        ("location", location),
        ("parameter name", parameter),
        ("parameter value", value),
    ] {
        assert_eq!(glue.code("CreateTable", body), "ValidationException", "{what}");
    }
    let mut most = table(&long(255), json!([{"Name": long(255), "Type": "string", "Comment": long(255)}]));
    most["TableInput"]["StorageDescriptor"]["Location"] = long(2_056).into();
    most["TableInput"]["Parameters"] = json!({ long(255): long(512_000) });
    glue.call("CreateTable", most);
    let database = json!({"DatabaseInput": {"Name": "d", "LocationUri": long(1_025)}});
    assert_eq!(glue.code("CreateDatabase", database), "ValidationException");
}

#[test]
fn an_update_archives_the_version_before_unless_told_not_to() {
    let mut glue = with_tables(&["t"]);
    let column = |name: &str| table("t", json!([{"Name": name, "Type": "string"}]));
    glue.context.now += 1_000;
    glue.call("UpdateTable", column("one"));
    let mut skipped = column("two");
    skipped["SkipArchive"] = true.into();
    glue.call("UpdateTable", skipped);
    glue.call("UpdateTable", column("three"));

    let body = json!({"DatabaseName": "db", "TableName": "t"});
    let versions = glue.pages("GetTableVersions", body.clone(), "TableVersions", 2);
    let seen: Vec<_> = versions
        .iter()
        .map(|v| {
            (v["VersionId"].as_str().unwrap(), v["Table"]["StorageDescriptor"]["Columns"][0]["Name"].as_str().unwrap())
        })
        .collect();
    assert_eq!(seen, [("3", "three"), ("2", "two"), ("0", "id")], "version 1 was not archived");

    let current = glue.call("GetTableVersion", body.clone());
    assert_eq!(current["TableVersion"]["VersionId"], "3");
    let first = glue.call("GetTableVersion", json!({"DatabaseName": "db", "TableName": "t", "VersionId": "0"}));
    assert_eq!(first["TableVersion"]["Table"]["VersionId"], "0");
    assert_eq!(first["TableVersion"]["Table"]["UpdateTime"], 1_750_000_000.0);
    let gone = json!({"DatabaseName": "db", "TableName": "t", "VersionId": "1"});
    assert_eq!(glue.code("GetTableVersion", gone), "EntityNotFoundException");
    let table = &glue.call("GetTable", json!({"DatabaseName": "db", "Name": "t"}))["Table"];
    assert_eq!((&table["CreateTime"], &table["UpdateTime"]), (&json!(1_750_000_000.0), &json!(1_750_000_001.0)));
}

#[test]
fn a_version_id_guards_an_update_against_another_writer() {
    let glue = with_tables(&["t"]);
    let mut body = table("t", json!([]));
    body["VersionId"] = "0".into();
    glue.call("UpdateTable", body.clone());
    let error = glue.refused("UpdateTable", body.clone());
    assert_eq!(error.code, "ConcurrentModificationException");
    body["VersionId"] = "1".into();
    glue.call("UpdateTable", body);
}

#[test]
fn an_update_is_checked_like_a_new_table() {
    let glue = with_tables(&["t"]);
    let body = table("t", json!([{"Name": "c", "Type": "nonsense<"}]));
    assert_eq!(glue.code("UpdateTable", body), "InvalidInputException");
    let left = glue.call("GetTable", json!({"DatabaseName": "db", "Name": "t"}));
    assert_eq!(left["Table"]["VersionId"], "0");
}

#[test]
fn old_versions_can_be_deleted_and_the_current_one_not() {
    let glue = with_tables(&["t"]);
    for _ in 0..3 {
        glue.call("UpdateTable", table("t", json!([])));
    }
    let version = |id: &str| json!({"DatabaseName": "db", "TableName": "t", "VersionId": id});
    glue.call("DeleteTableVersion", version("0"));
    assert_eq!(glue.code("DeleteTableVersion", version("0")), "EntityNotFoundException");
    assert_eq!(glue.code("DeleteTableVersion", version("3")), "InvalidInputException");
    let batch = json!({"DatabaseName": "db", "TableName": "t", "VersionIds": ["1", "9", "3"]});
    let errors = glue.call("BatchDeleteTableVersion", batch);
    assert_eq!(names(errors["Errors"].as_array().unwrap(), "VersionId"), ["9", "3"]);
    let left = glue.call("GetTableVersions", json!({"DatabaseName": "db", "TableName": "t"}));
    assert_eq!(names(left["TableVersions"].as_array().unwrap(), "VersionId"), ["3", "2"]);
}

#[test]
fn tables_are_deleted_one_by_one_or_many_at_once() {
    let glue = with_tables(&["a", "b", "c"]);
    glue.call("DeleteTable", json!({"DatabaseName": "db", "Name": "A"}));
    assert_eq!(glue.code("GetTable", json!({"DatabaseName": "db", "Name": "a"})), "EntityNotFoundException");
    let answer = glue.call("BatchDeleteTable", json!({"DatabaseName": "db", "TablesToDelete": ["a", "B"]}));
    insta::assert_json_snapshot!(answer, @r#"
    {
      "Errors": [
        {
          "ErrorDetail": {
            "ErrorCode": "EntityNotFoundException",
            "ErrorMessage": "Table a not found."
          },
          "TableName": "a"
        }
      ]
    }
    "#);
    let left = glue.call("GetTables", json!({"DatabaseName": "db"}));
    assert_eq!(names(left["TableList"].as_array().unwrap(), "Name"), ["c"]);
    let many: Vec<_> = (0..101).map(|n| format!("t{n}")).collect();
    let body = json!({"DatabaseName": "db", "TablesToDelete": many});
    assert_eq!(glue.code("BatchDeleteTable", body), "ValidationException");
}

#[test]
fn what_trino_and_spark_ask_before_they_read_is_answered() {
    let glue = with_tables(&["t"]);
    let of_table = json!({"DatabaseName": "db", "TableName": "t", "PartitionValues": ["1"], "ColumnNames": ["id"]});
    for (operation, answer) in [
        ("GetPartitions", json!({"Partitions": []})),
        ("BatchGetPartition", json!({"Partitions": [], "UnprocessedKeys": []})),
        ("GetPartitionIndexes", json!({"PartitionIndexDescriptorList": []})),
        ("GetColumnStatisticsForTable", json!({"ColumnStatisticsList": [], "Errors": []})),
    ] {
        assert_eq!(glue.call(operation, of_table.clone()), answer, "{operation}");
        let absent = json!({"DatabaseName": "db", "TableName": "u"});
        assert_eq!(glue.code(operation, absent), "EntityNotFoundException", "{operation}");
    }
    for operation in ["GetPartition", "GetColumnStatisticsForPartition"] {
        assert_eq!(glue.code(operation, of_table.clone()), "EntityNotFoundException", "{operation}");
    }
    assert_eq!(glue.call("GetUserDefinedFunctions", json!({"Pattern": ".*"})), json!({"UserDefinedFunctions": []}));
    let functions = json!({"Pattern": ".*", "DatabaseName": "absent"});
    assert_eq!(glue.code("GetUserDefinedFunctions", functions), "EntityNotFoundException");
    let function = json!({"DatabaseName": "db", "FunctionName": "f"});
    assert_eq!(glue.code("GetUserDefinedFunction", function), "EntityNotFoundException");
}

#[test]
fn what_is_not_offered_is_refused_rather_than_ignored() {
    let glue = with_tables(&["t"]);
    for (operation, member) in [
        ("GetTable", "QueryAsOfTime"),
        ("GetTables", "QueryAsOfTime"),
        ("CreateTable", "OpenTableFormatInput"),
        ("CreateTable", "PartitionIndexes"),
        ("UpdateTable", "ViewUpdateAction"),
    ] {
        let mut body = json!({"DatabaseName": "db", "Name": "t", "TableInput": {"Name": "t"}});
        body[member] = json!([]);
        let error = glue.refused(operation, body);
        assert_eq!(error.code, "InvalidInputException", "{operation} {member}");
        assert!(error.message.contains(member), "{}", error.message);
    }
    let view = json!({"DatabaseName": "db", "TableInput": {"Name": "v", "ViewDefinition": {}}});
    assert_eq!(glue.code("CreateTable", view), "InvalidInputException");
}

#[test]
fn a_search_finds_words_in_texts_and_tokens_in_properties() {
    let glue = with_tables(&["customer-link", "linked", "orders"]);
    let mut body = table("orders", json!([{"Name": "total", "Type": "double", "Comment": "in Euro"}]));
    body["TableInput"]["Parameters"] = json!({"classification": "dynamodb"});
    body["TableInput"]["Description"] = "What people bought".into();
    glue.call("UpdateTable", body);
    let found = |search: Value| names(glue.call("SearchTables", search)["TableList"].as_array().unwrap(), "Name");
    assert_eq!(found(json!({"SearchText": "BOUGHT"})), ["orders"]);
    assert_eq!(found(json!({"SearchText": "euro"})), ["orders"]);
    assert_eq!(found(json!({"SearchText": "link"})), ["customer-link", "linked"]);
    assert_eq!(found(json!({"SearchText": "\"linked\""})), ["linked"]);
    assert_eq!(found(json!({"Filters": [{"Key": "Name", "Value": "link"}]})), ["customer-link"]);
    assert_eq!(found(json!({"Filters": [{"Key": "DatabaseName", "Value": "db"}]})).len(), 3);
    assert_eq!(found(json!({"Filters": [{"Key": "classification", "Value": "dynamodb"}]})), ["orders"]);
    let later = json!({"Filters": [{"Key": "UpdateTime", "Value": "1750000001", "Comparator": "GREATER_THAN"}]});
    assert_eq!(found(later), [""; 0]);
    assert_eq!(
        names(&glue.pages("SearchTables", json!({}), "TableList", 1), "Name"),
        ["customer-link", "linked", "orders"]
    );
    assert_eq!(glue.code("SearchTables", json!({"NextToken": "b3JkZXJz"})), "InvalidInputException");
    let order = json!([{"FieldName": "Name", "Sort": "DESC"}]);
    let all = glue.pages("SearchTables", json!({"SortCriteria": order}), "TableList", 2);
    assert_eq!(names(&all, "Name"), ["orders", "linked", "customer-link"]);
}

#[test]
fn tags_of_a_database_live_as_long_as_it() {
    let glue = Glue::new();
    let arn = "arn:aws:glue:eu-west-1:123456789012:database/db";
    glue.call("CreateDatabase", json!({"DatabaseInput": {"Name": "db"}, "Tags": {"a": "1", "b": "2"}}));
    glue.call("TagResource", json!({"ResourceArn": arn, "TagsToAdd": {"b": "3", "c": "4"}}));
    glue.call("UntagResource", json!({"ResourceArn": arn, "TagsToRemove": ["a", "never there"]}));
    assert_eq!(glue.call("GetTags", json!({"ResourceArn": arn})), json!({"Tags": {"b": "3", "c": "4"}}));
    let more: serde_json::Map<_, _> = (0..49).map(|n| (format!("k{n}"), json!("v"))).collect();
    let body = json!({"ResourceArn": arn, "TagsToAdd": more});
    assert_eq!(glue.code("TagResource", body), "InvalidInputException", "2 + 49 are over 50");
    glue.call("DeleteDatabase", json!({"Name": "db"}));
    assert_eq!(glue.code("GetTags", json!({"ResourceArn": arn})), "EntityNotFoundException");
    glue.call("CreateDatabase", json!({"DatabaseInput": {"Name": "db"}}));
    assert_eq!(glue.call("GetTags", json!({"ResourceArn": arn})), json!({"Tags": {}}));
}
