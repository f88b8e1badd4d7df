//! The job of glue-ddb-crawler: every DynamoDB table of a region gets an up-to-date table in the AWS Glue Data Catalog,
//! linked to a version in the Glue Schema Registry.
//!
//! [`run`] does a [`Job`]. A full sync takes these steps:
//!
//! 1. [`discover`]: list what exists, in a fixed number of listings and never with a call per table.
//! 2. [`plan`]: work out the changes that would make the region right. Pure.
//! 3. [`apply`]: create or repair the database, then a role and a crawler per table.
//! 4. `run`: start the crawlers, the stalest first, and wait for them if asked to. The native engine reads the tables itself,
//!    with the crate `crawl`.
//! 5. [`registry`]: register each table's schema and link the table to it.
//! 6. [`report`]: say what happened, table by table.
//!
//! [`event`] continues where a run had to stop: the end of each crawl links its table and starts the next crawler.
//! [`doctor`] examines an account and changes nothing.
//!
//! The crate talks to AWS only through the clients of the crate `crawl`, and prints nothing.

pub mod apply;
mod backlog;
pub mod discover;
pub mod doctor;
pub mod event;
pub mod fanout;
mod job;
pub mod naming;
pub mod ownership;
pub mod permit;
pub mod plan;
pub mod policy;
mod preview;
pub mod progress;
pub mod prune;
pub mod registry;
pub mod report;
mod run;
mod session;
pub mod settings;

pub use job::Job;
pub use report::Report;
pub use run::{continue_backlog, run};
pub use session::Session;
pub use settings::{Settings, Validated};
