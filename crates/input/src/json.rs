//! A stream of JSON, token by token.

use std::io::{self, BufRead};

use memchr::memchr2;

use crate::error::{Error, Place, Problem};

/// How deep JSON may nest. An item nests two levels for each of DynamoDB's 32, and wrappers add a few.
pub(crate) const MAX_DEPTH: u32 = 80;
/// The longest name in a wrapper, as JSON. Attributes' names have at most 64 KB.
const MAX_NAME: usize = 1 << 20;

/// A place in a stream of JSON.
///
/// What is read can be recorded: byte for byte, so that places in the record are places in the text.
pub(crate) struct Cursor<'a> {
    input: &'a mut dyn BufRead,
    place: Place,
    /// What was read since the record began, if there is one.
    record: Option<Vec<u8>>,
    /// Where the record began, and the most bytes it may have.
    began: Place,
    limit: usize,
    /// The error of a record that is too long.
    too_long: fn(usize) -> Problem,
    /// The string that is being read, with its quotes, if it is kept.
    string: Option<Vec<u8>>,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(input: &'a mut dyn BufRead) -> Cursor<'a> {
        Cursor {
            input,
            place: Place::START,
            record: None,
            began: Place::START,
            limit: 0,
            too_long: Problem::TooLong,
            string: None,
        }
    }

    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// Begins a record of at most `limit` bytes. If it gets longer, `too_long` is the problem.
    pub(crate) fn begin_record(&mut self, limit: usize, too_long: fn(usize) -> Problem) {
        (self.began, self.limit, self.too_long) = (self.place, limit, too_long);
        self.record = Some(Vec::new());
    }

    /// Ends the record: what was read, and where it began.
    pub(crate) fn end_record(&mut self) -> (Vec<u8>, Place) {
        (self.record.take().unwrap_or_default(), self.began)
    }

    /// Whether there is a record.
    pub(crate) fn is_recording(&self) -> bool {
        self.record.is_some()
    }

    /// What was recorded so far.
    pub(crate) fn recorded(&self) -> &[u8] {
        self.record.as_deref().unwrap_or_default()
    }

    /// The next byte that is no white space, or `None` at the end. It is not read yet.
    pub(crate) fn peek(&mut self) -> Result<Option<u8>, Error> {
        loop {
            let chunk = fill(self.input)?;
            let blanks = chunk.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
            let next = chunk.get(blanks).copied();
            let ended = chunk.is_empty();
            if blanks > 0 {
                self.advance(blanks)?;
            }
            if next.is_some() || ended {
                return Ok(next);
            }
        }
    }

    /// Reads `byte`, or it is a problem that something else comes.
    pub(crate) fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), Error> {
        match self.peek()? {
            Some(next) if next == byte => self.advance(1),
            next => Err(self.unexpected(next, what)),
        }
    }

    /// Reads the separator after a member or an element: whether another one follows. `end` closes the object or array.
    pub(crate) fn has_more(&mut self, end: u8) -> Result<bool, Error> {
        match self.peek()? {
            Some(b',') => self.advance(1).map(|()| true),
            Some(next) if next == end => self.advance(1).map(|()| false),
            next => Err(self.unexpected(next, "a comma or the end of the object or array")),
        }
    }

    /// Reads what opens an object or array, `open`, and if it is empty also its end, `end`: whether there is something in it.
    pub(crate) fn open(&mut self, open: u8, end: u8) -> Result<bool, Error> {
        self.expect(open, "an object or an array")?;
        if self.peek()? == Some(end) {
            self.advance(1)?;
            return Ok(false);
        }
        Ok(true)
    }

    /// Reads a member's name and the colon.
    pub(crate) fn name(&mut self) -> Result<String, Error> {
        let next = self.peek()?;
        if next != Some(b'"') {
            return Err(self.unexpected(next, "a name in quotes"));
        }
        let place = self.place;
        self.string = Some(Vec::new());
        self.read_string()?;
        let name = self.string.take().unwrap_or_default();
        let name = serde_json::from_slice(&name).map_err(|_| match std::str::from_utf8(&name) {
            Ok(_) => Problem::Escape.at(place),
            Err(_) => Problem::Utf8.at(place),
        })?;
        self.expect(b':', "a colon after a name")?;
        Ok(name)
    }

    /// Reads any value.
    pub(crate) fn value(&mut self) -> Result<(), Error> {
        self.nested(0)
    }

    fn nested(&mut self, depth: u32) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            return Err(Problem::TooDeep.at(self.place));
        }
        match self.peek()? {
            Some(b'"') => self.read_string(),
            Some(b'{') => {
                let mut more = self.open(b'{', b'}')?;
                while more {
                    let next = self.peek()?;
                    if next != Some(b'"') {
                        return Err(self.unexpected(next, "a name in quotes"));
                    }
                    self.read_string()?;
                    self.expect(b':', "a colon after a name")?;
                    self.nested(depth + 1)?;
                    more = self.has_more(b'}')?;
                }
                Ok(())
            }
            Some(b'[') => {
                let mut more = self.open(b'[', b']')?;
                while more {
                    self.nested(depth + 1)?;
                    more = self.has_more(b']')?;
                }
                Ok(())
            }
            _ => self.scalar(),
        }
    }

    /// Reads a number, `true`, `false` or `null`.
    fn scalar(&mut self) -> Result<(), Error> {
        let place = self.place;
        let mut token = Vec::new();
        loop {
            let chunk = fill(self.input)?;
            let part = chunk.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte)).count();
            token.extend_from_slice(chunk.get(..part).unwrap_or_default());
            let whole = part < chunk.len() || chunk.is_empty();
            self.advance(part)?;
            if whole || token.len() > 64 {
                break;
            }
        }
        if token.is_empty() {
            let next = self.peek()?;
            return Err(self.unexpected(next, "a JSON value"));
        }
        match serde_json::from_slice::<serde_json::Value>(&token) {
            Ok(_) => Ok(()),
            Err(_) => Err(Problem::Expected("a JSON value").at(place)),
        }
    }

    /// Reads a string, which is next.
    fn read_string(&mut self) -> Result<(), Error> {
        self.advance(1)?;
        loop {
            let chunk = fill(self.input)?;
            if chunk.is_empty() {
                return Err(Problem::Truncated.at(self.place));
            }
            let special = memchr2(b'"', b'\\', chunk);
            let text = chunk.get(..special.unwrap_or(chunk.len())).unwrap_or_default();
            if let Some(control) = text.iter().position(|byte| *byte < b' ') {
                self.advance(control)?;
                return Err(Problem::ControlCharacter.at(self.place));
            }
            let Some(special) = special else {
                let all = chunk.len();
                self.advance(all)?;
                continue;
            };
            let is_end = chunk.get(special) == Some(&b'"');
            self.advance(special + 1)?;
            if is_end {
                return Ok(());
            }
            self.escaped()?;
        }
    }

    /// Reads what follows a backslash.
    fn escaped(&mut self) -> Result<(), Error> {
        let wrong = Problem::Escape.at(self.place);
        match self.byte()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => {
                for _ in 0..4 {
                    if !self.byte()?.is_ascii_hexdigit() {
                        return Err(wrong);
                    }
                }
                Ok(())
            }
            _ => Err(wrong),
        }
    }

    fn byte(&mut self) -> Result<u8, Error> {
        let Some(byte) = fill(self.input)?.first().copied() else {
            return Err(Problem::Truncated.at(self.place));
        };
        self.advance(1)?;
        Ok(byte)
    }

    /// Reads so many bytes of those that are at hand.
    fn advance(&mut self, count: usize) -> Result<(), Error> {
        let chunk = fill(self.input)?;
        let read = chunk.get(..count).unwrap_or_default();
        if let Some(record) = &mut self.record {
            if record.len() + read.len() > self.limit {
                return Err((self.too_long)(self.limit).at(self.began));
            }
            record.extend_from_slice(read);
        }
        if let Some(string) = &mut self.string {
            if string.len() + read.len() > MAX_NAME {
                return Err(Problem::TooLong(MAX_NAME).at(self.place));
            }
            string.extend_from_slice(read);
        }
        // Most tokens are a byte or two.
        self.place = match read {
            [byte] if *byte != b'\n' => Place { offset: self.place.offset + 1, ..self.place },
            read => self.place.after(read),
        };
        self.input.consume(count);
        Ok(())
    }

    #[cold]
    fn unexpected(&self, next: Option<u8>, what: &'static str) -> Error {
        match next {
            None => Problem::Truncated.at(self.place),
            Some(_) => Problem::Expected(what).at(self.place),
        }
    }
}

