//! The crawl of one DynamoDB table: read it, or an export of it, settle what its items look like, and publish its table in the
//! AWS Glue Data Catalog.
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
pub mod files;
pub mod history;
pub mod naming;
mod observed;
pub mod options;
mod publication;
pub mod read;

pub use aws::Clients;
pub use crawl::{Change, CrawlRequest, Crawled, Memory, Seen, crawl, crawl_until, now_millis, publish_read, read};
pub use deadline::{Deadline, Interrupt, cut_off};
pub use error::{Error, Kind};
pub use observed::Collected;
pub use options::ReadOptions;
