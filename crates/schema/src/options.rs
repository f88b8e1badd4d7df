//! The settings of reading and settling.

use serde::{Deserialize, Serialize};

/// How items are summarised and types chosen. The default is lossless.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TypeOptions {
    /// The most distinct names a nested map may have and still be a `struct`; with more, its keys are taken for data and
    /// it becomes a `map`. Attributes of the table itself are never folded. Default 200.
    pub max_struct_fields: usize,
    /// Which type a number attribute gets that has fractions.
    pub numbers: NumberPolicy,
    /// Whose words the types are written in. Default [`Portable`](Dialect::Portable).
    pub dialect: Dialect,
}

impl Default for TypeOptions {
    fn default() -> Self {
        TypeOptions { max_struct_fields: 200, numbers: NumberPolicy::Lossless, dialect: Dialect::Portable }
    }
}

/// The type of numbers of which some are not whole. Whole numbers are `bigint`, or `decimal(38,0)` beyond 64 bits, under
/// every policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NumberPolicy {
    /// `double` if every value survives the way to a double and back; else `decimal(38,s)` if it holds all; else `string`.
    #[default]
    Lossless,
    /// Always `double`. Values of more than 15 digits may be rounded by readers.
    Double,
    /// `decimal(38,s)` if it holds all values; else as [`Lossless`](NumberPolicy::Lossless).
    Decimal,
}

/// Whose words types are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// What Athena, Hive, Spark and Trino all parse.
    #[default]
    Portable,
    /// What AWS's own crawler writes for DynamoDB: `set<T>` for sets, and a struct for every map, whatever its names.
    /// Engines refuse much of that; [`GlueType::for_sosw`](crate::GlueType::for_sosw) makes it readable for sosw's client.
    Crawler,
}
