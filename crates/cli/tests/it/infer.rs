//! `infer`.

use std::io::Write;
use std::path::Path;

use crate::run::Shell;

const ITEMS: &str = "{\"id\":{\"S\":\"1\"},\"Total Price\":{\"N\":\"1.5\"}}\n{\"Item\":{\"id\":{\"S\":\"2\"},\"tags\":{\"SS\":[\"a\"]}}}\n";

#[test]
fn prints_the_columns() {
    let shell = Shell::new();
    shell.write("orders.jsonl", ITEMS);
    let done = shell.run(&["infer", "orders.jsonl"]);
    assert_eq!((done.code, done.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(done.stdout, @r#"
    {
      "columns": [
        {
          "name": "total_price",
          "type": "double",
          "attribute": "Total Price"
        },
        {
          "name": "id",
          "type": "string",
          "attribute": "id"
        },
        {
          "name": "tags",
          "type": "array<string>",
          "attribute": "tags"
        }
      ],
      "items": 2,
      "bytes": 78
    }
    "#);
}

#[test]
fn keys_come_first_where_the_table_is_known() {
    let shell = Shell::new();
    shell.table("tables", "t", &[r#"{"a":{"S":"1"},"id":{"S":"2"}}"#]);
    let done = shell.run(&["infer", "tables/t.jsonl", "--format", "ddl"]);
    insta::assert_snapshot!(done.stdout, @"
    CREATE EXTERNAL TABLE `ddb_tables`.`t` (
      `id` string,
      `a` string
    )
    LOCATION 'arn:aws:dynamodb:us-east-1:123456789012:table/t'
    TBLPROPERTIES (
      'classification'='dynamodb',
      'typeOfData'='table',
      'sourceTable'='t'
    );
    ");
}

#[test]
fn every_input_gives_the_same_answer() {
    let shell = Shell::new();
    shell.write("orders.jsonl", ITEMS);
    let expected = shell.run(&["infer", "orders.jsonl"]).stdout;

    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(ITEMS.as_bytes()).unwrap();
    shell.write("orders.json.gz", gz.finish().unwrap());
    assert_eq!(shell.run(&["infer", "orders.json.gz"]).stdout, expected);

    // Two frames, as `zstd` appends them.
    let frames = ITEMS.lines().map(|item| zstd::encode_all(format!("{item}\n").as_bytes(), 1).unwrap());
    shell.write("orders.jsonl.zst", frames.collect::<Vec<_>>().concat());
    assert_eq!(shell.run(&["infer", "orders.jsonl.zst"]).stdout, expected);

    assert_eq!(shell.run_with(&["infer", "-"], &[], ITEMS.as_bytes()).stdout, expected);

    let (first, second) = ITEMS.split_at(ITEMS.find('\n').unwrap() + 1);
    shell.write("parts/1.jsonl", first);
    shell.write("parts/2.jsonl", second);
    assert_eq!(shell.run(&["infer", "parts"]).stdout, expected);

    let scan = r#"{
        "Items": [{"id":{"S":"1"},"Total Price":{"N":"1.5"}}, {"id":{"S":"2"},"tags":{"SS":["a"]}}],
        "Count": 2, "ScannedCount": 2, "ConsumedCapacity": null
    }"#;
    let columns = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap()["columns"].clone();
    assert_eq!(columns(&shell.run_with(&["infer", "-"], &[], scan.as_bytes()).stdout), columns(&expected));
}

#[test]
fn large_input_is_read_ahead_to_its_last_item() {
    let shell = Shell::new();
    // Some chunks, which end anywhere.
    let text = ITEMS.repeat(12_345);
    shell.write("orders.jsonl", &text);
    let expected = shell.run(&["infer", "orders.jsonl"]).stdout;
    assert!(expected.contains("\"items\": 24690,"), "{expected}");

    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(text.as_bytes()).unwrap();
    let gz = gz.finish().unwrap();
    shell.write("cut.jsonl.gz", &gz[..gz.len() - 9]);
    shell.write("orders.jsonl.gz", gz);
    assert_eq!(shell.run(&["infer", "orders.jsonl.gz"]).stdout, expected);

    let done = shell.run(&["infer", "cut.jsonl.gz"]);
    assert_eq!((done.code, done.stdout.as_str()), (1, ""));
    assert!(done.stderr.starts_with("glue-ddb-crawler: cut.jsonl.gz: "), "{}", done.stderr);
}

#[test]
fn of_several_bad_files_the_first_is_told() {
    let shell = Shell::new();
    for part in 1..=9 {
        let bad = if part > 3 { "{" } else { "" };
        shell.write(&format!("parts/{part}.jsonl"), format!("{}{bad}", ITEMS.repeat(10_000 - 1_000 * part)));
    }
    let done = shell.run(&["infer", "parts"]);
    assert_eq!((done.code, done.stdout.as_str()), (1, ""));
    assert!(done.stderr.starts_with("glue-ddb-crawler: parts/4.jsonl: line 12001 "), "{}", done.stderr);
}

#[test]
fn other_formats_are_what_they_say() {
    let shell = Shell::new();
    shell.write("orders.jsonl", ITEMS);
    let json = |format: &str| -> serde_json::Value {
        serde_json::from_str(&shell.run(&["infer", "orders.jsonl", "--format", format]).stdout).unwrap()
    };
    assert_eq!(json("avro")["type"], "record");
    assert_eq!(json("json-schema")["type"], "object");
}

#[test]
fn bad_input_is_told_by_line_and_offset_and_never_by_value() {
    let shell = Shell::new();
    shell.write("bad.jsonl", "{\"id\":{\"S\":\"1\"}}\n{\"id\":{\"S\":\"top-secret\"},\"x\":{\"Q\":\"2\"}}\n");
    let done = shell.run(&["infer", "bad.jsonl"]);
    assert_eq!((done.code, done.stdout.as_str()), (1, ""));
    assert!(!done.stderr.contains("top-secret"));
    insta::assert_snapshot!(done.stderr, @"glue-ddb-crawler: bad.jsonl: line 2 (byte 48 of the input): an unknown type; DynamoDB has S, N, B, BOOL, NULL, M, L, SS, NS and BS");

    let done = shell.run(&["infer", "nowhere.jsonl"]);
    assert_eq!(done.code, 1);
    insta::assert_snapshot!(done.stderr, @"glue-ddb-crawler: nowhere.jsonl: No such file or directory (os error 2)");
}

#[test]
fn the_answer_of_a_scan_is_read_as_its_items_are() {
    let shell = Shell::new();
    let infer = |text: &str| shell.run_with(&["infer", "-"], &[], text.as_bytes());
    shell.write("orders.jsonl", ITEMS);
    let lines = ITEMS.replace("{\"Item\":", "").replace("}}}", "}}");
    let expected = infer(&lines).stdout;
    let [one, two] = lines.lines().collect::<Vec<_>>()[..] else { panic!("two items") };
    for answer in [
        format!("{{\"Items\":[{one},{two}],\"Count\":2}}"),
        format!(
            "{{\"Count\": 2, \"Items\" : [ {one}\n,\r\n {two} ] , \"LastEvaluatedKey\":{{\"id\":{{\"S\":\"]}}\\\"\"}}}}}}\n"
        ),
        format!("{{\"ScannedCount\":2,\"x\":[{{}}],\"Items\":[{one},{two}],\"Count\":2,\"Items2\":[1]}}"),
    ] {
        assert_eq!(infer(&answer).stdout, expected, "{answer}");
    }
    assert!(infer(r#"{"Count":0,"Items":[]}"#).stdout.contains("\"items\": 0"));
    let wrong = |text: &str| {
        let done = infer(text);
        assert_eq!((done.code, done.stdout.as_str()), (1, ""), "{text}");
        done.stderr.trim_end().to_owned()
    };
    let all = [
        format!("{{\"Items\":[{one}],\"Count\":2}}"),
        format!("{{\"Items\":[{one}],\n\"Count\":1"),
        format!("{{\"Items\":[{one},\n"),
        format!("{{\"Items\":[{one} {two}],\"Count\":2}}"),
        format!("{{\"Items\":[{one},],\"Count\":1}}"),
        format!("{{\"Items\":[\n{one},\n{{\"a\":{{\"S\":1}}}}],\"Count\":2}}"),
        format!("{{\"Items\":[\n{one}],\n\"Count\":1}} x"),
        format!("{{\"Items\":[{one}],\"Items\":[{one}],\"Count\":1}}"),
        "{\"Items\":[{\"a\":{\"S\":\"line\nbreak\"}}],\"Count\":1}".to_owned(),
    ];
    insta::assert_snapshot!(all.map(|text| wrong(&text)).join("\n"), @r##"
    glue-ddb-crawler: -: line 1 (byte 0 of the input): the answer says Count 2, but has 1 Items: the file is not whole; get it again
    glue-ddb-crawler: -: line 2 (byte 64 of the input): the text ends inside of an object, an array or a string: it was cut off; get the file again
    glue-ddb-crawler: -: line 2 (byte 54 of the input): the text ends inside of an object, an array or a string: it was cut off; get the file again
    glue-ddb-crawler: -: line 1 (byte 53 of the input): expected a comma or the end of the object or array
    glue-ddb-crawler: -: line 1 (byte 53 of the input): expected an item
    glue-ddb-crawler: -: line 3 (byte 65 of the input): expected a string after the type
    glue-ddb-crawler: -: line 3 (byte 67 of the input): expected an item or an answer, which starts with '{' or '['
    glue-ddb-crawler: -: line 1 (byte 62 of the input): a name that stands twice in one object
    glue-ddb-crawler: -: line 1 (byte 25 of the input): a control character in a string, which JSON wants escaped
    "##);
}

/// A file or folder that people have, and what it holds.
#[derive(serde::Deserialize)]
struct Case {
    path: String,
    table: Option<String>,
    columns: Option<String>,
    items: Option<u64>,
    note: Option<String>,
    error: Option<String>,
}

#[test]
fn what_people_have_is_read_or_refused_with_what_to_do() {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("../input/tests/files");
    let cases: Vec<Case> = serde_json::from_slice(&std::fs::read(files.join("cases.json")).unwrap()).unwrap();
    assert!(cases.len() > 70);
    let shell = Shell::new();
    for Case { path, table, columns, items, note, error } in cases {
        let file = files.join(&path).display().to_string();
        let choice = table.as_deref().map(|table| ["--table", table]);
        let args: Vec<&str> = ["infer", &file].into_iter().chain(choice.into_iter().flatten()).collect();
        let done = shell.run(&args);
        let told = [&note, &error].into_iter().flatten().all(|text| done.stderr.contains(text.as_str()));
        assert!(told, "{path}: {}", done.stderr);
        assert_eq!(done.code == 1, error.is_some(), "{path}: {}", done.stderr);
        if error.is_none() {
            let found: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
            let column = |column: &serde_json::Value| {
                format!("{} {}", column["attribute"].as_str().unwrap(), column["type"].as_str().unwrap())
            };
            let found_columns: Vec<String> = found["columns"].as_array().unwrap().iter().map(column).collect();
            assert_eq!(Some(found_columns.join(", ")), columns, "{path}");
            assert_eq!(found["items"].as_u64(), items, "{path}");
        }
    }
}
