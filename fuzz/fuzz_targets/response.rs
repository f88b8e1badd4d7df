//! The body of a Scan's answer: what the reader takes is JSON, and holds the items that its Count says.

#![no_main]

use libfuzzer_sys::fuzz_target;
use schema::{Reader, TypeOptions};

fuzz_target!(|body: &[u8]| {
    let mut reader = Reader::new(&TypeOptions::default());
    let Ok(page) = reader.scan_response(body) else { return };
    match serde_json::from_slice::<serde_json::Value>(body) {
        Ok(value) => {
            let items = value.get("Items").map(|items| items.as_array().expect("an array of items").len() as u64);
            assert!(items.is_none_or(|items| items == page.count));
            assert_eq!(reader.finish().expect("the answer was read").items(), items.unwrap_or(0));
            assert_eq!(
                page.last_evaluated_key.is_some(),
                value.get("LastEvaluatedKey").is_some_and(|key| !key.is_null())
            );
        }
        // 1E999 is JSON, but nothing that serde_json has a type for; nor does it nest as deep.
        Err(error) => {
            let error = error.to_string();
            assert!(error.starts_with("number out of range") || error.starts_with("recursion limit"), "{error}");
        }
    }
});
