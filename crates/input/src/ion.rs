//! Items in Amazon Ion text, one a line: `$ion_1_0 {Item:{…}}`. N is a decimal, B a blob, M a struct, and sets are lists
//! annotated `$dynamodb_SS`, `$dynamodb_NS` or `$dynamodb_BS`.
//!
//! Only what DynamoDB writes is taken. The rest of Ion (comments, symbol tables, long strings, clobs, …) would let a few bytes
//! ask for any amount of time, memory or stack.

use std::borrow::Cow;

/// How deep values may nest: DynamoDB's 32 levels and some. Each takes a part of the stack.
const MAX_DEPTH: u32 = 40;
/// What lines begin with.
const VERSION: &[u8] = b"$ion_1_0";

/// Why a line is not one of an export, without what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IonError {
    /// Something that DynamoDB does not write.
    #[error("not Ion text as exports have it")]
    Syntax,
    /// Lists and structs in one another.
    #[error("nested deeper than DynamoDB allows")]
    TooDeep,
    /// Another struct.
    #[error("not a struct with Item, or with Keys as incremental exports have it")]
    NoItem,
    /// A float, a timestamp or the like.
    #[error("a value of a type that exports don't have")]
    Type,
}

/// Appends the item of a line to `json`, as DynamoDB JSON: `Item`, or the `NewImage` of a change. False of a deletion.
pub(crate) fn to_json(line: &[u8], json: &mut Vec<u8>) -> Result<bool, IonError> {
    let line = line.trim_ascii();
    let mut text = Text { rest: line.strip_prefix(VERSION).unwrap_or(line), json };
    let (mut item, mut keys, mut first) = (None, false, true);
    if !text.take(b'{') {
        return Err(IonError::NoItem);
    }
    while !text.take(b'}') {
        if !first {
            text.expect(b',')?;
        }
        first = false;
        match &*text.name()? {
            "Item" if item.is_none() => item = Some(text.item("Item")?),
            "NewImage" if item.is_none() => item = Some(text.item("NewImage")?),
            "Item" | "NewImage" => return Err(IonError::NoItem),
            name => {
                keys |= name == "Keys";
                text.skip()?;
            }
        }
    }
    match (item, keys, text.peek()) {
        (_, _, Some(_)) => Err(IonError::Syntax),
        (Some("Item"), false, None) | (Some("NewImage"), true, None) => Ok(true),
        (None, true, None) => Ok(false),
        _ => Err(IonError::NoItem),
    }
}

/// Ion on its way to JSON.
struct Text<'t, 'j> {
    rest: &'t [u8],
    json: &'j mut Vec<u8>,
}

