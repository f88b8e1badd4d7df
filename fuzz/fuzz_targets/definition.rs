//! Text from a catalog or a registry, whoever wrote it: a type, and an Avro definition. What is taken is printed so that it reads
//! back as the same; a table's schema is merged with a definition once and then covered by it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use schema::{Column, GlueType, TableSchema, avro};

// A type in the first line, a definition in the rest.
fuzz_target!(|text: &str| {
    let (line, definition) = text.split_once('\n').unwrap_or((text, ""));
    let parsed = line.parse::<GlueType>();
    match &parsed {
        Ok(glue_type) => {
            assert_eq!(glue_type.to_string().parse().as_ref(), Ok(glue_type));
            assert_eq!(glue_type.normalised().normalised(), glue_type.normalised());
        }
        Err(error) => assert!(error.offset() <= line.len()),
    }
    let Ok(columns) = avro::columns(definition) else { return };
    for (_, glue_type) in columns {
        assert_eq!(glue_type.to_string().parse().as_ref(), Ok(&glue_type));
    }
    let column = |name: &str, glue_type| Column { name: name.to_owned(), attribute: name.to_owned(), glue_type };
    let schema =
        TableSchema { columns: vec![column("a", GlueType::BigInt), column("b", parsed.unwrap_or(GlueType::String))] };
    if let Ok(merged) = avro::definition(&schema, "t", "d", Some(definition)) {
        assert_eq!(avro::definition(&schema, "t", "d", Some(&merged)).expect("it was just written"), merged);
        assert!(avro::columns(&merged).is_ok());
    }
});
