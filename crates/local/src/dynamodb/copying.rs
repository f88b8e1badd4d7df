//! Items of any form as the lines of a copy.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use input::{BoxError, Error, Item, ItemError, Place, Sink, Summary, files};

use super::index::{MAX_LINE, check};
use super::key::KeySchema;

/// The largest ratio of the size of a copy to that of its files. Text of items shrinks to a tenth or a thirtieth; more is a bomb.
const MAX_RATIO: u64 = 100;
/// The size, in bytes, that every copy may have, whatever its ratio.
const MIN_LIMIT: u64 = 64 << 20;

/// Why a copy can't be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum CopyError {
    /// Something is wrong with a file of items.
    #[error("{}: {error}", path.display())]
    Items {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: Error,
    },
    /// The copy itself can't be written or read.
    #[error("the copy of its items: {0}")]
    Copy(#[from] io::Error),
}

impl CopyError {
    /// What stopped the reading of `path`.
    fn of(path: &Path, error: Error) -> CopyError {
        let items = |error| CopyError::Items { path: path.to_owned(), error };
        match error {
            Error::Item { place, error } => match error.downcast::<io::Error>() {
                Ok(error) => CopyError::Copy(*error),
                Err(error) => items(Error::Item { place, error }),
            },
            error => items(error),
        }
    }
}

/// The items of a table, in files of any form.
pub(super) struct Origin<'t> {
    pub(super) table: &'t str,
    /// Of the same items the later ones count.
    pub(super) files: Vec<PathBuf>,
    /// The files hold items of other tables too.
    pub(super) is_shared: bool,
}

impl Origin<'_> {
    /// Writes all items, one a line. Returns what people should know.
    ///
    /// # Errors
    /// If a file can't be read or holds what no item is, or the copy grows too much or can't be written.
    pub(super) fn copy(&self, to: &File) -> Result<Vec<String>, CopyError> {
        let (mut size, mut notes) = (0u64, Vec::new());
        for path in &self.files {
            size = size.saturating_add(files::regular(path).map_or(0, |metadata| metadata.len()));
        }
        let mut lines = Lines::new(to, MIN_LIMIT.max(size.saturating_mul(MAX_RATIO)));
        for path in &self.files {
            let start = lines.size;
            let summary = match read(path, self.is_shared.then_some(self.table), &mut lines) {
                // What was written up to there is of any table.
                Err(Error::SeveralTables(_)) if !self.is_shared => {
                    lines.cut(start)?;
                    read(path, Some(self.table), &mut lines)
                }
                done => done,
            };
            notes.extend(self.notes(path, summary.map_err(|error| CopyError::of(path, error))?));
        }
        lines.to.flush()?;
        Ok(notes)
    }

    fn notes(&self, path: &Path, summary: Summary) -> Vec<String> {
        let named = summary.table.filter(|table| table != self.table);
        let other = named.map(|table| format!("its items are said to be of the table {}", table.escape_debug()));
        summary.notes.into_iter().chain(other).map(|note| format!("{}: {note}", path.display())).collect()
    }

    /// What is wrong with the first item that the table can't have, with its place in its file.
    pub(super) fn problem(&self, key: &KeySchema) -> Option<CopyError> {
        self.files.iter().find_map(|path| {
            let several = || matches!(read(path, None, &mut Ignored), Err(Error::SeveralTables(_)));
            let table = (self.is_shared || several()).then_some(self.table);
            let mut checked = Checked { key, line: Vec::new(), place: Place::START };
            read(path, table, &mut checked).err().map(|error| CopyError::of(path, error))
        })
    }
}

/// Whether a file holds an item of a table. If that can't be told, it does.
pub(super) fn holds_items(path: &Path, table: &str) -> bool {
    struct First;
    impl Sink for First {
        fn lines(&mut self, _: &[u8]) -> Result<(), ItemError> {
            Err(ItemError { place: Place::START, error: "an item".into() })
        }

        fn item(&mut self, _: Item<'_>) -> Result<(), ItemError> {
            Err(ItemError { place: Place::START, error: "an item".into() })
        }
    }
    read(path, Some(table), &mut First).is_err()
}

fn read(path: &Path, table: Option<&str>, sink: &mut dyn Sink) -> Result<Summary, Error> {
    input::open(files::open(path)?)?.read(table, sink)
}

/// A copy in the making.
struct Lines<'f> {
    to: BufWriter<&'f File>,
    /// Bytes so far: of all, and of the line that is not at its end.
    size: u64,
    line: u64,
    most: u64,
    /// How far the text of lines was read.
    place: Place,
}

