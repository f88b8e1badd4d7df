//! The end of a crawl, as EventBridge tells it ("Glue Crawler State Change"): link what it wrote, start what is next.

use crawl::catalog::{self, Entry};
use std::time::Instant;

use aws_sdk_glue::types::Table;

use crate::discover::{self, CrawlerInfo};
use crate::registry::Linker;
use crate::report::{Outcome, Report, Row, TableReport};
use crate::run::link;
use crate::session::Session;
use crate::settings::Engine;
use crate::{backlog, ownership};
use crawl::error::{Error, Kind};

/// What to do when the crawler called `crawler` has ended in `state` ("Succeeded", "Failed", …): register and link the schema
/// of its table if it succeeded, and start the next crawlers that a run had to leave.
///
/// The report has the crawler's table, and a line for each crawler that was started. A crawler that is not ours makes an
/// empty one: nothing is done.
///
/// # Errors
/// If nothing could be done at all: no answer, no permission. [`Kind::Throttled`] if crawlers are left
/// and none can be started now: call again later.
///
/// # Cost
/// For another's crawler GetCallerIdentity, and perhaps GetTags. Else also BatchGetCrawlers, GetTable, GetDatabase, and what
/// linking costs; while a run's crawlers are left, the pages of ListTables, ListCrawlers and GetCrawlers as well.
pub async fn crawl_ended(session: &Session<'_>, crawler: &str, state: &str) -> Result<Report, Error> {
    let since = Instant::now();
    let Session { clients, settings, deadline, .. } = session;
    if settings.engine == Engine::Native {
        // Crawlers of an earlier, managed installation are nobody's business any more.
        return Ok(Report::of("", &clients.region, settings).summed(clients.calls(), since.elapsed().as_secs_f64()));
    }
    let account = deadline.limit(discover::account(clients)).await?;
    let mut report = Report::of(&account, &clients.region, settings);
    if let Some(info) = deadline.limit(own_crawler(session, &account, crawler)).await? {
        report.tables.extend(ended(session, &account, (crawler, &info), state).await);
        report.tables.append(&mut backlog::go_on(session, crawler).await?);
    }
    Ok(report.summed(clients.calls(), since.elapsed().as_secs_f64()))
}

/// The crawler, if it is ours and writes to the database of the settings.
async fn own_crawler(session: &Session<'_>, account: &str, name: &str) -> Result<Option<CrawlerInfo>, Error> {
    let Session { clients, settings, .. } = session;
    // EventBridge tells of every crawler of the region: most others are told apart without a call.
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

/// The line of the ended crawl; none for a crawler without a DynamoDB target.
async fn ended(
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
            link::one(&Linker::new(session), &session.deadline, &mut report, &table).await;
            report
        }
        Ok(None) => row.ended(Outcome::Failed, "the crawl succeeded, but the catalog has no table of it".to_owned()),
        // The next crawlers have to start all the same.
        Err(error) => row.refused(error),
    })
}

/// The catalog table that `crawler` made of the DynamoDB table `source`: by its plain name, or else, where names collided or
/// a prefix came later, from the listing.
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
