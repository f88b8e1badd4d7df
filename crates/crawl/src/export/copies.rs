//! Files of items that somebody copied: no manifest says which they are, and what they hold.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::available_parallelism;

use input::{BoxError, FileError, Gather, Item, ItemError, Place, Shaping, Sink, Summary};
use schema::{Key, TypeOptions, escape};

use super::ExportSize;
use super::data_file::CancelOnDrop;
use crate::error::{Error, Kind};
use crate::observed::{Coverage, Observed};

/// The files of the items of one table.
#[derive(Debug)]
pub(super) struct Copies {
    files: Vec<PathBuf>,
    /// Of the definition beside them.
    keys: Vec<Key>,
}

impl Copies {
    /// The files that `path` is or holds, of which those that hold several tables are read for `table`.
    pub(super) fn find(path: &Path, table: &str) -> Result<Copies, Error> {
        // A definition may have another name, if it is the only one.
        let found = input::open_path(path, None).or_else(|_| input::open_path(path, Some(table)));
        let found = found.map_err(|e| Error::new(Kind::Data, e.to_string()))?;
        for input::LeftOut { path, reason } in &found.left_out {
            tracing::warn!("{} is not read: {reason}", shown(path));
        }
        tracing::warn!("{} has no manifest, so nothing says that it is all of the table {table}", shown(path));
        let keys = found.definition.map(|(_, table)| table.keys()).unwrap_or_default();
        Ok(Copies { files: found.data, keys })
    }

    pub(super) fn keys(&self) -> &[Key] {
        &self.keys
    }

    pub(super) fn size(&self) -> Result<ExportSize, Error> {
        let size = |path: &PathBuf| match input::files::regular(path) {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) => Err(Error::new(Kind::Data, format!("{}: {error}", shown(path)))),
        };
        let bytes = self.files.iter().map(size).sum::<Result<u64, Error>>()?;
        Ok(ExportSize { items: None, files: self.files.len(), bytes, billed_bytes: None })
    }

    /// Reads all files on all cores; `None` if `stop` returned before.
    pub(super) async fn read(
        self: Arc<Self>,
        table: &str,
        types: &TypeOptions,
        stop: impl Future<Output = ()>,
    ) -> Result<Option<Observed>, Error> {
        let cancel = CancelOnDrop::default();
        let (cancelled, table, types) = (cancel.0.clone(), table.to_owned(), types.clone());
        let reading = tokio::task::spawn_blocking(move || self.observe(&table, &types, &cancelled));
        let (reading, stop) = (pin!(reading), pin!(stop));
        tokio::select! {
            read = reading => match read {
                Ok(Ok(observed)) => Ok(Some(observed)),
                Ok(Err(error)) => Err(Error::new(Kind::Data, error.to_string())),
                Err(stopped) => Err(Error::new(Kind::Service, format!("the thread that reads it ended: {stopped}"))),
            },
            () = stop => Ok(None),
        }
    }

    fn observe(&self, table: &str, types: &TypeOptions, cancelled: &AtomicBool) -> Result<Observed, FileError> {
        let threads = available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        let read = |table| {
            let options = input::Options { table, threads, read: &AtomicU64::new(0) };
            input::read_files(&self.files, options, || Stoppable { shaping: Shaping::new(types), cancelled })
        };
        let (sink, summaries) = match read(None) {
            Err(FileError { error: input::Error::SeveralTables(_), .. }) => read(Some(table)),
            done => done,
        }?;
        for (path, Summary { table: named, notes, .. }) in self.files.iter().zip(summaries) {
            for note in notes {
                tracing::warn!("{}: {note}", shown(path));
            }
            if let Some(named) = named.filter(|named| named != table) {
                tracing::warn!("{}: its items are said to be of the table {}", shown(path), escape::line(&named));
            }
        }
        let failed = |error| FileError { path: PathBuf::new(), error: input::Error::Sink(error) };
        Ok(Observed::from_items(sink.shaping.finish().map_err(failed)?, 0.0, Coverage::Full))
    }
}

fn shown(path: &Path) -> String {
    escape::line(&path.to_string_lossy())
}

/// Reads until nobody waits for it any more.
struct Stoppable<'s> {
    shaping: Shaping,
    cancelled: &'s AtomicBool,
}

impl Stoppable<'_> {
    fn check(&self) -> Result<(), ItemError> {
        match self.cancelled.load(Ordering::Relaxed) {
            true => Err(ItemError { place: Place::START, error: "nobody waits for it any more".into() }),
            false => Ok(()),
        }
    }
}

impl Sink for Stoppable<'_> {
    fn lines(&mut self, chunk: &[u8]) -> Result<(), ItemError> {
        self.check()?;
        self.shaping.lines(chunk)
    }

    fn end_of_lines(&mut self) -> Result<(), ItemError> {
        self.shaping.end_of_lines()
    }

    fn item(&mut self, item: Item<'_>) -> Result<(), ItemError> {
        self.check()?;
        self.shaping.item(item)
    }
}

impl Gather for Stoppable<'_> {
    fn merge(&mut self, other: Self) -> Result<(), BoxError> {
        self.shaping.merge(other.shaping)
    }
}
