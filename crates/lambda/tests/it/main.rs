//! The binary itself, over the real Lambda Runtime API, against the embedded endpoint.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking, their helpers too")]

mod events;
mod fanout;
mod faults;
mod log;
mod runtime_api;
mod size;
mod sync;
mod world;
