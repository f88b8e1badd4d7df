//! Exports of DynamoDB tables (`ExportTableToPointInTime`): read instead of the table, at no read units.
//!
//! An export is found by its manifests, `manifest-summary.json` and `manifest-files.json`; every file that they name is read
//! and checked before anything is published. The layout is AWS's: "DynamoDB table export output format" in the Amazon
//! DynamoDB Developer Guide. Files without manifests are read too, as the copies of items that they are.

mod copies;
mod data_file;
mod find;
mod finished;
mod manifest;
mod objects;
mod request;
mod s3;

use std::path::Path as FilePath;
use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::builders::TableDescriptionBuilder;
use aws_sdk_dynamodb::types::{AttributeDefinition, KeySchemaElement, KeyType, ScalarAttributeType, TableDescription};
use aws_sdk_glue::types::Table;
use schema::{Key, KeyKind, TypeOptions};
use serde::Serialize;

use crate::Clients;
use crate::catalog::Entry;
use crate::checkpoint::{Checkpoint, Continuation};
use crate::deadline::cut_off;
use crate::dynamodb::describe;
use crate::error::{Error, Kind};
use crate::history::{self, HistoryUse};
use crate::observed::{Coverage, Observed};
use crate::publication::{Publication, existing_table};
use crate::request::{CrawlRequest, Crawled};
use copies::Copies;
use finished::Finished;
pub use request::Destination;

/// How much there is to read in an export. Reading it costs no read units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExportSize {
    /// Items, or changes of an incremental export, as its manifest counts them; `None` without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<u64>,
    /// Data files.
    pub files: usize,
    /// Bytes of these, as they are.
    pub bytes: u64,
    /// Bytes that DynamoDB charged for, as the manifest has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billed_bytes: Option<u64>,
}

/// An export of one DynamoDB table, found and not yet read.
#[derive(Debug, Clone)]
pub struct Export {
    origin: Origin,
    /// The table that it is read for, if that is not the exported one.
    table: Option<String>,
}

#[derive(Debug, Clone)]
enum Origin {
    /// DynamoDB made it.
    Finished(Box<Finished>),
    /// Somebody copied items.
    Copies(Arc<Copies>),
}

impl Export {
    /// Finds an export in a local folder. `path` is the export's folder, a folder that holds it and no other at any depth up
    /// to four, or one of its manifests. It is read for `table` if that is named, which may have another name, account or
    /// region than the exported table.
    ///
    /// Where no manifest is and a `table` is named, `path` is a file of items in any form, or a folder of such files: see
    /// [`input::open_path`].
    ///
    /// # Errors
    /// If there is none or more than one, it has not ended well, or its manifests can't be read or don't match their
    /// checksums. Of files without manifests: if none holds items.
    pub async fn in_folder(path: &FilePath, table: Option<&str>) -> Result<Export, Error> {
        let origin = match (Finished::in_folder(path).await?, table) {
            (Some(found), _) => Origin::Finished(Box::new(found)),
            (None, Some(table)) => Origin::Copies(Arc::new(Copies::find(path, table)?)),
            (None, None) => {
                return Err(no_manifest(&path.display().to_string(), ", or name the table whose items these are"));
            }
        };
        Ok(Export { origin, table: table.map(str::to_owned) })
    }

    /// Finds an export in S3, at or below `s3://bucket/prefix`, as [`Export::in_folder`] does in a folder. `config` is that of
    /// the AWS SDK: its credentials and region, which has to be the bucket's, and where S3 is if it is not AWS's
    /// (`AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`).
    ///
    /// # Errors
    /// As [`Export::in_folder`], and if S3 refuses or does not answer. Without manifests nothing is read.
    pub async fn in_bucket(url: &str, config: &SdkConfig) -> Result<Export, Error> {
        let found = Finished::in_bucket(url, config).await?.ok_or_else(|| no_manifest(url, ""))?;
        Ok(Export { origin: Origin::Finished(Box::new(found)), table: None })
    }

    /// The same export, read for `table`, which has another name, account or region than the exported table.
    pub fn of_table(self, table: &str) -> Export {
        Export { table: Some(table.to_owned()), ..self }
    }

    /// The table that the export is read for: the one that was exported, unless another was named.
    pub fn table(&self) -> &str {
        match (&self.table, &self.origin) {
            (Some(table), _) => table,
            (None, Origin::Finished(export)) => &export.table().name,
            (None, Origin::Copies(_)) => "",
        }
    }

