//! What outlives a request: given to the crawls that requests start.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::config::Region;
use crawler::Clients;
use rusqlite::Transaction;

use crate::context::Context;
use crate::error::AwsError;
use crate::server::{Source, blocking};
use crate::store::Store;

/// The running endpoint, as its crawls see it.
pub struct Engine {
    /// All state.
    pub store: Arc<Store>,
    /// The one account that is served, twelve digits.
    pub account: String,
    /// Milliseconds since 1970.
    pub clock: fn() -> i64,
    url: String,
    source: Source,
    /// By region.
    clients: Mutex<BTreeMap<String, Clients>>,
}

impl Engine {
    /// `url` is where the endpoint itself can be reached.
    pub(crate) fn new(store: Arc<Store>, account: String, clock: fn() -> i64, url: String, source: Source) -> Self {
        Engine { store, account, clock, url, source, clients: Mutex::default() }
    }

    /// The context of a request, or of a crawl, in `region`, now.
    pub fn context(&self, region: &str) -> Context {
        Context {
            account: self.account.clone(),
            region: region.to_owned(),
            now: (self.clock)(),
            endpoint: self.store.endpoint().to_owned(),
        }
    }

    /// Runs `work` as [`Store::read`] does, off the async threads: the store may be busy for a while.
    ///
    /// # Errors
    /// Whatever `work` returns, or the database's own failure as an internal error.
    pub(crate) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Transaction) -> Result<T, AwsError> + Send + 'static,
    ) -> Result<T, AwsError> {
        let engine = Arc::clone(self);
        blocking(move || engine.store.read(work)).await
    }

    /// SDK clients for a crawl in `region`: all of them talk to this endpoint, except that DynamoDB is where the tables
    /// are. The crawls of a region share them: making some costs more than a small crawl, and each has its own connections.
    pub fn clients(&self, region: &str) -> Clients {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.entry(region.to_owned()).or_insert_with(|| self.new_clients(region)).clone()
    }

    fn new_clients(&self, region: &str) -> Clients {
        let mut clients = Clients::local(&self.url, region);
        match &self.source {
            Source::None | Source::Files(_) => {}
            Source::Endpoint(url) => {
                let config = clients.dynamodb.config().to_builder().endpoint_url(url).build();
                clients.dynamodb = aws_sdk_dynamodb::Client::from_conf(config);
            }
            Source::Client(client) => {
                let config = client.config().to_builder().region(Region::new(region.to_owned())).build();
                clients.dynamodb = aws_sdk_dynamodb::Client::from_conf(config);
            }
        }
        clients
    }
}
