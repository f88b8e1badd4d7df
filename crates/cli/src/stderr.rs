//! Standard error.

use std::io::{self, Write};

/// Standard error, on which writing never fails: a message that nobody reads any more (`2>&1 | head -1`, a log whose reader
/// is gone) must not end the work that it is about. `eprintln!` panics there, so clippy forbids it.
pub(crate) struct Stderr;

impl Write for Stderr {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let _ = io::stderr().write_all(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = io::stderr().flush();
        Ok(())
    }
}
