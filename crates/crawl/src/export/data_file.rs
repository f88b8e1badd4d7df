//! One data file: decompressed, read and checked as it streams by.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures::StreamExt;
use input::{Form, Shaping};
use md5::{Digest, Md5};
use object_store::{GetResult, GetResultPayload};
use schema::TypeOptions;
use tokio::sync::mpsc;

use super::manifest::DataFile;
use super::s3;
use crate::error::{Error, Kind};
use crate::observed::Observed;

/// Compressed bytes read at once, and decompressed ones.
const CHUNK: usize = 256 << 10;
/// Chunks of an object on their way from the network to the thread that reads them.
const IN_FLIGHT: usize = 4;
/// What gzip files begin with.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// How a data file is read, and what it should turn out to hold.
pub(super) struct FileReader {
    pub incremental: bool,
    pub types: TypeOptions,
    pub expected: DataFile,
}

/// Why a data file can't be read, without what it holds.
#[derive(Debug, thiserror::Error)]
pub(super) enum InputError {
    #[error(transparent)]
    Text(#[from] input::Error),
    #[error("it holds items, not changes with Keys, as incremental exports have them")]
    NoChanges,
    #[error("byte {at} of the compressed file: {error}")]
    Compressed { at: u64, error: io::Error },
    #[error("reading stopped at byte {at} of the file: {error}")]
    Io { at: u64, error: io::Error },
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
pub(super) struct CancelOnDrop(pub(super) Arc<AtomicBool>);

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
        // What AWS wrote begins so. A copy that does not was unpacked, and has no checksum of its own.
        let is_original = input.fill_buf().is_ok_and(|start| start.is_empty() || start.starts_with(&GZIP));
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
            _ if is_original && input.get_ref().md5.clone().finalize()[..] != self.expected.md5 => {
                Err(InputError::Checksum { bytes: at() })
            }
            (Ok(Observed { records, .. }), _) if records != self.expected.item_count => {
                Err(InputError::Count { found: records, expected: self.expected.item_count })
            }
            (observed, _) => observed,
        }
    }

    /// Reads an input of whatever form: copies need not be compressed as DynamoDB had them.
    fn observe(&self, input: &mut impl Read, bytes: &AtomicU64) -> Result<Observed, InputError> {
        let read = || {
            let mut sink = Shaping::new(&self.types);
            let input = input::open(input)?;
            if self.incremental && input.form() == Form::Lines {
                return Err(InputError::NoChanges);
            }
            let records = match input.read(None, &mut sink) {
                Ok(summary) => summary.left_out,
                // Changes may all be deletions.
                Err(input::Error::NoItems { count, .. }) => count,
                Err(error) => return Err(error.into()),
            };
            let shape = sink.finish().map_err(input::Error::Sink)?;
            Ok(Observed { records: records + shape.items(), shape, ..Observed::default() })
        };
        read().map_err(|error| match error {
            InputError::Text(input::Error::Compressed { error, .. }) => {
                InputError::Compressed { at: bytes.load(Ordering::Relaxed), error }
            }
            other => other,
        })
    }
}
