//! What a role may do, and who may be it.
//!
//! The order of the IAM User Guide, "Policy evaluation logic": an explicit Deny wins; then identity policies must allow, and
//! so must the permissions boundary.

use rusqlite::Transaction;

use super::document::{Effect, Listed, Policy, Statement};
use super::managed;
use super::matching::{Known, glob};
use super::role_policies::{attached, inline};
use super::roles::Role;
use crate::error::AwsError;

/// Whether a role may do `action` (`dynamodb:Scan`) on the resource with this ARN.
///
/// `role` is a name, with or without its path, or an ARN. A role that isn't there may do nothing. A permissions boundary
/// limits only if it is a managed policy that is known here. Of condition keys aws:RequestedRegion and aws:ResourceAccount
/// are known, both from the ARN.
///
/// # Errors
/// If the state store fails.
pub fn role_allows(tx: &Transaction, role: &str, action: &str, resource_arn: &str) -> Result<bool, AwsError> {
    let Some(role) = find(tx, role)? else { return Ok(false) };
    let parts: Vec<&str> = resource_arn.splitn(6, ':').collect();
    let mut keys = Vec::new();
    if let ["arn", _, _, region, account, _] = parts[..] {
        keys = vec![("aws:RequestedRegion", Known::Text(region)), ("aws:ResourceAccount", Known::Text(account))];
    }
    let request = Request { action, resource: resource_arn, keys: &keys };

    let mut documents: Vec<String> = inline(tx, &role.name)?.into_iter().map(|(_, document)| document).collect();
    documents.extend(attached(tx, &role.name)?.iter().filter_map(|arn| managed::document(arn)).map(str::to_owned));
    let identity = documents.iter().map(|document| Policy::identity(document)).collect::<Result<Vec<_>, _>>()?;
    let boundary = match role.boundary.as_deref().and_then(managed::document) {
        Some(document) => Some(Policy::identity(document)?),
        None => None,
    };
    Ok(request.allowed_by(&identity) && boundary.is_none_or(|boundary| request.allowed_by(&[boundary])))
}

/// Whether the trust policy of a role lets Glue of this account assume it.
///
/// `role` is a name, with or without its path, or an ARN. A role that isn't there can't be assumed. A condition on
/// aws:SourceArn is met if the ARN of something in Glue of the account can meet it.
///
/// # Errors
/// If the state store fails.
pub fn glue_can_assume(tx: &Transaction, role: &str, account: &str) -> Result<bool, AwsError> {
    let Some(role) = find(tx, role)? else { return Ok(false) };
    let keys = [("aws:SourceAccount", Known::Text(account)), ("aws:SourceArn", Known::GlueArn { account })];
    let request = Request { action: "sts:AssumeRole", resource: "", keys: &keys };
    Ok(request.allowed_by(&[Policy::trust(&role.trust)?]))
}

fn find(tx: &Transaction, role: &str) -> Result<Option<Role>, AwsError> {
    let name = role.rsplit('/').next().unwrap_or_default();
    let found = Role::find(tx, name)?;
    Ok(match role.splitn(6, ':').nth(5) {
        Some(resource) => found.filter(|found| resource == format!("role{}{}", found.path, found.name)),
        None => found,
    })
}

/// What is to be done.
struct Request<'a> {
    action: &'a str,
    resource: &'a str,
    keys: &'a [(&'a str, Known<'a>)],
}

impl Request<'_> {
    fn allowed_by(&self, policies: &[Policy]) -> bool {
        let mut allowed = false;
        for statement in
            policies.iter().flat_map(|policy| &policy.statements).filter(|statement| self.is_meant(statement))
        {
            match statement.effect {
                Effect::Deny => return false,
                Effect::Allow => allowed = true,
            }
        }
        allowed
    }

    fn is_meant(&self, statement: &Statement) -> bool {
        let action = self.action.to_ascii_lowercase();
        statement.actions.holds(|pattern| glob(&pattern.to_ascii_lowercase(), &action))
            && statement.resources.as_ref().is_none_or(|listed| listed.holds(|pattern| glob(pattern, self.resource)))
            && statement
                .services
                .as_ref()
                .is_none_or(|listed| listed.holds(|service| service == "*" || service == "glue.amazonaws.com"))
            // What can't be judged here allows nothing and denies.
            && statement.conditions.iter().all(|c| c.met(self.keys).unwrap_or(statement.effect == Effect::Deny))
    }
}

