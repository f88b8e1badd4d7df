//! Waits for crawlers to end, with one poller for all of them.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_glue::types::{Crawler, CrawlerState, LastCrawlStatus};
use crawl::Clients;
use crawl::error::{Error, Kind};
use tokio::sync::oneshot;

use crate::discover;

const MIN_POLL_INTERVAL: Duration = Duration::from_millis(100);
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(10);
/// Polls that may fail in a row, each after the SDK's own retries, before the crawls count as lost.
const MAX_FAILURES: u32 = 5;
/// The most names that `BatchGetCrawlers` takes.
const MAX_BATCH: usize = 100;
/// How long Glue may show a started crawler in its former state.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Polls the crawlers that somebody waits for.
pub(super) struct Watcher<'a> {
    clients: &'a Clients,
    /// How long access to a newly created crawler may be denied, since its tags propagate.
    propagation_limit: Duration,
    waiting: Mutex<HashMap<String, Waiting>>,
}

/// A wait for a crawler.
struct Waiting {
    outcome: oneshot::Sender<Result<(), Error>>,
    /// The start of the previous crawl, in milliseconds since 1970.
    last_crawl: Option<i64>,
    /// Whether the crawl has begun.
    begun: bool,
    since: Instant,
}

impl<'a> Watcher<'a> {
    pub(super) fn new(clients: &'a Clients, propagation_limit: Duration) -> Self {
        Watcher { clients, propagation_limit, waiting: Mutex::default() }
    }

    /// Waits until the crawler `name`, which was just started or seen running (`begun`), is ready again. `last_crawl` is the
    /// start of the previous crawl, in milliseconds since 1970: while Glue shows that one, the new crawl has not begun.
    ///
    /// # Errors
    /// With the crawl's own message if it did not succeed.
    pub(super) async fn ended(&self, name: &str, last_crawl: Option<i64>, begun: bool) -> Result<(), Error> {
        let (outcome, receiver) = oneshot::channel();
        self.lock().insert(name.to_owned(), Waiting { outcome, last_crawl, begun, since: Instant::now() });
        receiver.await.unwrap_or_else(|_| Err(Error::new(Kind::Service, "the crawler is no longer watched")))
    }

    /// Polls for as long as it is awaited. The interval grows while no crawl ends.
    pub(super) async fn watch(&self) -> Infallible {
        let mut interval = MIN_POLL_INTERVAL;
        let mut failures = 0;
        loop {
            tokio::time::sleep(interval).await;
            interval = (interval * 3 / 2).min(MAX_POLL_INTERVAL);
            let names: Vec<String> = self.lock().keys().cloned().collect();
            for names in names.chunks(MAX_BATCH) {
                match self.poll(names).await {
                    Ok(true) => (interval, failures) = (MIN_POLL_INTERVAL, 0),
                    Ok(false) => failures = 0,
                    Err(error) if failures < MAX_FAILURES => {
                        tracing::warn!(reason = %error, "can't get the state of the crawlers, trying again");
                        failures += 1;
                    }
                    // A new crawler whose tags haven't propagated isn't ours yet, and gets the whole batch denied.
                    Err(error) if error.kind == Kind::AccessDenied && self.any_is_new(names) => {}
                    Err(error) => names.iter().for_each(|name| {
                        self.resolve(name, Err(Error::new(error.kind, format!("lost track of the crawl: {error}"))));
                    }),
                }
            }
        }
    }

    /// Gets the state of these crawlers. Returns whether any has ended.
    async fn poll(&self, names: &[String]) -> Result<bool, Error> {
        let request = self.clients.glue.batch_get_crawlers().set_crawler_names(Some(names.to_vec()));
        let answer = request.send().await.map_err(Error::aws("glue:BatchGetCrawlers"))?;
        let mut any = false;
        for crawler in answer.crawlers() {
            let name = crawler.name().unwrap_or_default();
            let outcome = self.lock().get_mut(name).and_then(|waiting| waiting.update(crawler));
            if let Some(outcome) = outcome {
                self.resolve(name, outcome);
                any = true;
            }
        }
        for name in answer.crawlers_not_found() {
            self.resolve(name, Err(Error::new(Kind::NotFound, "the crawler was deleted while it ran")));
        }
        Ok(any)
    }

    fn any_is_new(&self, names: &[String]) -> bool {
        let waiting = self.lock();
        names
            .iter()
            .filter_map(|name| waiting.get(name))
            .any(|waiting| waiting.since.elapsed() < self.propagation_limit)
    }

    fn resolve(&self, name: &str, outcome: Result<(), Error>) {
        if let Some(waiting) = self.lock().remove(name) {
            // Fails if the receiver has stopped waiting.
            let _ = waiting.outcome.send(outcome);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Takes the crawler's present state. Returns how the crawl ended, if it has.
    fn update(&mut self, crawler: &Crawler) -> Option<Result<(), Error>> {
        self.begun |= crawler.state() != Some(&CrawlerState::Ready) || discover::last_crawl(crawler) != self.last_crawl;
        if crawler.state() != Some(&CrawlerState::Ready) {
            return None;
        }
        match self.begun {
            true => Some(outcome(crawler)),
            false if self.since.elapsed() < START_LIMIT => None,
            false => Some(Err(Error::new(Kind::Service, "the crawler was started, but no crawl began: run again"))),
        }
    }
}

fn outcome(crawler: &Crawler) -> Result<(), Error> {
    let Some(crawl) = crawler.last_crawl() else { return Ok(()) };
    let reason = crawl.error_message().unwrap_or("no reason given");
    match crawl.status() {
        Some(LastCrawlStatus::Failed) => Err(Error::new(Kind::Service, format!("the crawl failed: {reason}"))),
        Some(LastCrawlStatus::Cancelled) => Err(Error::new(Kind::Service, "the crawl was stopped".to_owned())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_glue::primitives::DateTime;
    use aws_sdk_glue::types::LastCrawlInfo;

    use super::*;

    fn crawler(state: CrawlerState, last: Option<(i64, LastCrawlStatus)>) -> Crawler {
        let last = last.map(|(start, status)| {
            LastCrawlInfo::builder().start_time(DateTime::from_millis(start)).status(status).build()
        });
        Crawler::builder().state(state).set_last_crawl(last).build()
    }

    fn waiting(last_crawl: Option<i64>, begun: bool) -> Waiting {
        Waiting { outcome: oneshot::channel().0, last_crawl, begun, since: Instant::now() }
    }

    #[test]
    fn the_crawl_before_is_not_taken_for_this_one() {
        use CrawlerState::{Ready, Running};
        use LastCrawlStatus::{Failed, Succeeded};

        let mut first = waiting(None, false);
        assert!(first.update(&crawler(Ready, None)).is_none(), "not begun");
        assert!(first.update(&crawler(Ready, Some((2, Succeeded)))).unwrap().is_ok());

        let mut later = waiting(Some(1), false);
        assert!(later.update(&crawler(Ready, Some((1, Failed)))).is_none(), "the failure of yesterday");
        assert!(later.update(&crawler(Running, Some((1, Failed)))).is_none());
        assert!(later.update(&crawler(Ready, Some((2, Succeeded)))).unwrap().is_ok());

        let mut running = waiting(Some(1), true);
        assert!(running.update(&crawler(Ready, Some((1, Failed)))).unwrap().is_err(), "was seen running");
    }
}
