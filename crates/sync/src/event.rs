//! Handles the end of a crawl, as EventBridge reports it ("Glue Crawler State Change"): links the table and starts the next
//! crawler.

use std::time::Instant;

use aws_sdk_glue::types::Table;
use crawl::catalog::{self, Entry};
use crawl::error::{Error, Kind};

use crate::discover::{self, CrawlerInfo};
use crate::registry::Linker;
use crate::report::{Outcome, Report, Row, TableReport};
use crate::run::link;
use crate::session::Session;
use crate::settings::Engine;
use crate::{backlog, ownership};

/// Handles the end of a crawl by the crawler `crawler` in `state` ("Succeeded", "Failed", …). If it succeeded, registers and
/// links the schema of its table. Then starts the next crawlers that earlier runs have left.
///
/// The report has the crawler's table, and a line for each crawler that was started. For a crawler that is not ours nothing
/// is done, and the report is empty.
///
/// # Errors
/// If nothing could be done at all: no answer, no permission. [`Kind::Throttled`] if crawlers are due and none can be started
/// now: call again later.
///
/// # Cost
/// For somebody else's crawler GetCallerIdentity, and perhaps GetTags. For ours also BatchGetCrawlers, GetTable, GetDatabase,
/// and what linking costs. While crawlers are due, also the pages of ListTables, ListCrawlers and GetCrawlers.
pub async fn crawl_ended(session: &Session<'_>, crawler: &str, state: &str) -> Result<Report, Error> {
    let since = Instant::now();
    let Session { clients, settings, deadline, .. } = session;
    if settings.engine == Engine::Native {
        // The native engine ignores the crawlers of an earlier, managed installation.
        return Ok(Report::new("", &clients.region, settings).finish(clients.calls(), since.elapsed().as_secs_f64()));
    }
    let account = deadline.limit(discover::get_account(clients)).await?;
    let mut report = Report::new(&account, &clients.region, settings);
    if let Some(info) = deadline.limit(own_crawler(session, &account, crawler)).await? {
        report.tables.extend(report_end(session, &account, (crawler, &info), state).await);
        report.tables.append(&mut backlog::start_next(session, crawler).await?);
    }
    Ok(report.finish(clients.calls(), since.elapsed().as_secs_f64()))
}

/// The crawler, if it is ours and writes to the database of the settings.
async fn own_crawler(session: &Session<'_>, account: &str, name: &str) -> Result<Option<CrawlerInfo>, Error> {
    let Session { clients, settings, .. } = session;
    // EventBridge reports every crawler of the region. The name rules out most of the others without a call.
    let (before, after) = settings.crawler_name.split_once("{table}").unwrap_or_default();
    if !(name.starts_with(before) && name.ends_with(after)) {
        return Ok(None);
    }
    match ownership::is_own_crawler(clients, account, name).await {
        Ok(true) => {}
        Ok(false) => return Ok(None),
        Err(error) if error.kind == Kind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    }
    let request = clients.glue.batch_get_crawlers().crawler_names(name);
    let answer = request.send().await.map_err(Error::aws("glue:BatchGetCrawlers"))?;
    let info = answer.crawlers().first().map(|crawler| discover::crawler_info(crawler, true));
    Ok(info.filter(|info| info.config.database == settings.database))
}

/// The report of the crawl's table; `None` for a crawler without a DynamoDB target.
async fn report_end(
    session: &Session<'_>,
    account: &str,
    (name, info): (&str, &CrawlerInfo),
    state: &str,
) -> Option<TableReport> {
    let (source, ..) = info.config.targets.first()?;
    let row = Row::new(source, Some(name.to_owned()));
    if state != "Succeeded" {
        let why = info.last_error.as_deref().unwrap_or("no reason given");
        let reason = format!("the crawl ended as {state}: {why}");
        return Some(row.ended(Outcome::Failed, reason));
    }
    Some(match session.deadline.finish(catalog_table(session, account, (name, source))).await {
        Ok(Some(table)) => {
            let mut report = row.ended(Outcome::Crawled, None);
            link::link_table(&Linker::new(session), &session.deadline, &mut report, &table).await;
            report
        }
        Ok(None) => row.ended(Outcome::Failed, "the crawl succeeded, but the catalog has no table from it".to_owned()),
        // Not returned, since the next crawlers have to start anyway.
        Err(error) => row.refused(error),
    })
}

/// The catalog table that `crawler` created for the DynamoDB table `source`. It usually has the plain name. If names collided,
/// or the prefix changed, the listing has it.
async fn catalog_table(
    session: &Session<'_>,
    account: &str,
    (crawler, source): (&str, &str),
) -> Result<Option<Table>, Error> {
    let Session { clients, settings, .. } = session;
    let arn = crawl::naming::table_arn(&clients.region, account, source);
    let sources = [source.to_owned()];
    let plain = crawl::naming::catalog_names(&sources, &Default::default(), &settings.table_prefix).remove(source);
    if let Some(found) = catalog::get(clients, &settings.database, &plain.unwrap_or_default()).await?
        && Entry(&found).location() == Some(&arn)
        && Entry(&found).crawled_by() == Some(crawler)
    {
        return Ok(Some(found));
    }
    let tables = catalog::list(clients, &settings.database).await?;
    Ok(catalog::sources(&tables, &clients.region, account).get(source).map(|table| (*table).clone()))
}
