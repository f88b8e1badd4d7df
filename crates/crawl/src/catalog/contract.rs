//! What a catalog table holds: the contract with all who read it.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_glue::types::{Column as GlueColumn, SerDeInfo, StorageDescriptor, Table, TableInput};
use schema::{Dialect, GlueType, Key, Shape, TableSchema, TypeOptions};

use super::columns::{self, Observed, same_columns};
use super::entry::{self, DEPRECATED, UNMAPPED, UPDATED_BY, columns, parameter};
use super::store::unchanged;
use crate::error::{Error, Kind};
use crate::options::Readers;

/// AWS's Glue client for Hive and Spark refuses tables without formats and SerDe (HiveTableValidator). These are the ones
/// that the EMR DynamoDB connector's storage handler names (DynamoDBStorageHandler.java).
const INPUT_FORMAT: &str = "org.apache.hadoop.hive.dynamodb.read.HiveDynamoDBInputFormat";
const OUTPUT_FORMAT: &str = "org.apache.hadoop.hive.dynamodb.write.HiveDynamoDBOutputFormat";
const SERDE: &str = "org.apache.hadoop.hive.dynamodb.DynamoDBSerDe";

/// Parameters that say how much there is, not what it looks like: alone they make no new table version.
const STATISTICS: [&str; 4] = [entry::RECORDS, entry::SIZE, entry::RECORD_SIZE, UPDATED_BY];
/// Parameters that are there only if there is something to say.
const IF_NEEDED: [&str; 3] = [entry::MAPPING, UNMAPPED, entry::EMR_MAPPING];

/// The DynamoDB side of a catalog table.
#[derive(Debug, Clone)]
pub struct Source {
    /// The table's name as DynamoDB spells it.
    pub table: String,
    /// Its ARN.
    pub arn: String,
    /// Hash key, then range key.
    pub keys: Vec<Key>,
}

/// How much a crawl found.
#[derive(Debug, Clone, Copy)]
pub struct Statistics {
    /// Items in the table.
    pub items: u64,
    /// Their size in bytes.
    pub bytes: u64,
}

/// How a catalog table differs from what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// Not at all, or in the columns' shares of items alone.
    None,
    /// Only in how much there is, not in what it looks like.
    Statistics,
    /// In columns, names or anything else that readers rely on.
    Schema,
}

/// What the catalog should hold of a DynamoDB table.
#[derive(Debug, Clone, Copy)]
pub struct Contract<'a> {
    /// Whose table it is.
    pub source: &'a Source,
    /// Its columns.
    pub schema: &'a TableSchema,
    /// What items showed of the attributes.
    pub observed: Observed<'a>,
    /// What a crawl counted, and whose crawl it was; `None`: what the table says of that stays.
    pub crawl: Option<(Statistics, &'a str)>,
}

