//! The endpoint as the AWS SDKs see it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking, their helpers too")]

mod authorize;
mod catalog;
mod crawlers;
mod data_files;
mod decoys;
mod dynamodb;
mod faults;
mod formats;
mod forward;
mod guard;
mod iam;
mod iam_policies;
mod registry;
mod remote_iam;
mod server;
mod sts;
mod support;
mod table_folder;
