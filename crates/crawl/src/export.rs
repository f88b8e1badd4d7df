//! Exports of DynamoDB tables (`ExportTableToPointInTime`): read instead of the table, at no read units.
//!
//! An export is found by its manifests, `manifest-summary.json` and `manifest-files.json`; every file that they name is read
//! and checked before anything is published. The layout is AWS's: "DynamoDB table export output format" in the Amazon
//! DynamoDB Developer Guide.

mod data_file;
mod find;
mod manifest;
mod objects;
mod request;
mod s3;

use std::collections::BTreeSet;
use std::path::Path as FilePath;
use std::pin::pin;
use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::{AttributeDefinition, KeySchemaElement, KeyType, ScalarAttributeType, TableDescription};
use aws_sdk_glue::types::Table;
use futures::stream::{self, StreamExt};
use object_store::path::Path;
use object_store::{GetResult, ObjectStore, ObjectStoreExt};
use schema::{KeyKind, TypeOptions};
use serde::Serialize;

use crate::Clients;
use crate::catalog::Entry;
use crate::checkpoint::{Checkpoint, Continuation};
use crate::deadline::cut_off;
use crate::dynamodb::{describe, too_many_places};
use crate::error::{Error, Kind};
use crate::history::{self, HistoryUse};
use crate::observed::{Coverage, Observed};
use crate::publication::{Publication, existing_table};
use crate::request::{CrawlRequest, Crawled};
use manifest::{DataFile, ExportSummary};
use objects::{check_regular, store_error};
pub use request::Destination;

/// What data files are called at the end.
const GZIP: &str = ".gz";

/// How much there is to read in an export. Reading it costs no read units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExportSize {
    /// Items, or changes of an incremental export, as its manifest counts them.
    pub items: u64,
    /// Data files.
    pub files: usize,
    /// Bytes of these, compressed.
    pub bytes: u64,
    /// Bytes that DynamoDB charged for, as the manifest has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billed_bytes: Option<u64>,
}

/// A finished export of one DynamoDB table, found and not yet read.
#[derive(Debug, Clone)]
pub struct Export {
    store: Arc<dyn ObjectStore>,
    /// Where the export's own folder is in the store.
    folder: Path,
    /// The name of the store in messages.
    place: String,
    summary: ExportSummary,
    files: Vec<DataFile>,
    /// The table that it is read for, if that is not the exported one.
    table: Option<String>,
}

impl Export {
    /// Finds an export in a local folder. `path` is the export's folder, a folder that holds it and no other at any depth up
    /// to four, or one of its manifests.
    ///
    /// # Errors
    /// If there is none or more than one, it has not ended well, or its manifests can't be read or don't match their
    /// checksums.
    pub async fn in_folder(path: &FilePath) -> Result<Export, Error> {
        let (store, start, place) = find::in_folder(path)?;
        Export::find(Arc::new(store), start, place).await
    }

    /// Finds an export in S3, at or below `s3://bucket/prefix`, as [`Export::in_folder`] does in a folder. `config` is that of
    /// the AWS SDK: its credentials and region, which has to be the bucket's, and where S3 is if it is not AWS's
    /// (`AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`).
    ///
    /// # Errors
    /// As [`Export::in_folder`], and if S3 refuses or does not answer.
    pub async fn in_bucket(url: &str, config: &SdkConfig) -> Result<Export, Error> {
        let (store, start, place) = s3::bucket(url, config)?;
        Export::find(Arc::new(store), start, place).await
    }

    async fn find(store: Arc<dyn ObjectStore>, start: Path, place: String) -> Result<Export, Error> {
        let folder = find::find_folder(&*store, start, &place).await?;
        let (summary, files) = manifest::read(&*store, &folder, &place).await?;
        Ok(Export { store, folder, place, summary, files, table: None })
    }

    /// The same export, read for `table`, which has another name, account or region than the exported table.
    pub fn of_table(self, table: &str) -> Export {
        Export { table: Some(table.to_owned()), ..self }
    }

    /// The table that the export is read for: the one that was exported, unless [`Export::of_table`] said otherwise.
    pub fn table(&self) -> &str {
        self.table.as_deref().unwrap_or(&self.summary.table.name)
    }

