//! Checks parameters as the IAM API Reference describes.

use crate::error::AwsError;
use crate::wire::params::Params;

/// How much of a wrong value a message shows, in characters.
const SHOWN: usize = 2_048;

/// `Value '…' at '…' failed to satisfy constraint: …`, as IAM words it.
pub(super) fn constraint(name: &str, value: &str, must: &str) -> AwsError {
    let value: String = value.chars().take(SHOWN).collect();
    let message = format!(
        "1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: Member must {must}"
    );
    AwsError::new("ValidationError", message)
}

fn invalid(name: &str, must: &str) -> AwsError {
    AwsError::new("ValidationError", format!("The specified value for {name} is invalid. It must {must}"))
}

/// At most `most` characters, and at least one where `least` is 1.
pub(super) fn length(name: &str, value: &str, least: usize, most: usize) -> Result<(), AwsError> {
    let length = value.chars().count();
    if length < least {
        return Err(constraint(name, value, &format!("have length greater than or equal to {least}")));
    }
    if length > most {
        return Err(constraint(name, value, &format!("have length less than or equal to {most}")));
    }
    Ok(())
}

/// The parameter RoleName.
pub(crate) fn role_name(params: &Params) -> Result<&str, AwsError> {
    name(params, "RoleName", "roleName", 64)
}

/// The parameter PolicyName.
pub(crate) fn policy_name(params: &Params) -> Result<&str, AwsError> {
    name(params, "PolicyName", "policyName", 128)
}

fn name<'a>(params: &'a Params, parameter: &str, shown: &str, most: usize) -> Result<&'a str, AwsError> {
    let value = params.required(parameter)?;
    length(shown, value, 1, most)?;
    if !value.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b)) {
        return Err(invalid(shown, "contain only alphanumeric characters and/or the following: +=,.@_-"));
    }
    Ok(value)
}

/// The parameter Path; `/` by default.
pub(crate) fn path(params: &Params) -> Result<&str, AwsError> {
    let path = params.get("Path").unwrap_or("/");
    length("path", path, 1, 512)?;
    if !path.starts_with('/')
        || !path.ends_with('/')
        || path.contains("//")
        || !path.bytes().all(|b| b.is_ascii_graphic())
    {
        return Err(invalid(
            "path",
            "begin and end with / and contain only alphanumeric characters and/or / characters.",
        ));
    }
    Ok(path)
}

/// The parameter PathPrefix; `/` by default.
pub(crate) fn path_prefix(params: &Params) -> Result<&str, AwsError> {
    let prefix = params.get("PathPrefix").unwrap_or("/");
    length("pathPrefix", prefix, 1, 512)?;
    if !prefix.starts_with('/') || !prefix.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(invalid(
            "pathPrefix",
            "begin with / and contain only alphanumeric characters and/or / characters.",
        ));
    }
    Ok(prefix)
}

/// The parameter Description.
pub(super) fn description(params: &Params) -> Result<Option<&str>, AwsError> {
    let Some(description) = params.get("Description") else { return Ok(None) };
    length("description", description, 0, 1000)?;
    let allowed = |c| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{A1}'..='\u{FF}');
    if !description.chars().all(allowed) {
        let must = r"satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*";
        return Err(constraint("description", description, must));
    }
    Ok(Some(description))
}

/// The parameter MaxSessionDuration, in seconds.
pub(super) fn max_session(params: &Params) -> Result<Option<i64>, AwsError> {
    let Some(seconds) = params.number("MaxSessionDuration")? else { return Ok(None) };
    if seconds < 3600 {
        return Err(constraint("maxSessionDuration", &seconds.to_string(), "have value greater than or equal to 3600"));
    }
    if seconds > 43_200 {
        return Err(constraint("maxSessionDuration", &seconds.to_string(), "have value less than or equal to 43200"));
    }
    Ok(Some(seconds))
}

/// The parameter RoleArn; only its length is checked.
pub(crate) fn role_arn(params: &Params) -> Result<&str, AwsError> {
    let arn = params.required("RoleArn")?;
    length("roleArn", arn, 20, 2048)?;
    Ok(arn)
}

/// A parameter that holds the ARN of a managed policy.
pub(crate) fn policy_arn<'a>(params: &'a Params, parameter: &str) -> Result<&'a str, AwsError> {
    let arn = params.required(parameter)?;
    length("arn", arn, 1, 2048)?;
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts[..] {
        ["arn", partition, "iam", "", account, resource]
            if partition.starts_with("aws")
                && (account == "aws" || account.len() == 12)
                && resource.strip_prefix("policy/").is_some_and(|name| !name.is_empty()) =>
        {
            Ok(arn)
        }
        _ => Err(AwsError::new("InvalidInput", format!("ARN {arn} is not valid."))),
    }
}
