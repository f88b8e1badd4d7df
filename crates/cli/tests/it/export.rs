//! `crawl` with exports; what is read and checked is tested in the crate `crawler`.

use crate::run::Shell;

#[test]
fn what_contradicts_itself_is_wrong_usage() {
    let shell = Shell::new();
    shell.write("e/manifest-summary.json", r#"{"exportArn":"arn:aws:dynamodb:us-east-1:123456789012:table/t/export/1","tableArn":"arn:aws:dynamodb:us-east-1:123456789012:table/t","manifestFilesS3Key":"AWSDynamoDB/1/manifest-files.json","itemCount":0,"outputFormat":"DYNAMODB_JSON"}"#);
    shell.write("e/manifest-files.json", "");
    for (args, message) in [
        (&["crawl", "a", "b", "--export", "e"][..], "an export holds one table: name one, or none"),
        (
            &["crawl", "--via-export", "--bucket", "b", "--region", "eu-west-1"],
            "--via-export is for one table: name it",
        ),
        (&["crawl", "a", "--via-export"], "--bucket <BUCKET[/PREFIX]>"),
        (&["crawl", "a", "--bucket", "b"], "--via-export"),
        (&["crawl", "a", "--via-export", "--bucket", "b", "--export", "e"], "cannot be used with"),
        (&["crawl", "a", "--export", "e", "--sample", "auto"], "cannot be used with"),
        (&["crawl", "--export", "s3://"], "the export s3://: give it as s3://bucket/prefix"),
        (&["crawl", "--export", "none"], "the export none: No such file or directory"),
    ] {
        let done = shell.run(args);
        assert_eq!(done.code, 2, "{args:?}: {}", done.stderr);
        assert!(done.stderr.contains(message), "{args:?}: {}", done.stderr);
    }
    let empty = shell.run(&["crawl", "--export", "e", "--local"]);
    assert_eq!(empty.code, 1, "{}", empty.stderr);
    assert!(empty.stderr.contains("has no checksum beside it, and is taken as it is"), "{}", empty.stderr);
}

#[test]
fn an_export_is_crawled_into_the_local_catalog() {
    let shell = Shell::new();
    shell.table("tables", "shop", &[]);
    shell.write("e/manifest-summary.json", r#"{"exportArn":"arn:aws:dynamodb:eu-west-1:999999999999:table/x/export/1","tableArn":"arn:aws:dynamodb:eu-west-1:999999999999:table/x","manifestFilesS3Key":"AWSDynamoDB/1/manifest-files.json","itemCount":0,"outputFormat":"DYNAMODB_JSON"}"#);
    shell.write("e/manifest-files.json", "");
    let other = shell.run(&["crawl", "--export", "e", "--local", "tables", "-q"]);
    assert_eq!(other.code, 1);
    assert!(other.stderr.contains("name the table to read it for"), "{}", other.stderr);
    let crawl = |arguments: &[&str]| {
        let done = shell.run(&[&["crawl", "shop", "--export", "e", "--local", "tables", "-q"], arguments].concat());
        assert_eq!(done.code, 0, "{}", done.stderr);
        done
    };
    let planned = crawl(&["--dry-run"]).stdout;
    let planned: Vec<&str> = planned.lines().take(5).collect();
    insta::assert_snapshot!(planned.join("\n"), @"
    DYNAMODB TABLE  GLUE TABLE  COLUMNS  ITEMS  SCHEMA  RESULT
    shop            shop              -      -  -       to do: new table

    TO READ  ITEMS  SIZE  READ UNITS  SECONDS  COST  SAMPLE UNITS  COST  EXPORT
    shop         0   0 B           0        -    $0             -     -       -
    ");
    let done = crawl(&[]);
    assert!(done.stdout.contains("crawled; new table, schema"), "{}", done.stdout);
    let planned = crawl(&["--dry-run"]).stdout;
    let planned: Vec<&str> =
        planned.lines().filter(|line| line.ends_with("to read") || line.contains(" -> ")).collect();
    assert!(
        matches!(planned[..], [_, summary] if summary.contains("123456789012): 1 to read. Dry run")),
        "{planned:?}"
    );
}
