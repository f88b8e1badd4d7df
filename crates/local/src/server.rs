//! The server: starting, stopping, and what tests and reports ask of it.

mod dispatch;
mod held;
mod host;
mod listen;
mod reset;
mod wire_log;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::config::SharedCredentialsProvider;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::dynamodb::DynamoDb;
use crate::engine::Engine;
use crate::error::AwsError;
use crate::faults::Faults;
use crate::forward::Forward;
use crate::store::{StateError, Store, in_the_way};
use crate::unknowns::Unknowns;
use dispatch::Endpoint;
pub(crate) use dispatch::blocking;
use host::Hosts;
use wire_log::WireLog;

/// How long [`Server::stop`] lets requests in flight go on.
const GRACE: Duration = Duration::from_secs(5);

/// How long to wait for the state without a word.
const MOMENT: Duration = Duration::from_secs(1);

/// How to run the endpoint.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 takes a free one. Default 127.0.0.1:4566.
    pub listen: SocketAddr,
    /// Allows addresses that other machines reach. Default false: signatures aren't verified, so whoever can connect may
    /// do everything.
    pub allow_remote: bool,
    /// Names beside `localhost` and loopback addresses by which the endpoint may be called, such as that of its container.
    /// Default none.
    pub allow_hosts: Vec<String>,
    /// How long a connection may take until the next request's head is there, be it idle or slow. Default 60 s.
    pub head_timeout: Duration,
    /// How long a request's body may take. Default 30 s.
    pub body_timeout: Duration,
    /// Where DynamoDB tables come from. Default none.
    pub source: Source,
    /// Another endpoint in whose place IAM and STS are not served here. Default none.
    pub iam: Option<IamEndpoint>,
    /// The folder that keeps the state; `None` (default) keeps it in memory.
    pub state: Option<PathBuf>,
    /// The account that is served, twelve digits. Default 123456789012.
    pub account: String,
    /// Milliseconds since 1970. Default the system's clock.
    pub clock: fn() -> i64,
    /// What AWS does not publish. Default as [`Unknowns`] says.
    pub unknowns: Unknowns,
    /// A file that every request and answer is appended to, as JSON lines, for tests. Default none.
    pub wire_log: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 4566)),
            allow_remote: false,
            allow_hosts: Vec::new(),
            head_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(30),
            source: Source::None,
            iam: None,
            state: None,
            account: "123456789012".to_owned(),
            clock: system_clock,
            unknowns: Unknowns::default(),
            wire_log: None,
        }
    }
}

fn system_clock() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
}

/// Where DynamoDB tables come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// There are none.
    None,
    /// A folder of table files, served as [`crate::dynamodb`] says; every region has the same tables.
    Files(PathBuf),
    /// The URL (`http://HOST[:PORT]`) of another DynamoDB endpoint: requests are passed on, signature and all, except that those of a role are
    /// judged here and signed by nobody.
    Endpoint(String),
    /// Crawls read through this client; DynamoDB is not served on the endpoint itself.
    Client(aws_sdk_dynamodb::Client),
}

/// Another endpoint that serves IAM and STS: requests for them are passed on to it, signature and all. The roles of crawlers
/// are looked up there, whenever they are given to a crawler and at the start of a crawl, and judged here.
#[derive(Debug, Clone)]
pub struct IamEndpoint {
    /// `http://HOST[:PORT]`.
    pub url: String,
    /// Who looks roles up, and reads the tables.
    pub credentials: SharedCredentialsProvider,
}

/// Why the endpoint did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Only loopback addresses are listened on by default.
    #[error(
        "{0} can be reached from other machines, and the endpoint verifies no signatures: listen on a loopback address, or allow it with --allow-remote"
    )]
    NotLoopback(SocketAddr),
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// Why not.
        error: io::Error,
    },
    /// The account number goes into every ARN.
    #[error("the account {0:?} is not a number of twelve digits")]
    Account(String),
    /// The state folder can't be used.
    #[error("cannot open the endpoint's state: {0}")]
    State(#[from] StateError),
    /// The folder of table files can't be used.
    #[error("cannot read the folder of tables {folder}: {error}", folder = folder.display())]
    Tables {
        /// The folder asked for.
        folder: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The wire log can't be written.
    #[error("cannot write the wire log {path}: {error}", path = path.display())]
    WireLog {
        /// The file asked for.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// Not a URL that requests can be passed on to.
    #[error("cannot pass requests on to {0:?}: expected http://HOST[:PORT]")]
    Endpoint(String),
}

impl StartError {
    /// Whether other settings would help.
    pub fn is_of_settings(&self) -> bool {
        use StateError::{Foreign, Later, NotAFolder};
        matches!(self, StartError::State(NotAFolder(_) | Foreign(_) | Later { .. }))
    }
}

/// A running endpoint. Dropping it stops it too, without waiting.
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
        let store = opened(config.state.as_deref()).await?;
        let listen_error = |error| StartError::Listen { address: config.listen, error };
        let listener = TcpListener::bind(config.listen).await.map_err(listen_error)?;
        let url = url(listener.local_addr().map_err(listen_error)?);
        let iam = config.iam.as_ref().map(|iam| Forward::to(&iam.url)).transpose()?;
        let log_error = |path: &PathBuf, error| StartError::WireLog { path: path.clone(), error };
        let log =
            config.wire_log.as_ref().map(|path| WireLog::open(path).map_err(|e| log_error(path, e))).transpose()?;
        let (hosts, body, head) =
            (Hosts::new(config.listen, &config.allow_hosts), config.body_timeout, config.head_timeout);
        let engine = Arc::new(Engine::new(Arc::new(store), url.clone(), config));
        let endpoint = Arc::new(Endpoint::new(engine, dynamodb, iam, log, hosts, body));
        let (shutdown, closing) = watch::channel(false);
        let serving = tokio::spawn(listen::serve(listener, Arc::clone(&endpoint), head, closing));
        Ok(Server { url, endpoint, shutdown, serving })
    }

    /// Where clients find it, e.g. `http://127.0.0.1:4566`.
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

    /// Ends the crawls, which are FAILED then, lets requests in flight finish for up to 5 s, and
    /// frees the address.
    pub async fn stop(self) {
        self.endpoint.end_crawls().await;
        self.shutdown.send_replace(true);
        let abort = self.serving.abort_handle();
        if tokio::time::timeout(GRACE, self.serving).await.is_err() {
            abort.abort();
        }
    }
}

/// Opens the state. Who waits for another process is told so after a moment, and can stop waiting by dropping this.
async fn opened(state: Option<&Path>) -> Result<Store, StateError> {
    let (started, mut told) = (Instant::now(), false);
    loop {
        let folder = state.map(Path::to_owned);
        let attempt = tokio::task::spawn_blocking(move || Store::attempt(folder.as_deref())).await;
        if let Some(store) = attempt.map_err(|error| StateError::Use(AwsError::internal(error.to_string())))?? {
            return Ok(store);
        }
        if let (false, Some(folder)) = (told || started.elapsed() < MOMENT, state) {
            tracing::warn!("{}", in_the_way(folder));
            told = true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// An address to listen on as one to connect to.
fn url(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("http://127.0.0.1:{}", address.port())
    } else {
        format!("http://{address}")
    }
}
