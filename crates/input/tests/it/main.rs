//! What people have, and generated items in every form, against what is in them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can not go on fails")]

mod cases;
mod folders;
mod forms;
mod variants;
