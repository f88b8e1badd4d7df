//! What DynamoDB's operations need, those included that are only passed on.

use serde_json::Value;

use super::{ANYTHING, RequiredPermission};
use crate::context::Context;
use crate::error::AwsError;

/// Where a request names the tables that it means.
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

/// The longest ARN of a table or a resource of one.
const MAX_ARN: usize = 1_283;
const MAX_INDEX: usize = 255;
/// Tables or parts of one request.
const MAX_PARTS: usize = 100;

impl TableSelector {
    /// The types of its resources, as the Service Authorization Reference calls them; none where they depend on the request.
    pub(crate) fn resource_types(&self) -> &'static [&'static str] {
        match self {
            Anything | Transaction => &[],
            Table | TableArn | Batch | Resource => &["table"],
            TableOrIndex => &["table", "index"],
        }
    }
}

/// The operations and their resources. An action is named as its operation, but for transactions, which need the actions of
/// their parts. PartiQL is not among them: what a statement needs stands in its text.
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

/// What a request needs; `None` for an operation without an entry.
///
/// # Errors
/// `ValidationException` and `SerializationException` for names that can't be ones.
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

/// What names a table, an index or a resource, as the service model bounds it; empty where it is absent.
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

/// A table is named by name or ARN.
fn table(context: &Context, name: &str) -> String {
    match name.starts_with("arn:") {
        true => name.to_owned(),
        false => context.arn("dynamodb", &format!("table/{name}")),
    }
}

/// At least one, so that an empty request is no way around.
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
