//! Schedules of crawlers. They are stored and returned, but nothing starts a crawler on schedule here.

use rusqlite::params;
use serde_json::{Value, json};

use super::crawler::Crawler;
use super::validate::NAME;
use super::{Request, crawler_input};
use crate::error::AwsError;

pub(super) fn start(request: &Request) -> Result<Value, AwsError> {
    let crawler = find_crawler(request)?;
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
    let crawler = find_crawler(request)?;
    if !crawler.scheduled {
        let message = format!("The schedule of crawler {} is not running.", crawler.name);
        return Err(AwsError::new("SchedulerNotRunningException", message));
    }
    set(request, &crawler.name, crawler.schedule.as_deref(), false)
}

pub(super) fn update(request: &Request) -> Result<Value, AwsError> {
    let crawler = find_crawler(request)?;
    let expression = crawler_input::schedule(request)?.flatten();
    set(request, &crawler.name, expression, expression.is_some())
}

fn find_crawler(request: &Request) -> Result<Crawler, AwsError> {
    Crawler::find(request, request.body.required("CrawlerName", NAME)?)
}

fn set(request: &Request, name: &str, expression: Option<&str>, scheduled: bool) -> Result<Value, AwsError> {
    request.tx.execute(
        "UPDATE glue_crawler SET schedule = ?3, scheduled = ?4 WHERE scope = ?1 AND name = ?2",
        params![request.scope, name, expression, scheduled],
    )?;
    Ok(json!({}))
}