impl Contract<'_> {
    /// The table as it is created.
    ///
    /// # Errors
    /// [`Kind::Data`] if a column can't be.
    pub fn created(&self, name: &str) -> Result<TableInput, Error> {
        let parameters = owned(&self.parameters());
        let descriptor = StorageDescriptor::builder()
            .set_columns(Some(columns::glue_columns(self, &[])?))
            .location(&self.source.arn)
            .input_format(INPUT_FORMAT)
            .output_format(OUTPUT_FORMAT)
            .compressed(false)
            .number_of_buckets(-1)
            .serde_info(SerDeInfo::builder().serialization_library(SERDE).build())
            .stored_as_sub_directories(false)
            .set_parameters(Some(parameters.clone()));
        TableInput::builder()
            .name(name)
            .owner("owner")
            .table_type("EXTERNAL_TABLE")
            .set_partition_keys(Some(Vec::new()))
            .set_parameters(Some(parameters))
            .storage_descriptor(descriptor.build())
            .build()
            .map_err(|e| Error::new(Kind::Data, format!("table {name}: {e}")))
    }

    /// The table as it is updated, and how `existing` differs from that. All stays that is not ours to say: comments,
    /// descriptions, people's own parameters. So does a reference to a schema version with the same columns.
    ///
    /// # Errors
    /// [`Kind::Data`] if a column can't be.
    pub fn over(&self, existing: &Table) -> Result<(TableInput, Difference), Error> {
        let parameters = self.parameters();
        let difference = self.difference(existing, &parameters);
        let mut input = unchanged(existing)?;
        input.table_type = Some("EXTERNAL_TABLE".into());
        input.parameters = Some(merged(existing.parameters.as_ref(), &parameters));
        if let Some(descriptor) = &mut input.storage_descriptor {
            descriptor.location = Some(self.source.arn.clone());
            descriptor.input_format = Some(INPUT_FORMAT.into());
            descriptor.output_format = Some(OUTPUT_FORMAT.into());
            descriptor
                .serde_info
                .get_or_insert_with(|| SerDeInfo::builder().build())
                .serialization_library
                .replace(SERDE.into());
            descriptor.parameters = Some(merged(descriptor.parameters.as_ref(), &parameters));
            if descriptor.schema_reference.is_none() || !same_columns(existing, self.schema) {
                descriptor.schema_reference = None;
                descriptor.columns = Some(columns::glue_columns(self, columns(existing))?);
            }
        }
        Ok((input, difference))
    }

    /// The parameters of the table and of its storage descriptor.
    fn parameters(&self) -> BTreeMap<&'static str, String> {
        let Contract { source, schema, crawl, .. } = self;
        let mut parameters = BTreeMap::from([
            (entry::CLASSIFICATION, "dynamodb".to_owned()),
            (entry::TYPE_OF_DATA, "table".to_owned()),
            (entry::SOURCE, source.table.clone()),
            (entry::EMR_TABLE, source.table.clone()),
            (entry::SERIALIZER, "1.0".to_owned()),
            (entry::DESERIALIZER, "1.0".to_owned()),
        ]);
        parameters.extend(schema.column_mapping().map(|mapping| (entry::MAPPING, mapping)));
        parameters.extend(columns::emr_mapping(schema).map(|mapping| (entry::EMR_MAPPING, mapping)));
        let unmapped = unmapped_columns(schema);
        if !unmapped.is_empty() {
            parameters.insert(UNMAPPED, unmapped.join(","));
        }
        for (parameter, key) in [entry::HASH_KEY, entry::RANGE_KEY].into_iter().zip(&source.keys) {
            parameters.insert(parameter, key.name.clone());
        }
        if let Some((Statistics { items, bytes }, crawled_by)) = crawl {
            parameters.insert(entry::RECORDS, items.to_string());
            parameters.insert(entry::SIZE, bytes.to_string());
            parameters.insert(entry::RECORD_SIZE, bytes.checked_div(*items).unwrap_or(0).to_string());
            parameters.insert(UPDATED_BY, (*crawled_by).to_owned());
        }
        parameters
    }

    fn difference(&self, existing: &Table, parameters: &BTreeMap<&'static str, String>) -> Difference {
        let descriptor = existing.storage_descriptor();
        let maps = [existing.parameters(), descriptor.and_then(StorageDescriptor::parameters)];
        let differs = |statistics: bool| {
            parameters
                .iter()
                .filter(|(name, _)| STATISTICS.contains(name) == statistics)
                .any(|(name, value)| maps.iter().any(|map| map.and_then(|map| map.get(*name)) != Some(value)))
        };
        let stale = |name: &&str| !parameters.contains_key(*name) && parameter(existing, name).is_some();
        let same_table = existing.table_type() == Some("EXTERNAL_TABLE")
            && entry::location(existing) == Some(&self.source.arn)
            && has_formats(existing)
            && parameter(existing, DEPRECATED).is_none();
        // Columns that come out of a schema version have no parameters.
        let same_columns = same_columns(existing, self.schema)
            && (entry::reference(existing).is_some() || columns::same_facts(self, columns(existing)));
        if !same_table || IF_NEEDED.iter().any(stale) || !same_columns || differs(false) {
            Difference::Schema
        } else if differs(true) {
            Difference::Statistics
        } else {
            Difference::None
        }
    }
}

/// What brings a table that a crawler of Glue wrote up to the contract: our parameters, types that the readers accept, and
/// attributes as they are really spelled.
#[derive(Debug)]
pub struct Completion {
    /// The DynamoDB side.
    pub source: Source,
    /// What a page of items looks like; empty if none was read.
    pub page: Shape,
    /// Attributes that were spelled out before.
    pub spelled: Vec<String>,
    /// Who reads the table.
    pub readers: Readers,
}

