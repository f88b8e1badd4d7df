//! The function: its state per cold start, and the handling of one invocation.

use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use aws_config::SdkConfig;
use crawl::{Clients, Deadline, Error, Kind};
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::Value;
use sync::fanout;
use sync::report::Outcome;
use sync::{Job, Report, Session, Settings};

use crate::answer::{Answer, Done};
use crate::event::{Invocation, Step, Task};
use crate::metrics::Metrics;

/// Lambda's own limit for the duration of an invocation.
const MAX_DURATION: Duration = Duration::from_secs(900);

/// What all invocations share.
pub(crate) struct Function {
    sdk: SdkConfig,
    /// The environment's settings, or what is wrong with them. Reported by each invocation, since its caller never sees why an
    /// init failed.
    settings: Result<Settings, String>,
}

impl Function {
    pub(crate) async fn from_environment() -> Function {
        let settings = Settings::default().with_environment().map_err(|error| error.message);
        match &settings {
            // Settings hold no secrets.
            Ok(settings) => tracing::info!(settings = serde_json::to_string(settings).ok(), "settings"),
            Err(message) => {
                tracing::error!(reason = message, "invalid settings: nothing runs until they are corrected")
            }
        }
        let base = Settings::default();
        let sdk = crawl::aws::config_loader(settings.as_ref().unwrap_or(&base).answer_limit()).load().await;
        Function { sdk, settings }
    }

    /// Does what the event asks for. The answer is null if nothing was to be done.
    ///
    /// # Errors
    /// If nothing could be done at all. Failures of single tables are in the report instead.
    pub(crate) async fn invoke(&self, event: LambdaEvent<Value>) -> Result<Option<Answer>, Failure> {
        let since = Instant::now();
        let left = time_left(event.context.deadline(), SystemTime::now());
        let deadline = Deadline::at(tokio::time::Instant::now() + left);
        let invocation = self.invocation(&event.payload);
        let sdk = match &invocation {
            Ok(invocation) => crawl::aws::with_limits(&self.sdk, invocation.settings.answer_limit()),
            Err(_) => self.sdk.clone(),
        };
        // New clients for each invocation, so that its report counts only its own calls. They share the connections.
        let clients = Clients::new(&sdk);
        let (job, done) = match invocation {
            Ok(invocation) => (Some(invocation.task.name()), run(&clients, &sdk, invocation, deadline).await),
            Err(error) => (None, Err(error)),
        };
        let report = match &done {
            Ok(Some(Done::Report(report))) => Some(&**report),
            _ => None,
        };
        report.inspect(|report| log_report(report));
        Metrics {
            function: &event.context.env_config.function_name,
            request_id: &event.context.request_id,
            job,
            report,
            duration: since.elapsed(),
            calls: clients.calls().values().sum(),
        }
        .print();
        Ok(done?.map(Answer::from))
    }

    fn invocation(&self, event: &Value) -> Result<Invocation, Error> {
        let settings = self.settings.as_ref().map_err(|message| Error::new(Kind::Settings, message))?;
        Invocation::from_event(event, settings)
    }
}

async fn run(
    clients: &Clients,
    sdk: &SdkConfig,
    invocation: Invocation,
    deadline: Deadline,
) -> Result<Option<Done>, Error> {
    let Invocation { task, settings } = invocation;
    let session = &Session::new(clients.clone(), settings.validate()?).with_deadline(deadline);
    let done = match task {
        Task::Nothing => return Ok(None),
        Task::Sync => sync::run(session, Job::Sync).await?.into(),
        Task::CrawlEnded { crawler, state } => sync::event::crawl_ended(session, &crawler, &state).await?.into(),
        Task::Step(Step::Continue {}) => sync::continue_backlog(session).await?.into(),
        Task::Step(Step::Split { crawl, shards }) => Done::Shards(fanout::split(session, sdk, crawl, shards).await?),
        Task::Step(Step::Read { shard }) => Done::Shard(fanout::read(session, sdk, *shard).await?.into()),
        Task::Step(Step::Publish { shards }) => fanout::publish(session, sdk, shards).await?.into(),
    };
    Ok(Some(done))
}

/// How long the invocation may still take. Ignores impossible deadlines, which emulators send: cargo-lambda's is ten minutes
/// after the beginning of 1970.
fn time_left(deadline: SystemTime, now: SystemTime) -> Duration {
    deadline.duration_since(now).ok().filter(|left| *left <= MAX_DURATION).unwrap_or(MAX_DURATION)
}

/// Logs the run: a line for each table that needs attention, and a summary.
fn log_report(report: &Report) {
    for table in &report.tables {
        let (name, reason) = (&table.table, table.reason.as_deref().unwrap_or_default());
        let aws_request_id = table.request_id.as_deref();
        match table.outcome {
            Outcome::Failed => tracing::warn!(table = name, reason, aws_request_id, "table failed"),
            Outcome::Deferred => tracing::warn!(table = name, reason, aws_request_id, "table deferred"),
            _ => {}
        }
    }
    let summary = &report.summary;
    tracing::info!(
        tables = summary.tables,
        started = summary.started,
        crawled = summary.crawled,
        changed = summary.changed,
        linked = summary.linked,
        deferred = summary.deferred,
        failed = summary.failed,
        calls = report.calls.values().sum::<u64>(),
        seconds = report.seconds,
        dry_run = report.dry_run,
        "done"
    );
}

/// Why an invocation failed, as Lambda reports it: `errorType` is the name of the [`Kind`].
pub(crate) struct Failure(Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure(error)
    }
}

/// The line that the runtime logs for a failed invocation.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0.kind, self.0.message)
    }
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Diagnostic {
        Diagnostic { error_type: format!("{:?}", failure.0.kind), error_message: failure.0.message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_deadline_that_lambda_can_give_is_trusted() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let after = |seconds| time_left(now + Duration::from_secs(seconds), now).as_secs();
        assert_eq!((after(0), after(3), after(900)), (0, 3, 900));
        assert_eq!(after(901), 900, "longer than any invocation");
        assert_eq!(time_left(SystemTime::UNIX_EPOCH + Duration::from_secs(600), now), MAX_DURATION, "past");
    }
}