fn fill(input: &mut dyn BufRead) -> Result<&[u8], Error> {
    loop {
        match input.fill_buf() {
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    // The borrow of a chunk can't leave a loop: what is filled is there at once.
    Ok(input.fill_buf()?)
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    /// Reads any value with chunks of so many bytes.
    fn read(text: &str, chunk: usize) -> Result<Vec<u8>, String> {
        let mut input = BufReader::with_capacity(chunk, text.as_bytes());
        let mut cursor = Cursor::new(&mut input);
        cursor.begin_record(100, Problem::TooLong);
        cursor.value().map_err(|error| error.to_string())?;
        let rest = cursor.peek().map_err(|error| error.to_string())?;
        assert_eq!(rest, None);
        Ok(cursor.end_record().0)
    }

    #[test]
    fn a_record_is_the_text_in_whatever_chunks() {
        for text in [
            r#"{"a":{"S":"x\"\\\u00e9"},"é":[1,-2.5e+3,true,null,{},[]]}"#,
            "{\n \"a\" : [ ] ,\r\n\t\"b\":\"\"}",
            "[[[1]],{\"a\":{\"b\":false}}]",
        ] {
            for chunk in [1, 2, 3, 1000] {
                assert_eq!(read(text, chunk).unwrap(), text.as_bytes());
            }
        }
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        let deep = "[".repeat(90);
        let long = format!("\"{}\"", "x".repeat(100));
        for (text, place, problem) in [
            ("{\"a\":1,}", 7, "expected a name in quotes"),
            ("{\"a\" 1}", 5, "expected a colon"),
            ("[1 2]", 3, "expected a comma"),
            ("[01]", 1, "expected a JSON value"),
            ("[nul]", 1, "expected a JSON value"),
            ("[}", 1, "expected a JSON value"),
            ("[\"a\nb\"]", 3, "a control character"),
            ("[\"\\x\"]", 3, "an invalid escape"),
            ("[\"\\u12g4\"]", 3, "an invalid escape"),
            ("[\"abc", 5, "the text ends inside"),
            ("{\"a\":", 5, "the text ends inside"),
            (&deep, 81, "nested deeper"),
            (&long, 0, "an object of more than 100 bytes"),
        ] {
            for chunk in [1, 1000] {
                let error = read(text, chunk).unwrap_err();
                assert!(
                    error.starts_with(&format!("line 1 (byte {place} of the input): {problem}")),
                    "{text}: {error}"
                );
            }
        }
    }
}
