//! Copies of items that can't be read where they are, with an item a line.
//!
//! Several processes may share them. A missing copy is made again when needed. A copy in the making is locked, so that only
//! the leftovers of killed processes are removed.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::copying::CopyError;

/// The prefix of a copy in the making.
const PARTIAL: &str = ".half-";
/// The file that names the folder of tables of the copies beside it.
const ORIGIN: &str = "origin";

/// The folder of the copies: in the state folder, to be reused, or a temporary one.
pub(super) struct Spool {
    copies: PathBuf,
    /// The folder of tables.
    tables: PathBuf,
    /// Removes a temporary folder when dropped.
    _temporary: Option<TempDir>,
}

/// A copy.
pub(super) struct Copy {
    pub(super) file: File,
    pub(super) path: PathBuf,
    /// What people should know of what it was made of.
    pub(super) notes: Vec<String>,
}

impl Spool {
    /// Of the tables in `folder`. Copies of those that are gone are removed.
    pub(super) fn open(state: Option<&Path>, folder: &Path) -> io::Result<Spool> {
        let folder = fs::canonicalize(folder)?;
        let Some(state) = state else {
            let temporary = TempDir::with_prefix("glue-ddb-crawler-")?;
            return Ok(Spool { copies: temporary.path().to_owned(), tables: folder, _temporary: Some(temporary) });
        };
        let mut origin = DefaultHasher::new();
        folder.hash(&mut origin);
        let all = state.join("unpacked");
        let copies = all.join(format!("{:016x}", origin.finish()));
        fs::create_dir_all(&copies)?;
        fs::write(copies.join(ORIGIN), folder.as_os_str().as_encoded_bytes())?;
        for other in fs::read_dir(&all)?.flatten() {
            drop_unused(&other.path());
        }
        Ok(Spool { copies, tables: folder, _temporary: None })
    }

    /// The copy of the items of `table` in `source`, which is in `version`; it is made if there is none. Copies of older
    /// versions are removed.
    ///
    /// # Errors
    /// If `make` fails, or the disk is full.
    pub(super) fn copy(
        &self,
        source: &str,
        version: &str,
        table: &str,
        make: impl Fn(&File) -> Result<Vec<String>, CopyError>,
    ) -> Result<Copy, CopyError> {
        let name = format!("{}-{}.jsonl", hash(version), hash(table));
        match self.find_or_make(source, &name, &make) {
            // Another process cleaned up before the copy was locked.
            Err(CopyError::Copy(error)) if error.kind() == io::ErrorKind::NotFound => {
                self.find_or_make(source, &name, &make)
            }
            done => done,
        }
    }

    fn find_or_make(
        &self,
        source: &str,
        name: &str,
        make: impl Fn(&File) -> Result<Vec<String>, CopyError>,
    ) -> Result<Copy, CopyError> {
        let folder = self.copies.join(source);
        fs::create_dir_all(&folder)?;
        let path = folder.join(name);
        match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            found => {
                let notes = fs::read_to_string(path.with_extension("notes")).unwrap_or_default();
                return Ok(Copy { file: found?, path, notes: notes.lines().map(str::to_owned).collect() });
            }
        }
        // Several tables may have one source, in the same version.
        let version = name.split_once('-').map_or(name, |(version, _)| version);
        remove(&folder, |other| !other.starts_with(version));
        // Rename it when complete: another endpoint may share the folder, and this one may be killed.
        let partial = || tempfile::Builder::new().prefix(PARTIAL).tempfile_in(&folder);
        let mut copy = partial()?;
        copy.as_file().lock()?;
        let notes = make(copy.as_file())?;
        if !notes.is_empty() {
            let mut file = partial()?;
            file.as_file().lock()?;
            file.write_all(notes.join("\n").as_bytes())?;
            file.persist(path.with_extension("notes")).map_err(io::Error::from)?;
        }
        copy.rewind()?;
        Ok(Copy { file: copy.persist(&path).map_err(io::Error::from)?, path, notes })
    }

    /// Removes the copies of what is gone.
    pub(super) fn drop_gone(&self) {
        drop_copies(&self.copies, &self.tables, |_| false);
    }
}

/// Tells versions and tables apart in names of files.
fn hash(text: &str) -> String {
    Sha256::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Removes copies of what is gone, or all if their folder of tables is gone; and what killed processes left.
fn drop_unused(copies: &Path) {
    // A folder without this file is not ours to remove.
    let Ok(origin) = fs::read_to_string(copies.join(ORIGIN)) else { return };
    drop_copies(copies, Path::new(&origin), |name| name.starts_with(PARTIAL));
    if is_gone(Path::new(&origin)) {
        remove(copies, |name| name == ORIGIN);
        let _ = fs::remove_dir(copies);
    }
}

fn drop_copies(copies: &Path, tables: &Path, is_left: impl Fn(&str) -> bool) {
    for source in fs::read_dir(copies).into_iter().flatten().flatten() {
        if source.path().is_dir() {
            let gone = is_gone(&tables.join(source.file_name()));
            remove(&source.path(), |name| gone || is_left(name));
            // This fails if something is left in it.
            let _ = fs::remove_dir(source.path());
        }
    }
}

fn is_gone(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// Removes copies by name, and unlocked copies in the making. What cannot be removed stays, and only takes space.
fn remove(folder: &Path, unused: impl Fn(&str) -> bool) {
    for copy in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = copy.file_name();
        let name = name.to_string_lossy();
        let in_work = || File::open(copy.path()).is_ok_and(|file| file.try_lock().is_err());
        if unused(&name) && !(name.starts_with(PARTIAL) && in_work()) {
            let _ = fs::remove_file(copy.path());
        }
    }
}
