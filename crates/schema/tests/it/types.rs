//! Type strings.

use proptest::prelude::*;
use schema::GlueType;

use crate::generate;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_printed_reads_back(glue_type in generate::glue_type()) {
        let text = glue_type.to_string();
        prop_assert_eq!(text.parse::<GlueType>(), Ok(glue_type), "{}", text);
    }

    #[test]
    fn any_text_is_a_type_or_an_error(text in "(struct|array|map|decimal|int|[<>:,()\\\\` 0-9a-c]){0,12}") {
        match text.parse::<GlueType>() {
            Ok(glue_type) => prop_assert_eq!(glue_type.to_string().parse::<GlueType>(), Ok(glue_type)),
            Err(error) => prop_assert!(error.offset() <= text.len()),
        }
    }

    #[test]
    fn normalising_twice_is_normalising_once(glue_type in generate::glue_type()) {
        let once = glue_type.normalised();
        prop_assert_eq!(once.normalised(), once.clone());
        prop_assert!(spelled(&once), "{once}");
        for word in ["set<", "struct<>", "void", "char", "uniontype", "interval"] {
            // Names may hold any word.
            prop_assert!(!without_names(&once).contains(word), "{once}");
        }
    }
}

/// What an engine's parser must not meet: a name that is no field, or two alike but for case.
fn spelled(glue_type: &GlueType) -> bool {
    match glue_type {
        GlueType::Array(element) | GlueType::Set(element) => spelled(element),
        GlueType::Map(key, value) => spelled(key) && spelled(value),
        GlueType::Struct(fields) => {
            schema::naming::are_fields(fields.iter().map(|field| field.name.as_str()))
                && fields.iter().all(|field| spelled(&field.glue_type))
        }
        _ => true,
    }
}

#[test]
fn structs_that_engines_refuse_become_maps() {
    let normalised = |text: &str| text.parse::<GlueType>().unwrap().normalised().to_string();
    for (written, expected) in [
        ("struct<a:int,_b2:set<string>>", "struct<a:int,_b2:array<string>>"),
        ("struct<content-type:string,accept:string>", "map<string,string>"),
        ("struct<2025:bigint,2026:int>", "map<string,bigint>"),
        ("struct<1.0:double,1.1:bigint>", "map<string,string>"),
        ("struct<id:bigint,Id:bigint>", "map<string,bigint>"),
        ("struct<a\\:b:boolean>", "map<string,boolean>"),
        ("array<struct<x-y:struct<a:int>,z:struct<b:string>>>", "array<map<string,struct<a:int,b:string>>>"),
        ("struct<x-y:struct<2025:int>,z:struct<b:bigint>>", "map<string,map<string,bigint>>"),
        ("struct<2025:struct<id:set<bigint>>,2026:struct<ID:set<bigint>>>", "map<string,map<string,array<bigint>>>"),
    ] {
        assert_eq!(normalised(written), expected, "{written}");
    }
    // The order of the names, which AWS's crawler leaves to a hash, makes no difference.
    let names = ["x-y:struct<a:int>", "z:map<string,bigint>", "w:struct<A:smallint>", "v:struct<>"];
    let of = |names: &[&str]| normalised(&format!("struct<{}>", names.join(",")));
    assert_eq!(of(&names), of(&[names[3], names[1], names[0], names[2]]));
}

#[test]
fn the_words_that_sosw_takes() {
    let sosw = |text: &str| text.parse::<GlueType>().unwrap().for_sosw().to_string();
    for same in [
        "string",
        "decimal(38,0)",
        "binary",
        "boolean",
        "struct<>",
        "struct<a-b:map<string,int>>",
        "array<int>",
        "set<string>",
        "set<bigint>",
    ] {
        assert_eq!(sosw(same), same);
    }
    for (written, expected) in [
        ("set<double>", "set<bigint>"),
        ("set<decimal(38,2)>", "set<bigint>"),
        ("set<binary>", "array<binary>"),
        ("map<string,bigint>", "struct<>"),
        ("void", "string"),
        ("timestamp", "string"),
    ] {
        assert_eq!(sosw(written), expected);
    }
}

fn without_names(glue_type: &GlueType) -> String {
    match glue_type {
        GlueType::Array(element) => format!("array<{}>", without_names(element)),
        GlueType::Map(key, value) => format!("map<{},{}>", without_names(key), without_names(value)),
        GlueType::Struct(fields) => {
            format!(
                "struct<{}>",
                fields.iter().map(|field| without_names(&field.glue_type)).collect::<Vec<_>>().join(",")
            )
        }
        other => other.to_string(),
    }
}
