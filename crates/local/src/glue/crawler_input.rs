//! The definition of a crawler, checked as AWS checks it.

use serde_json::{Map, Value};

use super::Request;
use super::validate::{ANY, DESCRIPTION, Members, NAME, TABLE_PREFIX, invalid};
use crate::error::AwsError;

/// The kinds of targets in the API. Only [`DYNAMODB`] and [`CATALOG`] are crawled here.
pub(super) const TARGETS: [&str; 8] =
    ["S3Targets", "JdbcTargets", "MongoDBTargets", DYNAMODB, CATALOG, "DeltaTargets", "IcebergTargets", "HudiTargets"];
pub(super) const DYNAMODB: &str = "DynamoDBTargets";
pub(super) const CATALOG: &str = "CatalogTargets";

/// The members of a definition that are stored and returned as they are.
const KEPT: [&str; 9] = [
    "DatabaseName",
    "Description",
    "Classifiers",
    "TablePrefix",
    "RecrawlPolicy",
    "LineageConfiguration",
    "LakeFormationConfiguration",
    "Configuration",
    "CrawlerSecurityConfiguration",
];

/// Reads and checks the parts of a crawler in the request, each on its own. [`check_whole`] checks how they go together.
pub(super) fn read(request: &Request) -> Result<Map<String, Value>, AwsError> {
    let body = &request.body;
    body.text("Description", DESCRIPTION)?;
    body.text("TablePrefix", TABLE_PREFIX)?;
    body.text("DatabaseName", ANY)?;
    body.text("CrawlerSecurityConfiguration", TABLE_PREFIX)?;
    body.texts("Classifiers", NAME, usize::MAX)?;
    if let Some(configuration) = body.text("Configuration", ANY)?.filter(|text| !text.is_empty()) {
        serde_json::from_str::<Map<String, Value>>(configuration)
            .map_err(|error| invalid(format!("Configuration is not a JSON object: {error}")))?;
    }
    if let Some(policy) = body.members("RecrawlPolicy")? {
        let kinds = ["CRAWL_EVERYTHING", "CRAWL_NEW_FOLDERS_ONLY", "CRAWL_EVENT_MODE"];
        policy.choice("RecrawlBehavior", &kinds)?;
    }
    if let Some(lineage) = body.members("LineageConfiguration")? {
        lineage.choice("CrawlerLineageSettings", &["ENABLE", "DISABLE"])?;
    }
    let mut kept = body.keep(&KEPT);
    if let Some(policy) = body.members("SchemaChangePolicy")? {
        kept.insert("SchemaChangePolicy".to_owned(), schema_change_policy(&policy)?);
    }
    if let Some(targets) = body.members("Targets")? {
        kept.insert("Targets".to_owned(), read_targets(&targets)?);
    }
    if let Some(role) = request.parsed.role() {
        kept.insert("Role".to_owned(), check_role(request, role)?.into());
    }
    Ok(kept)
}

/// The defaults of a new crawler.
pub(super) fn defaults() -> Map<String, Value> {
    let defaults = serde_json::json!({
        "Classifiers": [],
        "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_EVERYTHING"},
        "SchemaChangePolicy": {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "DEPRECATE_IN_DATABASE"},
        "LineageConfiguration": {"CrawlerLineageSettings": "DISABLE"},
        "LakeFormationConfiguration": {"UseLakeFormationCredentials": false, "AccountId": ""},
    });
    match defaults {
        Value::Object(defaults) => defaults,
        _ => Map::new(),
    }
}

/// Rules about several parts of a definition at once.
pub(super) fn check_whole(definition: &Map<String, Value>) -> Result<(), AwsError> {
    let text = |path: &[&str]| -> Option<&str> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(definition.get(*first)?, |value, name| value.get(*name))?.as_str()
    };
    let targets = definition.get("Targets").and_then(Value::as_object);
    let count = |kind: &str| targets.and_then(|targets| targets.get(kind)?.as_array()).map_or(0, Vec::len);
    let (all, catalog) = (TARGETS.iter().map(|kind| count(kind)).sum::<usize>(), count(CATALOG));
    if all == 0 {
        return Err(invalid("Crawler targets are empty: name at least one."));
    }
    if catalog > 0 && catalog < all {
        return Err(invalid("CatalogTargets can't be mixed with other targets."));
    }
    if catalog > 0 && text(&["SchemaChangePolicy", "DeleteBehavior"]) != Some("LOG") {
        return Err(invalid("The DeleteBehavior of a crawler with CatalogTargets must be LOG."));
    }
    if catalog == 0 && text(&["DatabaseName"]).is_none_or(str::is_empty) {
        return Err(invalid("DatabaseName is required: a crawler writes its tables to a database."));
    }
    let recrawl = text(&["RecrawlPolicy", "RecrawlBehavior"]).unwrap_or("CRAWL_EVERYTHING");
    if recrawl != "CRAWL_EVERYTHING" && count("S3Targets") < all {
        return Err(invalid(format!("RecrawlBehavior {recrawl} is for S3 targets only.")));
    }
    Ok(())
}

