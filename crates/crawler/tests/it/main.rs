//! The whole job with the real SDK clients, against the embedded endpoint: real crawlers, real tables, faults on the wire.

mod cost;
mod crawl;
mod faults;
mod link;
mod support;
mod sync;
