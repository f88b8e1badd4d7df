//! What DynamoDB's operations need, those included that are only passed on.

use serde_json::Value;

use super::{ANYTHING, Need};
use crate::context::Context;

/// Where a request names the tables that it means.
pub(crate) enum On {
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
use On::*;

impl On {
    /// The types of its resources, as the Service Authorization Reference calls them; none where they depend on the request.
    pub(super) fn kinds(&self) -> &'static [&'static str] {
        match self {
            Anything | Transaction => &[],
            Table | TableArn | Batch | Resource => &["table"],
            TableOrIndex => &["table", "index"],
        }
    }
}

/// The operations and their resources. An action is named as its operation, but for transactions, which need the actions of
/// their parts. PartiQL is not among them: what a statement needs stands in its text.
pub(crate) const OPERATIONS: &[(&str, On)] = &[
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
pub(super) fn needs(context: &Context, operation: &str, body: &Value) -> Option<Vec<Need>> {
    let (_, on) = OPERATIONS.iter().find(|(name, _)| *name == operation)?;
    let action = format!("dynamodb:{operation}");
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let resources = match on {
        Anything => vec![ANYTHING.to_owned()],
        Table => vec![table(context, text("TableName"))],
        TableOrIndex => match text("IndexName") {
            "" => vec![table(context, text("TableName"))],
            index => vec![format!("{}/index/{index}", table(context, text("TableName")))],
        },
        Resource => vec![text("ResourceArn").to_owned()],
        TableArn => vec![text("TableArn").to_owned()],
        Batch => {
            let tables = body.get("RequestItems").and_then(Value::as_object);
            let arns: Vec<String> = tables.into_iter().flatten().map(|(name, _)| table(context, name)).collect();
            if arns.is_empty() { vec![table(context, "*")] } else { arns }
        }
        Transaction => return transaction(context, body),
    };
    Some(vec![Need::new(&action, resources)])
}

/// A table is named by name or ARN.
fn table(context: &Context, name: &str) -> String {
    match name.starts_with("arn:") {
        true => name.to_owned(),
        false => context.arn("dynamodb", &format!("table/{name}")),
    }
}

fn transaction(context: &Context, body: &Value) -> Option<Vec<Need>> {
    let items = body.get("TransactItems")?.as_array()?;
    let mut needs = Vec::new();
    for (kind, part) in items.iter().filter_map(Value::as_object).flatten() {
        let action = match kind.as_str() {
            "Get" => "dynamodb:GetItem",
            "Put" => "dynamodb:PutItem",
            "Update" => "dynamodb:UpdateItem",
            "Delete" => "dynamodb:DeleteItem",
            "ConditionCheck" => "dynamodb:ConditionCheckItem",
            _ => return None,
        };
        let name = part.get("TableName").and_then(Value::as_str).unwrap_or_default();
        needs.push(Need::new(action, vec![table(context, name)]));
    }
    (!needs.is_empty()).then_some(needs)
}
