//! Reads policy documents, and refuses those that IAM refuses.

use serde_json::{Map, Value};

use crate::error::AwsError;

/// A policy document.
#[derive(Debug)]
pub(crate) struct PolicyDocument {
    pub(super) statements: Vec<Statement>,
}

/// One statement.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) effect: Effect,
    pub(super) actions: Listed,
    /// `None` in trust policies.
    pub(super) resources: Option<Listed>,
    /// The trusted services, ARNs and accounts; `None` in identity policies.
    pub(super) principals: Option<Listed>,
    pub(super) conditions: Vec<Condition>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Allow,
    Deny,
}

/// An element or its `Not…` form.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) patterns: Vec<String>,
    pub(super) negated: bool,
}

/// `{operator: {key: values}}`.
#[derive(Debug)]
pub(super) struct Condition {
    pub(super) operator: String,
    pub(super) key: String,
    pub(super) values: Vec<String>,
}

const MEMBERS: [&str; 9] =
    ["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition"];

impl PolicyDocument {
    /// A document without statements, which allows nothing.
    pub(crate) fn silent() -> PolicyDocument {
        PolicyDocument { statements: Vec::new() }
    }

    /// Reads a trust policy: who may assume a role.
    ///
    /// # Errors
    /// `MalformedPolicyDocument`, as CreateRole answers.
    pub(crate) fn trust(document: &str) -> Result<PolicyDocument, AwsError> {
        PolicyDocument::read(document, |statement| {
            if statement.contains_key("Resource") || statement.contains_key("NotResource") {
                return Err(malformed("Has prohibited field Resource"));
            }
            let principals = either(statement, "Principal", principals)?
                .ok_or_else(|| malformed("Missing required field Principal"))?;
            let actions = actions(statement)?;
            if actions.patterns.iter().any(|action| !action.starts_with("sts:")) {
                return Err(malformed("AssumeRole policy may only specify STS AssumeRole actions."));
            }
            Ok((actions, None, Some(principals)))
        })
    }

    /// Reads an identity policy: what a role may do.
    ///
    /// # Errors
    /// `MalformedPolicyDocument`, as PutRolePolicy answers.
    pub(crate) fn identity(document: &str) -> Result<PolicyDocument, AwsError> {
        PolicyDocument::read(document, |statement| {
            if statement.contains_key("Principal") || statement.contains_key("NotPrincipal") {
                return Err(malformed("Policy document should not specify a principal."));
            }
            let actions = actions(statement)?;
            let resources = either(statement, "Resource", texts)?
                .ok_or_else(|| malformed("Policy statement must contain resources."))?;
            if let Some(wrong) = resources.patterns.iter().find(|text| *text != "*" && partition(text).is_none()) {
                return Err(malformed(format!("Resource {wrong} must be in ARN format or \"*\".")));
            }
            Ok((actions, Some(resources), None))
        })
    }

    /// Refuses resources of partitions other than `own`, which a role could never reach.
    ///
    /// # Errors
    /// `MalformedPolicyDocument`, as PutRolePolicy answers.
    pub(crate) fn check_partition(&self, own: &str) -> Result<(), AwsError> {
        let foreign = |given: &str| given != own && !given.contains(['*', '?', '$']);
        let resources = self.statements.iter().filter_map(|statement| statement.resources.as_ref());
        for resource in resources.flat_map(|listed| &listed.patterns) {
            if let Some(given) = partition(resource).filter(|given| foreign(given)) {
                return Err(malformed(format!("Partition \"{given}\" is not valid for resource \"{resource}\".")));
            }
        }
        Ok(())
    }

    fn read(
        document: &str,
        parts: impl Fn(&Map<String, Value>) -> Result<(Listed, Option<Listed>, Option<Listed>), AwsError>,
    ) -> Result<PolicyDocument, AwsError> {
        let json: Value = serde_json::from_str(document).map_err(|_| malformed("This policy contains invalid Json"))?;
        let policy = json.as_object().ok_or_else(syntax_error)?;
        match policy.get("Version").map(Value::as_str) {
            None | Some(Some("2012-10-17" | "2008-10-17")) => {}
            Some(_) => return Err(malformed("The policy must contain a valid version string")),
        }
        if !policy.keys().all(|key| ["Version", "Id", "Statement"].contains(&key.as_str())) {
            return Err(syntax_error());
        }
        let statements: Vec<&Value> = match policy.get("Statement") {
            Some(Value::Array(statements)) if !statements.is_empty() => statements.iter().collect(),
            Some(statement @ Value::Object(_)) => vec![statement],
            _ => return Err(syntax_error()),
        };
        let mut sids = Vec::new();
        let mut read = Vec::new();
        for statement in statements {
            let statement = statement.as_object().ok_or_else(syntax_error)?;
            sids.extend(sid(statement)?);
            let effect = effect(statement)?;
            let (actions, resources, principals) = parts(statement)?;
            read.push(Statement { effect, actions, resources, principals, conditions: conditions(statement)? });
        }
        sids.sort_unstable();
        if sids.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(malformed("Statement IDs (SID) in a single policy must be unique."));
        }
        Ok(PolicyDocument { statements: read })
    }
}

