//! Reads the event of an invocation.

use crawl::{Error, Kind};
use serde::Deserialize;
use serde_json::Value;
use sync::Settings;
use sync::fanout::{FanOut, Shard};

/// What an invocation has to do, and with which settings.
#[derive(Debug, PartialEq)]
pub(crate) struct Invocation {
    pub task: Task,
    pub settings: Settings,
}

/// The task of an invocation.
#[derive(Debug, PartialEq)]
pub(crate) enum Task {
    /// The whole job.
    Sync,
    /// A crawl has ended: link its table and start the next crawlers.
    CrawlEnded { crawler: String, state: String },
    /// A crawl has begun, which needs no work.
    Nothing,
    /// A step of the timer or of a crawl in shards.
    Step(Step),
}

/// A step for the timer or the state machine in `template.yaml`.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "step", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Step {
    /// Continue what earlier runs have left.
    Continue {},
    /// Split a crawl into at most this many shards.
    Split { crawl: FanOut, shards: u32 },
    /// Continue to read a shard.
    Read { shard: Box<Shard> },
    /// Publish what all shards saw.
    Publish { shards: Vec<Shard> },
}

impl Task {
    /// The name in logs and metrics.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Task::Sync => "sync",
            Task::CrawlEnded { .. } | Task::Nothing => "crawl_ended",
            Task::Step(Step::Continue {}) => "continue",
            Task::Step(Step::Split { .. }) => "split",
            Task::Step(Step::Read { .. }) => "read",
            Task::Step(Step::Publish { .. }) => "publish",
        }
    }
}

impl Invocation {
    /// Reads an event. `null` and objects of settings, which override `settings`, are a `sync`. An object with `step` is one of
    /// the timer or the state machine. Of EventBridge's events only "Glue Crawler State Change" is supported.
    ///
    /// # Errors
    /// [`Kind::Settings`] for anything else, saying what is supported. An unrelated event must not start a run.
    pub(crate) fn from_event(event: &Value, settings: &Settings) -> Result<Invocation, Error> {
        match event {
            Value::Null => Ok(Invocation { task: Task::Sync, settings: settings.clone() }),
            Value::Object(keys) if keys.contains_key("detail-type") => {
                Ok(Invocation { task: crawl_ended(event)?, settings: settings.clone() })
            }
            Value::Object(keys) if keys.contains_key("step") => {
                let step = Step::deserialize(event).map_err(|error| wrong(format!("not a step: {error}")))?;
                Ok(Invocation { task: Task::Step(step), settings: settings.clone() })
            }
            Value::Object(keys) => Ok(Invocation { task: Task::Sync, settings: settings.with(keys)? }),
            _ => Err(wrong("an event must be an object: {} or settings, like {\"include\": [\"orders*\"]}".to_owned())),
        }
    }
}

/// EventBridge's envelope, without the members that don't matter here.
#[derive(Deserialize)]
struct EventBridge {
    source: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
    detail: Value,
}

/// <https://docs.aws.amazon.com/glue/latest/dg/automating-awsglue-with-cloudwatch-events.html>
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CrawlerStateChange {
    crawler_name: String,
    state: String,
}

fn crawl_ended(event: &Value) -> Result<Task, Error> {
    let EventBridge { source, detail_type, detail } = EventBridge::deserialize(event).map_err(unreadable)?;
    if (source.as_str(), detail_type.as_str()) != ("aws.glue", "Glue Crawler State Change") {
        return Err(wrong(format!(
            "the event {detail_type:?} of {source:?} is not supported: of EventBridge's events, only \"Glue Crawler State \
             Change\" of \"aws.glue\" is; the input of a schedule is {{}} or settings"
        )));
    }
    let CrawlerStateChange { crawler_name: crawler, state } =
        CrawlerStateChange::deserialize(&detail).map_err(unreadable)?;
    Ok(match state.as_str() {
        "Started" => Task::Nothing,
        _ => Task::CrawlEnded { crawler, state },
    })
}

fn unreadable(error: serde_json::Error) -> Error {
    wrong(format!("not an event \"Glue Crawler State Change\": {error}"))
}

