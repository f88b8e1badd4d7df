//! One binary for all tests from outside.

mod cases;
mod folders;
mod variants;
