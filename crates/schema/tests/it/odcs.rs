//! A data contract is YAML, whatever the attributes are called.

use std::collections::BTreeMap;

use proptest::prelude::*;
use saphyr_parser::{Event, Parser};

use crate::generate;
use crate::reading::{policy, shape_of};

/// The texts and numbers of a document, in order.
fn scalars(yaml: &str) -> Vec<String> {
    let scalar = |event| match event {
        Event::Scalar(text, ..) => Some(text.into_owned()),
        _ => None,
    };
    Parser::new_from_str(yaml).filter_map(|event| scalar(event.unwrap().0)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_name_comes_back(items in generate::items(), table in ".{1,20}", odd in "[\"\\\\:#\u{fffe}\u{85}\u{e0041}\n \\-{}']{1,4}") {
        let mut items = items;
        if let Some(item) = items.first_mut() {
            item.insert(odd, crate::oracle::Value::Null);
        }
        let shape = shape_of(&items, 200);
        let schema = shape.settle(&[], &BTreeMap::new(), &policy(200));
        let yaml = schema::odcs::definition(&shape, &schema, &[], "ddb_tables", &table);
        let scalars = scalars(&yaml);
        let mut named = scalars.iter().zip(scalars.iter().skip(1)).filter(|(name, _)| *name == "name").map(|(_, name)| name);
        for name in [&table, &table].into_iter().chain(schema.columns.iter().map(|column| &column.attribute)) {
            prop_assert!(named.any(|found| found == name), "{name:?} in {yaml}");
        }
    }
}
