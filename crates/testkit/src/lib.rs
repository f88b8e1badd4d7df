//! What the tests of several crates share. Only `[dev-dependencies]` name this crate.
//!
//! Every function panics where something goes wrong: that is how a test fails.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking, their helpers too")]

mod clients;
mod process;
mod tables;
mod world;

pub use clients::{assume, crawl_ended, with_keys};
pub use process::Process;
pub use tables::{remove_table, write_table};
pub use world::{World, columns, parameter, serve};

/// The account of the embedded endpoint.
pub const ACCOUNT: &str = "123456789012";

/// The region of tests that need no region of their own.
pub const REGION: &str = "eu-west-1";
