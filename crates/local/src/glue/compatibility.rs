//! Which schemas are valid, and which may follow which.

use apache_avro::Schema;
use apache_avro::schema_compatibility::{Compatibility, SchemaCompatibility};
use serde_json::Value;

/// The formats that the API names.
pub(super) const FORMATS: [&str; 3] = ["AVRO", "JSON", "PROTOBUF"];

/// The compatibility modes that the API names.
pub(super) const MODES: [&str; 8] =
    ["NONE", "DISABLED", "BACKWARD", "BACKWARD_ALL", "FORWARD", "FORWARD_ALL", "FULL", "FULL_ALL"];

/// Checks the syntax of a definition and returns its canonical text. Definitions that differ only in white space or in the
/// order of JSON members are the same schema. (Avro's own canonical form goes too far: it drops defaults, docs and logical
/// types.)
///
/// # Errors
/// Why the definition is not a schema of that format.
pub(super) fn canonical(format: &str, definition: &str) -> Result<String, String> {
    match format {
        "AVRO" => Schema::parse_str(definition).map(drop).map_err(|error| error.to_string())?,
        "JSON" => {}
        _ => return Err("PROTOBUF schemas are not offered here: use AVRO or JSON".to_owned()),
    }
    let mut value: Value = serde_json::from_str(definition).map_err(|error| error.to_string())?;
    if format == "JSON" {
        check_json_schema(&value)?;
    }
    value.sort_all_objects();
    Ok(value.to_string())
}

/// Checks that a version may follow `earlier` ones, newest last.
///
/// BACKWARD: the new schema reads data written with the last one. FORWARD: the last one reads data written with the new one.
/// FULL: both. With `_ALL`, every earlier version counts instead of the last.
///
/// # Errors
/// What is incompatible.
pub(super) fn check(mode: &str, new: &str, earlier: &[String]) -> Result<(), String> {
    let (direction, all) = match mode.strip_suffix("_ALL") {
        Some(direction) => (direction, true),
        None => (mode, false),
    };
    if matches!(direction, "NONE" | "DISABLED") {
        return Ok(());
    }
    let parse = |definition: &str| Schema::parse_str(definition).map_err(|error| error.to_string());
    let new = parse(new)?;
    let compared = if all { 0 } else { earlier.len().saturating_sub(1) };
    for old in earlier.iter().skip(compared) {
        let old = parse(old)?;
        if matches!(direction, "BACKWARD" | "FULL") {
            can_read(&old, &new)?;
        }
        if matches!(direction, "FORWARD" | "FULL") {
            can_read(&new, &old)?;
        }
    }
    Ok(())
}

