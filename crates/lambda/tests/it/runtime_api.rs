//! Lambda's side: the Runtime API, and the binary as a process that asks it for work.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path as UrlPath, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use testkit::Process;
use tokio::sync::{Notify, oneshot};

/// The request id of every invocation: they run one after the other.
pub(crate) const REQUEST_ID: &str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";
/// Its X-Ray header.
pub(crate) const TRACE_ID: &str = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1";

/// Nothing takes longer, unless it hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// The binary, running, and the Runtime API that it was given. Ended when dropped.
pub(crate) struct Lambda {
    api: Arc<Api>,
    process: Process,
    log: PathBuf,
}

#[derive(Default)]
struct Api {
    work: Mutex<Option<(String, u64)>>,
    waiting: Mutex<HashMap<String, oneshot::Sender<Outcome>>>,
    more: Notify,
    /// The process has asked for work.
    asked: Notify,
}

/// What the function answered: a value, or `errorType` and `errorMessage`.
pub(crate) type Outcome = Result<Value, (String, String)>;

impl Lambda {
    /// Starts `binary` with nothing but `environment`, until it asks for work; its output goes to `log`.
    pub(crate) async fn start(binary: &Path, log: &Path, environment: &[(&str, &str)]) -> Lambda {
        let api = Arc::new(Api::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{kind}", post(done))
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&api));
        tokio::spawn(axum::serve(listener, router).into_future());
        let output = File::options().create(true).append(true).open(log).unwrap();
        let mut command = Command::new(binary);
        command
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .env("AWS_LAMBDA_FUNCTION_NAME", "sys-glue-ddb-crawler")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .envs(environment.iter().copied())
            .stdout(output.try_clone().unwrap())
            .stderr(output);
        let lambda = Lambda { api, process: Process::start(&mut command), log: log.to_owned() };
        let asked = tokio::time::timeout(LIMIT, lambda.api.asked.notified()).await;
        asked.unwrap_or_else(|_| panic!("not started: {}", lambda.log()));
        lambda
    }

    /// Invokes with the longest time there is.
    pub(crate) async fn invoke(&self, event: Value) -> Outcome {
        self.invoke_within(event, Duration::from_secs(900)).await
    }

    pub(crate) async fn invoke_within(&self, event: Value, limit: Duration) -> Outcome {
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + limit;
        let answer = self.send(event, deadline.as_millis() as u64);
        tokio::time::timeout(LIMIT, answer).await.unwrap_or_else(|_| panic!("no answer: {}", self.log())).unwrap()
    }

    /// Hands an event over; the answer comes when there is one.
    pub(crate) fn send(&self, event: Value, deadline_ms: u64) -> oneshot::Receiver<Outcome> {
        let (answer, receiver) = oneshot::channel();
        self.api.waiting.lock().unwrap().insert(REQUEST_ID.to_owned(), answer);
        *self.api.work.lock().unwrap() = Some((event.to_string(), deadline_ms));
        self.api.more.notify_one();
        receiver
    }

    /// Ends the process as Lambda does: SIGKILL, at once.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// All that was printed so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// The same, line by line: each is an object.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let object = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        self.log().lines().map(object).collect()
    }

    /// The most memory that the process had so far, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }
}

async fn next(State(api): State<Arc<Api>>) -> Response {
    api.asked.notify_one();
    loop {
        let work = api.work.lock().unwrap().take();
        if let Some((event, deadline)) = work {
            let headers = [
                ("content-type", "application/json".to_owned()),
                ("lambda-runtime-aws-request-id", REQUEST_ID.to_owned()),
                ("lambda-runtime-deadline-ms", deadline.to_string()),
                ("lambda-runtime-invoked-function-arn", "function-arn".to_owned()),
                ("lambda-runtime-trace-id", TRACE_ID.to_owned()),
            ];
            return (headers, event).into_response();
        }
        api.more.notified().await;
    }
}

async fn done(State(api): State<Arc<Api>>, UrlPath((id, kind)): UrlPath<(String, String)>, body: Bytes) -> StatusCode {
    /// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
    const LARGEST: usize = 6_291_556;
    let outcome = match (kind.as_str(), serde_json::from_slice::<Value>(&body).unwrap()) {
        ("response", _) if body.len() > LARGEST => return StatusCode::PAYLOAD_TOO_LARGE,
        ("response", answer) => Ok(answer),
        (_, error) => {
            let text = |name: &str| error[name].as_str().unwrap().to_owned();
            Err((text("errorType"), text("errorMessage")))
        }
    };
    if let Some(waiting) = api.waiting.lock().unwrap().remove(&id) {
        let _ = waiting.send(outcome);
    }
    StatusCode::ACCEPTED
}
