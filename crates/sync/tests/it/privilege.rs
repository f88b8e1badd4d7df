//! The policy of a run is enough for all that a run does, and nothing in it is there for nothing: the endpoint judges every
//! call of a role by its policies, as AWS does.

use std::collections::BTreeSet;
use std::time::Duration;

use crawl::Clients;
use crawl::options::DeleteBehavior;
use futures::stream::{self, StreamExt};
use local::Unknowns;
use local::faults::{Calls, Fault, Rule};
use serde_json::{Value, json};
use sync::event::crawl_ended;
use sync::policy::RunScope;
use sync::report::Outcome;
use sync::settings::Engine;
use sync::{Job, Report, Settings};
use testkit::assume;

use crate::support::{ACCOUNT, REGION, World, session};

const ITEM: &str = r#"{"id":{"S":"1"},"n":{"N":"1"}}"#;
const WIDER: &str = r#"{"id":{"S":"2"},"n":{"N":"2"},"more":{"S":"x"}}"#;

/// A world in which the job runs as a role of its own, with the boundary of its crawlers' roles in place.
struct Capped {
    world: World,
    settings: Settings,
    clients: Clients,
}

impl Capped {
    /// `change` is done to the policy of the run before its role gets it.
    async fn new(change: impl FnOnce(&mut Value)) -> Capped {
        Capped::with(Unknowns::default(), change).await
    }

    /// On an endpoint that takes these positions where AWS says nothing.
    async fn with(unknowns: Unknowns, change: impl FnOnce(&mut Value)) -> Capped {
        let world = World::start(REGION, unknowns, &[("tbla", &[ITEM]), ("tblb", &[ITEM])]).await;
        let mut settings = Settings { wait: true, concurrency: 1, propagation_limit: 0, ..Settings::default() };
        let document =
            RunScope { region: REGION, account: ACCOUNT, settings: &settings, export_bucket: None }.boundary();
        let iam = &world.clients.iam;
        let boundary = iam.create_policy().policy_name("boundary").path("/glue-ddb-crawler/");
        let boundary = boundary.policy_document(document.to_string()).send().await.unwrap().policy.unwrap();
        settings.permissions_boundary = boundary.arn;

        let mut policy =
            RunScope { region: REGION, account: ACCOUNT, settings: &settings, export_bucket: None }.permissions();
        change(&mut policy);
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")},
        }]});
        let role = iam.create_role().role_name("function").assume_role_policy_document(trust.to_string());
        let role = role.send().await.unwrap().role.unwrap();
        let put = iam.put_role_policy().role_name("function").policy_name("run").policy_document(policy.to_string());
        put.send().await.unwrap();
        let clients = assume(&world.clients.sts, world.server.url(), role.arn()).await;
        Capped { world, settings, clients }
    }

    /// A run that has to go well in every table.
    async fn sync(&self, settings: &Settings) -> Result<Report, String> {
        // A run in place would make the futures of these tests larger than the stack of their threads.
        let report = Box::pin(sync::run(&session(&self.clients, settings), Job::Sync)).await;
        well(report.map_err(|error| error.message)?)
    }

    /// All that runs and events ever do, in turn, until something is refused.
    async fn everything(&self) -> Result<(), String> {
        let Capped { world, settings, clients } = self;
        // Answers that get lost: what is there already is looked at.
        for operation in ["IAM.CreateRole", "Glue.CreateCrawler"] {
            world.server.faults().add(Rule::new(operation, Calls::Nth(1), Fault::Reset).after());
        }
        self.sync(settings).await?;
        world.server.faults().clear();

        // A role that was left half-made, a crawler that is set otherwise, a policy on and off.
        let spoilt =
            world.clients.iam.update_role().role_name(format!("tbla_crawler_{REGION}")).description("half-made");
        spoilt.send().await.unwrap();
        let slower = Settings { scan_rate: Some(0.2), managed_policy: true, ..settings.clone() };
        self.sync(&slower).await?;
        self.sync(settings).await?;

        // More columns, and the newest version is one that the registry refused.
        world.put("tbla", &[ITEM, WIDER]);
        let refused =
            r#"{"SchemaVersionId":"4a1f6d1e-0000-4000-8000-000000000000","VersionNumber":2,"Status":"FAILURE"}"#;
        world.server.faults().add(Rule::new("Glue.GetSchemaVersion", Calls::Nth(1), Fault::Answer(refused.into())));
        self.sync(settings).await?;
        world.server.faults().clear();

        // New tables, one crawler at a time; the end of its crawl links its table and starts the next.
        world.put("tbld", &[ITEM]);
        world.put("tble", &[ITEM]);
        let one = Settings { wait: false, max_running: 1, ..settings.clone() };
        let report = sync::run(&session(clients, &one), Job::Sync).await.map_err(|error| error.message)?;
        if let Some(denied) = report.tables.iter().filter_map(|t| t.reason.clone()).find(|r| r.contains("AccessDenied"))
        {
            return Err(denied);
        }
        let started = report.tables.iter().find(|table| table.outcome == Outcome::Started);
        let crawler = started.and_then(|table| table.crawler.clone()).ok_or("none was started")?;
        world.crawl_ended(&crawler).await;
        let ended = crawl_ended(&session(clients, &one), &crawler, "Succeeded").await;
        let ended = well(ended.map_err(|error| error.message)?)?;
        if ended.summary.started != 1 {
            return Err(format!("the next was not started: {ended:?}"));
        }

        // The native engine, on a new table that grows and goes.
        let native = Settings {
            engine: Engine::Native,
            include: vec!["tblc".into()],
            on_delete: DeleteBehavior::DeleteFromDatabase,
            ..settings.clone()
        };
        world.put("tblc", &[ITEM]);
        self.sync(&native).await?;
        world.put("tblc", &[ITEM, WIDER]);
        self.sync(&native).await?;
        world.drop_table("tblc");
        self.sync(&native).await?;
        Ok(())
    }
}