impl Lines<'_> {
    fn new(to: &File, most: u64) -> Lines<'_> {
        Lines { to: BufWriter::new(to), size: 0, line: 0, most, place: Place::START }
    }

    /// Writes text that lines are cut from anywhere.
    fn write(&mut self, text: &[u8]) -> Result<(), BoxError> {
        let first = text.iter().position(|byte| *byte == b'\n').unwrap_or(text.len());
        if self.line + first as u64 > MAX_LINE {
            return Err(format!("a line longer than {MAX_LINE} bytes, which no item is").into());
        }
        self.line = match text.iter().rposition(|byte| *byte == b'\n') {
            Some(last) => (text.len() - last - 1) as u64,
            None => self.line + text.len() as u64,
        };
        self.size += text.len() as u64;
        if self.size > self.most {
            return Err(format!(
                "unpacked it is larger than {} bytes, {MAX_RATIO} times its size and at least 64 MiB: unpack it yourself if \
                 that is right, NAME.jsonl may have any size",
                self.most
            )
            .into());
        }
        Ok(self.to.write_all(text)?)
    }

    fn end_line(&mut self) -> io::Result<()> {
        if self.line > 0 {
            self.to.write_all(b"\n")?;
            (self.size, self.line) = (self.size + 1, 0);
        }
        Ok(())
    }

    fn cut(&mut self, size: u64) -> io::Result<()> {
        self.to.flush()?;
        self.to.get_ref().set_len(size)?;
        self.to.seek(SeekFrom::Start(size))?;
        (self.size, self.line) = (size, 0);
        Ok(())
    }
}

impl Sink for Lines<'_> {
    fn lines(&mut self, chunk: &[u8]) -> Result<(), ItemError> {
        // Where the line begins that goes on in this chunk.
        let place = Place { offset: self.place.offset.saturating_sub(self.line), ..self.place };
        self.place = self.place.after(chunk);
        self.write(chunk).map_err(|error| ItemError { place, error })
    }

    fn end_of_lines(&mut self) -> Result<(), ItemError> {
        let place = std::mem::replace(&mut self.place, Place::START);
        self.end_line().map_err(|error| ItemError { place, error: error.into() })
    }

    fn item(&mut self, item: Item<'_>) -> Result<(), ItemError> {
        let written = self.write(item.line).and_then(|()| self.write(b"\n"));
        written.map_err(|error| ItemError { place: Place::START, error })
    }
}

/// Refuses the first item that the table can't have.
struct Checked<'k> {
    key: &'k KeySchema,
    /// The line that is not at its end, and where it begins.
    line: Vec<u8>,
    place: Place,
}

impl Checked<'_> {
    fn end_line(&mut self) -> Result<(), ItemError> {
        if !self.line.trim_ascii().is_empty() {
            self.check(&self.line, self.place)?;
        }
        self.place = self.place.after(&self.line);
        self.line.clear();
        Ok(())
    }

    fn check(&self, line: &[u8], at: Place) -> Result<(), ItemError> {
        check(line, self.key).map_err(|wrong| {
            let column = wrong.column.map_or(0, |column| column.saturating_sub(1));
            ItemError { place: at.after(line.get(..column).unwrap_or_default()), error: wrong.problem.into() }
        })
    }
}

impl Sink for Checked<'_> {
    fn lines(&mut self, chunk: &[u8]) -> Result<(), ItemError> {
        for part in chunk.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.end_line()?;
            }
        }
        Ok(())
    }

    fn end_of_lines(&mut self) -> Result<(), ItemError> {
        self.end_line()
    }

    fn item(&mut self, item: Item<'_>) -> Result<(), ItemError> {
        self.check(item.line, Place::START)
    }
}

struct Ignored;

impl Sink for Ignored {
    fn lines(&mut self, _: &[u8]) -> Result<(), ItemError> {
        Ok(())
    }

    fn item(&mut self, _: Item<'_>) -> Result<(), ItemError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &[u8], most: u64) -> Result<Vec<u8>, String> {
        let copy = tempfile::NamedTempFile::new().unwrap();
        let mut lines = Lines::new(copy.as_file(), most);
        for chunk in text.chunks(64 << 10) {
            lines.write(chunk).map_err(|error| error.to_string())?;
        }
        lines.to.flush().unwrap();
        Ok(std::fs::read(copy.path()).unwrap())
    }

    #[test]
    fn what_grows_too_much_is_refused() {
        let lines = b"{\"id\":{\"S\":\"1\"}}\n".repeat(100_000);
        assert_eq!(written(&lines, lines.len() as u64).as_ref(), Ok(&lines));
        insta::assert_snapshot!(written(&lines, lines.len() as u64 - 1).unwrap_err(), @"unpacked it is larger than 1699999 bytes, 100 times its size and at least 64 MiB: unpack it yourself if that is right, NAME.jsonl may have any size");
    }

    #[test]
    fn no_line_is_longer_than_an_item() {
        for (before, line, fits) in
            [(0, MAX_LINE, true), (99_999, MAX_LINE, true), (0, MAX_LINE + 1, false), (99_999, MAX_LINE + 1, false)]
        {
            let text = [&b"\n".repeat(before)[..], &b" ".repeat(line as usize), b"\n{}"].concat();
            assert_eq!(written(&text, u64::MAX).is_ok(), fits, "{before} {line}");
        }
        assert!(written(&b" ".repeat(2 * MAX_LINE as usize), u64::MAX).is_err());
    }
}
