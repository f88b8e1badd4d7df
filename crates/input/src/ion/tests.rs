use base64::Engine;
use ion_rs::{Decimal, Element, IonType, Struct};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn json(line: &str) -> Result<String, IonError> {
    let mut json = Vec::new();
    let is_item = to_json(line.as_bytes(), &mut json)?;
    assert_eq!(is_item, !json.is_empty());
    Ok(String::from_utf8(json).unwrap())
}

#[test]
fn every_type_becomes_its_dynamodb_json() {
    let line = r#"$ion_1_0 {Item:{s:"a\"b\n",n:12.50,i:7.,e:-1d-20,b:{{AAEC}},t:true,z:null,m:{'odd name':"x"},l:["a",1.],ss:$dynamodb_SS::["a","b"],ns:$dynamodb_NS::[1.,2.5],bs:$dynamodb_BS::[{{AA==}}]}}"#;
    let expected = [
        r#"{"s":{"S":"a\"b\n"},"n":{"N":"12.50E0"},"i":{"N":"7E0"},"e":{"N":"-1E-20"},"b":{"B":"AAEC"},"t":{"BOOL":true},"#,
        r#""z":{"NULL":true},"m":{"M":{"odd name":{"S":"x"}}},"l":{"L":[{"S":"a"},{"N":"1E0"}]},"ss":{"SS":["a","b"]},"#,
        r#""ns":{"NS":["1E0","2.5E0"]},"bs":{"BS":["AA=="]}}"#,
    ];
    assert_eq!(json(line).unwrap(), expected.concat());
    assert_eq!(json("{Item:{$0a:1.,'$7':2.}}").unwrap(), r#"{"$0a":{"N":"1E0"},"$7":{"N":"2E0"}}"#);
    let policy = schema::TypeOptions::default();
    let mut reader = schema::Reader::new(&policy);
    reader.lines(expected.concat().as_bytes()).unwrap();
    let columns = reader.finish().unwrap().settle(&[], &Default::default(), &policy).columns;
    assert_eq!(columns.len(), 12);
}

#[test]
fn changes_give_their_new_image() {
    let line =
        r#"$ion_1_0 {Metadata:{WriteTimestampMicros:1.},Keys:{id:"1"},NewImage:{id:"1"},OldImage:{id:"1",o:1.}}"#;
    assert_eq!(json(line).unwrap(), "{\"id\":{\"S\":\"1\"}}");
    assert_eq!(json(r#"$ion_1_0 {Keys:{id:"1"},OldImage:{id:"1"}}"#).unwrap(), "", "a deletion");
}

#[test]
fn other_lines_are_refused() {
    for (line, why) in [
        ("{Item:{", IonError::Syntax),
        (r#"{"Other":{}}"#, IonError::NoItem),
        ("{Item:1}", IonError::NoItem),
        ("{Item:{f:1e0}}", IonError::Type),
        ("{Item:{l:(a b)}}", IonError::Type),
        ("{Item:{s:other::[1.]}}", IonError::Type),
    ] {
        assert_eq!(json(line), Err(why), "{line}");
    }
    assert_eq!(json(&format!("{{Item:{{l:{}", "[".repeat(100_000))), Err(IonError::TooDeep));
    assert_eq!(json("{Keys:{},Item:{id:\"1\"}}"), Err(IonError::NoItem));
}

#[test]
fn quotes_hide_no_depth() {
    let deep = "[".repeat(200_000);
    let nested = |levels| format!("{{Item:{{l:{}1.{}}}}}", "[".repeat(levels), "]".repeat(levels));
    assert!(json(&nested(MAX_DEPTH as usize - 1)).is_ok());
    assert_eq!(json(&nested(MAX_DEPTH as usize)), Err(IonError::TooDeep));
    for before in ["", r#"'a"b':1.,"#, r#"s:"\"",'it\'s':"]]","#, r#""'":{{AAEC}},"#] {
        assert_eq!(json(&format!("{{Item:{{{before}l:{deep}")), Err(IonError::TooDeep), "{before}");
    }
    for before in [r#"/* " */"#, "// \"\r", r#"l:'''"''',"#, r#"l:{{"}}"}},"#, "l:{{}},:"] {
        assert!(json(&format!("{{Item:{{{before}l:{deep}")).is_err(), "{before}");
    }
    let skipped = format!("{{Keys:{{}},OldImage:{deep}{},NewImage:{{}}}}", "]".repeat(200_000));
    assert_eq!(json(&skipped).unwrap(), "{}", "what is not read may be as deep as it likes");
}

#[test]
fn what_dynamodb_does_not_write_is_refused() {
    for line in [
        "$ion_symbol_table::{imports:[{name:\"x\",version:1,max_id:99999999999}]} {Item:{}}",
        "{Item:{$99999999999999999999999:1.}}",
        r#"{Item:{a:"\U00110000"}}"#,
        r#"{Item:{a:"\ud83d"}}"#,
        r#"{Item:{a:"\u+123"}}"#,
        "{Item:{}} {Item:{}}",
        "{Item:{},Item:{}}",
        "\u{e0}\u{1}\0\u{ea}",
        "{Item:{ss:$dynamodb_SS::[1.]}}",
        "{Item:{t:2011-01-01T}}",
    ] {
        assert!(json(line).is_err(), "{line}");
    }
}

/// A value as Ion, and as DynamoDB JSON with N as `coefficientEexponent`.
fn value() -> impl Strategy<Value = (Element, Value)> {
    let number = || {
        (any::<i64>(), -130_i64..126).prop_map(|(digits, exponent)| {
            (Element::decimal(Decimal::new(digits, exponent)), json!(format!("{digits}E{exponent}")))
        })
    };
    let text = || any::<String>().prop_map(|text| (Element::string(&*text), json!(text)));
    let bytes = || {
        vec(any::<u8>(), 0..9)
            .prop_map(|b| (Element::blob(&*b), json!(base64::engine::general_purpose::STANDARD.encode(b))))
    };
    let set = |name: &'static str, of: BoxedStrategy<(Element, Value)>| {
        vec(of, 1..4).prop_map(move |members| {
            let (ion, json): (Vec<Element>, Vec<Value>) = members.into_iter().unzip();
            (
                Element::from(ion_rs::List::from(ion)).with_annotations([format!("$dynamodb_{name}")]),
                json!({name: json}),
            )
        })
    };
    let tagged = |name: &'static str, of: BoxedStrategy<(Element, Value)>| {
        of.prop_map(move |(ion, json)| (ion, json!({name: json})))
    };
    let leaf = prop_oneof![
        tagged("S", text().boxed()),
        tagged("N", number().boxed()),
        tagged("B", bytes().boxed()),
        any::<bool>().prop_map(|is| (Element::boolean(is), json!({"BOOL": is}))),
        Just((Element::null(IonType::Null), json!({"NULL": true}))),
        set("SS", text().boxed()),
        set("NS", number().boxed()),
        set("BS", bytes().boxed()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let list = vec(inner.clone(), 0..4).prop_map(|members| {
            let (ion, json): (Vec<Element>, Vec<Value>) = members.into_iter().unzip();
            (Element::from(ion_rs::List::from(ion)), json!({"L": json}))
        });
        prop_oneof![list, item(inner).prop_map(|(ion, json)| (ion, json!({"M": json})))]
    })
}

fn item(value: impl Strategy<Value = (Element, Value)>) -> impl Strategy<Value = (Element, Value)> {
    btree_map(any::<String>(), value, 0..5).prop_map(|fields| {
        let ion =
            fields.iter().fold(Struct::builder(), |ion, (name, (value, _))| ion.with_field(&**name, value.clone()));
        (ion.build().into(), fields.into_iter().map(|(name, (_, json))| (name, json)).collect())
    })
}

/// Numbers as [`value`] has them.
fn canonical(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(canonical),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(number) if name == "N" => *number = coefficient(number),
                    Value::Array(set) if name == "NS" => {
                        set.iter_mut().for_each(|number| *number = coefficient(number.as_str().unwrap()).into());
                    }
                    other => canonical(other),
                }
            }
        }
        _ => {}
    }
}

