//! The crawl of one DynamoDB table: read it, or an export of it, settle what its items look like, and publish its table in the
//! AWS Glue Data Catalog.
//!
//! - [`crawl()`] does all of that with a live table, [`export::crawl`] with an export.
//! - [`read()`] only reads; [`publish()`] publishes what was read elsewhere, for instance by several machines
//!   ([`read::read_segments`]).
//! - [`catalog`] is what the catalog says of a table, and what it should say.
//!
//! It talks to AWS through the official SDK clients and nothing else, and prints nothing.

mod answer;
pub mod aws;
pub mod catalog;
mod checkpoint;
mod crawl;
mod deadline;
pub mod dynamodb;
pub mod error;
pub mod estimate;
pub mod export;

pub mod history;
pub mod naming;
mod observed;
pub mod options;
mod publication;
pub mod read;
mod request;

pub use aws::Clients;
pub use crawl::{TableRead, crawl, now_millis, publish, read};
pub use deadline::{Deadline, Interrupt, cut_off};
pub use error::{Error, Kind};
pub use history::HistoryUse;
pub use observed::{Coverage, Observed};
pub use options::ReadOptions;
pub use request::{Change, CrawlRequest, Crawled};
