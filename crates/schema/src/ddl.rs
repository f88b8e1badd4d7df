//! Athena DDL.

use crate::escape;
use crate::table::TableSchema;
use crate::types::GlueType;

/// `CREATE EXTERNAL TABLE` for a table's columns, with the properties that the Athena DynamoDB connector reads. All names are
/// back-ticked; the types are [normalised](GlueType::normalised).
///
/// `location` is the DynamoDB table's ARN; its name becomes `sourceTable`.
pub fn create_table(schema: &TableSchema, database: &str, table: &str, location: &str) -> String {
    let columns: Vec<String> = schema
        .columns
        .iter()
        .map(|column| format!("  {} {}", name(&column.name), type_text(&column.glue_type.normalised())))
        .collect();
    let source = location.split_once(":table/").map(|(_, source)| source.to_owned());
    let properties = [
        ("classification", Some("dynamodb".to_owned())),
        ("typeOfData", Some("table".to_owned())),
        ("sourceTable", source),
        ("columnMapping", schema.column_mapping()),
    ];
    let properties: Vec<String> = properties
        .into_iter()
        .filter_map(|(key, value)| value.map(|value| format!("  {}={}", text(key), text(&value))))
        .collect();
    format!(
        "CREATE EXTERNAL TABLE {}.{} (\n{}\n)\nLOCATION {}\nTBLPROPERTIES (\n{}\n);\n",
        name(database),
        name(table),
        columns.join(",\n"),
        text(location),
        properties.join(",\n")
    )
}

fn type_text(glue_type: &GlueType) -> String {
    match glue_type {
        GlueType::Array(element) => format!("array<{}>", type_text(element)),
        GlueType::Map(key, value) => format!("map<{},{}>", type_text(key), type_text(value)),
        GlueType::Struct(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|field| format!("{}:{}", name(&field.name), type_text(&field.glue_type))).collect();
            format!("struct<{}>", fields.join(","))
        }
        other => other.to_string(),
    }
}

fn name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn text(text: &str) -> String {
    format!("'{}'", escape::quoted(&text.replace('\\', "\\\\").replace('\'', "\\'")))
}

#[cfg(test)]
mod tests {
    use crate::{Column, TableSchema};

    #[test]
    fn names_and_texts_are_quoted() {
        let column = |name: &str, attribute: &str, glue_type: &str| Column {
            name: name.to_owned(),
            attribute: attribute.to_owned(),
            glue_type: glue_type.parse().unwrap(),
        };
        let schema = TableSchema {
            columns: vec![
                column("id", "Id", "string"),
                column("it_s", "it's", "decimal(38,2)"),
                column("a`b", "a`b", "struct<date:set<bigint>,x:map<string,struct<>>>"),
            ],
        };
        let location = "arn:aws:dynamodb:eu-west-1:123456789012:table/Orders.v2";
        insta::assert_snapshot!(super::create_table(&schema, "ddb_tables", "orders_v2", location), @r###"
    CREATE EXTERNAL TABLE `ddb_tables`.`orders_v2` (
      `id` string,
      `it_s` decimal(38,2),
      `a``b` struct<`date`:array<bigint>,`x`:map<string,map<string,string>>>
    )
    LOCATION 'arn:aws:dynamodb:eu-west-1:123456789012:table/Orders.v2'
    TBLPROPERTIES (
      'classification'='dynamodb',
      'typeOfData'='table',
      'sourceTable'='Orders.v2',
      'columnMapping'='id=Id,it_s=it\'s'
    );
    "###);
        assert!(!super::create_table(&schema, "d", "t", "s3://bucket/path").contains("sourceTable"));
    }
}
