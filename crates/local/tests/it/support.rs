//! A running endpoint with real SDK clients on it.

use std::path::Path;
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_http_client::Builder;
use crawl::Clients;
use local::{Config, Server, Source};
use tempfile::TempDir;
pub(crate) use testkit::ACCOUNT;
use testkit::{REGION, serve};

/// The time that [`Endpoint`]'s clock shows: 2026-01-02T03:04:05Z.
pub(crate) const NOW: i64 = 1_767_323_045_000;

/// A server on a free port.
pub(crate) struct Endpoint {
    pub(crate) server: Server,
}

/// How often clients try. Errors come back at once, unless a test is about retries.
#[derive(Clone, Copy)]
pub(crate) enum Attempts {
    One,
    Three,
}

macro_rules! client {
    ($name:ident, $sdk:ident) => {
        /// A client of this endpoint.
        pub(crate) fn $name(&self, region: &'static str, attempts: Attempts) -> $sdk::Client {
            let retries = match attempts {
                Attempts::One => RetryConfig::disabled(),
                Attempts::Three => {
                    let quick = Duration::from_millis(1);
                    RetryConfig::standard().with_initial_backoff(quick).with_max_backoff(quick)
                }
            };
            let config = $sdk::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .credentials_provider(Credentials::new("AKIDEXAMPLE", "secret", None, None, "test"))
                .region(Region::new(region))
                .endpoint_url(self.server.url())
                .http_client(Builder::new().build_http())
                .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(5)).build())
                .retry_config(retries);
            $sdk::Client::from_conf(config.build())
        }
    };
}

impl Endpoint {
    /// No tables, state in memory.
    pub(crate) async fn empty() -> Endpoint {
        Endpoint::start(Config::default()).await
    }

    /// Serves the tables in a folder.
    pub(crate) async fn with_tables(folder: &Path) -> Endpoint {
        Endpoint::start(Config { source: Source::Files(folder.to_owned()), ..Config::default() }).await
    }

    /// Starts as configured, except for a free port and a clock that stands still.
    pub(crate) async fn start(config: Config) -> Endpoint {
        Endpoint { server: serve(Config { clock: || NOW, ..config }).await }
    }

    client!(dynamodb, aws_sdk_dynamodb);
    client!(glue, aws_sdk_glue);
    client!(iam, aws_sdk_iam);
    client!(sts, aws_sdk_sts);
}

/// Clients with a session of a role, in eu-west-1.
pub(crate) async fn assume(endpoint: &Endpoint, role_arn: &str) -> Clients {
    testkit::assume(&endpoint.sts(REGION, Attempts::One), endpoint.server.url(), role_arn).await
}

/// Status, code and message of an error.
#[macro_export]
macro_rules! refused {
    ($call:expr) => {{
        let error = $call.send().await.unwrap_err();
        let status = error.raw_response().unwrap().status();
        format!("{status} {}: {}", error.code().unwrap_or("?"), error.message().unwrap_or("?"))
    }};
}

/// A folder with these files.
pub(crate) fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

/// Sends an HTTP request as text and returns the answer as text. The connection is closed afterwards.
pub(crate) async fn raw(endpoint: &Endpoint, head: &str, body: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = endpoint.server.url().strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!("{head}\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
