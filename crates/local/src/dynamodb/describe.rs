//! Operations that describe tables in files.

use std::sync::Arc;

use input::definition::Billing;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::check::{constraint, invalid, members, required, table_name_problem, within};
use super::files::{FileTable, Files};
use super::key::tag;
use crate::context::Context;
use crate::error::AwsError;

/// The table that a request names, by name or ARN.
///
/// # Errors
/// As DynamoDB, if the name is missing, invalid or unknown; also if the table's files are wrong.
pub(super) fn existing(
    files: &Files,
    context: &Context,
    requested: Option<&str>,
) -> Result<(String, Arc<FileTable>), AwsError> {
    let requested = required("tableName", requested)?;
    let name = match requested.strip_prefix("arn:") {
        None => requested,
        Some(_) => requested.strip_prefix(&context.arn("dynamodb", "table/")).ok_or_else(|| not_found(requested))?,
    };
    if let Some(problem) = table_name_problem(name) {
        return Err(constraint("tableName", name, problem));
    }
    let table = files.table(name)?.ok_or_else(|| not_found(name))?;
    Ok((name.to_owned(), table))
}

fn not_found(name: &str) -> AwsError {
    AwsError::new("ResourceNotFoundException", format!("Requested resource not found: Table: {name} not found"))
}

/// All names in byte order, up to 100 a page.
pub(super) fn list_tables(files: &Files, body: Value) -> Result<Value, AwsError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct ListTablesRequest {
        exclusive_start_table_name: Option<String>,
        limit: Option<i64>,
    }
    let request: ListTablesRequest = members(body)?;
    let limit = within("limit", request.limit, 1, 100)?.unwrap_or(100);
    let start = request.exclusive_start_table_name;
    let mut names = files.names()?.into_iter().filter(|name| start.as_ref().is_none_or(|start| name > start));
    let page: Vec<String> = names.by_ref().take(limit as usize).collect();
    let mut answer = json!({ "TableNames": page });
    if let (Some(last), Some(_)) = (page.last(), names.next()) {
        answer["LastEvaluatedTableName"] = json!(last);
    }
    Ok(answer)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TableRequest {
    table_name: Option<String>,
}

/// DescribeTable. Counts are exact, not six hours old as in AWS.
pub(super) fn table(files: &Files, context: &Context, body: Value) -> Result<Value, AwsError> {
    let request: TableRequest = members(body)?;
    let (name, table) = existing(files, context, request.table_name.as_deref())?;
    let arn = context.arn("dynamodb", &format!("table/{name}"));
    let (read, write) = match table.definition.billing {
        Billing::OnDemand => (0, 0),
        Billing::Provisioned { read, write } => (read, write),
    };
    let key_roles = table.key.attributes().zip(["HASH", "RANGE"]);
    let mut description = json!({
        "TableName": name,
        "TableArn": arn,
        "TableId": table_id(&arn),
        "TableStatus": "ACTIVE",
        "CreationDateTime": table.created,
        "KeySchema": key_roles.map(|(attribute, role)| json!({ "AttributeName": attribute.name, "KeyType": role })).collect::<Vec<_>>(),
        "AttributeDefinitions": table.key.attributes()
            .map(|attribute| json!({ "AttributeName": attribute.name, "AttributeType": tag(attribute.kind) }))
            .collect::<Vec<_>>(),
        "ItemCount": table.index.len(),
        "TableSizeBytes": table.index.bytes,
        "ProvisionedThroughput": {
            "ReadCapacityUnits": read,
            "WriteCapacityUnits": write,
            "NumberOfDecreasesToday": 0,
        },
        "DeletionProtectionEnabled": false,
    });
    if table.definition.billing == Billing::OnDemand {
        description["BillingModeSummary"] =
            json!({ "BillingMode": "PAY_PER_REQUEST", "LastUpdateToPayPerRequestDateTime": table.created });
    }
    Ok(json!({ "Table": description }))
}

/// A stable id: the same table has the same id after a restart.
fn table_id(arn: &str) -> String {
    let hash = Sha256::digest(arn);
    let bytes = hash.iter().take(16).fold(0, |value: u128, byte| value << 8 | u128::from(*byte));
    uuid::Builder::from_random_bytes(bytes.to_be_bytes()).into_uuid().to_string()
}

/// ListTagsOfResource: the tags of the definition, on one page.
pub(super) fn tags(files: &Files, context: &Context, body: Value) -> Result<Value, AwsError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct ListTagsRequest {
        resource_arn: Option<String>,
    }
    let request: ListTagsRequest = members(body)?;
    let arn = request.resource_arn.unwrap_or_default();
    let known = arn.strip_prefix(&context.arn("dynamodb", "table/")).filter(|name| table_name_problem(name).is_none());
    let table = match known {
        Some(name) => files.table(name)?,
        None if arn.starts_with("arn:") => None,
        None => return Err(invalid(format!("Invalid TableArn: Invalid ResourceArn provided as input {arn}"))),
    };
    match table {
        Some(table) => {
            let tag = |(key, value): &(String, String)| json!({ "Key": key, "Value": value });
            Ok(json!({ "Tags": table.definition.tags.iter().map(tag).collect::<Vec<_>>() }))
        }
        None => Err(AwsError::new(
            "ResourceNotFoundException",
            format!("Requested resource not found: ResourceArn: {arn} not found"),
        )),
    }
}

/// DescribeTimeToLive.
pub(super) fn time_to_live(files: &Files, context: &Context, body: Value) -> Result<Value, AwsError> {
    let request: TableRequest = members(body)?;
    let (_, table) = existing(files, context, request.table_name.as_deref())?;
    let description = match &table.definition.time_to_live {
        Some(ttl) if ttl.enabled => json!({ "TimeToLiveStatus": "ENABLED", "AttributeName": ttl.attribute }),
        _ => json!({ "TimeToLiveStatus": "DISABLED" }),
    };
    Ok(json!({ "TimeToLiveDescription": description }))
}

/// DescribeContinuousBackups: tables in files have none.
pub(super) fn continuous_backups(files: &Files, context: &Context, body: Value) -> Result<Value, AwsError> {
    let request: TableRequest = members(body)?;
    existing(files, context, request.table_name.as_deref()).map_err(|error| match error.code {
        "ResourceNotFoundException" => AwsError { code: "TableNotFoundException", ..error },
        _ => error,
    })?;
    Ok(json!({ "ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": { "PointInTimeRecoveryStatus": "DISABLED" },
    } }))
}

/// DescribeLimits: the default quotas of a region.
pub(super) fn limits() -> Value {
    json!({
        "AccountMaxReadCapacityUnits": 80_000, "AccountMaxWriteCapacityUnits": 80_000,
        "TableMaxReadCapacityUnits": 40_000, "TableMaxWriteCapacityUnits": 40_000,
    })
}
