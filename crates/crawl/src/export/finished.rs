//! An export that DynamoDB finished: its data files, as the manifests have them.

use std::collections::BTreeSet;
use std::path::Path as FilePath;
use std::pin::pin;
use std::sync::Arc;

use aws_config::SdkConfig;
use futures::stream::{self, StreamExt};
use object_store::path::Path;
use object_store::{GetResult, ObjectStore, ObjectStoreExt};
use schema::TypeOptions;

use super::ExportSize;
use super::manifest::{self, DataFile, ExportSummary, TableArn};
use super::objects::{check_regular, store_error};
use super::{data_file, find, s3};
use crate::dynamodb::too_many_places;
use crate::error::{Error, Kind};
use crate::observed::{Coverage, Observed};

/// What data files are called at the end.
const GZIP: &str = ".gz";

/// An export that DynamoDB finished.
#[derive(Debug, Clone)]
pub(super) struct Finished {
    store: Arc<dyn ObjectStore>,
    /// Where the export's own folder is in the store.
    folder: Path,
    /// The name of the store in messages.
    place: String,
    summary: ExportSummary,
    files: Vec<DataFile>,
}

impl Finished {
    /// Finds the one export at or below a local folder, or of a manifest; `None` if there is no manifest.
    pub(super) async fn in_folder(path: &FilePath) -> Result<Option<Finished>, Error> {
        match find::in_folder(path)? {
            Some((store, start, place)) => Finished::find(Arc::new(store), start, place).await,
            None => Ok(None),
        }
    }

    /// The same in S3.
    pub(super) async fn in_bucket(url: &str, config: &SdkConfig) -> Result<Option<Finished>, Error> {
        let (store, start, place) = s3::bucket(url, config)?;
        Finished::find(Arc::new(store), start, place).await
    }

    async fn find(store: Arc<dyn ObjectStore>, start: Path, place: String) -> Result<Option<Finished>, Error> {
        let Some(folder) = find::find_folder(&*store, start, &place).await? else { return Ok(None) };
        let (summary, files) = manifest::read(&*store, &folder, &place).await?;
        Ok(Some(Finished { store, folder, place, summary, files }))
    }

    pub(super) fn table(&self) -> &TableArn {
        &self.summary.table
    }

    pub(super) fn id(&self) -> &str {
        &self.summary.id
    }

    pub(super) fn files(&self) -> usize {
        self.files.len()
    }

    /// Reads these data files, as many at a time as there are cores, until `stop` returns. What the files that were read to their
    /// end hold, and the numbers of these files.
    ///
    /// Memory: per core two buffers and a Shape.
    pub(super) async fn read(
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
            observed.merge(of_file).map_err(too_many_places(&self.summary.table.name))?;
            finished.push(number);
        }
        Ok((observed, finished))
    }

    /// Checks that what was read is all that the export has, and says how much of the table that is.
    pub(super) fn check_whole(&self, observed: Observed) -> Result<Observed, Error> {
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
    pub(super) async fn look_for_files(&self) -> Result<u64, Error> {
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
    pub(super) async fn size(&self) -> Result<ExportSize, Error> {
        let bytes = self.look_for_files().await?;
        let ExportSummary { item_count: items, billed_bytes, .. } = self.summary;
        Ok(ExportSize { items: Some(items), files: self.files.len(), bytes, billed_bytes })
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
