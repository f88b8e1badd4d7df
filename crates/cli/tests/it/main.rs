//! The command line as people and scripts use it: the built binary, its output, its exit code.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking, their helpers too")]

mod against;
mod completions;
mod export;
mod infer;
mod interrupt;
mod man;
mod memory;
mod names;
mod pipes;
mod policy;
mod refused;
mod run;
mod serve;
mod show;
mod silence;
mod sync;
