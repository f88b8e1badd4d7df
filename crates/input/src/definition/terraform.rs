//! What `terraform show -json` prints of a plan or a state.

use schema::{Key, escape};
use serde_json::Value;

use super::{Billing, Defined, Table, TimeToLive, kind, list, number, text};

/// How deep modules are in one another.
const MAX_MODULES: u32 = 32;

/// The values of a plan, or else of a state.
pub(super) fn values(document: &Value) -> Option<&Value> {
    let values = document.get("planned_values").or_else(|| document.get("values"))?;
    values.get("root_module").is_some().then_some(values)
}

/// The tables of all modules.
pub(super) fn tables(values: &Value) -> Vec<Defined> {
    let mut found = Vec::new();
    if let Some(module) = values.get("root_module") {
        from_module(module, 0, &mut found);
    }
    found
}

fn from_module(module: &Value, depth: u32, found: &mut Vec<Defined>) {
    for resource in list(module, "resources") {
        if text(resource, "type") == Some("aws_dynamodb_table")
            && let Some(values) = resource.get("values")
        {
            let name = text(values, "name").or_else(|| text(resource, "name")).map(str::to_owned);
            found.push(Defined { table: read(values, name.clone()), name });
        }
    }
    if depth < MAX_MODULES {
        for child in list(module, "child_modules") {
            from_module(child, depth + 1, found);
        }
    }
}

fn read(values: &Value, name: Option<String>) -> Result<Table, String> {
    let key = |name: &str| {
        let attribute = list(values, "attribute").iter().find(|attribute| text(attribute, "name") == Some(name));
        let kind = attribute.and_then(|attribute| kind(text(attribute, "type")?));
        let problem = || format!("an attribute block must give the key attribute \"{}\" its type", escape::line(name));
        kind.map(|kind| Key { name: name.to_owned(), kind }).ok_or_else(problem)
    };
    let hash =
        text(values, "hash_key").ok_or("hash_key is missing or not known yet: apply the plan and show the state")?;
    let range = text(values, "range_key").filter(|range| !range.is_empty());
    let units = number(values, "read_capacity").zip(number(values, "write_capacity"));
    let ttl = list(values, "ttl").first();
    let tags = values.get("tags_all").or_else(|| values.get("tags")).and_then(Value::as_object);
    Ok(Table {
        name,
        hash: key(hash)?,
        range: range.map(key).transpose()?,
        billing: match (text(values, "billing_mode"), units) {
            (Some("PAY_PER_REQUEST"), _) | (_, None | Some((0, 0))) => Billing::OnDemand,
            (_, Some((read, write))) => Billing::Provisioned { read, write },
        },
        time_to_live: ttl.and_then(|ttl| {
            let attribute = text(ttl, "attribute_name").filter(|name| !name.is_empty())?.to_owned();
            Some(TimeToLive { attribute, enabled: ttl.get("enabled").and_then(Value::as_bool) == Some(true) })
        }),
        tags: tags
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect(),
    })
}
