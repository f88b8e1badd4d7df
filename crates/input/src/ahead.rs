//! Reading ahead on another thread.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Scope;

use crate::text::Text;

/// Bytes read at once: few enough to stay in a core's cache until they are parsed.
const CHUNK: usize = 1 << 18;
/// Besides the chunk being parsed, one is being filled and one is in transit. Together with an item or two, that is all the
/// memory that input takes.
const CHUNKS: usize = 2;

/// An input that another thread reads a little ahead.
pub(crate) struct Ahead {
    full: Receiver<io::Result<Vec<u8>>>,
    empty: Sender<Vec<u8>>,
    chunk: Vec<u8>,
    /// How much of the chunk has been consumed.
    at: usize,
}

impl Ahead {
    /// Opens and reads the input on a separate thread, which ends with the input, an error, or this `Ahead`.
    pub(crate) fn new<'scope, 'env: 'scope>(
        scope: &'scope Scope<'scope, 'env>,
        open: impl FnOnce() -> io::Result<Text<'env>> + Send + 'scope,
    ) -> Ahead {
        let (full_sender, full) = channel();
        let (empty, empty_receiver) = channel::<Vec<u8>>();
        for _ in 0..CHUNKS {
            // The receiver is alive.
            let _ = empty.send(Vec::new());
        }
        scope.spawn(move || {
            let mut input = match open() {
                Ok(input) => input,
                Err(error) => return drop(full_sender.send(Err(error))),
            };
            while let Ok(mut chunk) = empty_receiver.recv() {
                let filled = fill(&mut chunk, &mut input).map(|()| chunk);
                let more = filled.as_ref().is_ok_and(|chunk| chunk.len() == CHUNK);
                if full_sender.send(filled).is_err() || !more {
                    return;
                }
            }
        });
        Ahead { full, empty, chunk: Vec::new(), at: 0 }
    }
}

/// Fills the chunk with large reads. Small ones, such as those of `read_to_end`, slow a decompressor down.
fn fill(chunk: &mut Vec<u8>, input: &mut dyn Read) -> io::Result<()> {
    chunk.resize(CHUNK, 0);
    let mut filled = 0;
    while filled < CHUNK {
        match input.read(&mut chunk[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    chunk.truncate(filled);
    Ok(())
}

impl BufRead for Ahead {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.chunk.len() {
            // Fails if the other thread has reached the end of the input and is gone.
            let _ = self.empty.send(std::mem::take(&mut self.chunk));
            (self.chunk, self.at) = (self.full.recv().unwrap_or(Ok(Vec::new()))?, 0);
        }
        Ok(&self.chunk[self.at..])
    }

    fn consume(&mut self, read: usize) {
        self.at = self.chunk.len().min(self.at + read);
    }
}

impl Read for Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}