    /// The table that was exported, if it is not read for another one: account, region and name.
    pub fn exported(&self) -> Option<(&str, &str, &str)> {
        let manifest::TableArn { account, region, name } = &self.summary.table;
        self.table.is_none().then_some((account, region, name))
    }

    /// What AWS calls the export.
    pub fn id(&self) -> &str {
        &self.summary.id
    }

    /// How many data files there are.
    pub fn files(&self) -> u32 {
        u32::try_from(self.files.len()).unwrap_or(u32::MAX)
    }

    /// Reads these data files, as many at a time as there are cores, until `stop` returns. What the files that were read to their
    /// end hold, and the numbers of these files.
    ///
    /// Memory: per core two buffers and a Shape.
    pub async fn read(
        &self,
        files: impl Iterator<Item = u32>,
        types: &TypeOptions,
        stop: impl Future<Output = ()>,
    ) -> Result<(Observed, Vec<u32>), Error> {
        let stop = pin!(stop);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let files = files.filter_map(|number| Some((number, self.files.get(number as usize)?)));
        let read = |(number, file)| async move { Ok((number, self.read_file(file, types).await?)) };
        let mut reading = stream::iter(files).map(read).buffer_unordered(cores).take_until(stop);
        let (mut observed, mut finished) = (Observed::default(), Vec::new());
        while let Some(file) = reading.next().await {
            let (number, of_file) = file?;
            observed.merge(of_file).map_err(too_many_places(self.table()))?;
            finished.push(number);
        }
        Ok((observed, finished))
    }

    /// Checks that what was read is all that the export has, and says how much of the table that is.
    fn check_whole(&self, observed: Observed) -> Result<Observed, Error> {
        let records = observed.records;
        if records != self.summary.item_count {
            let message = format!(
                "{}: its data files hold {records} items, {} says {}",
                self.name(&self.folder),
                manifest::SUMMARY,
                self.summary.item_count
            );
            return Err(Error::new(Kind::Data, message));
        }
        let coverage = if self.summary.incremental { Coverage::Changes } else { Coverage::Full };
        Ok(Observed { coverage, read_units: 0.0, ..observed })
    }

    /// Looks for all data files, without reading them; their size in bytes.
    ///
    /// # Errors
    /// If one is missing, or they can't be listed.
    ///
    /// # Cost
    /// One request for 1,000 files in their folder, which those of incremental exports share.
    pub async fn look_for_files(&self) -> Result<u64, Error> {
        let paths = self.files.iter().map(|file| self.summary.locate(&self.folder, &file.key));
        let mut missing = paths.collect::<Result<BTreeSet<Path>, Error>>()?;
        let folders: BTreeSet<Path> = missing.iter().filter_map(Path::parent).collect();
        let mut bytes = 0;
        for folder in folders {
            let mut listing = self.store.list(Some(&folder));
            while !missing.is_empty()
                && let Some(object) = listing.next().await
            {
                let object = object.map_err(|error| store_error(&self.name(&folder), error))?;
                if missing.remove(&object.location) || missing.remove(&packed(&object.location)) {
                    bytes += object.size;
                }
            }
        }
        match missing.first() {
            None => Ok(bytes),
            Some(path) => {
                check_regular(&self.name(path))?;
                Err(self.missing(path, missing.len() - 1))
            }
        }
    }

    /// How much there is to read.
    ///
    /// # Errors
    /// As [`Export::look_for_files`].
    pub async fn size(&self) -> Result<ExportSize, Error> {
        let bytes = self.look_for_files().await?;
        let ExportSummary { item_count: items, billed_bytes, .. } = self.summary;
        Ok(ExportSize { items, files: self.files.len(), bytes, billed_bytes })
    }

    fn missing(&self, path: &Path, more: usize) -> Error {
        let name = self.name(path);
        let what = match more {
            0 => format!("{name} is missing: the manifest lists it"),
            more => format!("{name} and {more} more are missing: the manifest lists them"),
        };
        let next = match self.summary.incremental {
            false => "Copy the whole export",
            true => "Those of incremental exports are in a folder data/ beside the export's own: copy both",
        };
        Error::new(Kind::Data, format!("{what}. {next}"))
    }

