//! SDK clients and what is asked of them in several crates.

use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_glue::types::{Crawler, CrawlerState};
use crawl::Clients;

use crate::REGION;

/// Longer than any crawl of a test takes on a busy machine.
const LONGEST_CRAWL: Duration = Duration::from_secs(60);

/// Clients of the endpoint at `url` in [`REGION`], with these credentials.
pub fn with_keys(url: &str, access_key: &str, secret: &str, token: Option<String>) -> Clients {
    let credentials = SharedCredentialsProvider::new(Credentials::new(access_key, secret, token, None, "test"));
    let config = crawl::aws::local_config(url, REGION).into_builder();
    Clients::new(&config.credentials_provider(credentials).build())
}

/// Clients of the endpoint at `url` with a session of a role, named `test`, that `sts` assumes.
pub async fn assume(sts: &aws_sdk_sts::Client, url: &str, role_arn: &str) -> Clients {
    let assumed = sts.assume_role().role_arn(role_arn).role_session_name("test").send().await.unwrap();
    let issued = assumed.credentials.unwrap();
    with_keys(url, issued.access_key_id(), issued.secret_access_key(), Some(issued.session_token().to_owned()))
}

/// Waits until a crawler is ready again, at most a minute, and returns it.
pub async fn crawl_ended(glue: &aws_sdk_glue::Client, crawler: &str) -> Crawler {
    let since = Instant::now();
    loop {
        let found = glue.get_crawler().name(crawler).send().await.unwrap().crawler.unwrap();
        if found.state() == Some(&CrawlerState::Ready) {
            return found;
        }
        assert!(since.elapsed() < LONGEST_CRAWL, "{crawler} is still {:?}", found.state());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
