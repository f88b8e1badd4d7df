use crate::{Baseline, GlueType, Reader, TableSchema, TypeOptions};

fn told(baseline: &Baseline, items: &str) -> Vec<String> {
    let options = TypeOptions { max_struct_fields: 1000, ..TypeOptions::default() };
    let mut reader = Reader::new(&options);
    reader.lines(items.as_bytes()).unwrap();
    let misfits = baseline.misfits(&reader.finish().unwrap(), &options);
    misfits.iter().map(|misfit| format!("{}: {}, not {}", misfit.path, misfit.found, misfit.wanted)).collect()
}

fn columns(columns: &[(&str, &str)]) -> Baseline {
    let column = |(name, glue_type): &(&str, &str)| crate::Column {
        name: crate::naming::column(name),
        attribute: (*name).to_owned(),
        glue_type: glue_type.parse::<GlueType>().unwrap(),
    };
    Baseline::new(TableSchema { columns: columns.iter().map(column).collect() })
}

#[test]
fn places_are_paths_and_types_are_dynamodb_s() {
    let baseline = columns(&[
        ("Id", "string"),
        ("n", "bigint"),
        ("price", "decimal(5,2)"),
        ("on", "boolean"),
        ("tags", "array<bigint>"),
        ("old", "set<string>"),
        ("by", "map<string,double>"),
        ("o", "struct<Street:string,no:int>"),
        ("any", "uniontype<bigint,array<bigint>>"),
        ("when", "timestamp"),
    ]);
    assert_eq!(
        told(&baseline, r#"{"Id":{"S":"a"},"n":{"N":"1"},"price":{"N":"123.45"},"on":{"NULL":true},"when":{"S":"x"}}"#),
        [""; 0]
    );
    let fits = r#"{"tags":{"L":[]},"old":{"SS":["a"]},"by":{"M":{"x":{"N":"0.5"}}},"o":{"M":{"street":{"S":"a"}}},"any":{"NS":["1"]}}"#;
    assert_eq!(told(&baseline, fits), [""; 0]);
    let items = r#"
        {"Id":{"N":"1"},"n":{"N":"1.5"},"price":{"N":"1234"},"on":{"S":"yes"},"tags":{"L":[{"S":"a"},{"N":"1"}]}}
        {"n":{"S":"1"},"price":{"N":"0.123"},"old":{"L":[{"S":"a"}]},"new":{"S":"a"},"when":{"BOOL":true}}
        {"by":{"M":{"x":{"N":"0.12345678901234567890"}}},"o":{"M":{"no":{"N":"99999999999"},"zip\u0007":{"S":"a"}}}}
        {"any":{"L":[{"M":{}}]},"n":{"N":"9223372036854775808"},"o":{"L":[]}}"#;
    assert_eq!(
        told(&baseline, items),
        [
            "any: L, not uniontype<bigint,array<bigint>>",
            "by{}: N that a double does not keep, not double",
            "n: N with a fraction, not bigint",
            "n: S, not bigint",
            "new: an attribute without a column, not nothing",
            "o: L, not struct<…>",
            "o.no: N that is too large, not int",
            r"o.zip\u{7}: a name that is no field, not nothing",
            "old: L, not set<…>",
            "on: S, not boolean",
            "price: N with 4 digits before the point, not decimal(5,2)",
            "tags[]: S, not bigint",
            "when: BOOL, not timestamp",
        ]
    );
}

#[test]
fn what_can_not_be_null_has_to_be_there() {
    let definition = r#"{"type":"record","name":"orders","fields":[
        {"name":"id","type":"string"}, {"name":"x_y","attribute":"x-y","type":["null","long"]}]}"#;
    let baseline = crate::avro::baseline(definition).unwrap();
    assert_eq!(told(&baseline, r#"{"id":{"S":"a"},"x-y":{"N":"1"}}"#), [""; 0]);
    assert_eq!(told(&baseline, "{\"id\":{\"S\":\"a\"}}\n{\"id\":{\"NULL\":true}}"), ["id: none, or NULL, not a value"]);
    assert_eq!(told(&baseline, r#"{"x-y":{"S":"1"}}"#), ["id: none, or NULL, not a value", "x-y: S, not bigint"]);
}
