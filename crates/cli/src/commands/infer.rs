//! `infer`: prints the schema of files, without AWS.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::Path;

use anyhow::bail;
use input::Shaping;
use schema::{Shape, TableSchema, escape};
use serde::Serialize;
use serde_json::Map;

use crate::args::{Common, Format, Infer, Output};
use crate::{output, settings};

mod against;
mod check;
mod progress;
mod source;

use source::Source;

/// Runs `infer` and returns the exit code.
///
/// # Errors
/// If the input can't be read. The message names the file, line and byte offset.
pub(crate) async fn run(common: &Common, args: &Infer) -> anyhow::Result<u8> {
    let settings = settings::resolve(common, Map::new())?;
    if args.against.is_none() && args.place.local.is_some() {
        bail!(settings::UsageError("--local is the catalog for --against: files are read as they are".into()));
    }
    if let Some(against) = &args.against {
        let baseline = against::baseline(common, args, &settings, against).await?;
        return check::run(common, args, &baseline, &settings.types);
    }
    let source = Source::open(common, args)?;
    let (sink, table) = source.read(|| Shaping::new(&settings.types))?;
    let shape = sink.finish().map_err(anyhow::Error::from_boxed)?;
    let schema = shape.settle(&source.keys(), &BTreeMap::new(), &settings.types);
    if schema.columns.is_empty() && matches!(args.format, Some(Format::Avro | Format::Ddl)) {
        bail!("{}: no item and no key schema, so there are no columns", args.input.display());
    }
    if !schema.unmapped().is_empty() {
        let attributes = schema.unmapped().join("  ");
        output::note(common, &format!("Athena reads null for attributes that columnMapping can't spell: {attributes}"));
    }
    let table = table.unwrap_or_else(|| table_name(&args.input));
    let name = schema::naming::fold(&table);
    let for_people = common.output == Output::Text && std::io::stdout().is_terminal();
    let text = match args.format {
        None if for_people => super::profile::text(&schema::profile::profile(&shape, &schema)),
        Some(Format::Profile) => output::json_text(&schema::profile::profile(&shape, &schema))?,
        None | Some(Format::Glue) => output::json_text(&glue(&schema, &shape))?,
        Some(Format::Avro) => escape::json(&schema::avro::definition(&schema, &name, &settings.database, None)?) + "\n",
        Some(Format::JsonSchema) => escape::json(&schema::json_schema::definition(&shape, &schema, &name)) + "\n",
        Some(Format::Ddl) => schema::ddl::create_table(&schema, &settings.database, &name, &location(&table)) + "\n",
        Some(Format::Odcs) => schema::odcs::definition(&shape, &schema, &source.keys(), &settings.database, &table),
        Some(Format::Shape) => {
            output::result(&shape.to_bytes())?;
            return Ok(crate::DONE);
        }
    };
    output::result(text.as_bytes())?;
    Ok(crate::DONE)
}

/// The output of `--format glue`.
#[derive(Serialize)]
struct Glue<'a> {
    columns: Vec<GlueColumn<'a>>,
    items: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct GlueColumn<'a> {
    name: &'a str,
    r#type: String,
    attribute: &'a str,
}

fn glue<'a>(schema: &'a TableSchema, shape: &Shape) -> Glue<'a> {
    let column = |column: &schema::Column| column.glue_type.to_string();
    let columns =
        schema.columns.iter().map(|c| GlueColumn { name: &c.name, r#type: column(c), attribute: &c.attribute });
    Glue { columns: columns.collect(), items: shape.items(), bytes: shape.bytes() }
}

/// The table's name where nothing tells it: the file's name without its endings.
fn table_name(input: &Path) -> String {
    let name = input.file_name().unwrap_or_default().to_string_lossy();
    let stem = [".gz", ".zst"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
    let endings = [".jsonl", ".ndjson", ".json", ".ion", ".txt"];
    let stem = endings.iter().find_map(|ending| stem.strip_suffix(ending)).unwrap_or(stem);
    if stem.is_empty() || stem == "-" { "items".into() } else { stem.to_owned() }
}

fn location(table: &str) -> String {
    format!("arn:aws:dynamodb:us-east-1:123456789012:table/{table}")
}
