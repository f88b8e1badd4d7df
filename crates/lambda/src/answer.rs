//! The answer of an invocation: the report, within Lambda's size limit.

use std::io;

use serde::Serialize;
use sync::Report;
use sync::fanout::Shard;
use sync::report::{Outcome, TableReport};

/// The most bytes that an answer may have. A longer one fails the invocation, even if the work was done.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const MAX_BYTES: usize = 6_291_556;

/// The answer of an invocation.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    Report(Box<Bounded>),
    Shards { shards: Vec<Shard> },
    Shard(Box<Shard>),
}

impl From<Done> for Answer {
    fn from(done: Done) -> Answer {
        match done {
            Done::Report(report) => Answer::Report(bounded(*report, MAX_BYTES).into()),
            Done::Shards(shards) => Answer::Shards { shards },
            Done::Shard(shard) => Answer::Shard(shard),
        }
    }
}

/// The report as `sync --output json` prints it, and how many tables had to be left out.
#[derive(Debug, Serialize)]
pub(crate) struct Bounded {
    #[serde(flatten)]
    report: Report,
    #[serde(skip_serializing_if = "is_zero")]
    omitted: usize,
}

/// The whole report if it fits. Otherwise tables are left out, and those that failed or were deferred last.
fn bounded(report: Report, limit: usize) -> Bounded {
    let mut answer = Bounded { report, omitted: 0 };
    if size(&answer) <= limit {
        return answer;
    }
    let tables = std::mem::take(&mut answer.report.tables);
    let all = tables.len();
    answer.omitted = all;
    let mut room = limit.saturating_sub(size(&answer));
    let mut fits = |table: &TableReport| {
        let bytes = size(table) + ",".len();
        let fits = bytes <= room;
        if fits {
            room -= bytes;
        }
        fits
    };
    let matters = |table: &TableReport| matches!(table.outcome, Outcome::Failed | Outcome::Deferred);
    let first: Vec<bool> = tables.iter().map(|table| matters(table) && fits(table)).collect();
    let kept = tables.into_iter().zip(first).filter(|(table, kept)| *kept || !matters(table) && fits(table));
    answer.report.tables = kept.map(|(table, _)| table).collect();
    answer.omitted = all - answer.report.tables.len();
    answer
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// The length of a value's JSON.
fn size(value: &impl Serialize) -> usize {
    let mut counted = Counter(0);
    // This can't fail. If it did, serializing the answer would fail as well.
    let _ = serde_json::to_writer(&mut counted, value);
    counted.0
}

struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The result of an invocation.
pub(crate) enum Done {
    /// The report of a run.
    Report(Box<Report>),
    /// The shards of a crawl.
    Shards(Vec<Shard>),
    /// A shard that was read further.
    Shard(Box<Shard>),
}

impl From<Report> for Done {
    fn from(report: Report) -> Done {
        Done::Report(report.into())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use sync::report::Summary;

    use super::*;

    fn table(number: usize, outcome: Outcome, reason: Option<String>) -> TableReport {
        TableReport {
            table: format!("table{number:06}"),
            catalog_table: format!("table{number:06}"),
            crawler: None,
            outcome,
            reason,
            kind: None,
            beyond_quota: false,
            request_id: None,
            actions: Vec::new(),
            columns: Some(number),
            items: None,
            unmapped: Vec::new(),
            schema: None,
            read: None,
            estimate: None,
            export: None,
        }
    }

    fn report(tables: Vec<TableReport>) -> Report {
        Report {
            summary: Summary { tables: tables.len(), ..Summary::default() },
            account: "123456789012".into(),
            region: "eu-west-1".into(),
            database: "ddb_tables".into(),
            database_changed: false,
            database_foreign: false,
            engine: sync::settings::Engine::Managed,
            dry_run: false,
            tables,
            quotas: None,
            monthly: None,
            calls: BTreeMap::from([("glue:GetTables".to_owned(), 1)]),
            seconds: 1.5,
        }
    }

    fn reports() -> impl Strategy<Value = Report> {
        let outcome = prop_oneof![Just(Outcome::Failed), Just(Outcome::Deferred), Just(Outcome::Started)];
        // Quotes, control characters and multi-byte letters are longer in JSON than as text.
        let row = (outcome, proptest::option::of("[a-z\"\\\\\u{1}é🦀]{0,200}"));
        proptest::collection::vec(row, 0..60).prop_map(|rows| {
            report(rows.into_iter().enumerate().map(|(i, (outcome, reason))| table(i, outcome, reason)).collect())
        })
    }

    #[test]
    fn a_report_that_fits_is_the_report_of_the_command_line() {
        let report = report(vec![table(1, Outcome::Started, None)]);
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::to_string(&bounded(report, MAX_BYTES)).unwrap(), json);
        assert!(json.starts_with(r#"{"summary":"#));
    }

    #[test]
    fn a_hundred_thousand_tables_are_cut_to_what_lambda_takes() {
        let mut tables: Vec<TableReport> = (0..100_000).map(|i| table(i, Outcome::Started, None)).collect();
        tables[99_999].outcome = Outcome::Failed;
        let text = serde_json::to_string(&bounded(report(tables), MAX_BYTES)).unwrap();
        assert!(text.len() <= MAX_BYTES && text.len() > MAX_BYTES - 200, "{}", text.len());
        let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
        let kept = answer["tables"].as_array().unwrap();
        assert_eq!(answer["omitted"], 100_000 - kept.len());
        assert_eq!(kept.last().unwrap()["table"], "table099999", "what failed is kept, and the order");
        assert_eq!(answer["summary"]["tables"], 100_000);
    }

    proptest! {
        #[test]
        fn an_answer_never_exceeds_its_limit(report in reports(), limit in 500_usize..20_000) {
            let all = report.tables.len();
            let matters = |table: &&TableReport| table.outcome != Outcome::Started;
            let before: Vec<TableReport> = report.tables.iter().filter(matters).cloned().collect();
            let head = size(&Bounded { report: Report { tables: Vec::new(), ..report.clone() }, omitted: all });
            let answer = bounded(report, limit);
            let length = serde_json::to_vec(&answer).unwrap().len();
            prop_assert!(length <= limit, "{length} > {limit}");
            prop_assert_eq!(answer.omitted + answer.report.tables.len(), all);
            prop_assert!(answer.report.tables.is_sorted_by_key(|table| table.columns));
            // A failed or deferred table is left out only if it did not fit beside the others.
            let kept: Vec<&TableReport> = answer.report.tables.iter().filter(matters).collect();
            let bytes = head + kept.iter().map(|table| size(table) + 1).sum::<usize>();
            for out in before.iter().filter(|table| kept.iter().all(|kept| kept.table != table.table)) {
                prop_assert!(bytes + size(out) + 1 > limit);
            }
        }
    }
}
