//! DynamoDB: tables in files, read-only, or another endpoint behind this one.
//!
//! # Table files
//!
//! A table of the folder is `NAME.json`, the request of CreateTable (`KeySchema` and `AttributeDefinitions`; optionally
//! `TableName`, which must be `NAME`, `BillingMode`, `ProvisionedThroughput`, `TimeToLiveSpecification`, `Tags`), beside
//! its items in `NAME.jsonl` or `NAME.jsonl.gz`, one a line in DynamoDB JSON, bare or under `"Item"` as in exports to S3.
//! Without either the table is empty. Of items with the same key the last line wins.
//!
//! Served: ListTables, DescribeTable, Scan, ListTagsOfResource, DescribeTimeToLive, DescribeContinuousBackups and
//! DescribeLimits, the same in every region. Items are returned as written in the file. A changed file is
//! read again; a wrong one fails only requests for its own table, with file, line and column.
//!
//! # Cost
//!
//! The first request for a table reads its file once, and keeps 32 bytes an item. A `.gz` is unpacked into the state
//! folder, or a temporary one. Scan reads the items of its page from the file.

mod check;
mod copying;
mod describe;
mod files;
mod folder;
mod index;
mod item;
mod key;
mod listing;
mod naming;
mod number;
mod scan;
mod spool;

use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Response, request};
use bytes::Bytes;
use serde_json::Value;

use crate::blocking::blocking;
use crate::config::{Source, StartError};
use crate::context::Context;
use crate::error::AwsError;
use crate::forward::Forward;
use crate::wire::{Call, Service, json_answer, json_body};
use files::Files;

/// How DynamoDB requests are answered.
pub(crate) enum DynamoDb {
    Files(Arc<Files>),
    Forward(Box<Forward>),
    ClientOnly,
}

impl DynamoDb {
    pub(crate) fn open(source: &Source, state: Option<&Path>) -> Result<DynamoDb, StartError> {
        Ok(match source {
            Source::None => DynamoDb::Files(Arc::new(Files::none())),
            Source::Files(folder) => DynamoDb::Files(Arc::new(Files::open(folder, state)?)),
            Source::Endpoint(url) => DynamoDb::Forward(Box::new(Forward::new(url)?)),
            Source::Client(_) => DynamoDb::ClientOnly,
        })
    }

    pub(crate) async fn answer(
        &self,
        call: Call,
        parts: request::Parts,
        body: Bytes,
        context: Context,
    ) -> Result<Response<Body>, AwsError> {
        match self {
            DynamoDb::Forward(forward) => forward.send(Service::DynamoDb, parts, body).await,
            DynamoDb::Files(files) => {
                let files = Arc::clone(files);
                let body = json_body(&body)?;
                let answer = blocking(move || answer(&files, &context, &call.operation, body)).await?;
                Ok(json_answer(Service::DynamoDb, answer))
            }
            DynamoDb::ClientOnly => Err(AwsError::new(
                "UnknownOperationException",
                "DynamoDB is not served here: crawls read it through the client that this endpoint was started with.",
            )),
        }
    }
}

fn answer(files: &Files, context: &Context, operation: &str, body: Value) -> Result<Bytes, AwsError> {
    let answer = match operation {
        "Scan" => return scan::scan(files, context, body),
        "ListTables" => describe::list_tables(files, body)?,
        "DescribeTable" => describe::table(files, context, body)?,
        "ListTagsOfResource" => describe::tags(files, context, body)?,
        "DescribeTimeToLive" => describe::time_to_live(files, context, body)?,
        "DescribeContinuousBackups" => describe::continuous_backups(files, context, body)?,
        "DescribeLimits" => describe::limits(),
        _ => {
            return Err(AwsError::new(
                "UnknownOperationException",
                format!(
                    "{operation} is not served: tables out of files are read-only, through ListTables, DescribeTable and Scan."
                ),
            ));
        }
    };
    Ok(answer.to_string().into())
}
