//! A large file of items a line, read in parts at once.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Place};
use crate::files;
use crate::form::{self, Decision, Form};
use crate::parallel::Gather;
use crate::sink::ItemError;
use crate::text;

/// Bytes of a part: many for each thread, so that all end at about the same time, and enough that taking one costs nothing.
const PART: u64 = 1 << 20;
/// A file that is shorter is read as a whole.
const MIN_SIZE: u64 = 2 * PART;
/// Bytes read at once: few enough to stay in a core's cache until they are parsed.
const CHUNK: usize = 256 << 10;
/// Bytes read at once of the line that goes on beyond the end of a part.
const TAIL: usize = 4 << 10;
/// How much of the file is looked at to recognise its form. Who has a longer first line gets one thread.
const START: usize = 64 << 10;

/// A file that is read in parts. A line belongs to the part in which it begins.
pub(super) struct Parts {
    file: File,
    size: u64,
    /// Where the text begins.
    begin: u64,
    /// Bytes of a part.
    part: u64,
}

/// Which part, and of which file.
#[derive(Clone, Copy)]
pub(super) struct Part {
    pub(super) nth: usize,
    pub(super) file: usize,
}

impl Parts {
    /// The parts of a file of `size` bytes, if it is long and plain enough for that.
    pub(super) fn of(path: &Path, size: u64) -> io::Result<Option<Parts>> {
        if size < MIN_SIZE {
            return Ok(None);
        }
        let file = files::open(path)?;
        let mut start = vec![0; START];
        let read = read_at(&file, &mut start, 0)?;
        start.truncate(read);
        let Some(begin) = text::begin_of_utf8(&start) else { return Ok(None) };
        let text = start.get(begin..).unwrap_or_default();
        Ok(match form::decide(text, false) {
            Ok(Decision::Form(Form::Lines)) => Some(Parts { file, size, begin: begin as u64, part: PART }),
            _ => None,
        })
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        usize::try_from(self.size.div_ceil(self.part)).unwrap_or(usize::MAX)
    }

    /// Whether the file is still as long as it was, at least.
    pub(super) fn check_size(&self) -> io::Result<()> {
        match self.file.metadata()?.len() < self.size {
            true => Err(io::Error::other("it became shorter while it was read: read it again")),
            false => Ok(()),
        }
    }

    /// Gives the lines of a part to the sink.
    ///
    /// # Errors
    /// If the file can't be read, or the sink refuses a line; the place is that in the text.
    pub(super) fn read(
        &self,
        Part { nth, file }: Part,
        buffer: &mut Vec<u8>,
        sink: &mut impl Gather,
        counter: &AtomicU64,
    ) -> Result<(), Error> {
        buffer.resize(CHUNK, 0);
        let start = nth as u64 * self.part;
        let end = (start + self.part).min(self.size);
        // A line begins after a newline, which may be the last byte of the part before.
        let (mut at, mut in_line) = if nth == 0 { (self.begin, false) } else { (start - 1, true) };
        let mut first = at;
        if !in_line {
            sink.begin(file, 0);
        }
        loop {
            let wanted = if at < end { usize::try_from(end - at).unwrap_or(CHUNK).min(CHUNK) } else { TAIL };
            let read = read_at(&self.file, buffer.get_mut(..wanted).unwrap_or_default(), at)?;
            if read == 0 {
                break;
            }
            counter.fetch_add(read as u64, Ordering::Relaxed);
            let mut chunk = buffer.get(..read).unwrap_or_default();
            let mut from = at;
            at += read as u64;
            if in_line {
                match memchr::memchr(b'\n', chunk) {
                    None if at >= end => return Ok(()),
                    None => continue,
                    Some(newline) => {
                        from += newline as u64 + 1;
                        chunk = chunk.get(newline + 1..).unwrap_or_default();
                        (first, in_line) = (from, false);
                        if from >= end {
                            return Ok(());
                        }
                        sink.begin(file, first - self.begin);
                    }
                }
            }
            let mut is_end = false;
            if at >= end {
                // The line that holds the last byte of the part is the last one.
                let last = usize::try_from((end - 1).saturating_sub(from)).unwrap_or(usize::MAX);
                let rest = chunk.get(last..).unwrap_or_default();
                if let Some(newline) = memchr::memchr(b'\n', rest) {
                    chunk = chunk.get(..last + newline + 1).unwrap_or_default();
                    is_end = true;
                }
            }
            sink.lines(chunk).map_err(|refused| self.placed(first, refused))?;
            if is_end {
                break;
            }
        }
        sink.end_of_lines().map_err(|refused| self.placed(first, refused))
    }

    /// The error with its place in the text. The lines before are counted only now.
    #[cold]
    fn placed(&self, first: u64, ItemError { place, error }: ItemError) -> Error {
        let before = match self.newlines(first) {
            Ok(before) => before,
            Err(error) => return Error::Io(error),
        };
        let place = Place { line: place.line + before, offset: place.offset + first - self.begin };
        Error::Item { place, error }
    }

    /// The newlines before a byte.
    fn newlines(&self, end: u64) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut count) = (0, 0);
        while at < end {
            let wanted = usize::try_from(end - at).unwrap_or(CHUNK).min(CHUNK);
            let read = read_at(&self.file, buffer.get_mut(..wanted).unwrap_or_default(), at)?;
            if read == 0 {
                break;
            }
            count += memchr::memchr_iter(b'\n', buffer.get(..read).unwrap_or_default()).count() as u64;
            at += read as u64;
        }
        Ok(count)
    }
}

/// Reads what is there at a place: at the end of the file nothing.
fn read_at(file: &File, to: &mut [u8], at: u64) -> io::Result<usize> {
    loop {
        #[cfg(unix)]
        let read = std::os::unix::fs::FileExt::read_at(file, to, at);
        #[cfg(windows)]
        let read = std::os::windows::fs::FileExt::seek_read(file, to, at);
        match read {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

#[cfg(test)]
mod tests;
