//! Files that people have.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use input::definition::{Billing, Definitions, Table};
use input::{Error, Summary};
use schema::{Key, Shape, TypeOptions};

/// The three items of most of the outputs.
const T: &str = "Owner struct<Street:string>, n double, pk string, tags array<string>; 3 items";

pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files").join(name)
}

fn read(name: &str, table: Option<&str>) -> Result<(Shape, Summary), Error> {
    let file = File::open(path(name)).unwrap();
    input::shape(input::open(file)?, table, &TypeOptions::default())
}

/// The columns and the number of items.
pub(crate) fn settled(shape: &Shape, keys: &[Key]) -> String {
    let schema = shape.settle(keys, &BTreeMap::new(), &TypeOptions::default());
    let columns: Vec<String> = schema.columns.iter().map(|c| format!("{} {}", c.attribute, c.glue_type)).collect();
    format!("{}; {} items", columns.join(", "), shape.items())
}

fn columns(name: &str) -> String {
    let (shape, _) = read(name, None).unwrap_or_else(|error| panic!("{name}: {error}"));
    settled(&shape, &[])
}

fn definitions(name: &str) -> Definitions {
    Definitions::open(File::open(path(name)).unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn table(name: &str) -> Table {
    definitions(name).table(None).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn error(name: &str) -> String {
    read(name, None).map(|_| ()).expect_err(name).to_string()
}

#[test]
fn tags_in_lower_case() {
    assert_eq!(
        columns("emr-lowercase/part-00000"),
        "gone string, id string, ns array<bigint>, on boolean, payload struct<deep:string>, tags array<string>, temp bigint, \
         values array<string>; 2 items"
    );
    assert_eq!(
        columns("emr-lowercase/big-data-blog-100.jsonl"),
        "payload map<string,string>, timestamp string; 2 items"
    );
}

#[test]
fn requests_of_batch_write_item() {
    assert_eq!(
        columns("batch-write/test_batch_write_put.json"),
        "Authors array<string>, Binary binary, BinarySet array<binary>, Details struct<Age:bigint,Misc:struct<dream:array<bigint>,\
         hope:boolean>,Name:string>, Dimensions array<string>, ISBN string, InPublication boolean, Nothing string, PageCount \
         array<double>, Price bigint, pk string; 1 items"
    );
    assert!(columns("batch-write/sample-data.json").ends_with("; 13 items"));
    assert_eq!(read("batch-write/sample-data.json", None).unwrap().1.table.as_deref(), Some("global-serverless"));
    assert_eq!(columns("outputs/batch-write.json"), T);
    assert_eq!(columns("outputs/batch-write-lines.jsonl"), T);
}

#[test]
fn requests_for_several_tables() {
    let file = "batch-write/test_batch_write_put_delete_multiple_tables.json";
    let several = "it holds items of several tables: choose one with --table NAME, of __TABLE_NAME__1, __TABLE_NAME__2";
    assert_eq!(error(file), several);
    let (shape, summary) = read(file, Some("__TABLE_NAME__2")).unwrap();
    assert_eq!(settled(&shape, &[]), "pk string; 2 items");
    assert_eq!(summary.notes, ["left out, since they are no items: DeleteRequest (1)"]);
    assert_eq!(error("batch-write/test_batch_write_delete.json"), several);
    let none = read("batch-write/test_batch_write_delete.json", Some("__TABLE_NAME__1")).map(|_| ()).unwrap_err();
    assert_eq!(none.to_string(), "it holds no items, only DeleteRequest (1)");
}

#[test]
fn models_of_nosql_workbench() {
    for (name, expected) in [
        (
            "ChatSystemSchema",
            "PK string, SK string, Comment string, CreatedAt string, CreatedBy string, RoomID string; 8 items",
        ),
        (
            // Its items are in facets, and some of their maps are wrapped twice.
            "GamePlayerProfilesSchema",
            "PK string, SK string, ActivityEndTime string, ActivityName string, ActivityReward struct<Gold:bigint,XP:bigint>, \
             ActivityStartTime string, ActivityType string, Avatar string, CreatedAt string, Currency string, Email string, \
             EquipmentAttributes struct<ATK:bigint,DEF:bigint,SP:bigint>, EquipmentName string, EquipmentType string, FriendList \
             array<struct<FriendId:string,FriendName:string>>, Gender string, ItemAttributes \
             struct<ATK:bigint,DEF:bigint,HP:bigint>, ItemCount string, ItemName string, ItemType string, Nickname string, \
             PlayerExperience string, PlayerHealth string, PlayerLevel string, TaskDescription string, TaskName string, \
             TaskReward struct<Gold:bigint,XP:bigint>, TaskStatus string, Type string, UpdatedAt string; 14 items",
        ),
        (
            "SessionManagementSchema",
            "PK string, SK string, access_token string, last_login_time string, session_state string; 6 items",
        ),
    ] {
        let file = format!("nosql-workbench/{name}.json");
        let (shape, summary) = read(&file, None).unwrap();
        let table = table(&file);
        assert_eq!(settled(&shape, &table.keys()), expected);
        assert_eq!(summary.table, table.name);
    }
}

#[test]
fn answers_of_the_command_line_and_of_sdks() {
    for name in [
        "batch-get.json",
        "items-array-oneline.json",
        "items-array-pretty.json",
        "js-sdk-metadata-first.json",
        "query-cc-first.json",
        "two-pages-concatenated.json",
        "utf16le.jsonl",
    ] {
        assert_eq!(columns(&format!("outputs/{name}")), T, "{name}");
    }
    for name in ["items-only.json", "items-only-pretty.json", "spaces-first.json"] {
        assert_eq!(columns(&format!("outputs/{name}")), "n bigint, pk string; 2 items", "{name}");
    }
    assert_eq!(columns("outputs/get-item.json"), "Owner struct<Street:string>, n bigint, pk string; 1 items");
    assert_eq!(columns("outputs/gz-trailing-zeros.json.gz"), T);
    assert_eq!(
        error("outputs/count-only.json"),
        "it holds no items, only answers with a Count alone, as of `--select COUNT` (1)"
    );
}

#[test]
fn names_that_no_struct_can_have() {
    assert_eq!(
        columns("struct-names/headers.jsonl"),
        "byYear map<string,bigint>, daily map<string,bigint>, device map<string,struct<cell:bigint>>, headers \
         map<string,string>, id string, versions map<string,string>; 2 items"
    );
}

#[test]
fn data_beside_definitions() {
    for (name, ending) in [
        ("tables/Described", "jsonl"),
        ("tables/Plain", "jsonl"),
        ("tables2/CreateOutput", "jsonl"),
        ("tables3/DescribedBare", "jsonl"),
        ("tables3/ExportGz", "json.gz"),
        ("tables3/GzData", "jsonl.gz"),
        ("tables3/Nd", "ndjson"),
        ("tables3/ScanOut", "jsonl"),
    ] {
        let (definition, data) = (format!("table-files/{name}.json"), format!("table-files/{name}.{ending}"));
        assert_eq!(columns(&data), "n double, pk string; 2 items", "{data}");
        let table = table(&definition);
        assert_eq!(table.name.as_deref(), name.split('/').nth(1));
        assert_eq!(table.billing, Billing::OnDemand);
        let (found, beside) = input::definition_beside(&path(&data), None).unwrap().unwrap();
        assert_eq!((found, beside), (path(&definition), table));
        assert!(error(&definition).contains("the definition of a table"), "{definition}");
    }
    assert_eq!(columns("table-files/tables3/Zst.jsonl.zst"), "; 0 items", "an empty file");
}

#[test]
fn variants_of_table_files() {
    for name in ["Bom", "BomDef", "Both", "GzPlain", "NameOther"] {
        assert_eq!(columns(&format!("local-variants/tables/{name}.jsonl")), "id string; 1 items");
    }
    assert_eq!(columns("local-variants/tables/Crlf.jsonl"), "id string, n bigint; 2 items");
    assert_eq!(columns("local-variants/tables/Gz9.jsonl.gz"), "id string; 1 items");
    for name in ["Bom", "BomDef", "Cfn", "Crlf", "GzPlain", "Gsi"] {
        let table = table(&format!("local-variants/tables/{name}.json"));
        assert_eq!((table.name.as_deref(), &*table.hash.name), (Some(name), "id"));
    }
    let other = definitions("local-variants/tables/NameOther.json").table(Some("NameOther")).unwrap_err();
    assert_eq!(other.to_string(), "it defines no table NameOther, but SomethingElse");
    assert!(error("local-variants/tables/package.json").contains("plain JSON without DynamoDB's type tags"));
}
