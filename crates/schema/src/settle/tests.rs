use super::*;
use crate::Reader;

/// The type of an attribute that has these values.
fn settled(values: &[&str], options: &TypeOptions) -> String {
    let mut reader = Reader::new(options);
    for value in values {
        reader.lines(format!("{{\"a\":{value}}}\n").as_bytes()).unwrap();
    }
    let schema = reader.finish().unwrap().settle(&[], &BTreeMap::new(), options);
    schema.columns[0].glue_type.to_string()
}

fn table(cases: &[&[&str]], options: &TypeOptions) -> String {
    let rows: Vec<String> =
        cases.iter().map(|values| format!("{:70} {}", values.join(" "), settled(values, options))).collect();
    rows.join("\n")
}

#[test]
fn the_type_of_what_was_seen() {
    let cases: &[&[&str]] = &[
        &[r#"{"NULL":true}"#],
        &[r#"{"S":"x"}"#, r#"{"NULL":true}"#],
        &[r#"{"BOOL":false}"#],
        &[r#"{"B":"AA=="}"#],
        &[r#"{"N":"-9223372036854775808"}"#, r#"{"N":"1.0"}"#],
        &[r#"{"N":"9223372036854775808"}"#],
        &[r#"{"N":"99999999999999999999999999999999999999"}"#],
        &[r#"{"N":"1E38"}"#],
        &[r#"{"N":"1.5"}"#, r#"{"N":"3"}"#],
        &[r#"{"N":"0.1"}"#, r#"{"N":"9007199254740993"}"#],
        &[r#"{"N":"0.12345678901234567890"}"#],
        &[r#"{"N":"123456789012345678.12345678901234567890"}"#],
        &[r#"{"N":"12345678901234567890"}"#, r#"{"N":"0.1234567890123456789"}"#],
        &[r#"{"N":"1E100"}"#, r#"{"N":"0.5"}"#],
        &[r#"{"N":"1E100"}"#, r#"{"N":"0.123456789012345678"}"#],
        &[r#"{"L":[]}"#],
        &[r#"{"L":[{"NULL":true}]}"#],
        &[r#"{"L":[{"N":"1"}]}"#, r#"{"NS":["2.5"]}"#, r#"{"L":[]}"#],
        &[r#"{"SS":["a"]}"#, r#"{"NS":["1"]}"#],
        &[r#"{"BS":["AA=="]}"#],
        &[r#"{"M":{}}"#],
        &[r#"{"M":{"b":{"N":"1"}}}"#, r#"{"M":{"a_D":{"M":{}}}}"#],
        &[r#"{"M":{"b":{"N":"1"}}}"#, r#"{"M":{"content-type":{"N":"2.5"}}}"#],
        &[r#"{"M":{"2025":{"M":{"a":{"N":"1"}}},"2026":{"M":{"b":{"S":"x"}}}}}"#],
        &[r#"{"M":{"a.b":{"S":"x"},"c":{"N":"1"}}}"#],
        &[r#"{"M":{"id":{"S":"x"},"Id":{"S":"x"}}}"#],
        &[r#"{"M":{"a b":{"S":"x"}}}"#],
        &[r#"{"M":{"":{"S":"x"}}}"#],
        &[r#"{"L":[{"M":{"a:":{"S":"x"}}}]}"#],
        &[r#"{"S":"x"}"#, r#"{"N":"1"}"#],
        &[r#"{"M":{}}"#, r#"{"L":[]}"#],
        &[r#"{"BOOL":true}"#, r#"{"S":"x"}"#],
    ];
    insta::assert_snapshot!(table(cases, &TypeOptions::default()), @r###"
    {"NULL":true}                                                          string
    {"S":"x"} {"NULL":true}                                                string
    {"BOOL":false}                                                         boolean
    {"B":"AA=="}                                                           binary
    {"N":"-9223372036854775808"} {"N":"1.0"}                               bigint
    {"N":"9223372036854775808"}                                            decimal(38,0)
    {"N":"99999999999999999999999999999999999999"}                         decimal(38,0)
    {"N":"1E38"}                                                           string
    {"N":"1.5"} {"N":"3"}                                                  double
    {"N":"0.1"} {"N":"9007199254740993"}                                   decimal(38,1)
    {"N":"0.12345678901234567890"}                                         decimal(38,19)
    {"N":"123456789012345678.12345678901234567890"}                        decimal(38,19)
    {"N":"12345678901234567890"} {"N":"0.1234567890123456789"}             string
    {"N":"1E100"} {"N":"0.5"}                                              double
    {"N":"1E100"} {"N":"0.123456789012345678"}                             string
    {"L":[]}                                                               array<string>
    {"L":[{"NULL":true}]}                                                  array<string>
    {"L":[{"N":"1"}]} {"NS":["2.5"]} {"L":[]}                              array<double>
    {"SS":["a"]} {"NS":["1"]}                                              array<string>
    {"BS":["AA=="]}                                                        array<binary>
    {"M":{}}                                                               map<string,string>
    {"M":{"b":{"N":"1"}}} {"M":{"a_D":{"M":{}}}}                           struct<a_D:map<string,string>,b:bigint>
    {"M":{"b":{"N":"1"}}} {"M":{"content-type":{"N":"2.5"}}}               map<string,double>
    {"M":{"2025":{"M":{"a":{"N":"1"}}},"2026":{"M":{"b":{"S":"x"}}}}}      map<string,struct<a:bigint,b:string>>
    {"M":{"a.b":{"S":"x"},"c":{"N":"1"}}}                                  map<string,string>
    {"M":{"id":{"S":"x"},"Id":{"S":"x"}}}                                  map<string,string>
    {"M":{"a b":{"S":"x"}}}                                                map<string,string>
    {"M":{"":{"S":"x"}}}                                                   map<string,string>
    {"L":[{"M":{"a:":{"S":"x"}}}]}                                         array<map<string,string>>
    {"S":"x"} {"N":"1"}                                                    string
    {"M":{}} {"L":[]}                                                      string
    {"BOOL":true} {"S":"x"}                                                string
    "###);
}

/// As AWS's crawler writes it: sets, structs whatever their names, and what stands for a struct that can't be written.
#[test]
fn the_dialect_of_the_crawler() {
    let cases: &[&[&str]] = &[
        &[r#"{"SS":["a"]}"#],
        &[r#"{"NS":["1"]}"#, r#"{"NULL":true}"#],
        &[r#"{"NS":["1"]}"#, r#"{"NS":["0.5"]}"#],
        &[r#"{"N":"1E38"}"#],
        &[r#"{"BS":["AA=="]}"#],
        &[r#"{"NS":[]}"#],
        &[r#"{"SS":["a"]}"#, r#"{"L":[]}"#],
        &[r#"{"SS":["a"]}"#, r#"{"NS":["1"]}"#],
        &[r#"{"L":[{"SS":["a"]}]}"#],
        &[r#"{"M":{}}"#],
        &[r#"{"M":{"content-type":{"S":"x"},"2025":{"NS":["1"]},"a:b":{"M":{}}}}"#],
        &[r#"{"M":{"id":{"S":"x"},"Id":{"S":"x"}}}"#],
        &[r#"{"M":{"a\nb":{"S":"x"}}}"#],
        &[r#"{"M":{"a":{"S":"x"},"b":{"S":"x"},"c":{"S":"x"},"d":{"S":"x"}}}"#],
    ];
    let options = TypeOptions { dialect: Dialect::Crawler, max_struct_fields: 3, ..TypeOptions::default() };
    insta::assert_snapshot!(table(cases, &options), @r###"
    {"SS":["a"]}                                                           set<string>
    {"NS":["1"]} {"NULL":true}                                             set<bigint>
    {"NS":["1"]} {"NS":["0.5"]}                                            set<double>
    {"N":"1E38"}                                                           double
    {"BS":["AA=="]}                                                        set<binary>
    {"NS":[]}                                                              set<bigint>
    {"SS":["a"]} {"L":[]}                                                  array<string>
    {"SS":["a"]} {"NS":["1"]}                                              array<string>
    {"L":[{"SS":["a"]}]}                                                   array<set<string>>
    {"M":{}}                                                               struct<>
    {"M":{"content-type":{"S":"x"},"2025":{"NS":["1"]},"a:b":{"M":{}}}}    struct<2025:set<bigint>,a\:b:struct<>,content-type:string>
    {"M":{"id":{"S":"x"},"Id":{"S":"x"}}}                                  struct<Id:string,id:string>
    {"M":{"a\nb":{"S":"x"}}}                                               struct<>
    {"M":{"a":{"S":"x"},"b":{"S":"x"},"c":{"S":"x"},"d":{"S":"x"}}}        struct<>
    "###);
}

#[test]
fn numbers_by_policy() {
    let cases: &[&[&str]] = &[
        &[r#"{"N":"1"}"#],
        &[r#"{"N":"1.5"}"#],
        &[r#"{"N":"0.12345678901234567890"}"#],
        &[r#"{"N":"1E100"}"#, r#"{"N":"0.5"}"#],
        &[r#"{"N":"1E100"}"#, r#"{"N":"0.123456789012345678"}"#],
    ];
    let double = TypeOptions { numbers: NumberPolicy::Double, ..TypeOptions::default() };
    insta::assert_snapshot!(table(cases, &double), @r###"
    {"N":"1"}                                                              bigint
    {"N":"1.5"}                                                            double
    {"N":"0.12345678901234567890"}                                         double
    {"N":"1E100"} {"N":"0.5"}                                              double
    {"N":"1E100"} {"N":"0.123456789012345678"}                             double
    "###);
    let decimal = TypeOptions { numbers: NumberPolicy::Decimal, ..TypeOptions::default() };
    insta::assert_snapshot!(table(cases, &decimal), @r###"
    {"N":"1"}                                                              bigint
    {"N":"1.5"}                                                            decimal(38,1)
    {"N":"0.12345678901234567890"}                                         decimal(38,19)
    {"N":"1E100"} {"N":"0.5"}                                              double
    {"N":"1E100"} {"N":"0.123456789012345678"}                             string
    "###);
}

#[test]
fn a_map_of_many_names_is_a_map() {
    let options = TypeOptions { max_struct_fields: 3, ..TypeOptions::default() };
    let three = r#"{"M":{"a":{"N":"1"},"b":{"N":"2"},"c":{"N":"3"}}}"#;
    assert_eq!(settled(&[three, three], &options), "struct<a:bigint,b:bigint,c:bigint>");
    assert_eq!(settled(&[three, r#"{"M":{"d":{"N":"0.5"}}}"#], &options), "map<string,double>");
    // Each below the limit, their fold above it.
    let nested = r#"{"M":{"a":{"M":{"1":{"S":"x"},"2":{"S":"x"}}},"b":{"M":{"3":{"S":"x"},"4":{"S":"x"}}}}}"#;
    let more = r#"{"M":{"c":{"M":{}},"d":{"M":{}}}}"#;
    assert_eq!(settled(&[nested, more], &options), "map<string,map<string,string>>");
    // At the top nothing is folded.
    let mut reader = Reader::new(&options);
    reader.lines(br#"{"a":{"S":""},"b":{"S":""},"c":{"S":""},"d":{"S":""}}"#).unwrap();
    assert_eq!(reader.finish().unwrap().settle(&[], &BTreeMap::new(), &options).columns.len(), 4);
}

/// Names that make no struct: the values of all are one place, at every depth, and their maps fold at the limit.
#[test]
fn a_map_of_names_that_are_no_fields_is_a_map() {
    let nested = r#"{"M":{"x-1":{"M":{"2025":{"N":"1"},"2026":{"N":"2"}}},"x-2":{"M":{"2027":{"N":"0.5"}}}}}"#;
    assert_eq!(settled(&[nested], &TypeOptions::default()), "map<string,map<string,double>>");
    let clash = r#"{"M":{"k-1":{"M":{"id":{"N":"1"}}},"k-2":{"M":{"ID":{"S":"x"}}}}}"#;
    assert_eq!(settled(&[clash], &TypeOptions::default()), "map<string,map<string,string>>");
    let limit = TypeOptions { max_struct_fields: 3, ..TypeOptions::default() };
    let together = r#"{"M":{"k-1":{"M":{"a":{"N":"1"},"b":{"N":"1"}}},"k-2":{"M":{"c":{"N":"1"},"d":{"N":"1"}}}}}"#;
    assert_eq!(settled(&[together], &limit), "map<string,map<string,bigint>>");
    assert_eq!(
        settled(&[together], &TypeOptions::default()),
        "map<string,struct<a:bigint,b:bigint,c:bigint,d:bigint>>"
    );
}

#[test]
fn a_lower_limit_when_settling_folds_too() {
    let mut reader = Reader::new(&TypeOptions::default());
    reader.lines(br#"{"m":{"M":{"a":{"N":"1"},"b":{"N":"2.5"}}}}"#).unwrap();
    let shape = reader.finish().unwrap();
    let settle = |max_struct_fields| {
        let options = TypeOptions { max_struct_fields, ..TypeOptions::default() };
        shape.settle(&[], &BTreeMap::new(), &options).columns[0].glue_type.to_string()
    };
    assert_eq!(settle(2), "struct<a:bigint,b:double>");
    assert_eq!(settle(1), "map<string,double>");
}

#[test]
fn keys_first_and_typed_by_the_key_schema() {
    let key = |name: &str, kind| Key { name: name.to_owned(), kind };
    let keys = [key("Sort", KeyKind::N), key("Hash", KeyKind::B)];
    let columns = |text: &[u8]| {
        let mut reader = Reader::new(&TypeOptions::default());
        reader.lines(text).unwrap();
        let schema = reader.finish().unwrap().settle(&keys, &BTreeMap::new(), &TypeOptions::default());
        schema.columns.iter().map(|c| format!("{} {}", c.name, c.glue_type)).collect::<Vec<_>>()
    };
    assert_eq!(columns(b""), ["sort bigint", "hash binary"]);
    let item = br#"{"Hash":{"B":""},"A":{"S":""},"Sort":{"N":"0.5"},"z":{"S":""},"_":{"S":""}}"#;
    assert_eq!(columns(item), ["sort double", "hash binary", "a string", "_ string", "z string"]);
}

#[test]
fn column_names_once_given_stay() {
    let mut reader = Reader::new(&TypeOptions::default());
    reader.lines(br#"{"userId":{"S":""},"userid":{"S":""},"2nd":{"S":""}}"#).unwrap();
    let given = BTreeMap::from([("userId".to_owned(), "userid".to_owned())]);
    let schema = reader.finish().unwrap().settle(&[], &given, &TypeOptions::default());
    let names: Vec<_> = schema.columns.iter().map(|c| (c.attribute.as_str(), c.name.as_str())).collect();
    let hashed = format!("userid_{}", &naming::sha256_hex("userid")[..8]);
    assert_eq!(names, [("2nd", "_2nd"), ("userId", "userid"), ("userid", &hashed)]);
}

#[test]
fn a_type_too_long_for_glue_is_a_string() {
    // No name is so long that its map folds.
    let name = "n".repeat(240);
    let members = |count: u32, value: &str| {
        let members: Vec<String> = (0..count).map(|i| format!("\"{name}{i}\":{value}")).collect();
        format!("{{\"M\":{{{}}}}}", members.join(","))
    };
    let item = |maps: u32| members(maps, &members(50, r#"{"S":""}"#));
    assert!(settled(&[&item(10)], &TypeOptions::default()).starts_with("struct<"));
    assert_eq!(settled(&[&item(11)], &TypeOptions::default()), "string");
}
