//! `show`, and the profile that `infer` prints.

use crate::run::Shell;

const ITEMS: [&str; 2] = [
    r#"{"id":{"S":"SECRET"},"n":{"N":"77"},"o":{"M":{"a":{"N":"1.5"}}}}"#,
    r#"{"id":{"S":"b"},"n":{"NULL":true},"tags":{"SS":["x","y"]}}"#,
];

const COUNTED: &str = "\
ATTRIBUTE  PRESENT  GLUE TYPE  WHY
id         100 %    string     all are text
n          100 %    bigint     all are whole, in 64 bits; NULL in 50 %
o          50 %     struct     maps with 1 name
  a        100 %    double     some have a fraction, and a double keeps all
tags       50 %     array      all are sets
  []       2 times  string     all are text

2 items, 122 B
";

#[test]
fn a_crawled_table_shows_what_was_counted_and_no_value() {
    let shell = Shell::new();
    shell.table("tables", "Shop.Orders", &ITEMS);
    assert_eq!(shell.run(&["crawl", "--local", "tables"]).code, 0);
    for name in ["Shop.Orders", "shop_orders"] {
        let done = shell.run(&["show", name, "--local", "tables"]);
        let expected = format!("Shop.Orders -> ddb_tables.shop_orders, crawled by glue-ddb-crawler\n\n{COUNTED}");
        assert_eq!((done.code, done.stdout), (0, expected));
    }
    let done = shell.run(&["show", "Shop.Orders", "--local", "tables", "--output", "json"]);
    let shown: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    let infer = shell.run(&["infer", "tables/Shop.Orders.jsonl", "--format", "profile"]);
    let profile: serde_json::Value = serde_json::from_str(&infer.stdout).unwrap();
    assert_eq!((&shown["table"], &shown["profile"]), (&"Shop.Orders".into(), &profile));
    assert!(!done.stdout.contains("SECRET") && !done.stdout.contains("77"));
    let missing = shell.run(&["show", "Orderz", "--local", "tables"]);
    let expected = "glue-ddb-crawler: the Glue database ddb_tables has no table Orderz: crawl it first\n";
    assert_eq!((missing.code, &*missing.stderr), (1, expected));
}

#[test]
fn what_a_crawler_of_glue_wrote_has_no_counts() {
    let shell = Shell::new();
    shell.table("tables", "Orders", &ITEMS);
    assert_eq!(shell.run(&["sync", "--local", "tables"]).code, 0);
    let done = shell.run(&["show", "Orders", "--local", "tables"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stdout.contains("\nid  string\n"), "{}", done.stdout);
    assert!(done.stdout.contains("Nobody counted how often these are there"), "{}", done.stdout);
}
