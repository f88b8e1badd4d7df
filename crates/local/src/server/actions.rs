//! The permissions that the endpoint checks, for comparison with what AWS publishes.

use serde_json::{Value, json};

use crate::access::{dynamodb, iam};
use crate::glue::{operations, permissions};

/// Every action that the endpoint checks, with its resource types and condition keys, under the names of the Service
/// Authorization Reference. `aws:RequestTag/x` stands for any tag.
pub(crate) fn actions() -> Value {
    let row = |action: String, resources: Vec<&str>, keys: Vec<&str>| json!({"action": action, "resources": resources, "keys": keys});
    let mut rows = Vec::new();
    for (operation, on) in operations::OPERATIONS {
        let kinds = on.iter().flat_map(|on| on.resource_types()).copied().collect();
        rows.push(row(format!("glue:{operation}"), kinds, permissions::condition_keys(operation).to_vec()));
    }
    // Transactions are not actions: they need the actions of their parts.
    for (operation, on) in dynamodb::OPERATIONS.iter().filter(|(name, _)| !name.starts_with("Transact")) {
        rows.push(row(format!("dynamodb:{operation}"), on.resource_types().to_vec(), Vec::new()));
    }
    rows.push(row(
        "dynamodb:ConditionCheckItem".to_owned(),
        dynamodb::TableSelector::Table.resource_types().to_vec(),
        Vec::new(),
    ));
    for (service, operations) in [("iam", iam::OPERATIONS), ("sts", iam::STS_OPERATIONS)] {
        for (operation, on, keys) in operations {
            let keys = keys.iter().flat_map(|key| key.names()).copied().collect();
            rows.push(row(format!("{service}:{operation}"), on.resource_type().into_iter().collect(), keys));
        }
    }
    for (operation, action) in iam::TAGGED {
        let made =
            iam::OPERATIONS.iter().find(|(name, ..)| name == operation).and_then(|(_, on, _)| on.resource_type());
        rows.push(row((*action).to_owned(), made.into_iter().collect(), iam::ConditionKey::Tags.names().to_vec()));
    }
    rows.push(row("iam:PassRole".to_owned(), vec!["role"], vec![permissions::PASSED_TO]));
    Value::Array(rows)
}
