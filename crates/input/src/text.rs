//! From the bytes of a file to its text: decompressed, without a byte order mark, as UTF-8. All by content.

use std::io::{self, BufRead, Read};

use crate::error::Error;
use crate::refusal;

mod buffer;
mod gzip;
mod utf16;

use buffer::Buffer;
use gzip::Gzip;
use utf16::{Order, Utf16};

/// A file may be compressed, and what is in it too.
const MAX_LAYERS: u32 = 3;

/// The text of a file.
///
/// It is read in chunks of 256 KiB. Errors of [`Read`] hold an [`Error`], which `Error::from` takes out again.
pub struct Text<'a> {
    buffer: Buffer<'a>,
}

/// What the first bytes of a file say of the rest.
enum Layer {
    Gzip,
    Zstd,
    /// UTF-8 after so many bytes.
    Utf8(usize),
    /// UTF-16 after so many bytes.
    Utf16(Order, usize),
}

impl Layer {
    fn of(start: &[u8]) -> Layer {
        match start {
            [0x1f, 0x8b, ..] => Layer::Gzip,
            // A frame, or one that is to be skipped.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Layer::Zstd,
            [0xef, 0xbb, 0xbf, ..] => Layer::Utf8(3),
            [0xff, 0xfe, ..] => Layer::Utf16(Order::Little, 2),
            [0xfe, 0xff, ..] => Layer::Utf16(Order::Big, 2),
            // No text of ours begins with a character and a zero byte but in UTF-16.
            [b'{' | b'[' | b' ' | b'\n' | b'\r' | b'\t', 0, ..] => Layer::Utf16(Order::Little, 0),
            [0, b'{' | b'[' | b' ' | b'\n' | b'\r' | b'\t', ..] => Layer::Utf16(Order::Big, 0),
            _ => Layer::Utf8(0),
        }
    }
}

/// Where the text of a file begins that is nothing but UTF-8 from there on; `None` if it has to be decoded first.
pub fn begin_of_utf8(start: &[u8]) -> Option<usize> {
    match (refusal::binary(start), Layer::of(start)) {
        (None, Layer::Utf8(mark)) => Some(mark),
        _ => None,
    }
}

/// Opens a file: plain, gzip (many members, padded with zeros) or zstd (many frames); UTF-8 with or without a byte order
/// mark, or UTF-16.
///
/// # Errors
/// If it can't be read, or is something that can be known by its first bytes and is not read: the error says what to do.
pub fn decode<'a>(reader: impl Read + 'a) -> Result<Text<'a>, Error> {
    let mut buffer = Buffer::new(Box::new(reader));
    for _ in 0..=MAX_LAYERS {
        let start = buffer.at_least(refusal::MAGIC_LENGTH)?;
        if let Some(refusal) = refusal::binary(start) {
            return Err(Error::Refused(refusal));
        }
        match Layer::of(start) {
            Layer::Gzip => buffer = Buffer::new(Box::new(Gzip::new(buffer))),
            Layer::Zstd => buffer = Buffer::new(Box::new(Zstd(zstd::Decoder::with_buffer(buffer)?))),
            Layer::Utf8(mark) => {
                buffer.consume(mark);
                return Ok(Text { buffer });
            }
            Layer::Utf16(order, mark) => {
                buffer.consume(mark);
                return Ok(Text { buffer: Buffer::new(Box::new(Utf16::new(buffer, order))) });
            }
        }
    }
    Err(Error::Compressed { format: "compressed", error: io::Error::other("compressed more than three times over") })
}

impl Read for Text<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.buffer.read(to)
    }
}

impl BufRead for Text<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.buffer.fill_buf()
    }

    fn consume(&mut self, read: usize) {
        self.buffer.consume(read);
    }
}

/// Frames of zstd, with errors that say so.
struct Zstd<'a>(zstd::Decoder<'static, Buffer<'a>>);

impl Read for Zstd<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.0.read(to).map_err(|error| gzip::damaged("zstd", error))
    }
}

#[cfg(test)]
mod tests;
