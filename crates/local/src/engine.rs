//! What outlives a request: given to the crawls that requests start.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::config::Region;
use crawl::Clients;
use rusqlite::Transaction;

use crate::access::{self, Need};
use crate::caller::Caller;
use crate::context::Context;
use crate::error::AwsError;
use crate::iam::assumable_by_glue;
use crate::server::{Config, Source, blocking};
use crate::store::Store;
use crate::unknowns::Unknowns;

mod assumed;
mod elsewhere;

use assumed::Assumed;
use elsewhere::Elsewhere;

/// The running endpoint, as its crawls see it.
pub struct Engine {
    /// All state.
    pub store: Arc<Store>,
    /// The one account that is served, twelve digits.
    pub account: String,
    /// Milliseconds since 1970.
    pub clock: fn() -> i64,
    unknowns: Unknowns,
    url: String,
    source: Source,
    /// Where roles are, if not here.
    elsewhere: Option<Elsewhere>,
    /// By region.
    clients: Mutex<BTreeMap<String, Clients>>,
    assumed: Mutex<Assumed>,
}

impl Engine {
    /// `url` is where the endpoint itself can be reached.
    pub(crate) fn new(store: Arc<Store>, url: String, config: Config) -> Self {
        let Config { account, clock, unknowns, source, iam, .. } = config;
        let elsewhere = iam.map(Elsewhere::new);
        let (clients, assumed) = Default::default();
        Engine { store, account, clock, unknowns, url, source, elsewhere, clients, assumed }
    }

    /// The context of a request of the account, or of a crawl, in `region`, now.
    pub fn context(&self, region: &str) -> Context {
        Context {
            account: self.account.clone(),
            region: region.to_owned(),
            now: (self.clock)(),
            endpoint: self.store.endpoint().to_owned(),
            caller: Caller::Account,
            unknowns: self.unknowns,
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

    /// The endpoint's own SDK clients in `region`, which may do everything here: all of them talk to this endpoint, except
    /// that DynamoDB is where the tables are. Making some costs more than a small crawl, and each has its own connections.
    pub(crate) fn clients(&self, region: &str) -> Clients {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.entry(region.to_owned()).or_insert_with(|| self.new_clients(region)).clone()
    }

    fn new_clients(&self, region: &str) -> Clients {
        let mut clients = Clients::local(&self.url, region);
        let dynamodb = match &self.source {
            Source::None | Source::Files(_) => return clients,
            Source::Endpoint(url) => match &self.elsewhere {
                None => clients.dynamodb.config().to_builder().endpoint_url(url),
                Some(elsewhere) => elsewhere.dynamodb().endpoint_url(url).region(Region::new(region.to_owned())),
            },
            Source::Client(client) => client.config().to_builder().region(Region::new(region.to_owned())),
        };
        clients.dynamodb = aws_sdk_dynamodb::Client::from_conf(dynamodb.build());
        clients
    }

    /// Whether what crawls read does not come by here, where it would be judged.
    fn reads_unjudged(&self) -> bool {
        matches!(self.source, Source::Endpoint(_) | Source::Client(_))
    }

    /// Refuses the crawl of a table that its role may not read, where reading it would not be refused.
    ///
    /// # Errors
    /// `AccessDeniedException`, as DynamoDB words it.
    pub(crate) async fn may_scan(self: &Arc<Self>, region: &str, role: &str, table: &str) -> Result<(), AwsError> {
        if !self.reads_unjudged() {
            return Ok(());
        }
        let (mut context, role) = (self.context(region), role.to_owned());
        let needs = Need::scan(&context, table);
        let judge = move |tx: &Transaction| {
            let role = assumable_by_glue(tx, &context, &role)?.ok_or_else(assumed::unable)?;
            context.caller = Caller::session(tx, &context, &role, assumed::SESSION)?;
            needs.iter().try_for_each(|need| access::check(tx, &context, need))
        };
        self.read(judge).await
    }
}
