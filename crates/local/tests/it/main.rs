//! The endpoint as the AWS SDKs see it.

mod catalog;
mod dynamodb;
mod faults;
mod iam;
mod registry;
mod server;
mod sts;
mod support;
