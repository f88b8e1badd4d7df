//! Folders that people have.

use std::fs::{self, File};
use std::path::Path;

use input::{Folder, FolderError, definition_beside, open_folder};
use schema::{Shape, TypeOptions};

use super::cases::{path, settled};

/// The names of the data files, of the definition, and what is left out.
fn names(folder: &Folder) -> (String, Option<String>, Vec<String>) {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let data: Vec<String> = folder.data.iter().map(|path| name(path)).collect();
    let left_out = folder.left_out.iter().map(|left| format!("{}: {}", name(&left.path), left.reason)).collect();
    (data.join(" "), folder.definition.as_ref().map(|(path, _)| name(path)), left_out)
}

/// What is in a folder that is one table.
fn columns(folder: &Path) -> String {
    let folder = open_folder(folder, None).unwrap();
    let options = TypeOptions::default();
    let mut all = Shape::default();
    for data in &folder.data {
        let (shape, _) = input::shape(input::open(File::open(data).unwrap()).unwrap(), None, &options).unwrap();
        all.merge(shape).unwrap();
    }
    settled(&all, &folder.definition.map(|(_, table)| table.keys()).unwrap_or_default())
}

#[test]
fn every_part_is_read_whatever_its_ending() {
    for (name, expected) in [
        ("mixed", "id string, late bigint; 5 items"),
        ("gunzipped", "id string, late bigint; 2 items"),
        ("one", "id string; 1 items"),
        ("keys", "id bigint; 0 items"),
        ("tablesgz", "id bigint, late string; 1 items"),
    ] {
        let folder = path(&format!("folders/{name}"));
        assert_eq!(columns(&folder), expected, "{name}");
        assert_eq!(open_folder(&folder, None).unwrap().left_out, []);
    }
}

#[test]
fn dumps_have_their_definition_beside_or_above() {
    let dump = path("dynamodump/testTable");
    let expected = "id bigint, firstName string, lastName string; 1 items";
    assert_eq!(columns(&dump), expected);
    assert_eq!(columns(&dump.join("data")), expected);
    let (found, table) = definition_beside(&dump.join("data/0001.json"), None).unwrap().unwrap();
    assert_eq!((found, table.name.as_deref()), (dump.join("schema.json"), Some("testTable")));
}

#[test]
fn a_model_is_data_and_definition() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(path("nosql-workbench/ChatSystemSchema.json"), folder.path().join("model.json")).unwrap();
    assert!(columns(folder.path()).starts_with("PK string, SK string, Comment string"));
}

#[test]
fn what_is_not_read_is_named_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| fs::write(folder.path().join(name), text).unwrap();
    write("a", b"{\"pk\":{\"S\":\"a\"}}\n");
    write("b.json", b"{\"Count\":1,\"Items\":[{\"pk\":{\"S\":\"b\"}}]}");
    write("damaged.json", b"[{\"pk\":{\"S\":\"b\"}}");
    write("template.txt", b"Resources:\n  T:\n    Type: AWS::Serverless::SimpleTable\n");
    write("package.json", b"{\"name\":\"x\"}");
    write("manifest-summary.json", b"{\"version\":\"2020-06-30\",\"exportArn\":\"arn\"}");
    write("count.json", b"{\"Count\":1,\"ScannedCount\":1}");
    write("notes.csv", b"a,b\n");
    write("part.xz", b"\xfd7zXZ\0");
    write("_SUCCESS", b"");
    write(".hidden", b"x");
    fs::create_dir(folder.path().join("more")).unwrap();
    let (data, definition, left_out) = names(&open_folder(folder.path(), None).unwrap());
    assert_eq!((&*data, definition.as_deref()), ("a b.json damaged.json", Some("template.txt")));
    let expected = [
        ("count.json", "it holds no items, only answers with a Count alone"),
        ("manifest-summary.json", "line 1 (byte 36 of the input): the manifest of an export"),
        ("more", "a folder"),
        ("notes.csv", "it looks like CSV"),
        ("package.json", "line 1 (byte 0 of the input): plain JSON"),
        ("part.xz", "it looks like xz: unpack it with"),
    ];
    assert_eq!(left_out.len(), expected.len(), "{left_out:?}");
    for (found, (name, reason)) in left_out.iter().zip(expected) {
        assert!(found.starts_with(&format!("{name}: {reason}")), "{found}");
    }
}

#[test]
fn folders_without_one_table_are_errors() {
    let several = open_folder(&path("table-files/tables"), None).unwrap_err();
    assert!(matches!(&several, FolderError::SeveralTables { .. }));
    assert!(several.to_string().ends_with(
        "a folder of several tables (Described.json, Plain.json): name one data file, or choose one with --table NAME"
    ));
    let nested = open_folder(&path("folders/nested"), None).unwrap_err();
    assert!(nested.to_string().ends_with("no file of items in it; data is left out: a folder: name it to read it"));
    let wrong = tempfile::tempdir().unwrap();
    fs::write(wrong.path().join("T.json"), r#"{"Table":{"TableName":"T","KeySchema":[]}}"#).unwrap();
    fs::write(wrong.path().join("T.jsonl"), "{}").unwrap();
    assert!(matches!(open_folder(wrong.path(), None), Err(FolderError::Definition { .. })));
    assert!(matches!(open_folder(&path("folders/none"), None), Err(FolderError::Io { .. })));
}
