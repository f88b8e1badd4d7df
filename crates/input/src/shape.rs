//! The Shape of an input's items.

use std::io::BufRead;

use schema::{Reader, Shape, TypeOptions};

use crate::error::{BoxError, Error};
use crate::reading::Input;
use crate::sink::{Item, ItemError, Sink};
use crate::tables::Summary;

/// Reads all items of an input, or those of `table`, into a Shape.
///
/// # Errors
/// As for [`Input::read`], and as for [`Reader::lines`]; places are those in the text.
pub fn shape<R: BufRead>(
    input: Input<R>,
    table: Option<&str>,
    options: &TypeOptions,
) -> Result<(Shape, Summary), Error> {
    let mut sink = Shaping { reader: Reader::new(options), given: 0 };
    let summary = input.read(table, &mut sink)?;
    let shape = sink.reader.finish().map_err(|error| Error::Lines(error.into()))?;
    Ok((shape, summary))
}

struct Shaping {
    reader: Reader,
    /// The bytes of the items that the reader got.
    given: u64,
}

impl Sink for Shaping {
    fn lines(&mut self, chunk: &[u8]) -> Result<(), BoxError> {
        Ok(self.reader.lines(chunk)?)
    }

    fn item(&mut self, item: Item<'_>) -> Result<(), ItemError> {
        let given = self.given;
        self.given += item.line.len() as u64 + 1;
        self.reader.lines(item.line).and_then(|()| self.reader.lines(b"\n")).map_err(|error| ItemError {
            at: usize::try_from(error.offset.saturating_sub(given)).unwrap_or(0),
            error: error.kind.into(),
        })
    }
}
