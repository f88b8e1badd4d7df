//! Reading objects of an export, from a folder or from S3.

use std::path::Path as FilePath;

use futures::StreamExt;
use input::files;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::s3;
use crate::answer;
use crate::error::{Error, Kind};

/// The longest manifest, in bytes: it has some 200 for each data file.
const MAX_MANIFEST: usize = 256 << 20;

/// The content of an object of the size of a manifest; `None` if it does not exist.
///
/// # Errors
/// [`Kind::Data`] if it is longer; else what the store says.
pub(super) async fn read_small(store: &dyn ObjectStore, path: &Path, name: &str) -> Result<Option<Vec<u8>>, Error> {
    check_regular(name)?;
    let mut chunks = match store.get(path).await {
        Ok(object) => object.into_stream(),
        Err(error) if s3::kind(&error) == Kind::NotFound => return Ok(None),
        Err(error) => return Err(store_error(name, error)),
    };
    let mut content = Vec::new();
    while let Some(chunk) = chunks.next().await {
        content.extend_from_slice(&chunk.map_err(|error| store_error(name, error))?);
        if content.len() > MAX_MANIFEST {
            return Err(Error::new(Kind::Data, format!("{name}: {}", answer::too_long(MAX_MANIFEST))));
        }
    }
    Ok(Some(content))
}

/// Refuses what is in a folder and is no regular file: opening a FIFO would wait for ever. What is missing is left to the
/// store.
pub(super) fn check_regular(name: &str) -> Result<(), Error> {
    let path = FilePath::new(name);
    if name.starts_with("s3://") || !files::is_there(path).unwrap_or(false) {
        return Ok(());
    }
    files::regular(path).map(drop).map_err(|e| Error::new(Kind::Data, format!("{name}: {e}")))
}

/// An error of the store, about the object `name`.
pub(super) fn store_error(name: &str, error: object_store::Error) -> Error {
    Error::new(s3::kind(&error), format!("{name}: {}", s3::message(&error)))
}
