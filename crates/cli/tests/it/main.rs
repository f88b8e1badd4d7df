//! The command line as people and scripts use it: the built binary, its output, its exit code.

mod infer;
mod run;
mod sync;
