//! A line of an export in Ion: what is taken gives one line of JSON.

#![no_main]

use libfuzzer_sys::fuzz_target;
use schema::{Reader, TypeOptions};
use serde_json::Value;

#[rustfmt::skip] // It would look for the tests beside the file.
#[path = "../../crates/input/src/ion.rs"]
mod ion;

fuzz_target!(|line: &[u8]| {
    let mut json = Vec::new();
    if ion::to_json(line, &mut json) != Ok(true) {
        return;
    }
    assert!(!json.contains(&b'\n'));
    let mut reader = Reader::new(&TypeOptions::default());
    let read = reader.lines(&json).and_then(|()| reader.end_text());
    match serde_json::from_slice::<Value>(&json) {
        Ok(item) => assert!(item.is_object()),
        Err(error) => panic!("{error}, and the reader says {read:?}"),
    }
});
