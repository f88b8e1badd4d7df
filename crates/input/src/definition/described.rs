//! A table as requests and answers of DynamoDB describe it, and as templates do.

use schema::{Key, escape};
use serde_json::Value;

use super::{Billing, Defined, Table, TimeToLive, kind, list, number, text};

/// Reads a CreateTable request, or what DescribeTable answers without what it is wrapped in.
pub(super) fn table(value: &Value) -> Defined {
    let name = text(value, "TableName").map(str::to_owned);
    Defined { table: read(value, name.clone()), name }
}

/// Reads the members that all of these have.
///
/// # Errors
/// What to write.
pub(super) fn read(value: &Value, name: Option<String>) -> Result<Table, String> {
    let (hash, range) = keys(value)?;
    Ok(Table { name, hash, range, billing: billing(value)?, time_to_live: time_to_live(value), tags: tags(value) })
}

fn keys(value: &Value) -> Result<(Key, Option<Key>), String> {
    if value.get("KeySchema").is_none() {
        return Err(
            "KeySchema is missing: it must be one HASH attribute, or a HASH and then a RANGE attribute".to_owned()
        );
    }
    let elements: Option<Vec<(&str, &str)>> = list(value, "KeySchema")
        .iter()
        .map(|element| Some((text(element, "AttributeName")?, text(element, "KeyType")?)))
        .collect();
    let (hash, range) = match elements.as_deref() {
        Some([(hash, "HASH")]) => (*hash, None),
        Some([(hash, "HASH"), (range, "RANGE")]) => (*hash, Some(*range)),
        _ => {
            return Err("KeySchema must be one HASH attribute, or a HASH and then a RANGE attribute, each with its \
                 AttributeName and KeyType as plain text"
                .to_owned());
        }
    };
    if range == Some(hash) {
        return Err("KeySchema names one attribute twice".to_owned());
    }
    let key = |name: &str| {
        let mut definitions = list(value, "AttributeDefinitions")
            .iter()
            .filter(|definition| text(definition, "AttributeName") == Some(name));
        match (definitions.next().and_then(|definition| kind(text(definition, "AttributeType")?)), definitions.next()) {
            (Some(kind), None) => Ok(Key { name: name.to_owned(), kind }),
            _ => Err(format!(
                "AttributeDefinitions must give the key attribute \"{}\" once, with the type S, N or B",
                escape::line(name)
            )),
        }
    };
    Ok((key(hash)?, range.map(key).transpose()?))
}

fn billing(value: &Value) -> Result<Billing, String> {
    let mode = text(value, "BillingMode")
        .or_else(|| value.get("BillingModeSummary").and_then(|summary| text(summary, "BillingMode")));
    let throughput = value.get("ProvisionedThroughput");
    if mode == Some("PROVISIONED") && throughput.is_none() && value.get("WriteProvisionedThroughputSettings").is_none()
    {
        return Err("BillingMode PROVISIONED needs ProvisionedThroughput".to_owned());
    }
    let units = throughput.and_then(|throughput| {
        Some((number(throughput, "ReadCapacityUnits")?, number(throughput, "WriteCapacityUnits")?))
    });
    match (mode, units) {
        (Some("PAY_PER_REQUEST"), _) | (_, None | Some((0, 0))) => Ok(Billing::OnDemand),
        (_, Some((read, write))) => Ok(Billing::Provisioned { read, write }),
    }
}

fn time_to_live(value: &Value) -> Option<TimeToLive> {
    let specification = value.get("TimeToLiveSpecification").or_else(|| value.get("TimeToLiveDescription"))?;
    let enabled = specification.get("Enabled");
    Some(TimeToLive {
        attribute: text(specification, "AttributeName")?.to_owned(),
        enabled: enabled.and_then(Value::as_bool) == Some(true)
            || enabled.and_then(Value::as_str) == Some("true")
            || text(specification, "TimeToLiveStatus").is_some_and(|status| status.starts_with("ENABL")),
    })
}

/// Lists of CloudFormation, and the maps of SAM.
fn tags(value: &Value) -> Vec<(String, String)> {
    match value.get("Tags") {
        Some(Value::Array(tags)) => {
            tags.iter().filter_map(|tag| Some((text(tag, "Key")?.to_owned(), text(tag, "Value")?.to_owned()))).collect()
        }
        Some(Value::Object(tags)) => {
            tags.iter().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
        }
        _ => Vec::new(),
    }
}
