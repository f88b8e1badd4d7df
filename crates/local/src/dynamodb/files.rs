//! A folder of table files.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File, Metadata};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use input::files;

use super::check::{invalid, table_name_problem};
use super::definition::Definition;
use super::index::{Entry, Index};
use super::key::KeySchema;
use super::spool::Spool;
use crate::config::StartError;
use crate::error::AwsError;

/// The size of a read buffer, in bytes.
const BUFFER: usize = 256 * 1024;
/// The longest definition of a table, in bytes. It is read whole; CreateTable accepts far shorter ones.
const MAX_DEFINITION: u64 = 1 << 20;

/// All tables of a folder. A table is indexed when first used.
pub(crate) struct Files {
    folder: Option<(PathBuf, Spool)>,
    tables: Mutex<HashMap<String, Arc<Mutex<Option<Loaded>>>>>,
}

/// The result of reading a table's files, or the error, valid until the files change.
struct Loaded {
    version: FileVersion,
    table: Result<Arc<FileTable>, AwsError>,
}

/// One table, ready to be read.
pub(super) struct FileTable {
    pub(super) definition: Definition,
    pub(super) key: KeySchema,
    pub(super) index: Index,
    /// When the definition was last written, in seconds since 1970.
    pub(super) created: f64,
    data: Option<Data>,
}

/// The file of the items, as indexed. It is opened for each page, so that many tables need no more descriptors than few.
struct Data {
    path: PathBuf,
    size: u64,
    modified: SystemTime,
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
        warn_of_orphans(folder).map_err(error)?;
        let spool = Spool::open(state, folder).map_err(error)?;
        Ok(Files { folder: Some((folder.to_owned(), spool)), tables: Mutex::default() })
    }

    /// The names of all tables, including those with wrong files.
    pub(super) fn names(&self) -> Result<BTreeSet<String>, AwsError> {
        let Some((folder, _)) = &self.folder else { return Ok(BTreeSet::new()) };
        let failed = |error| AwsError::internal(format!("{}: {error}", folder.display()));
        let mut names = BTreeSet::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let file = entry.file_name();
            let Some(name) = file.to_str().and_then(|file| file.strip_suffix(".json")) else { continue };
            // The folder tells the kind of most entries; only links must be followed. Other problems are reported when the table is used.
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() || kind.is_symlink() && entry.path().is_dir() {
                continue;
            }
            match table_name_problem(name) {
                None => drop(names.insert(name.to_owned())),
                Some(problem) => {
                    tracing::warn!("{} is not served: a table's name must {problem}", file.display())
                }
            }
        }
        Ok(names)
    }

    /// The table of a valid name, read again if its files have changed; `None` if there is none.
    pub(super) fn table(&self, name: &str) -> Result<Option<Arc<FileTable>>, AwsError> {
        let Some((folder, spool)) = &self.folder else { return Ok(None) };
        let Some(paths) = Paths::find(folder, name)? else {
            let known = self.tables.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
            if known.is_some() {
                spool.forget(name);
            }
            return Ok(None);
        };
        let slot = {
            let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(tables.entry(name.to_owned()).or_default())
        };
        // Hold the lock while reading, so that concurrent requests for the table share one index.
        let mut loaded = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let version = paths.version()?;
        let table = match &*loaded {
            Some(loaded) if loaded.version == version && loaded.is_whole() => loaded.table.clone(),
            _ => {
                let table = FileTable::read(name, &paths, &version, spool).map(Arc::new);
                *loaded = Some(Loaded { version, table: table.clone() });
                table
            }
        };
        table.map(Some)
    }
}

impl Loaded {
    /// An unpacked copy may be gone, though what it was unpacked from is there.
    fn is_whole(&self) -> bool {
        let data = self.table.as_ref().ok().and_then(|table| table.data.as_ref());
        data.is_none_or(|data| data.path.exists())
    }
}

/// Warns of data files without a definition.
fn warn_of_orphans(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let file = entry?.file_name();
        let Some(file) = file.to_str() else { continue };
        let stems = [".jsonl", ".jsonl.gz", ".ndjson"].into_iter().filter_map(|ending| file.strip_suffix(ending));
        for stem in stems {
            if file.ends_with(".ndjson") {
                tracing::warn!("{file} is not served: a table's data file is called {stem}.jsonl or {stem}.jsonl.gz");
            } else if !folder.join(format!("{stem}.json")).exists() {
                tracing::warn!("{file} is not served: {stem}.json, the CreateTable request of its table, is missing");
            }
        }
    }
    Ok(())
}

