use super::*;
use crate::state;
use crate::unknowns::Unknowns;

const ACCOUNT: &str = "123456789012";
const ORDERS: &str = "arn:aws:dynamodb:eu-west-1:123456789012:table/Orders";

/// A store with the role `/ours/crawler`.
fn with_role<T>(trust: &str, setup: &str, ask: impl FnOnce(&Transaction) -> T) -> T {
    let store = state::open(None).unwrap();
    store
        .transaction(|tx| {
            let sql = "INSERT INTO iam_role VALUES ('crawler', 'AROA', '/ours/', 0, NULL, ?1, 3600, NULL)";
            tx.execute(sql, [trust])?;
            tx.execute_batch(setup)?;
            Ok(ask(tx))
        })
        .unwrap()
}

/// Checks that the role may do something.
fn check(tx: &Transaction, action: &str, resource: &str) -> Result<(), policy::Refusal> {
    let role = Role::find(tx, "crawler").unwrap().unwrap();
    let keys = [("aws:RequestedRegion", ConditionValue::Text("eu-west-1"))];
    role_permissions(tx, &role).unwrap().allow(&policy::AccessRequest { action, resource, keys: &keys })
}

/// Whether Scan on Orders is allowed by one inline policy with these statements.
fn allows(statements: &str) -> bool {
    let policy = format!(r#"{{"Statement":[{statements}]}}"#);
    let setup = format!("INSERT INTO iam_role_policy VALUES ('crawler', 'p', '{policy}')");
    with_role("", &setup, |tx| check(tx, "dynamodb:Scan", ORDERS).is_ok())
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
    const UNKNOWN: &str = "arn:aws:iam::aws:policy/SomethingElse";
    let table = "arn:aws:glue:eu-west-1:123456789012:table/db/t";
    let log = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws-glue/crawlers:x";
    let ours = r#"{"Statement":[{"Effect":"Allow","Action":"glue:*","Resource":"*"},
        {"Effect":"Deny","Action":"dynamodb:*","Resource":"*"}]}"#;
    for (attached, boundary, action, resource, expected) in [
        (GLUE, None, "glue:UpdateTable", table, Ok(())),
        (GLUE, None, "dynamodb:Scan", ORDERS, Err(policy::Refusal::NoIdentityPolicy)),
        (GLUE, None, "logs:PutLogEvents", log, Ok(())),
        (READ, None, "dynamodb:Scan", ORDERS, Ok(())),
        (READ, None, "dynamodb:PutItem", ORDERS, Err(policy::Refusal::NoIdentityPolicy)),
        (OURS, None, "glue:UpdateTable", table, Ok(())),
        (OURS, None, "dynamodb:Scan", ORDERS, Err(policy::Refusal::DeniedByIdentityPolicy)),
        (ADMIN, Some(READ), "dynamodb:Scan", ORDERS, Ok(())),
        (ADMIN, Some(READ), "glue:UpdateTable", table, Err(policy::Refusal::NoBoundary)),
        (ADMIN, Some(OURS), "glue:UpdateTable", table, Ok(())),
        (ADMIN, Some(OURS), "dynamodb:Scan", ORDERS, Err(policy::Refusal::DeniedByBoundary)),
        (GLUE, Some(OURS), "logs:PutLogEvents", log, Err(policy::Refusal::NoBoundary)),
        (GLUE, Some(ADMIN), "dynamodb:Scan", ORDERS, Err(policy::Refusal::NoIdentityPolicy)),
        (ADMIN, Some(UNKNOWN), "dynamodb:Scan", ORDERS, Err(policy::Refusal::NoBoundary)),
        (UNKNOWN, None, "dynamodb:Scan", ORDERS, Err(policy::Refusal::NoIdentityPolicy)),
    ] {
        let boundary = boundary.map_or("NULL".to_owned(), |arn| format!("'{arn}'"));
        let setup = format!(
            "INSERT INTO iam_policy VALUES ('ours', '{OURS}', 'ANPA', '/', 0, NULL, '{ours}', '[]');
             INSERT INTO iam_role_attachment VALUES ('crawler', '{attached}'); UPDATE iam_role SET boundary = {boundary}"
        );
        let answer = with_role("", &setup, |tx| check(tx, action, resource));
        assert_eq!(answer, expected, "{attached} {boundary} {action}");
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
        let told = Context { unknowns: Unknowns { sends_source_account: true, ..Unknowns::default() }, ..context() };
        let assumed = with_role(&trust, "", |tx| assumable_by_glue(tx, &told, "crawler").unwrap().is_some());
        assert_eq!(assumed, expected, "{statements}");
    }
    // By default Glue does not say for whom it is.
    for (operator, expected) in [("StringEquals", false), ("StringEqualsIfExists", true)] {
        let account = format!(r#""{operator}":{{"aws:SourceAccount":"123456789012"}}"#);
        let trust = format!(r#"{{"Statement":[{}]}}"#, condition(&account));
        let assumed = with_role(&trust, "", |tx| assumable_by_glue(tx, &context(), "crawler").unwrap().is_some());
        assert_eq!(assumed, expected, "{operator}");
    }
}

fn context() -> Context {
    Context {
        account: ACCOUNT.into(),
        region: "eu-west-1".into(),
        now: 0,
        endpoint: "this".into(),
        caller: crate::context::Caller::Account,
        unknowns: Default::default(),
    }
}

#[test]
fn roles_are_found_by_name_path_and_arn() {
    let trust =
        r#"{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"glue.amazonaws.com"}}}"#;
    for (role, expected) in [
        ("crawler", true),
        ("ours/crawler", true),
        ("arn:aws:iam::123456789012:role/ours/crawler", true),
        ("arn:aws:iam::123456789012:role/crawler", false),
        ("other", false),
        ("", false),
    ] {
        assert_eq!(
            with_role(trust, "", |tx| assumable_by_glue(tx, &context(), role).unwrap().is_some()),
            expected,
            "{role}"
        );
    }
}

#[test]
fn trust_in_accounts_and_roles() {
    let trust = |principal: &str, members: &str| {
        format!(r#"{{"Statement":{{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{principal}{members}}}}}"#)
    };
    let role = "arn:aws:iam::123456789012:role/ours/caller";
    let who = ["123456789012", "arn:aws:iam::123456789012:root", role];
    let external = r#","Condition":{"StringEquals":{"sts:ExternalId":"x"}}"#;
    for (document, expected) in [
        (trust(r#"{"AWS":"arn:aws:iam::123456789012:root"}"#, ""), true),
        (trust(r#"{"AWS":["999999999999","123456789012"]}"#, ""), true),
        (trust(&format!(r#"{{"AWS":"{role}"}}"#), ""), true),
        (trust(r#"{"AWS":"*"}"#, ""), true),
        (trust(r#"{"AWS":"arn:aws:iam::123456789012:role/ours/*"}"#, ""), false),
        (trust(r#"{"Service":"glue.amazonaws.com"}"#, ""), false),
        (trust(r#"{"AWS":"123456789012"}"#, external), true),
        (trust(r#"{"AWS":"123456789012"}"#, &external.replace("\"x\"", "\"y\"")), false),
    ] {
        let keys = [("sts:ExternalId", ConditionValue::Text("x"))];
        assert_eq!(policy::trusts(&document, &who, &keys).unwrap(), expected, "{document}");
    }
}
