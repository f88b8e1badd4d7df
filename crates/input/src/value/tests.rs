use super::*;

#[test]
fn an_item_is_attributes_and_their_values() {
    for (text, spelling) in [
        (r#"{}"#, Ok(Spelling::Usual)),
        (r#"{"pk":{"S":"a"},"n":{"N":"1"}}"#, Ok(Spelling::Usual)),
        (r#" { "pk" : { "S" : "a" } } "#, Ok(Spelling::Usual)),
        (
            r#"{"m":{"M":{}},"l":{"L":[]},"l2":{"L":[{"NULL":true},{"BOOL":false}]},"s":{"SS":["a"]}}"#,
            Ok(Spelling::Usual),
        ),
        (r#"{"pk":{"s":"a"}}"#, Ok(Spelling::Unusual)),
        (r#"{"l":{"L":[{"m":{"x":{"nULLValue":true}}}]}}"#, Ok(Spelling::Unusual)),
        (r#"{"pk":{"S":"a","N":null}}"#, Ok(Spelling::Unusual)),
        (r#"{"pk":{"\u0053":"a"}}"#, Ok(Spelling::Unusual)),
        (r#"{"pk":{"S":"a","N":"1"}}"#, Err(15)),
        (r#"{"pk":{"N":1}}"#, Err(11)),
        (r#"{"pk":{"NS":[1]}}"#, Err(13)),
        (r#"{"pk":{"X":"1"}}"#, Err(7)),
        (r#"{"pk":{}}"#, Err(6)),
        (r#"{"pk":"a"}"#, Err(6)),
        (r#"{"pk":{"S":"a"}} x"#, Err(17)),
        (r#"{"pk":{"S":"a"}"#, Err(15)),
        (r#"{"pk":{"S":"a"#, Err(11)),
        (r#"[]"#, Err(0)),
    ] {
        assert_eq!(item(text.as_bytes()), spelling, "{text}");
    }
}

#[test]
fn no_text_is_both_an_item_and_an_attribute_value() {
    for (text, value) in [
        (r#"{"S":"x"}"#, true),
        (r#"{"M":{}}"#, true),
        (r#"{"M":{"S":"x"}}"#, false),
        (r#"{"M":{"M":{}}}"#, false),
        (r#"{"M":{"M":{"S":"x"}}}"#, true),
        (r#"{"S":{"S":"x"}}"#, false),
        (r#"{"L":[{"S":"x"}]}"#, true),
        (r#"{"SS":["x"]}"#, true),
        (r#"{"Orders":[]}"#, false),
        (r#"{"bOOL":true}"#, true),
    ] {
        assert_eq!(is_attribute_value(text.as_bytes()), value, "{text}");
        assert_eq!(item(text.as_bytes()).is_err(), value || text.contains("Orders"), "{text}");
    }
}

#[test]
fn other_spellings_are_written_as_dynamodb_does() {
    let lower = r#"{ "s":{"s":"a b"}, "n":{"nS":["1", "2"]}, "m":{"m":{"l":{"l":[ {"b":"AA=="} ,{"nULLValue":true}]}}},
        "b":{"BOOL":null,"bool":false,"NULL":null}}"#;
    let upper = r#"{"s":{"S":"a b"},"n":{"NS":["1","2"]},"m":{"M":{"l":{"L":[{"B":"AA=="},{"NULL":true}]}}},"b":{"BOOL":false}}"#;
    assert_eq!(item(lower.as_bytes()), Ok(Spelling::Unusual));
    assert_eq!(String::from_utf8(respelled(lower.as_bytes())).unwrap(), upper);
    assert_eq!(item(upper.as_bytes()), Ok(Spelling::Usual));
}

#[test]
fn maps_may_be_wrapped_twice() {
    for (text, expected) in [
        (r#"{"a":{"M":{"M":{"x":{"S":"1"}}}}}"#, r#"{"a":{"M":{"x":{"S":"1"}}}}"#),
        (r#"{"a":{"M":{"M":{"M":{"M":{"x":{"S":"1"}}}}}}}"#, r#"{"a":{"M":{"M":{"M":{"x":{"S":"1"}}}}}}"#),
        (r#"{"a":{"M":{ "M":{ "M": {"S":"1"} } } }}"#, r#"{"a":{"M":{"M":{"S":"1"}}}}"#),
    ] {
        let found = String::from_utf8(respelled(text.as_bytes())).unwrap();
        assert_eq!((item(text.as_bytes()), &*found), (Ok(Spelling::Unusual), expected));
    }
    let map_in_map = r#"{"a":{"M":{"M":{"M":{"x":{"S":"1"}}}}}}"#;
    assert_eq!(item(map_in_map.as_bytes()), Ok(Spelling::Usual));
    let deep = format!("{{\"a\":{}1{}", "{\"M\":".repeat(70), "}".repeat(71));
    assert!(item(deep.as_bytes()).is_err());
    assert!(item(br#"{"a":{"M":{"M":{"x":{"S":"1"}},"y":{"S":"1"}}}}"#).is_err());
}

#[test]
fn attribute_values_are_found_at_any_depth() {
    assert!(holds_attribute_values(br#"{"a":[1,{"b":{"c":{"S":"x"}}}]}"#));
    assert!(!holds_attribute_values(br#"{"a":[1,{"bb":"{\"S\":\"x\"}"}],"S":"x","T":1}"#));
}

#[test]
fn members_come_with_their_places() {
    let text = br#" {"a" : [1,{"}":"]"}] ,"b\u0041":"x, y", "c":12 }"#;
    let found: Vec<_> = members(text).iter().map(|m| (m.name.to_string(), m.value.to_vec(), m.at)).collect();
    let expected = [("a", &br#"[1,{"}":"]"}]"#[..], 8), ("bA", br#""x, y""#, 33), ("c", b"12 ", 45)];
    assert_eq!(found, expected.map(|(name, value, at)| (name.to_owned(), value.to_vec(), at)));
}
