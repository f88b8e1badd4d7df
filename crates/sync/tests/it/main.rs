//! The whole job with the real SDK clients, against the embedded endpoint: real crawlers, real tables, faults on the wire.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking, their helpers too")]

mod connector;
mod contract;
mod cost;
mod crawl;
mod doctor;
mod events;
mod export;
mod export_s3;
mod faults;
mod link;
mod model;
mod privilege;
mod prune;
mod reference;
mod s3;
mod scan;
mod support;
mod sync;
mod unknowns;
