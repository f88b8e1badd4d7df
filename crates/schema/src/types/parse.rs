//! The parser of type strings.

use std::str::FromStr;

use super::{Field, GlueType};

/// How deep types may nest. DynamoDB allows 32 levels of items.
const MAX_DEPTH: usize = 100;

/// A type string that is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a column type: {problem} at byte {offset}")]
pub struct ParseTypeError {
    /// What was wrong.
    problem: &'static str,
    /// Where in the type string, in bytes.
    offset: usize,
}

impl ParseTypeError {
    /// Where the type string stops making sense, in bytes from its start.
    pub fn offset(&self) -> usize {
        self.offset
    }
}

impl FromStr for GlueType {
    type Err = ParseTypeError;

    /// Reads a type string. White space around words and signs is ignored.
    ///
    /// # Errors
    /// For an unknown word, parameters out of range, missing or surplus signs, and over 100 levels of nesting.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parser = Parser { text, at: 0 };
        let glue_type = parser.glue_type(0)?;
        parser.space();
        if parser.at < text.len() { Err(parser.error("something after the type")) } else { Ok(glue_type) }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn glue_type(&mut self, depth: usize) -> Result<GlueType, ParseTypeError> {
        if depth > MAX_DEPTH {
            return Err(self.error("nested too deep"));
        }
        self.space();
        let start = self.at;
        let word = self.word();
        Ok(match word.as_str() {
            "boolean" => GlueType::Boolean,
            "tinyint" | "byte" => GlueType::TinyInt,
            "smallint" | "short" => GlueType::SmallInt,
            "int" | "integer" => GlueType::Int,
            "bigint" | "long" => GlueType::BigInt,
            "float" | "real" => GlueType::Float,
            "double" | "double precision" => GlueType::Double,
            "decimal" | "dec" | "numeric" => self.decimal()?,
            "string" => GlueType::String,
            "char" => GlueType::Char(self.length(255)?),
            "varchar" => GlueType::Varchar(self.length(u16::MAX)?),
            "binary" => GlueType::Binary,
            "date" => GlueType::Date,
            "timestamp" => GlueType::Timestamp,
            "timestamptz" | "timestamp with time zone" => GlueType::TimestampTz,
            "timestamp with local time zone" => GlueType::TimestampLocalTz,
            "interval_year_month" | "interval year to month" => GlueType::IntervalYearMonth,
            "interval_day_time" | "interval day to second" => GlueType::IntervalDayTime,
            "void" | "null" => GlueType::Void,
            "array" => GlueType::Array(Box::new(self.single(depth)?)),
            "set" => GlueType::Set(Box::new(self.single(depth)?)),
            "map" => {
                self.expect('<')?;
                let key = self.glue_type(depth + 1)?;
                self.expect(',')?;
                let value = self.glue_type(depth + 1)?;
                self.expect('>')?;
                GlueType::Map(Box::new(key), Box::new(value))
            }
            "struct" => GlueType::Struct(self.list(|parser| {
                let name = parser.name()?;
                parser.expect(':')?;
                Ok(Field { name, glue_type: parser.glue_type(depth + 1)? })
            })?),
            "uniontype" => GlueType::Union(self.list(|parser| parser.glue_type(depth + 1))?),
            _ => {
                self.at = start;
                return Err(self.error("an unknown type"));
            }
        })
    }

    /// `<T>`
    fn single(&mut self, depth: usize) -> Result<GlueType, ParseTypeError> {
        self.expect('<')?;
        let element = self.glue_type(depth + 1)?;
        self.expect('>')?;
        Ok(element)
    }

    /// `<>` or `<T,…>`
    fn list<T>(
        &mut self,
        mut one: impl FnMut(&mut Self) -> Result<T, ParseTypeError>,
    ) -> Result<Vec<T>, ParseTypeError> {
        self.expect('<')?;
        let mut all = Vec::new();
        if self.taken('>') {
            return Ok(all);
        }
        loop {
            all.push(one(self)?);
            if !self.taken(',') {
                self.expect('>')?;
                return Ok(all);
            }
        }
    }

    /// Nothing, `(p)` or `(p,s)`.
    fn decimal(&mut self) -> Result<GlueType, ParseTypeError> {
        if !self.taken('(') {
            return Ok(GlueType::Decimal { precision: 10, scale: 0 });
        }
        let precision = self.number(1, 38, "a precision outside of 1 to 38")? as u8;
        let scale = if self.taken(',') {
            self.number(0, u16::from(precision), "a scale above the precision")? as u8
        } else {
            0
        };
        self.expect(')')?;
        Ok(GlueType::Decimal { precision, scale })
    }

    /// Nothing or `(n)`.
    fn length(&mut self, max: u16) -> Result<Option<u16>, ParseTypeError> {
        if !self.taken('(') {
            return Ok(None);
        }
        let length = self.number(1, max, "a length out of range")?;
        self.expect(')')?;
        Ok(Some(length))
    }

    fn number(&mut self, min: u16, max: u16, problem: &'static str) -> Result<u16, ParseTypeError> {
        self.space();
        let rest = self.rest();
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        match rest[..digits].parse::<u16>() {
            Ok(number) if (min..=max).contains(&number) => {
                self.at += digits;
                Ok(number)
            }
            _ => Err(self.error(problem)),
        }
    }

    /// A field's name: plain, with `\` in front of any character, or between back-ticks as Spark writes it.
    fn name(&mut self) -> Result<String, ParseTypeError> {
        self.space();
        if self.taken('`') {
            return self.quoted();
        }
        let mut name = String::new();
        // White space at the end of a name is not part of it unless escaped.
        let mut solid = 0;
        while let Some(c) = self.rest().chars().next() {
            match c {
                ':' => break,
                '<' | '>' | ',' => return Err(self.error("a field without a type")),
                '\\' => {
                    self.at += 1;
                    let Some(escaped) = self.rest().chars().next() else {
                        return Err(self.error("nothing after a backslash"));
                    };
                    self.at += escaped.len_utf8();
                    name.push(escaped);
                    solid = name.len();
                }
                _ => {
                    self.at += c.len_utf8();
                    name.push(c);
                    if !c.is_whitespace() {
                        solid = name.len();
                    }
                }
            }
        }
        name.truncate(solid);
        Ok(name)
    }

    /// The rest of a name after a back-tick; two of them stand for one.
    fn quoted(&mut self) -> Result<String, ParseTypeError> {
        let mut name = String::new();
        loop {
            let rest = self.rest();
            let Some(end) = rest.find('`') else {
                return Err(self.error("a back-tick that is not closed"));
            };
            name.push_str(&rest[..end]);
            self.at += end + 1;
            if !self.rest().starts_with('`') {
                return Ok(name);
            }
            self.at += 1;
            name.push('`');
        }
    }

    /// Letters, digits and underscores, in lower case, several words with one space between.
    fn word(&mut self) -> String {
        let rest = self.rest();
        let end =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c.is_whitespace())).unwrap_or(rest.len());
        self.at += end;
        rest[..end].split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase()
    }

    fn taken(&mut self, sign: char) -> bool {
        self.space();
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len_utf8();
        }
        found
    }

    fn expect(&mut self, sign: char) -> Result<(), ParseTypeError> {
        if self.taken(sign) {
            return Ok(());
        }
        Err(self.error(match sign {
            '<' => "no '<'",
            '>' => "no ',' or '>'",
            ':' => "no ':'",
            ',' => "no ','",
            _ => "no ')'",
        }))
    }

    fn space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn error(&self, problem: &'static str) -> ParseTypeError {
        ParseTypeError { problem, offset: self.at }
    }
}
