//! An embedded AWS endpoint: Glue whose crawlers really crawl, DynamoDB reads over table files, IAM and STS.
//!
//! [`Server::start`] listens on one loopback address and serves all of them there, as AWS SDKs, the CLI and boto3 expect.
//! State is one SQLite file ([`store`]), and a request is one transaction. Signatures are **not** verified, only read for
//! the region and the access key, so the endpoint keeps to loopback addresses unless told otherwise. Callers with the
//! credentials of a role, issued by AssumeRole, may do what the role may; all others may do everything.
//!
//! From the bottom up:
//!
//! | module | what |
//! | --- | --- |
//! | [`unknowns`], [`store`] | what AWS does not publish, as switches; one SQLite file |
//! | `wire`, `policy` | requests and answers; what policies say and allow |
//! | [`config`], [`faults`] | how it is run; a bad network, for tests |
//! | `context`, `backend`, `forward` | what a request brings; what all requests share; another endpoint behind this one |
//! | `iam`, `sts`, `tags`, `access` | roles with their policies, their credentials, and what each operation needs of a role |
//! | `dynamodb`, `glue` | tables out of files; databases, tables, crawlers and the Schema Registry |
//! | `crawls` | what StartCrawler starts |
//! | [`state`] | the tables of all services in the store |
//! | `server` | start, stop, dispatch |
//!
//! [`descriptors`] shares out open files and connections.

mod access;
mod backend;
mod blocking;
pub mod config;
mod context;
mod crawls;
pub mod descriptors;
mod dynamodb;
pub mod error;
pub mod faults;
mod forward;
mod glue;
mod iam;
mod policy;
mod private;
mod server;
pub mod state;
pub mod store;
mod sts;
mod tags;
pub mod unknowns;
mod wire;

pub use config::{Config, IamEndpoint, Source, StartError};
pub use server::Server;
pub use store::StateError;
pub use unknowns::Unknowns;
