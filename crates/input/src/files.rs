//! Files that people name. Only regular ones are opened: a FIFO would wait for whoever writes to it, a device may never end, and
//! neither has a size or a time that shows a change.

use std::fs::{self, File, FileType, Metadata};
use std::io;
use std::path::Path;

/// Opens a regular file for reading.
///
/// # Errors
/// If it can't be opened, or is something else: the error says what.
pub fn open(path: &Path) -> io::Result<File> {
    regular(path)?;
    File::open(path)
}

/// The text of a regular file.
///
/// # Errors
/// As [`open`], and if it is not UTF-8.
pub fn read_to_string(path: &Path) -> io::Result<String> {
    regular(path)?;
    fs::read_to_string(path)
}

/// Whether there is anything of that name, even a link that leads nowhere.
///
/// # Errors
/// If that can't be told.
pub fn is_there(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The size and times of a regular file, links followed.
///
/// # Errors
/// As [`open`].
pub fn regular(path: &Path) -> io::Result<Metadata> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(metadata),
        Ok(metadata) => Err(io::Error::other(format!("it is {}, not a file", kind(metadata.file_type())))),
        Err(error) if fs::symlink_metadata(path).is_ok_and(|link| link.is_symlink()) => {
            Err(io::Error::other(format!("it is a link that leads to no file: {error}")))
        }
        Err(error) => Err(error),
    }
}

fn kind(kind: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return "a FIFO";
        }
        if kind.is_socket() {
            return "a socket";
        }
        if kind.is_char_device() || kind.is_block_device() {
            return "a device";
        }
    }
    if kind.is_dir() { "a folder" } else { "something else" }
}
