//! `infer --against`.

use crate::run::Shell;

const ITEMS: &str = "{\"id\":{\"S\":\"1\"},\"total\":{\"N\":\"1\"},\"by\":{\"M\":{\"a\":{\"N\":\"1\"}}}}\n";

/// With the columns of [`ITEMS`] in `items.json`, and its Avro schema in `items.avsc`.
fn shell() -> Shell {
    let shell = Shell::new();
    shell.write("items.jsonl", ITEMS);
    shell.write("items.json", &shell.run(&["infer", "items.jsonl"]).stdout);
    shell.write("items.avsc", &shell.run(&["infer", "items.jsonl", "--format", "avro"]).stdout);
    shell
}

#[test]
fn what_does_not_fit_is_told_with_its_path_and_no_value() {
    let shell = shell();
    let items = [
        ITEMS,
        "{\"id\":{\"S\":\"2\"},\"total\":{\"N\":\"77.77\"}}\n\n",
        "{\"Item\":{\"id\":{\"S\":\"SECRET\"},\"total\":{\"S\":\"SECRET\"},\"by\":{\"M\":{\"b\":{\"N\":\"1\"}}}}}\n",
        "{\"id\":{\"NULL\":true},\"total\":{\"N\":\"77.77\"}}",
    ];
    shell.write("new.jsonl", items.concat());
    for against in ["items.json", "items.avsc"] {
        let done = shell.run(&["infer", "new.jsonl", "--against", against]);
        assert_eq!((done.code, done.stderr.as_str()), (1, ""));
        assert!(done.stdout.ends_with(&format!("3 of 4 items do not fit {against}.\n")), "{}", done.stdout);
        assert!(!done.stdout.contains("SECRET") && !done.stdout.contains("77"), "{}", done.stdout);
    }
    insta::assert_snapshot!(shell.run(&["infer", "new.jsonl", "--against", "items.json"]).stdout, @"
    ITEMS  PATH   SCHEMA   FOUND                    FIRST
        1  by.b   nothing  a name that is no field  byte 102 of new.jsonl
        2  total  bigint   N with a fraction        byte 62 of new.jsonl
        1  total  bigint   S                        byte 102 of new.jsonl

    3 of 4 items do not fit items.json.
    ");
    let json = shell.run(&["infer", "new.jsonl", "--against", "items.json", "--output", "json"]);
    let value: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((json.code, &value["items"], &value["unfit"]), (1, &4.into(), &3.into()));
    let by: Vec<_> = value["misfits"].as_array().unwrap().iter().filter(|misfit| misfit["path"] == "by.b").collect();
    assert_eq!((by.len(), &by[0]["items"], &by[0]["file"]), (1, &1.into(), &"new.jsonl".into()));
    let at = usize::try_from(by[0]["byte"].as_u64().unwrap()).unwrap();
    assert!(items.concat()[at..].starts_with("{\"Item\":{\"id\":{\"S\":\"SECRET\"}"));
}

#[test]
fn what_fits_exits_with_0() {
    let shell = shell();
    for against in ["items.json", "items.avsc"] {
        let done = shell.run(&["infer", "items.jsonl", "--against", against]);
        assert_eq!((done.code, &*done.stdout), (0, &*format!("1 items, and all fit {against}.\n")));
    }
}

#[test]
fn any_number_of_threads_tells_the_same() {
    let shell = shell();
    let odd = "{\"id\":{\"S\":\"2\"},\"total\":{\"N\":\"0.5\"}}\n";
    // Three parts and more; the first odd item is in the second.
    shell.write("large.jsonl", &(ITEMS.repeat(25_000) + odd + &ITEMS.repeat(40_000) + odd));
    let told = ["1", "2", "16"].map(|threads| {
        let done = shell.run(&["infer", "large.jsonl", "--against", "items.json", "--threads", threads]);
        assert_eq!(done.code, 1, "{}", done.stderr);
        done.stdout
    });
    assert!(told[0].contains(&format!("byte {} of large.jsonl", ITEMS.len() * 25_000)), "{}", told[0]);
    assert!(told[0].contains("2 of 65002 items do not fit"), "{}", told[0]);
    assert!(told.iter().all(|other| *other == told[0]));
}

#[test]
fn a_table_of_the_catalog_is_a_schema() {
    let shell = Shell::new();
    shell.table("tables", "Orders", &[ITEMS.trim()]);
    assert_eq!(shell.run(&["crawl", "--local", "tables"]).code, 0);
    shell.write("new.jsonl", "{\"id\":{\"S\":\"2\"},\"total\":{\"N\":\"0.5\"}}\n");
    for name in ["Orders", "orders"] {
        let done = shell.run(&["infer", "new.jsonl", "--against", name, "--local", "tables"]);
        assert_eq!(done.code, 1, "{}", done.stderr);
        assert!(done.stdout.contains("N with a fraction"), "{}", done.stdout);
    }
    let done = shell.run(&["infer", "new.jsonl", "--against", "Orderz", "--local", "tables"]);
    assert_eq!(
        (done.code, &*done.stderr),
        (
            1,
            "glue-ddb-crawler: Orderz is neither a file nor a table of the Glue database ddb_tables: crawl it first, or give a file\n"
        )
    );
}

#[test]
fn the_output_of_get_table_is_a_schema_with_its_mapping() {
    let shell = Shell::new();
    let columns = r#"[{"Name":"id","Type":"string"},{"Name":"total_price","Type":"decimal(5,2)"}]"#;
    let parameters = r#"{"columnMapping":"total_price=Total Price"}"#;
    let table =
        format!(r#"{{"Table":{{"Name":"t","StorageDescriptor":{{"Columns":{columns}}},"Parameters":{parameters}}}}}"#);
    shell.write("glue.json", table);
    shell.write("fits.jsonl", "{\"id\":{\"S\":\"1\"},\"Total Price\":{\"N\":\"123.45\"}}");
    shell.write("odd.jsonl", "{\"id\":{\"S\":\"1\"},\"Total Price\":{\"N\":\"1234\"},\"total_price\":{\"N\":\"1\"}}");
    assert_eq!(shell.run(&["infer", "fits.jsonl", "--against", "glue.json"]).code, 0);
    let odd = shell.run(&["infer", "odd.jsonl", "--against", "glue.json"]);
    insta::assert_snapshot!(odd.stdout, @"
    ITEMS  PATH         SCHEMA        FOUND                             FIRST
        1  Total Price  decimal(5,2)  N with 4 digits before the point  byte 0 of odd.jsonl
        1  total_price  nothing       an attribute without a column     byte 0 of odd.jsonl

    1 of 1 items do not fit glue.json.
    ");
}

#[test]
fn what_is_no_schema_says_what_to_give() {
    let shell = shell();
    shell.write("items.yaml", "a: 1\n");
    shell.write("other.json", "{\"a\":1}");
    for (against, told) in [
        ("missing.avsc", "there is no such file"),
        ("items.yaml", "a schema is JSON, and this is not"),
        ("other.json", "give an Avro schema of a record"),
    ] {
        let done = shell.run(&["infer", "items.jsonl", "--against", against]);
        assert_eq!(done.code, 1);
        assert!(done.stderr.contains(against) && done.stderr.contains(told), "{}", done.stderr);
    }
    assert_eq!(shell.run(&["infer", "items.jsonl", "--against", "items.json", "--format", "avro"]).code, 2);
    assert_eq!(shell.run(&["infer", "items.jsonl", "--local", "tables"]).code, 2);
}