/// The files of one table.
struct Paths {
    definition: PathBuf,
    data: Option<PathBuf>,
}

/// Changes when the files change.
#[derive(PartialEq, Eq)]
struct FileVersion {
    definition: (u64, SystemTime),
    data: Option<(PathBuf, u64, SystemTime)>,
}

impl Paths {
    fn find(folder: &Path, name: &str) -> Result<Option<Paths>, AwsError> {
        let path = |suffix: &str| folder.join(format!("{name}{suffix}"));
        let is_there = |path: &Path| files::is_there(path).map_err(|error| unreadable(path, &error));
        let definition = path(".json");
        if definition.is_dir() || !is_there(&definition)? {
            return Ok(None);
        }
        let (plain, packed) = (path(".jsonl"), path(".jsonl.gz"));
        let data = match (is_there(&plain)?, is_there(&packed)?) {
            (true, true) => {
                return Err(invalid(format!("{} and {} both exist: remove one", plain.display(), packed.display())));
            }
            (true, false) => Some(plain),
            (false, true) => Some(packed),
            (false, false) => None,
        };
        Ok(Some(Paths { definition, data }))
    }

    fn version(&self) -> Result<FileVersion, AwsError> {
        let data = match &self.data {
            None => None,
            Some(path) => {
                let (size, modified) = size_and_time(path)?;
                Some((path.clone(), size, modified))
            }
        };
        Ok(FileVersion { definition: size_and_time(&self.definition)?, data })
    }
}

fn size_and_time(path: &Path) -> Result<(u64, SystemTime), AwsError> {
    let read = |metadata: Metadata| Ok((metadata.len(), metadata.modified()?));
    files::regular(path).and_then(read).map_err(|error| invalid(format!("{}: {error}", path.display())))
}

fn since_1970(time: SystemTime) -> std::time::Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn unreadable(path: &Path, error: &io::Error) -> AwsError {
    AwsError::internal(format!("{}: {error}", path.display()))
}

impl FileTable {
    fn read(name: &str, paths: &Paths, version: &FileVersion, spool: &Spool) -> Result<FileTable, AwsError> {
        let wrong = |path: &Path, problem: String| invalid(format!("{}: {problem}", path.display()));
        if version.definition.0 > MAX_DEFINITION {
            return Err(wrong(&paths.definition, format!("longer than {MAX_DEFINITION} bytes, which no table is")));
        }
        let json = fs::read(&paths.definition).map_err(|error| unreadable(&paths.definition, &error))?;
        let (definition, key) = Definition::parse(name, &json).map_err(|problem| wrong(&paths.definition, problem))?;
        let created = since_1970(version.definition.1).as_secs_f64();
        let Some((path, size, modified)) = &version.data else {
            return Ok(FileTable { definition, key, index: Index::default(), created, data: None });
        };
        let opened = if path.extension().is_some_and(|extension| extension == "gz") {
            spool.unpack(name, path, &format!("{size}-{}.jsonl", since_1970(*modified).as_nanos()))
        } else {
            files::open(path).map(|file| (file, path.clone()))
        };
        let (file, data) = opened.map_err(|error| wrong(path, error.to_string()))?;
        let found = file.metadata().and_then(|found| Ok((found.len(), found.modified()?)));
        let (size, modified) = found.map_err(|error| unreadable(path, &error))?;
        let index =
            Index::build(BufReader::with_capacity(BUFFER, &file), &key).map_err(|problem| wrong(path, problem))?;
        tracing::debug!(table = name, items = index.len(), "indexed");
        Ok(FileTable { definition, key, index, created, data: Some(Data { path: data, size, modified }) })
    }

    /// Opens the items.
    ///
    /// # Errors
    /// If they cannot be read, or changed since they were indexed.
    pub(super) fn items(&self) -> Result<Items<'_>, AwsError> {
        let Some(Data { path, size, modified }) = &self.data else { return Ok(Items { data: None }) };
        let open = || {
            let file = File::open(path)?;
            let found = file.metadata()?;
            Ok((found.len() == *size && found.modified()? == *modified).then_some(file))
        };
        match open().map_err(|error| unreadable(path, &error))? {
            Some(file) => Ok(Items { data: Some((file, path)) }),
            None => Err(changed()),
        }
    }
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
