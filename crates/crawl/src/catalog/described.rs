//! A catalog table as `aws glue get-table` prints it.

use std::collections::HashMap;

use aws_sdk_glue::types::{Column as GlueColumn, StorageDescriptor, Table};
use serde::Deserialize;

use crate::error::{Error, Kind};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    table: Described,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    name: String,
    storage_descriptor: Storage,
    parameters: Option<HashMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Storage {
    columns: Vec<DescribedColumn>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribedColumn {
    name: String,
    r#type: Option<String>,
    parameters: Option<HashMap<String, String>>,
}

/// The table in the output of `aws glue get-table`, with its columns and parameters. Without the rest.
///
/// # Errors
/// If the text is something else.
pub fn described(text: &str) -> Result<Table, Error> {
    let none = |error: String| Error::new(Kind::Data, format!("not the output of `aws glue get-table`: {error}"));
    let Output { table } = serde_json::from_str(text).map_err(|error| none(error.to_string()))?;
    let columns = table.storage_descriptor.columns.into_iter().map(|DescribedColumn { name, r#type, parameters }| {
        GlueColumn::builder().name(name).set_type(r#type).set_parameters(parameters).build()
    });
    let columns = columns.collect::<Result<_, _>>().map_err(|error| none(error.to_string()))?;
    let storage = StorageDescriptor::builder().set_columns(Some(columns)).build();
    let described = Table::builder().name(table.name).storage_descriptor(storage).set_parameters(table.parameters);
    described.build().map_err(|error| none(error.to_string()))
}