impl<'t> Text<'t, '_> {
    /// The next byte, past blanks.
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.first().copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        if is_next {
            self.advance(1);
        }
        is_next
    }

    fn expect(&mut self, byte: u8) -> Result<(), IonError> {
        if self.take(byte) { Ok(()) } else { Err(IonError::Syntax) }
    }

    /// Moves on, and gives what was passed over.
    fn advance(&mut self, length: usize) -> &'t [u8] {
        let (passed, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
        self.rest = rest;
        passed
    }

    /// The number, symbol or keyword that is next: of bytes that JSON strings hold as they are.
    fn word(&self) -> &'t str {
        let of_word = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.' | b'-' | b'+');
        let length = self.rest.iter().take_while(of_word).count();
        self.rest.get(..length).and_then(|word| std::str::from_utf8(word).ok()).unwrap_or_default()
    }

    /// What stands in quotes, with its escapes.
    fn quoted(&mut self, quote: u8) -> Result<&'t [u8], IonError> {
        self.expect(quote)?;
        let mut end = 0;
        loop {
            let rest = self.rest.get(end..).unwrap_or_default();
            end += memchr::memchr2(quote, b'\\', rest).ok_or(IonError::Syntax)?;
            if self.rest.get(end) == Some(&quote) {
                let text = self.advance(end);
                self.advance(1);
                return Ok(text);
            }
            end += 2;
        }
    }

    /// The name of a field, and the colon after it.
    fn name(&mut self) -> Result<Cow<'t, str>, IonError> {
        let name = match self.peek() {
            Some(quote @ (b'"' | b'\'')) => unescaped(self.quoted(quote)?)?,
            _ => {
                let word = self.word();
                self.advance(word.len());
                match word.as_bytes() {
                    [] | [b'0'..=b'9' | b'.' | b'-' | b'+', ..] => return Err(IonError::Syntax),
                    // Without quotes, $7 is the seventh symbol of a table.
                    [b'$', number @ ..] if !number.is_empty() && number.iter().all(u8::is_ascii_digit) => {
                        return Err(IonError::Syntax);
                    }
                    _ => Cow::Borrowed(word),
                }
            }
        };
        self.expect(b':')?;
        Ok(name)
    }

    /// Skips a value that is not needed; only quotes and brackets are looked at.
    fn skip(&mut self) -> Result<(), IonError> {
        let mut depth = 0_u32;
        loop {
            match self.peek().ok_or(IonError::Syntax)? {
                quote @ (b'"' | b'\'') => {
                    self.quoted(quote)?;
                    continue;
                }
                b',' | b'}' | b']' | b')' if depth == 0 => return Ok(()),
                b'{' | b'[' | b'(' => depth += 1,
                b'}' | b']' | b')' => depth -= 1,
                _ => {}
            }
            self.advance(1);
        }
    }

    /// The item that is next; its name again.
    fn item(&mut self, name: &'static str) -> Result<&'static str, IonError> {
        if self.tag()? != "M" {
            return Err(IonError::NoItem);
        }
        self.content("M", MAX_DEPTH)?;
        Ok(name)
    }

    /// What DynamoDB calls the type of the value that is next.
    fn tag(&mut self) -> Result<&'static str, IonError> {
        let tag = match self.peek().ok_or(IonError::Syntax)? {
            b'"' => "S",
            b'0'..=b'9' | b'-' => "N",
            b'{' if self.rest.starts_with(b"{{") => "B",
            b'{' => "M",
            b'[' => "L",
            _ => match self.word() {
                "true" | "false" => "BOOL",
                word if word == "null" || word.starts_with("null.") => "NULL",
                "$dynamodb_SS" => "SS",
                "$dynamodb_NS" => "NS",
                "$dynamodb_BS" => "BS",
                _ => return Err(IonError::Type),
            },
        };
        Ok(tag)
    }

    /// A value with its type, that nests no deeper than `levels`.
    fn value(&mut self, levels: u32) -> Result<(), IonError> {
        let tag = self.tag()?;
        self.put(&["{\"", tag, "\":"]);
        self.content(tag, levels)?;
        self.json.push(b'}');
        Ok(())
    }

    /// A value of which this is the type.
    fn content(&mut self, tag: &str, levels: u32) -> Result<(), IonError> {
        let deeper = || levels.checked_sub(1).ok_or(IonError::TooDeep);
        match tag {
            "S" => {
                let text = unescaped(self.quoted(b'"')?)?;
                self.string(&text)
            }
            "N" => self.number(),
            "B" => self.blob(),
            "M" => {
                let levels = deeper()?;
                self.members([b'{', b'}'], |text| {
                    let name = text.name()?;
                    text.string(&name)?;
                    text.json.push(b':');
                    text.value(levels)
                })
            }
            "L" => {
                let levels = deeper()?;
                self.members([b'[', b']'], |text| text.value(levels))
            }
            "SS" => self.set("S"),
            "NS" => self.set("N"),
            "BS" => self.set("B"),
            _ => {
                let word = self.word();
                self.advance(word.len());
                self.json.extend_from_slice(if word == "false" { b"false" } else { b"true" });
                Ok(())
            }
        }
    }

    /// A set of values of one type, and the annotation before it.
    fn set(&mut self, of: &str) -> Result<(), IonError> {
        self.advance(self.word().len());
        self.expect(b':')?;
        self.expect(b':')?;
        if self.peek() != Some(b'[') {
            return Err(IonError::Type);
        }
        self.members([b'[', b']'], |text| if text.tag()? == of { text.content(of, 0) } else { Err(IonError::Type) })
    }

    /// What is between brackets, each as `member` writes it.
    fn members(
        &mut self,
        [open, close]: [u8; 2],
        mut member: impl FnMut(&mut Self) -> Result<(), IonError>,
    ) -> Result<(), IonError> {
        self.expect(open)?;
        self.json.push(open);
        let mut first = true;
        while !self.take(close) {
            if !first {
                self.expect(b',')?;
                self.json.push(b',');
            }
            first = false;
            member(self)?;
        }
        self.json.push(close);
        Ok(())
    }

    /// A decimal: `7.`, `12.50` or `-1d-20`. Whether it is a number at all is for the reader of the JSON to say.
    fn number(&mut self) -> Result<(), IonError> {
        let word = self.word();
        self.advance(word.len());
        if word.bytes().any(|byte| !matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'd' | b'D')) {
            return Err(IonError::Type);
        }
        let (digits, exponent) = word.split_once(['d', 'D']).unwrap_or((word, "0"));
        let digits = digits.strip_suffix('.').unwrap_or(digits);
        self.put(&["\"", digits, "E", exponent, "\""]);
        Ok(())
    }

    fn blob(&mut self) -> Result<(), IonError> {
        self.advance("{{".len());
        let end = memchr::memchr(b'}', self.rest).ok_or(IonError::Syntax)?;
        let base64 = self.advance(end);
        self.rest = self.rest.strip_prefix(b"}}").ok_or(IonError::Syntax)?;
        if base64
            .iter()
            .any(|byte| !matches!(byte, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'+' | b'/' | b'=' | b' '))
        {
            return Err(IonError::Type);
        }
        self.json.push(b'"');
        self.json.extend(base64.iter().filter(|byte| **byte != b' '));
        self.json.push(b'"');
        Ok(())
    }

    fn string(&mut self, text: &str) -> Result<(), IonError> {
        serde_json::to_writer(&mut *self.json, text).map_err(|_| IonError::Syntax)
    }

    fn put(&mut self, parts: &[&str]) {
        parts.iter().for_each(|part| self.json.extend_from_slice(part.as_bytes()));
    }
}

