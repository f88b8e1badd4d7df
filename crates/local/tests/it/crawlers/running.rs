//! Crawls that are stopped, cut off, shared between endpoints, or many at once.

use super::*;

#[tokio::test]
async fn a_stopped_crawl_ends_at_once() {
    let world = World::new(&[("Orders", &[ORDER])]).await;
    world.crawler(tables(&["Orders"])).await;
    let slow = Fault::Delay(Duration::from_secs(60));
    world.endpoint.server.faults().add(Rule::new("DynamoDB.Scan", Calls::Every, slow));
    world.glue.start_crawler().name("c").send().await.unwrap();
    let error = world.glue.start_crawler().name("c").send().await.unwrap_err().into_service_error();
    assert!(error.is_crawler_running_exception());
    while !world.endpoint.server.calls().contains_key("DynamoDB.Scan") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.glue.stop_crawler().name("c").send().await.unwrap();
    let last = world.until_ready().await.last_crawl.unwrap();
    assert_eq!(last.status(), Some(&LastCrawlStatus::Cancelled));
    let crawls = world.glue.list_crawls().crawler_name("c").send().await.unwrap().crawls.unwrap();
    assert_eq!(crawls[0].state(), Some(&CrawlerHistoryState::Stopped));
    assert_eq!(world.names().await, [""; 0]);
    let error = world.glue.stop_crawler().name("c").send().await.unwrap_err().into_service_error();
    assert!(error.is_crawler_not_running_exception());
}

#[tokio::test]
async fn a_crawl_does_not_outlive_its_server_nor_stay_running() {
    let (folder, state) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    write_table(folder.path(), "Orders", &[ORDER]);
    let config = || Config {
        source: Source::Files(folder.path().to_owned()),
        state: Some(state.path().to_owned()),
        ..Config::default()
    };
    let start = || async {
        let endpoint = Endpoint::start(config()).await;
        let glue = endpoint.glue(REGION, Attempts::One);
        World { folder: TempDir::new().unwrap(), endpoint, glue }
    };
    let world = start().await;
    world.role("reader", &["dynamodb:*"]).await;
    let database = DatabaseInput::builder().name("db").build().unwrap();
    world.glue.create_database().database_input(database).send().await.unwrap();
    world.crawler(tables(&["Orders"])).await;
    let slow = Fault::Delay(Duration::from_secs(60));
    world.endpoint.server.faults().add(Rule::new("DynamoDB.Scan", Calls::Every, slow));
    world.glue.start_crawler().name("c").send().await.unwrap();
    let World { endpoint, .. } = world;
    endpoint.server.stop().await;

    let world = start().await;
    let last = world.until_ready().await.last_crawl.unwrap();
    assert_eq!(last.status(), Some(&LastCrawlStatus::Failed));
    // Recorded by the endpoint that stopped, not by the next one.
    assert_eq!(last.error_message(), Some("Internal Service Exception: the crawl was given up."));
    world.crawled().await;
    assert_eq!(world.names().await, ["orders"]);
}

#[tokio::test]
async fn endpoints_that_share_a_state_leave_each_other_s_crawls_alone() {
    let (folder, state) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    write_table(folder.path(), "Orders", &[ORDER]);
    let start = || async {
        let source = Source::Files(folder.path().to_owned());
        let config = Config { source, state: Some(state.path().to_owned()), ..Config::default() };
        let endpoint = Endpoint::start(config).await;
        let glue = endpoint.glue(REGION, Attempts::One);
        World { folder: TempDir::new().unwrap(), endpoint, glue }
    };
    let first = start().await;
    first.role("reader", &["dynamodb:*"]).await;
    let database = DatabaseInput::builder().name("db").build().unwrap();
    first.glue.create_database().database_input(database).send().await.unwrap();
    first.crawler(tables(&["Orders"])).await;
    let slow = Fault::Delay(Duration::from_secs(60));
    first.endpoint.server.faults().add(Rule::new("DynamoDB.Scan", Calls::Every, slow));
    first.glue.start_crawler().name("c").send().await.unwrap();

    let second = start().await;
    let error = second.glue.start_crawler().name("c").send().await.unwrap_err().into_service_error();
    assert!(error.is_crawler_running_exception(), "{error}");
    second.glue.stop_crawler().name("c").send().await.unwrap();
    let crawler = second.until_ready().await;
    assert_eq!(crawler.last_crawl.unwrap().status(), Some(&LastCrawlStatus::Cancelled));

    second.crawled().await;
    assert_eq!(first.names().await, ["orders"]);
    first.endpoint.server.stop().await;
    second.crawled().await;
}

#[tokio::test]
async fn many_crawlers_run_side_by_side() {
    let items = [USER];
    let names: Vec<String> = (0..40).map(|n| format!("Table{n}")).collect();
    let rows: Vec<(&str, &[&str])> = names.iter().map(|name| (name.as_str(), &items[..])).collect();
    let world = World::new(&rows).await;
    for name in &names {
        let create = world.glue.create_crawler().name(name).role("reader").database_name("db").tags("k", "v");
        create.targets(tables(&[name])).send().await.unwrap();
    }
    for name in &names {
        world.glue.start_crawler().name(name).send().await.unwrap();
    }
    let crawlers = loop {
        let crawlers = world.glue.get_crawlers().max_results(1_000).send().await.unwrap().crawlers.unwrap();
        if crawlers.iter().all(|crawler| crawler.state() == Some(&CrawlerState::Ready)) {
            break crawlers;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    let failures: Vec<_> = crawlers.iter().filter_map(|crawler| crawler.last_crawl()?.error_message()).collect();
    assert_eq!(failures, [""; 0]);
    assert_eq!(world.names().await.len(), 40);
    let listed = world.glue.list_crawlers().tags("k", "v").max_results(1_000).send().await.unwrap();
    assert_eq!(listed.crawler_names().len(), 40);
}

/// Under each switch, what a second crawl that finds the same leaves of what people and the link step wrote.
#[tokio::test]
async fn a_crawl_leaves_of_others_what_the_switches_say() {
    for (asked, rewritten, parameters, comments) in [
        ("crawl-rewrites=yes", true, false, false),
        ("crawl-rewrites=no", false, true, true),
        ("crawl-keeps-parameters=yes", true, true, false),
        ("crawl-keeps-comments=yes", true, false, true),
    ] {
        let world = World::with(asked, &[("Orders", &[r#"{"id":{"S":"1"},"tags":{"SS":["a"]}}"#])]).await;
        world.crawler(tables(&["Orders"])).await;
        world.crawled().await;
        let table = world.table("orders").await;
        let mut descriptor = table.storage_descriptor.clone().unwrap();
        for column in descriptor.columns.iter_mut().flatten() {
            column.comment = Some("by hand".into());
            column.r#type = column.r#type.as_ref().map(|kind| kind.replace("set<", "array<"));
        }
        let input = TableInput::builder().name("orders").set_parameters(table.parameters.clone());
        let input = input.parameters("team", "shop").storage_descriptor(descriptor).build().unwrap();
        world.glue.update_table().database_name("db").table_input(input).send().await.unwrap();
        world.crawled().await;

        let table = world.table("orders").await;
        let has_set = columns(&table).contains(&"tags: set<string>".to_owned());
        assert_eq!(has_set, rewritten, "{asked}: {:?}", columns(&table));
        assert_eq!(parameter(&table, "team").is_some(), parameters, "{asked}");
        let comment = table.storage_descriptor().unwrap().columns()[0].comment().unwrap_or_default();
        assert_eq!(comment == "by hand", comments, "{asked}");
    }
}