fn malformed(message: impl Into<String>) -> AwsError {
    AwsError::new("MalformedPolicyDocument", message)
}

fn syntax_error() -> AwsError {
    malformed("Syntax errors in policy.")
}

fn sid(statement: &Map<String, Value>) -> Result<Option<&str>, AwsError> {
    let Some(sid) = statement.get("Sid") else { return Ok(None) };
    match sid.as_str() {
        Some(sid) if sid.bytes().all(|b| b.is_ascii_alphanumeric()) => Ok(Some(sid).filter(|sid| !sid.is_empty())),
        Some(_) => Err(malformed(
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
        )),
        None => Err(syntax_error()),
    }
}

fn effect(statement: &Map<String, Value>) -> Result<Effect, AwsError> {
    if !statement.keys().all(|key| MEMBERS.contains(&key.as_str())) {
        return Err(syntax_error());
    }
    match statement.get("Effect").and_then(Value::as_str) {
        Some("Allow") => Ok(Effect::Allow),
        Some("Deny") => Ok(Effect::Deny),
        _ => Err(syntax_error()),
    }
}

/// In lower case, because actions ignore case.
fn actions(statement: &Map<String, Value>) -> Result<Listed, AwsError> {
    let mut actions =
        either(statement, "Action", texts)?.ok_or_else(|| malformed("Policy statement must contain actions."))?;
    let vendor = |action: &String| {
        action == "*" || action.split_once(':').is_some_and(|(vendor, name)| !vendor.is_empty() && !name.is_empty())
    };
    if !actions.patterns.iter().all(vendor) {
        return Err(malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."));
    }
    actions.patterns.iter_mut().for_each(|action| action.make_ascii_lowercase());
    Ok(actions)
}

/// The element `name` or `Not{name}`; not both.
fn either(
    statement: &Map<String, Value>,
    name: &str,
    read: impl Fn(&Value) -> Result<Vec<String>, AwsError>,
) -> Result<Option<Listed>, AwsError> {
    match (statement.get(name), statement.get(&format!("Not{name}"))) {
        (Some(value), None) => Ok(Some(Listed { patterns: read(value)?, negated: false })),
        (None, Some(value)) => Ok(Some(Listed { patterns: read(value)?, negated: true })),
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(syntax_error()),
    }
}

/// A text, or a list of texts.
fn texts(value: &Value) -> Result<Vec<String>, AwsError> {
    let texts = match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => {
            list.iter().map(|text| text.as_str().map(str::to_owned)).collect::<Option<_>>().ok_or_else(syntax_error)?
        }
        _ => return Err(syntax_error()),
    };
    if texts.is_empty() { Err(syntax_error()) } else { Ok(texts) }
}

/// Services, ARNs and accounts by name; `*` stands for everyone. Principals of other kinds never call this endpoint.
fn principals(value: &Value) -> Result<Vec<String>, AwsError> {
    let kinds = match value {
        Value::String(everyone) if everyone == "*" => return Ok(vec!["*".to_owned()]),
        Value::Object(kinds) if !kinds.is_empty() => kinds,
        _ => return Err(syntax_error()),
    };
    let mut principals = Vec::new();
    for (kind, value) in kinds {
        let values = texts(value)?;
        match kind.as_str() {
            "Service" => {
                if let Some(wrong) = values.iter().find(|service| !service.contains(".amazonaws.com")) {
                    return Err(malformed(format!("Invalid principal in policy: \"SERVICE\":\"{wrong}\"")));
                }
                principals.extend(values);
            }
            "AWS" => principals.extend(values),
            "Federated" | "CanonicalUser" => {}
            _ => return Err(syntax_error()),
        }
    }
    Ok(principals)
}

/// The partition of an ARN; `None` if the text is not an ARN.
fn partition(arn: &str) -> Option<&str> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts[..] {
        ["arn", partition, _, _, _, _] => Some(partition),
        _ => None,
    }
}

