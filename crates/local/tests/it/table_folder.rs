//! What a folder of tables may hold.

use std::fs;
use std::path::{Path, PathBuf};

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use serde::Deserialize;

use crate::support::{Attempts, Endpoint, folder};

/// A file or folder that people have, and what it holds.
#[derive(Deserialize)]
struct Case {
    path: String,
    table: Option<String>,
    items: Option<u64>,
    error: Option<String>,
}

fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../input/tests/files")
}

fn definition(key: &str) -> String {
    format!(
        r#"{{"KeySchema":[{{"AttributeName":"{key}","KeyType":"HASH"}}],
            "AttributeDefinitions":[{{"AttributeName":"{key}","AttributeType":"S"}}]}}"#
    )
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => copy_all(&entry.path(), &to.join(entry.file_name())),
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

async fn names(endpoint: &Endpoint) -> Vec<String> {
    let client = endpoint.dynamodb("eu-west-1", Attempts::One);
    client.list_tables().into_paginator().items().send().collect::<Result<_, _>>().await.unwrap()
}

/// The number of items that a Scan gives, or its error.
async fn count(endpoint: &Endpoint, table: &str) -> Result<u64, String> {
    let client = endpoint.dynamodb("eu-west-1", Attempts::One);
    let items = client.scan().table_name(table).into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
    items.map(|items| items.len() as u64).map_err(|error| error.message().unwrap_or_default().to_owned())
}

/// Each table of a folder with its items, or the end of its error.
async fn counted(path: &Path) -> String {
    let endpoint = Endpoint::with_tables(path).await;
    let mut told = String::new();
    for name in names(&endpoint).await {
        let count = match count(&endpoint, &name).await {
            Ok(count) => count.to_string(),
            Err(error) => error.replace(&format!("{}/", path.display()), ""),
        };
        told += &format!("{name} {count}\n");
    }
    told
}

#[tokio::test]
async fn data_of_any_form_is_a_table_s() {
    let cases: Vec<Case> = serde_json::from_slice(&fs::read(files().join("cases.json")).unwrap()).unwrap();
    let is_data = |case: &&Case| {
        let forms = ["outputs/", "emr-lowercase/", "batch-write/", "struct-names/"];
        forms.iter().any(|form| case.path.starts_with(form))
    };
    let mut seen = 0;
    for Case { path, table, items, error } in cases.iter().filter(is_data) {
        let key = match path.split('/').next_back().unwrap() {
            "part-00000" | "headers.jsonl" => "id",
            "big-data-blog-100.jsonl" => "timestamp",
            "sample-data.json" => "SK",
            _ => "pk",
        };
        let name = table.as_deref().unwrap_or("Orders");
        let tables = folder(&[(&format!("{name}.json"), definition(key).as_bytes())]);
        fs::copy(files().join(path), tables.path().join(format!("{name}.data"))).unwrap();
        let endpoint = Endpoint::with_tables(tables.path()).await;
        match (count(&endpoint, name).await, error) {
            (Ok(found), None) => assert_eq!(Some(found), *items, "{path}"),
            (Err(told), Some(error)) if error.contains("several tables") => {
                assert!(told.contains("no table Orders"), "{path}: {told}");
            }
            (Err(told), Some(error)) => assert!(told.contains(error.as_str()), "{path}: {told}"),
            (found, error) => panic!("{path}: {found:?}, not {error:?}"),
        }
        seen += 1;
    }
    assert!(seen > 20);
}

#[tokio::test]
async fn definitions_are_what_describe_and_create_print() {
    for (name, expected) in [
        ("tables", "Described 2\nPlain 2\n"),
        ("tables2", "CreateOutput 2\n"),
        // A table's name has three characters at least, so that Nd is none.
        ("tables3", "DescribedBare 2\nExportGz 2\nGzData 2\nScanOut 2\nZst 0\n"),
    ] {
        let tables = folder(&[]);
        copy_all(&files().join("table-files").join(name), tables.path());
        assert_eq!(counted(tables.path()).await, expected, "{name}");
    }
}

