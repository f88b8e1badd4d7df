//! An embedded AWS endpoint: Glue whose crawlers really crawl, DynamoDB reads over table files, IAM and STS.
//!
//! [`Server::start`] listens on one loopback address and answers every service there, as the AWS SDKs, the CLI and boto3
//! speak them. State is one SQLite file ([`store`]), one transaction a request. Signatures are **not** verified: they are
//! only read for the region and the access key, which is why the endpoint keeps to loopback addresses unless told otherwise.
//! Whoever calls with credentials of a role that AssumeRole gave out may do what the role may; everyone else, everything.
//!
//! | module | what |
//! | --- | --- |
//! | [`server`] | start, stop, what was called |
//! | [`faults`] | throttling, 5xx, delays and resets on the wire, for tests |
//! | [`glue`] | databases, tables, crawlers, the Schema Registry |
//! | [`dynamodb`] | ListTables, DescribeTable and Scan over files, or another endpoint behind this one |
//! | [`iam`], [`sts`] | roles with their policies; who am I, and credentials of roles |
//! | `access` | what each operation needs of a role |
//! | [`descriptors`] | how many files and connections may be open |
//! | [`engine`] | what a crawl gets to work with |
//! | [`unknowns`] | what AWS does not publish, as switches |

mod access;
mod caller;
pub mod context;
pub mod descriptors;
pub mod dynamodb;
pub mod engine;
pub mod error;
pub mod faults;
mod forward;
pub mod glue;
pub mod iam;
mod presence;
mod private;
pub mod server;
pub mod store;
pub mod sts;
pub mod unknowns;
mod wire;

pub use caller::Caller;
pub use server::{Config, IamEndpoint, Server, Source, StartError};
pub use store::StateError;
pub use unknowns::Unknowns;
