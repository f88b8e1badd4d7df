use std::collections::BTreeMap;

use aws_sdk_glue::types::{Database, StorageDescriptor};

use super::*;

const ACCOUNT: &str = "123456789012";
const REGION: &str = "eu-west-1";

fn inventory(tables: &[&str]) -> Inventory {
    Inventory {
        account: ACCOUNT.into(),
        region: REGION.into(),
        tables: tables.iter().map(|table| (*table).to_owned()).collect(),
        ..Inventory::default()
    }
}

fn database(location: &str) -> Database {
    Database::builder().name("ddb_tables").location_uri(location).build().unwrap()
}

/// The inventory after `plan` was carried out: what a second run finds.
fn planned(inventory: &Inventory, settings: &Settings) -> Plan {
    plan(inventory, &settings.clone().validate().unwrap())
}

fn applied(mut inventory: Inventory, plan: &Plan, settings: &Settings) -> Inventory {
    inventory.database = Some(database(DATABASE_LOCATION));
    for table in &plan.tables {
        inventory.catalog.push(catalog_table(&table.catalog_table, &table.table, &[("UPDATED_BY_CRAWLER", "x")]));
        let Some(crawler) = &table.crawler else { continue };
        let fingerprint = role_scope(&inventory, settings, &table.table).fingerprint();
        let arn = format!("arn:aws:iam::{ACCOUNT}:role/glue-ddb-crawler/{}", crawler.role);
        inventory.roles.insert(crawler.role.clone(), RoleInfo { arn, fingerprint: Some(fingerprint) });
        inventory.crawlers.insert(crawler.name.clone(), crawler_info(crawler.config.clone()));
    }
    inventory
}

fn crawler_info(config: CrawlerConfig) -> CrawlerInfo {
    CrawlerInfo { owned: true, running: false, last_crawl: Some(1_700_000_000), last_error: None, config }
}

fn catalog_table(name: &str, source: &str, parameters: &[(&str, &str)]) -> Table {
    let location = crawl::naming::table_arn(REGION, ACCOUNT, source);
    let parameters = parameters.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Table::builder()
        .name(name)
        .storage_descriptor(StorageDescriptor::builder().location(location).build())
        .set_parameters(Some(parameters))
        .build()
        .unwrap()
}

fn crawler_of<'a>(plan: &'a Plan, table: &str) -> &'a CrawlerPlan {
    plan.tables.iter().find(|t| t.table == table).unwrap().crawler.as_ref().unwrap()
}

/// Whether anything but crawls is left to do.
fn is_right(plan: &Plan) -> bool {
    let is_right = |table: &TablePlan| match &table.crawler {
        None => table.catalogued,
        Some(crawler) => crawler.role_change == RoleChange::None && crawler.change == CrawlerChange::None,
    };
    plan.database == DatabaseChange::None && plan.vanished.is_empty() && plan.tables.iter().all(is_right)
}

#[test]
fn an_empty_account_needs_everything() {
    let plan = planned(&inventory(&["Orders", "users"]), &Settings::default());
    assert_eq!(plan.database, DatabaseChange::Create);
    let orders = crawler_of(&plan, "Orders");
    assert_eq!((orders.name.as_str(), orders.role.as_str()), ("Orders_crawler", "Orders_crawler_eu-west-1"));
    assert_eq!((orders.role_change, &orders.change), (RoleChange::Create, &CrawlerChange::Create));
    assert_eq!(orders.config.targets, [("Orders".to_owned(), true, None)]);
    assert!(!is_right(&plan));
}

#[test]
fn what_was_applied_needs_nothing() {
    for settings in [Settings::default(), Settings { engine: Engine::Native, ..Settings::default() }] {
        let empty = inventory(&["A-b", "a_b", "c"]);
        let first = planned(&empty, &settings);
        let second = planned(&applied(empty, &first, &settings), &settings);
        assert!(is_right(&second), "{second:?}");
        let names = |plan: &Plan| -> BTreeMap<String, String> {
            plan.tables.iter().map(|t| (t.table.clone(), t.catalog_table.clone())).collect()
        };
        assert_eq!(names(&first), names(&second));
    }
}

