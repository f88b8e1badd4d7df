//! The files of an input.

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::thread::available_parallelism;

use input::{Error, FileError, Folder, Gather, Options};
use schema::{Key, escape};

use super::progress::Progress;
use crate::args::{Common, Infer};
use crate::output;

/// The files of the one table that an input is.
pub(super) struct Source<'a> {
    common: &'a Common,
    args: &'a Infer,
    files: Folder,
}

impl<'a> Source<'a> {
    /// Finds the files, and says which are left out.
    ///
    /// # Errors
    /// If there is no file of items, or definitions of several tables.
    pub(super) fn open(common: &'a Common, args: &'a Infer) -> anyhow::Result<Source<'a>> {
        let files = input::open_path(&args.input, args.table.as_deref())?;
        for input::LeftOut { path, reason } in &files.left_out {
            output::note(common, &format!("{} is left out: {reason}", escape::line(&path.to_string_lossy())));
        }
        Ok(Source { common, args, files })
    }

    /// The keys of the table, if its definition is there.
    pub(super) fn keys(&self) -> Vec<Key> {
        self.files.definition.as_ref().map(|(_, table)| table.keys()).unwrap_or_default()
    }

    /// The files of items.
    pub(super) fn paths(&self) -> &[PathBuf] {
        &self.files.data
    }

    /// Reads all items. What the sinks got, and the name of the table, if the items or the definition tell it.
    ///
    /// # Errors
    /// If a file can't be read: the message names the file, line and byte offset.
    pub(super) fn read<G: Gather>(&self, new: impl Fn() -> G + Sync) -> anyhow::Result<(G, Option<String>)> {
        let read = AtomicU64::new(0);
        let threads = self.args.threads.or_else(|| available_parallelism().ok()).unwrap_or(NonZero::<usize>::MIN);
        let data = &self.files.data;
        let table = self.args.table.as_deref();
        let read_all = |table| input::read_files(data, Options { table, threads, read: &read }, &new);
        let (sink, summaries) = Progress::of(self.common, data, &read).show(|| match self.files.is_chosen {
            // The files are those of the table already, unless they hold several.
            true => match read_all(None) {
                Err(FileError { error: Error::SeveralTables(_), .. }) => read_all(table),
                done => done,
            },
            false => read_all(table),
        })?;
        for (path, summary) in data.iter().zip(&summaries) {
            for note in &summary.notes {
                output::note(self.common, &format!("{}: {note}", escape::line(&path.to_string_lossy())));
            }
        }
        let said = summaries.into_iter().find_map(|summary| summary.table);
        Ok((sink, said.or_else(|| self.files.definition.as_ref()?.1.name.clone())))
    }
}
