//! Random histories: tables come, change and go, people edit and delete what runs have made, calls fail, runs overlap. Whatever
//! happened, one quiet run leaves what a small model says, and nothing of anybody else's was touched.
//!
//! A failure prints its seed and its steps. `MODEL_SEED=N` plays that history alone, `MODEL_HISTORIES=N` so many.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::num::NonZero;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crawl::{Clients, Deadline};
use futures::{FutureExt, StreamExt, stream};
use local::faults::Rule;
use sync::report::Outcome;
use sync::{Job, Settings, continue_backlog};

use crate::support::{
    ACCOUNT, World, WorldExt, all_well, column_parameter, columns, only_linked_again, parameter, session, waiting,
};

mod people;
mod step;

use people::Others;
use step::{Random, Run, Step};

/// Two of them fold to one name in the catalog, one is too long for the names of crawler and role.
const TABLES: [&str; 5] = ["Orders", "my-table", "my.table", "users", LONG];
const LONG: &str = "a-table-whose-name-is-longer-than-that-of-any-role-may-be-in-iam-with-its-region";
/// Attributes with a value, and the type of their columns: a type is the attribute's for good.
const ATTRIBUTES: [(&str, &str, &str); 6] = [
    ("userName", r#"{"S":"u"}"#, "string"),
    ("Total", r#"{"N":"12"}"#, "bigint"),
    ("tags", r#"{"SS":["a"]}"#, "array<string>"),
    ("meta", r#"{"M":{}}"#, "map<string,string>"),
    ("ok", r#"{"BOOL":true}"#, "boolean"),
    ("Ship-To", r#"{"L":[{"N":"1.5"}]}"#, "array<double>"),
];
const STEPS: usize = 40;
const HISTORIES: u64 = 50;

/// Histories that found something; each stays.
const FOUND: [u64; 1] = [9];

#[test]
fn whatever_happens_a_quiet_run_puts_everything_right() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seeds: Vec<u64> = match number("MODEL_SEED") {
        Some(seed) => vec![seed],
        None => FOUND.into_iter().chain(1..=number("MODEL_HISTORIES").unwrap_or(HISTORIES)).collect(),
    };
    let next = AtomicUsize::new(0);
    // A runtime a core, each with whole worlds: the future of a run may not change threads.
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let mut failed: Vec<u64> = thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(|| play(&seeds, &next))).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    failed.sort_unstable();
    assert!(failed.is_empty(), "histories that fail: {failed:?}");
}

/// Plays histories, a few at once since each waits now and then, until none is left. Those that fail.
fn play(seeds: &[u64], next: &AtomicUsize) -> Vec<u64> {
    let left = std::iter::from_fn(|| seeds.get(next.fetch_add(1, Ordering::Relaxed)).copied());
    let one = |seed| async move {
        let played = AssertUnwindSafe(Box::pin(History::play(seed))).catch_unwind();
        played.await.is_err().then_some(seed)
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(stream::iter(left).map(one).buffer_unordered(3).filter_map(std::future::ready).collect())
}

/// One world, and what must hold in it.
struct History {
    seed: u64,
    world: World,
    others: Others,
    /// DynamoDB table -> attributes of its items, as indices.
    tables: BTreeMap<&'static str, Vec<usize>>,
    steps: Vec<Step>,
    /// Nothing was done by hand and no call failed since the last quiet run.
    undisturbed: bool,
}

impl Drop for History {
    #[allow(clippy::print_stderr, reason = "the test runner shows it with the failure")]
    fn drop(&mut self) {
        if thread::panicking() {
            let mut steps = String::new();
            self.steps.iter().for_each(|step| writeln!(steps, "  {step:?}").unwrap_or_default());
            eprintln!("MODEL_SEED={}\n{steps}", self.seed);
        }
    }
}

impl History {
    async fn play(seed: u64) {
        let mut random = Random::new(seed);
        // A region of its own: clients of one region share a limit of their rate.
        let world = World::in_region(&format!("eu-model-{seed}"), &[]).await;
        let others = Others::make(&world).await;
        let (tables, steps) = Default::default();
        let mut history = History { seed, world, others, tables, steps, undisturbed: true };
        for number in 1..=STEPS {
            let step = Step::any(&mut random, number % 20 <= 8);
            history.steps.push(step.clone());
            Box::pin(history.take(step)).await;
            if number % 20 == 0 {
                Box::pin(history.quiet()).await;
            }
        }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Put(table, attributes) => {
                let items: Vec<String> = attributes.iter().enumerate().map(|(id, index)| item(id, *index)).collect();
                self.world.put(table, &items.iter().map(String::as_str).collect::<Vec<_>>());
                self.tables.insert(table, attributes);
            }
            Step::Drop(table) => {
                if self.tables.remove(table).is_some() {
                    self.world.drop_table(table);
                }
            }
            Step::Edit(edit, table) => {
                people::edit(&self.world, edit, table).await;
                self.undisturbed = false;
            }
            Step::Fail { call, fault, answered } => {
                let rule = Rule::new("*", local::faults::Calls::Nth(call), fault);
                self.world.server.faults().add(if answered { rule.after() } else { rule });
                self.undisturbed = false;
            }
            Step::Run(run) => self.run(&run).await,
            Step::Together(one, other) => {
                // One that takes everything away disturbs the other.
                self.undisturbed &= ![&one, &other].iter().any(|run| matches!(run, Run::Prune(_)));
                tokio::join!(self.run(&one), self.run(&other));
            }
        }
    }

    /// A run fails only where something else did.
    async fn run(&self, run: &Run) {
        let clients = Clients::local(self.world.server.url(), &self.world.region);
        let (clients, deadline) = (&clients, Deadline::none());
        let report = match run {
            Run::Sync(sync) => {
                Box::pin(sync::run(&session(clients, &sync.settings).with_deadline(deadline), Job::Sync)).await
            }
            Run::Continue => {
                Box::pin(continue_backlog(&session(clients, &step::settings()).with_deadline(deadline))).await
            }
            Run::Event(table, state) => {
                let crawler = sync::naming::crawler("{table}_crawler", table);
                Box::pin(sync::event::crawl_ended(
                    &session(clients, &step::settings()).with_deadline(deadline),
                    &crawler,
                    state,
                ))
                .await
            }
            Run::Prune(extent) => {
                people::prune(clients, *extent).await;
                return;
            }
        };
        // An event may tell of a crawl that was never made.
        let told = matches!(run, Run::Event(..));
        match report {
            Ok(report) if self.undisturbed && !told => {
                let failed = report.tables.iter().find(|row| row.outcome == Outcome::Failed);
                assert!(failed.is_none(), "{run:?} reports a failure that is none: {failed:#?}");
            }
            Err(error) if self.undisturbed && !told => panic!("{run:?}: {error}"),
            _ => {}
        }
    }

    /// Nothing else happens any more, and one run, or two where people broke a role, puts everything right.
    async fn quiet(&mut self) {
        self.world.server.faults().clear();
        self.crawls_ended().await;
        let first = Box::pin(self.world.sync(&waiting())).await;
        if self.undisturbed {
            all_well(first);
        }
        self.crawls_ended().await;
        all_well(Box::pin(self.world.sync(&waiting())).await);
        self.undisturbed = true;
        Box::pin(self.holds()).await;
        only_linked_again(self.world.sync(&waiting()).await);
        let dry = self.world.sync(&Settings { dry_run: true, ..waiting() }).await;
        assert_eq!(dry.summary.changed, 0, "{:#?}", dry.tables);
    }

    async fn crawls_ended(&self) {
        let crawlers = self.world.clients.glue.get_crawlers().send().await.unwrap().crawlers.unwrap_or_default();
        for crawler in crawlers {
            let ended = self.world.crawl_ended(crawler.name().unwrap());
            tokio::time::timeout(Duration::from_secs(30), ended).await.expect("a crawl that does not end");
        }
    }

    async fn holds(&self) {
        let World { clients, region, .. } = &self.world;
        self.others.are_untouched(&self.world).await;
        let listed = self.world.tables().await;
        let mut found: BTreeMap<String, aws_sdk_glue::types::Table> = BTreeMap::new();
        for table in listed.values() {
            let Some(source) = crawl::catalog::Entry(table).source() else { continue };
            // The first by name is kept in step. A second one comes of two crawls at once, and is marked.
            if let Some(first) = found.get(source) {
                let marked = parameter(table, "DEPRECATED_BY_CRAWLER").is_some();
                assert!(marked, "two catalog tables of {source}: {first:?}, {table:?}");
                continue;
            }
            found.insert(source.to_owned(), table.clone());
        }
        for (table, attributes) in &self.tables {
            let catalogued = found.remove(*table).unwrap_or_else(|| panic!("no catalog table of {table}"));
            assert!(parameter(&catalogued, "DEPRECATED_BY_CRAWLER").is_none(), "{table} is there");
            let mut expected: Vec<String> = attributes.iter().map(|index| column(*index)).collect();
            expected.push("id: string".into());
            expected.sort();
            let mut shown = columns(&catalogued);
            shown.sort();
            assert_eq!(shown, expected, "{table}");
            for index in attributes {
                let (attribute, ..) = ATTRIBUTES[*index];
                let name = schema::naming::fold(attribute);
                assert_eq!(column_parameter(&catalogued, &name, "attribute"), Some(attribute), "{table}");
            }
            let version = parameter(&catalogued, "schemaVersionId").unwrap_or_else(|| panic!("{table} is not linked"));
            let version = clients.glue.get_schema_version().schema_version_id(version).send().await.unwrap();
            assert_eq!(version.status().unwrap().as_str(), "AVAILABLE", "{table}");
            let name = sync::naming::crawler("{table}_crawler", table);
            let made = clients.glue.get_crawler().name(&name).send().await.unwrap().crawler.unwrap();
            assert_eq!(made.targets().unwrap().dynamo_db_targets()[0].path(), Some(*table));
            let arn = format!("arn:aws:glue:{region}:{ACCOUNT}:crawler/{name}");
            let tags = clients.glue.get_tags().resource_arn(arn).send().await.unwrap().tags.unwrap();
            assert_eq!(tags.get("managed-by").map(String::as_str), Some("glue-ddb-crawler"), "{name}");
        }
        for (gone, table) in found {
            // Without this it is nobody's that we know.
            let crawled = parameter(&table, "UPDATED_BY_CRAWLER").is_some();
            let marked = parameter(&table, "DEPRECATED_BY_CRAWLER").is_some();
            assert!(marked || !crawled, "{gone} is gone, and not marked");
        }
    }
}

fn item(id: usize, attribute: usize) -> String {
    let (name, value, _) = ATTRIBUTES[attribute];
    format!(r#"{{"id":{{"S":"{id}"}},"{name}":{value}}}"#)
}

fn column(attribute: usize) -> String {
    let (name, _, kind) = ATTRIBUTES[attribute];
    format!("{}: {kind}", schema::naming::fold(name))
}
