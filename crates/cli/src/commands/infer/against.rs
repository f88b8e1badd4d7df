//! The schema that items are checked against.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use crawl::catalog::{self, Entry};
use schema::{Baseline, Column, GlueType, TableSchema, avro, escape};
use serde::Deserialize;
use serde_json::Value;
use sync::Settings;

use crate::args::{Common, Infer};
use crate::connect;

/// The schema in a file, or else that of a table of the catalog.
///
/// # Errors
/// If there is neither, or it is no schema. The message says what can be given.
pub(super) async fn baseline(
    common: &Common,
    args: &Infer,
    settings: &Settings,
    against: &str,
) -> anyhow::Result<Baseline> {
    let path = Path::new(against);
    if path.is_file() {
        let text = std::fs::read_to_string(path);
        let baseline = text.map_err(anyhow::Error::from).and_then(|text| in_file(&text));
        return baseline.with_context(|| escape::line(against));
    }
    if against.contains(['/', '\\']) || against.ends_with(".json") || against.ends_with(".avsc") {
        bail!("{}: there is no such file", escape::line(against));
    }
    let connection = connect::connect(common, settings, &args.place).await?;
    let baseline = in_catalog(&connection.clients, &settings.database, against).await;
    if let Some(server) = connection.server {
        server.stop().await;
    }
    baseline
}

/// The columns of a table of the catalog.
async fn in_catalog(clients: &crawl::Clients, database: &str, name: &str) -> anyhow::Result<Baseline> {
    let found = catalog::find(clients, database, name).await?.ok_or_else(|| {
        let name = escape::line(name);
        anyhow!("{name} is neither a file nor a table of the Glue database {database}: crawl it first, or give a file")
    })?;
    Ok(Baseline::new(Entry(&found).schema()?))
}

/// The columns that `infer --format glue` prints.
#[derive(Deserialize)]
struct Inferred {
    columns: Vec<InferredColumn>,
}

#[derive(Deserialize)]
struct InferredColumn {
    name: String,
    r#type: String,
    attribute: String,
}

/// The baseline that a file holds; what it is shows in its members.
fn in_file(text: &str) -> anyhow::Result<Baseline> {
    let value: Value = serde_json::from_str(text).context("a schema is JSON, and this is not")?;
    let has = |name: &str| value.get(name).is_some();
    if has("fields") {
        return Ok(avro::baseline(text)?);
    }
    if has("Table") {
        return Ok(Baseline::new(Entry(&catalog::described(text)?).schema()?));
    }
    let Ok(Inferred { columns }) = serde_json::from_value(value) else {
        bail!(
            "no schema that items can be checked against: give an Avro schema of a record, the output of `infer` or of \
             `aws glue get-table`, or the name of a table of the catalog"
        );
    };
    let columns = columns.into_iter().map(|InferredColumn { name, r#type, attribute }| {
        let glue_type = r#type.parse::<GlueType>().with_context(|| format!("column {}", escape::line(&name)))?;
        Ok(Column { name, attribute, glue_type })
    });
    Ok(Baseline::new(TableSchema { columns: columns.collect::<anyhow::Result<_>>()? }))
}
