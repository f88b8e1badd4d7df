//! Who takes the items.

use crate::error::{BoxError, Place};

/// Who takes the items of one text after the other.
pub trait Sink {
    /// Takes the next chunk of a text with an item a line, as it is: see [`schema::Reader::lines`]. Chunks cut lines anywhere.
    ///
    /// # Errors
    /// If a line is not an item.
    fn lines(&mut self, chunk: &[u8]) -> Result<(), ItemError>;

    /// Ends a text that was given by [`Sink::lines`]. Its last line may have no newline.
    ///
    /// # Errors
    /// As [`Sink::lines`].
    fn end_of_lines(&mut self) -> Result<(), ItemError> {
        Ok(())
    }

    /// Takes one item.
    ///
    /// # Errors
    /// If it is not an item after all.
    fn item(&mut self, item: Item<'_>) -> Result<(), ItemError>;
}

/// An item of an input.
#[derive(Debug, Clone, Copy)]
pub struct Item<'i> {
    /// DynamoDB JSON on one line, without a newline, not wrapped, with the types as DynamoDB spells them.
    pub line: &'i [u8],
    /// Where it begins in the text.
    pub place: Place,
    /// The table that it is said to be of.
    pub table: Option<&'i str>,
}

/// Why an item is refused.
#[derive(Debug)]
pub struct ItemError {
    /// Where: in the lines of this text, or in the one line of the item.
    pub place: Place,
    /// What is wrong, without the place and without any value.
    pub error: BoxError,
}