fn conditions(statement: &Map<String, Value>) -> Result<Vec<Condition>, AwsError> {
    let Some(condition) = statement.get("Condition") else { return Ok(Vec::new()) };
    let mut conditions = Vec::new();
    for (operator, keys) in condition.as_object().ok_or_else(syntax_error)? {
        for (key, values) in keys.as_object().ok_or_else(syntax_error)? {
            conditions.push(Condition { operator: operator.clone(), key: key.clone(), values: scalars(values)? });
        }
    }
    Ok(conditions)
}

/// Condition values may also be written as numbers or booleans.
fn scalars(value: &Value) -> Result<Vec<String>, AwsError> {
    match value {
        Value::Array(list) => list.iter().map(scalar).collect(),
        one => Ok(vec![scalar(one)?]),
    }
}

fn scalar(value: &Value) -> Result<String, AwsError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        _ => Err(syntax_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    #[test]
    fn what_iam_refuses_in_a_trust_policy() {
        let statement = |members: &str| format!(r#"{{"Statement":[{{"Effect":"Allow",{members}}}]}}"#);
        let glue = r#""Principal":{"Service":"glue.amazonaws.com"}"#;
        let assume = r#""Action":"sts:AssumeRole""#;
        let documents = [
            "{".to_owned(),
            "[]".to_owned(),
            "{}".to_owned(),
            r#"{"Statement":[]}"#.to_owned(),
            r#"{"Version":"2020-01-01","Statement":{}}"#.to_owned(),
            statement(&format!(r#"{glue},{assume},"Resource":"*""#)),
            statement(assume),
            statement(glue),
            statement(&format!(r#"{glue},"Action":"glue:*""#)),
            statement(&format!(r#"{glue},"Action":"AssumeRole""#)),
            statement(&format!(r#""Principal":{{"Service":"glue"}},{assume}"#)),
            statement(&format!(r#"{glue},{assume},"Conditions":{{}}"#)),
            statement(&format!(r#"{glue},{assume},"Sid":"a b""#)),
            statement(&format!(r#"{glue},{assume}"#)).replace("Allow", "allow"),
        ];
        let errors: Vec<String> =
            documents.iter().map(|document| PolicyDocument::trust(document).unwrap_err().message).collect();
        assert_snapshot!(errors.join("\n"), @r#"
        This policy contains invalid Json
        Syntax errors in policy.
        Syntax errors in policy.
        Syntax errors in policy.
        The policy must contain a valid version string
        Has prohibited field Resource
        Missing required field Principal
        Policy statement must contain actions.
        AssumeRole policy may only specify STS AssumeRole actions.
        Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.
        Invalid principal in policy: "SERVICE":"glue"
        Syntax errors in policy.
        Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*
        Syntax errors in policy.
        "#);
    }

    #[test]
    fn what_iam_refuses_in_an_identity_policy() {
        let statement = |members: &str| format!(r#"{{"Statement":{{"Effect":"Allow",{members}}}}}"#);
        let documents = [
            statement(r#""Action":"dynamodb:Scan""#),
            statement(r#""Resource":"*""#),
            statement(r#""Action":[],"Resource":"*""#),
            statement(r#""Action":"dynamodb:Scan","NotAction":"s3:*","Resource":"*""#),
            statement(r#""Action":"dynamodb:Scan","Resource":"Orders""#),
            statement(r#""Action":"dynamodb:Scan","Resource":"arn:aws-cn:dynamodb:cn-north-1:123456789012:table/Orders""#),
            statement(r#""Action":"dynamodb:Scan","Resource":"*","Principal":"*""#),
            statement(r#""Action":"dynamodb:Scan","Resource":"*","Condition":{"StringEquals":"x"}"#),
            r#"{"Statement":[{"Sid":"A","Effect":"Deny","Action":"*","Resource":"*"},{"Sid":"A","Effect":"Deny","Action":"*","Resource":"*"}]}"#
                .to_owned(),
        ];
        let refused = |document: &String| {
            let checked = PolicyDocument::identity(document).and_then(|policy| policy.check_partition("aws"));
            checked.unwrap_err().message
        };
        assert_snapshot!(documents.iter().map(refused).collect::<Vec<_>>().join("\n"), @r#"
        Policy statement must contain resources.
        Policy statement must contain actions.
        Syntax errors in policy.
        Syntax errors in policy.
        Resource Orders must be in ARN format or "*".
        Partition "aws-cn" is not valid for resource "arn:aws-cn:dynamodb:cn-north-1:123456789012:table/Orders".
        Policy document should not specify a principal.
        Syntax errors in policy.
        Statement IDs (SID) in a single policy must be unique.
        "#);
    }
}
