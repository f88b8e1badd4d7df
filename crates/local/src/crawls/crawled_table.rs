//! What a crawl writes to the catalog: what AWS's crawler is known to write for a DynamoDB table, and nothing more.
//!
//! AWS's crawler writes names in lower case with `_` for other characters, sets and empty structs, columns in no order, and
//! the same parameters on the table and its descriptor. It removes what it did not set. It keeps neither the spelling of
//! attributes nor which of them are keys. Sources: "Parameters set on Data Catalog tables by crawler" and
//! "Configuring a crawler" (AWS Glue guide); issues 75, 78, 115, 245 and 376 of awslabs/aws-athena-query-federation.
//!
//! This code shares nothing with what the program publishes itself, so that a wrong belief about AWS cannot hide in both.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_glue::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_glue::types::{Column, SerDeInfo, StorageDescriptor, Table, TableInput};
use crawl::Clients;
use crawl::catalog::Statistics;
use crawl::options::{DeleteBehavior, UpdateBehavior};
use crawl::{Change, CrawlRequest, TableRead};
use sha2::{Digest, Sha256};

use crate::unknowns::Unknowns;

/// The parameter that marks a table whose source is gone.
const DEPRECATED: &str = "DEPRECATED_BY_CRAWLER";
/// The longest column name, in characters.
const MAX_NAME: usize = 255;

/// The catalog table of one target.
pub(super) struct CrawledTable<'a> {
    /// With the credentials of the crawler's role.
    pub clients: &'a Clients,
    /// What to crawl, and where the result goes.
    pub request: &'a CrawlRequest,
    /// The ARN of the DynamoDB table.
    pub location: String,
    /// How to do what AWS does not publish.
    pub unknowns: Unknowns,
}

/// What a crawl found: columns with their types.
pub(super) struct Found<'a> {
    read: &'a TableRead,
    /// In catalog order.
    columns: Vec<(String, String)>,
}

impl<'a> Found<'a> {
    pub(super) fn new(read: &'a TableRead, types: &schema::TypeOptions) -> Found<'a> {
        let settled = read.observed.shape.settle(&read.keys, &BTreeMap::new(), types);
        let mut attributes: Vec<_> = settled.columns.iter().map(|c| (c.attribute.as_str(), &c.glue_type)).collect();
        attributes.sort_by_key(|(attribute, _)| *attribute);
        let mut columns = BTreeMap::new();
        for (attribute, glue_type) in attributes {
            let folded = fold_name(attribute);
            // A second attribute of the same name gets a hash at its end, as tables do.
            let name = match columns.contains_key(&folded) {
                true => format!("{}_{}", &folded[..folded.len().min(MAX_NAME - 33)], &hash(attribute)[..32]),
                false => folded,
            };
            columns.insert(name, glue_type.to_string());
        }
        let mut columns: Vec<_> = columns.into_iter().collect();
        columns.sort_by_key(|(name, _)| hash(name));
        Found { read, columns }
    }

    /// Equal for two crawls that found the same.
    pub(super) fn fingerprint(&self) -> String {
        hash(&format!("{:?}", self.columns))
    }
}

/// Spells a name as the crawler stores it.
fn fold_name(attribute: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    attribute.chars().take(MAX_NAME).map(plain).collect()
}

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl CrawledTable<'_> {
    /// Writes what was found. `before` is the fingerprint of what the previous crawl found.
    ///
    /// # Errors
    /// Why the table can't be written.
    pub(super) async fn write(&self, found: &Found<'_>, before: Option<&str>) -> Result<Change, String> {
        let CrawlRequest { database, on_update, .. } = self.request;
        let glue = &self.clients.glue;
        let existing = match self.existing().await? {
            Some(existing) => existing,
            None => {
                let create = glue.create_table().database_name(database).table_input(self.input(found, None)?);
                match create.send().await {
                    Ok(_) => return Ok(Change::Created),
                    // An earlier attempt created it, and its answer was lost.
                    Err(error) if error.code() == Some("AlreadyExistsException") => {
                        self.existing().await?.ok_or_else(|| explain("glue:CreateTable")(error))?
                    }
                    Err(error) => return Err(explain("glue:CreateTable")(error)),
                }
            }
        };
        let deprecated = existing.parameters().is_some_and(|parameters| parameters.contains_key(DEPRECATED));
        let same = before == Some(&found.fingerprint()) && !deprecated;
        let input = self.input(found, Some(&existing))?;
        if same && !self.unknowns.crawl_rewrites || is_written(&existing, &input) {
            return Ok(Change::Unchanged);
        }
        if *on_update == UpdateBehavior::Log {
            return Ok(Change::Logged);
        }
        let update = glue.update_table().database_name(database).table_input(input);
        update.send().await.map_err(explain("glue:UpdateTable"))?;
        Ok(if same { Change::Statistics } else { Change::Updated })
    }

