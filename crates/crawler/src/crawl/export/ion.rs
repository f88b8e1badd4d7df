//! Items in Amazon Ion text, one a line: `$ion_1_0 {Item:{…}}`. N is a decimal, B a blob, M a struct, and sets are lists
//! annotated `$dynamodb_SS`, `$dynamodb_NS` or `$dynamodb_BS`.

use aws_smithy_types::base64;
use ion_rs::{Element, Struct, Value};

/// How deep the text may nest: 32 levels of DynamoDB in one or two of `{Item:{…}}`. The parser recurses.
const MAX_DEPTH: u32 = 40;

/// Why a line is none of an export; never what stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoIon {
    #[error("not Ion text")]
    Syntax,
    #[error("nested deeper than DynamoDB allows")]
    TooDeep,
    #[error("not a struct with Item, or of an incremental export with Keys")]
    NoItem,
    #[error("a value of a type that exports don't have")]
    Type,
}

/// Appends the item of a line to `json`, as a line of DynamoDB JSON; nothing for a deletion.
pub(super) fn to_json(line: &[u8], incremental: bool, json: &mut Vec<u8>) -> Result<(), NoIon> {
    check_depth(line)?;
    let record = Element::read_one(line).map_err(|_| NoIon::Syntax)?;
    let Value::Struct(record) = record.value() else { return Err(NoIon::NoItem) };
    let item = match incremental {
        false => Some(record.get("Item").ok_or(NoIon::NoItem)?),
        true => record.get("Keys").map(|_| record.get("NewImage")).ok_or(NoIon::NoItem)?,
    };
    match item.map(Element::value) {
        None => Ok(()),
        Some(Value::Struct(item)) => {
            attributes(item, json)?;
            json.push(b'\n');
            Ok(())
        }
        Some(_) => Err(NoIon::NoItem),
    }
}

/// Brackets outside of strings.
fn check_depth(line: &[u8]) -> Result<(), NoIon> {
    let (mut depth, mut bytes, mut quoted) = (0_u32, line.iter(), false);
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if quoted => drop(bytes.next()),
            b'"' => quoted = !quoted,
            b'{' | b'[' | b'(' if !quoted => depth += 1,
            b'}' | b']' | b')' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(NoIon::TooDeep);
        }
    }
    Ok(())
}

fn attributes(item: &Struct, json: &mut Vec<u8>) -> Result<(), NoIon> {
    json.push(b'{');
    for (at, (name, value)) in item.fields().enumerate() {
        if at > 0 {
            json.push(b',');
        }
        string(name.text().ok_or(NoIon::Syntax)?, json);
        json.push(b':');
        attribute_value(value, json)?;
    }
    json.push(b'}');
    Ok(())
}

fn attribute_value(element: &Element, json: &mut Vec<u8>) -> Result<(), NoIon> {
    let set = element.annotations().first();
    let tag = match (element.value(), set) {
        (Value::String(_), None) => "S",
        (Value::Decimal(_) | Value::Int(_), None) => "N",
        (Value::Blob(_), None) => "B",
        (Value::Bool(_), None) => "BOOL",
        (Value::Null(_), None) => "NULL",
        (Value::Struct(_), None) => "M",
        (Value::List(_), None) => "L",
        (Value::List(_), Some("$dynamodb_SS")) => "SS",
        (Value::List(_), Some("$dynamodb_NS")) => "NS",
        (Value::List(_), Some("$dynamodb_BS")) => "BS",
        _ => return Err(NoIon::Type),
    };
    json.extend_from_slice(format!("{{\"{tag}\":").as_bytes());
    match element.value() {
        Value::Struct(map) => attributes(map, json)?,
        Value::List(list) => {
            json.push(b'[');
            for (at, member) in list.iter().enumerate() {
                if at > 0 {
                    json.push(b',');
                }
                match set {
                    None => attribute_value(member, json)?,
                    Some(_) => scalar(member.value(), json)?,
                }
            }
            json.push(b']');
        }
        value => scalar(value, json)?,
    }
    json.push(b'}');
    Ok(())
}

