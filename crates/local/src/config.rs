//! How to run the endpoint, and why it may fail to start.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::config::SharedCredentialsProvider;

use crate::store::StateError;
use crate::unknowns::Unknowns;

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
    /// How long a connection may take to send the next head, whether idle or slow. Default 60 s.
    pub head_timeout: Duration,
    /// How long a request's body may take. Default 30 s.
    pub body_timeout: Duration,
    /// Where DynamoDB tables come from. Default none.
    pub source: Source,
    /// Another endpoint that serves IAM and STS instead. Default none.
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
    /// A folder of table files: `NAME.json`, the request of CreateTable, beside `NAME.jsonl` or `NAME.jsonl.gz`. Every region has
    /// the same tables.
    Files(PathBuf),
    /// The URL (`http://HOST[:PORT]`) of another DynamoDB endpoint. Requests are passed on with their signatures; requests of
    /// roles are judged here and passed on without one.
    Endpoint(String),
    /// A client that crawls read through; the endpoint itself does not serve DynamoDB.
    Client(aws_sdk_dynamodb::Client),
}

/// Another endpoint that serves IAM and STS: requests are passed on with their signatures. The roles of crawlers are looked
/// up there, when a crawler gets one and when a crawl starts, and judged here.
#[derive(Debug, Clone)]
pub struct IamEndpoint {
    /// `http://HOST[:PORT]`.
    pub url: String,
    /// The credentials to look up roles and read tables with.
    pub credentials: SharedCredentialsProvider,
}

/// Why the endpoint did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is not a loopback address, and others are not allowed.
    #[error(
        "{0} can be reached from other machines, and the endpoint verifies no signatures: listen on a loopback address, or allow it with --allow-remote"
    )]
    NotLoopback(SocketAddr),
    /// The address is in use or not available.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        error: io::Error,
    },
    /// The account number is invalid; it is part of every ARN.
    #[error("the account {0:?} is not a number of twelve digits")]
    Account(String),
    /// The state folder can't be used.
    #[error("cannot open the endpoint's state: {0}")]
    State(#[from] StateError),
    /// The folder of table files can't be used.
    #[error("cannot read the folder of tables {folder}: {error}", folder = folder.display())]
    Tables {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The wire log can't be written.
    #[error("cannot write the wire log {path}: {error}", path = path.display())]
    WireLog {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The URL of another endpoint is invalid.
    #[error("cannot pass requests on to {0:?}: expected http://HOST[:PORT]")]
    Endpoint(String),
}

impl StartError {
    /// Whether the cause is a wrong setting.
    pub fn is_of_settings(&self) -> bool {
        use StateError::{Foreign, Later, NotAFolder};
        matches!(self, StartError::State(NotAFolder(_) | Foreign(_) | Later { .. }))
    }
}
