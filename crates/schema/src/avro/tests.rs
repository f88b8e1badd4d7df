use super::*;
use crate::table::Column;

fn table(columns: &[(&str, &str)]) -> TableSchema {
    let column = |(attribute, glue_type): &(&str, &str)| Column {
        name: naming::column(attribute),
        attribute: (*attribute).to_owned(),
        glue_type: glue_type.parse().unwrap(),
    };
    TableSchema { columns: columns.iter().map(column).collect() }
}

fn define(columns: &[(&str, &str)], previous: Option<&str>) -> String {
    let text = definition(&table(columns), "orders", "ddb_tables", previous).unwrap();
    apache_avro::Schema::parse_str(&text).unwrap();
    text
}

/// The columns after a table of one column `c` had these types, one after the other.
fn widened(types: &[&str]) -> String {
    let mut text: Option<String> = None;
    for glue_type in types {
        text = Some(define(&[("c", glue_type)], text.as_deref()));
        // Once more changes nothing.
        assert_eq!(text.as_deref(), Some(&*define(&[("c", glue_type)], text.as_deref())));
    }
    let (_, glue_type) = columns(text.as_deref().unwrap()).unwrap().remove(0);
    glue_type.to_string()
}

#[test]
fn the_definition_of_a_table() {
    let text = define(
        &[
            ("Id", "string"),
            ("2nd price", "decimal(38,4)"),
            ("lines", "array<struct<sku-no:string,sku_no:bigint,at:struct<x:double>>>"),
            ("raw", "binary"),
            ("tags", "map<string,boolean>"),
        ],
        None,
    );
    insta::assert_snapshot!(text.replace("},{\"name", "},\n{\"name").replace("\"fields\":[", "\"fields\":[\n"), @r###"
    {"type":"record","name":"orders","namespace":"ddb_tables","fields":[
    {"name":"id","type":["null","string"],"default":null,"attribute":"Id"},
    {"name":"_2nd_price","type":["null",{"type":"bytes","logicalType":"decimal","precision":38,"scale":4}],"default":null,"attribute":"2nd price"},
    {"name":"lines","type":["null",{"type":"array","items":["null",{"type":"record","name":"lines","namespace":"ddb_tables.orders","fields":[
    {"name":"sku_no_3f34ca39","type":["null","string"],"default":null,"attribute":"sku-no"},
    {"name":"sku_no","type":["null","long"],"default":null},
    {"name":"at","type":["null",{"type":"record","name":"at","namespace":"ddb_tables.orders.lines","fields":[
    {"name":"x","type":["null","double"],"default":null}]}],"default":null}]}]}],"default":null},
    {"name":"raw","type":["null","bytes"],"default":null},
    {"name":"tags","type":["null",{"type":"map","values":["null","boolean"]}],"default":null}]}
    "###);
}

#[test]
fn derived_columns() {
    let text = r#"{"type":"record","name":"t","fields":[
        {"name":"Id","type":"string"},{"name":"i","type":["null","int"]},{"name":"l","type":"long"},
        {"name":"f","type":"float"},{"name":"b","type":{"type":"bytes"}},{"name":"z","type":"null"},
        {"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":12,"scale":2}},
        {"name":"wide","type":{"type":"bytes","logicalType":"decimal","precision":50,"scale":2}},
        {"name":"e","type":{"type":"enum","name":"E","symbols":["A"]}},
        {"name":"x","type":{"type":"fixed","name":"X","size":4}},
        {"name":"u","type":{"type":"string","logicalType":"uuid"}},
        {"name":"day","type":{"type":"int","logicalType":"date"}},
        {"name":"ms","type":{"type":"long","logicalType":"timestamp-millis"}},
        {"name":"us","type":{"type":"long","logicalType":"timestamp-micros"}},
        {"name":"a","type":{"type":"array","items":["null","E"]}},
        {"name":"m","type":{"type":"map","values":{"type":"record","name":"n.R","fields":[{"name":"Inner","type":"int"}]}}},
        {"name":"again","type":["n.R","null"]},
        {"name":"choice","type":["null","long","string"]}]}"#;
    let columns: Vec<String> = columns(text).unwrap().into_iter().map(|(name, t)| format!("{name} {t}")).collect();
    insta::assert_snapshot!(columns.join("\n"), @r###"
    id string
    i int
    l bigint
    f float
    b binary
    z void
    d decimal(12,2)
    wide binary
    e string
    x binary
    u string
    day date
    ms timestamp
    us bigint
    a array<string>
    m map<string,struct<Inner:int>>
    again struct<Inner:int>
    choice uniontype<bigint,string>
    "###);
}

