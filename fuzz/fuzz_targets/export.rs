//! A line of an export. Of Ion, what is taken gives one line of JSON; of an incremental export, an image that is taken stands where
//! serde_json finds it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use schema::{Reader, TypeOptions};
use serde_json::Value;

#[path = "../../crates/crawl/src/export/image.rs"]
mod image;
#[rustfmt::skip] // It would look for the tests beside the file.
#[path = "../../crates/crawl/src/export/ion.rs"]
mod ion;

fuzz_target!(|line: &[u8]| {
    for incremental in [false, true] {
        let mut json = Vec::new();
        if ion::to_json(line, incremental, &mut json).is_err() || json.is_empty() {
            continue;
        }
        assert_eq!(json.iter().position(|byte| *byte == b'\n'), Some(json.len() - 1));
        let mut reader = Reader::new(&TypeOptions::default());
        let read = reader.lines(&json);
        match serde_json::from_slice::<Value>(&json) {
            Ok(item) => assert!(item.is_object()),
            Err(error) => panic!("{error}, and the reader says {read:?}"),
        }
    }
    match (image::new_image(line), serde_json::from_slice::<Value>(line)) {
        (Ok(Some(image)), Ok(change)) => {
            let image: Value = serde_json::from_slice(&line[image]).expect("a part of JSON");
            assert_eq!(Some(&image), change.get("NewImage"));
        }
        // A name may be written with escapes, which DynamoDB has no reason for.
        (Ok(None), Ok(change)) => assert!(change.get("NewImage").is_none() || line.contains(&b'\\')),
        (Ok(image), Err(_)) => assert!(image.is_none_or(|image| image.end <= line.len())),
        (Err(no), _) => assert!(no.at <= line.len()),
    }
});
