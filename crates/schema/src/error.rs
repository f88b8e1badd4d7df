//! What can be wrong with the input.

/// The most places of a Shape. Each takes some 350 bytes, and while a table is read there is a Shape or three of it.
pub(crate) const MAX_PLACES: u64 = 40_000;

/// Items of more attributes than a Shape holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the items have more than {MAX_PLACES} distinct attribute names, which no schema helps with: leave the table out, or have it keep \
     such data in a map, whose names are no columns"
)]
pub struct TooManyPlaces;

/// Input that is not DynamoDB JSON: what is wrong and where, never the text itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} (byte {offset} of the input): {kind}")]
pub struct ReadError {
    /// What is wrong.
    pub kind: ReadErrorKind,
    /// The line, from 1. In a Scan response: that of the body.
    pub line: u64,
    /// The byte, from 0, in all of the input. In a Scan response: that in the body.
    pub offset: u64,
}

/// The ways in which input can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadErrorKind {
    /// Not JSON, or not the JSON that belongs here.
    #[error("expected {0}")]
    Expected(&'static str),
    /// The input, or a line, ends inside of an item.
    #[error("the line or the input ends inside of an item; one item a line is expected")]
    Truncated,
    /// Something follows an item on its line, or the object of a Scan response.
    #[error("something follows what should be the end")]
    Trailing,
    /// A line of over 16 MiB.
    #[error("the line is longer than any item can be; one item a line is expected")]
    LineTooLong,
    /// Bytes that are not UTF-8.
    #[error("the text is not UTF-8")]
    Utf8,
    /// A backslash sequence that JSON doesn't know, or half of a surrogate pair.
    #[error("an invalid escape sequence in a string")]
    Escape,
    /// A control character in a string.
    #[error("a control character in a string, which JSON wants escaped")]
    ControlCharacter,
    /// A type that is none of S, N, B, BOOL, NULL, M, L, SS, NS, BS.
    #[error("an unknown type; DynamoDB has S, N, B, BOOL, NULL, M, L, SS, NS and BS")]
    UnknownType,
    /// `{}` in the place of an attribute value.
    #[error("an attribute value without a type")]
    NoType,
    /// An attribute value with a second type.
    #[error("an attribute value with more than one type")]
    TwoTypes,
    /// A name that was in this map, or in this response, before.
    #[error("a name that stands twice in one object")]
    DuplicateName,
    /// An N that is not a decimal number.
    #[error("not a number")]
    NumberSyntax,
    /// An N of over 38 significant digits.
    #[error("a number with more than 38 significant digits")]
    NumberDigits,
    /// An N outside of 1E-130 to 9.99E+125.
    #[error("a number out of DynamoDB's range, 1E-130 to 9.99E+125")]
    NumberRange,
    /// A B that is not base64.
    #[error("binary that is not base64 with padding")]
    Base64,
    /// Lists and maps over 32 levels deep.
    #[error("lists and maps nested deeper than the 32 levels of DynamoDB")]
    TooDeep,
    /// A Scan response whose `Count` is not the number of its `Items`.
    #[error("the response's Count is not the number of its Items")]
    Count,
    /// More attributes than a Shape holds.
    #[error("{TooManyPlaces}")]
    TooManyNames,
}

/// Why the parser stopped. Boxed, so that results fit into registers.
#[derive(Debug)]
pub(crate) struct ParseError(Box<(usize, Reason)>);

/// What made the parser stop.
#[derive(Debug)]
enum Reason {
    Wrong(ReadErrorKind),
    /// The map has one name more than it may keep.
    Wide,
    /// The Shape has more places than it may.
    Full,
}

impl ParseError {
    #[cold]
    #[inline(never)]
    pub(crate) fn at(at: usize, kind: ReadErrorKind) -> ParseError {
        ParseError(Box::new((at, Reason::Wrong(kind))))
    }

    /// Where in the parser's input.
    pub(crate) fn place(&self) -> usize {
        self.0.0
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn wide(at: usize) -> ParseError {
        ParseError(Box::new((at, Reason::Wide)))
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn full(at: usize) -> ParseError {
        ParseError(Box::new((at, Reason::Full)))
    }

    pub(crate) fn is_wide(&self) -> bool {
        matches!(self.0.1, Reason::Wide)
    }

    pub(crate) fn is_full(&self) -> bool {
        matches!(self.0.1, Reason::Full)
    }

    /// Where in the parser's input, and what. A Shape that no limit keeps within bounds has too many names.
    pub(crate) fn parts(self) -> (usize, ReadErrorKind) {
        match self.0.1 {
            Reason::Wrong(kind) => (self.0.0, kind),
            Reason::Wide | Reason::Full => (self.0.0, ReadErrorKind::TooManyNames),
        }
    }
}