#[test]
fn what_was_defined_derives_the_same_columns() {
    let schema = table(&[
        ("id", "string"),
        ("a", "bigint"),
        ("b", "double"),
        ("c", "decimal(38,3)"),
        ("d", "boolean"),
        ("e", "binary"),
        ("f", "array<array<string>>"),
        ("g", "map<string,array<bigint>>"),
        ("h", "struct<A:string,b_1:struct<c:double>>"),
    ]);
    let text = definition(&schema, "orders", "ddb_tables", None).unwrap();
    let expected: Vec<_> = schema.columns.into_iter().map(|c| (c.name, c.glue_type)).collect();
    assert_eq!(columns(&text).unwrap(), expected);
}

#[test]
fn widening() {
    for (types, expected) in [
        (&["bigint", "double", "bigint"][..], "double"),
        (&["int", "bigint", "int"], "bigint"),
        (&["int", "float"], "double"),
        (&["decimal(38,2)", "bigint", "decimal(38,2)"], "decimal(38,2)"),
        (&["decimal(38,20)", "bigint"], "uniontype<decimal(38,20),bigint>"),
        (
            &["decimal(38,2)", "decimal(38,4)", "decimal(38,2)", "decimal(38,4)"],
            "uniontype<decimal(38,2),decimal(38,4)>",
        ),
        (&["string", "bigint", "string", "double"], "uniontype<string,double>"),
        (&["binary", "decimal(38,2)"], "uniontype<binary,decimal(38,2)>"),
        (&["decimal(38,2)", "binary", "binary"], "uniontype<decimal(38,2),string>"),
        (&["array<bigint>", "array<string>"], "array<uniontype<bigint,string>>"),
        (&["struct<a:int>", "map<string,int>"], "uniontype<struct<a:int>,map<string,int>>"),
        (&["struct<a:bigint,b:string>", "struct<c:string,b:string,a:double>"], "struct<c:string,b:string,a:double>"),
        (&["struct<a:string,b:string>", "struct<b:string>"], "struct<a:string,b:string>"),
        (&["struct<a:int>", "array<struct<b:int>>"], "uniontype<struct<a:int>,array<struct<b:int>>>"),
        (&["date", "int"], "uniontype<date,string>"),
    ] {
        assert_eq!(widened(types), expected, "{types:?}");
    }
}

#[test]
fn columns_that_are_gone_stay_behind() {
    let first = define(&[("a", "string"), ("b", "bigint")], None);
    let second = define(&[("b", "bigint"), ("c", "string")], Some(&first));
    let names = |text: &str| columns(text).unwrap().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names(&second), ["b", "c", "a"]);
    // All known already, in another order: nothing to register.
    assert_eq!(define(&[("a", "string"), ("b", "bigint")], Some(&second)), second);
}

#[test]
fn a_nested_name_stays_when_another_wants_it() {
    let first = define(&[("m", "struct<a-b:string>")], None);
    let second = define(&[("m", "struct<a-b:string,a_b:string>")], Some(&first));
    let hashed = format!("a_b_{}", &naming::sha256_hex("a_b")[..8]);
    assert_eq!(columns(&second).unwrap()[0].1.to_string(), format!("struct<a_b:string,{hashed}:string>"));
}