/// The text of a string or a quoted symbol.
fn unescaped(quoted: &[u8]) -> Result<Cow<'_, str>, IonError> {
    let text = std::str::from_utf8(quoted).map_err(|_| IonError::Syntax)?;
    if !text.contains('\\') {
        return Ok(Cow::Borrowed(text));
    }
    let (mut plain, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, escape)) = rest.split_once('\\') {
        plain.push_str(before);
        let mut chars = escape.chars();
        let (escaped, digits) = match chars.next().ok_or(IonError::Syntax)? {
            '0' => ('\0', 0),
            'a' => ('\x07', 0),
            'b' => ('\x08', 0),
            't' => ('\t', 0),
            'n' => ('\n', 0),
            'f' => ('\x0c', 0),
            'r' => ('\r', 0),
            'v' => ('\x0b', 0),
            same @ ('"' | '\'' | '?' | '\\' | '/') => (same, 0),
            'x' => scalar_value(chars.as_str(), 2)?,
            'u' => scalar_value(chars.as_str(), 4)?,
            'U' => scalar_value(chars.as_str(), 8)?,
            _ => return Err(IonError::Syntax),
        };
        plain.push(escaped);
        rest = chars.as_str().get(digits..).ok_or(IonError::Syntax)?;
    }
    plain.push_str(rest);
    Ok(Cow::Owned(plain))
}

/// The character whose number begins a text, in hexadecimal digits, and how many bytes say so. Two `\u` may be one in UTF-16.
fn scalar_value(text: &str, digits: usize) -> Result<(char, usize), IonError> {
    let number = |at: usize| {
        let hex = text.get(at..at + digits).filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        hex.and_then(|hex| u32::from_str_radix(hex, 16).ok()).ok_or(IonError::Syntax)
    };
    let first = number(0)?;
    if let Some(c) = char::from_u32(first) {
        return Ok((c, digits));
    }
    let second = if digits == 4 && text.get(4..6) == Some("\\u") { number(6)? } else { 0 };
    let unit = |number| u16::try_from(number).map_err(|_| IonError::Syntax);
    let pair = char::decode_utf16([unit(first)?, unit(second)?]).next().and_then(Result::ok).ok_or(IonError::Syntax)?;
    Ok((pair, 10))
}

#[cfg(test)]
mod tests;
