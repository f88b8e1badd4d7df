//! The tables of a folder, each read when first used.

use std::collections::HashMap;
use std::fmt::Write;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Seek};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use input::definition::Table;
use input::{FolderError, Form, Input, begin_of_utf8, files, open_folder};

use super::check::invalid;
use super::copying::{Origin, holds_items};
use super::folder::Folder;
use super::index::{Entry, Index};
use super::key::KeySchema;
use super::listing::{DUMP, Parts, Source, Stamp};
use super::spool::{Copy, Spool};
use crate::config::StartError;
use crate::error::AwsError;

/// The size of a read buffer, in bytes.
const BUFFER: usize = 256 * 1024;

/// All tables of a folder. A table is indexed when first used.
pub(crate) struct Files {
    folder: Option<(Folder, Spool)>,
    tables: Mutex<HashMap<String, Arc<Mutex<Option<Loaded>>>>>,
}

/// The result of reading a table's files, or the error, valid until the files change.
struct Loaded {
    version: Vec<(PathBuf, Option<Stamp>)>,
    table: Result<Arc<FileTable>, AwsError>,
}

/// One table, ready to be read.
pub(super) struct FileTable {
    pub(super) definition: Table,
    pub(super) key: KeySchema,
    pub(super) index: Index,
    /// When the definition was last written, in seconds since 1970.
    pub(super) created: f64,
    data: Option<Data>,
}

/// The file of the items, as indexed. It is opened for each page, so that many tables need no more descriptors than few.
struct Data {
    path: PathBuf,
    stamp: Stamp,
}

/// The items of a table, for one page.
pub(super) struct Items<'a> {
    data: Option<(File, &'a Path)>,
}

impl Files {
    /// No folder, no tables.
    pub(super) fn none() -> Files {
        Files { folder: None, tables: Mutex::default() }
    }

    pub(super) fn open(folder: &Path, state: Option<&Path>) -> Result<Files, StartError> {
        let error = |error| StartError::Tables { folder: folder.to_owned(), error };
        let spool = Spool::open(state, folder).map_err(error)?;
        Ok(Files { folder: Some((Folder::open(folder).map_err(error)?, spool)), tables: Mutex::default() })
    }

    /// The names of all tables in byte order, including those with wrong files.
    pub(super) fn names(&self) -> Result<Vec<String>, AwsError> {
        let Some((folder, _)) = &self.folder else { return Ok(Vec::new()) };
        let listing = folder.listing().map_err(|error| unreadable(folder.path(), &error))?;
        Ok(listing.tables.keys().cloned().collect())
    }

    /// The table of a valid name, read again if its files have changed; `None` if there is none.
    pub(super) fn table(&self, name: &str) -> Result<Option<Arc<FileTable>>, AwsError> {
        let Some((folder, spool)) = &self.folder else { return Ok(None) };
        let Some(parts) = folder.parts(name).map_err(|error| unreadable(folder.path(), &error))? else {
            let known = self.tables.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
            if known.is_some() {
                spool.drop_gone();
            }
            return Ok(None);
        };
        let slot = {
            let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(tables.entry(name.to_owned()).or_default())
        };
        // Hold the lock while reading, so that concurrent requests for the table share one index.
        let mut loaded = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let version = version(&parts).map_err(|error| unreadable(folder.path(), &error))?;
        let table = match &*loaded {
            Some(loaded) if loaded.version == version && loaded.is_whole() => loaded.table.clone(),
            before => {
                if before.is_some() {
                    spool.drop_gone();
                }
                let table = FileTable::read(name, &parts, spool).map(Arc::new).map_err(invalid);
                *loaded = Some(Loaded { version, table: table.clone() });
                table
            }
        };
        table.map(Some)
    }
}

impl Loaded {
    /// A copy may be gone, though what it was made of is there.
    fn is_whole(&self) -> bool {
        let data = self.table.as_ref().ok().and_then(|table| table.data.as_ref());
        data.is_none_or(|data| data.path.exists())
    }
}

/// Changes when a file of the table does.
fn version(parts: &Parts) -> io::Result<Vec<(PathBuf, Option<Stamp>)>> {
    let mut version = parts.files.clone();
    for folder in parts.folders() {
        version.extend(files_in(folder)?);
    }
    Ok(version)
}

/// What lies in a folder of items, also in that of the data of a dump.
fn files_in(folder: &Path) -> io::Result<Vec<(PathBuf, Option<Stamp>)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() && path.ends_with(DUMP.0) => found.extend(files_in(&path)?),
            Ok(metadata) => found.push((path, Some(Stamp::of(&metadata)?))),
            Err(_) => found.push((path, None)),
        }
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(found)
}

fn since_1970(time: SystemTime) -> std::time::Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn unreadable(path: &Path, error: &io::Error) -> AwsError {
    AwsError::internal(format!("{}: {error}", path.display()))
}

impl FileTable {
    /// Reads the definition and indexes the items.
    ///
    /// # Errors
    /// What is wrong, and in which file.
    fn read(name: &str, parts: &Parts, spool: &Spool) -> Result<FileTable, String> {
        let found = parts.definition()?;
        let definition = found.table(name).map_err(|problem| format!("{}: {problem}", found.path.display()))?;
        let key = KeySchema::of(&definition);
        let created = since_1970(found.stamp.modified).as_secs_f64();
        let (index, data) = match parts.source(|path| holds_items(path, name))? {
            None => (Index::default(), None),
            Some(source) => {
                let (index, data) = match in_place(source)? {
                    Some(file) => index_lines(file, source.path(), &key)?,
                    None => {
                        let origin = origin(name, source, &found.path)?;
                        index_copy(&origin, source, spool, &key)?
                    }
                };
                (index, Some(data))
            }
        };
        tracing::debug!(table = name, items = index.len(), "indexed");
        Ok(FileTable { definition, key, index, created, data })
    }

