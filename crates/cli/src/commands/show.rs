//! `show`: what is in a table, as the catalog remembers it.

use anyhow::anyhow;
use crawl::catalog::{self, Entry};
use crawl::history;
use schema::escape;
use schema::profile::{self, Profile};
use serde::Serialize;
use serde_json::Map;

use super::profile as told;
use crate::args::{Common, Output, Show};
use crate::{connect, output, settings};

/// Prints the profile of a table, and returns the exit code.
///
/// # Errors
/// If the catalog can't be read, or does not have the table.
pub(crate) async fn run(common: &Common, args: &Show) -> anyhow::Result<u8> {
    let settings = settings::resolve(common, Map::new())?;
    let connection = connect::connect(common, &settings, &args.place).await?;
    let found = catalog::find(&connection.clients, &settings.database, &args.table).await;
    if let Some(server) = connection.server {
        server.stop().await;
    }
    let database = &settings.database;
    let name = escape::line(&args.table);
    let found = found?.ok_or_else(|| anyhow!("the Glue database {database} has no table {name}: crawl it first"))?;
    let entry = Entry(&found);
    let schema = entry.schema()?;
    let shown = Shown {
        table: entry.source().unwrap_or(&args.table),
        catalog_table: found.name(),
        crawled_by: entry.crawled_by(),
        // What a crawler of AWS wrote has columns, and no counts.
        profile: history::stored(&found).map(|shape| profile::profile(&shape, &schema)),
        columns: schema
            .columns
            .iter()
            .map(|column| Column { name: &column.name, r#type: column.glue_type.to_string() })
            .collect(),
    };
    match common.output {
        Output::Json => output::json(&shown)?,
        Output::Text => output::result(text(&shown, database).as_bytes())?,
    }
    Ok(crate::DONE)
}

/// The output of `--output json`.
#[derive(Serialize)]
struct Shown<'s> {
    table: &'s str,
    catalog_table: &'s str,
    #[serde(skip_serializing_if = "Option::is_none")]
    crawled_by: Option<&'s str>,
    /// `None` if nobody counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<Profile>,
    columns: Vec<Column<'s>>,
}

#[derive(Serialize)]
struct Column<'s> {
    name: &'s str,
    r#type: String,
}

fn text(shown: &Shown, database: &str) -> String {
    let Shown { table, catalog_table, crawled_by, profile, columns } = shown;
    let by = crawled_by.map(|by| format!(", crawled by {}", escape::line(by))).unwrap_or_default();
    let head = format!("{} -> {database}.{}{by}\n\n", escape::line(table), escape::line(catalog_table));
    match profile {
        Some(profile) => head + &told::text(profile),
        None => {
            let listed: String = columns
                .iter()
                .map(|column| format!("{}  {}\n", escape::line(column.name), escape::line(&column.r#type)))
                .collect();
            let hint = "Nobody counted how often these are there: AWS's crawlers don't. `crawl` and `sync --engine native` do.";
            format!("{head}{listed}\n{hint}\n")
        }
    }
}
