//! What a catalog table holds, so that all its readers can read it: the contract.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_glue::types::{Column as GlueColumn, SerDeInfo, StorageDescriptor, Table, TableInput};
use schema::{Dialect, GlueType, Key, Shape, TableSchema, TypeOptions};

use super::columns::{self, AttributeFacts};
use super::entry::Entry;
use super::parameters::{self, CHECKPOINT, DEPRECATED, HISTORY, UNMAPPED, UPDATED_BY};
use crate::error::{Error, Kind};
use crate::options::Readers;

/// AWS's Glue client for Hive and Spark refuses tables without formats and SerDe (HiveTableValidator). These are the ones
/// that the EMR DynamoDB connector's storage handler names (DynamoDBStorageHandler.java).
const INPUT_FORMAT: &str = "org.apache.hadoop.hive.dynamodb.read.HiveDynamoDBInputFormat";
const OUTPUT_FORMAT: &str = "org.apache.hadoop.hive.dynamodb.write.HiveDynamoDBOutputFormat";
const SERDE: &str = "org.apache.hadoop.hive.dynamodb.DynamoDBSerDe";

/// Parameters that say how much there is, not what it looks like. Where only they differ, no table version is archived.
const STATISTICS: [&str; 4] = [parameters::RECORDS, parameters::SIZE, parameters::RECORD_SIZE, UPDATED_BY];
/// Parameters that a table has only if it needs them.
const IF_NEEDED: [&str; 3] = [parameters::MAPPING, UNMAPPED, parameters::EMR_MAPPING];

/// The DynamoDB side of a catalog table.
#[derive(Debug, Clone)]
pub struct SourceTable {
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
    pub source: &'a SourceTable,
    /// Its columns.
    pub schema: &'a TableSchema,
    /// What is known of the attributes.
    pub facts: AttributeFacts<'a>,
    /// What a crawl counted, and whose crawl it was; `None` leaves what the table says of that.
    pub crawl: Option<(Statistics, &'a str)>,
}

impl Contract<'_> {
    /// The table as it is created, under this name.
    ///
    /// # Errors
    /// [`Kind::Data`] if Glue would not take a column.
    pub fn new_table(&self, name: &str) -> Result<TableInput, Error> {
        let parameters = owned(&self.parameters());
        let descriptor = StorageDescriptor::builder()
            .set_columns(Some(columns::glue_columns(self.schema, &self.facts, &[])?))
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

    /// `existing` as it should be, and how it differs from that. Comments, descriptions and parameters of people stay, and so does
    /// a reference to a schema version with the same columns.
    ///
    /// # Errors
    /// [`Kind::Data`] if Glue would not take a column.
    pub fn updated_table(&self, existing: &Table) -> Result<(TableInput, Difference), Error> {
        let parameters = self.parameters();
        let difference = self.difference(existing, &parameters);
        let mut input = Entry(existing).to_input()?;
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
            if descriptor.schema_reference.is_none() || !Entry(existing).has_columns_of(self.schema) {
                descriptor.schema_reference = None;
                let columns = columns::glue_columns(self.schema, &self.facts, Entry(existing).columns())?;
                descriptor.columns = Some(columns);
            }
        }
        Ok((input, difference))
    }

    /// The parameters of the table and of its storage descriptor.
    fn parameters(&self) -> BTreeMap<&'static str, String> {
        let Contract { source, schema, crawl, .. } = self;
        let mut all = BTreeMap::from([
            (parameters::CLASSIFICATION, "dynamodb".to_owned()),
            (parameters::TYPE_OF_DATA, "table".to_owned()),
            (parameters::SOURCE, source.table.clone()),
            (parameters::EMR_TABLE, source.table.clone()),
            (parameters::SERIALIZER, "1.0".to_owned()),
            (parameters::DESERIALIZER, "1.0".to_owned()),
        ]);
        all.extend(schema.column_mapping().map(|mapping| (parameters::MAPPING, mapping)));
        all.extend(columns::emr_mapping(schema).map(|mapping| (parameters::EMR_MAPPING, mapping)));
        let unmapped = unmapped_columns(schema);
        if !unmapped.is_empty() {
            all.insert(UNMAPPED, unmapped.join(","));
        }
        for (parameter, key) in [parameters::HASH_KEY, parameters::RANGE_KEY].into_iter().zip(&source.keys) {
            all.insert(parameter, key.name.clone());
        }
        if let Some((Statistics { items, bytes }, crawled_by)) = crawl {
            all.insert(parameters::RECORDS, items.to_string());
            all.insert(parameters::SIZE, bytes.to_string());
            all.insert(parameters::RECORD_SIZE, bytes.checked_div(*items).unwrap_or(0).to_string());
            all.insert(UPDATED_BY, (*crawled_by).to_owned());
        }
        all
    }

    fn difference(&self, existing: &Table, parameters: &BTreeMap<&'static str, String>) -> Difference {
        let entry = Entry(existing);
        let descriptor = existing.storage_descriptor();
        let maps = [existing.parameters(), descriptor.and_then(StorageDescriptor::parameters)];
        let differs = |statistics: bool| {
            parameters
                .iter()
                .filter(|(name, _)| STATISTICS.contains(name) == statistics)
                .any(|(name, value)| maps.iter().any(|map| map.and_then(|map| map.get(*name)) != Some(value)))
        };
        let stale = |name: &&str| !parameters.contains_key(*name) && entry.parameter(name).is_some();
        let same_table = existing.table_type() == Some("EXTERNAL_TABLE")
            && entry.location() == Some(&self.source.arn)
            && has_formats(existing)
            && !entry.is_deprecated();
        // Columns that come out of a schema version have no parameters.
        let same_columns = entry.has_columns_of(self.schema)
            && (entry.reference().is_some() || columns::have_facts(self.schema, &self.facts, entry.columns()));
        if !same_table || IF_NEEDED.iter().any(stale) || !same_columns || differs(false) {
            Difference::Schema
        } else if differs(true) {
            Difference::Statistics
        } else {
            Difference::None
        }
    }
}