    /// Opens the items.
    ///
    /// # Errors
    /// If they cannot be read, or changed since they were indexed.
    pub(super) fn items(&self) -> Result<Items<'_>, AwsError> {
        let Some(Data { path, stamp }) = &self.data else { return Ok(Items { data: None }) };
        let open = || {
            let file = File::open(path)?;
            let found = Stamp::of(&file.metadata()?)?;
            Ok((found == *stamp).then_some(file))
        };
        match open().map_err(|error| unreadable(path, &error))? {
            Some(file) => Ok(Items { data: Some((file, path)) }),
            None => Err(changed()),
        }
    }
}

/// Opens a file that has an item a line just as they are served. `None` if the items are in another form.
fn in_place(source: &Source) -> Result<Option<File>, String> {
    let Source::File(path, _) = source else { return Ok(None) };
    let open = || {
        let mut file = files::open(path)?;
        let mut text = BufReader::with_capacity(BUFFER, &file);
        let is_as_is = begin_of_utf8(text.fill_buf()?) == Some(0);
        let is_in_lines = is_as_is && matches!(Input::new(text)?.form(), Form::Lines | Form::Empty);
        file.rewind()?;
        Ok(is_in_lines.then_some(file))
    };
    open().map_err(|error: input::Error| format!("{}: {error}", path.display()))
}

/// Where the items are that are not served as they are. `definition` is the table's.
fn origin<'t>(table: &'t str, source: &Source, definition: &Path) -> Result<Origin<'t>, String> {
    let files = match source {
        Source::File(path, _) | Source::Model(path, _) => vec![path.clone()],
        Source::Folder(path) => match open_folder(path, Some(table)) {
            Ok(folder) => {
                if let Some((other, _)) = folder.definition.filter(|(other, _)| other != definition) {
                    let (one, two) = (definition.display(), other.display());
                    return Err(format!("{one} and {two} both define the table: remove one"));
                }
                for left_out in folder.left_out {
                    tracing::warn!("table {table}: {} is not read: {}", left_out.path.display(), left_out.reason);
                }
                folder.data
            }
            // An empty folder is an empty table.
            Err(FolderError::NoData { left_out, .. }) if left_out.is_empty() => Vec::new(),
            Err(error) => return Err(error.to_string()),
        },
    };
    Ok(Origin { table, files, is_shared: matches!(source, Source::Model(..)) })
}

/// Indexes items through a copy of them.
fn index_copy(origin: &Origin, source: &Source, spool: &Spool, key: &KeySchema) -> Result<(Index, Data), String> {
    let path = source.path();
    let version = match source {
        Source::File(path, stamp) | Source::Model(path, stamp) => Ok(vec![(path.clone(), Some(*stamp))]),
        Source::Folder(path) => files_in(path),
    };
    let version = version.map_err(|error| format!("{}: {error}", path.display()))?;
    let entry = path.file_name().unwrap_or_default().to_string_lossy();
    let Copy { file, path, notes } = spool
        .copy(&entry, &spelled(&version), origin.table, |to| origin.copy(to))
        .map_err(|error| error.to_string())?;
    for note in notes {
        tracing::warn!("table {}: {note}", origin.table);
    }
    // A place in the copy is of no use to anybody.
    index_lines(file, &path, key).map_err(|problem| origin.problem(key).map_or(problem, |error| error.to_string()))
}

/// A version as text. It begins with that of the form of the copies.
fn spelled(version: &[(PathBuf, Option<Stamp>)]) -> String {
    version.iter().fold("1".to_owned(), |mut text, (path, stamp)| {
        let (size, modified) = stamp.map_or((0, 0), |stamp| (stamp.size, since_1970(stamp.modified).as_nanos()));
        let _ = write!(text, "\n{} {size} {modified}", path.display());
        text
    })
}

fn index_lines(file: File, path: &Path, key: &KeySchema) -> Result<(Index, Data), String> {
    let wrong = |problem: String| format!("{}: {problem}", path.display());
    let stamp = file.metadata().and_then(|found| Stamp::of(&found)).map_err(|error| wrong(error.to_string()))?;
    let index = Index::build(BufReader::with_capacity(BUFFER, &file), key).map_err(wrong)?;
    Ok((index, Data { path: path.to_owned(), stamp }))
}

/// The error while a data file is being written.
pub(super) fn changed() -> AwsError {
    AwsError::internal("the table's data file was changed while it was read: try again")
}

impl Items<'_> {
    /// Appends the JSON of one item.
    ///
    /// # Errors
    /// If the file was cut since it was indexed.
    pub(super) fn read(&self, entry: &Entry, into: &mut Vec<u8>) -> Result<(), AwsError> {
        let Some((file, path)) = &self.data else { return Ok(()) };
        let start = into.len();
        into.resize(start + entry.length as usize, 0);
        let bytes = into.get_mut(start..).unwrap_or_default();
        read_exact_at(file, bytes, entry.offset).map_err(|error| unreadable(path, &error))
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    let mut done = 0;
    while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.seek_read(rest, offset + done as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => done += read,
        }
    }
    Ok(())
}