#[tokio::test]
async fn what_can_be_read_is_read_and_the_rest_says_why_not() {
    let tables = folder(&[]);
    copy_all(&files().join("local-variants/tables"), tables.path());
    insta::assert_snapshot!(counted(tables.path()).await, @r#"
    Bom 1
    BomDef 1
    Both Both.jsonl and Both.jsonl.gz are both data of the table: remove one
    Cfn 0
    Crlf 2
    Dump 1
    Gsi 1
    Gz9 Gz9.json: TableName is "Gz", but the file is the definition of "Gz9"
    GzPlain 1
    NameOther NameOther.json: TableName is "SomethingElse", but the file is the definition of "NameOther"
    NoKey NoKey.jsonl: line 2, the key attribute "id" is missing
    WrongKey WrongKey.jsonl: line 1, column 16: not DynamoDB JSON of this table: every attribute is one tag of S N B BOOL NULL M L SS NS BS with its value, and key attributes have the type that the table's definition gives
    package package.json: not the definition of a table: line 1 (byte 0 of the input): plain JSON without DynamoDB's type tags, as in {"pk":{"S":"a"}}: get the items with `aws dynamodb scan --table-name NAME --output json`, or marshal them in the program that writes them
    "#);
}

#[tokio::test]
async fn models_dumps_and_folders_of_parts_are_tables() {
    let tables = folder(&[("Mixed.json", definition("id").as_bytes())]);
    copy_all(&files().join("nosql-workbench"), tables.path());
    copy_all(&files().join("dynamodump"), tables.path());
    copy_all(&files().join("folders/mixed"), &tables.path().join("Mixed"));
    insta::assert_snapshot!(counted(tables.path()).await, @"
    Chat 8
    Mixed 2
    game-player-profiles 14
    session_store 6
    testTable 1
    ");
    assert_eq!(counted(&tables.path().join("testTable")).await, "testTable 1\n", "the folder is a dump itself");
}

#[tokio::test]
async fn a_template_defines_its_tables_and_data_lies_beside() {
    let template = "Resources:
  Orders:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: shop.orders
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
  Simple:
    Type: AWS::Serverless::SimpleTable
    Properties:
      TableName: shop
  Function:
    Type: AWS::Serverless::Function
";
    let tables = folder(&[
        ("template.yaml", template.as_bytes()),
        // A file is of the longest name that fits.
        ("shop.orders.jsonl", b"{\"id\":{\"S\":\"1\"}}\n{\"id\":{\"S\":\"2\"}}\n"),
        ("shop.jsonl", b"{\"id\":{\"S\":\"1\"}}\n"),
    ]);
    assert_eq!(counted(tables.path()).await, "shop 1\nshop.orders 2\n");
}

#[tokio::test]
async fn what_changes_is_read_again() {
    let model = |items: &str| {
        format!(
            r#"{{"ModelName":"m","DataModel":[{{"TableName":"Notes","KeyAttributes":{{"PartitionKey":
                {{"AttributeName":"id","AttributeType":"S"}}}},"NonKeyAttributes":[],"TableData":[{items}]}}]}}"#
        )
    };
    let answer = |ids: &[&str]| {
        let items: Vec<String> = ids.iter().map(|id| format!("{{\"id\":{{\"S\":\"{id}\"}}}}")).collect();
        format!("{{\"Items\":[{}],\"Count\":{}}}", items.join(","), ids.len())
    };
    let tables = folder(&[("Orders.json", definition("id").as_bytes()), ("model.json", model("").as_bytes())]);
    let write = |name: &str, text: String| fs::write(tables.path().join(name), text).unwrap();
    write("Orders.scan", answer(&["a"]));
    let endpoint = Endpoint::with_tables(tables.path()).await;
    assert_eq!((count(&endpoint, "Orders").await, count(&endpoint, "Notes").await), (Ok(1), Ok(0)));
    write("Orders.scan", answer(&["a", "b"]));
    write("model.json", model("{\"id\":{\"S\":\"a\"}}"));
    assert_eq!((count(&endpoint, "Orders").await, count(&endpoint, "Notes").await), (Ok(2), Ok(1)));
    fs::create_dir(tables.path().join("Parts")).unwrap();
    write("Parts.json", definition("id"));
    write("Parts/part-0", answer(&["a"]));
    assert_eq!(count(&endpoint, "Parts").await, Ok(1));
    write("Parts/part-1", answer(&["b", "c"]));
    assert_eq!(count(&endpoint, "Parts").await, Ok(3));
    fs::remove_file(tables.path().join("Orders.scan")).unwrap();
    assert_eq!(count(&endpoint, "Orders").await, Ok(0));
}

