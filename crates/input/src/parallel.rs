//! Reading many files, and large ones, on several threads.
//!
//! The work is a list of units: files, and parts of large files of items a line, which are cut at line ends. A thread takes the
//! next unit by counting up one number, and shares nothing else while it reads; what the threads saw is merged at the end. No
//! unit is passed over before one that fails, so the error that is told is the same with any number of threads.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::num::NonZero;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use schema::escape;

use crate::ahead::Ahead;
use crate::error::{BoxError, Error};
use crate::files;
use crate::reading::Input;
use crate::sink::Sink;
use crate::tables::{Summary, listed};
use crate::text::decode;

mod part;

use part::{Part, Parts};

/// The most files that are read in parts: they stay open. With more, all cores have files to read.
const MAX_PARTED: usize = 64;

/// How files are read.
#[derive(Debug, Clone, Copy)]
pub struct Options<'o> {
    /// Only the items of this table.
    pub table: Option<&'o str>,
    /// The most files and parts at once. One more thread reads and decompresses ahead where no other file is left to read.
    pub threads: NonZero<usize>,
    /// Counts the bytes of the files as they are read.
    pub read: &'o AtomicU64,
}

/// A sink of which each thread has one.
pub trait Gather: Sink + Send {
    /// A text begins, or a part of one: at this byte of the text of the nth file.
    fn begin(&mut self, _file: usize, _at: u64) {}

    /// Adds what another thread saw.
    ///
    /// # Errors
    /// If it is too much.
    fn merge(&mut self, other: Self) -> Result<(), BoxError>;
}

/// An error in a file.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}", escape::line(&path.to_string_lossy()))]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    pub error: Error,
}

/// Reads all items of files, `-` being the standard input, each of any form. Gives what `new` sinks got together, and what is
/// known of each file.
///
/// Memory: for each thread a few chunks of 256 KiB, what is said at [`crate`] of items, and a sink.
///
/// # Errors
/// As for [`crate::open`] and [`Input::read`]; if the files are of several tables and none is chosen; if a file becomes shorter
/// while it is read.
pub fn read_files<G: Gather>(
    paths: &[PathBuf],
    options: Options<'_>,
    new: impl Fn() -> G + Sync,
) -> Result<(G, Vec<Summary>), FileError> {
    let work = Work::new(paths, options)?;
    let threads = options.threads.get().min(work.units().max(1));
    let results: Vec<_> = thread::scope(|scope| {
        let run = || work.run(new());
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let mine = run();
        let others = others.into_iter().map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        std::iter::once(mine).chain(others).collect()
    });
    let (mut gathered, mut read) = (Vec::new(), BTreeMap::new());
    let mut failed: Option<Failed> = None;
    for Done { sink, files, failed: other } in results {
        gathered.push(sink);
        read.extend(files);
        failed = match (failed, other) {
            (Some(one), Some(other)) => Some(if other.unit < one.unit { other } else { one }),
            (one, other) => one.or(other),
        };
    }
    let at = |file: usize, error| FileError { path: paths.get(file).cloned().unwrap_or_default(), error };
    if let Some(Failed { file, error, .. }) = failed {
        return Err(at(file, error));
    }
    work.check_sizes()?;
    let summaries = summaries(read, paths.len()).map_err(|(file, error)| at(file, error))?;
    let mut gathered = gathered.into_iter();
    let first = gathered.next().unwrap_or_else(&new);
    let all = gathered.try_fold(first, |mut all, sink| all.merge(sink).map(|()| all));
    Ok((all.map_err(|error| at(0, Error::Sink(error)))?, summaries))
}

/// The summaries of all files, those that were read in parts too. All are of one table, or the first error and its file.
fn summaries(read: BTreeMap<usize, Result<Summary, Error>>, count: usize) -> Result<Vec<Summary>, (usize, Error)> {
    let is_nowhere = count == read.len() && read.values().all(Result::is_err);
    let mut all = vec![Summary::default(); count];
    for (file, done) in read {
        all[file] = match done {
            Ok(summary) => summary,
            Err(Error::NoSuchTable { known, .. }) if !is_nowhere => {
                Summary { notes: vec![format!("left out, since its items are of {known}")], ..Summary::default() }
            }
            Err(error) => return Err((file, error)),
        };
    }
    let tables: BTreeSet<&str> = all.iter().filter_map(|summary| summary.table.as_deref()).collect();
    match tables.len() {
        0 | 1 => Ok(all),
        _ => Err((0, Error::SeveralTables(listed(tables.into_iter())))),
    }
}

/// The files, and how far they were taken.
struct Work<'w> {
    options: Options<'w>,
    paths: &'w [PathBuf],
    /// Files that are read as a whole, largest first: what is left at the end is small.
    whole: Vec<usize>,
    /// Files that are read in parts, with the unit of the first part.
    parts: Vec<(usize, Parts)>,
    next: AtomicUsize,
    /// The first unit that failed.
    failed: AtomicUsize,
}

