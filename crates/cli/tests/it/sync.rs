//! `sync`, `crawl` and `serve` on the embedded endpoint.

use std::process::Stdio;

use testkit::Process;

use crate::run::{Done, Shell, command};

fn shop() -> Shell {
    let shell = Shell::new();
    shell.table("tables", "Orders", &[r#"{"id":{"S":"1"},"Total":{"N":"12.5"}}"#]);
    shell.table("tables", "users", &[]);
    shell
}

/// The output without what differs from run to run.
fn stable(text: &str) -> String {
    let (head, tail) = text.trim_end().rsplit_once(' ').unwrap();
    let (head, _seconds) = (head.rsplit_once(' ').unwrap().0, tail);
    format!("{head} N s")
}

#[test]
fn the_first_run_makes_everything_and_the_second_completes_what_its_crawls_wrote() {
    let shell = shop();
    let args = ["sync", "--local", "tables", "--wait"];
    let first = shell.run(&args);
    assert_eq!(first.code, 0, "{}", first.stderr);
    insta::assert_snapshot!(stable(&first.stdout), @"
    DYNAMODB TABLE  GLUE TABLE  COLUMNS  ITEMS  SCHEMA  RESULT
    Orders          orders            2      1  v1      crawled; new role, crawler, table, schema
    users           users             1      0  v1      crawled; new role, crawler, table, schema

    2 tables -> Glue database ddb_tables in us-east-1 (account 123456789012): 2 crawled, 2 changed, 2 linked to a schema version, database set up. N s
    ");
    let second = shell.run(&args);
    assert_eq!(second.code, 0);
    insta::assert_snapshot!(stable(&second.stdout), @"
    DYNAMODB TABLE  GLUE TABLE  COLUMNS  ITEMS  SCHEMA  RESULT
    Orders          orders            2      1  v1      crawled; linked
    users           users             1      0  v1      crawled; linked

    2 tables -> Glue database ddb_tables in us-east-1 (account 123456789012): 2 crawled, 2 changed, 2 linked to a schema version. N s
    ");
}

#[test]
fn a_crawl_can_be_a_sample_and_tells_its_price_before() {
    let shell = shop();
    let crawl = |arguments: &[&str]| {
        let done = shell.run(&[&["crawl", "Orders", "--local", "tables", "--output", "json"], arguments].concat());
        assert_eq!(done.code, 0, "{}", done.stderr);
        serde_json::from_str::<serde_json::Value>(&done.stdout).unwrap()
    };
    let planned = crawl(&["--dry-run"]);
    assert_eq!(planned["tables"][0]["outcome"], "planned");
    assert!(planned["tables"][0]["estimate"]["full"]["dollars"].is_number(), "{planned}");
    let text = shell.run(&["crawl", "Orders", "--local", "tables", "--dry-run"]).stdout;
    insta::assert_snapshot!(stable(&text), @"
    DYNAMODB TABLE  GLUE TABLE  COLUMNS  ITEMS  SCHEMA  RESULT
    Orders          orders            -      -  -       to do: new table

    TO READ  ITEMS  SIZE  READ UNITS  SECONDS    COST  SAMPLE UNITS    COST  EXPORT
    Orders       1  11 B         0.5        1  <$0.01           0.5  <$0.01  <$0.01

    1 table -> Glue database ddb_tables in us-east-1 (account 123456789012): 1 to change, 1 to read, the database to set up. Dry run, nothing was done. N s
    ");
    let sampled = crawl(&["--sample", "1", "--max-rcu", "100", "--scan-rate", "0.5"]);
    assert_eq!(sampled["tables"][0]["read"]["items"], 1);
    for (arguments, wrong) in [(["--sample", "half"], "sample"), (["--scan-rate", "9"], "scan_rate")] {
        let done = shell.run(&[&["crawl", "--local", "tables"], &arguments[..]].concat());
        assert!(done.code == 2 && done.stderr.contains(wrong), "{}", done.stderr);
    }
}

/// The crawlers of the embedded endpoint end with the process.
#[test]
fn a_local_run_waits_for_its_crawls_unasked() {
    let done = shop().run(&["sync", "--local", "tables", "--output", "json"]);
    let report: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!((done.code, &report["summary"]["crawled"], &report["summary"]["linked"]), (0, &2.into(), &2.into()));
}

#[test]
fn json_is_for_machines_alone() {
    let shell = shop();
    let done = shell.run(&["sync", "--local", "tables", "--wait", "--output", "json"]);
    assert_eq!((done.code, done.stderr.as_str()), (0, ""));
    let report: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(report["summary"]["linked"], 2);
    assert_eq!(report["tables"][0]["table"], "Orders");
    assert!(done.stdout.trim_start().starts_with("{\n  \"summary\""), "the summary comes first");
}

#[test]
fn verbose_prints_the_calls() {
    let done = shop().run(&["sync", "--local", "tables", "--wait", "-v"]);
    assert!(done.stderr.contains("2  glue:StartCrawler"), "{}", done.stderr);
}

#[test]
fn check_tells_changes_by_exit_code() {
    let shell = shop();
    assert_eq!(shell.run(&["sync", "--local", "tables", "--check"]).code, 3);
    assert_eq!(shell.run(&["sync", "--local", "tables", "--wait"]).code, 0);
    let done = shell.run(&["sync", "--local", "tables", "--check"]);
    assert_eq!(done.code, 0, "{}", done.stdout);
}

#[test]
fn a_dry_run_says_what_a_month_costs_and_what_the_quotas_leave() {
    let shell = shop();
    let done =
        shell.run_with(&["sync", "--local", "tables", "--dry-run"], &[("GLUE_DDB_CRAWLER_CRAWLER_QUOTA", "1")], b"");
    let expected = "Quota: no crawler for 1 of the tables: the quota of crawlers: 0 in use, 2 more needed, 1 allowed; \
                    request an increase (Service Quotas, AWS Glue, L-11FA2C1A) and set crawler_quota.\n\
                    30 runs a month cost about $4.41 with AWS Glue's crawlers, or ";
    assert!(done.stdout.contains(expected), "{}", done.stdout);
    assert!(shell.run(&["sync", "--local", "tables", "--dry-run"]).stdout.contains("cost about $8.82 "));
}

#[test]
fn tables_that_are_gone_and_columns_that_read_as_null_are_told() {
    let shell = shop();
    shell.table("tables", "odd", &[r#"{"id":{"S":"1"},"a,b":{"S":"x"}}"#]);
    let args = ["sync", "--local", "tables", "--wait"];
    let done = shell.run(&args);
    assert!(
        done.stdout.contains("new role, crawler, table, schema; attributes that can't be mapped, null in Athena: a_b"),
        "{}",
        done.stdout
    );
    let done = shell.run(&args);
    assert!(
        done.stdout.contains("crawled; linked; attributes that can't be mapped, null in Athena: a_b"),
        "{}",
        done.stdout
    );

    std::fs::remove_file(shell.path("tables/odd.json")).unwrap();
    std::fs::remove_file(shell.path("tables/odd.jsonl")).unwrap();
    let done = shell.run(&[&args[..], &["--dry-run"]].concat());
    assert!(done.stdout.contains("gone; to do: marked deprecated"), "{}", done.stdout);
    let done = shell.run(&args);
    assert!(done.stdout.contains("gone; marked deprecated"), "{}", done.stdout);
}

#[test]
fn a_failed_table_is_exit_code_1_and_the_others_are_done() {
    let shell = shop();
    shell.table("tables", "broken", &[r#"{"id":{"S":"1"},"x":{"S":"unfinished"#]);
    let done = shell.run(&["sync", "--local", "tables", "--wait", "--output", "json"]);
    assert_eq!(done.code, 1);
    let report: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!((&report["summary"]["failed"], &report["summary"]["linked"]), (&1.into(), &2.into()));
    assert!(!done.stdout.contains("unfinished"));
}

#[test]
fn crawl_reads_named_tables_without_crawlers() {
    let shell = shop();
    let done = shell.run(&["crawl", "Orders", "--local", "tables"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stdout.contains("Orders") && !done.stdout.contains("users"), "{}", done.stdout);
    assert_eq!(shell.run(&["crawl", "nope", "--local", "tables"]).code, 1);
}

#[test]
fn no_table_at_all_is_told_why() {
    let shell = shop();
    shell.write("data/items.jsonl", r#"{"id":{"S":"1"}}"#);
    let done = shell.run(&["sync", "--local", "data"]);
    assert_eq!(done.code, 0);
    insta::assert_snapshot!(done.stderr, @"
     WARN local::dynamodb::folder: items.jsonl is not served: items.json, the definition of its table, is missing: `aws dynamodb describe-table --table-name items > items.json` writes it
    No table: a table is NAME.json, its definition, beside its items in NAME.jsonl or another form. See docs/local.md.
    ");
    let done = shell.run(&["sync", "--local", "tables", "--include", "ORDERS", "--check"]);
    insta::assert_snapshot!(done.stderr, @"No DynamoDB table passes --include and --exclude; names are case-sensitive.");
}

#[test]
fn only_loopback_is_listened_on_unless_told() {
    let shell = shop();
    let done = shell.run(&["serve", "--listen", "0.0.0.0:0", "--tables", "tables"]);
    assert_eq!(done.code, 1);
    assert!(done.stderr.contains("--allow-remote"), "{}", done.stderr);
}

fn wrong(shell: &Shell, args: &[&str], environment: &[(&str, &str)]) -> String {
    let Done { code, stdout, stderr } = shell.run_with(args, environment, b"");
    assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
    stderr
}

#[test]
fn wrong_settings_are_named_and_are_exit_code_2() {
    let shell = shop();
    let sync = ["sync", "--local", "tables"];
    let mistyped = wrong(&shell, &sync, &[("GLUE_DDB_CRAWLER_SCAN_RAET", "1")]);
    let named = "glue-ddb-crawler: GLUE_DDB_CRAWLER_SCAN_RAET: scan_raet: unknown field `scan_raet`, expected one of `";
    assert!(mistyped.starts_with(named) && mistyped.contains("`scan_rate`"), "{mistyped}");
    insta::assert_snapshot!(wrong(&shell, &sync, &[("GLUE_DDB_CRAWLER_SCAN_RATE", "9")]), @"glue-ddb-crawler: GLUE_DDB_CRAWLER_SCAN_RATE: scan_rate 9: use 0.1 to 1.5");
    insta::assert_snapshot!(wrong(&shell, &["sync", "--local", "tables", "--include", "a["], &[]), @r#"glue-ddb-crawler: include "a[": unclosed character class; missing ']'"#);
    insta::assert_snapshot!(wrong(&shell, &["sync", "--local", "tables", "--config", "no.toml"], &[]), @"glue-ddb-crawler: no.toml: No such file or directory (os error 2)");
    insta::assert_snapshot!(wrong(&shell, &["sync"], &[("AWS_EC2_METADATA_DISABLED", "true")]), @"glue-ddb-crawler: no region: give --region, set AWS_REGION, or configure a profile");
    shell.write("s.toml", "no_start = \"perhaps\"");
    insta::assert_snapshot!(wrong(&shell, &["sync", "--local", "tables", "--config", "s.toml"], &[]), @r#"glue-ddb-crawler: s.toml: no_start: invalid type: string "perhaps", expected a boolean"#);
}

#[test]
fn arguments_win_over_environment_over_file() {
    let shell = shop();
    shell.write("s.toml", "database = \"from_file\"\nwait = true\n");
    let database = |args: &[&str], environment: &[(&str, &str)]| -> String {
        let mut all = vec!["sync", "--local", "tables", "--dry-run", "--output", "json", "--config", "s.toml"];
        all.extend(args);
        let report: serde_json::Value = serde_json::from_str(&shell.run_with(&all, environment, b"").stdout).unwrap();
        report["database"].as_str().unwrap().to_owned()
    };
    let environment = [("GLUE_DDB_CRAWLER_DATABASE", "from_env")];
    assert_eq!(database(&[], &[]), "from_file");
    assert_eq!(database(&[], &environment), "from_env");
    assert_eq!(database(&["--database", "typed"], &environment), "typed");

    let environment = [("GLUE_DDB_CRAWLER_EXCLUDE", "users, tmp*")];
    let done = shell.run_with(&["sync", "--local", "tables", "--dry-run"], &environment, b"");
    assert!(done.stdout.contains("Orders") && !done.stdout.contains("users"), "{}", done.stdout);
}

/// `serve` in the background, until dropped.
struct Serving {
    process: Process,
    url: String,
}

impl Serving {
    fn new(shell: &Shell, args: &[&str]) -> Serving {
        let mut command = command(shell.folder.path());
        let (process, url) =
            Process::serve(command.args(["serve", "--listen", "127.0.0.1:0"]).args(args).stderr(Stdio::null()));
        Serving { process, url }
    }

    fn environment(&self, variable: &'static str) -> [(&'static str, &str); 4] {
        [(variable, &self.url), ("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x"), ("AWS_REGION", "eu-west-1")]
    }
}

#[cfg(unix)]
#[test]
fn serve_is_an_aws_for_sync_and_stops_when_told() {
    let shell = shop();
    let mut serving = Serving::new(&shell, &["--tables", "tables"]);
    let done = shell.run_with(&["sync", "--wait"], &serving.environment("AWS_ENDPOINT_URL"), b"");
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stdout.contains("2 linked") && done.stdout.contains("in eu-west-1"), "{}", done.stdout);

    serving.process.signal("-TERM");
    assert!(serving.process.wait().unwrap().success());
}

#[test]
fn a_dry_run_asks_for_no_export() {
    let shell = shop();
    let serving = Serving::new(&shell, &["--tables", "tables"]);
    let args = ["crawl", "Orders", "--via-export", "--bucket", "b", "--dry-run", "--output", "json"];
    let mut environment = serving.environment("AWS_ENDPOINT_URL").to_vec();
    environment.push(("GLUE_DDB_CRAWLER_EXPORT_PRICE", "1073741824"));
    let done = shell.run_with(&args, &environment, b"");
    assert_eq!(done.code, 0, "{}", done.stderr);
    let report: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    let estimate = &report["tables"][0]["estimate"];
    assert_eq!(estimate["export_dollars"].as_f64(), estimate["bytes"].as_f64(), "a dollar a byte");
    assert!(estimate["bytes"].as_u64() > Some(0) && report["calls"]["dynamodb:DescribeTable"] == 1, "{report}");
}

#[test]
fn local_without_a_folder_reads_dynamodb_where_the_sdk_finds_it() {
    let shell = shop();
    let serving = Serving::new(&shell, &["--tables", "tables", "--state", "elsewhere"]);
    let environment = serving.environment("AWS_ENDPOINT_URL_DYNAMODB");
    let done = shell.run_with(&["sync", "--local", "--wait"], &environment, b"");
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stdout.contains("2 linked") && done.stdout.contains("in eu-west-1"), "{}", done.stdout);
}

#[test]
fn serve_in_front_of_another_dynamodb_crawls_its_tables() {
    let shell = shop();
    let tables = Serving::new(&shell, &["--tables", "tables", "--state", "elsewhere"]);
    let front = Serving::new(&shell, &["--dynamodb-endpoint", &tables.url]);
    let done = shell.run_with(&["sync", "--wait"], &front.environment("AWS_ENDPOINT_URL"), b"");
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stdout.contains("2 linked"), "{}", done.stdout);
}
