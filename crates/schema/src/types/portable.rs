//! A type in the words that its readers know.

use std::collections::BTreeMap;

use super::{Field, GlueType};
use crate::naming;

impl GlueType {
    /// The same type in the words that Athena's DynamoDB connector, Hive, Spark and Trino all take: `set<T>` becomes `array<T>`,
    /// `struct<>` becomes `map<string,string>`, a struct of which names are no [fields](naming::are_fields) becomes
    /// `map<string,T>`, and `void`, `char`, `varchar`, intervals and `uniontype` become `string`, at every depth.
    ///
    /// T is what holds the values of every field: the one type that all have, the wider of whole numbers, an array, map or struct
    /// of such, else `string`. Without the items nothing narrower is known to be right.
    ///
    /// One word that it doesn't know makes the connector ignore the whole table's columns; other engines refuse the table.
    pub fn normalised(&self) -> GlueType {
        use GlueType::*;
        match self {
            Char(_) | Varchar(_) | IntervalYearMonth | IntervalDayTime | Void | Union(_) => String,
            TimestampLocalTz => TimestampTz,
            Array(element) | Set(element) => GlueType::array(element.normalised()),
            Map(key, value) => Map(Box::new(key.normalised()), Box::new(value.normalised())),
            Struct(fields) => {
                struct_or_map(fields.iter().map(|f| (f.name.as_str(), f.glue_type.normalised())).collect())
            }
            Boolean
            | TinyInt
            | SmallInt
            | Int
            | BigInt
            | Float
            | Double
            | Decimal { .. }
            | String
            | Binary
            | Date
            | Timestamp
            | TimestampTz => self.clone(),
        }
    }

    /// The type of a column in the words that sosw's `DynamoDbClient` takes, which looks at how a type begins and raises at any
    /// other: a set of numbers is `set<bigint>` whatever they are, a map `struct<>`, and what is no type of DynamoDB `string`.
    /// It has no word for a set of binaries: as `array<binary>` the rest of the table can be read.
    pub fn for_sosw(&self) -> GlueType {
        use GlueType::*;
        match self {
            Set(element) => match **element {
                TinyInt | SmallInt | Int | BigInt | Float | Double | Decimal { .. } => Set(Box::new(BigInt)),
                Binary => GlueType::array(Binary),
                _ => Set(Box::new(String)),
            },
            Map(..) => Struct(Vec::new()),
            Date | Timestamp | TimestampTz | TimestampLocalTz | IntervalYearMonth | IntervalDayTime | Void
            | Union(_) => String,
            Boolean
            | TinyInt
            | SmallInt
            | Int
            | BigInt
            | Float
            | Double
            | Decimal { .. }
            | String
            | Char(_)
            | Varchar(_)
            | Binary
            | Array(_)
            | Struct(_) => self.clone(),
        }
    }
}

fn struct_or_map(mut fields: Vec<(&str, GlueType)>) -> GlueType {
    if naming::are_fields(fields.iter().map(|(name, _)| *name)) && !fields.is_empty() {
        let field = |(name, glue_type): (&str, GlueType)| Field { name: name.to_owned(), glue_type };
        return GlueType::Struct(fields.into_iter().map(field).collect());
    }
    // AWS's crawler writes names in any order; the type doesn't depend on it.
    fields.sort_by_key(|(name, _)| *name);
    GlueType::map(fields.into_iter().map(|(_, glue_type)| glue_type).reduce(common).unwrap_or(GlueType::String))
}

/// The narrowest type known to hold what both hold.
fn common(a: GlueType, b: GlueType) -> GlueType {
    use GlueType::*;
    match (a, b) {
        (a, b) if a == b => a,
        (a, b) if whole_bits(&a).is_some() && whole_bits(&b).is_some() => {
            if whole_bits(&a) < whole_bits(&b) {
                b
            } else {
                a
            }
        }
        (Array(a), Array(b)) => GlueType::array(common(*a, *b)),
        (Map(a_key, a), Map(b_key, b)) if a_key == b_key => Map(a_key, Box::new(common(*a, *b))),
        (Struct(a), Struct(b)) => common_struct(a, b),
        (Map(key, value), Struct(fields)) | (Struct(fields), Map(key, value)) if *key == String => {
            GlueType::map(fields.into_iter().map(|field| field.glue_type).fold(*value, common))
        }
        _ => String,
    }
}

fn whole_bits(glue_type: &GlueType) -> Option<u8> {
    match glue_type {
        GlueType::TinyInt => Some(8),
        GlueType::SmallInt => Some(16),
        GlueType::Int => Some(32),
        GlueType::BigInt => Some(64),
        _ => None,
    }
}

fn common_struct(a: Vec<Field>, b: Vec<Field>) -> GlueType {
    let mut merged: BTreeMap<String, GlueType> = BTreeMap::new();
    for field in a.into_iter().chain(b) {
        let glue_type = match merged.remove(&field.name) {
            Some(seen) => common(seen, field.glue_type),
            None => field.glue_type,
        };
        merged.insert(field.name, glue_type);
    }
    struct_or_map(merged.iter().map(|(name, glue_type)| (name.as_str(), glue_type.clone())).collect())
}
