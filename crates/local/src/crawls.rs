//! The crawls that StartCrawler starts, in the background.

mod crawled_table;
mod names;
mod remote_iam;
mod role_clients;
mod run;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::config::Region;
use crawl::Clients;
use rusqlite::Transaction;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::access::{self, RequiredPermission};
use crate::backend::Backend;
use crate::config::{IamEndpoint, Source};
use crate::descriptors;
use crate::error::AwsError;
use crate::glue::CrawlJob;
use crate::iam::assumable_by_glue;
use crate::sts;
use remote_iam::RemoteIam;
use role_clients::RoleClientCache;

/// How long [`Crawls::end_all`] waits for crawls to record their ends.
const GRACE: Duration = Duration::from_secs(5);

/// The crawls of this endpoint that have not ended.
pub(crate) struct Crawls {
    context: Arc<CrawlContext>,
    running: Mutex<JoinSet<()>>,
    /// One for each crawl that may work at once. The others wait, and are RUNNING too.
    permits: Arc<Semaphore>,
    /// Set to true when the endpoint stops.
    closing: watch::Sender<bool>,
}

impl Crawls {
    /// `url` is where the endpoint itself can be reached.
    pub(crate) fn new(backend: Arc<Backend>, url: String, source: Source, iam: Option<IamEndpoint>) -> Crawls {
        let (clients, role_clients) = Default::default();
        let remote_iam = iam.map(RemoteIam::new);
        let context = Arc::new(CrawlContext { backend, url, source, remote_iam, clients, role_clients });
        let permits = Arc::new(Semaphore::new(descriptors::crawls()));
        Crawls { context, running: Mutex::default(), permits, closing: watch::Sender::new(false) }
    }

    /// Starts a crawl; must be called within the runtime.
    pub(crate) fn start(&self, job: CrawlJob) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        while running.try_join_next().is_some() {}
        let (context, permits, closing) =
            (Arc::clone(&self.context), Arc::clone(&self.permits), self.closing.subscribe());
        running.spawn(run::run(context, job, permits, closing));
    }

    /// Ends all crawls; they become FAILED.
    pub(crate) async fn end_all(&self) {
        self.closing.send_replace(true);
        let mut running = std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        let ended = tokio::time::timeout(GRACE, async { while running.join_next().await.is_some() {} });
        if ended.await.is_err() {
            running.shutdown().await;
        }
    }

    /// Updates the copy of a role, if another endpoint keeps roles: see [`CrawlContext::refresh_role`].
    ///
    /// # Errors
    /// If that endpoint does not answer or refuses the request.
    pub(crate) async fn refresh_role(&self, role: &str) -> Result<(), AwsError> {
        self.context.refresh_role(role).await
    }
}

/// What all crawls share.
struct CrawlContext {
    backend: Arc<Backend>,
    url: String,
    source: Source,
    /// The endpoint that keeps roles, if not this one.
    remote_iam: Option<RemoteIam>,
    /// By region.
    clients: Mutex<BTreeMap<String, Clients>>,
    role_clients: Mutex<RoleClientCache>,
}

impl CrawlContext {
    /// The endpoint's own SDK clients in `region`, which may do everything. They call this endpoint, except that DynamoDB calls
    /// go where the tables are. They are reused: making them costs more than a small crawl, and each has its own connections.
    fn clients(&self, region: &str) -> Clients {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.entry(region.to_owned()).or_insert_with(|| self.new_clients(region)).clone()
    }

    fn new_clients(&self, region: &str) -> Clients {
        let mut clients = Clients::local(&self.url, region);
        let dynamodb = match &self.source {
            Source::None | Source::Files(_) => return clients,
            Source::Endpoint(url) => match &self.remote_iam {
                None => clients.dynamodb.config().to_builder().endpoint_url(url),
                Some(remote) => remote.dynamodb().endpoint_url(url).region(Region::new(region.to_owned())),
            },
            Source::Client(client) => client.config().to_builder().region(Region::new(region.to_owned())),
        };
        clients.dynamodb = aws_sdk_dynamodb::Client::from_conf(dynamodb.build());
        clients
    }

    /// Whether crawls read from somewhere else, so that this endpoint cannot judge the requests.
    fn reads_unjudged(&self) -> bool {
        matches!(self.source, Source::Endpoint(_) | Source::Client(_))
    }

    /// Refuses the crawl of a table that its role may not read, if the read itself would not be refused.
    ///
    /// # Errors
    /// `AccessDeniedException`, as DynamoDB words it.
    async fn check_may_scan(&self, region: &str, role: &str, table: &str) -> Result<(), AwsError> {
        if !self.reads_unjudged() {
            return Ok(());
        }
        let (mut context, role) = (self.backend.context(region), role.to_owned());
        let required = RequiredPermission::scan(&context, table);
        let judge = move |tx: &Transaction| {
            let role = assumable_by_glue(tx, &context, &role)?.ok_or_else(role_clients::unable)?;
            context.caller = sts::role_session(tx, &context, &role, role_clients::SESSION)?;
            required.iter().try_for_each(|permission| access::check(tx, &context, permission))
        };
        self.backend.read(judge).await
    }
}
