//! gzip as gunzip reads it: members one after the other, and zeros as padding behind any of them.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

use super::buffer::Buffer;
use crate::error::Error;

/// The text of a gzip file.
pub(super) struct Gzip<'a> {
    /// `None` after the last member.
    member: Option<GzDecoder<Buffer<'a>>>,
}

impl<'a> Gzip<'a> {
    pub(super) fn new(input: Buffer<'a>) -> Gzip<'a> {
        Gzip { member: Some(GzDecoder::new(input)) }
    }
}

impl Read for Gzip<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if to.is_empty() {
            return Ok(0);
        }
        loop {
            let Some(member) = &mut self.member else { return Ok(0) };
            match member.read(to).map_err(|error| damaged("gzip", error))? {
                0 => {}
                read => return Ok(read),
            }
            let Some(ended) = self.member.take() else { return Ok(0) };
            self.member = next(ended.into_inner())?.map(GzDecoder::new);
        }
    }
}

/// The input at its next member, if there is one.
fn next(mut input: Buffer<'_>) -> io::Result<Option<Buffer<'_>>> {
    loop {
        let chunk = input.fill_buf()?;
        if chunk.is_empty() {
            return Ok(None);
        }
        match chunk.iter().position(|byte| *byte != 0) {
            None => {
                let zeros = chunk.len();
                input.consume(zeros);
            }
            Some(zeros) => {
                input.consume(zeros);
                return match input.at_least(2)? {
                    [0x1f, 0x8b, ..] => Ok(Some(input)),
                    _ => {
                        let error = io::Error::other("something else follows it");
                        Err(Error::Compressed { format: "gzip", error }.into())
                    }
                };
            }
        }
    }
}

/// The error of a decompressor. An error of what it reads from stays as it is.
pub(super) fn damaged(format: &'static str, error: io::Error) -> io::Error {
    if error.get_ref().is_some_and(|inner| inner.is::<Error>()) || error.raw_os_error().is_some() {
        return error;
    }
    Error::Compressed { format, error }.into()
}
