//! The laws of reading, merging, settling and Avro, on generated items, against a slow and obvious implementation.

#![allow(clippy::unwrap_used, reason = "a test that can not go on fails")]

mod avro;
mod generate;
mod hive;
mod odcs;
mod oracle;
mod places;
mod reading;
mod settling;
mod shapes;
mod types;
