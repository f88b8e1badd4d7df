//! The Shape of an input's items.

use std::io::BufRead;

use schema::{ReadError, ReadPlace, Reader, Shape, TypeOptions};

use crate::error::{BoxError, Error, Place};
use crate::parallel::Gather;
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
    let mut sink = Shaping::new(options);
    let summary = input.read(table, &mut sink)?;
    Ok((sink.finish().map_err(Error::Sink)?, summary))
}

/// What items look like: a [`Reader`] that takes the items of inputs.
pub struct Shaping {
    reader: Reader,
    /// Where the reader was when the text began.
    began: ReadPlace,
    /// What was read by others.
    others: Shape,
}

impl Shaping {
    /// See [`Reader::new`].
    pub fn new(options: &TypeOptions) -> Shaping {
        Shaping { reader: Reader::new(options), began: ReadPlace::default(), others: Shape::default() }
    }

    /// The Shape of all items.
    ///
    /// # Errors
    /// If they are too many for one.
    pub fn finish(self) -> Result<Shape, BoxError> {
        let mut shape = self.reader.finish()?;
        shape.merge(self.others)?;
        Ok(shape)
    }

    fn placed(&self, error: ReadError) -> ItemError {
        let ReadPlace { lines, bytes } = self.began;
        let place = Place { line: error.line.saturating_sub(lines), offset: error.offset.saturating_sub(bytes) };
        ItemError { place, error: error.kind.into() }
    }

    fn end(&mut self) -> Result<(), ReadError> {
        self.began = self.reader.end_text()?;
        Ok(())
    }
}

impl Sink for Shaping {
    fn lines(&mut self, chunk: &[u8]) -> Result<(), ItemError> {
        self.reader.lines(chunk).map_err(|error| self.placed(error))
    }

    fn end_of_lines(&mut self) -> Result<(), ItemError> {
        self.end().map_err(|error| self.placed(error))
    }

    fn item(&mut self, item: Item<'_>) -> Result<(), ItemError> {
        self.reader.lines(item.line).and_then(|()| self.end()).map_err(|error| self.placed(error))
    }
}

impl Gather for Shaping {
    fn merge(&mut self, other: Shaping) -> Result<(), BoxError> {
        Ok(self.others.merge(other.finish()?)?)
    }
}
