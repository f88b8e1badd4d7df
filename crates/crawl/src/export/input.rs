//! One data file: decompressed, read and checked as it streams by.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;
use futures::StreamExt;
use md5::{Digest, Md5};
use object_store::{GetResult, GetResultPayload};
use schema::{ReadError, Reader, TypeOptions};
use tokio::sync::mpsc;

use super::manifest::{DataFile, Format};
use super::{image, ion, s3};
use crate::error::{Error, Kind};
use crate::observed::{Coverage, Observed};

/// Compressed bytes read at once, and decompressed ones.
const CHUNK: usize = 256 << 10;
/// Chunks of an object on their way from the network to the thread that reads them.
const IN_FLIGHT: usize = 4;
/// The longest line of an incremental export, or of one in Ion: two images and the keys. An item has at most 400 KB by DynamoDB's
/// count, and several times that as text: a control character is six bytes of escape, three bytes of B are four of base64, and
/// two bytes of a list of BOOL are the fourteen of `{"BOOL":true},`. That makes 3 MB an image; the rest is room.
const MAX_LINE: usize = 16 << 20;

/// How a data file is read, and what it should turn out to hold.
pub(super) struct FileReader {
    pub format: Format,
    pub incremental: bool,
    pub types: TypeOptions,
    pub expected: DataFile,
}

/// Why a data file can't be read, without what it holds.
#[derive(Debug, thiserror::Error)]
pub(super) enum InputError {
    #[error("line {}, byte {} of the decompressed text: {}", .0.line, .0.offset, .0.kind)]
    Item(#[from] ReadError),
    #[error("byte {at} of the compressed file: {error}")]
    Compressed { at: u64, error: io::Error },
    #[error("reading stopped at byte {at} of the file: {error}")]
    Io { at: u64, error: io::Error },
    #[error(
        "line {line}, byte {at} of the decompressed text: not a change with Keys, as incremental exports have them"
    )]
    Change { line: u64, at: u64 },
    #[error("line {line}, byte {at} of the decompressed text: {what}")]
    Ion { line: u64, at: u64, what: ion::IonError },
    #[error("the file is not the one that was exported, its MD5 differs ({bytes} bytes were read): copy it again")]
    Checksum { bytes: u64 },
    #[error("it holds {found} items, the manifest says {expected}")]
    Count { found: u64, expected: u64 },
    #[error("the thread that reads it ended: {0}")]
    Stopped(#[from] tokio::task::JoinError),
}

/// Reads one object on a thread of its own, and checks it against its line in the manifest.
pub(super) async fn read(object: GetResult, reader: FileReader) -> Result<Observed, InputError> {
    let cancel = CancelOnDrop::default();
    let cancelled = cancel.0.clone();
    if let GetResultPayload::File(file, _) = object.payload {
        return tokio::task::spawn_blocking(move || reader.run(file, cancelled)).await?;
    }
    let (to, from) = mpsc::channel(IN_FLIGHT);
    let reading =
        tokio::task::spawn_blocking(move || reader.run(Received { from, chunk: Default::default() }, cancelled));
    let sending = async {
        let mut chunks = object.into_stream();
        while let Some(chunk) = chunks.next().await {
            if to.send(chunk.map_err(|e| io::Error::other(s3::message(&e)))).await.is_err() {
                break;
            }
        }
        drop(to);
    };
    tokio::join!(sending, reading).1?
}

/// Tells the thread to end when nobody waits for it any more: a blocking task can't be aborted.
#[derive(Default)]
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The chunks of a stream as a reader.
struct Received {
    from: mpsc::Receiver<io::Result<bytes::Bytes>>,
    chunk: bytes::Bytes,
}

impl Read for Received {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.from.blocking_recv() {
                Some(chunk) => self.chunk = chunk?,
                None => return Ok(0),
            }
        }
        let part = self.chunk.split_to(to.len().min(self.chunk.len()));
        to[..part.len()].copy_from_slice(&part);
        Ok(part.len())
    }
}

/// Counts and digests what is read through it.
struct Checked<R> {
    inner: R,
    md5: Md5,
    bytes: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    /// The file itself could not be read, whatever is in it.
    failed: bool,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            self.failed = true;
            return Err(io::Error::other("nobody waits for it any more"));
        }
        let read = self.inner.read(to).inspect_err(|e| self.failed |= e.kind() != io::ErrorKind::Interrupted)?;
        self.md5.update(&to[..read]);
        self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl InputError {
    /// The error about the file `name`.
    pub(super) fn in_file(&self, name: &str) -> Error {
        let kind = match self {
            InputError::Io { .. } | InputError::Stopped(_) => Kind::Service,
            _ => Kind::Data,
        };
        Error::new(kind, format!("{name}: {self}"))
    }
}

