//! Schedules of crawlers. They are kept and answered, but no clock starts a crawler here: only StartCrawler does.

use rusqlite::params;
use serde_json::{Value, json};

use super::Request;
use super::crawler::Crawler;
use super::validate::{ANY, NAME, invalid};
use crate::error::AwsError;

pub(super) fn start(request: &Request) -> Result<Value, AwsError> {
    let crawler = named(request)?;
    let name = &crawler.name;
    if crawler.schedule.is_none() {
        return Err(AwsError::new("NoScheduleException", format!("Crawler {name} has no schedule.")));
    }
    if crawler.scheduled {
        let message = format!("The schedule of crawler {name} is running already.");
        return Err(AwsError::new("SchedulerRunningException", message));
    }
    set(request, name, crawler.schedule.as_deref(), true)
}

pub(super) fn stop(request: &Request) -> Result<Value, AwsError> {
    let crawler = named(request)?;
    if !crawler.scheduled {
        let message = format!("The schedule of crawler {} is not running.", crawler.name);
        return Err(AwsError::new("SchedulerNotRunningException", message));
    }
    set(request, &crawler.name, crawler.schedule.as_deref(), false)
}

pub(super) fn update(request: &Request) -> Result<Value, AwsError> {
    let crawler = named(request)?;
    let expression = read(request)?.flatten();
    set(request, &crawler.name, expression, expression.is_some())
}

/// The `Schedule` of a request: `None` when it says nothing of it, `Some(None)` when it takes the schedule away.
pub(super) fn read<'a>(request: &Request<'a>) -> Result<Option<Option<&'a str>>, AwsError> {
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

fn named(request: &Request) -> Result<Crawler, AwsError> {
    Crawler::find(request, request.body.required("CrawlerName", NAME)?)
}

fn set(request: &Request, name: &str, expression: Option<&str>, scheduled: bool) -> Result<Value, AwsError> {
    request.tx.execute(
        "UPDATE glue_crawler SET schedule = ?3, scheduled = ?4 WHERE scope = ?1 AND name = ?2",
        params![request.scope, name, expression, scheduled],
    )?;
    Ok(json!({}))
}

/// The outline of a cron expression: six fields of the right characters, one of the two days `?`, five minutes at least
/// between two runs. Which values a field may hold is left to AWS.
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