/// Every value that the writer can write must be readable. Some (a union or enumeration that lost a branch) are not enough.
fn can_read(writer: &Schema, reader: &Schema) -> Result<(), String> {
    match SchemaCompatibility::can_read(writer, reader) {
        Ok(Compatibility::Full) => Ok(()),
        Ok(Compatibility::Partial) => Err("the reader lacks a branch of a union, or a symbol".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Checks the form of a JSON Schema of drafts 04 to 07: an object or a boolean, known types, keywords with the right values.
fn check_json_schema(schema: &Value) -> Result<(), String> {
    const KNOWN_DRAFTS: [&str; 3] = ["draft-04", "draft-06", "draft-07"];
    const TYPES: [&str; 7] = ["null", "boolean", "object", "array", "number", "integer", "string"];
    let Value::Object(members) = schema else {
        return if schema.is_boolean() { Ok(()) } else { Err("a JSON Schema is an object or a boolean".to_owned()) };
    };
    for (name, value) in members {
        let known = |value: &Value| value.as_str().is_some_and(|name| TYPES.contains(&name));
        match (name.as_str(), value) {
            ("$schema", Value::String(draft)) if KNOWN_DRAFTS.iter().any(|known| draft.contains(known)) => {}
            ("$schema", Value::String(_)) => {
                return Err("$schema must name draft-04, draft-06 or draft-07".to_owned());
            }
            ("type", Value::Array(types)) if types.iter().all(known) => {}
            ("type", value) if known(value) => {}
            ("type", _) => {
                return Err("type must be one of the seven types of JSON Schema, or a list of them".to_owned());
            }
            ("properties" | "patternProperties" | "definitions", Value::Object(schemas)) => {
                schemas.values().try_for_each(check_json_schema)?;
            }
            ("allOf" | "anyOf" | "oneOf", Value::Array(schemas)) => schemas.iter().try_for_each(check_json_schema)?,
            ("items", Value::Array(schemas)) => schemas.iter().try_for_each(check_json_schema)?,
            ("items" | "not" | "additionalProperties" | "propertyNames" | "contains", schema) => {
                check_json_schema(schema)?;
            }
            ("$schema" | "properties" | "patternProperties" | "definitions" | "allOf" | "anyOf" | "oneOf", _) => {
                return Err(format!("{name} does not hold what JSON Schema wants there"));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(fields: &str) -> String {
        format!(r#"{{"type":"record","name":"r","fields":[{fields}]}}"#)
    }

    const ID: &str = r#"{"name":"id","type":"string"}"#;
    const OPTIONAL: &str = r#"{"name":"id","type":"string"},{"name":"n","type":["null","long"],"default":null}"#;
    const DEMANDED: &str = r#"{"name":"id","type":"string"},{"name":"n","type":"long"}"#;

    fn allowed(mode: &str, old: &str, new: &str) -> bool {
        check(mode, &record(new), &[record(old)]).is_ok()
    }

    #[test]
    fn each_mode_allows_what_its_readers_can_read() {
        for (mode, old, new, expected) in [
            ("BACKWARD", ID, OPTIONAL, true),
            ("BACKWARD", ID, DEMANDED, false),
            ("BACKWARD", DEMANDED, ID, true),
            ("FORWARD", ID, DEMANDED, true),
            ("FORWARD", DEMANDED, ID, false),
            ("FULL", ID, OPTIONAL, true),
            ("FULL", OPTIONAL, ID, true),
            ("FULL", ID, DEMANDED, false),
            ("FULL", DEMANDED, ID, false),
            ("NONE", ID, DEMANDED, true),
            ("NONE", DEMANDED, r#"{"name":"id","type":"bytes"},{"name":"n","type":"boolean"}"#, true),
        ] {
            assert_eq!(allowed(mode, old, new), expected, "{mode}: {old} then {new}");
        }
    }

    #[test]
    fn types_may_widen_backward_and_not_narrow() {
        let field = |kind: &str| format!(r#"{{"name":"n","type":["null","{kind}"],"default":null}}"#);
        assert!(allowed("BACKWARD", &field("long"), &field("double")));
        assert!(!allowed("BACKWARD", &field("double"), &field("long")));
        assert!(!allowed("BACKWARD", &field("long"), &field("string")));
        let plain = r#"{"name":"n","type":"long","default":0}"#;
        assert!(allowed("BACKWARD", plain, &field("long")), "a value may become optional");
        assert!(!allowed("BACKWARD", &field("long"), plain), "a reader without null can't read null");
    }

    #[test]
    fn only_the_all_modes_look_further_back_than_the_last_version() {
        // The first version demands a number that the second drops; the third brings the name back as a text.
        let text = r#"{"name":"id","type":"string"},{"name":"n","type":"string","default":""}"#;
        let earlier = [record(DEMANDED), record(ID)];
        assert_eq!(check("BACKWARD", &record(text), &earlier), Ok(()));
        assert!(check("BACKWARD_ALL", &record(text), &earlier).is_err());
        assert!(check("FULL_ALL", &record(text), &earlier).is_err());
        assert!(check("FORWARD_ALL", &record(ID), &earlier).is_err());
        assert_eq!(check("FORWARD", &record(ID), &earlier), Ok(()));
    }

    #[test]
    fn the_canonical_text_ignores_layout_and_keeps_meaning() {
        let spaced = r#"{ "name": "r", "type": "record", "fields": [ {"type": "long", "name": "n"} ] }"#;
        let dense = r#"{"type":"record","name":"r","fields":[{"name":"n","type":"long"}]}"#;
        let default = r#"{"type":"record","name":"r","fields":[{"name":"n","type":"long","default":1}]}"#;
        assert_eq!(canonical("AVRO", spaced), canonical("AVRO", dense));
        assert_ne!(canonical("AVRO", default), canonical("AVRO", dense));
    }

    /// A few lines may stand for more types than there is time to visit.
    #[test]
    fn schemas_that_unfold_without_end_are_compared_at_once() {
        let mut doubled = r#"{"type":"record","name":"r0","fields":[{"name":"n","type":"long"}]}"#.to_owned();
        for level in 1..30 {
            let below = level - 1;
            doubled = format!(
                r#"{{"type":"record","name":"r{level}","fields":[{{"name":"a","type":{doubled}}},{{"name":"b","type":"r{below}"}}]}}"#
            );
        }
        let recursive = record(r#"{"name":"next","type":["null","r"],"default":null}"#);
        for definition in [doubled, recursive] {
            let started = std::time::Instant::now();
            assert!(canonical("AVRO", &definition).is_ok());
            assert_eq!(check("FULL_ALL", &definition, std::slice::from_ref(&definition)), Ok(()));
            assert!(started.elapsed().as_secs() < 5, "{definition}");
        }
    }

    #[test]
    fn what_is_no_schema_is_refused() {
        for (format, definition) in [
            ("AVRO", "{"),
            ("AVRO", r#"{"type":"record","name":"r"}"#),
            ("AVRO", r#""nonsense""#),
            ("JSON", "[1]"),
            ("JSON", r#"{"type":"text"}"#),
            ("JSON", r#"{"properties":{"a":{"type":"text"}}}"#),
            ("JSON", r#"{"$schema":"http://json-schema.org/draft-03/schema#"}"#),
            ("PROTOBUF", "message M {}"),
        ] {
            assert!(canonical(format, definition).is_err(), "{format} {definition}");
        }
        assert!(canonical("JSON", r#"{"type":["object","null"],"properties":{"a":{"type":"string"}}}"#).is_ok());
        assert!(canonical("JSON", "true").is_ok());
    }
}
