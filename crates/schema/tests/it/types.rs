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
        for word in ["set<", "struct<>", "void", "char", "uniontype", "interval"] {
            // Names may hold any word.
            prop_assert!(!without_names(&once).contains(word), "{once}");
        }
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