#[test]
fn drift_is_repaired_and_foreign_crawlers_are_left_alone() {
    let settings = Settings::default();
    let empty = inventory(&["a", "b", "c", "d"]);
    let first = planned(&empty, &settings);
    let mut now = applied(empty, &first, &settings);
    now.roles.get_mut("a_crawler_eu-west-1").unwrap().fingerprint = None;
    now.crawlers.get_mut("b_crawler").unwrap().config.targets[0].1 = false;
    now.crawlers.get_mut("c_crawler").unwrap().owned = false;
    now.crawlers.get_mut("d_crawler").unwrap().running = true;
    now.crawlers.get_mut("d_crawler").unwrap().last_error =
        Some("AccessDeniedException: User: x is not authorized".into());

    let plan = planned(&now, &settings);
    assert_eq!(crawler_of(&plan, "a").role_change, RoleChange::Repair);
    assert_eq!(crawler_of(&plan, "b").change, CrawlerChange::Update);
    assert_eq!(crawler_of(&plan, "c").change, CrawlerChange::Foreign);
    assert!(crawler_of(&plan, "d").running);
    assert_eq!(crawler_of(&plan, "d").role_change, RoleChange::Repair, "its last crawl was denied");
}

#[test]
fn a_changed_setting_updates_crawlers_and_roles() {
    let settings = Settings::default();
    let empty = inventory(&["a"]);
    let first = planned(&empty, &settings);
    let now = applied(empty, &first, &settings);
    let slower = planned(&now, &Settings { scan_rate: Some(0.2), ..settings.clone() });
    assert_eq!(crawler_of(&slower, "a").change, CrawlerChange::Update);
    assert_eq!(crawler_of(&slower, "a").role_change, RoleChange::None);
    let wider = planned(&now, &Settings { managed_policy: true, ..settings });
    assert_eq!(crawler_of(&wider, "a").role_change, RoleChange::Repair);
}

#[test]
fn never_crawled_first_then_the_stalest() {
    let settings = Settings::default();
    let empty = inventory(&["a", "b", "c", "new"]);
    let first = planned(&empty, &settings);
    let mut now = applied(empty, &first, &settings);
    for (name, last_crawl) in [("a", Some(300)), ("b", Some(100)), ("c", Some(200)), ("new", None)] {
        now.crawlers.get_mut(&format!("{name}_crawler")).unwrap().last_crawl = last_crawl;
    }
    let order: Vec<String> = planned(&now, &settings).tables.into_iter().map(|t| t.table).collect();
    assert_eq!(order, ["new", "b", "c", "a"]);
}

#[test]
fn vanished_tables_are_retired_once_and_only_ours() {
    let mut now = inventory(&["here"]);
    now.catalog = vec![
        catalog_table("here", "here", &[("UPDATED_BY_CRAWLER", "x")]),
        catalog_table("gone", "Gone", &[("UPDATED_BY_CRAWLER", "x")]),
        catalog_table("marked", "Marked", &[("UPDATED_BY_CRAWLER", "x"), ("DEPRECATED_BY_CRAWLER", "1")]),
        catalog_table("by_hand", "ByHand", &[]),
    ];
    let vanished = |settings: Settings| -> Vec<String> {
        planned(&now, &settings).vanished.into_iter().map(|v| v.catalog_table).collect()
    };
    let behavior = |on_delete| Settings { on_delete, ..Settings::default() };
    assert_eq!(vanished(behavior(DeleteBehavior::DeprecateInDatabase)), ["gone"]);
    assert_eq!(vanished(behavior(DeleteBehavior::DeleteFromDatabase)), ["gone", "marked"]);
    assert!(vanished(behavior(DeleteBehavior::Log)).is_empty());
    assert!(vanished(Settings { exclude: vec!["G*".into()], ..Settings::default() }).is_empty());
}

