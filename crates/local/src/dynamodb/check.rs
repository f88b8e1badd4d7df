//! Checks requests as the DynamoDB API Reference describes, with DynamoDB's messages.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::AwsError;

/// A request that DynamoDB would refuse, or that tables in files cannot serve.
pub(super) fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("ValidationException", message)
}

/// A member that breaks a constraint.
pub(super) fn constraint(name: &str, value: &str, must: &str) -> AwsError {
    invalid(format!(
        "1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: Member must {must}"
    ))
}

/// A required member.
pub(super) fn required<'a>(name: &str, value: Option<&'a str>) -> Result<&'a str, AwsError> {
    value.ok_or_else(|| {
        invalid(format!(
            "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
        ))
    })
}

/// An optional integer within bounds.
pub(super) fn within(name: &str, value: Option<i64>, least: u32, most: u32) -> Result<Option<u32>, AwsError> {
    let Some(value) = value else { return Ok(None) };
    if value < i64::from(least) {
        return Err(constraint(name, &value.to_string(), &format!("have value greater than or equal to {least}")));
    }
    match u32::try_from(value) {
        Ok(value) if value <= most => Ok(Some(value)),
        _ => Err(constraint(name, &value.to_string(), &format!("have value less than or equal to {most}"))),
    }
}

/// The members of a request; their values are not shown in errors.
pub(super) fn members<T: DeserializeOwned>(body: Value) -> Result<T, AwsError> {
    serde_json::from_value(body)
        .map_err(|_| AwsError::new("SerializationException", "A member of the request has a value of the wrong type."))
}

/// Why `name` can't be the name of a table.
pub(super) fn table_name_problem(name: &str) -> Option<&'static str> {
    if name.len() < 3 {
        Some("have length greater than or equal to 3")
    } else if name.len() > 255 {
        Some("have length less than or equal to 255")
    } else if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b)) {
        Some("satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
    } else {
        None
    }
}
