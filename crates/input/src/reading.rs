//! Reading an input.

use std::io::{self, BufRead, Read};

use crate::error::{Error, Place, Problem};
use crate::form::{self, Decision, Form};
use crate::ion;
use crate::sink::{Item, ItemError, Sink};
use crate::tables::{DELETIONS, LeftOut, Summary, Tables};
use crate::text::{Text, decode};
use crate::walk::Walk;

/// The longest line of Ion: of an incremental export it has two images and the keys. An item has at most 400 KB by DynamoDB's
/// count, and several times that as text.
const MAX_LINE: u64 = 16 << 20;

/// A text whose form is known, about to be read.
pub struct Input<R> {
    form: Form,
    text: Started<R>,
}

/// Opens a file of any form.
///
/// # Errors
/// If it can't be read, or nothing in it can be items. The error says what it looks like, and what to do.
pub fn open<'a>(reader: impl Read + 'a) -> Result<Input<Text<'a>>, Error> {
    Input::new(decode(reader)?)
}

impl<R: BufRead> Input<R> {
    /// Takes a text, as [`decode`] makes it, and recognises its form from the first line, or its first MiB.
    ///
    /// # Errors
    /// As for [`open`].
    pub fn new(rest: R) -> Result<Input<R>, Error> {
        let mut text = Started { start: Vec::new(), at: 0, rest };
        loop {
            let read = text.read_on()?;
            if let Decision::Form(form) = form::decide(&text.start, read == 0)? {
                return Ok(Input { form, text });
            }
        }
    }

    /// The form.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Reads all items. Those of `table`, if one is chosen.
    ///
    /// # Errors
    /// If something in the text is wrong, the sink refuses an item, items of several tables are there and none is chosen, or
    /// there are no items though the text is not empty. What the sink has got is then of no use.
    pub fn read(mut self, table: Option<&str>, sink: &mut dyn Sink) -> Result<Summary, Error> {
        let tables = Tables::new(table);
        match self.form {
            Form::Empty => Ok(Summary::default()),
            Form::Documents => Walk::new(&mut self.text, sink, tables).run(),
            // Items a line name no table.
            Form::Lines => tables.finish().and_then(|_| self.lines(sink)),
            Form::Ion => tables.finish().and_then(|_| self.ion(sink)),
        }
    }

    fn lines(mut self, sink: &mut dyn Sink) -> Result<Summary, Error> {
        loop {
            let chunk = match self.text.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                chunk => chunk?,
            };
            let refused = |ItemError { place, error }| Error::Item { place, error };
            if chunk.is_empty() {
                sink.end_of_lines().map_err(refused)?;
                return Ok(Summary::default());
            }
            sink.lines(chunk).map_err(refused)?;
            let read = chunk.len();
            self.text.consume(read);
        }
    }

    fn ion(mut self, sink: &mut dyn Sink) -> Result<Summary, Error> {
        let (mut line, mut json, mut place) = (Vec::new(), Vec::new(), Place::START);
        let (mut items, mut left_out) = (0_u64, LeftOut::default());
        while self.text.by_ref().take(MAX_LINE + 1).read_until(b'\n', &mut line)? > 0 {
            if line.len() as u64 > MAX_LINE {
                return Err(Problem::TooLong(MAX_LINE as usize).at(place));
            }
            if !line.trim_ascii().is_empty() {
                match ion::to_json(&line, &mut json).map_err(|error| Problem::Ion(error).at(place))? {
                    true => {
                        items += 1;
                        // A place in the JSON is none in the text.
                        let refused = |ItemError { error, .. }| Error::Item { place, error };
                        sink.item(Item { line: &json, place, table: None }).map_err(refused)?;
                    }
                    false => left_out.add(DELETIONS, 1),
                }
            }
            place = place.after(&line);
            line.clear();
            json.clear();
        }
        if items == 0 && !left_out.is_empty() {
            return Err(left_out.no_items());
        }
        Ok(Summary::new(None, &left_out, Vec::new()))
    }
}

/// A text whose beginning was looked at.
struct Started<R> {
    start: Vec<u8>,
    at: usize,
    rest: R,
}

impl<R: BufRead> Started<R> {
    /// Has a look at more of the text; how many bytes.
    fn read_on(&mut self) -> Result<usize, Error> {
        let read = loop {
            match self.rest.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                chunk => {
                    let chunk = chunk?;
                    self.start.extend_from_slice(chunk);
                    break chunk.len();
                }
            }
        };
        self.rest.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> Read for Started<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(to)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Started<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self.start.get(self.at..) {
            Some(start) if !start.is_empty() => Ok(start),
            _ => self.rest.fill_buf(),
        }
    }

    fn consume(&mut self, read: usize) {
        if self.at < self.start.len() {
            self.at += read;
        } else {
            self.start = Vec::new();
            self.at = 0;
            self.rest.consume(read);
        }
    }
}
