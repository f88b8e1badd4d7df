//! The manifests of an export.

use std::collections::HashSet;

use md5::{Digest, Md5};
use object_store::ObjectStore;
use object_store::path::Path;
use serde::Deserialize;

use super::objects::read_small;
use crate::error::{Error, Kind};

/// What the export is of.
pub(super) const SUMMARY: &str = "manifest-summary.json";
/// Which data files it has.
pub(super) const FILES: &str = "manifest-files.json";
/// An empty object, written first of all.
pub(super) const STARTED: &str = "_started";
/// The folder of the data files.
pub(super) const DATA: &str = "data";
/// The endings of the name of a manifest's checksum: the documentation has spelled it in both ways.
const CHECKSUMS: [&str; 2] = ["md5", "checksum"];
/// In every key of an export; what is before it is up to whoever asked for the export, or copied it.
const MARK: &str = "AWSDynamoDB/";

/// The MD5 of a file.
pub(super) type Checksum = [u8; 16];

/// What an export is of.
#[derive(Debug, Clone)]
pub(super) struct ExportSummary {
    pub table: TableArn,
    /// The name that AWS gave the export and its folder.
    pub id: String,
    /// Items, or changes of an incremental export.
    pub item_count: u64,
    /// Only what changed in a period.
    pub incremental: bool,
    /// What DynamoDB charged for.
    pub billed_bytes: Option<u64>,
}

/// The parts of a DynamoDB table's ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TableArn {
    pub region: String,
    pub account: String,
    pub name: String,
}

/// How DynamoDB wrote the items. Data files are told apart by their content; another format would be something new.
#[derive(Deserialize)]
enum Format {
    #[serde(rename = "DYNAMODB_JSON")]
    Json,
    #[serde(rename = "ION")]
    Ion,
}