    /// Applies the crawler's delete behavior to the table of a DynamoDB table that is gone.
    ///
    /// # Errors
    /// If there is none, or it can't be written.
    pub(super) async fn retire(&self, now: i64) -> Result<Change, String> {
        let CrawlRequest { table, database, catalog_table, on_delete, .. } = self.request;
        let gone = || format!("DynamoDB table {table} not found. Check the Path.");
        let existing = self.existing().await?.ok_or_else(gone)?;
        match on_delete {
            DeleteBehavior::Log => Ok(Change::Logged),
            DeleteBehavior::DeleteFromDatabase => {
                let delete = self.clients.glue.delete_table().database_name(database).name(catalog_table);
                delete.send().await.map_err(explain("glue:DeleteTable"))?;
                Ok(Change::Deleted)
            }
            DeleteBehavior::DeprecateInDatabase => {
                if existing.parameters().is_some_and(|parameters| parameters.contains_key(DEPRECATED)) {
                    return Ok(Change::Unchanged);
                }
                let mut input = input_from(&existing)?;
                input.parameters.get_or_insert_default().insert(DEPRECATED.into(), now.to_string());
                let update = self.clients.glue.update_table().database_name(database).table_input(input);
                update.send().await.map_err(explain("glue:UpdateTable"))?;
                Ok(Change::Deprecated)
            }
        }
    }

    /// The existing catalog table, if any.
    ///
    /// # Errors
    /// If it was made from something else, or cannot be read.
    async fn existing(&self) -> Result<Option<Table>, String> {
        let CrawlRequest { database, catalog_table, .. } = self.request;
        let get = self.clients.glue.get_table().database_name(database).name(catalog_table);
        let existing = match get.send().await {
            Ok(answer) => answer.table,
            Err(error) if error.code() == Some("EntityNotFoundException") => None,
            Err(error) => return Err(explain("glue:GetTable")(error)),
        };
        let location = |table: &Table| table.storage_descriptor()?.location().map(str::to_owned);
        match &existing {
            Some(table) if location(table).as_ref() != Some(&self.location) => {
                Err(format!("Table {database}.{catalog_table} was not made from {}.", self.location))
            }
            _ => Ok(existing),
        }
    }

    /// What to write: the crawler's own values, and what a switch keeps of the `existing` table.
    fn input(&self, found: &Found, existing: Option<&Table>) -> Result<TableInput, String> {
        let Unknowns { crawl_keeps_parameters, crawl_keeps_comments, crawl_keeps_reference, .. } = self.unknowns;
        let before = existing.and_then(Table::storage_descriptor);
        let mut parameters = [
            existing.and_then(|existing| existing.parameters.clone()),
            before.and_then(|descriptor| descriptor.parameters.clone()),
        ]
        .map(|kept| kept.filter(|_| crawl_keeps_parameters).unwrap_or_default());
        for map in &mut parameters {
            map.remove(DEPRECATED);
            map.extend(self.parameters(found));
        }
        let [of_table, of_descriptor] = parameters;
        let reference =
            before.and_then(|descriptor| descriptor.schema_reference.clone()).filter(|_| crawl_keeps_reference);
        let columns = match &reference {
            Some(_) => Vec::new(),
            None => self.columns(found, before.filter(|_| crawl_keeps_comments))?,
        };
        let descriptor = StorageDescriptor::builder()
            .set_columns(Some(columns))
            .set_schema_reference(reference)
            .location(&self.location)
            .compressed(false)
            .number_of_buckets(-1)
            .serde_info(SerDeInfo::builder().set_parameters(Some(HashMap::new())).build())
            .set_bucket_columns(Some(Vec::new()))
            .set_sort_columns(Some(Vec::new()))
            .stored_as_sub_directories(false)
            .set_parameters(Some(of_descriptor));
        TableInput::builder()
            .name(&self.request.catalog_table)
            .set_description(existing.and_then(|e| e.description.clone()).filter(|_| crawl_keeps_comments))
            .owner("owner")
            .retention(0)
            .table_type("EXTERNAL_TABLE")
            .set_partition_keys(Some(Vec::new()))
            .set_parameters(Some(of_table))
            .storage_descriptor(descriptor.build())
            .build()
            .map_err(|error| error.to_string())
    }

