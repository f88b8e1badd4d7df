//! The job: discover, plan, apply, run, link and report, through the official AWS SDK.
pub mod aws;
pub mod crawl;
pub mod error;
pub mod naming;

pub use aws::Clients;
pub use error::Error;