#[tokio::test]
async fn a_thousand_tables_are_listed() {
    let tables = folder(&[]);
    for n in 0..1000 {
        fs::write(tables.path().join(format!("Table-{n:04}.json")), definition("id")).unwrap();
        fs::write(tables.path().join(format!("Table-{n:04}.jsonl")), format!("{{\"id\":{{\"S\":\"{n}\"}}}}\n"))
            .unwrap();
    }
    let endpoint = Endpoint::with_tables(tables.path()).await;
    let listed = names(&endpoint).await;
    assert_eq!((listed.len(), &*listed[999]), (1000, "Table-0999"));
    fs::write(tables.path().join("Table-1000.json"), definition("id")).unwrap();
    fs::remove_file(tables.path().join("Table-0000.json")).unwrap();
    let listed = names(&endpoint).await;
    assert_eq!((listed.len(), &*listed[0], &*listed[999]), (1000, "Table-0001", "Table-1000"));
    assert_eq!(count(&endpoint, "Table-0500").await, Ok(1));
}

#[tokio::test]
async fn lines_of_ion_and_of_utf_16_are_not_served_as_they_are() {
    let ion = "$ion_1_0 {Item:{id:\"1\",n:1.}}\n$ion_1_0 {Item:{id:\"2\",n:2.}}\n";
    let utf16: Vec<u8> = "\u{feff}{\"id\":{\"S\":\"1\"}}\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let id = definition("id");
    let tables = folder(&[
        ("Ion.json", id.as_bytes()),
        ("Ion.ion", ion.as_bytes()),
        ("Wide.json", id.as_bytes()),
        ("Wide.jsonl", &utf16),
    ]);
    assert_eq!(counted(tables.path()).await, "Ion 2\nWide 1\n");
}

#[tokio::test]
async fn two_places_of_one_table_fail_it_and_both_are_named() {
    let model = r#"{"ModelName":"m","DataModel":[{"TableName":"Notes","KeyAttributes":{"PartitionKey":
        {"AttributeName":"id","AttributeType":"S"}},"NonKeyAttributes":[],"TableData":[{"id":{"S":"a"}}]}]}"#;
    let resource = r#"{"Type":"AWS::DynamoDB::Table","Properties":{"TableName":"Orders","AttributeDefinitions":
        [{"AttributeName":"id","AttributeType":"S"}],"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]}}"#;
    let template = format!(r#"{{"Resources":{{"Orders":{resource}}}}}"#);
    let line = b"{\"id\":{\"S\":\"1\"}}\n";
    let tables = folder(&[
        ("model.json", model.as_bytes()),
        ("Notes.jsonl", line),
        ("Orders.json", definition("id").as_bytes()),
        ("template.json", template.as_bytes()),
        ("Scan.json", br#"{"Items":[{"id":{"S":"a"}}],"Count":1}"#),
    ]);
    insta::assert_snapshot!(counted(tables.path()).await, @"
    Notes model.json and Notes.jsonl are both data of the table: remove one
    Orders Orders.json and template.json both define the table: remove one
    Scan Scan.json: it holds items, and the definition of their table is missing: rename it to Scan.items.json, and save what `aws dynamodb describe-table --table-name Scan` prints as Scan.json
    ");
}