    /// The table that was exported, if it is not read for another one: account, region and name.
    pub fn exported(&self) -> Option<(&str, &str, &str)> {
        match &self.origin {
            Origin::Finished(export) if self.table.is_none() => {
                let manifest::TableArn { account, region, name } = export.table();
                Some((account, region, name))
            }
            _ => None,
        }
    }

    /// The keys of the table, if its definition lies beside the items.
    pub fn keys(&self) -> &[Key] {
        match &self.origin {
            Origin::Finished(_) => &[],
            Origin::Copies(copies) => copies.keys(),
        }
    }

    /// What AWS calls the export; `""` if it is none of AWS's.
    pub fn id(&self) -> &str {
        match &self.origin {
            Origin::Finished(export) => export.id(),
            Origin::Copies(_) => "",
        }
    }

    /// How many files can be read one by one: the data files, or one for all files without a manifest.
    pub fn files(&self) -> u32 {
        match &self.origin {
            Origin::Finished(export) => u32::try_from(export.files()).unwrap_or(u32::MAX),
            Origin::Copies(_) => 1,
        }
    }

    /// Reads these data files, as many at a time as there are cores, until `stop` returns. What the files that were read to their
    /// end hold, and the numbers of these files.
    ///
    /// Memory: per core two buffers and a Shape.
    ///
    /// # Errors
    /// If a file can't be read, or is not as the manifest says.
    pub async fn read(
        &self,
        files: impl Iterator<Item = u32>,
        types: &TypeOptions,
        stop: impl Future<Output = ()>,
    ) -> Result<(Observed, Vec<u32>), Error> {
        match &self.origin {
            Origin::Finished(export) => export.read(files, types, stop).await,
            Origin::Copies(copies) => {
                let read = copies.clone().read(self.table(), types, stop).await?;
                Ok(read.map_or((Observed::default(), Vec::new()), |observed| (observed, files.collect())))
            }
        }
    }

    /// Checks that what was read is all that the export has, and says how much of the table that is.
    fn check_whole(&self, observed: Observed) -> Result<Observed, Error> {
        match &self.origin {
            Origin::Finished(export) => export.check_whole(observed),
            Origin::Copies(_) => Ok(observed),
        }
    }

    /// Looks for all data files, without reading them; their size in bytes.
    ///
    /// # Errors
    /// If one is missing, or they can't be listed.
    ///
    /// # Cost
    /// One request for 1,000 files in their folder, which those of incremental exports share.
    pub async fn look_for_files(&self) -> Result<u64, Error> {
        match &self.origin {
            Origin::Finished(export) => export.look_for_files().await,
            Origin::Copies(copies) => Ok(copies.size()?.bytes),
        }
    }

    /// How much there is to read.
    ///
    /// # Errors
    /// As [`Export::look_for_files`].
    pub async fn size(&self) -> Result<ExportSize, Error> {
        match &self.origin {
            Origin::Finished(export) => export.size().await,
            Origin::Copies(copies) => copies.size(),
        }
    }
}

fn no_manifest(place: &str, or: &str) -> Error {
    let message = format!(
        "{place}: no {} here or up to {} folders below, so there is no export of DynamoDB: give its folder{or}",
        manifest::SUMMARY,
        find::MAX_DEPTH
    );
    Error::new(Kind::NotFound, message)
}

/// Reads the export, settles what its table looks like and publishes it, as [`crate::crawl()`] does with the table itself.
///
/// # Errors
/// If the export can't be read or is not as its manifests say, or the catalog can't be written: see [`Export`];
/// [`Kind::Deadline`] if `stop` returned before all was read. Nothing is published then.
pub async fn crawl(
    clients: &Clients,
    request: &CrawlRequest,
    export: &Export,
    stop: impl Future<Output = ()>,
) -> Result<Crawled, Error> {
    let target = ExportTarget::find(clients, request, export.keys()).await?;
    // Fail on a missing file before reading for hours.
    export.look_for_files().await?;
    let (observed, files) = export.read(0..export.files(), &request.types, stop).await?;
    if files.len() < export.files() as usize {
        return Err(cut_off());
    }
    target.publish(clients, request, export, observed).await
}

