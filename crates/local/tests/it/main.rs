//! The endpoint as the AWS SDKs see it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking, their helpers too")]

mod catalog;
mod crawlers;
mod dynamodb;
mod faults;
mod iam;
mod registry;
mod server;
mod sts;
mod support;
