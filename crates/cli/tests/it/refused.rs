//! What is refused before anything is done: files that are none, settings that can't be.
#![cfg(unix)]

use std::process::Command;

use crate::run::{Done, Shell};

fn fifo(shell: &Shell, name: &str) {
    std::fs::create_dir_all(shell.path(name).parent().unwrap()).unwrap();
    assert!(Command::new("mkfifo").arg(shell.path(name)).status().unwrap().success());
}

/// A message without its beginning, which every one has.
fn told(done: &Done) -> &str {
    done.stderr.strip_prefix("glue-ddb-crawler: ").unwrap_or(&done.stderr).trim_end()
}

#[test]
fn what_is_no_file_is_not_read() {
    let shell = Shell::new();
    fifo(&shell, "fifo.jsonl");
    fifo(&shell, "parts/1.jsonl");
    shell.write("beside.jsonl", "");
    fifo(&shell, "beside.json");
    std::os::unix::fs::symlink("nowhere", shell.path("link.jsonl")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", shell.path("zero.jsonl")).unwrap();
    let infer = |input: &str| {
        let done = shell.run(&["infer", input]);
        assert_eq!((done.code, done.stdout.as_str()), (1, ""));
        told(&done).to_owned()
    };
    insta::assert_snapshot!(infer("fifo.jsonl"), @"fifo.jsonl: it is a FIFO, not a file");
    insta::assert_snapshot!(infer("parts"), @"parts: no file of items in it; 1.jsonl is left out: no regular file");
    insta::assert_snapshot!(infer("beside.jsonl"), @"beside.json: it is a FIFO, not a file");
    insta::assert_snapshot!(infer("link.jsonl"), @"link.jsonl: it is a link that leads to no file: No such file or directory (os error 2)");
    insta::assert_snapshot!(infer("zero.jsonl"), @"zero.jsonl: it is a device, not a file");
}

#[test]
fn an_export_of_no_files_is_refused() {
    let shell = Shell::new();
    shell.write("tables/none.txt", "");
    let crawl = |export: &str| {
        let done = shell.run(&["crawl", "--local", "tables", "--export", export]);
        assert_ne!(done.code, 0);
        told(&done).replace(shell.folder.path().canonicalize().unwrap().to_str().unwrap(), "")
    };
    fifo(&shell, "manifest-summary.json");
    insta::assert_snapshot!(crawl("manifest-summary.json"), @r#"the export manifest-summary.json: it is a FIFO, not a file"#);
    fifo(&shell, "export/manifest-summary.json");
    insta::assert_snapshot!(crawl("export"), @r#"/export/manifest-summary.json: it is a FIFO, not a file"#);
    std::fs::remove_file(shell.path("export/manifest-summary.json")).unwrap();
    shell.write("export/manifest-summary.json", "{}");
    fifo(&shell, "export/manifest-files.json");
    insta::assert_snapshot!(crawl("export"), @r##"
     WARN crawl::export::manifest: has no checksum beside it, and is taken as it is manifest="/export/manifest-summary.json"
    glue-ddb-crawler: /export/manifest-files.json: it is a FIFO, not a file
    "##);
}

#[test]
fn settings_that_cannot_be_are_named_before_anything_is_done() {
    let shell = Shell::new();
    shell.table("tables", "orders", &[r#"{"id":{"S":"1"}}"#]);
    let refused = |args: &[&str], environment: &[(&str, &str)]| {
        let args = [args, &["--local", "tables"]].concat();
        let done = shell.run_with(&args, environment, b"");
        assert_eq!((done.code, done.stdout.as_str()), (2, ""));
        assert!(!shell.path(".glue-ddb-crawler").exists(), "nothing is made");
        told(&done).to_owned()
    };
    let mut all = Vec::new();
    for toml in [
        "scan_rate = nan",
        "scan_rate = inf",
        "max_rcu = -inf",
        "crawl_price = nan",
        "max_rcu = 1e300",
        "runs_per_month = -1",
        "types.max_struct_fields = 0",
        "concurrency = 0",
        "crawler_name = \"{table}_{region}\"",
        "crawler_name = \"{table}\\u001b[31m\"",
        "database = \"a\\nb\"",
    ] {
        shell.write("settings.toml", toml);
        all.push(refused(&["sync", "--config", "settings.toml"], &[]));
    }
    for number in ["nan", "inf", "0", "-1"] {
        all.push(refused(&["crawl", &format!("--scan-rate={number}")], &[]));
    }
    all.push(refused(&["crawl", "--max-rcu=NaN"], &[]));
    all.push(refused(&["sync"], &[("GLUE_DDB_CRAWLER_SCAN_RATE", "nan")]));
    all.push(refused(&["sync"], &[("GLUE_DDB_CRAWLER_TYPES__MAX_STRUCT_FIELDS", "0")]));
    all.push(refused(&["sync"], &[("GLUE_DDB_CRAWLER_SETTINGS", r#"{"crawler_quota": 18446744073709551615}"#)]));
    fifo(&shell, "fifo.toml");
    all.push(refused(&["sync", "--config", "fifo.toml"], &[]));
    insta::assert_snapshot!(all.join("\n"), @r##"
    settings.toml: scan_rate NaN: use a finite number
    settings.toml: scan_rate inf: use a finite number
    settings.toml: max_rcu -inf: use a finite number
    settings.toml: crawl_price NaN: use a finite number
    max_rcu 1e300: use 0.5 to 10000000 read units per second
    settings.toml: runs_per_month: invalid value: integer `-1`, expected u32
    types.max_struct_fields 0: use 1 to 10000
    concurrency 0: use 1 to 1000
    crawler_name "{table}_{region}": needs {table} exactly once, no other braces, no *, ? or control characters, and at most 100 characters
    crawler_name "{table}\u{1b}[31m": needs {table} exactly once, no other braces, no *, ? or control characters, and at most 100 characters
    database "a\nb": use 1 to 255 of a-z, 0-9 and _
    scan_rate NaN: use a finite number
    scan_rate inf: use a finite number
    scan_rate 0: use 0.1 to 1.5
    scan_rate -1: use 0.1 to 1.5
    max_rcu NaN: use a finite number
    GLUE_DDB_CRAWLER_SCAN_RATE: scan_rate: invalid type: string "nan", expected f64
    GLUE_DDB_CRAWLER_TYPES__MAX_STRUCT_FIELDS: types.max_struct_fields 0: use 1 to 10000
    GLUE_DDB_CRAWLER_SETTINGS: crawler_quota 18446744073709551615: use 0 to 1000000
    fifo.toml: it is a FIFO, not a file
    "##);
}
