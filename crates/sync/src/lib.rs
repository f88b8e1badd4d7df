//! The job of glue-ddb-crawler: every DynamoDB table of a region gets an up-to-date table in the AWS Glue Data Catalog,
//! linked to a version in the Glue Schema Registry.
//!
//! [`run`] does a [`Job`]; the whole one in the order of the modules:
//!
//! 1. [`discover`]: list what there is; a fixed number of listings, never a call per table.
//! 2. [`plan`]: what would make the region right; pure.
//! 3. [`apply`]: the database, then a role and a crawler for each table.
//! 4. `run`: start the crawlers, the stalest first, and wait for them if asked. Or read the tables here, with the crate `crawl`.
//! 5. [`registry`]: register each table's schema and link the table to it.
//! 6. [`report`]: what happened, table by table.
//!
//! Beside it [`event`] goes on where a run had to leave something: each crawl's end links its table and starts the next.
//!
//! [`doctor`] looks at what there is, and changes nothing.
//!
//! It talks to AWS through the clients of the crate `crawl` and nothing else, and prints nothing.

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