fn coefficient(number: &str) -> String {
    let Some((digits, exponent)) = number.split_once('E') else { return number.to_owned() };
    let fraction = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len() as i64);
    let digits: i128 = digits.replace('.', "").parse().unwrap();
    format!("{digits}E{}", exponent.parse::<i64>().unwrap() - fraction)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_another_writer_of_ion_writes_is_read((ion, mut expected) in item(value())) {
        let line = format!("$ion_1_0 {{Item:{ion}}}");
        let mut read: Value = serde_json::from_str(&json(&line).unwrap()).unwrap();
        canonical(&mut read);
        canonical(&mut expected);
        prop_assert_eq!(read, expected, "{}", line);
    }

    #[test]
    fn damaged_lines_are_refused_or_give_json(
        (ion, _) in item(value()),
        edits in vec((any::<prop::sample::Index>(), prop_oneof![any::<u8>(), prop::sample::select(&b"{}[]()'\"\\/:,$.ux"[..])]), 0..6),
        incremental: bool,
    ) {
        let start = if incremental { "Keys:{},NewImage" } else { "Item" };
        let mut line = format!("$ion_1_0 {{{start}:{ion}}}").into_bytes();
        for (at, byte) in edits {
            let at = at.index(line.len());
            line[at] = byte;
        }
        let mut json = Vec::new();
        if to_json(&line, &mut json).is_ok() && !json.is_empty() {
            prop_assert!(serde_json::from_slice::<Value>(&json).is_ok(), "{:?}", String::from_utf8_lossy(&line));
        }
    }
}