impl FileReader {
    fn run(self, input: impl Read, stop: Arc<AtomicBool>) -> Result<Observed, InputError> {
        let bytes = Arc::<AtomicU64>::default();
        let checked = Checked { inner: input, md5: Md5::new(), bytes: bytes.clone(), stop, failed: false };
        let mut input = BufReader::with_capacity(CHUNK, checked);
        let observed = self.observe(&mut input, &bytes);
        let at = || bytes.load(Ordering::Relaxed);
        let rest = match input.get_ref().failed {
            false => io::copy(&mut input, &mut io::sink()),
            true => Ok(0),
        };
        let failed = |error| InputError::Io { at: at(), error };
        match (observed, rest) {
            (Err(InputError::Compressed { error, .. }), _) if input.get_ref().failed => Err(failed(error)),
            (_, Err(error)) => Err(failed(error)),
            // A damaged file is reported as damaged, whatever could be read of it.
            _ if input.get_ref().md5.clone().finalize()[..] != self.expected.md5 => {
                Err(InputError::Checksum { bytes: at() })
            }
            (Ok(Observed { records, .. }), _) if records != self.expected.item_count => {
                Err(InputError::Count { found: records, expected: self.expected.item_count })
            }
            (observed, _) => observed,
        }
    }

    fn observe(&self, input: &mut impl BufRead, bytes: &AtomicU64) -> Result<Observed, InputError> {
        let compressed = |error| InputError::Compressed { at: bytes.load(Ordering::Relaxed), error };
        if input.fill_buf().map_err(compressed)?.is_empty() {
            // An empty partition may come without even the header of gzip.
            return Ok(Observed::default());
        }
        let mut text = BufReader::with_capacity(CHUNK, MultiGzDecoder::new(input));
        match (self.format, self.incremental) {
            (Format::Json, false) => {
                let mut reader = Reader::new(&self.types);
                loop {
                    let chunk = text.fill_buf().map_err(compressed)?;
                    if chunk.is_empty() {
                        break;
                    }
                    reader.lines(chunk)?;
                    let read = chunk.len();
                    text.consume(read);
                }
                Ok(Observed::from_items(reader.finish()?, 0.0, Coverage::Full))
            }
            (format, incremental) => {
                let mut lines = Lines::new(&self.types);
                let mut line = Vec::new();
                while (&mut text).take(MAX_LINE as u64).read_until(b'\n', &mut line).map_err(compressed)? > 0 {
                    match format {
                        Format::Json => lines.change(&line)?,
                        Format::Ion => lines.ion(&line, incremental)?,
                    }
                    line.clear();
                }
                lines.finish()
            }
        }
    }
}

/// Reads files line by line whose lines have to be turned into DynamoDB JSON first.
struct Lines {
    reader: Reader,
    records: u64,
    /// What was read so far.
    lines: u64,
    bytes: u64,
    /// What the reader was given so far.
    given: u64,
    /// An item of Ion as DynamoDB JSON.
    json: Vec<u8>,
}

impl Lines {
    fn new(types: &TypeOptions) -> Lines {
        Lines { reader: Reader::new(types), records: 0, lines: 0, bytes: 0, given: 0, json: Vec::new() }
    }

    /// Counts a line; where it begins, or `None` if it is blank.
    fn count(&mut self, line: &[u8]) -> Option<u64> {
        let start = self.bytes;
        self.lines += 1;
        self.bytes += line.len() as u64;
        let blank = line.trim_ascii().is_empty();
        self.records += u64::from(!blank);
        (!blank).then_some(start)
    }

    /// A line of an incremental export: its new image is an item.
    fn change(&mut self, line: &[u8]) -> Result<(), InputError> {
        let Some(start) = self.count(line) else { return Ok(()) };
        let wrong = |at: usize| InputError::Change { line: self.lines, at: start + at as u64 };
        let Some(range) = image::new_image(line).map_err(|error| wrong(error.at))? else { return Ok(()) };
        let (in_line, given) = (range.start as u64, self.given);
        let image = line.get(range).unwrap_or_default();
        self.given += image.len() as u64 + 1;
        // The reader counts in what it was given; people look into the file.
        let placed = |error: ReadError| {
            let offset = start + in_line + error.offset.saturating_sub(given);
            ReadError { line: self.lines, offset, ..error }
        };
        self.reader.lines(image).and_then(|()| self.reader.lines(b"\n")).map_err(placed)?;
        Ok(())
    }

    /// A line of Ion.
    fn ion(&mut self, line: &[u8], incremental: bool) -> Result<(), InputError> {
        let Some(start) = self.count(line) else { return Ok(()) };
        self.json.clear();
        ion::to_json(line, incremental, &mut self.json).map_err(|what| InputError::Ion {
            line: self.lines,
            at: start,
            what,
        })?;
        // The place in the line can't be told from the place in the JSON.
        let placed = |error: ReadError| ReadError { line: self.lines, offset: start, ..error };
        self.reader.lines(&self.json).map_err(placed)?;
        Ok(())
    }

    fn finish(self) -> Result<Observed, InputError> {
        Ok(Observed { shape: self.reader.finish()?, records: self.records, ..Observed::default() })
    }
}
