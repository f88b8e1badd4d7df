//! The laws of reading, merging, settling and Avro, on generated items, against a slow and obvious implementation.

mod avro;
mod generate;
mod oracle;
mod reading;
mod settling;
mod shapes;
mod types;
