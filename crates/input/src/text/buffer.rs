//! A buffered reader whose first bytes can be looked at before they are read.

use std::io::{self, BufRead, Read};

/// Bytes read at once: few enough to stay in a core's cache until they are parsed.
const CHUNK: usize = 256 << 10;

/// A buffered reader.
pub(super) struct Buffer<'a> {
    inner: Box<dyn Read + 'a>,
    bytes: Vec<u8>,
    /// What of `bytes` is filled and not consumed.
    start: usize,
    end: usize,
}

impl<'a> Buffer<'a> {
    pub(super) fn new(inner: Box<dyn Read + 'a>) -> Buffer<'a> {
        Buffer { inner, bytes: Vec::new(), start: 0, end: 0 }
    }

    /// What is not consumed yet: at least so many bytes, or all that are left. At most a chunk.
    pub(super) fn at_least(&mut self, wanted: usize) -> io::Result<&[u8]> {
        if self.start > 0 && self.start + wanted > self.bytes.len() {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        while self.end - self.start < wanted.min(CHUNK) && self.fill()? > 0 {}
        Ok(self.bytes.get(self.start..self.end).unwrap_or_default())
    }

    /// Reads once into what is free.
    fn fill(&mut self) -> io::Result<usize> {
        self.bytes.resize(CHUNK, 0);
        let free = self.bytes.get_mut(self.end..).unwrap_or_default();
        let read = retried(&mut *self.inner, free)?;
        self.end += read;
        Ok(read)
    }
}

fn retried(inner: &mut dyn Read, to: &mut [u8]) -> io::Result<usize> {
    loop {
        match inner.read(to) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

impl Read for Buffer<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.start == self.end && to.len() >= CHUNK {
            return retried(&mut *self.inner, to);
        }
        let read = self.fill_buf()?.read(to)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Buffer<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            self.fill()?;
        }
        Ok(self.bytes.get(self.start..self.end).unwrap_or_default())
    }

    fn consume(&mut self, read: usize) {
        self.start = self.end.min(self.start + read);
    }
}
