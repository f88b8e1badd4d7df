//! The server: starting, stopping, and what tests and reports ask of it.

mod actions;
mod connections;
mod dispatch;
mod held;
mod host;
mod listen;
mod reset;
mod wire_log;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::backend::Backend;
use crate::config::{Config, StartError};
use crate::crawls::Crawls;
use crate::dynamodb::DynamoDb;
use crate::error::AwsError;
use crate::faults::Faults;
use crate::forward::Forward;
use crate::state::MIGRATIONS;
use crate::store::{StateError, Store, describe_blockers};
use dispatch::Endpoint;
use host::Hosts;
use wire_log::WireLog;

/// How long [`Server::stop`] waits for requests in flight.
const GRACE: Duration = Duration::from_secs(5);

/// How long to wait for the state before logging it.
const QUIET_WAIT: Duration = Duration::from_secs(1);

/// A running endpoint. Dropping it also stops it, without waiting.
pub struct Server {
    url: String,
    endpoint: Arc<Endpoint>,
    shutdown: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Server {
    /// Opens the state and serves until stopped.
    ///
    /// # Errors
    /// If the address, the state or the source of tables can't be used.
    pub async fn start(config: Config) -> Result<Server, StartError> {
        if !config.listen.ip().is_loopback() && !config.allow_remote {
            return Err(StartError::NotLoopback(config.listen));
        }
        if config.account.len() != 12 || !config.account.bytes().all(|b| b.is_ascii_digit()) {
            return Err(StartError::Account(config.account));
        }
        let dynamodb = DynamoDb::open(&config.source, config.state.as_deref())?;
        let store = open_state(config.state.as_deref()).await?;
        let listen_error = |error| StartError::Listen { address: config.listen, error };
        let listener = TcpListener::bind(config.listen).await.map_err(listen_error)?;
        let url = url(listener.local_addr().map_err(listen_error)?);
        let iam = config.iam.as_ref().map(|iam| Forward::new(&iam.url)).transpose()?;
        let log_error = |path: &PathBuf, error| StartError::WireLog { path: path.clone(), error };
        let log =
            config.wire_log.as_ref().map(|path| WireLog::open(path).map_err(|e| log_error(path, e))).transpose()?;
        let hosts = Hosts::new(config.listen, &config.allow_hosts);
        let Config { account, clock, unknowns, source, iam: roles, body_timeout, head_timeout, .. } = config;
        let backend = Arc::new(Backend { store, account, clock, unknowns });
        let crawls = Arc::new(Crawls::new(Arc::clone(&backend), url.clone(), source, roles));
        let (faults, calls) = Default::default();
        let endpoint = Arc::new(Endpoint { backend, crawls, dynamodb, iam, faults, calls, log, hosts, body_timeout });
        let (shutdown, closing) = watch::channel(false);
        let serving = tokio::spawn(listen::serve(listener, Arc::clone(&endpoint), head_timeout, closing));
        Ok(Server { url, endpoint, shutdown, serving })
    }

    /// Where clients connect, e.g. `http://127.0.0.1:4566`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The faults that strike its clients; none at the start.
    pub fn faults(&self) -> Faults {
        self.endpoint.faults.clone()
    }

    /// Requests received so far, by `Service.Operation` (`Glue.GetTables`), including those that failed.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.endpoint.calls()
    }

    /// Ends the crawls, which become FAILED, waits up to 5 s for requests in flight, and frees the address.
    pub async fn stop(self) {
        self.endpoint.crawls.end_all().await;
        self.shutdown.send_replace(true);
        let abort = self.serving.abort_handle();
        if tokio::time::timeout(GRACE, self.serving).await.is_err() {
            abort.abort();
        }
    }
}

/// Opens the state. Logs a warning if it waits for another process; dropping the future stops the wait.
async fn open_state(state: Option<&Path>) -> Result<Store, StateError> {
    let (started, mut told) = (Instant::now(), false);
    loop {
        let folder = state.map(Path::to_owned);
        let attempt = tokio::task::spawn_blocking(move || Store::try_open(folder.as_deref(), &MIGRATIONS)).await;
        if let Some(store) = attempt.map_err(|error| StateError::Use(AwsError::internal(error.to_string())))?? {
            return Ok(store);
        }
        if let (false, Some(folder)) = (told || started.elapsed() < QUIET_WAIT, state) {
            tracing::warn!("{}", describe_blockers(folder));
            told = true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The URL to connect to an address that the server listens on.
fn url(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("http://127.0.0.1:{}", address.port())
    } else {
        format!("http://{address}")
    }
}
