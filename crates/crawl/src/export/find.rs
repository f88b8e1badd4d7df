//! Finding an export in a folder or in S3.

use std::path::Path as FilePath;

use input::files;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::path::Path;

use super::manifest;
use super::objects::{check_regular, store_error};
use crate::error::{Error, Kind};

/// How far below the given place an export is looked for: `prefix/AWSDynamoDB/ID` are three.
pub(super) const MAX_DEPTH: usize = 4;
/// The most exports that a message names.
const MAX_NAMED: usize = 5;

/// The store, the place in it to look from, and the store's name; `None` for a file that is no manifest. The store reaches from the folder above an export, since the
/// data files of incremental exports lie beside their folders.
pub(super) fn in_folder(path: &FilePath) -> Result<Option<(LocalFileSystem, Path, String)>, Error> {
    let wrong = |e: &dyn std::fmt::Display| Error::new(Kind::Settings, format!("the export {}: {e}", path.display()));
    let mut folder = path.canonicalize().map_err(|e| wrong(&e))?;
    if !folder.is_dir() {
        files::regular(&folder).map_err(|e| wrong(&e))?;
        let is_manifest = [manifest::SUMMARY, manifest::FILES].iter().any(|name| folder.ends_with(name));
        if !is_manifest || !folder.pop() {
            return Ok(None);
        }
    }
    let summary = folder.join(manifest::SUMMARY);
    if files::is_there(&summary).map_err(|e| wrong(&e))? {
        check_regular(&summary.to_string_lossy())?;
    }
    let (root, start) = match (folder.parent(), folder.file_name().and_then(|name| name.to_str())) {
        (Some(parent), Some(name)) if summary.is_file() => (parent, Path::parse(name).map_err(|e| wrong(&e))?),
        _ => (&*folder, Path::default()),
    };
    let store = LocalFileSystem::new_with_prefix(root).map_err(|e| wrong(&e))?;
    Ok(Some((store, start, root.display().to_string())))
}

/// The folder of the one export at or below `start`; `None` if there is none at all.
pub(super) async fn find_folder(store: &dyn ObjectStore, start: Path, place: &str) -> Result<Option<Path>, Error> {
    let (mut found, mut started) = (Vec::new(), Vec::new());
    let mut level = vec![start.clone()];
    for _ in 0..=MAX_DEPTH {
        let mut below = Vec::new();
        for folder in level {
            let listing = store.list_with_delimiter(Some(&folder)).await;
            let listing = listing.map_err(|e| store_error(&format!("{place}/{folder}"), e))?;
            let has = |name| listing.objects.iter().any(|object| object.location.filename() == Some(name));
            if has(manifest::SUMMARY) {
                found.push(folder);
            } else if has(manifest::STARTED) {
                started.push(folder);
            } else {
                let is_data = |folder: &Path| folder.filename() == Some(manifest::DATA);
                below.extend(listing.common_prefixes.into_iter().filter(|folder| !is_data(folder)));
            }
        }
        level = below;
    }
    let names = |folders: &[Path]| {
        let named: Vec<&str> = folders.iter().take(MAX_NAMED).map(AsRef::as_ref).collect();
        format!("{}{}", named.join(", "), if folders.len() > MAX_NAMED { ", …" } else { "" })
    };
    let message = match (&found[..], &started[..]) {
        ([export], _) => return Ok(Some(export.clone())),
        ([], []) => return Ok(None),
        ([], started) => format!(
            "{place}: the export in {} was begun and has no {}: it runs still, or it failed",
            names(started),
            manifest::SUMMARY
        ),
        (several, _) => {
            format!("{place}/{start}: {} exports: name one of {}", several.len(), names(several))
        }
    };
    Err(Error::new(Kind::NotFound, message))
}