#[test]
fn the_attribute_of_a_column_may_become_known_later() {
    let mut schema = table(&[("userid", "string")]);
    let first = definition(&schema, "t", "d", None).unwrap();
    schema.columns[0].attribute = "userId".to_owned();
    let second = definition(&schema, "t", "d", Some(&first)).unwrap();
    assert_eq!(second, definition(&schema, "t", "d", None).unwrap());
    assert!(second.contains(r#""attribute":"userId""#));
}

#[test]
fn what_someone_else_wrote_is_kept() {
    let previous = r#"{ "type":"record", "name":"Order", "namespace":"shop", "doc":"By hand.", "fields":[
        {"name":"id", "type":"string", "doc":"The number."},
        {"name":"state", "type":["null", {"type":"enum","name":"State","symbols":["NEW"]}], "default":null},
        {"name":"by", "type":["null", {"type":"record","name":"Person","fields":[{"name":"n","type":["null","string"],"default":null}]}], "default":null}] }"#;
    let text = define(&[("id", "string"), ("by", "struct<n:string,m:bigint>")], Some(previous));
    insta::assert_snapshot!(text, @r###"{"type":"record","name":"Order","namespace":"shop","doc":"By hand.","fields":[{"name":"id","type":["null","string"],"default":null,"doc":"The number."},{"name":"by","type":["null",{"type":"record","name":"Person","namespace":"shop","fields":[{"name":"n","type":["null","string"],"default":null},{"name":"m","type":["null","long"],"default":null}]}],"default":null},{"name":"state","type":["null",{"name":"State","symbols":["NEW"],"type":"enum"}],"default":null}]}"###);
    // Fields that are required already: the definition as it is can't hold an item without them.
    assert_ne!(define(&[("id", "string")], Some(previous)), previous);
    let nullable = previous.replace(r#""type":"string", "doc""#, r#""type":["string","null"], "default":null, "doc""#);
    assert_eq!(define(&[("id", "string")], Some(&nullable)), nullable);
}

#[test]
fn deep_types_end_in_text() {
    let deep = |levels: usize| format!("{}bigint{}", "struct<a:".repeat(levels), ">".repeat(levels));
    let derived = |levels| columns(&define(&[("c", &deep(levels))], None)).unwrap().remove(0).1.to_string();
    assert_eq!(derived(28), deep(28));
    assert_eq!(derived(32), deep(28).replace("bigint", "string"));
    let array = format!("{}bigint{}", "array<".repeat(32), ">".repeat(32));
    assert_eq!(widened(&[&array]), array);
}

/// As another tool may have written it into the catalog; Avro allows a name once in a record.
#[test]
fn a_struct_with_a_name_twice_is_text() {
    assert_eq!(widened(&["array<struct<a:int,b:int,a:int>>"]), "array<string>");
}

#[test]
fn definitions_that_can_not_be_used() {
    let error = |text: &str| definition(&table(&[("a", "string")]), "t", "d", Some(text)).unwrap_err().to_string();
    assert_eq!(error("{"), "the Avro definition is not JSON");
    let person = r#"{"type":"record","name":"P","fields":[{"name":"n","type":"int"}]}"#;
    for (text, expected) in [
        (r#""string""#.to_owned(), "a type that is no record at the top"),
        (r#"{"type":"record","fields":[]}"#.to_owned(), "a type without its name at the top"),
        (r#"{"type":"record","name":"d.","fields":[]}"#.to_owned(), "a type without its name at the top"),
        (r#"{"type":"record","name":"t"}"#.to_owned(), "a record without fields at the top"),
        (r#"{"type":"record","name":"t","fields":[{"name":"a","type":"what"}]}"#.to_owned(), "an unknown type at a"),
        (
            r#"{"type":"record","name":"t","fields":[{"name":"a","type":{"type":"array"}}]}"#.to_owned(),
            "an array or map without a type inside at a",
        ),
    ] {
        assert_eq!(error(&text), format!("not the Avro definition of a record: {expected}"));
    }
    let shared = format!(
        r#"{{"type":"record","name":"t","fields":[{{"name":"a","type":{person}}},{{"name":"b","type":"P"}}]}}"#
    );
    assert!(matches!(definition(&table(&[]), "t", "d", Some(&shared)), Err(AvroError::Reference { .. })));
    assert_eq!(columns(&shared).unwrap()[1].1.to_string(), "struct<n:int>");
    let recursive = r#"{"type":"record","name":"t","fields":[{"name":"a","type":["null","t"]}]}"#;
    assert!(matches!(columns(recursive), Err(AvroError::Invalid { problem: "a type inside of itself", .. })));
    // Each type holds the one before ten times: a short text of very many types.
    let mut fields = format!(r#"{{"name":"f0","type":{person}}}"#);
    for i in 1..20 {
        let of = if i == 1 { "P".to_owned() } else { format!("R{}", i - 1) };
        let inner: Vec<String> = (0..10).map(|j| format!(r#"{{"name":"g{j}","type":"{of}"}}"#)).collect();
        fields +=
            &format!(r#",{{"name":"f{i}","type":{{"type":"record","name":"R{i}","fields":[{}]}}}}"#, inner.join(","));
    }
    let bomb = format!(r#"{{"type":"record","name":"t","fields":[{fields}]}}"#);
    assert!(matches!(columns(&bomb), Err(AvroError::Invalid { problem: "too many types", .. })));
}
