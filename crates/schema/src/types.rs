//! Types of Glue columns: the type strings of Hive and Athena.

use std::fmt::{self, Display, Formatter, Write};

mod parse;
mod portable;

pub use parse::ParseTypeError;

/// The type of a Glue column.
///
/// [`FromStr`](std::str::FromStr) reads every word of Hive, Athena and the Glue crawlers, in any case, with their synonyms;
/// [`Display`] writes the canonical form. Reading what was written gives the same type.
///
/// ```
/// let t: schema::GlueType = "struct<Id:INTEGER, tags:set<string>>".parse()?;
/// assert_eq!(t.to_string(), "struct<Id:int,tags:set<string>>");
/// assert_eq!(t.normalised().to_string(), "struct<Id:int,tags:array<string>>");
/// # Ok::<(), schema::ParseTypeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum GlueType {
    /// `boolean`
    Boolean,
    /// `tinyint`, 8 bits; also read: `byte`.
    TinyInt,
    /// `smallint`, 16 bits; also read: `short`.
    SmallInt,
    /// `int`, 32 bits; also read: `integer`.
    Int,
    /// `bigint`, 64 bits; also read: `long`.
    BigInt,
    /// `float`; also read: `real`.
    Float,
    /// `double`; also read: `double precision`.
    Double,
    /// `decimal(precision,scale)`, at most 38 digits; also read: `decimal` (10,0), `decimal(p)`, `dec`, `numeric`.
    Decimal {
        /// All digits, 1 to 38.
        precision: u8,
        /// Digits after the point, at most `precision`.
        scale: u8,
    },
    /// `string`
    String,
    /// `char(n)`, n 1 to 255, or `char`.
    Char(Option<u16>),
    /// `varchar(n)`, n 1 to 65,535, or `varchar`.
    Varchar(Option<u16>),
    /// `binary`
    Binary,
    /// `date`
    Date,
    /// `timestamp`
    Timestamp,
    /// `timestamptz`; also read: `timestamp with time zone`.
    TimestampTz,
    /// `timestamp with local time zone`
    TimestampLocalTz,
    /// `interval_year_month`; also read: `interval year to month`.
    IntervalYearMonth,
    /// `interval_day_time`; also read: `interval day to second`.
    IntervalDayTime,
    /// `void`; also read: `null`.
    Void,
    /// `array<T>`
    Array(Box<GlueType>),
    /// `set<T>`: what Glue's own crawlers write for DynamoDB sets. No engine but the Athena connector reads it.
    Set(Box<GlueType>),
    /// `map<K,V>`
    Map(Box<GlueType>, Box<GlueType>),
    /// `struct<name:T,…>`, possibly without fields.
    Struct(Vec<Field>),
    /// `uniontype<T,…>`
    Union(Vec<GlueType>),
}

/// A field of a `struct<…>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Field {
    /// The name as spelled; `\` in front of syntax characters is written and read by the type string alone.
    pub name: String,
    /// Its type.
    pub glue_type: GlueType,
}

impl GlueType {
    /// `array<element>`
    pub fn array(element: GlueType) -> GlueType {
        GlueType::Array(Box::new(element))
    }

    /// `map<string,value>`
    pub fn map(value: GlueType) -> GlueType {
        GlueType::Map(Box::new(GlueType::String), Box::new(value))
    }
}

impl Display for GlueType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            GlueType::Boolean => f.write_str("boolean"),
            GlueType::TinyInt => f.write_str("tinyint"),
            GlueType::SmallInt => f.write_str("smallint"),
            GlueType::Int => f.write_str("int"),
            GlueType::BigInt => f.write_str("bigint"),
            GlueType::Float => f.write_str("float"),
            GlueType::Double => f.write_str("double"),
            GlueType::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
            GlueType::String => f.write_str("string"),
            GlueType::Char(None) => f.write_str("char"),
            GlueType::Char(Some(n)) => write!(f, "char({n})"),
            GlueType::Varchar(None) => f.write_str("varchar"),
            GlueType::Varchar(Some(n)) => write!(f, "varchar({n})"),
            GlueType::Binary => f.write_str("binary"),
            GlueType::Date => f.write_str("date"),
            GlueType::Timestamp => f.write_str("timestamp"),
            GlueType::TimestampTz => f.write_str("timestamptz"),
            GlueType::TimestampLocalTz => f.write_str("timestamp with local time zone"),
            GlueType::IntervalYearMonth => f.write_str("interval_year_month"),
            GlueType::IntervalDayTime => f.write_str("interval_day_time"),
            GlueType::Void => f.write_str("void"),
            GlueType::Array(element) => write!(f, "array<{element}>"),
            GlueType::Set(element) => write!(f, "set<{element}>"),
            GlueType::Map(key, value) => write!(f, "map<{key},{value}>"),
            GlueType::Struct(fields) => {
                f.write_str("struct<")?;
                for (i, field) in fields.iter().enumerate() {
                    if i > 0 {
                        f.write_char(',')?;
                    }
                    write_name(f, &field.name)?;
                    write!(f, ":{}", field.glue_type)?;
                }
                f.write_char('>')
            }
            GlueType::Union(branches) => {
                f.write_str("uniontype<")?;
                for (i, branch) in branches.iter().enumerate() {
                    if i > 0 {
                        f.write_char(',')?;
                    }
                    write!(f, "{branch}")?;
                }
                f.write_char('>')
            }
        }
    }
}

/// The Athena connector's lexer reads `\` as an escape; other readers have none, so plain names stay plain.
fn write_name(f: &mut Formatter<'_>, name: &str) -> fmt::Result {
    for c in name.chars() {
        if matches!(c, '<' | '>' | ':' | ',' | '\\' | '`' | '(' | ')') || c.is_whitespace() {
            f.write_char('\\')?;
        }
        f.write_char(c)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
