//! SDK clients with the credentials of crawlers' roles.

use std::collections::VecDeque;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::config::{Credentials, IdentityCache, SharedCredentialsProvider};
use crawl::Clients;

use super::CrawlContext;
use crate::error::AwsError;
use crate::iam::assumable_by_glue;
use crate::sts;

/// The session name that Glue uses for its crawlers.
pub(super) const SESSION: &str = "AWS-Crawler";

/// How long the credentials of a crawl are valid, and how long new crawls reuse them. The difference is what the slowest
/// crawl may take.
const CREDENTIALS_TTL: Duration = Duration::from_secs(24 * 60 * 60);
const REUSE_TTL: Duration = Duration::from_secs(60 * 60);

/// How many sets of clients to keep: more than crawlers may run at once.
const MAX_CLIENTS: usize = 256;

/// Clients by role, oldest first.
#[derive(Default)]
pub(super) struct RoleClientCache(VecDeque<RoleClients>);

struct RoleClients {
    region: String,
    /// The role's id: a role recreated under the same name has another.
    role: String,
    made: Instant,
    clients: Clients,
}

impl RoleClientCache {
    fn find(&mut self, region: &str, role: &str) -> Option<Clients> {
        self.0.retain(|kept| kept.made.elapsed() < REUSE_TTL);
        let found = self.0.iter().find(|kept| kept.region == region && kept.role == role);
        found.map(|kept| kept.clients.clone())
    }

    fn keep(&mut self, region: &str, role: String, clients: Clients) {
        if self.0.len() >= MAX_CLIENTS {
            self.0.pop_front();
        }
        self.0.push_back(RoleClients { region: region.to_owned(), role, made: Instant::now(), clients });
    }
}

/// The error of CreateCrawler, or of a crawl, when Glue cannot assume the role.
pub(super) fn unable() -> AwsError {
    let message = "Service is unable to assume provided role. Please verify role's TrustPolicy";
    AwsError::new("InvalidInputException", message)
}

impl CrawlContext {
    /// Clients with the credentials of a crawler's role, which Glue must be able to assume. `role` is a name, with or without
    /// its path, or an ARN. Crawls with the same role share clients; all share connections.
    ///
    /// # Errors
    /// If the role can't be assumed.
    pub(super) async fn role_clients(&self, region: &str, role: &str) -> Result<Clients, AwsError> {
        self.refresh_role(role).await?;
        let (role, context) = (role.to_owned(), self.backend.context(region));
        let role = self.backend.read(move |tx| assumable_by_glue(tx, &context, &role)).await?.ok_or_else(unable)?;
        let id = role.id.clone();
        if let Some(clients) = self.role_clients.lock().unwrap_or_else(PoisonError::into_inner).find(region, &id) {
            return Ok(clients);
        }
        let (now, seconds) = ((self.backend.clock)(), CREDENTIALS_TTL.as_secs().cast_signed());
        let issued = self.backend.transaction(move |tx| sts::issue(tx, &role, SESSION, seconds, now)).await?;
        let credentials = Credentials::new(issued.access_key, issued.secret, Some(issued.token), None, "role");
        let clients = self.with_credentials(region, SharedCredentialsProvider::new(credentials));
        self.role_clients.lock().unwrap_or_else(PoisonError::into_inner).keep(region, id, clients.clone());
        Ok(clients)
    }

    /// The endpoint's own clients with other credentials, for the services where this endpoint knows them.
    fn with_credentials(&self, region: &str, credentials: SharedCredentialsProvider) -> Clients {
        let mut clients = self.clients(region);
        // A derived client shares its identity cache, which would grow with each role.
        let cache = || IdentityCache::lazy().build();
        let glue = clients.glue.config().to_builder().credentials_provider(credentials.clone());
        clients.glue = aws_sdk_glue::Client::from_conf(glue.identity_cache(cache()).build());
        if !self.reads_unjudged() {
            let dynamodb = clients.dynamodb.config().to_builder().credentials_provider(credentials);
            clients.dynamodb = aws_sdk_dynamodb::Client::from_conf(dynamodb.identity_cache(cache()).build());
        }
        clients
    }
}