fn well(report: Report) -> Result<Report, String> {
    if report.quotas.as_ref().is_some_and(|quotas| quotas.roles.assumed) {
        return Err("AccessDenied: iam:GetAccountSummary: the account's roles had to be assumed".into());
    }
    match report.tables.iter().find_map(|table| table.reason.clone()) {
        Some(reason) => Err(reason),
        None => Ok(report),
    }
}

fn statements(policy: &mut Value) -> &mut Vec<Value> {
    policy["Statement"].as_array_mut().unwrap()
}

#[tokio::test]
async fn the_policy_is_enough_and_no_action_is_there_for_nothing() {
    let mut actions = BTreeSet::new();
    let whole = Capped::new(|policy| {
        for statement in statements(policy) {
            let sid = statement["Sid"].as_str().unwrap().to_owned();
            actions.extend(
                statement["Action"].as_array().unwrap().iter().map(|a| (sid.clone(), a.as_str().unwrap().to_owned())),
            );
        }
    });
    whole.await.everything().await.unwrap();

    // Nothing here is encrypted.
    actions.retain(|(_, action)| action != "kms:Decrypt");
    assert!(actions.len() > 35, "{actions:?}");
    let without = |(sid, action): (String, String)| async move {
        let capped = Capped::new(|policy| {
            let statement = statements(policy).iter_mut().find(|statement| statement["Sid"] == *sid).unwrap();
            let left: Vec<&Value> = statement["Action"].as_array().unwrap().iter().filter(|a| **a != *action).collect();
            match left.is_empty() {
                false => statement["Action"] = json!(left),
                true => statement["Effect"] = json!("Deny"),
            }
        });
        let refused = capped.await.everything().await.expect_err(&format!("{sid} {action} is not needed"));
        assert!(refused.contains("AccessDenied") && refused.contains(&action), "{sid} {action}: {refused}");
    };
    stream::iter(actions).for_each_concurrent(4, without).await;
}

