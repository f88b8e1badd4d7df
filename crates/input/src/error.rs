//! What can be wrong with an input, where, and what to do about it. Never a value of an item.

use std::io;

use schema::ReadErrorKind;

use crate::ion::IonError;
use crate::refusal::Refusal;

/// Any error, as sinks have them.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A place in the text of an input: decompressed, as UTF-8, without its byte order mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1.
    pub line: u64,
    /// The byte, from 0.
    pub offset: u64,
}

impl Place {
    /// Where a text begins.
    pub const START: Place = Place { line: 1, offset: 0 };

    /// The place after `text`, which begins here.
    pub fn after(self, text: &[u8]) -> Place {
        Place {
            line: self.line + memchr::memchr_iter(b'\n', text).count() as u64,
            offset: self.offset + text.len() as u64,
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {} (byte {} of the input)", self.line, self.offset)
    }
}

/// Why an input can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file itself could not be read.
    #[error("reading failed: {0}")]
    Io(io::Error),
    /// It holds no text that could hold items.
    #[error("{0}")]
    Refused(Refusal),
    /// Compressed data that is cut off or damaged.
    #[error("the {format} data is cut off or damaged: {error}")]
    Compressed {
        /// The format.
        format: &'static str,
        /// What its library says.
        error: io::Error,
    },
    /// UTF-16 that is none, at a byte of its UTF-16 text.
    #[error("byte {at} of the UTF-16 text: {problem}")]
    Utf16 {
        /// The byte, from 0, after the byte order mark.
        at: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// Something in the text is wrong.
    #[error("{place}: {problem}")]
    Text {
        /// Where.
        place: Place,
        /// What.
        problem: Problem,
    },
    /// Items of several tables, and no table was chosen.
    #[error("it holds items of several tables: choose one with --table NAME, of {0}")]
    SeveralTables(String),
    /// The chosen table is not in the input.
    #[error("it holds no table {name}: it names {known}")]
    NoSuchTable {
        /// The table that was chosen.
        name: String,
        /// Those that are there.
        known: String,
    },
    /// A table was chosen, and the input names none.
    #[error("it doesn't say which tables its items are of: leave out --table {0}")]
    NoTables(String),
    /// There is something, and none of it is an item.
    #[error("it holds no items, only {left_out}")]
    NoItems {
        /// What there is.
        left_out: String,
        /// How many of these.
        count: u64,
    },
    /// An item that the sink refuses.
    #[error("{place}: {error}")]
    Item {
        /// Where.
        place: Place,
        /// Why.
        error: BoxError,
    },
    /// What the sink was made for can't be done with these items.
    #[error(transparent)]
    Sink(BoxError),
}

/// What is wrong in a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Not the JSON that belongs here.
    #[error("expected {0}")]
    Expected(&'static str),
    /// The text ends too early.
    #[error("the text ends inside of an object, an array or a string: it was cut off; get the file again")]
    Truncated,
    /// A control character in a string.
    #[error("a control character in a string, which JSON wants escaped")]
    ControlCharacter,
    /// A backslash sequence that JSON doesn't know.
    #[error("an invalid escape sequence in a string")]
    Escape,
    /// Bytes that are not UTF-8.
    #[error("the text is not UTF-8: convert it with `iconv -f LATIN1 -t UTF-8`, or whatever its encoding is")]
    Utf8,
    /// Nested deeper than any item.
    #[error("nested deeper than any item of DynamoDB")]
    TooDeep,
    /// An item, or what comes with one, that is too long.
    #[error("an object of more than {0} bytes, which no item is")]
    TooLong(usize),
    /// Something beside the items that is too long.
    #[error("more than {0} bytes that are no items, under one name")]
    TooMuchElse(usize),
    /// A line of Ion that is none of an export's.
    #[error("{0}")]
    Ion(IonError),
    /// One name twice in an object.
    #[error("a name that stands twice in one object")]
    DuplicateName,
    /// JSON that carries no types.
    #[error(
        "plain JSON without DynamoDB's type tags, as in {{\"pk\":{{\"S\":\"a\"}}}}: get the items with \
         `aws dynamodb scan --table-name NAME --output json`, or marshal them in the program that writes them"
    )]
    Plain,
    /// An object that should be an item.
    #[error(
        "not DynamoDB JSON: every attribute must be an object of one type (S, N, B, BOOL, NULL, M, L, SS, NS or BS) and \
         its content, as in {{\"pk\":{{\"S\":\"a\"}}}}"
    )]
    NotAnItem,
    /// An item that the reader of items refuses.
    #[error("{0}")]
    Item(ReadErrorKind),
    /// Items where no known form has them.
    #[error(
        "attribute values under {0}, where none are expected: cut out the items, for example with `jq -c '.. | .Items? // empty'`"
    )]
    Unread(String),
    /// A count that is wrong.
    #[error("the answer says Count {said}, but has {found} Items: the file is not whole; get it again")]
    Count {
        /// What it says.
        said: u64,
        /// How many there are.
        found: u64,
    },
    /// A table's definition.
    #[error("the definition of a table, which holds no items: name the file of the items")]
    Definition,
    /// The manifest of an export.
    #[error(
        "the manifest of an export, which holds no items: read the export with `crawl --export`, or name its data files"
    )]
    Manifest,
    /// A request for items.
    #[error("a request for items, which holds keys and no items: keep the answer to it")]
    Request,
}

impl Problem {
    pub(crate) fn at(self, place: Place) -> Error {
        Error::Text { place, problem: self }
    }
}

/// What a reader was made of may have wrapped an [`Error`] to get it through `io`.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        match error.downcast::<Error>() {
            Ok(error) => error,
            Err(error) => Error::Io(error),
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        io::Error::other(error)
    }
}
