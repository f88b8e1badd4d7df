//! Unpacked copies of compressed data files.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use tempfile::{NamedTempFile, TempDir};

/// The folder of the copies: in the state folder, where they are found again, or a temporary one.
pub(super) enum Spool {
    Kept(PathBuf),
    Temporary(TempDir),
}

impl Spool {
    pub(super) fn open(state: Option<&Path>) -> io::Result<Spool> {
        Ok(match state {
            Some(state) => Spool::Kept(state.join("unpacked")),
            None => Spool::Temporary(TempDir::with_prefix("glue-ddb-crawler-")?),
        })
    }

    /// The unpacked `packed` and where it is, the data of `table` in the version that `version` names; older versions are removed.
    ///
    /// # Errors
    /// If `packed` isn't gzip, ends early, or the disk is full.
    pub(super) fn unpacked(&self, table: &str, packed: &Path, version: &str) -> io::Result<(File, PathBuf)> {
        let folder = match self {
            Spool::Kept(path) => path.join(table),
            Spool::Temporary(dir) => dir.path().join(table),
        };
        fs::create_dir_all(&folder)?;
        // Two folders of tables may hold files of one name, size and time, made reproducibly.
        let mut place = DefaultHasher::new();
        fs::canonicalize(packed)?.hash(&mut place);
        let path = folder.join(format!("{version}-{:016x}", place.finish()));
        if !path.exists() {
            // Whole or not at all: another endpoint may share the folder, and this one may be killed.
            let mut copy = NamedTempFile::new_in(&folder)?;
            io::copy(&mut MultiGzDecoder::new(BufReader::new(File::open(packed)?)), &mut copy)?;
            copy.flush()?;
            copy.persist(&path)?;
            remove_others(&folder, &path)?;
        }
        Ok((File::open(&path)?, path))
    }
}

fn remove_others(folder: &Path, keep: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path != keep {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