fn wrong(message: String) -> Error {
    Error::new(Kind::Settings, message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn base() -> Settings {
        Settings { wait: true, ..Settings::default() }
    }

    fn read(event: Value) -> Result<Invocation, String> {
        Invocation::from_event(&event, &base()).map_err(|error| {
            assert_eq!(error.kind, Kind::Settings);
            error.message
        })
    }

    fn state_change(state: &str) -> Value {
        json!({
            "version": "0", "id": "c3a1", "account": "123456789012", "region": "eu-west-1", "resources": [],
            "time": "2026-11-22T03:00:00Z", "source": "aws.glue", "detail-type": "Glue Crawler State Change",
            "detail": {"crawlerName": "orders_crawler", "state": state, "message": "…", "tablesCreated": "1"},
        })
    }

    #[test]
    fn nothing_and_settings_are_a_sync() {
        assert_eq!(read(Value::Null), Ok(Invocation { task: Task::Sync, settings: base() }));
        assert_eq!(read(json!({})), Ok(Invocation { task: Task::Sync, settings: base() }));
        let settings = Settings { include: vec!["orders*".into()], ..base() };
        assert_eq!(read(json!({"include": ["orders*"]})), Ok(Invocation { task: Task::Sync, settings }));
    }

    #[test]
    fn the_end_of_a_crawl_is_taken_and_its_start_is_not() {
        for state in ["Succeeded", "Failed", "Stopped"] {
            let task = Task::CrawlEnded { crawler: "orders_crawler".into(), state: state.into() };
            assert_eq!(read(state_change(state)), Ok(Invocation { task, settings: base() }));
        }
        assert_eq!(read(state_change("Started")), Ok(Invocation { task: Task::Nothing, settings: base() }));
    }

    #[test]
    fn the_steps_of_a_crawl_are_taken() {
        let invocation =
            read(json!({"step": "split", "shards": 4, "crawl": {"table": "orders", "max_rcu": 100}})).unwrap();
        let Task::Step(Step::Split { crawl, shards: 4 }) = invocation.task else { panic!("{invocation:?}") };
        assert_eq!((crawl.table.as_str(), crawl.export, crawl.shards), ("orders", None, None));
        assert_eq!(Value::from(crawl.settings), json!({"max_rcu": 100}));
        assert_eq!(invocation.settings, base());
        let message = |event| read(event).unwrap_err();
        insta::assert_snapshot!(message(json!({"step": "split", "crawl": {}, "shards": 1})), @"not a step: missing field `table`");
        insta::assert_snapshot!(message(json!({"step": "walk"})), @"not a step: unknown variant `walk`, expected one of `continue`, `split`, `read`, `publish`");
        insta::assert_snapshot!(message(json!({"step": "read", "shard": {"table": "orders"}})), @"not a step: missing field `v`");
    }

    #[test]
    fn the_timer_goes_on_and_nothing_else() {
        let task = Task::Step(Step::Continue {});
        assert_eq!(read(json!({"step": "continue"})), Ok(Invocation { task, settings: base() }));
        insta::assert_snapshot!(read(json!({"step": "continue", "wait": true})).unwrap_err(), @"not a step: unknown field `wait`, there are no fields");
    }

    #[test]
    fn other_events_start_nothing_and_say_what_is_known() {
        let message = |event| read(event).unwrap_err();
        insta::assert_snapshot!(message(json!("{}")), @r#"an event must be an object: {} or settings, like {"include": ["orders*"]}"#);
        insta::assert_snapshot!(message(json!([])), @r#"an event must be an object: {} or settings, like {"include": ["orders*"]}"#);
        insta::assert_snapshot!(message(json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}})), @r#"the event "Scheduled Event" of "aws.events" is not supported: of EventBridge's events, only "Glue Crawler State Change" of "aws.glue" is; the input of a schedule is {} or settings"#);
        insta::assert_snapshot!(message(json!({"source": "aws.glue", "detail-type": "Glue Task State Change", "detail": {}})), @r#"the event "Glue Task State Change" of "aws.glue" is not supported: of EventBridge's events, only "Glue Crawler State Change" of "aws.glue" is; the input of a schedule is {} or settings"#);
        insta::assert_snapshot!(message(json!({"detail-type": "Glue Crawler State Change", "detail": {}})), @r#"not an event "Glue Crawler State Change": missing field `source`"#);
        insta::assert_snapshot!(message(json!({"source": "aws.glue", "detail-type": "Glue Crawler State Change", "detail": {"state": "Failed"}})), @r#"not an event "Glue Crawler State Change": missing field `crawlerName`"#);
        insta::assert_snapshot!(message(json!({"wait": 1})), @"wait: invalid type: integer `1`, expected a boolean");
        assert!(message(json!({"Records": []})).contains("unknown field `Records`, expected one of `database`"));
    }
}
