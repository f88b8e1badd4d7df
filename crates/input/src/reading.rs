//! Reading an input.

use std::io::{self, BufRead, Read};

use crate::error::Error;
use crate::form::{self, Decision, Form};
use crate::sink::Sink;
use crate::tables::{Summary, Tables};
use crate::text::{Text, decode};
use crate::walk::Walk;

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
    /// Takes a text, as [`decode`] makes it, and recognises its form from the first line, or the first MiB.
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
            Form::Empty => return Ok(Summary::default()),
            Form::Documents => return Walk::new(&mut self.text, sink, tables).run(),
            Form::Lines => {}
        }
        // Items a line name no table.
        let table = tables.finish()?;
        loop {
            let chunk = match self.text.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                chunk => chunk?,
            };
            if chunk.is_empty() {
                return Ok(Summary { table, notes: Vec::new() });
            }
            sink.lines(chunk).map_err(Error::Lines)?;
            let read = chunk.len();
            self.text.consume(read);
        }
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