/// One data file.
#[derive(Debug, Clone)]
pub(super) struct DataFile {
    /// Its key in the bucket of the export.
    pub key: String,
    /// Items, or changes.
    pub item_count: u64,
    /// Of the file as it is, compressed.
    pub md5: Checksum,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SummaryFile {
    export_arn: String,
    table_arn: String,
    manifest_files_s3_key: String,
    item_count: u64,
    #[serde(rename = "outputFormat")]
    _format: Format,
    billed_size_bytes: Option<u64>,
    /// Not in the exports of before 2023, which were all full ones.
    export_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FilesLine {
    item_count: u64,
    md5_checksum: String,
    data_file_s3_key: String,
}

/// Reads and checks both manifests of the export in `folder`.
pub(super) async fn read(
    store: &dyn ObjectStore,
    folder: &Path,
    place: &str,
) -> Result<(ExportSummary, Vec<DataFile>), Error> {
    let summary = checked(store, folder, SUMMARY, place).await?;
    let files = checked(store, folder, FILES, place).await?;
    let wrong = |name, what: String| Error::new(Kind::Data, format!("{place}/{folder}/{name}: {what}"));
    let summary = ExportSummary::parse(&summary).map_err(|what| wrong(SUMMARY, what))?;
    let files = parse_files(&files).map_err(|what| wrong(FILES, what))?;
    // Copies from several prefixes are one file where they are looked for.
    let mut paths = HashSet::new();
    for DataFile { key, .. } in &files {
        if !paths.insert(summary.locate(folder, key)?) {
            return Err(wrong(FILES, format!("lists the data file {key} twice")));
        }
    }
    let listed = files.iter().try_fold(0_u64, |sum, file| sum.checked_add(file.item_count));
    match listed {
        Some(listed) if listed == summary.item_count => Ok((summary, files)),
        Some(listed) => Err(wrong(FILES, format!("lists {listed} items, {SUMMARY} says {}", summary.item_count))),
        None => Err(wrong(FILES, "lists more items than can be counted".into())),
    }
}

/// Reads a manifest and checks it against its checksum. Without a checksum file it is taken as it is: people copy `*.json`.
async fn checked(store: &dyn ObjectStore, folder: &Path, manifest: &str, place: &str) -> Result<Vec<u8>, Error> {
    let name = |file: &str| format!("{place}/{folder}/{file}");
    let content = read_small(store, &folder.clone().join(manifest), &name(manifest)).await?;
    let content = content
        .ok_or_else(|| Error::new(Kind::Data, format!("{} is missing: copy the whole export", name(manifest))))?;
    for ending in CHECKSUMS {
        let file = manifest.replace("json", ending);
        let Some(checksum) = read_small(store, &folder.clone().join(&*file), &name(&file)).await? else { continue };
        let checksum = std::str::from_utf8(&checksum).ok().and_then(|text| parse_checksum(text.trim()));
        let checksum = checksum.ok_or_else(|| Error::new(Kind::Data, format!("{} holds no MD5", name(&file))))?;
        if Md5::digest(&content)[..] != checksum {
            let message = format!("{} does not have the MD5 in {file}: copy the export again", name(manifest));
            return Err(Error::new(Kind::Data, message));
        }
        return Ok(content);
    }
    tracing::warn!(manifest = name(manifest), "has no checksum beside it, and is taken as it is");
    Ok(content)
}

/// An MD5 in base64 or in hexadecimal digits.
fn parse_checksum(text: &str) -> Option<Checksum> {
    if text.len() == 32 {
        let byte = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
        return (0..32).step_by(2).map(byte).collect::<Option<Vec<u8>>>()?.try_into().ok();
    }
    aws_smithy_types::base64::decode(text).ok()?.try_into().ok()
}

impl ExportSummary {
    fn parse(content: &[u8]) -> Result<ExportSummary, String> {
        let file: SummaryFile = serde_json::from_slice(content).map_err(|e| e.to_string())?;
        let table = TableArn::parse(&file.table_arn).ok_or("tableArn is not the ARN of a DynamoDB table")?;
        let id = file.manifest_files_s3_key.strip_suffix(FILES).and_then(|folder| folder.strip_suffix('/'));
        let id = id.map(|folder| folder.rsplit('/').next().unwrap_or(folder));
        let id = id.or_else(|| file.export_arn.rsplit('/').next()).unwrap_or_default().to_owned();
        let incremental = match file.export_type.as_deref() {
            None | Some("FULL_EXPORT") => false,
            Some("INCREMENTAL_EXPORT") => true,
            Some(_) => return Err("exportType is neither FULL_EXPORT nor INCREMENTAL_EXPORT".into()),
        };
        Ok(ExportSummary { table, id, item_count: file.item_count, incremental, billed_bytes: file.billed_size_bytes })
    }

    /// Where a data file lies, told from where the manifests lie: exports are copied to other prefixes and to folders. Those
    /// of a full export are in `data/` in its own folder, those of incremental ones in a `data/` beside it.
    pub(super) fn locate(&self, folder: &Path, key: &str) -> Result<Path, Error> {
        let wrong = || Error::new(Kind::Data, format!("{FILES}: the key {key:?} is not one of a data file"));
        let below = key.rfind(MARK).and_then(|at| key.get(at + MARK.len()..)).ok_or_else(wrong)?;
        let own = below.strip_prefix(&self.id).and_then(|rest| rest.strip_prefix('/'));
        let (start, rest) = match own {
            Some(rest) => (folder.clone(), rest),
            None => (folder.parent().unwrap_or_default(), below),
        };
        let rest = Path::parse(rest).map_err(|_| wrong())?;
        Ok(start.parts().chain(rest.parts()).collect())
    }
}

impl TableArn {
    fn parse(arn: &str) -> Option<TableArn> {
        let mut parts = arn.splitn(6, ':');
        let (_arn, _partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        let name = resource.strip_prefix("table/").filter(|name| service == "dynamodb" && !name.contains('/'))?;
        Some(TableArn { region: region.to_owned(), account: account.to_owned(), name: name.to_owned() })
    }
}

/// JSON, one file a line.
fn parse_files(content: &[u8]) -> Result<Vec<DataFile>, String> {
    let lines = content.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.trim_ascii().is_empty());
    let file = |(at, line): (usize, &[u8])| {
        let wrong = |what: String| format!("line {}: {what}", at + 1);
        let file: FilesLine = serde_json::from_slice(line).map_err(|e| {
            // It calls every line the first.
            let text = e.to_string();
            wrong(text.split(" at line ").next().unwrap_or_default().to_owned())
        })?;
        let md5 = parse_checksum(&file.md5_checksum).ok_or_else(|| wrong("md5Checksum is no MD5".into()))?;
        Ok(DataFile { key: file.data_file_s3_key, item_count: file.item_count, md5 })
    };
    lines.map(file).collect()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const SUMMARY_TEXT: &str = r#"{"exportArn":"arn:aws:dynamodb:eu-west-1:1:table/t/export/0169-2d87","tableArn":"arn:aws:dynamodb:eu-west-1:1:table/t",
        "manifestFilesS3Key":"p/AWSDynamoDB/0169-2d87/manifest-files.json","itemCount":1,"outputFormat":"ION","exportType":"INCREMENTAL_EXPORT"}"#;
    const FILES_TEXT: &str = r#"{"itemCount":1,"md5Checksum":"d41d8cd98f00b204e9800998ecf8427e","dataFileS3Key":"p/AWSDynamoDB/0169-2d87/data/x"}
{"itemCount":0,"md5Checksum":"1B2M2Y8AsgTpgAmY7PhCfg==","dataFileS3Key":"AWSDynamoDB/data/y"}"#;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn damaged_manifests_lead_nowhere_else(
            edits in vec((any::<prop::sample::Index>(), prop_oneof![any::<u8>(), prop::sample::select(&b"/.%:\\\"\n"[..])]), 0..8),
        ) {
            let damaged = |text: &str| {
                let mut text = text.as_bytes().to_vec();
                for (at, byte) in &edits {
                    let at = at.index(text.len());
                    text[at] = *byte;
                }
                text
            };
            let (summary, files) = (ExportSummary::parse(&damaged(SUMMARY_TEXT)), parse_files(&damaged(FILES_TEXT)));
            let summary = summary.unwrap_or_else(|_| ExportSummary::parse(SUMMARY_TEXT.as_bytes()).unwrap());
            for file in files.into_iter().flatten() {
                let Ok(path) = summary.locate(&Path::from("a/b"), &file.key) else { continue };
                prop_assert!(path.as_ref().starts_with("a/") && path.parts().all(|part| part.as_ref() != ".."), "{path}");
            }
        }
    }

    fn located(folder: &str, key: &str) -> Option<String> {
        let table = TableArn::parse("arn:aws-cn:dynamodb:cn-north-1:123456789012:table/t.x").unwrap();
        let id = "0169-2d87".to_owned();
        let summary = ExportSummary { table, id, item_count: 0, incremental: false, billed_bytes: None };
        summary.locate(&Path::parse(folder).unwrap(), key).ok().map(String::from)
    }

    #[test]
    fn data_files_are_found_from_where_the_manifests_are() {
        let own = "a/AWSDynamoDB/0169-2d87/data/x.json.gz";
        assert_eq!(located("a/AWSDynamoDB/0169-2d87", own).as_deref(), Some(own));
        assert_eq!(located("copy", own).as_deref(), Some("copy/data/x.json.gz"));
        let shared = "AWSDynamoDB/data/x.json.gz";
        assert_eq!(located("b/AWSDynamoDB/0169-2d87", shared).as_deref(), Some("b/AWSDynamoDB/data/x.json.gz"));
        assert_eq!(located("copy", shared).as_deref(), Some("data/x.json.gz"));
        for outside in ["data/x", "AWSDynamoDB/../../x", "AWSDynamoDB/0169-2d87/../x"] {
            assert_eq!(located("copy", outside), None, "{outside}");
        }
    }

    #[test]
    fn checksums_are_in_base64_or_hexadecimal() {
        let digest: Checksum = Md5::digest(b"").into();
        assert_eq!(parse_checksum("1B2M2Y8AsgTpgAmY7PhCfg=="), Some(digest));
        assert_eq!(parse_checksum("d41d8cd98f00b204e9800998ecf8427e"), Some(digest));
        for none in ["", "d41d8cd98f00b204e9800998ecf8427é", "AAAA"] {
            assert_eq!(parse_checksum(none), None);
        }
    }
}