/// Completes a table that a crawler of Glue wrote: with our parameters, types that the readers accept, and attributes as they
/// are really spelled.
#[derive(Debug)]
pub struct Completion {
    /// The DynamoDB side.
    pub source: SourceTable,
    /// What a page of items looks like; empty if none was read.
    pub page: Shape,
    /// Attributes whose spelling an earlier schema version tells.
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
        let mut schema = Entry(existing).schema()?;
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
    /// [`Kind::Data`] if Glue would not take a column.
    pub fn input(&self, existing: &Table, schema: &TableSchema) -> Result<TableInput, Error> {
        let facts = AttributeFacts { keys: &self.source.keys, known: &self.page, shares: None };
        let contract = Contract { source: &self.source, schema, facts, crawl: None };
        contract.updated_table(existing).map(|(input, _)| input)
    }
}

/// The columns whose attributes `columnMapping` can't spell.
pub fn unmapped_columns(schema: &TableSchema) -> Vec<&str> {
    let unmapped = schema.unmapped();
    let columns = schema.columns.iter().filter(|column| unmapped.contains(&column.attribute.as_str()));
    columns.map(|column| column.name.as_str()).collect()
}

impl Entry<'_> {
    /// Whether a managed crawl left it less than complete for these readers, as far as it can tell itself.
    pub fn is_incomplete(self, readers: Readers) -> bool {
        let parsed = |column: &GlueColumn| column.r#type().and_then(|t| t.parse::<GlueType>().ok());
        let refused = |glue_type: GlueType| accepted(&glue_type, readers) != glue_type;
        self.parameter(parameters::SOURCE).is_none()
            || self.parameter(parameters::CLASSIFICATION) != Some("dynamodb")
            || self.parameter(parameters::HASH_KEY).is_none()
            || self.parameter(parameters::EMR_TABLE).is_none()
            || self.is_deprecated()
            || !has_formats(self.0)
            || self.columns().iter().any(|column| parsed(column).is_some_and(refused))
    }
}

/// What a native crawl keeps in the catalog table for the next one.
#[derive(Debug)]
pub struct CrawlState {
    /// The text of what all crawls saw of the table; `None` if it is too long: what the table has then stays.
    pub history: Option<String>,
    /// The history says more than larger counts.
    pub is_news: bool,
    /// The text of where the next crawl goes on; `None`: at the beginning. Worth nothing without the history.
    pub checkpoint: Option<String>,
}

impl CrawlState {
    /// Writes it into the table. Whether that is worth an update of the table, should nothing else differ.
    pub fn write_to(self, input: &mut TableInput) -> bool {
        let parameters = input.parameters.get_or_insert_default();
        let checkpoint = self.checkpoint.filter(|_| self.history.is_some());
        let is_worth_it = checkpoint.as_ref() != parameters.get(CHECKPOINT) || self.history.is_some() && self.is_news;
        parameters.remove(CHECKPOINT);
        parameters.extend(checkpoint.map(|text| (CHECKPOINT.to_owned(), text)));
        parameters.extend(self.history.map(|text| (HISTORY.to_owned(), text)));
        is_worth_it
    }
}

/// A column type as the readers accept it.
fn accepted(glue_type: &GlueType, readers: Readers) -> GlueType {
    match readers {
        Readers::Athena => glue_type.normalised(),
        Readers::Sosw => glue_type.for_sosw(),
    }
}

/// The columns that hold all items of a Shape, in types that the readers accept. `names` are columns that the catalog already
/// has, by attribute.
pub fn settle(
    shape: &Shape,
    keys: &[Key],
    names: &BTreeMap<String, String>,
    types: &TypeOptions,
    readers: Readers,
) -> TableSchema {
    if readers == Readers::Athena {
        return shape.settle(keys, names, types);
    }
    let mut schema = shape.settle(keys, names, &TypeOptions { dialect: Dialect::Crawler, ..types.clone() });
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

/// Our parameters over those of the table, without what no longer holds.
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