    /// Reads a file, and tries again if it could not be fetched: the connection may be better then, and credentials that were
    /// refused are renewed.
    async fn read_file(&self, file: &DataFile, types: &TypeOptions) -> Result<Observed, Error> {
        match self.try_file(file, types).await {
            Err(error) if matches!(error.kind, Kind::Service | Kind::AccessDenied) => {
                tracing::warn!(reason = %error, "trying once more");
                self.try_file(file, types).await
            }
            done => done,
        }
    }

    async fn try_file(&self, file: &DataFile, types: &TypeOptions) -> Result<Observed, Error> {
        let located = self.summary.locate(&self.folder, &file.key)?;
        let mut path = located.clone();
        let mut found = self.get(&path).await?;
        if let (None, Some(unpacked)) = (&found, unpacked(&located)) {
            found = self.get(&unpacked).await?;
            path = unpacked;
        }
        let object = found.ok_or_else(|| self.missing(&located, 0))?;
        let name = self.name(&path);
        let reader = data_file::FileReader {
            incremental: self.summary.incremental,
            types: types.clone(),
            expected: file.clone(),
        };
        data_file::read(object, reader).await.map_err(|error| error.in_file(&name))
    }

    /// What is at a place, if there is something.
    async fn get(&self, path: &Path) -> Result<Option<GetResult>, Error> {
        let name = self.name(path);
        check_regular(&name)?;
        match self.store.get(path).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if s3::kind(&error) == Kind::NotFound => Ok(None),
            Err(error) => Err(store_error(&name, error)),
        }
    }

    fn name(&self, path: &Path) -> String {
        format!("{}/{path}", self.place)
    }
}

/// The name of a data file without the ending that `gunzip` takes away.
fn unpacked(path: &Path) -> Option<Path> {
    path.as_ref().strip_suffix(GZIP).map(Path::from)
}

/// The name of a data file before `gunzip` took its ending away.
fn packed(path: &Path) -> Path {
    Path::from(format!("{path}{GZIP}"))
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
    let target = ExportTarget::find(clients, request).await?;
    // Fail on a missing file before reading for hours.
    export.look_for_files().await?;
    let (observed, files) = export.read(0..export.files(), &request.types, stop).await?;
    if files.len() < export.files.len() {
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
    let target = ExportTarget::find(clients, request).await?;
    target.publish(clients, request, export, observed.clone()).await
}

/// The table that an export is published as.
struct ExportTarget {
    description: TableDescription,
    existing: Option<Table>,
}

impl ExportTarget {
    async fn find(clients: &Clients, request: &CrawlRequest) -> Result<ExportTarget, Error> {
        let table = &request.table;
        let existing = existing_table(clients, request).await?;
        let description = match describe(clients, table).await {
            Ok(Some(description)) => description,
            Err(error) if error.kind != Kind::AccessDenied => return Err(error),
            _ => {
                tracing::warn!(table, "DynamoDB does not tell the keys: those of the catalog table stay");
                let described = existing.as_ref().map(description_from_catalog).transpose()?;
                described.ok_or_else(|| unknown_keys(table, &clients.region))?
            }
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
    let mut description = TableDescription::builder()
        .set_item_count(number(entry.record_count()))
        .set_table_size_bytes(number(entry.size()));
    for (key, key_type) in entry.keys()?.into_iter().zip([KeyType::Hash, KeyType::Range]) {
        let attribute_type = match key.kind {
            KeyKind::S => ScalarAttributeType::S,
            KeyKind::N => ScalarAttributeType::N,
            KeyKind::B => ScalarAttributeType::B,
        };
        let wrong = |e| Error::new(Kind::Data, format!("the key {} of {}: {e}", key.name, table.name()));
        let key_schema = KeySchemaElement::builder().attribute_name(&key.name).key_type(key_type).build();
        let attribute = AttributeDefinition::builder().attribute_name(&key.name).attribute_type(attribute_type).build();
        description =
            description.key_schema(key_schema.map_err(wrong)?).attribute_definitions(attribute.map_err(wrong)?);
    }
    Ok(description.build())
}
