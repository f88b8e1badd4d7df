//! Metrics in CloudWatch's embedded format: a log line that CloudWatch turns into metrics, without a call.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};
use sync::Report;

const NAMESPACE: &str = "glue-ddb-crawler";

/// The metrics of one invocation.
pub(crate) struct Metrics<'a> {
    /// The function's name: the only dimension.
    pub function: &'a str,
    pub request_id: &'a str,
    /// The name of the job; `None` if the event could not be read.
    pub job: Option<&'static str>,
    /// The report; `None` if nothing was to be done, or nothing could be.
    pub report: Option<&'a Report>,
    pub duration: Duration,
    /// Requests sent to AWS.
    pub calls: u64,
}

impl Metrics<'_> {
    /// Prints the invocation's line.
    pub(crate) fn print(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // A failed write, as to a log whose reader is gone, must not fail the invocation.
        let _ = writeln!(std::io::stdout(), "{}", self.line(now));
    }

    /// `now` is the time since 1970.
    fn line(&self, now: Duration) -> Value {
        let mut metrics = vec![
            ("Duration", "Milliseconds", json!(self.duration.as_millis() as u64)),
            ("Calls", "Count", json!(self.calls)),
        ];
        metrics.extend(self.counts().into_iter().map(|(name, count)| (name, "Count", json!(count))));
        let definitions: Vec<Value> =
            metrics.iter().map(|(name, unit, _)| json!({"Name": name, "Unit": unit})).collect();
        let mut line = Map::from_iter(metrics.into_iter().map(|(name, _, value)| (name.to_owned(), value)));
        line.insert("FunctionName".into(), self.function.into());
        line.insert("requestId".into(), self.request_id.into());
        if let Some(job) = self.job {
            line.insert("event".into(), job.into());
        }
        line.insert(
            "_aws".into(),
            json!({
                "Timestamp": now.as_millis() as u64,
                "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [["FunctionName"]], "Metrics": definitions}],
            }),
        );
        Value::Object(line)
    }

    fn counts(&self) -> Vec<(&'static str, usize)> {
        let Some(summary) = self.report.map(|report| &report.summary) else { return Vec::new() };
        let mut counts = vec![("Started", summary.started), ("Failed", summary.failed), ("Linked", summary.linked)];
        // The end of one crawl says nothing about the region, and its counts would lower the averages.
        if matches!(self.job, Some("sync" | "continue")) {
            counts.push(("Deferred", summary.deferred));
        }
        if self.job == Some("sync") {
            let beyond = self.report.and_then(|report| report.quotas.as_ref()).map_or(0, |quotas| quotas.beyond);
            counts.extend([("Tables", summary.tables), ("Crawled", summary.crawled), ("QuotaReached", beyond)]);
        }
        counts
    }
}