impl Listed {
    fn holds(&self, matches: impl Fn(&str) -> bool) -> bool {
        self.patterns.iter().any(|pattern| matches(pattern)) != self.negated
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    const ACCOUNT: &str = "123456789012";
    const ORDERS: &str = "arn:aws:dynamodb:eu-west-1:123456789012:table/Orders";

    /// A store with the role `/ours/crawler`.
    fn with_role<T>(trust: &str, setup: &str, ask: impl FnOnce(&Transaction) -> T) -> T {
        let store = Store::open(None).unwrap();
        store
            .transaction(|tx| {
                let sql = "INSERT INTO iam_role VALUES ('crawler', 'AROA', '/ours/', 0, NULL, ?1, 3600, NULL)";
                tx.execute(sql, [trust])?;
                tx.execute_batch(setup)?;
                Ok(ask(tx))
            })
            .unwrap()
    }

    /// Whether Scan on Orders is allowed by one inline policy with these statements.
    fn allows(statements: &str) -> bool {
        let policy = format!(r#"{{"Statement":[{statements}]}}"#);
        let setup = format!("INSERT INTO iam_role_policy VALUES ('crawler', 'p', '{policy}')");
        with_role("", &setup, |tx| role_allows(tx, "crawler", "dynamodb:Scan", ORDERS).unwrap())
    }

    #[test]
    fn inline_policies() {
        let allow = |members: &str| allows(&format!(r#"{{"Effect":"Allow",{members}}}"#));
        for (members, expected) in [
            (r#""Action":"dynamodb:Scan","Resource":"*""#, true),
            (r#""Action":["s3:*","DynamoDB:sc?n"],"Resource":"*""#, true),
            (r#""Action":"*","Resource":"arn:aws:dynamodb:*:*:table/Ord*""#, true),
            (r#""Action":"*","Resource":"arn:aws:dynamodb:*:*:table/orders""#, false),
            (r#""Action":"dynamodb:Query","Resource":"*""#, false),
            (r#""NotAction":"dynamodb:Query","Resource":"*""#, true),
            (r#""NotAction":"dynamodb:*","Resource":"*""#, false),
            (r#""Action":"*","NotResource":"arn:aws:dynamodb:*:*:table/Orders""#, false),
            (
                r#""Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":["us-east-1","eu-west-1"]}}"#,
                true,
            ),
            (r#""Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"us-east-1"}}"#, false),
            (r#""Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}"#, false),
        ] {
            assert_eq!(allow(members), expected, "{members}");
        }
    }

    #[test]
    fn a_deny_wins_and_silence_is_no() {
        let all = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
        let deny = |resource: &str| format!(r#"{{"Effect":"Deny","Action":"dynamodb:*","Resource":"{resource}"}}"#);
        assert!(allows(all));
        assert!(!allows(&format!("{all},{}", deny(ORDERS))));
        assert!(allows(&format!("{all},{}", deny("arn:aws:dynamodb:*:*:table/Other"))));
        assert!(!allows(&deny("arn:aws:dynamodb:*:*:table/Other")));
    }

    #[test]
    fn attached_policies_and_boundaries() {
        const GLUE: &str = "arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole";
        const ADMIN: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
        const READ: &str = "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess";
        const OURS: &str = "arn:aws:iam::123456789012:policy/ours";
        let table = "arn:aws:glue:eu-west-1:123456789012:table/db/t";
        for (attached, boundary, action, resource, expected) in [
            (GLUE, OURS, "glue:UpdateTable", table, true),
            (GLUE, OURS, "dynamodb:Scan", ORDERS, false),
            (
                GLUE,
                OURS,
                "logs:PutLogEvents",
                "arn:aws:logs:eu-west-1:123456789012:log-group:/aws-glue/crawlers:x",
                true,
            ),
            (READ, OURS, "dynamodb:Scan", ORDERS, true),
            (READ, OURS, "dynamodb:PutItem", ORDERS, false),
            (ADMIN, READ, "dynamodb:Scan", ORDERS, true),
            (ADMIN, READ, "glue:UpdateTable", table, false),
            ("arn:aws:iam::aws:policy/SomethingElse", OURS, "dynamodb:Scan", ORDERS, false),
        ] {
            let setup = format!(
                "INSERT INTO iam_role_attachment VALUES ('crawler', '{attached}'); UPDATE iam_role SET boundary = '{boundary}'"
            );
            let allowed = with_role("", &setup, |tx| role_allows(tx, "crawler", action, resource).unwrap());
            assert_eq!(allowed, expected, "{attached} {boundary} {action}");
        }
    }

    #[test]
    fn trust_in_glue() {
        let statement = |members: &str| format!(r#"{{"Effect":"Allow","Action":"sts:AssumeRole",{members}}}"#);
        let glue = r#""Principal":{"Service":["lambda.amazonaws.com","glue.amazonaws.com"]}"#;
        let condition = |condition: &str| statement(&format!(r#"{glue},"Condition":{{{condition}}}"#));
        for (statements, expected) in [
            (statement(glue), true),
            (statement(r#""Principal":{"Service":"lambda.amazonaws.com"}"#), false),
            (statement(r#""Principal":{"AWS":"arn:aws:iam::123456789012:root"}"#), false),
            (statement(r#""Principal":"*""#), true),
            (statement(glue).replace("AssumeRole", "TagSession"), false),
            (format!("{},{}", statement(glue), statement(glue).replace("Allow", "Deny")), false),
            (condition(r#""StringEquals":{"aws:SourceAccount":"123456789012"}"#), true),
            (condition(r#""StringEquals":{"aws:SourceAccount":"999999999999"}"#), false),
            (condition(r#""ArnLike":{"aws:SourceArn":"arn:aws:glue:eu-west-1:123456789012:crawler/*"}"#), true),
            (condition(r#""ArnLike":{"aws:SourceArn":"arn:aws:glue:*:999999999999:*"}"#), false),
            (condition(r#""ArnLike":{"aws:SourceArn":"arn:aws:s3:::bucket"}"#), false),
            (condition(r#""StringEquals":{"sts:ExternalId":"x"}"#), false),
        ] {
            let trust = format!(r#"{{"Statement":[{statements}]}}"#);
            let assumed = with_role(&trust, "", |tx| glue_can_assume(tx, "crawler", ACCOUNT).unwrap());
            assert_eq!(assumed, expected, "{statements}");
        }
    }

    #[test]
    fn roles_are_found_by_name_path_and_arn() {
        let trust = r#"{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"glue.amazonaws.com"}}}"#;
        for (role, expected) in [
            ("crawler", true),
            ("ours/crawler", true),
            ("arn:aws:iam::123456789012:role/ours/crawler", true),
            ("arn:aws:iam::123456789012:role/crawler", false),
            ("other", false),
            ("", false),
        ] {
            assert_eq!(with_role(trust, "", |tx| glue_can_assume(tx, role, ACCOUNT).unwrap()), expected, "{role}");
        }
    }
}