/// Publishes what was read of the whole export, as [`crawl`] does.
///
/// # Errors
/// As [`crawl`].
pub async fn publish(
    clients: &Clients,
    request: &CrawlRequest,
    export: &Export,
    observed: &Observed,
) -> Result<Crawled, Error> {
    let target = ExportTarget::find(clients, request, export.keys()).await?;
    target.publish(clients, request, export, observed.clone()).await
}

/// The table that an export is published as.
struct ExportTarget {
    description: TableDescription,
    existing: Option<Table>,
}

impl ExportTarget {
    async fn find(clients: &Clients, request: &CrawlRequest, keys: &[Key]) -> Result<ExportTarget, Error> {
        let table = &request.table;
        let existing = existing_table(clients, request).await?;
        let description = match describe(clients, table).await {
            Ok(Some(description)) => description,
            Err(error) if error.kind != Kind::AccessDenied => return Err(error),
            _ => match (&existing, keys) {
                (Some(existing), _) => {
                    tracing::warn!(table, "DynamoDB does not tell the keys: those of the catalog table stay");
                    description_from_catalog(existing)?
                }
                (None, []) => return Err(unknown_keys(table, &clients.region)),
                (None, keys) => described(TableDescription::builder(), keys)?.build(),
            },
        };
        Ok(ExportTarget { description, existing })
    }

    async fn publish(
        self,
        clients: &Clients,
        request: &CrawlRequest,
        export: &Export,
        observed: Observed,
    ) -> Result<Crawled, Error> {
        let ExportTarget { description, existing } = self;
        let observed = export.check_whole(observed)?;
        let mut continuation = Continuation::default();
        if observed.coverage == Coverage::Changes {
            // Publishing merges the changes into the history.
            if request.history != HistoryUse::Merge || existing.as_ref().and_then(history::stored).is_none() {
                return Err(nothing_to_widen(request));
            }
            // They don't end a live crawl that was cut off.
            continuation.checkpoint = existing.as_ref().and_then(|existing| Checkpoint::stored(existing, &description));
        }
        let publication = Publication::new(clients, request, &description, &observed, continuation);
        let change = publication.write(clients, existing).await?;
        Ok(Crawled { change, observed })
    }
}

fn nothing_to_widen(request: &CrawlRequest) -> Error {
    let CrawlRequest { table, database, catalog_table, .. } = request;
    let message = format!(
        "the incremental export of {table} holds only what changed, and {database}.{catalog_table} does not remember what \
         was there before, or is told to forget it: crawl the table, or a full export of it, first"
    );
    Error::new(Kind::Data, message)
}

/// The error of an export's table whose keys neither DynamoDB nor the catalog knows.
pub fn unknown_keys(table: &str, region: &str) -> Error {
    let message = format!(
        "neither DynamoDB in {region} nor the catalog has the table {table} of the export, so its keys are unknown: \
         use the account and region of the table, or name the table that the export is to be read for"
    );
    Error::new(Kind::NotFound, message)
}

/// The DynamoDB table as far as its catalog table tells of it: its keys and its size.
fn description_from_catalog(table: &Table) -> Result<TableDescription, Error> {
    let entry = Entry(table);
    let number = |number: Option<u64>| number.and_then(|number| i64::try_from(number).ok());
    let description = TableDescription::builder()
        .set_item_count(number(entry.record_count()))
        .set_table_size_bytes(number(entry.size()));
    Ok(described(description, &entry.keys()?)?.build())
}

fn described(mut description: TableDescriptionBuilder, keys: &[Key]) -> Result<TableDescriptionBuilder, Error> {
    for (key, key_type) in keys.iter().zip([KeyType::Hash, KeyType::Range]) {
        let attribute_type = match key.kind {
            KeyKind::S => ScalarAttributeType::S,
            KeyKind::N => ScalarAttributeType::N,
            KeyKind::B => ScalarAttributeType::B,
        };
        let wrong = |e| Error::new(Kind::Data, format!("the key {}: {e}", key.name));
        let key_schema = KeySchemaElement::builder().attribute_name(&key.name).key_type(key_type).build();
        let attribute = AttributeDefinition::builder().attribute_name(&key.name).attribute_type(attribute_type).build();
        description =
            description.key_schema(key_schema.map_err(wrong)?).attribute_definitions(attribute.map_err(wrong)?);
    }
    Ok(description)
}
