//! Which endpoints currently use a state folder.
//!
//! Each holds a locked file in the folder. The system releases the lock however the process ends, so a killed endpoint can be
//! told from a running one.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::private;

const PREFIX: &str = "endpoint-";
const SUFFIX: &str = ".lock";

/// One endpoint's place in a state folder, until it is dropped.
pub(crate) struct Presence {
    id: String,
    file: Option<Locked>,
}

struct Locked {
    folder: PathBuf,
    path: PathBuf,
    _lock: File,
}

impl Presence {
    /// Takes a place in `folder`; `None` is a state in memory, which nobody shares.
    ///
    /// Entering and [`Presence::living`] must exclude each other across processes: a file that is not locked yet would look
    /// like that of a dead endpoint.
    pub(crate) fn enter(folder: Option<&Path>) -> io::Result<Presence> {
        let id = uuid::Uuid::new_v4().to_string();
        let file = folder.map(|folder| {
            let path = folder.join(format!("{PREFIX}{id}{SUFFIX}"));
            let mut lock = private::file(&path, File::options().write(true).create_new(true))?;
            lock.lock()?;
            // The process id is for messages of those who wait for the state.
            write!(lock, "{}", std::process::id())?;
            Ok::<_, io::Error>(Locked { folder: folder.to_owned(), path, _lock: lock })
        });
        Ok(Presence { id, file: file.transpose()? })
    }

    /// The unique id of this endpoint.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The ids of all running endpoints, including this one. Removes the files of dead ones.
    pub(crate) fn living(&self) -> io::Result<Vec<String>> {
        let mut living = vec![self.id.clone()];
        let Some(own) = &self.file else { return Ok(living) };
        for entry in fs::read_dir(&own.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let id = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX));
            let Some(id) = id.filter(|id| *id != self.id) else { continue };
            let file = match File::open(entry.path()) {
                Ok(file) => file,
                // Its owner just left.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            match file.try_lock_shared() {
                Ok(()) => drop(fs::remove_file(entry.path())),
                Err(TryLockError::WouldBlock) => living.push(id.to_owned()),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(living)
    }
}

/// The processes that use the state in `folder`, as far as their files say.
pub(crate) fn processes(folder: &Path) -> Vec<u32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let held = entries.filter(|entry| {
        let name = entry.file_name();
        let is_one = name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
        is_one
            && File::open(entry.path())
                .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    });
    held.filter_map(|entry| fs::read_to_string(entry.path()).ok()?.trim().parse().ok()).collect()
}

impl Drop for Locked {
    fn drop(&mut self) {
        // If this fails, the next endpoint removes it.
        drop(fs::remove_file(&self.path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_living_are_those_who_entered_and_did_not_leave_or_die() {
        let folder = tempfile::tempdir().unwrap();
        let enter = || Presence::enter(Some(folder.path())).unwrap();
        let (first, second, left) = (enter(), enter(), enter());
        drop(left);
        // What a killed process leaves: its file, unlocked.
        File::create_new(folder.path().join("endpoint-dead.lock")).unwrap();
        let mut expected = [first.id().to_owned(), second.id().to_owned()];
        expected.sort();
        let mut living = first.living().unwrap();
        living.sort();
        assert_eq!(living, expected);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "the files of the others are gone");
        drop((first, second));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_state_in_memory_has_one_endpoint() {
        let alone = Presence::enter(None).unwrap();
        assert_eq!(alone.living().unwrap(), [alone.id()]);
    }
}
