//! Waiting for crawlers to end: one poller for all of them.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_glue::types::{Crawler, CrawlerState, LastCrawlStatus};
use tokio::sync::oneshot;

use crate::Clients;
use crate::error::{Error, Kind};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Polls that may fail in a row, each after the SDK's own retries, before the crawls count as lost.
const PATIENCE: u32 = 5;
/// `BatchGetCrawlers` takes this many names.
const BATCH: usize = 100;

/// Knows who waits for which crawler.
pub(super) struct Watcher<'a> {
    clients: &'a Clients,
    waiting: Mutex<HashMap<String, oneshot::Sender<Result<(), Error>>>>,
}

impl<'a> Watcher<'a> {
    pub(super) fn new(clients: &'a Clients) -> Self {
        Watcher { clients, waiting: Mutex::default() }
    }

    /// Waits until the crawler `name`, which was just started, is ready again.
    ///
    /// # Errors
    /// With the crawl's own message if it did not succeed.
    pub(super) async fn ended(&self, name: &str) -> Result<(), Error> {
        let (sender, receiver) = oneshot::channel();
        self.lock().insert(name.to_owned(), sender);
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
            if crawler.state() == Some(&CrawlerState::Ready) {
                self.tell(crawler.name().unwrap_or_default(), outcome(crawler));
                any = true;
            }
        }
        for name in answer.crawlers_not_found() {
            self.tell(name, Err(Error::new(Kind::NotFound, "the crawler was deleted while it ran")));
        }
        Ok(any)
    }

    fn tell(&self, name: &str, outcome: Result<(), Error>) {
        if let Some(sender) = self.lock().remove(name) {
            // A receiver that is gone has stopped waiting.
            let _ = sender.send(outcome);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, oneshot::Sender<Result<(), Error>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
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
