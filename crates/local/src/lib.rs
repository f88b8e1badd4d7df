//! The embedded AWS endpoint.
pub mod context;
pub mod error;
pub mod glue;
pub mod iam;
pub mod store;