/// What is new in IAM and Glue has no tags, boundary and policies for a while, and some of the policy goes by these.
#[tokio::test]
async fn what_takes_seconds_to_count_is_waited_for() {
    let capped = Capped::with(Unknowns { propagation: 2, ..Unknowns::default() }, |_| ()).await;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let report = capped.sync(&Settings { propagation_limit: 90, ..capped.settings.clone() }).await.unwrap();
    assert_eq!(report.summary.crawled, 2, "{report:#?}");
}

/// The template of the first release allowed UpdateRole only under a condition that it never meets: its roles have a tag, a
/// boundary and a policy, and the description of one that is being made.
#[tokio::test]
async fn roles_that_the_first_release_left_half_made_are_finished() {
    let capped = Capped::new(|_| ()).await;
    let Capped { world, settings, .. } = &capped;
    let name = format!("tbla_crawler_{REGION}");
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "glue.amazonaws.com"},
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    }]});
    let tag = aws_sdk_iam::types::Tag::builder().key("managed-by").value("glue-ddb-crawler").build().unwrap();
    let half_made = world.clients.iam.create_role().role_name(&name).path("/glue-ddb-crawler/").tags(tag);
    let half_made = half_made.set_permissions_boundary(settings.permissions_boundary.clone());
    let half_made = half_made.description("Being created for the DynamoDB table tbla");
    half_made.assume_role_policy_document(trust.to_string()).send().await.unwrap();

    let report = capped.sync(settings).await.unwrap();
    assert_eq!(report.summary.crawled, 2, "{report:#?}");
    let role = world.clients.iam.get_role().role_name(&name).send().await.unwrap().role.unwrap();
    assert!(role.description().unwrap().contains("[policy "), "{role:?}");
    assert!(role.assume_role_policy_document().unwrap().contains("StringEqualsIfExists"), "{role:?}");
}

#[tokio::test]
async fn a_run_reaches_nothing_that_is_not_its_own() {
    let capped = Capped::new(|_| ()).await;
    let own = &capped.settings;
    let another_policy = Some("arn:aws:iam::aws:policy/AdministratorAccess".to_owned());
    for (settings, refused) in [
        (Settings { permissions_boundary: None, ..own.clone() }, "iam:CreateRole"),
        (Settings { permissions_boundary: another_policy, ..own.clone() }, "iam:CreateRole"),
        (Settings { crawler_name: "{table}-other".into(), ..own.clone() }, "glue:TagResource"),
        (Settings { database: "other".into(), ..own.clone() }, "glue:GetDatabase"),
        (Settings { database: "other".into(), engine: Engine::Native, ..own.clone() }, "glue:GetDatabase"),
        (Settings { registry: "other".into(), engine: Engine::Native, ..own.clone() }, "glue:"),
    ] {
        let reason = capped.sync(&settings).await.unwrap_err();
        assert!(reason.contains("AccessDenied") && reason.contains(refused), "{refused}: {reason}");
    }
}

/// Somebody's crawler under the very name: nothing about it changes, whoever asks.
#[tokio::test]
async fn a_foreign_crawler_stays_as_it_is() {
    let capped = Capped::new(|_| ()).await;
    let Capped { world, settings, clients } = &capped;
    capped.sync(settings).await.unwrap();
    let arn = format!("arn:aws:glue:{REGION}:{ACCOUNT}:crawler/tbla_crawler");
    world.clients.glue.untag_resource().resource_arn(arn).tags_to_remove("managed-by").send().await.unwrap();
    let reason = capped.sync(settings).await.unwrap_err();
    assert!(reason.contains("tbla_crawler exists that is not ours"), "{reason}");
    let start = clients.glue.start_crawler().name("tbla_crawler").send().await;
    let update = clients.glue.update_crawler().name("tbla_crawler").description("mine").send().await;
    for error in
        [start.unwrap_err().into_service_error().to_string(), update.unwrap_err().into_service_error().to_string()]
    {
        assert!(error.contains("AccessDenied"), "{error}");
    }
}