/// What a thread did.
struct Done<G> {
    sink: G,
    /// The files that were read, or that the chosen table is not in.
    files: Vec<(usize, Result<Summary, Error>)>,
    failed: Option<Failed>,
}

struct Failed {
    unit: usize,
    file: usize,
    error: Error,
}

impl<'w> Work<'w> {
    fn new(paths: &'w [PathBuf], options: Options<'w>) -> Result<Work<'w>, FileError> {
        let failed = |path: &PathBuf, error: io::Error| FileError { path: path.clone(), error: error.into() };
        let mut sizes = Vec::new();
        for (file, path) in paths.iter().enumerate() {
            let size = match is_stdin(path) {
                true => u64::MAX,
                false => files::regular(path).map_err(|error| failed(path, error))?.len(),
            };
            sizes.push((size, file, path));
        }
        sizes.sort_by_key(|(size, file, _)| (std::cmp::Reverse(*size), *file));
        let (mut whole, mut parts) = (Vec::new(), Vec::new());
        for (size, file, path) in sizes {
            // Items a line name no table, so that choosing one is an error, which is told when it is read as a whole.
            let is_candidate = !is_stdin(path) && options.table.is_none() && parts.len() < MAX_PARTED;
            match is_candidate.then(|| Parts::of(path, size)).transpose().map_err(|error| failed(path, error))? {
                Some(Some(found)) => parts.push((file, found)),
                _ => whole.push(file),
            }
        }
        Ok(Work { options, paths, whole, parts, next: AtomicUsize::new(0), failed: AtomicUsize::new(usize::MAX) })
    }

    fn units(&self) -> usize {
        self.whole.len() + self.parts.iter().map(|(_, parts)| parts.count()).sum::<usize>()
    }

    /// Reads unit after unit.
    fn run<G: Gather>(&self, mut sink: G) -> Done<G> {
        let mut files = Vec::new();
        let mut buffer = Vec::new();
        loop {
            let unit = self.next.fetch_add(1, Ordering::Relaxed);
            if unit > self.failed.load(Ordering::Relaxed) {
                return Done { sink, files, failed: None };
            }
            let (file, done) = match self.whole.get(unit) {
                Some(file) => {
                    let is_last = self.whole.len() - unit < self.options.threads.get() && self.parts.is_empty();
                    sink.begin(*file, 0);
                    let done = match self.read_whole(*file, is_last, &mut sink) {
                        // Other files may have it.
                        Err(error @ Error::NoSuchTable { .. }) => {
                            files.push((*file, Err(error)));
                            Ok(())
                        }
                        done => done.map(|summary| files.push((*file, Ok(summary)))),
                    };
                    (*file, done)
                }
                None => {
                    let Some((file, parts, part)) = self.part(unit - self.whole.len()) else {
                        return Done { sink, files, failed: None };
                    };
                    let part = Part { nth: part, file };
                    (file, parts.read(part, &mut buffer, &mut sink, self.options.read))
                }
            };
            if let Err(error) = done {
                self.failed.fetch_min(unit, Ordering::Relaxed);
                return Done { sink, files, failed: Some(Failed { unit, file, error }) };
            }
        }
    }

    /// The file and the number of a part.
    fn part(&self, mut nth: usize) -> Option<(usize, &Parts, usize)> {
        for (file, parts) in &self.parts {
            match nth.checked_sub(parts.count()) {
                None => return Some((*file, parts, nth)),
                Some(rest) => nth = rest,
            }
        }
        None
    }

    /// Reads a file. If no other one is left for a core, another thread reads and decompresses ahead.
    fn read_whole(&self, file: usize, ahead: bool, sink: &mut dyn Sink) -> Result<Summary, Error> {
        let path: &Path = self.paths.get(file).map_or(Path::new(""), PathBuf::as_path);
        let open = || -> Result<Counted<'_>, io::Error> {
            let inner: Box<dyn Read + Send> =
                if is_stdin(path) { Box::new(io::stdin()) } else { Box::new(files::open(path)?) };
            Ok(Counted { inner, read: self.options.read })
        };
        let table = self.options.table;
        match ahead {
            true => thread::scope(|scope| {
                let text = Ahead::new(scope, || Ok(decode(open()?)?));
                Input::new(text)?.read(table, sink)
            }),
            false => crate::open(open()?)?.read(table, sink),
        }
    }

    /// Checks that the files that were read in parts are still whole.
    fn check_sizes(&self) -> Result<(), FileError> {
        self.parts.iter().try_for_each(|(file, parts)| {
            parts.check_size().map_err(|error| FileError { path: self.paths[*file].clone(), error: error.into() })
        })
    }
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Counts what is read.
struct Counted<'c> {
    inner: Box<dyn Read + Send>,
    read: &'c AtomicU64,
}

impl Read for Counted<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(to)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
