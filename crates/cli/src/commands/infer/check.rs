//! `infer --against`: which items don't fit a schema.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use comfy_table::Cell;
use input::{BoxError, Gather, Item, ItemError, Place, Sink};
use schema::{Baseline, Misfit, ReadError, Reader, Shape, TypeOptions, escape};
use serde::Serialize;

use super::source::Source;
use crate::args::{Common, Infer, Output};
use crate::output;

/// Bytes of lines that are checked at once: as a whole, and one by one only if something in them does not fit.
const BATCH: usize = 256 << 10;
/// More than the reader takes in a line: it tells so.
const TOO_LONG: usize = 17 << 20;
/// The most different misfits that are told.
const MAX_MISFITS: usize = 1000;

/// Checks all items, prints what does not fit, and returns the exit code.
///
/// # Errors
/// If the input can't be read. The message names the file, line and byte offset.
pub(super) fn run(common: &Common, args: &Infer, baseline: &Baseline, options: &TypeOptions) -> anyhow::Result<u8> {
    // The names of maps count: a struct of the baseline may have any number.
    let options = TypeOptions { max_struct_fields: usize::MAX, ..options.clone() };
    let source = Source::open(common, args)?;
    let (checked, _) = source.read(|| Checking::new(baseline, &options))?;
    let found = checked.found;
    match common.output {
        Output::Json => output::json(&Checked::of(&found, source.paths()))?,
        Output::Text => output::result(text(&found, args, source.paths()).as_bytes())?,
    }
    Ok(if found.misfits.is_empty() { crate::DONE } else { crate::FAILED })
}

/// What was found.
#[derive(Default)]
struct Found {
    items: u64,
    /// Items with a misfit at least.
    unfit: u64,
    misfits: BTreeMap<Misfit, Tally>,
    /// There are more misfits than can be told.
    has_more: bool,
}

/// How often a misfit was found.
struct Tally {
    items: u64,
    /// The first of the items: the file, and the byte in its text.
    first: (usize, u64),
}

impl Found {
    fn add(&mut self, misfit: Misfit, Tally { items, first }: Tally) {
        if self.misfits.len() >= MAX_MISFITS && !self.misfits.contains_key(&misfit) {
            self.has_more = true;
            return;
        }
        let tally = self.misfits.entry(misfit).or_insert(Tally { items: 0, first });
        tally.items += items;
        tally.first = tally.first.min(first);
    }
}

/// Checks items as they come.
struct Checking<'c> {
    baseline: &'c Baseline,
    options: &'c TypeOptions,
    found: Found,
    /// The file that is read, and the byte of its text at which the text of the sink began.
    text: (usize, u64),
    /// Lines that were not checked yet, and where they begin in the text of the sink.
    lines: Vec<u8>,
    place: Place,
}

impl<'c> Checking<'c> {
    fn new(baseline: &'c Baseline, options: &'c TypeOptions) -> Checking<'c> {
        let (found, lines) = (Found::default(), Vec::new());
        Checking { baseline, options, found, text: (0, 0), lines, place: Place::START }
    }

    /// Checks the first bytes of the lines, up to the end of one.
    fn check(&mut self, end: usize) -> Result<(), ItemError> {
        let rest = self.lines.split_off(end);
        let batch = std::mem::replace(&mut self.lines, rest);
        let shape = self.shape(&batch, self.place)?;
        let mut at = self.place;
        self.place = at.after(&batch);
        if self.baseline.misfits(&shape, self.options).is_empty() {
            self.found.items += shape.items();
            return Ok(());
        }
        for line in batch.split_inclusive(|byte| *byte == b'\n') {
            self.check_item(line, at)?;
            at = at.after(line);
        }
        Ok(())
    }

    fn check_item(&mut self, line: &[u8], at: Place) -> Result<(), ItemError> {
        let shape = self.shape(line, at)?;
        let misfits = self.baseline.misfits(&shape, self.options);
        if shape.items() == 0 {
            return Ok(());
        }
        self.found.items += 1;
        self.found.unfit += u64::from(!misfits.is_empty());
        let (file, began) = self.text;
        for misfit in misfits {
            self.found.add(misfit, Tally { items: 1, first: (file, began + at.offset) });
        }
        Ok(())
    }

    fn shape(&self, lines: &[u8], at: Place) -> Result<Shape, ItemError> {
        let mut reader = Reader::new(self.options);
        let refused = |ReadError { kind, line, offset }| {
            let place = Place { line: at.line + line - 1, offset: at.offset + offset };
            ItemError { place, error: kind.into() }
        };
        reader.lines(lines).map_err(refused)?;
        reader.finish().map_err(refused)
    }
}

