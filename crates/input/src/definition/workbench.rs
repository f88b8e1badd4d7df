//! Models of NoSQL Workbench.

use schema::Key;
use serde_json::Value;

use super::{Billing, Defined, Table, kind, list, number, text};

/// The tables of a model.
pub(super) fn tables(model: &Value) -> Vec<Defined> {
    let defined = |table: &Value| {
        let name = text(table, "TableName").map(str::to_owned);
        Defined { table: read(table, name.clone()), name }
    };
    list(model, "DataModel").iter().map(defined).collect()
}

fn read(table: &Value, name: Option<String>) -> Result<Table, String> {
    let key = |role: &str| {
        let Some(key) = table.get("KeyAttributes").and_then(|keys| keys.get(role)) else { return Ok(None) };
        match text(key, "AttributeName").zip(text(key, "AttributeType").and_then(kind)) {
            Some((name, kind)) => Ok(Some(Key { name: name.to_owned(), kind })),
            None => Err(format!("{role} must have an AttributeName, and an AttributeType that is S, N or B")),
        }
    };
    let settings = table.get("ProvisionedCapacitySettings").and_then(|settings| settings.get("ProvisionedThroughput"));
    let units =
        settings.and_then(|units| Some((number(units, "ReadCapacityUnits")?, number(units, "WriteCapacityUnits")?)));
    Ok(Table {
        name,
        hash: key("PartitionKey")?.ok_or("KeyAttributes must have a PartitionKey")?,
        range: key("SortKey")?,
        billing: match (text(table, "BillingMode"), units) {
            (Some("PROVISIONED"), Some((read, write))) => Billing::Provisioned { read, write },
            _ => Billing::OnDemand,
        },
        time_to_live: None,
        tags: Vec::new(),
    })
}