    fn parameters(&self, found: &Found) -> HashMap<String, String> {
        let Statistics { items, bytes } = &found.read.statistics;
        let parameters = [
            ("CrawlerSchemaDeserializerVersion", "1.0".to_owned()),
            ("CrawlerSchemaSerializerVersion", "1.0".to_owned()),
            ("UPDATED_BY_CRAWLER", self.request.crawled_by.clone()),
            ("averageRecordSize", bytes.checked_div(*items).unwrap_or(0).to_string()),
            ("classification", "dynamodb".to_owned()),
            ("recordCount", items.to_string()),
            ("sizeKey", bytes.to_string()),
            ("typeOfData", "table".to_owned()),
        ];
        parameters.map(|(name, value)| (name.to_owned(), value)).into()
    }

    fn columns(&self, found: &Found, commented: Option<&StorageDescriptor>) -> Result<Vec<Column>, String> {
        let comments: HashMap<&str, &str> = commented
            .into_iter()
            .flat_map(StorageDescriptor::columns)
            .filter_map(|column| Some((column.name(), column.comment()?)))
            .collect();
        let column = |(name, glue_type): &(String, String)| {
            let comment = comments.get(name.as_str()).copied().unwrap_or_default();
            Column::builder().name(name).r#type(glue_type).comment(comment).build().map_err(|error| error.to_string())
        };
        found.columns.iter().map(column).collect()
    }
}

/// Whether a table already holds what would be written.
fn is_written(existing: &Table, input: &TableInput) -> bool {
    let of = |descriptor: Option<&StorageDescriptor>| {
        let descriptor = descriptor?;
        let columns = match &descriptor.schema_reference {
            Some(_) => Vec::new(),
            None => descriptor.columns().to_vec(),
        };
        Some((columns, descriptor.parameters.clone(), descriptor.schema_reference.clone()))
    };
    existing.parameters == input.parameters
        && existing.description == input.description
        && of(existing.storage_descriptor()) == of(input.storage_descriptor())
}

/// The input that leaves a table as it is.
fn input_from(table: &Table) -> Result<TableInput, String> {
    let mut descriptor = table.storage_descriptor.clone();
    for descriptor in descriptor.iter_mut().filter(|descriptor| descriptor.schema_reference.is_some()) {
        descriptor.columns = Some(Vec::new());
    }
    TableInput::builder()
        .name(table.name())
        .set_description(table.description.clone())
        .set_owner(table.owner.clone())
        .retention(table.retention)
        .set_table_type(table.table_type.clone())
        .set_partition_keys(table.partition_keys.clone())
        .set_parameters(table.parameters.clone())
        .set_storage_descriptor(descriptor)
        .build()
        .map_err(|error| error.to_string())
}

/// Turns an error of a service into the text for LastCrawl.
fn explain<E: ProvideErrorMetadata, R>(operation: &str) -> impl Fn(SdkError<E, R>) -> String {
    move |error| match error.code() {
        Some(code) => format!("{operation}: {code}: {}", error.message().unwrap_or_default()),
        None => format!("{operation}: no answer"),
    }
}

#[cfg(test)]
mod tests {
    use crawl::{Coverage, Observed};
    use schema::Reader;

    use super::*;

    #[test]
    fn columns_are_written_as_aws_is_known_to() {
        let types = schema::TypeOptions { dialect: schema::Dialect::Crawler, ..schema::TypeOptions::default() };
        let mut reader = Reader::new(&types);
        let item = r#"{"userId":{"S":"u"},"userid":{"N":"1"},"first.name":{"S":"x"},"tags":{"SS":["t"]},"sizes":{"NS":["1.5"]},
                       "blobs":{"BS":["AA=="]},"none":{"M":{}},"meta":{"M":{"Zip-Code":{"N":"1"}}}}"#;
        reader.lines(item.replace('\n', " ").as_bytes()).unwrap();
        let observed = Observed::from_items(reader.finish().unwrap(), 0.0, Coverage::Full);
        let read = TableRead { observed, keys: Vec::new(), statistics: Statistics { items: 1, bytes: 1 } };
        let mut columns = Found::new(&read, &types).columns;
        assert!(!columns.is_sorted(), "in no order that people would expect: {columns:?}");
        columns.sort();
        let columns: Vec<String> = columns.iter().map(|(name, kind)| format!("{name} {kind}")).collect();
        let second = format!("userid_{} bigint", &hash("userid")[..32]);
        assert_eq!(
            columns,
            [
                "blobs set<binary>",
                "first_name string",
                "meta struct<Zip-Code:bigint>",
                "none struct<>",
                "sizes set<double>",
                "tags set<string>",
                "userid string",
                &second
            ]
        );
    }
}
