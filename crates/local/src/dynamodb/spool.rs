//! Unpacked copies of compressed data files.
//!
//! Several processes may share them. A missing copy is made again when needed. A copy in the making is locked, so that only
//! the leftovers of killed processes are removed.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use input::files;
use tempfile::TempDir;

use super::index::MAX_LINE;

/// The largest ratio of unpacked to packed size. Text of items shrinks to a tenth or a thirtieth; more is a bomb.
const MAX_RATIO: u64 = 100;
/// The size, in bytes, that every copy may have, whatever its ratio.
const MIN_LIMIT: u64 = 64 << 20;
/// The prefix of a copy in the making.
const PARTIAL: &str = ".half-";
/// The file that names the folder of tables of the copies beside it.
const ORIGIN: &str = "origin";

/// The folder of the copies: in the state folder, to be reused, or a temporary one.
pub(super) struct Spool {
    copies: PathBuf,
    /// Removes a temporary folder when dropped.
    _temporary: Option<TempDir>,
}

impl Spool {
    /// Of the tables in `folder`. Copies of those that are gone are removed.
    pub(super) fn open(state: Option<&Path>, folder: &Path) -> io::Result<Spool> {
        let Some(state) = state else {
            let temporary = TempDir::with_prefix("glue-ddb-crawler-")?;
            return Ok(Spool { copies: temporary.path().to_owned(), _temporary: Some(temporary) });
        };
        let folder = fs::canonicalize(folder)?;
        let mut origin = DefaultHasher::new();
        folder.hash(&mut origin);
        let all = state.join("unpacked");
        let spool = Spool { copies: all.join(format!("{:016x}", origin.finish())), _temporary: None };
        fs::create_dir_all(&spool.copies)?;
        fs::write(spool.copies.join(ORIGIN), folder.as_os_str().as_encoded_bytes())?;
        for other in fs::read_dir(&all)?.flatten() {
            drop_unused(&other.path());
        }
        Ok(spool)
    }

    /// Unpacks `packed`, the data of `table` in `version`, and returns the copy and its path. Copies of older versions are removed.
    ///
    /// # Errors
    /// If `packed` isn't gzip, ends early, holds a line that no item has, grows too much, or the disk is full.
    pub(super) fn unpack(&self, table: &str, packed: &Path, version: &str) -> io::Result<(File, PathBuf)> {
        match self.copy(table, packed, version) {
            // Another process cleaned up before the copy was locked.
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.copy(table, packed, version),
            done => done,
        }
    }

    fn copy(&self, table: &str, packed: &Path, version: &str) -> io::Result<(File, PathBuf)> {
        let folder = self.copies.join(table);
        fs::create_dir_all(&folder)?;
        let path = folder.join(version);
        match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            found => return Ok((found?, path)),
        }
        remove(&folder, |name| name != version);
        let input = files::open(packed)?;
        let most = MIN_LIMIT.max(input.metadata()?.len().saturating_mul(MAX_RATIO));
        // Rename it when complete: another endpoint may share the folder, and this one may be killed.
        let mut copy = tempfile::Builder::new().prefix(PARTIAL).tempfile_in(&folder)?;
        copy.as_file().lock()?;
        unpack(MultiGzDecoder::new(BufReader::new(input)), &mut copy, most)?;
        copy.flush()?;
        copy.rewind()?;
        Ok((copy.persist(&path)?, path))
    }

    /// Removes the copies of a table that is gone.
    pub(super) fn forget(&self, table: &str) {
        let folder = self.copies.join(table);
        remove(&folder, |_| true);
        let _ = fs::remove_dir(folder);
    }
}

/// Copies `packed`, and fails on a line that is longer than any item.
fn unpack(mut packed: impl Read, to: &mut impl Write, most: u64) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    let (mut size, mut line) = (0u64, 0u64);
    let wrong = |what: String| Err(io::Error::other(what));
    loop {
        let read = match packed.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let part = buffer.get(..read).unwrap_or_default();
        let first = part.iter().position(|byte| *byte == b'\n').unwrap_or(read);
        if line + first as u64 > MAX_LINE {
            return wrong(format!("a line longer than {MAX_LINE} bytes, which no item is"));
        }
        line = match part.iter().rposition(|byte| *byte == b'\n') {
            Some(last) => (read - last - 1) as u64,
            None => line + read as u64,
        };
        size += read as u64;
        if size > most {
            return wrong(format!(
                "unpacked it is larger than {most} bytes, {MAX_RATIO} times its size and at least 64 MiB: unpack it yourself if \
                 that is right, NAME.jsonl may have any size"
            ));
        }
        to.write_all(part)?;
    }
}

/// Removes copies of tables that are gone, or all if their folder of tables is gone.
fn drop_unused(copies: &Path) {
    // A folder without this file is not ours to remove.
    let Ok(origin) = fs::read_to_string(copies.join(ORIGIN)) else { return };
    for table in fs::read_dir(copies).into_iter().flatten().flatten() {
        let name = table.file_name();
        let packed = Path::new(&origin).join(format!("{}.jsonl.gz", name.to_string_lossy()));
        let gone = fs::symlink_metadata(packed).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        if table.path().is_dir() {
            remove(&table.path(), |name| gone || name.starts_with(PARTIAL));
            // This fails if something is left in it.
            let _ = fs::remove_dir(table.path());
        }
    }
    if fs::symlink_metadata(&origin).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        remove(copies, |name| name == ORIGIN);
        let _ = fs::remove_dir(copies);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_too_much_is_refused() {
        let lines = b"{\"id\":{\"S\":\"1\"}}\n".repeat(100_000);
        let try_unpack = |most: usize| {
            let mut copy = Vec::new();
            unpack(&lines[..], &mut copy, most as u64).map(|()| copy).map_err(|error| error.to_string())
        };
        assert_eq!(try_unpack(lines.len()).as_ref(), Ok(&lines));
        insta::assert_snapshot!(try_unpack(lines.len() - 1).unwrap_err(), @"unpacked it is larger than 1699999 bytes, 100 times its size and at least 64 MiB: unpack it yourself if that is right, NAME.jsonl may have any size");
    }

    #[test]
    fn no_line_is_longer_than_an_item() {
        for (before, line, fits) in
            [(0, MAX_LINE, true), (99_999, MAX_LINE, true), (0, MAX_LINE + 1, false), (99_999, MAX_LINE + 1, false)]
        {
            let text = [&b"\n".repeat(before)[..], &b" ".repeat(line as usize), b"\n{}"].concat();
            assert_eq!(unpack(&text[..], &mut io::sink(), u64::MAX).is_ok(), fits, "{before} {line}");
        }
        assert!(unpack(io::repeat(b' '), &mut io::sink(), u64::MAX).is_err());
    }
}
