use std::collections::BTreeMap;

use super::*;

fn read(text: &str) -> Result<Shape, ReadError> {
    let mut reader = Reader::new(&TypeOptions::default());
    reader.lines(text.as_bytes())?;
    reader.finish()
}

/// The columns, or the error.
fn columns(text: &str) -> String {
    match read(text) {
        Err(error) => error.to_string(),
        Ok(shape) => {
            let schema = shape.settle(&[], &BTreeMap::new(), &TypeOptions::default());
            let columns: Vec<String> =
                schema.columns.iter().map(|c| format!("{} {}", c.attribute, c.glue_type)).collect();
            columns.join(", ")
        }
    }
}

#[test]
fn every_type_bare_and_wrapped() {
    let item = r#"{"s":{"S":"x"},"n":{"N":"1"},"b":{"B":"AAE="},"t":{"BOOL":true},"z":{"NULL":true},"m":{"M":{"a":{"S":""}}},"l":{"L":[{"N":"1.5"}]},"ss":{"SS":["a"]},"ns":{"NS":["1","2"]},"bs":{"BS":["AA=="]}}"#;
    let expected = "b binary, bs array<binary>, l array<double>, m struct<a:string>, n bigint, ns array<bigint>, s string, \
                    ss array<string>, t boolean, z string";
    assert_eq!(columns(item), expected);
    assert_eq!(columns(&format!("{{\"Item\":{item}}}\n")), expected);
    let shape = read(&format!("\n{item}\r\n  \n {{ \"Item\" : {item} }} \n{item}")).unwrap();
    assert_eq!((shape.items(), shape.bytes()), (3, 3 * item.len() as u64));
}

