//! The roles of crawlers, assumed as Glue assumes them.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_sdk_dynamodb::config::{Credentials, IdentityCache, SharedCredentialsProvider};
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use crawler::Clients;
use crawler::aws::local_config;
use percent_encoding::percent_decode_str;

use super::Engine;
use crate::error::AwsError;
use crate::iam::{assumable_by_glue, trusts_glue};
use crate::server::{IamEndpoint, blocking};
use crate::sts;

/// IAM and STS are global.
const REGION: &str = "us-east-1";

/// The name that Glue gives the sessions of its crawlers.
pub(super) const SESSION: &str = "AWS-Crawler";

/// How long the credentials of a crawl are good for, and how long they are given to crawls that start: the slowest crawl
/// has the difference.
const GOOD: Duration = Duration::from_secs(24 * 60 * 60);
const GIVEN: Duration = Duration::from_secs(60 * 60);

/// Sets of clients to keep: more than crawlers may run at once.
const MOST: usize = 256;

/// Clients with the credentials of roles, the oldest first.
#[derive(Default)]
pub(super) struct Assumed(VecDeque<Clothed>);

struct Clothed {
    region: String,
    /// Another role of the same name, made later, has another.
    role: String,
    made: Instant,
    clients: Clients,
}

impl Assumed {
    fn find(&mut self, region: &str, role: &str) -> Option<Clients> {
        self.0.retain(|clothed| clothed.made.elapsed() < GIVEN);
        let found = self.0.iter().find(|clothed| clothed.region == region && clothed.role == role);
        found.map(|clothed| clothed.clients.clone())
    }

    fn keep(&mut self, region: &str, role: String, clients: Clients) {
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back(Clothed { region: region.to_owned(), role, made: Instant::now(), clients });
    }
}

/// What CreateCrawler says of a role that it can't use, and a crawl of one that it can't use any more.
pub(super) fn unable() -> AwsError {
    let message = "Service is unable to assume provided role. Please verify role's TrustPolicy";
    AwsError::new("InvalidInputException", message)
}

impl Engine {
    /// Clients with credentials of a crawler's role, which Glue must be able to assume: `role` is a name, with or without
    /// its path, or an ARN. The crawls of a role share them, and all share their connections.
    ///
    /// # Errors
    /// If the role can't be assumed.
    pub(crate) async fn role_clients(self: &Arc<Self>, region: &str, role: &str) -> Result<Clients, AwsError> {
        let find = |id: &str| self.assumed.lock().unwrap_or_else(PoisonError::into_inner).find(region, id);
        let (id, credentials) = match &self.elsewhere {
            Some(elsewhere) => {
                let arn = elsewhere.assumable_by_glue(role, &self.account).await?.ok_or_else(unable)?;
                if let Some(clients) = find(&arn) {
                    return Ok(clients);
                }
                let credentials = elsewhere.assume(&arn).await;
                (arn, credentials)
            }
            None => {
                let (role, account) = (role.to_owned(), self.account.clone());
                let role = self.read(move |tx| assumable_by_glue(tx, &role, &account)).await?.ok_or_else(unable)?;
                if let Some(clients) = find(&role.id) {
                    return Ok(clients);
                }
                let (id, engine) = (role.id.clone(), Arc::clone(self));
                let issue = move || {
                    let (now, seconds) = ((engine.clock)(), GOOD.as_secs().cast_signed());
                    engine.store.transaction(|tx| sts::issue(tx, &role, SESSION, seconds, now))
                };
                let issued = blocking(issue).await?;
                let credentials = Credentials::new(issued.access_key, issued.secret, Some(issued.token), None, "role");
                (id, SharedCredentialsProvider::new(credentials))
            }
        };
        let clients = self.clothe(region, credentials);
        self.assumed.lock().unwrap_or_else(PoisonError::into_inner).keep(region, id, clients.clone());
        Ok(clients)
    }

    /// The endpoint's own clients, but with other credentials where these are known.
    fn clothe(&self, region: &str, credentials: SharedCredentialsProvider) -> Clients {
        let mut clients = self.clients(region);
        // Clients made from others share their cache of identities, which would grow with each role.
        let cache = || IdentityCache::lazy().build();
        if self.elsewhere.is_none() {
            let glue = clients.glue.config().to_builder().credentials_provider(credentials.clone());
            clients.glue = aws_sdk_glue::Client::from_conf(glue.identity_cache(cache()).build());
        }
        if !self.reads_unjudged() {
            let dynamodb = clients.dynamodb.config().to_builder().credentials_provider(credentials);
            clients.dynamodb = aws_sdk_dynamodb::Client::from_conf(dynamodb.identity_cache(cache()).build());
        }
        clients
    }

    /// Whether Glue can assume a role, where roles are kept elsewhere; `None` where they are kept here.
    ///
    /// # Errors
    /// If that endpoint does not answer, or refuses to.
    pub(crate) async fn trusted_elsewhere(&self, role: &str) -> Result<Option<bool>, AwsError> {
        match &self.elsewhere {
            None => Ok(None),
            Some(elsewhere) => Ok(Some(elsewhere.assumable_by_glue(role, &self.account).await?.is_some())),
        }
    }
}

/// Another endpoint's IAM and STS.
pub(super) struct Elsewhere {
    config: SdkConfig,
    clients: Clients,
    url: String,
}

impl Elsewhere {
    pub(super) fn new(iam: IamEndpoint) -> Elsewhere {
        // Nothing of the environment but the credentials: its AWS_ENDPOINT_URL may well be this endpoint.
        let config = local_config(&iam.url, REGION).into_builder().credentials_provider(iam.credentials);
        let config = config.time_source(SystemTimeSource::new()).build();
        Elsewhere { clients: Clients::new(&config), config, url: iam.url }
    }

    /// The base of clients with the credentials that are used there.
    pub(super) fn dynamodb(&self) -> aws_sdk_dynamodb::config::Builder {
        self.clients.dynamodb.config().to_builder()
    }

    /// The role's ARN, if it is there and trusts Glue.
    async fn assumable_by_glue(&self, role: &str, account: &str) -> Result<Option<String>, AwsError> {
        let name = role.rsplit('/').next().unwrap_or_default();
        let found = match self.clients.iam.get_role().role_name(name).send().await {
            Ok(found) => found.role,
            Err(error) if error.code() == Some("NoSuchEntity") => None,
            Err(error) => {
                let why = match (error.code(), error.message()) {
                    (Some(code), message) => format!("{code}: {}", message.unwrap_or_default()),
                    _ => error.to_string(),
                };
                let message = format!("the crawler's role can't be looked up with IAM at {}: {why}", self.url);
                return Err(AwsError::internal(message));
            }
        };
        let Some(found) = found else { return Ok(None) };
        let trust = percent_decode_str(found.assume_role_policy_document().unwrap_or_default()).decode_utf8_lossy();
        let meant = !role.starts_with("arn:") || role == found.arn();
        Ok((meant && trusts_glue(&trust, account).unwrap_or(false)).then(|| found.arn().to_owned()))
    }

    async fn assume(&self, arn: &str) -> SharedCredentialsProvider {
        let provider = AssumeRoleProvider::builder(arn).configure(&self.config).session_name(SESSION).build().await;
        SharedCredentialsProvider::new(provider)
    }
}