impl Sink for Checking<'_> {
    fn lines(&mut self, chunk: &[u8]) -> Result<(), ItemError> {
        self.lines.extend_from_slice(chunk);
        if self.lines.len() < BATCH {
            return Ok(());
        }
        match self.lines.iter().rposition(|byte| *byte == b'\n') {
            Some(last) => self.check(last + 1),
            None if self.lines.len() > TOO_LONG => self.check(self.lines.len()),
            None => Ok(()),
        }
    }

    fn end_of_lines(&mut self) -> Result<(), ItemError> {
        self.check(self.lines.len())?;
        self.place = Place::START;
        Ok(())
    }

    fn item(&mut self, item: Item<'_>) -> Result<(), ItemError> {
        // The place of an error is that in the item.
        self.shape(item.line, Place::START)?;
        self.check_item(item.line, item.place)
    }
}

impl Gather for Checking<'_> {
    fn begin(&mut self, file: usize, at: u64) {
        self.text = (file, at);
    }

    fn merge(&mut self, other: Self) -> Result<(), BoxError> {
        let Found { items, unfit, misfits, has_more } = other.found;
        self.found.items += items;
        self.found.unfit += unfit;
        self.found.has_more |= has_more;
        misfits.into_iter().for_each(|(misfit, tally)| self.found.add(misfit, tally));
        Ok(())
    }
}

/// The output of `--output json`.
#[derive(Serialize)]
struct Checked<'c> {
    items: u64,
    unfit: u64,
    misfits: Vec<ToldMisfit<'c>>,
    complete: bool,
}

#[derive(Serialize)]
struct ToldMisfit<'c> {
    path: &'c str,
    wanted: &'c str,
    found: &'c str,
    items: u64,
    file: String,
    byte: u64,
}

impl<'c> Checked<'c> {
    fn of(found: &'c Found, paths: &[PathBuf]) -> Checked<'c> {
        let told = |(Misfit { path, wanted, found }, tally): (&'c Misfit, &Tally)| ToldMisfit {
            path,
            wanted,
            found,
            items: tally.items,
            file: file(paths, tally),
            byte: tally.first.1,
        };
        let misfits = found.misfits.iter().map(told).collect();
        Checked { items: found.items, unfit: found.unfit, misfits, complete: !found.has_more }
    }
}

fn file(paths: &[PathBuf], tally: &Tally) -> String {
    paths.get(tally.first.0).map_or(Path::new(""), PathBuf::as_path).display().to_string()
}

fn text(found: &Found, args: &Infer, paths: &[PathBuf]) -> String {
    let Found { items, unfit, misfits, has_more } = found;
    let against = escape::line(args.against.as_deref().unwrap_or_default());
    if misfits.is_empty() {
        return format!("{items} items, and all fit {against}.\n");
    }
    let mut table = output::grid(&["ITEMS", "PATH", "SCHEMA", "FOUND", "FIRST"], std::io::stdout().is_terminal());
    for (misfit, tally) in misfits {
        let first = format!("byte {} of {}", tally.first.1, escape::line(&file(paths, tally)));
        let Misfit { path, wanted, found } = misfit;
        table.add_row([&tally.items.to_string(), path, wanted, found, &first].map(Cell::new));
    }
    let more =
        if *has_more { format!("There are more than {MAX_MISFITS} misfits; these are some.\n") } else { String::new() };
    let rows = output::lines(table, 0..1);
    format!("{rows}{more}{unfit} of {items} items do not fit {against}.\n")
}
