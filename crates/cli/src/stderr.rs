//! Standard error.

use std::io::{self, Write};

use schema::escape;

/// Standard error, to which writing never fails: a message that nobody reads any more (`2>&1 | head -1`, a log whose reader is
/// gone) must not end the work that it is about. `eprintln!` would panic, so clippy forbids it.
///
/// Each write is one line. It may contain names from outside, which are escaped.
pub(crate) struct Stderr;

impl Write for Stderr {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(text.strip_suffix(b"\n").unwrap_or(text));
        let _ = io::stderr().write_all(format!("{}\n", escape::line(&line)).as_bytes());
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = io::stderr().flush();
        Ok(())
    }
}
