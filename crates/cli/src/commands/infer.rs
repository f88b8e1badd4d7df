//! `infer`: prints the schema of files, without AWS.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::num::NonZero;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, bail};
use crawl::files;
use flate2::bufread::MultiGzDecoder;
use schema::{Key, KeyKind, Reader, Shape, TableSchema, escape};
use serde::{Deserialize, Serialize};
use serde_json::Map;

use crate::args::{Common, Format, Infer};
use crate::{output, settings};

mod ahead;
mod answer;

use ahead::{Ahead, CHUNK};

/// The suffixes of data files in a folder.
const DATA: [&str; 5] = [".jsonl", ".jsonl.gz", ".jsonl.zst", ".ndjson", ".json.gz"];

/// Runs `infer` and returns the exit code.
///
/// # Errors
/// If the input can't be read. The message names the file, line and byte offset.
pub(crate) fn run(common: &Common, args: &Infer) -> anyhow::Result<u8> {
    let settings = settings::resolve(common, Map::new())?;
    let shape = read_all(&files(&args.input)?, &settings.types)?;
    let schema = shape.settle(&keys(&args.input)?, &BTreeMap::new(), &settings.types);
    if schema.columns.is_empty() && matches!(args.format, Format::Avro | Format::Ddl) {
        bail!("{}: no item and no key schema, so there are no columns", args.input.display());
    }
    if !schema.unmapped().is_empty() {
        let attributes = schema.unmapped().join("  ");
        output::note(common, &format!("Athena reads null for attributes that columnMapping can't spell: {attributes}"));
    }
    let name = schema::naming::fold(&table_name(&args.input));
    let text = match args.format {
        Format::Glue => {
            output::json(&glue(&schema, &shape))?;
            return Ok(crate::DONE);
        }
        Format::Avro => escape::json(&schema::avro::definition(&schema, &name, &settings.database, None)?) + "\n",
        Format::JsonSchema => escape::json(&schema::json_schema::definition(&shape, &schema, &name)) + "\n",
        Format::Ddl => schema::ddl::create_table(&schema, &settings.database, &name, &location(args)) + "\n",
        Format::Shape => {
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

/// The files of an input: the file itself, or the data files of a folder in order of name.
fn files(input: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !input.is_dir() {
        return Ok(vec![input.to_owned()]);
    }
    let is_data = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        DATA.iter().any(|ending| name.ends_with(ending))
    };
    let entries = std::fs::read_dir(input).with_context(|| input.display().to_string())?;
    let paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    let definitions = paths.iter().filter(|path| path.extension().is_some_and(|ending| ending == "json")).count();
    if definitions > 1 {
        bail!("{}: a folder of several tables (NAME.json): name one data file", input.display());
    }
    let mut files: Vec<PathBuf> = paths.into_iter().filter(is_data).collect();
    files.sort();
    if files.is_empty() {
        bail!("{}: no file ends with {}", input.display(), DATA.join(", "));
    }
    Ok(files)
}

/// Reads as many files at once as there are cores.
///
/// # Errors
/// The error of the first file that has one. Files are taken in order, and no file is abandoned once begun.
fn read_all(files: &[PathBuf], policy: &schema::TypeOptions) -> anyhow::Result<Shape> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut shape = Shape::default();
        loop {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(nth) else { return Ok(shape) };
            let one = read(file, policy).and_then(|one| Ok(shape.merge(one)?));
            match one.with_context(|| file.display().to_string()) {
                Ok(()) => {}
                Err(error) => {
                    next.store(files.len(), Ordering::Relaxed);
                    return Err((nth, error));
                }
            }
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, NonZero::get).min(files.len());
    let results: Vec<_> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
        let mine = work();
        let others = others.into_iter().map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        std::iter::once(mine).chain(others).collect()
    });
    let mut shape = Shape::default();
    let mut first_error: Option<(usize, anyhow::Error)> = None;
    for result in results {
        match result {
            Ok(one) => shape.merge(one)?,
            Err((nth, error)) if first_error.as_ref().is_none_or(|(first, _)| nth < *first) => {
                first_error = Some((nth, error));
            }
            Err(_) => {}
        }
    }
    first_error.map_or(Ok(shape), |(_, error)| Err(error))
}