#[test]
fn a_second_catalog_table_of_our_own_is_retired_once() {
    let mut now = inventory(&["Orders"]);
    now.catalog = vec![
        catalog_table("orders", "Orders", &[("UPDATED_BY_CRAWLER", "Orders_crawler")]),
        catalog_table("orders_1", "Orders", &[("UPDATED_BY_CRAWLER", "glue-ddb-crawler")]),
        catalog_table(
            "orders_2",
            "Orders",
            &[("UPDATED_BY_CRAWLER", "Orders_crawler"), ("DEPRECATED_BY_CRAWLER", "1")],
        ),
        catalog_table("orders_by_hand", "Orders", &[]),
        catalog_table("theirs_orders", "Orders", &[("UPDATED_BY_CRAWLER", "theirs")]),
    ];
    let plan = planned(&now, &Settings::default());
    assert_eq!(plan.tables[0].catalog_table, "orders");
    let retired: Vec<_> = plan.vanished.iter().map(|v| (v.catalog_table.as_str(), v.instead.as_deref())).collect();
    assert_eq!(retired, [("orders_1", Some("orders"))]);
}

#[test]
fn a_database_without_the_flag_gets_it() {
    let mut now = inventory(&[]);
    now.database = Some(database("s3://bucket/"));
    assert_eq!(planned(&now, &Settings::default()).database, DatabaseChange::Flag);
}

#[test]
fn names_in_use_by_other_tables_are_not_taken() {
    let mut now = inventory(&["orders"]);
    let foreign = StorageDescriptor::builder().location("s3://bucket/orders/").build();
    now.catalog = vec![Table::builder().name("orders").storage_descriptor(foreign).build().unwrap()];
    let plan = planned(&now, &Settings::default());
    assert_eq!(plan.tables[0].catalog_table, "orders_1c168adb");
    assert!(!plan.tables[0].catalogued);
}

#[test]
fn native_crawls_begin_with_what_is_missing_and_what_was_cut_off() {
    use aws_sdk_glue::primitives::DateTime;
    let mut now = inventory(&["cut", "new", "old", "young"]);
    let written = |name: &str, seconds: i64, parameters: &[(&str, &str)]| {
        let mut table = catalog_table(name, name, parameters);
        table.update_time = Some(DateTime::from_secs(seconds));
        table
    };
    now.catalog =
        vec![written("young", 2000, &[]), written("cut", 3000, &[("crawl", "{}")]), written("old", 1000, &[])];
    let plan = planned(&now, &Settings { engine: Engine::Native, ..Settings::default() });
    let order: Vec<&str> = plan.tables.iter().map(|table| table.table.as_str()).collect();
    assert_eq!(order, ["new", "cut", "old", "young"]);
}

/// What a region of five tables gets: `c` has its crawler and `b` a crawler without role; the others have nothing.
#[test]
fn quotas_give_crawlers_in_the_order_of_starting() {
    let settings = Settings { role_headroom: 10, ..Settings::default() };
    let empty = inventory(&["a", "b", "c", "d", "e"]);
    let all = planned(&empty, &settings);
    let mut now = applied(empty, &all, &settings);
    for name in ["a", "d", "e"] {
        now.crawlers.remove(&format!("{name}_crawler"));
        now.roles.remove(&format!("{name}_crawler_eu-west-1"));
    }
    now.roles.remove("b_crawler_eu-west-1");
    for (crawlers, roles, expected) in [
        (1000, (10, 1000), ["crawler", "crawler", "crawler", "crawler", "crawler"]),
        (4, (10, 1000), ["crawler", "crawler", "crawler", "crawler", "none"]),
        (2, (10, 1000), ["none", "crawler", "crawler", "none", "none"]),
        (0, (10, 1000), ["none", "crawler", "crawler", "none", "none"]),
        (1000, (10, 22), ["crawler", "crawler", "crawler", "none", "none"]),
        (1000, (990, 1000), ["none", "none", "crawler", "none", "none"]),
        (1000, (995, 1000), ["none", "none", "crawler", "none", "none"]),
    ] {
        let now = Inventory { account_roles: Some(roles), ..now.clone() };
        let plan = planned(&now, &Settings { crawler_quota: crawlers, ..settings.clone() });
        let got = ["a", "b", "c", "d", "e"].map(|name| {
            let table = plan.tables.iter().find(|table| table.table == name).unwrap();
            assert_eq!(table.crawler.is_none(), table.beyond_quota);
            if table.beyond_quota { "none" } else { "crawler" }
        });
        assert_eq!(got, expected, "{crawlers} crawlers, {roles:?} roles");
        assert_eq!((plan.quotas.crawlers.needed, plan.quotas.roles.needed), (3, 4));
        assert_eq!(plan.quotas.beyond, expected.iter().filter(|given| **given == "none").count());
    }
}
