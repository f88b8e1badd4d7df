//! The permissions that DynamoDB operations need, including those that are only passed on.

use serde_json::Value;

use super::{ANYTHING, RequiredPermission};
use crate::context::Context;
use crate::error::AwsError;

/// Where a request names its tables.
pub(crate) enum TableSelector {
    /// Actions without resources.
    Anything,
    /// `TableName`.
    Table,
    /// `TableName`, or the index of it that `IndexName` names.
    TableOrIndex,
    /// The ARN in `ResourceArn`.
    Resource,
    /// The ARN in `TableArn`.
    TableArn,
    /// The names in `RequestItems`.
    Batch,
    /// Each of `TransactItems` is one operation on its table.
    Transaction,
}
use TableSelector::*;

/// The longest ARN of a table or of a part of one.
const MAX_ARN: usize = 1_283;
const MAX_INDEX: usize = 255;
/// The most tables or parts in a request.
const MAX_PARTS: usize = 100;

impl TableSelector {
    /// The resource types, as the Service Authorization Reference calls them; none if they depend on the request.
    pub(crate) fn resource_types(&self) -> &'static [&'static str] {
        match self {
            Anything | Transaction => &[],
            Table | TableArn | Batch | Resource => &["table"],
            TableOrIndex => &["table", "index"],
        }
    }
}

/// The operations and their resources. Each action has the name of its operation, except that transactions need
/// the actions of their parts. PartiQL is missing: what a statement needs is in its text.
pub(crate) const OPERATIONS: &[(&str, TableSelector)] = &[
    ("ListTables", Anything),
    ("DescribeLimits", Anything),
    ("DescribeEndpoints", Anything),
    ("DescribeTable", Table),
    ("DescribeTimeToLive", Table),
    ("DescribeContinuousBackups", Table),
    ("ListTagsOfResource", Resource),
    ("Scan", TableOrIndex),
    ("Query", TableOrIndex),
    ("GetItem", Table),
    ("BatchGetItem", Batch),
    ("TransactGetItems", Transaction),
    ("PutItem", Table),
    ("UpdateItem", Table),
    ("DeleteItem", Table),
    ("BatchWriteItem", Batch),
    ("TransactWriteItems", Transaction),
    ("CreateTable", Table),
    ("UpdateTable", Table),
    ("DeleteTable", Table),
    ("UpdateTimeToLive", Table),
    ("UpdateContinuousBackups", Table),
    ("ExportTableToPointInTime", TableArn),
    ("TagResource", Resource),
    ("UntagResource", Resource),
];

/// The permissions that a request needs; `None` for an unknown operation.
///
/// # Errors
/// `ValidationException` and `SerializationException` for invalid names.
pub(crate) fn required_permissions(
    context: &Context,
    operation: &str,
    body: &Value,
) -> Result<Option<Vec<RequiredPermission>>, AwsError> {
    let Some((_, on)) = OPERATIONS.iter().find(|(name, _)| *name == operation) else { return Ok(None) };
    let resources = match on {
        Anything => vec![ANYTHING.to_owned()],
        Table => vec![table(context, name(body, "TableName", MAX_ARN)?)],
        TableOrIndex => {
            let table = table(context, name(body, "TableName", MAX_ARN)?);
            match name(body, "IndexName", MAX_INDEX)? {
                "" => vec![table],
                index => vec![format!("{table}/index/{index}")],
            }
        }
        Resource => vec![name(body, "ResourceArn", MAX_ARN)?.to_owned()],
        TableArn => vec![name(body, "TableArn", MAX_ARN)?.to_owned()],
        Batch => batch(context, body)?,
        Transaction => return transaction(context, body),
    };
    Ok(Some(vec![RequiredPermission::new(&format!("dynamodb:{operation}"), resources)]))
}

/// The name of a table, index or resource, within the bounds of the service model; empty if absent.
fn name<'a>(object: &'a Value, member: &str, most: usize) -> Result<&'a str, AwsError> {
    match object.get(member) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => bounded(text, member, most),
        Some(_) => Err(AwsError::new("SerializationException", format!("{member} must be a string."))),
    }
}

fn bounded<'a>(text: &'a str, member: &str, most: usize) -> Result<&'a str, AwsError> {
    if text.len() <= most {
        return Ok(text);
    }
    Err(too_long(member, most))
}

fn too_long(member: &str, most: usize) -> AwsError {
    let must = format!("Member must have length less than or equal to {most}");
    let message = format!("1 validation error detected: Value at '{member}' failed to satisfy constraint: {must}");
    AwsError::new("ValidationException", message)
}

/// The ARN of a table given by name or ARN.
fn table(context: &Context, name: &str) -> String {
    match name.starts_with("arn:") {
        true => name.to_owned(),
        false => context.arn("dynamodb", &format!("table/{name}")),
    }
}

/// The tables of a batch: at least one ARN, so that an empty request does not avoid the check.
fn batch(context: &Context, body: &Value) -> Result<Vec<String>, AwsError> {
    let Some(tables) = body.get("RequestItems").and_then(Value::as_object).filter(|tables| !tables.is_empty()) else {
        return Ok(vec![table(context, "*")]);
    };
    if tables.len() > MAX_PARTS {
        return Err(too_long("RequestItems", MAX_PARTS));
    }
    tables.keys().map(|name| Ok(table(context, bounded(name, "RequestItems", MAX_ARN)?))).collect()
}

fn transaction(context: &Context, body: &Value) -> Result<Option<Vec<RequiredPermission>>, AwsError> {
    let Some(items) = body.get("TransactItems").and_then(Value::as_array) else { return Ok(None) };
    if items.len() > MAX_PARTS {
        return Err(too_long("TransactItems", MAX_PARTS));
    }
    let mut required = Vec::new();
    for (kind, part) in items.iter().filter_map(Value::as_object).flatten() {
        let action = match kind.as_str() {
            "Get" => "dynamodb:GetItem",
            "Put" => "dynamodb:PutItem",
            "Update" => "dynamodb:UpdateItem",
            "Delete" => "dynamodb:DeleteItem",
            "ConditionCheck" => "dynamodb:ConditionCheckItem",
            _ => return Ok(None),
        };
        required.push(RequiredPermission::new(action, vec![table(context, name(part, "TableName", MAX_ARN)?)]));
    }
    Ok((!required.is_empty()).then_some(required))
}