impl Completion {
    /// The columns of the completed table, in the order of a native crawl: what a crawler of Glue leaves has none that is
    /// documented, and the same columns have to give the same schema.
    ///
    /// # Errors
    /// If a column has a type that Glue itself would not know.
    pub fn schema(&self, existing: &Table) -> Result<TableSchema, Error> {
        let mut schema = entry::table_schema(existing)?;
        let keys = || self.source.keys.iter().map(|key| key.name.as_str());
        let now = keys().chain(self.page.attributes().map(|attribute| attribute.name));
        let spelled = columns::by_folded_name(now.chain(self.spelled.iter().map(String::as_str)));
        for column in &mut schema.columns {
            column.glue_type = accepted(&column.glue_type, self.readers);
            if column.attribute == column.name
                && let Some(attribute) = spelled.get(&column.name)
            {
                column.attribute = (*attribute).to_owned();
            }
        }
        let rank = |attribute: &str| keys().position(|key| key == attribute).unwrap_or(usize::MAX);
        schema.columns.sort_by(|a, b| (rank(&a.attribute), &a.attribute).cmp(&(rank(&b.attribute), &b.attribute)));
        Ok(schema)
    }

    /// `existing` completed, with the columns of [`Completion::schema`]. Statistics stay as the crawler left them.
    ///
    /// # Errors
    /// [`Kind::Data`] if a column can't be.
    pub fn input(&self, existing: &Table, schema: &TableSchema) -> Result<TableInput, Error> {
        let observed = Observed { known: &self.page, shares: None };
        let contract = Contract { source: &self.source, schema, observed, crawl: None };
        contract.over(existing).map(|(input, _)| input)
    }
}

/// The columns whose attributes `columnMapping` can't spell.
pub fn unmapped_columns(schema: &TableSchema) -> Vec<&str> {
    let unmapped = schema.unmapped();
    let columns = schema.columns.iter().filter(|column| unmapped.contains(&column.attribute.as_str()));
    columns.map(|column| column.name.as_str()).collect()
}

/// Whether a managed crawl left this table less than complete, as far as the table itself can tell.
pub fn is_incomplete(table: &Table, readers: Readers) -> bool {
    let parsed = |column: &GlueColumn| column.r#type().and_then(|t| t.parse::<GlueType>().ok());
    let refused = |glue_type: GlueType| accepted(&glue_type, readers) != glue_type;
    parameter(table, entry::SOURCE).is_none()
        || parameter(table, entry::CLASSIFICATION) != Some("dynamodb")
        || parameter(table, entry::HASH_KEY).is_none()
        || parameter(table, entry::EMR_TABLE).is_none()
        || parameter(table, DEPRECATED).is_some()
        || !has_formats(table)
        || columns(table).iter().any(|column| parsed(column).is_some_and(refused))
}

/// A column type as the readers accept it.
fn accepted(glue_type: &GlueType, readers: Readers) -> GlueType {
    match readers {
        Readers::Athena => glue_type.normalised(),
        Readers::Sosw => glue_type.for_sosw(),
    }
}

/// The columns that hold all items of a Shape, in types that the readers accept.
pub fn settle(
    shape: &Shape,
    keys: &[Key],
    given: &BTreeMap<String, String>,
    (types, readers): (&TypeOptions, Readers),
) -> TableSchema {
    if readers == Readers::Athena {
        return shape.settle(keys, given, types);
    }
    let mut schema = shape.settle(keys, given, &TypeOptions { dialect: Dialect::Crawler, ..types.clone() });
    for column in &mut schema.columns {
        column.glue_type = accepted(&column.glue_type, readers);
    }
    schema
}

fn has_formats(table: &Table) -> bool {
    table.storage_descriptor().is_some_and(|descriptor| {
        descriptor.input_format() == Some(INPUT_FORMAT)
            && descriptor.output_format() == Some(OUTPUT_FORMAT)
            && descriptor.serde_info().and_then(SerDeInfo::serialization_library) == Some(SERDE)
    })
}

/// Ours over theirs, without what no longer holds.
fn merged(theirs: Option<&HashMap<String, String>>, ours: &BTreeMap<&'static str, String>) -> HashMap<String, String> {
    let mut all = theirs.cloned().unwrap_or_default();
    for gone in [DEPRECATED].iter().chain(&IF_NEEDED) {
        all.remove(*gone);
    }
    all.extend(owned(ours));
    all
}

fn owned(parameters: &BTreeMap<&'static str, String>) -> HashMap<String, String> {
    parameters.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}
