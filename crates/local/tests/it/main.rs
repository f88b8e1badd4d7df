//! The endpoint as the AWS SDKs see it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking, their helpers too")]

mod dynamodb;
mod faults;
mod iam;
mod server;
mod sts;
mod support;