/// The content of a scalar. Whether the members of a set are all of its type is for the reader of the JSON to say.
fn scalar(value: &Value, json: &mut Vec<u8>) -> Result<(), NoIon> {
    match value {
        Value::String(text) => string(text.text(), json),
        Value::Decimal(number) => {
            json.extend_from_slice(format!("\"{}E{}\"", number.coefficient(), number.exponent()).as_bytes());
        }
        Value::Int(number) => json.extend_from_slice(format!("\"{number}\"").as_bytes()),
        Value::Blob(bytes) => json.extend_from_slice(format!("\"{}\"", base64::encode(bytes.as_ref())).as_bytes()),
        Value::Bool(value) => json.extend_from_slice(value.to_string().as_bytes()),
        Value::Null(_) => json.extend_from_slice(b"true"),
        _ => return Err(NoIon::Type),
    }
    Ok(())
}

fn string(text: &str, json: &mut Vec<u8>) {
    json.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(line: &str, incremental: bool) -> Result<String, NoIon> {
        let mut json = Vec::new();
        to_json(line.as_bytes(), incremental, &mut json)?;
        Ok(String::from_utf8(json).unwrap())
    }

    #[test]
    fn every_type_becomes_its_dynamodb_json() {
        let line = r#"$ion_1_0 {Item:{s:"a\"b\n",n:12.50,i:7.,e:-1d-20,b:{{AAEC}},t:true,z:null,m:{'odd name':"x"},l:["a",1.],ss:$dynamodb_SS::["a","b"],ns:$dynamodb_NS::[1.,2.5],bs:$dynamodb_BS::[{{AA==}}]}}"#;
        let expected = [
            r#"{"s":{"S":"a\"b\n"},"n":{"N":"1250E-2"},"i":{"N":"7E0"},"e":{"N":"-1E-20"},"b":{"B":"AAEC"},"t":{"BOOL":true},"#,
            r#""z":{"NULL":true},"m":{"M":{"odd name":{"S":"x"}}},"l":{"L":[{"S":"a"},{"N":"1E0"}]},"ss":{"SS":["a","b"]},"#,
            r#""ns":{"NS":["1E0","25E-1"]},"bs":{"BS":["AA=="]}}"#,
            "\n",
        ];
        assert_eq!(json(line, false).unwrap(), expected.concat());
        let policy = schema::Policy::default();
        let mut reader = schema::Reader::new(&policy);
        reader.lines(expected.concat().as_bytes()).unwrap();
        let columns = reader.finish().unwrap().settle(&[], &Default::default(), &policy).columns;
        assert_eq!(columns.len(), 12);
    }

    #[test]
    fn changes_give_their_new_image() {
        let line =
            r#"$ion_1_0 {Metadata:{WriteTimestampMicros:1.},Keys:{id:"1"},NewImage:{id:"1"},OldImage:{id:"1",o:1.}}"#;
        assert_eq!(json(line, true).unwrap(), "{\"id\":{\"S\":\"1\"}}\n");
        assert_eq!(json(r#"$ion_1_0 {Keys:{id:"1"},OldImage:{id:"1"}}"#, true).unwrap(), "", "a deletion");
    }

    #[test]
    fn other_lines_are_refused() {
        for (line, why) in [
            ("{Item:{", NoIon::Syntax),
            (r#"{"Other":{}}"#, NoIon::NoItem),
            ("{Item:1}", NoIon::NoItem),
            ("{Item:{f:1e0}}", NoIon::Type),
            ("{Item:{l:(a b)}}", NoIon::Type),
            ("{Item:{s:other::[1.]}}", NoIon::Type),
        ] {
            assert_eq!(json(line, false), Err(why), "{line}");
        }
        assert_eq!(json(&format!("{{Item:{{l:{}", "[".repeat(100_000)), false), Err(NoIon::TooDeep));
        assert_eq!(json("{Item:{id:\"1\"}}", true), Err(NoIon::NoItem));
    }
}
