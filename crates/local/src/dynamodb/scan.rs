//! Scan of a table in files.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::check::{constraint, invalid, members, within};
use super::describe::existing;
use super::files::{FileTable, Files, changed};
use super::index::Segment;
use super::item::measure;
use crate::context::Context;
use crate::error::AwsError;

/// The largest page, in bytes: it ends before the item that would exceed it.
const PAGE: u64 = 1024 * 1024;

/// The most segments that a table may be split into.
const MAX_SEGMENTS: u32 = 1_000_000;

/// The bytes of a page that one read unit pays for.
const READ_UNIT: u64 = 4 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ScanRequest {
    table_name: Option<String>,
    limit: Option<i64>,
    segment: Option<i64>,
    total_segments: Option<i64>,
    exclusive_start_key: Option<Map<String, Value>>,
    select: Option<String>,
    return_consumed_capacity: Option<String>,
    consistent_read: Option<bool>,
    /// Members that would change the answer and are not supported.
    #[serde(flatten)]
    unsupported: BTreeMap<String, Value>,
}

/// Answers one page.
///
/// # Errors
/// As DynamoDB for wrong requests; filters, projections and indexes are refused.
pub(super) fn scan(files: &Files, context: &Context, body: Value) -> Result<Bytes, AwsError> {
    let request: ScanRequest = members(body)?;
    request.check_supported()?;
    let segment = request.segment()?;
    let limit = within("limit", request.limit, 1, u32::MAX)?;
    let count_only = match request.select.as_deref() {
        None | Some("ALL_ATTRIBUTES") => false,
        Some("COUNT") => true,
        Some(_) => return Err(invalid("Select is served as ALL_ATTRIBUTES or COUNT on tables out of files.")),
    };
    let (name, table) = existing(files, context, request.table_name.as_deref())?;
    let start = request.exclusive_start_key.as_ref().map(|key| start_position(&table, key, segment)).transpose()?;

    let page = ScanPage::read(&table, segment, start, limit, count_only)?;
    let mut rest = json!({ "Count": page.count, "ScannedCount": page.count });
    if let Some(key) = page.last_key {
        rest["LastEvaluatedKey"] = key;
    }
    if let Some(capacity) = request.capacity(&name, page.size)? {
        rest["ConsumedCapacity"] = capacity;
    }
    Ok(join(rest, page.items))
}

/// Copies the bytes of the items from the file into the answer.
fn join(rest: Value, items: Option<Vec<u8>>) -> Bytes {
    let mut answer = rest.to_string().into_bytes();
    if let Some(items) = items {
        answer.pop();
        answer.extend(b",\"Items\":[");
        answer.extend(items);
        answer.extend(b"]}");
    }
    answer.into()
}

impl ScanRequest {
    fn check_supported(&self) -> Result<(), AwsError> {
        match self.unsupported.iter().find(|(_, value)| !value.is_null()) {
            None => Ok(()),
            Some((name, _)) => Err(invalid(format!("{name} is not supported in a Scan of tables out of files."))),
        }
    }

    fn segment(&self) -> Result<Segment, AwsError> {
        let number = within("segment", self.segment, 0, MAX_SEGMENTS - 1)?;
        let total = within("totalSegments", self.total_segments, 1, MAX_SEGMENTS)?;
        let (number, total) = match (number, total) {
            (None, None) => return Ok(Segment::WHOLE),
            (Some(_), None) => {
                return Err(invalid(
                    "The TotalSegments parameter is required but was not present in the request when Segment parameter is present",
                ));
            }
            (None, Some(_)) => {
                return Err(invalid(
                    "The Segment parameter is required but was not present in the request when parameter TotalSegments is present",
                ));
            }
            (Some(number), Some(total)) => (number, total),
        };
        if number >= total {
            return Err(invalid(format!(
                "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: {number} is not less than TotalSegments: {total}"
            )));
        }
        Ok(Segment { number, total })
    }

    /// `size` bytes read, in read units: half of one for every 4 KB begun, a whole one if consistent.
    fn capacity(&self, table: &str, size: u64) -> Result<Option<Value>, AwsError> {
        let halves = size.div_ceil(READ_UNIT).max(1) * if self.consistent_read == Some(true) { 2 } else { 1 };
        let units = halves as f64 / 2.0;
        match self.return_consumed_capacity.as_deref() {
            None | Some("NONE") => Ok(None),
            Some("TOTAL") => Ok(Some(json!({ "TableName": table, "CapacityUnits": units }))),
            Some("INDEXES") => Ok(Some(json!({
                "TableName": table, "CapacityUnits": units, "Table": { "CapacityUnits": units },
            }))),
            Some(other) => {
                let must = "satisfy enum value set: [INDEXES, TOTAL, NONE]";
                Err(constraint("returnConsumedCapacity", other, must))
            }
        }
    }
}

fn start_position(table: &FileTable, key: &Map<String, Value>, segment: Segment) -> Result<u128, AwsError> {
    let position = table.key.parse(key).and_then(|key| table.key.position(&key)).ok_or_else(|| {
        invalid("The provided starting key is invalid: The provided key element does not match the schema")
    })?;
    if !segment.holds(position) {
        return Err(invalid(format!(
            "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: {} Segment: {}",
            segment.total, segment.number
        )));
    }
    Ok(position)
}

/// One page of a scan.
struct ScanPage {
    count: u32,
    /// Bytes as DynamoDB counts them.
    size: u64,
    /// JSON, separated by commas.
    items: Option<Vec<u8>>,
    /// Where the next page starts; `None` at the end of the segment.
    last_key: Option<Value>,
}

impl ScanPage {
    /// Like DynamoDB, a page that `limit` ends has a last key even when nothing follows.
    fn read(
        table: &Arc<FileTable>,
        segment: Segment,
        start: Option<u128>,
        limit: Option<u32>,
        count_only: bool,
    ) -> Result<ScanPage, AwsError> {
        let (entries, data) = (table.index.after(segment, start), table.items()?);
        let mut page = ScanPage { count: 0, size: 0, items: (!count_only).then(Vec::new), last_key: None };
        let mut last = None;
        for entry in entries {
            let size = page.size + u64::from(entry.size);
            if limit == Some(page.count) || (page.count > 0 && size > PAGE) {
                break;
            }
            if let Some(items) = &mut page.items {
                if page.count > 0 {
                    items.push(b',');
                }
                data.read(entry, items)?;
            }
            page.size = size;
            page.count += 1;
            last = Some(entry);
        }
        let ended_early = (page.count as usize) < entries.len() || limit == Some(page.count);
        if let (Some(entry), true) = (last, ended_early) {
            let mut item = Vec::new();
            data.read(entry, &mut item)?;
            let measured = measure(&item, &table.key).map_err(|_| changed())?;
            // If an item moved since it was indexed, its key would send the client to another place of the table.
            if table.key.position(&measured.key) != Some(entry.position) {
                return Err(changed());
            }
            page.last_key = Some(table.key.to_json(&measured.key));
        }
        Ok(page)
    }
}