/// Checks that Glue can assume the role. It is given by ARN or name, and AWS returns the name with its path.
fn check_role(request: &Request, role: &str) -> Result<String, AwsError> {
    let context = request.context;
    let ours = format!("arn:{}:iam::{}:role/", context.partition(), context.account);
    let name = role.strip_prefix(&ours).unwrap_or(role);
    if name.starts_with("arn:") || crate::iam::assumable_by_glue(request.tx, context, role)?.is_none() {
        return Err(invalid("Service is unable to assume provided role. Please verify role's TrustPolicy"));
    }
    Ok(name.trim_start_matches('/').to_owned())
}

fn schema_change_policy(policy: &Members) -> Result<Value, AwsError> {
    let update = policy.choice("UpdateBehavior", &["LOG", "UPDATE_IN_DATABASE"])?;
    let delete = policy.choice("DeleteBehavior", &["LOG", "DELETE_FROM_DATABASE", "DEPRECATE_IN_DATABASE"])?;
    Ok(serde_json::json!({
        "UpdateBehavior": update.unwrap_or("UPDATE_IN_DATABASE"),
        "DeleteBehavior": delete.unwrap_or("DEPRECATE_IN_DATABASE"),
    }))
}

/// Reads and checks the targets. As in AWS, every kind comes back as a list, even if empty.
fn read_targets(targets: &Members) -> Result<Value, AwsError> {
    for target in targets.list(DYNAMODB)? {
        if target.text("Path", ANY)?.is_none_or(str::is_empty) {
            return Err(invalid("The Path of a DynamoDB target must be the name of a table."));
        }
        target.flag("scanAll")?;
        if target.number("scanRate")?.is_some_and(|rate| !(0.1..=1.5).contains(&rate)) {
            return Err(invalid("The scanRate of a DynamoDB target must be null or between 0.1 and 1.5."));
        }
    }
    for target in targets.list(CATALOG)? {
        target.required("DatabaseName", NAME)?;
        if target.texts("Tables", NAME, usize::MAX)?.is_empty() {
            return Err(invalid("A catalog target must name at least one table."));
        }
    }
    for kind in TARGETS {
        targets.list(kind)?;
    }
    let mut kept = targets.keep(&TARGETS);
    for kind in TARGETS {
        kept.entry(kind).or_insert(Value::Array(Vec::new()));
    }
    Ok(Value::Object(kept))
}

/// Reads `Schedule`: `None` if the request has none, `Some(None)` if it removes the schedule.
pub(super) fn schedule<'a>(request: &Request<'a>) -> Result<Option<Option<&'a str>>, AwsError> {
    match request.body.text("Schedule", ANY)? {
        None => Ok(None),
        Some("") => Ok(Some(None)),
        Some(expression) if is_cron(expression) => Ok(Some(Some(expression))),
        Some(_) => Err(invalid(
            "Schedule must be cron(Minutes Hours Day-of-month Month Day-of-week Year), such as cron(15 12 * * ? *), \
             and at most once in five minutes.",
        )),
    }
}

/// Whether an expression has the form of a cron expression: six fields of the right characters, one of the two days `?`, at least five minutes
/// between two runs. The values of a field are not checked.
fn is_cron(expression: &str) -> bool {
    let Some(fields) = expression.strip_prefix("cron(").and_then(|rest| rest.strip_suffix(')')) else {
        return false;
    };
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    let [minutes, _, day_of_month, _, day_of_week, _] = fields.as_slice() else { return false };
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '*' | '?' | ',' | '-' | '/' | '#');
    let often = match minutes.split_once('/') {
        Some((_, step)) => step.parse::<u32>().is_ok_and(|step| step < 5),
        None => *minutes == "*",
    };
    fields.iter().all(|field| field.chars().all(allowed)) && (*day_of_month == "?") != (*day_of_week == "?") && !often
}

#[cfg(test)]
mod tests {
    use super::is_cron;

    #[test]
    fn schedules_have_six_fields_and_pause_five_minutes() {
        for good in ["cron(15 12 * * ? *)", "cron(0/5 * ? * MON-FRI *)", "cron(0 0 1,15 * ? 2026)"] {
            assert!(is_cron(good), "{good}");
        }
        for bad in [
            "15 12 * * ? *",
            "cron(15 12 * * *)",
            "cron(15 12 * * * *)",
            "cron(15 12 ? * ? *)",
            "cron(* * * * ? *)",
            "cron(0/4 * * * ? *)",
            "cron(15 12 * * ? ;)",
            "rate(1 day)",
        ] {
            assert!(!is_cron(bad), "{bad}");
        }
    }
}
