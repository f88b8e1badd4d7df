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
    /// The time of the folder then, if no later change can have the same.
    time: Option<SystemTime>,
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

    /// What the folder holds now.
    pub(super) fn listing(&self) -> io::Result<Arc<Listing>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        self.look(&mut seen)?;
        Ok(Arc::clone(&seen.listing))
    }

    /// Where a table lies. All files are looked at only if the folder or a file of the table has changed.
    pub(super) fn parts(&self, table: &str) -> io::Result<Option<Arc<Parts>>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let known = seen.listing.tables.get(table).filter(|parts| is_current(parts));
        let is_same = seen.time.is_some() && seen.time == Some(fs::metadata(&self.path)?.modified()?);
        if known.is_none() || !is_same {
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
        seen.files = files;
        seen.listing = Arc::new(Listing::new(&self.path, &entries, notes));
        seen.time = (age > COARSE).then_some(time);
        Ok(())
    }
}

/// Whether no file of the table in the folder has changed. Others that may be its are not looked at.
fn is_current(parts: &Parts) -> bool {
    parts.files.iter().all(|(path, stamp)| {
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
