//! The endpoint as the AWS SDKs see it.

mod dynamodb;
mod faults;
mod iam;
mod server;
mod sts;
mod support;
