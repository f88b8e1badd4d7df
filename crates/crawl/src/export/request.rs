//! Requesting an export from DynamoDB.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::{ExportDescription, ExportFormat, ExportStatus};

use super::Export;
use crate::Clients;
use crate::error::{Error, Kind};

/// How often the status is asked for. An export takes minutes at least; DescribeExport may be called 100 times a second.
const POLL_INTERVAL: Duration = Duration::from_secs(10);

/// Where in S3 an export is to be written.
#[derive(Debug, Clone, Copy)]
pub struct Destination<'a> {
    /// The bucket.
    pub bucket: &'a str,
    /// What all keys begin with; `""` for nothing.
    pub prefix: &'a str,
}

impl Export {
    /// Asks DynamoDB for an export of a table, as it is now, waits until it is there, and finds it. `progress` is told where it
    /// will be and its status, each time that DynamoDB was asked for the status.
    ///
    /// # Errors
    /// If the table has no point-in-time recovery, DynamoDB refuses, or the export fails. One that was begun and is not waited
    /// for goes on, and can be read later with [`Export::in_bucket`].
    ///
    /// # Cost
    /// No read units; DynamoDB charges for each GB of the table, S3 for keeping the files, which stay.
    pub async fn request(
        clients: &Clients,
        config: &SdkConfig,
        table: &str,
        destination: Destination<'_>,
        progress: &(dyn Fn(&str, &str) + Sync),
    ) -> Result<Export, Error> {
        let Destination { bucket, prefix } = destination;
        let description = crate::dynamodb::describe(clients, table).await?;
        let description = description
            .ok_or_else(|| Error::new(Kind::NotFound, format!("no DynamoDB table {table} in {}", clients.region)))?;
        let asked = clients
            .dynamodb
            .export_table_to_point_in_time()
            .table_arn(description.table_arn.unwrap_or_default())
            .s3_bucket(bucket)
            .set_s3_prefix((!prefix.is_empty()).then(|| prefix.to_owned()))
            .export_format(ExportFormat::DynamodbJson)
            .send()
            .await
            .map_err(Error::aws("dynamodb:ExportTableToPointInTime"))
            .map_err(|error| explained(error, table))?;
        let mut export = asked.export_description;
        let below = if prefix.is_empty() { String::new() } else { format!("{}/", prefix.trim_end_matches('/')) };
        loop {
            let known = export.ok_or_else(|| Error::new(Kind::Service, "dynamodb:DescribeExport: an empty answer"))?;
            let arn = known.export_arn().unwrap_or_default().to_owned();
            let place = format!("s3://{bucket}/{below}AWSDynamoDB/{}", arn.rsplit('/').next().unwrap_or_default());
            match known.export_status() {
                Some(ExportStatus::Completed) => return Export::in_bucket(&place, config).await,
                Some(ExportStatus::Failed) => return Err(failed(table, &known)),
                status => progress(&place, status.map_or("asked for", ExportStatus::as_str)),
            }
            tokio::time::sleep(POLL_INTERVAL).await;
            let asked = clients.dynamodb.describe_export().export_arn(arn).send().await;
            export = asked.map_err(Error::aws("dynamodb:DescribeExport"))?.export_description;
        }
    }
}

fn explained(error: Error, table: &str) -> Error {
    if !error.is("PointInTimeRecoveryUnavailableException") {
        return error;
    }
    let message = format!(
        "{table} has no point-in-time recovery, which exports are made from. To turn it on, for a charge per GB and month: \
         aws dynamodb update-continuous-backups --table-name {table} --point-in-time-recovery-specification \
         PointInTimeRecoveryEnabled=true"
    );
    Error { kind: Kind::InvalidInput, message, ..error }
}

fn failed(table: &str, export: &ExportDescription) -> Error {
    let (code, message) = (export.failure_code().unwrap_or("no reason"), export.failure_message().unwrap_or_default());
    Error::new(Kind::Service, format!("the export of {table} failed: {code}: {message}"))
}