#[test]
fn an_attribute_called_item_is_no_wrapper() {
    for (text, expected) in [
        (r#"{"Item":{"S":"x"}}"#, "Item string"),
        (r#"{"Item":{"N":"1"},"pk":{"S":"x"}}"#, "Item bigint, pk string"),
        (r#"{"pk":{"S":"x"},"Item":{"N":"1"}}"#, "Item bigint, pk string"),
        (r#"{"Item":{"pk":{"S":"x"}}}"#, "pk string"),
        (r#"{"Item":{"S":{"S":"x"}}}"#, "S string"),
        (r#"{"Item":{"M":{"S":"x"}}}"#, "M string"),
        (r#"{"Item":{"M":{}}}"#, "Item map<string,string>"),
        (r#"{"Item":{"M":{"M":{}}}}"#, "M map<string,string>"),
        (r#"{"Item":{"M":{"M":{"M":{}}}}}"#, "Item struct<M:map<string,string>>"),
        (r#"{"Item":{"M":{"a":{"S":"x"}}}}"#, "Item struct<a:string>"),
        (r#"{"Item":{"M":{"S":{"S":"x"}}}}"#, "Item struct<S:string>"),
        (r#"{"Item":{"M":{"M":{"S":"x"}}}}"#, "Item struct<M:string>"),
        (r#"{"Item":{"M":{"M":{"a":{"S":"x"}}}}}"#, "M struct<a:string>"),
        (r#"{"Item":{"L":[{"S":"x"}]}}"#, "Item array<string>"),
        (r#"{"Item":{"Item":{"S":"x"}}}"#, "Item string"),
        (r#"{ "It\u0065m" : { "\u0050k" : { "\u0053" : "x" } } }"#, "Pk string"),
        (r#"{"Item":{}}"#, ""),
        (r#"{}"#, ""),
        // The usual first attribute is called M.
        ("{\"Item\":{\"M\":{\"S\":\"x\"}}}\n{\"Item\":{\"M\":{}}}", "Item map<string,string>, M string"),
    ] {
        assert_eq!(columns(text), expected, "{text}");
    }
}

#[test]
fn errors_tell_what_and_where() {
    for (text, expected) in [
        ("x", "line 1 (byte 0 of the input): expected an item, which starts with '{'"),
        ("[]", "line 1 (byte 0 of the input): expected an item, which starts with '{'"),
        (
            "{",
            "line 1 (byte 1 of the input): the line or the input ends inside of an item; one item a line is expected",
        ),
        (
            "{}\n\n{\"a\"\n{}",
            "line 3 (byte 8 of the input): the line or the input ends inside of an item; one item a line is expected",
        ),
        ("{} {}", "line 1 (byte 3 of the input): something follows what should be the end"),
        (r#"{"a":{"S":"x"},}"#, "line 1 (byte 15 of the input): expected an attribute name in quotes"),
        (r#"{"a":{"S":"x"} "b"}"#, "line 1 (byte 15 of the input): expected ',' or '}' after an attribute"),
        (
            r#"{"a":"x"}"#,
            "line 1 (byte 5 of the input): expected an attribute value of DynamoDB JSON, which starts with '{'",
        ),
        (r#"{"a":{}}"#, "line 1 (byte 6 of the input): an attribute value without a type"),
        (
            r#"{"a":{"X":"x"}}"#,
            "line 1 (byte 7 of the input): an unknown type; DynamoDB has S, N, B, BOOL, NULL, M, L, SS, NS and BS",
        ),
        (r#"{"a":{"S":"x","N":"1"}}"#, "line 1 (byte 13 of the input): an attribute value with more than one type"),
        (r#"{"a":{"S":"x"},"a":{"S":"x"}}"#, "line 1 (byte 15 of the input): a name that stands twice in one object"),
        (
            r#"{"m":{"M":{"a":{"S":"x"},"\u0061":{"S":"x"}}}}"#,
            "line 1 (byte 25 of the input): a name that stands twice in one object",
        ),
        (r#"{"a":{"S":1}}"#, "line 1 (byte 10 of the input): expected a string after the type"),
        (r#"{"a":{"N":"x"}}"#, "line 1 (byte 11 of the input): not a number"),
        (
            r#"{"a":{"N":"1E126"}}"#,
            "line 1 (byte 11 of the input): a number out of DynamoDB's range, 1E-130 to 9.99E+125",
        ),
        (r#"{"a":{"NS":["1",2]}}"#, "line 1 (byte 16 of the input): expected a string as the element of a set"),
        (r#"{"a":{"SS":[null]}}"#, "line 1 (byte 12 of the input): expected a string as the element of a set"),
        (r#"{"a":{"BOOL":"true"}}"#, "line 1 (byte 13 of the input): expected true or false after BOOL"),
        (r#"{"a":{"NULL":false}}"#, "line 1 (byte 13 of the input): expected true after NULL"),
        (r#"{"a":{"B":"A"}}"#, "line 1 (byte 11 of the input): binary that is not base64 with padding"),
        (r#"{"a":{"BS":["AA=="," "]}}"#, "line 1 (byte 20 of the input): binary that is not base64 with padding"),
        (r#"{"a":{"S":"\x"}}"#, "line 1 (byte 11 of the input): an invalid escape sequence in a string"),
        (r#"{"a":{"S":"\ud800"}}"#, "line 1 (byte 11 of the input): an invalid escape sequence in a string"),
        (r#"{"a":{"S":"\udc00"}}"#, "line 1 (byte 11 of the input): an invalid escape sequence in a string"),
        (r#"{"a":{"S":"\u12"}}"#, "line 1 (byte 11 of the input): an invalid escape sequence in a string"),
        (
            "{\"a\":{\"S\":\"\t\"}}",
            "line 1 (byte 11 of the input): a control character in a string, which JSON wants escaped",
        ),
        (
            "{\"Item\":{\"a\":{\"S\":\"x\"}},\"b\":1}",
            "line 1 (byte 23 of the input): expected '}' after the wrapped item",
        ),
    ] {
        assert_eq!(columns(text), expected, "{text}");
    }
    let digits = format!("{{\"a\":{{\"N\":\"{}\"}}}}", "1".repeat(39));
    assert_eq!(columns(&digits), "line 1 (byte 11 of the input): a number with more than 38 significant digits");
    let mut reader = Reader::new(&TypeOptions::default());
    let error = reader.lines(b"{}\n{\"a\":{\"S\":\"ok \xc3\x28\"}}\n").unwrap_err();
    assert_eq!(error.to_string(), "line 2 (byte 17 of the input): the text is not UTF-8");
}

#[test]
fn names_stand_once_also_where_maps_are_folded() {
    let read = |members: &str| {
        let mut reader = Reader::new(&TypeOptions { max_struct_fields: 1, ..TypeOptions::default() });
        reader.lines(b"{\"m\":{\"M\":{\"x\":{\"S\":\"\"},\"y\":{\"S\":\"\"}}}}\n").unwrap();
        reader
            .lines(format!("{{\"m\":{{\"M\":{{{members}}}}}}}\n").as_bytes())
            .map_err(|error| (error.kind, error.offset))
    };
    let value = r#"{"S":""}"#;
    assert_eq!(read(&format!(r#""a":{value},"b":{value},"größe":{value}"#)), Ok(()));
    let twice = Err((ReadErrorKind::DuplicateName, 40 + 11 + 13 + 1 + 12 + 1));
    assert_eq!(read(&format!(r#""aa":{value},"b":{value},"aa":{value}"#)), twice);
    assert_eq!(read(&format!(r#""aa":{value},"b":{value},"\u0061a":{value}"#)), twice);
    // One name in two maps, one in the other.
    assert_eq!(read(&format!(r#""a":{{"M":{{"a":{value},"b":{value}}}}},"b":{{"M":{{"a":{value}}}}}"#)), Ok(()));
    let many: Vec<String> = (0..5000).map(|i| format!(r#""{i}":{value}"#)).collect();
    assert_eq!(read(&many.join(",")), Ok(()));
    assert!(read(&format!(r#"{},"1234":{value}"#, many.join(","))).is_err());
}

#[test]
fn a_name_is_not_what_its_escapes_look_like() {
    // What follows is long enough for the comparison of 32 bytes at once.
    let line = |name: &str, kind: &str| {
        format!("{{\"{name}\":{{\"{kind}\":\"1\"}},\"z\":{{\"S\":\"{}\"}}}}\n", "z".repeat(40))
    };
    let newline = columns(&(line(r"a\\n", "S") + &line(r"a\\n", "S") + &line(r"a\n", "N")));
    assert_eq!(newline, "a\n bigint, a\\n string, z string");
    let quote = read(&(line(r#"q\""#, "S") + &line(r#"q\""#, "S") + &line("q\"", "S"))).unwrap_err();
    assert_eq!((quote.kind, quote.line), (ReadErrorKind::Expected("':' after an attribute name"), 3));
}

#[test]
fn nesting_ends_at_32_levels() {
    let lists = |levels| format!("{{\"a\":{}{{\"S\":\"x\"}}{}}}", "{\"L\":[".repeat(levels), "]}".repeat(levels));
    let maps = |levels| format!("{{\"a\":{}{{\"S\":\"x\"}}{}}}", "{\"M\":{\"a\":".repeat(levels), "}}".repeat(levels));
    assert_eq!(columns(&lists(32)), format!("a {}string{}", "array<".repeat(32), ">".repeat(32)));
    assert_eq!(columns(&maps(32)), format!("a {}string{}", "struct<a:".repeat(32), ">".repeat(32)));
    for deep in [lists(33), maps(33), lists(100_000), maps(100_000)] {
        assert_eq!(read(&deep).unwrap_err().kind, ReadErrorKind::TooDeep);
    }
}

#[test]
fn a_spent_reader_stays_spent() {
    let mut reader = Reader::new(&TypeOptions::default());
    reader.lines(b"{\"a\":{\"S\":\"x\"}}\n").unwrap();
    let error = reader.lines(b"nonsense\n").unwrap_err();
    assert_eq!(reader.lines(b"{}\n"), Err(error.clone()));
    assert_eq!(reader.scan_response(b"{\"Count\":0}").unwrap_err(), error);
    assert_eq!(reader.finish().unwrap_err(), error);
}

#[test]
fn a_line_without_end_does_not_fill_the_memory() {
    let mut reader = Reader::new(&TypeOptions::default());
    reader.lines(b"{}\n").unwrap();
    let chunk = vec![b' '; 1 << 20];
    let error = std::iter::repeat_with(|| reader.lines(&chunk)).take(17).find_map(Result::err).unwrap();
    assert_eq!((error.kind, error.line, error.offset), (ReadErrorKind::LineTooLong, 2, 3));
}

#[test]
fn a_scan_response_in_any_order() {
    let key = r#"{"pk":{"S":"}\"{"}}"#;
    let body = format!(
        r#" {{ "ConsumedCapacity" : {{"TableName":"t","CapacityUnits":128.5,"Table":{{"CapacityUnits":1}}}},
            "LastEvaluatedKey":{key}, "Other":[1,-2.5e3,{{"a":[]}},"x",null,true,false],
            "ScannedCount":3,"Items":[{{"pk":{{"S":"a"}}}} , {{"pk":{{"S":"b"}},
            "n":{{"N":"1"}}}}],"Count":2}}
"#
    );
    let mut reader = Reader::new(&TypeOptions::default());
    let page = reader.scan_response(body.as_bytes()).unwrap();
    assert_eq!((page.count, page.scanned_count, page.consumed_capacity), (2, 3, Some(128.5)));
    assert_eq!(&body[page.last_evaluated_key.unwrap()], key);
    let last = reader.scan_response(br#"{"Count":0,"Items":[],"ScannedCount":7}"#).unwrap();
    assert_eq!(last, ScanPage { count: 0, scanned_count: 7, last_evaluated_key: None, consumed_capacity: None });
    assert_eq!(reader.scan_response(br#"{"Count":4,"ScannedCount":4}"#).unwrap().count, 4);
    assert_eq!(reader.finish().unwrap().items(), 2);
}

#[test]
fn what_is_no_scan_response() {
    for (body, expected) in [
        ("", "line 1 (byte 0 of the input): the line or the input ends inside of an item; one item a line is expected"),
        ("{}", "line 1 (byte 2 of the input): expected a Scan response, which has a Count"),
        (
            r#"{"Count":1,"Items":[]}"#,
            "line 1 (byte 22 of the input): the response's Count is not the number of its Items",
        ),
        (r#"{"Count":-1}"#, "line 1 (byte 9 of the input): expected a whole number"),
        (r#"{"Count":01}"#, "line 1 (byte 10 of the input): expected ',' or '}' after a member"),
        (r#"{"Count":0,"Count":0}"#, "line 1 (byte 19 of the input): a name that stands twice in one object"),
        (r#"{"Count":0} x"#, "line 1 (byte 12 of the input): something follows what should be the end"),
        ("{\"Count\":1,\n\"Items\":[{\"a\":{}}]}", "line 2 (byte 27 of the input): an attribute value without a type"),
        (r#"{"Count":0,"x":1.}"#, "line 1 (byte 17 of the input): expected a digit"),
        (r#"{"Count":0,"x":nul}"#, "line 1 (byte 15 of the input): expected a JSON value"),
        (
            r#"{"Count":0,"LastEvaluatedKey":[]}"#,
            "line 1 (byte 30 of the input): expected a key, which starts with '{'",
        ),
        (r#"{"Count":0,"ConsumedCapacity":{"CapacityUnits":"x"}}"#, "line 1 (byte 47 of the input): expected a number"),
    ] {
        let error = Reader::new(&TypeOptions::default()).scan_response(body.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), expected, "{body}");
    }
    let deep = format!("{{\"x\":{}", "[".repeat(100_000));
    let error = Reader::new(&TypeOptions::default()).scan_response(deep.as_bytes()).unwrap_err();
    assert_eq!(error.kind, ReadErrorKind::TooDeep);
    let broken = b"{\"Count\":0,\"x\":\"\xff\"}";
    let error = Reader::new(&TypeOptions::default()).scan_response(broken).unwrap_err();
    assert_eq!((error.kind, error.offset), (ReadErrorKind::Utf8, 16));
}

#[test]
fn zeros_in_a_long_name_are_told_as_such() {
    let name = "long".repeat(10);
    let first = format!("{{\"{name}\":{{\"S\":\"x\"}}}}\n");
    let second = format!("{{\"{}", "\0".repeat(40));
    let expected = read(&second).unwrap_err();
    assert_eq!((expected.kind, expected.offset), (ReadErrorKind::ControlCharacter, 2));
    let error = read(&format!("{first}{second}")).unwrap_err();
    assert_eq!((error.kind, error.offset), (expected.kind, first.len() as u64 + expected.offset));
}
