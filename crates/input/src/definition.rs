//! Definitions of tables: requests and answers of DynamoDB, templates of CloudFormation and SAM, what Terraform shows, and
//! models of NoSQL Workbench.

use std::io::Read;

use schema::{Key, KeyKind, escape};
use serde_json::Value;

use crate::error::Error;
use crate::tables::listed;
use crate::text::decode;

mod described;
mod template;
mod terraform;
mod workbench;
mod yaml;

/// The longest text of definitions, in bytes. It is read whole; CloudFormation takes templates of at most 1 MB.
const MAX_TEXT: u64 = 4 << 20;

/// What a table is.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Its name, if the definition tells it.
    pub name: Option<String>,
    /// The hash key.
    pub hash: Key,
    /// The range key.
    pub range: Option<Key>,
    /// How its capacity is paid for.
    pub billing: Billing,
    /// When its items expire.
    pub time_to_live: Option<TimeToLive>,
    /// Its tags: keys and values.
    pub tags: Vec<(String, String)>,
}

/// How the capacity of a table is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Billing {
    /// By request. The default.
    OnDemand,
    /// By capacity units a second.
    Provisioned {
        /// Read capacity units.
        read: u64,
        /// Write capacity units.
        write: u64,
    },
}

/// When items expire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeToLive {
    /// The attribute with the time, in seconds since 1970.
    pub attribute: String,
    /// Whether they do.
    pub enabled: bool,
}

impl Table {
    /// The key: hash, then range.
    pub fn keys(&self) -> Vec<Key> {
        std::iter::once(&self.hash).chain(&self.range).cloned().collect()
    }
}

/// Why a text defines no table, or not the one that is wanted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DefinitionError {
    /// It could not be read.
    #[error(transparent)]
    Input(#[from] Error),
    /// It is too long.
    #[error("longer than {MAX_TEXT} bytes, which no definition of a table is")]
    TooLong,
    /// It is neither JSON nor YAML.
    #[error("not the definition of a table: {0}")]
    Syntax(String),
    /// It is something else.
    #[error(
        "not the definition of a table: expected a CreateTable request, what `aws dynamodb describe-table` prints, a \
         CloudFormation or SAM template with a table, what `terraform show -json` prints, or a model of NoSQL Workbench"
    )]
    Unknown,
    /// It defines several tables, and none was chosen.
    #[error("it defines several tables: choose one with --table NAME, of {0}")]
    SeveralTables(String),
    /// The chosen table is not defined.
    #[error("it defines no table {name}, but {known}")]
    NoSuchTable {
        /// The table that was chosen.
        name: String,
        /// Those that are defined.
        known: String,
    },
    /// A table without a key, or the like. The text says what to write.
    #[error("{0}")]
    Wrong(String),
}

/// The definitions of a text.
pub struct Definitions {
    found: Vec<Defined>,
    /// The text may hold items too.
    is_model: bool,
    /// The text is made for any number of tables.
    is_collection: bool,
}

/// A table in a text.
struct Defined {
    name: Option<String>,
    table: Result<Table, String>,
}

impl Definitions {
    /// Reads a file of definitions, compressed or not, in UTF-8 or UTF-16.
    ///
    /// # Errors
    /// If it can't be read or defines no table.
    pub fn open(reader: impl Read) -> Result<Definitions, DefinitionError> {
        let mut text = Vec::new();
        decode(reader)?.take(MAX_TEXT + 1).read_to_end(&mut text).map_err(Error::from)?;
        if text.len() as u64 > MAX_TEXT {
            return Err(DefinitionError::TooLong);
        }
        Definitions::read(&text)
    }

    /// Reads a text of definitions, JSON or YAML.
    ///
    /// # Errors
    /// If it defines no table.
    pub fn read(text: &[u8]) -> Result<Definitions, DefinitionError> {
        let document = match text.trim_ascii_start().first() {
            Some(b'{' | b'[') => {
                serde_json::from_slice(text).map_err(|error| DefinitionError::Syntax(error.to_string()))?
            }
            _ => yaml::parse(text).map_err(DefinitionError::Syntax)?,
        };
        let is_model = document.get("DataModel").is_some_and(Value::is_array);
        let described = document.get("Table").or_else(|| document.get("TableDescription"));
        let mut is_collection = true;
        let found = if let Some(described) = described.filter(|described| described.is_object()) {
            is_collection = false;
            vec![described::table(described)]
        } else if is_model {
            workbench::tables(&document)
        } else if document.get("Resources").is_some_and(Value::is_object) {
            template::tables(&document)
        } else if let Some(values) = terraform::values(&document) {
            terraform::tables(values)
        } else if let Some(resource) = template::resource(&document) {
            is_collection = false;
            vec![resource]
        } else if document.get("KeySchema").is_some() || document.get("AttributeDefinitions").is_some() {
            is_collection = false;
            vec![described::table(&document)]
        } else {
            Vec::new()
        };
        if found.is_empty() {
            return Err(DefinitionError::Unknown);
        }
        Ok(Definitions { found, is_model, is_collection })
    }

    /// Whether this is a model of NoSQL Workbench, which may hold items beside the definitions.
    pub fn is_model(&self) -> bool {
        self.is_model
    }

    /// Whether the text may define any number of tables: a template, what Terraform shows, or a model. It has their names.
    pub fn is_collection(&self) -> bool {
        self.is_collection
    }

    /// The names of the tables, as far as they are told.
    pub fn names(&self) -> Vec<&str> {
        self.found.iter().filter_map(|defined| defined.name.as_deref()).collect()
    }

    /// The one table, or the chosen one. A definition without a name is that of any table.
    ///
    /// # Errors
    /// If there are several and none is chosen, the chosen one is not there, or the definition is none that DynamoDB accepts.
    pub fn table(&self, choice: Option<&str>) -> Result<Table, DefinitionError> {
        let names = || listed(self.names().into_iter());
        let wanted = |defined: &&Defined| match (choice, &defined.name) {
            (Some(choice), Some(name)) => choice == name,
            (Some(_), None) => self.found.len() == 1,
            (None, _) => true,
        };
        let mut wanted = self.found.iter().filter(wanted);
        match (wanted.next(), wanted.next(), choice) {
            (Some(defined), None, _) => defined.table.clone().map_err(DefinitionError::Wrong),
            (None, _, Some(choice)) => Err(DefinitionError::NoSuchTable { name: escape::line(choice), known: names() }),
            _ => Err(DefinitionError::SeveralTables(names())),
        }
    }
}

/// The text of a member.
fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str()
}

/// The whole number of a member. Templates may write it as text.
fn number(value: &Value, name: &str) -> Option<u64> {
    let number = value.get(name)?;
    number.as_u64().or_else(|| number.as_str()?.parse().ok())
}

/// The elements of a member that is a list.
fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The type of a key attribute.
fn kind(text: &str) -> Option<KeyKind> {
    match text {
        "S" | "String" => Some(KeyKind::S),
        "N" | "Number" => Some(KeyKind::N),
        "B" | "Binary" => Some(KeyKind::B),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
