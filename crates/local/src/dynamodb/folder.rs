//! A folder of tables, looked at again and again.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use input::Content;
use input::definition::{DefinitionError, Definitions};
use input::files;

use super::listing::{DUMP, Entry, Found, Listing, Parts, Stamp};
use super::naming::{Naming, naming};

/// How coarse the times of a folder may be. A time that is not older may stay the same though the folder changes.
const COARSE: Duration = Duration::from_secs(2);

/// A folder of tables.
pub(super) struct Folder {
    path: PathBuf,
    seen: Mutex<Seen>,
}

/// What was seen of it.
#[derive(Default)]
struct Seen {
    /// What the files are. They are read again when they change.
    files: HashMap<PathBuf, Found>,
    listing: Arc<Listing>,
    /// Files that name tables, whose own names don't tell them.
    naming: Vec<(PathBuf, Option<Stamp>)>,
    /// The time of the folder then, if no later change can have the same.
    time: Option<SystemTime>,
}

impl Seen {
    /// Whether no file has come or gone since.
    fn is_same(&self, folder: &Path) -> io::Result<bool> {
        Ok(self.time.is_some() && self.time == Some(fs::metadata(folder)?.modified()?))
    }
}

impl Folder {
    /// Looks at all files, and warns of those that are not served.
    pub(super) fn open(path: &Path) -> io::Result<Folder> {
        let folder = Folder { path: path.to_owned(), seen: Mutex::default() };
        for note in &folder.listing()?.notes {
            tracing::warn!("{note}");
        }
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The tables that the folder holds now. All files are looked at only if one has come or gone, or names other tables.
    pub(super) fn listing(&self) -> io::Result<Arc<Listing>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if !(seen.is_same(&self.path)? && are_current(&seen.naming)) {
            self.look(&mut seen)?;
        }
        Ok(Arc::clone(&seen.listing))
    }

    /// Where a table lies. All files are looked at only if the folder or a file of the table has changed.
    pub(super) fn parts(&self, table: &str) -> io::Result<Option<Arc<Parts>>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // Others that may be its files are not looked at.
        let known = seen.listing.tables.get(table).filter(|parts| are_current(&parts.files));
        if known.is_none() || !seen.is_same(&self.path)? {
            self.look(&mut seen)?;
        }
        Ok(seen.listing.tables.get(table).cloned())
    }

    fn look(&self, seen: &mut Seen) -> io::Result<()> {
        let time = fs::metadata(&self.path)?.modified()?;
        let age = SystemTime::now().duration_since(time).unwrap_or_default();
        let (mut entries, mut notes) = (BTreeMap::new(), Vec::new());
        let mut files = HashMap::with_capacity(seen.files.len());
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = match entry.file_name().into_string() {
                Ok(name) if name.starts_with('.') => continue,
                Ok(name) => name,
                Err(name) => {
                    notes.push(format!("{} is not served: its name is not UTF-8", name.display()));
                    continue;
                }
            };
            if let Some(entry) = classify(&name, entry.path(), &seen.files, &mut files) {
                entries.insert(name, entry);
            }
        }
        let names_tables = |(path, found): &(&PathBuf, &Found)| {
            let is_collection = || found.content.definitions().is_some_and(Definitions::is_collection);
            path.parent() != Some(&self.path) || is_collection()
        };
        let naming = files.iter().filter(names_tables).map(|(path, found)| (path.clone(), Some(found.stamp)));
        seen.naming = naming.collect();
        seen.files = files;
        seen.listing = Arc::new(Listing::new(&self.path, &entries, notes));
        seen.time = (age > COARSE).then_some(time);
        Ok(())
    }
}

/// Whether these files are what they were.
fn are_current(files: &[(PathBuf, Option<Stamp>)]) -> bool {
    files.iter().all(|(path, stamp)| {
        let now = || Stamp::of(&fs::metadata(path).ok()?).ok();
        stamp.is_some() && *stamp == now()
    })
}

/// What an entry of the folder is; `None` if it is of no interest, or gone.
fn classify(
    name: &str,
    path: PathBuf,
    known: &HashMap<PathBuf, Found>,
    files: &mut HashMap<PathBuf, Found>,
) -> Option<Entry> {
    let metadata = match fs::metadata(&path) {
        Ok(metadata) if metadata.is_dir() => {
            let schema = path.join(DUMP.1);
            let found = fs::metadata(&schema).ok().filter(Metadata::is_file);
            return Some(Entry::Folder(found.and_then(|metadata| find(schema, &metadata, known, files).ok())));
        }
        // Markers such as _SUCCESS.
        Ok(metadata) if metadata.is_file() && metadata.len() == 0 && name.starts_with('_') => return None,
        Ok(metadata) if metadata.is_file() => metadata,
        _ => match files::regular(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => return Some(Entry::Unreadable(error.to_string())),
        },
    };
    Some(match find(path, &metadata, known, files) {
        Ok(found) => Entry::File(found),
        Err(error) => Entry::Unreadable(error.to_string()),
    })
}

/// What a regular file is. It is read only if it has changed.
fn find(
    path: PathBuf,
    metadata: &Metadata,
    known: &HashMap<PathBuf, Found>,
    files: &mut HashMap<PathBuf, Found>,
) -> io::Result<Found> {
    let stamp = Stamp::of(metadata)?;
    let found = match known.get(&path).filter(|found| found.stamp == stamp) {
        Some(found) => found.clone(),
        None => Found { stamp, content: Arc::new(content(&path, metadata)?) },
    };
    files.insert(path, found.clone());
    Ok(found)
}

/// Reads what a file is. What is named as a definition and is none, nor items, has the error that says most.
fn content(path: &Path, metadata: &Metadata) -> io::Result<Content> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let content = input::content(path, metadata)?;
    let (Content::Other(_), Some(naming)) = (&content, naming(&name)) else { return Ok(content) };
    Ok(match Definitions::open(File::open(path)?) {
        Ok(found) => Content::Definition(found),
        // JSON may be anything, templates are hardly anything else.
        Err(DefinitionError::Unknown) if naming == Naming::Json => content,
        Err(error) => Content::Other(error.to_string()),
    })
}