/// Reads one file, while another thread reads and decompresses ahead.
fn read(path: &Path, policy: &schema::TypeOptions) -> anyhow::Result<Shape> {
    let input: Box<dyn Read + Send> = match path.to_str() {
        Some("-") => Box::new(std::io::stdin()),
        _ => Box::new(files::open(path)?),
    };
    std::thread::scope(|scope| {
        let mut input = Ahead::new(scope, || {
            let mut input = BufReader::with_capacity(CHUNK, input);
            Ok(match input.fill_buf()? {
                [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(input)) as Box<dyn Read>,
                [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(zstd::Decoder::with_buffer(input)?),
                _ => Box::new(input),
            })
        });
        let mut reader = Reader::new(policy);
        // Skip the byte order mark that some editors write.
        if input.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
            input.consume(3);
        }
        if is_scan_response(input.fill_buf()?) {
            return answer::read(&mut input, reader);
        }
        loop {
            let chunk = input.fill_buf()?;
            if chunk.is_empty() {
                return Ok(reader.finish()?);
            }
            reader.lines(chunk)?;
            let read = chunk.len();
            input.consume(read);
        }
    })
}

/// Whether the input begins like the response of a Scan: with `{"Items": [` or one of its counts.
fn is_scan_response(start: &[u8]) -> bool {
    let compact: Vec<u8> = start.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).take(32).collect();
    let after = |prefix: &[u8]| compact.strip_prefix(prefix).and_then(|rest| rest.first()).copied();
    after(br#"{"Items":"#) == Some(b'[')
        || after(br#"{"Count":"#).is_some_and(|byte| byte.is_ascii_digit())
        || after(br#"{"ScannedCount":"#).is_some_and(|byte| byte.is_ascii_digit())
}

/// The part of a CreateTable request that defines the keys.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateTable {
    key_schema: Vec<KeySchema>,
    #[serde(default)]
    attribute_definitions: Vec<AttributeDefinition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeySchema {
    attribute_name: String,
    key_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AttributeDefinition {
    attribute_name: String,
    attribute_type: String,
}

/// The keys of the table, if its CreateTable request lies beside the data as `NAME.json`.
fn keys(input: &Path) -> anyhow::Result<Vec<Key>> {
    let beside = input.with_file_name(format!("{}.json", table_name(input)));
    if input.is_dir() || beside == input || beside.is_dir() || !files::is_there(&beside)? {
        return Ok(Vec::new());
    }
    let text = files::read_to_string(&beside).with_context(|| beside.display().to_string())?;
    // A file of that name may be something else.
    let Ok(mut table) = serde_json::from_str::<CreateTable>(&text) else { return Ok(Vec::new()) };
    table.key_schema.sort_by_key(|key| key.key_type != "HASH");
    let kind = |name: &str| {
        let definition = table.attribute_definitions.iter().find(|definition| definition.attribute_name == name);
        match definition.map(|definition| definition.attribute_type.as_str()) {
            Some("N") => KeyKind::N,
            Some("B") => KeyKind::B,
            _ => KeyKind::S,
        }
    };
    Ok(table
        .key_schema
        .iter()
        .map(|key| Key { name: key.attribute_name.clone(), kind: kind(&key.attribute_name) })
        .collect())
}

/// The table's name: the file's name without its suffixes.
fn table_name(input: &Path) -> String {
    let name = input.file_name().unwrap_or_default().to_string_lossy();
    let endings = DATA.iter().chain(&[".json"]);
    let stem = endings.filter_map(|ending| name.strip_suffix(ending)).min_by_key(|stem| stem.len()).unwrap_or(&name);
    if stem.is_empty() || stem == "-" { "items".into() } else { stem.to_owned() }
}

fn location(args: &Infer) -> String {
    format!("arn:aws:dynamodb:us-east-1:123456789012:table/{}", table_name(&args.input))
}
