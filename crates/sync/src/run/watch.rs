//! Waiting for crawlers to end: one poller for all of them.

use crawl::Clients;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_glue::types::{Crawler, CrawlerState, LastCrawlStatus};
use tokio::sync::oneshot;

use crate::discover;
use crawl::error::{Error, Kind};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Polls that may fail in a row, each after the SDK's own retries, before the crawls count as lost.
const PATIENCE: u32 = 5;
/// `BatchGetCrawlers` takes this many names.
const BATCH: usize = 100;
/// How long a crawler that was started may be shown as it was before.
const BEGIN_LIMIT: Duration = Duration::from_secs(60);

/// Knows who waits for which crawler.
pub(super) struct Watcher<'a> {
    clients: &'a Clients,
    /// How long a crawler that was just made may be denied to who looks at it.
    patience: Duration,
    waiting: Mutex<HashMap<String, Waiting>>,
}

/// Somebody who waits for a crawler.
struct Waiting {
    tell: oneshot::Sender<Result<(), Error>>,
    /// Start of the crawl before, in milliseconds since 1970.
    last_crawl: Option<i64>,
    /// The crawler was seen running.
    begun: bool,
    since: Instant,
}

impl<'a> Watcher<'a> {
    pub(super) fn new(clients: &'a Clients, patience: Duration) -> Self {
        Watcher { clients, patience, waiting: Mutex::default() }
    }

    /// Waits until the crawler `name`, which was just started or seen running (`begun`), is ready again. `last_crawl` is the
    /// start of the crawl before, in milliseconds since 1970: a crawler that is shown READY with that one has not begun.
    ///
    /// # Errors
    /// With the crawl's own message if it did not succeed.
    pub(super) async fn ended(&self, name: &str, last_crawl: Option<i64>, begun: bool) -> Result<(), Error> {
        let (tell, receiver) = oneshot::channel();
        self.lock().insert(name.to_owned(), Waiting { tell, last_crawl, begun, since: Instant::now() });
        receiver.await.unwrap_or_else(|_| Err(Error::new(Kind::Service, "nobody watches the crawler any more")))
    }

    /// Polls for as long as it is awaited; pauses grow while nothing ends.
    pub(super) async fn watch(&self) -> Infallible {
        let mut pause = FIRST_PAUSE;
        let mut failures = 0;
        loop {
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(LONGEST_PAUSE);
            let names: Vec<String> = self.lock().keys().cloned().collect();
            for names in names.chunks(BATCH) {
                match self.poll(names).await {
                    Ok(true) => (pause, failures) = (FIRST_PAUSE, 0),
                    Ok(false) => failures = 0,
                    Err(error) if failures < PATIENCE => {
                        tracing::warn!(reason = %error, "can't see how the crawlers are doing, trying again");
                        failures += 1;
                    }
                    // The tags of a new crawler spread by and by, and one that is not ours yet gets the whole batch denied.
                    Err(error) if error.kind == Kind::AccessDenied && self.any_is_new(names) => {}
                    Err(error) => names.iter().for_each(|name| {
                        self.tell(name, Err(Error::new(error.kind, format!("lost sight of the crawl: {error}"))));
                    }),
                }
            }
        }
    }

    /// Asks for some crawlers; returns whether any has ended.
    async fn poll(&self, names: &[String]) -> Result<bool, Error> {
        let request = self.clients.glue.batch_get_crawlers().set_crawler_names(Some(names.to_vec()));
        let answer = request.send().await.map_err(Error::aws("glue:BatchGetCrawlers"))?;
        let mut any = false;
        for crawler in answer.crawlers() {
            let name = crawler.name().unwrap_or_default();
            let outcome = self.lock().get_mut(name).and_then(|waiting| waiting.look_at(crawler));
            if let Some(outcome) = outcome {
                self.tell(name, outcome);
                any = true;
            }
        }
        for name in answer.crawlers_not_found() {
            self.tell(name, Err(Error::new(Kind::NotFound, "the crawler was deleted while it ran")));
        }
        Ok(any)
    }

    fn any_is_new(&self, names: &[String]) -> bool {
        let waiting = self.lock();
        names.iter().filter_map(|name| waiting.get(name)).any(|waiting| waiting.since.elapsed() < self.patience)
    }

    fn tell(&self, name: &str, outcome: Result<(), Error>) {
        if let Some(waiting) = self.lock().remove(name) {
            // A receiver that is gone has stopped waiting.
            let _ = waiting.tell.send(outcome);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// How the crawl ended, if it has.
    fn look_at(&mut self, crawler: &Crawler) -> Option<Result<(), Error>> {
        self.begun |= crawler.state() != Some(&CrawlerState::Ready) || discover::last_crawl(crawler) != self.last_crawl;
        if crawler.state() != Some(&CrawlerState::Ready) {
            return None;
        }
        match self.begun {
            true => Some(outcome(crawler)),
            false if self.since.elapsed() < BEGIN_LIMIT => None,
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
        Waiting { tell: oneshot::channel().0, last_crawl, begun, since: Instant::now() }
    }

    #[test]
    fn the_crawl_before_is_not_taken_for_this_one() {
        use CrawlerState::{Ready, Running};
        use LastCrawlStatus::{Failed, Succeeded};

        let mut first = waiting(None, false);
        assert!(first.look_at(&crawler(Ready, None)).is_none(), "not begun");
        assert!(first.look_at(&crawler(Ready, Some((2, Succeeded)))).unwrap().is_ok());

        let mut later = waiting(Some(1), false);
        assert!(later.look_at(&crawler(Ready, Some((1, Failed)))).is_none(), "the failure of yesterday");
        assert!(later.look_at(&crawler(Running, Some((1, Failed)))).is_none());
        assert!(later.look_at(&crawler(Ready, Some((2, Succeeded)))).unwrap().is_ok());

        let mut running = waiting(Some(1), true);
        assert!(running.look_at(&crawler(Ready, Some((1, Failed)))).unwrap().is_err(), "was seen running");
    }
}
