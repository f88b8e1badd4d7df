//! Crawls of the past: ListCrawls and GetCrawlerMetrics.

use rusqlite::params;
use serde_json::{Value, json};

use super::Request;
use super::crawl_record::{COLUMNS, Crawl, Summary};
use super::crawler::Crawler;
use super::paging::TokenPage;
use super::validate::{ANY, Members, NAME, invalid};
use crate::error::AwsError;

/// Crawls of a crawler, the newest first.
pub(super) fn list(request: &Request) -> Result<Value, AwsError> {
    let name = request.body.required("CrawlerName", NAME)?;
    let page = TokenPage::read(&request.body, 20, 1_000)?;
    let filters = request.body.list("Filters")?.iter().map(CrawlFilter::read).collect::<Result<Vec<_>, _>>()?;
    Crawler::find(request, name)?;
    let sql = format!(
        "SELECT {COLUMNS} FROM glue_crawl WHERE scope = ?1 AND crawler = ?2 AND (?3 = '' OR number <
           (SELECT number FROM glue_crawl WHERE id = ?3)) ORDER BY number DESC"
    );
    let mut statement = request.tx.prepare_cached(&sql)?;
    let mut rows = statement.query(params![request.scope, name, page.after])?;
    let mut crawls = Vec::new();
    while !page.is_full(crawls.len()) {
        let Some(row) = rows.next()? else { break };
        let crawl = Crawl::from_row(row, 0)?;
        if filters.iter().all(|filter| filter.fits(&crawl)) {
            crawls.push(crawl);
        }
    }
    page.answer("Crawls", crawls, |crawl| crawl.id.clone(), |crawl| Ok(crawl.to_wire(name)))
}

/// Metrics of the named crawlers, or of all: run times of completed crawls, and tables of the last crawl that ended.
/// Unknown names are left out.
pub(super) fn metrics(request: &Request) -> Result<Value, AwsError> {
    let names = request.body.texts("CrawlerNameList", NAME, 100)?;
    let page = TokenPage::read(&request.body, 100, 1_000)?;
    let mut statement =
        request.tx.prepare_cached("SELECT name FROM glue_crawler WHERE scope = ?1 AND name > ?2 ORDER BY name")?;
    let mut rows = statement.query(params![request.scope, page.after])?;
    let mut found = Vec::new();
    while !page.is_full(found.len()) {
        let Some(row) = rows.next()? else { break };
        let name: String = row.get(0)?;
        if names.is_empty() || names.contains(&name.as_str()) {
            found.push(name);
        }
    }
    page.answer("CrawlerMetricsList", found, String::clone, |name| measure(request, &name))
}

fn measure(request: &Request, name: &str) -> Result<Value, AwsError> {
    let sql =
        format!("SELECT {COLUMNS} FROM glue_crawl WHERE scope = ?1 AND crawler = ?2 ORDER BY number DESC LIMIT 100");
    let mut statement = request.tx.prepare_cached(&sql)?;
    let rows = statement.query_map(params![request.scope, name], |row| Crawl::from_row(row, 0))?;
    let crawls = rows.collect::<Result<Vec<_>, _>>()?;
    let runtime = |crawl: &Crawl| crawl.ended.map(|ended| seconds_between(crawl.started, ended));
    let mut runtimes: Vec<f64> = crawls.iter().filter(|crawl| crawl.state == "COMPLETED").filter_map(runtime).collect();
    runtimes.sort_by(f64::total_cmp);
    let median = median(&runtimes);
    let last = crawls.iter().find(|crawl| crawl.ended.is_some());
    let count = |names: fn(&Summary) -> &Vec<String>| last.map_or(0, |crawl| names(&crawl.summary).len());
    let running = crawls.iter().find(|crawl| crawl.state == "RUNNING");
    let left = running.map_or(0.0, |crawl| (median - seconds_between(crawl.started, request.context.now)).max(0.0));
    Ok(json!({
        "CrawlerName": name,
        "TimeLeftSeconds": left,
        "StillEstimating": running.is_some() && runtimes.is_empty(),
        "LastRuntimeSeconds": last.and_then(runtime).unwrap_or(0.0),
        "MedianRuntimeSeconds": median,
        "TablesCreated": count(|summary| &summary.created),
        "TablesUpdated": count(|summary| &summary.updated),
        "TablesDeleted": count(|summary| &summary.deleted),
    }))
}

/// The median of sorted values; 0 if there are none.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    let at = |index: usize| sorted.get(index).copied().unwrap_or(0.0);
    if sorted.len() % 2 == 1 || sorted.is_empty() { at(middle) } else { (at(middle - 1) + at(middle)) / 2.0 }
}

fn seconds_between(from: i64, to: i64) -> f64 {
    to.saturating_sub(from).max(0) as f64 / 1000.0
}

/// One of `Filters`.
struct CrawlFilter {
    field: &'static str,
    operator: &'static str,
    value: String,
    number: f64,
}

impl CrawlFilter {
    fn read(filter: &Members) -> Result<CrawlFilter, AwsError> {
        let fields = ["CRAWL_ID", "STATE", "START_TIME", "END_TIME", "DPU_HOUR"];
        let field = filter.choice("FieldName", &fields)?.ok_or_else(|| invalid("A filter needs a FieldName."))?;
        let operator = filter.choice("FilterOperator", &["GT", "GE", "LT", "LE", "EQ", "NE"])?;
        let operator = operator.ok_or_else(|| invalid("A filter needs a FilterOperator."))?;
        let value = filter.text("FieldValue", ANY)?.ok_or_else(|| invalid("A filter needs a FieldValue."))?.to_owned();
        let number = match field {
            "CRAWL_ID" | "STATE" if matches!(operator, "EQ" | "NE") => 0.0,
            "CRAWL_ID" | "STATE" => return Err(invalid(format!("{field} can be filtered with EQ and NE only."))),
            // AWS takes times in milliseconds since 1970.
            _ => value.parse().map_err(|_| invalid(format!("The FieldValue for {field} must be a number.")))?,
        };
        Ok(CrawlFilter { field, operator, value, number })
    }

    fn fits(&self, crawl: &Crawl) -> bool {
        let order = match self.field {
            "CRAWL_ID" => Some(crawl.id.cmp(&self.value)),
            "STATE" => Some(crawl.state.cmp(&self.value)),
            "START_TIME" => (crawl.started as f64).partial_cmp(&self.number),
            "END_TIME" => crawl.ended.and_then(|ended| (ended as f64).partial_cmp(&self.number)),
            _ => 0.0_f64.partial_cmp(&self.number),
        };
        order.is_some_and(|order| match self.operator {
            "GT" => order.is_gt(),
            "GE" => order.is_ge(),
            "LT" => order.is_lt(),
            "LE" => order.is_le(),
            "EQ" => order.is_eq(),
            _ => order.is_ne(),
        })
    }
}
