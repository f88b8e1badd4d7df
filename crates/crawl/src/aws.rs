//! The SDK clients: one per service, on one connector, with every call counted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_sdk_glue::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_http_client::tls;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use tokio::sync::Semaphore;

use crate::answer::{self, Operation};
use crate::options::ANSWER_LIMIT;

/// Attempts per call, the first included. With the SDK's adaptive mode and its back-off of at most 20 s this rides out
/// about a minute of throttling.
const MAX_ATTEMPTS: u32 = 8;

/// Pages of items that are read at once: 1 MB of DynamoDB's own format each, which is up to a few MB of JSON.
const PAGES_IN_FLIGHT: usize = 32;

/// One client per service, of one region. Cheap to clone; clones share the connector and the call counter.
#[derive(Clone, Debug)]
pub struct Clients {
    /// DynamoDB: reads only.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// Glue: the Data Catalog, crawlers and the Schema Registry.
    pub glue: aws_sdk_glue::Client,
    /// IAM: the crawlers' roles.
    pub iam: aws_sdk_iam::Client,
    /// STS: whose account this is.
    pub sts: aws_sdk_sts::Client,
    /// The region of all calls.
    pub region: String,
    /// Bounds the pages of items in flight, of all tables together, and so their memory.
    pub(crate) pages_in_flight: Arc<Semaphore>,
    calls: CallCounter,
}

/// The base of every configuration: our connector, adaptive retries and a time-out for each request. The caller adds region,
/// profile and endpoint.
pub fn config_loader(answer_limit: Duration) -> aws_config::ConfigLoader {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client())
        .retry_config(RetryConfig::adaptive().with_max_attempts(MAX_ATTEMPTS))
        .timeout_config(answer::limits(answer_limit))
}

/// The configuration with another time-out.
pub fn with_limits(config: &SdkConfig, answer_limit: Duration) -> SdkConfig {
    let limits = answer::limits(answer_limit);
    config.clone().into_builder().timeout_config(limits).build()
}

impl Clients {
    /// Clients from a resolved SDK configuration; `region` is that of the configuration.
    pub fn new(config: &SdkConfig) -> Clients {
        Clients::with_dynamodb(config, config)
    }

    /// Clients of `config`, but for DynamoDB, which `dynamodb` configures.
    pub fn with_dynamodb(config: &SdkConfig, dynamodb: &SdkConfig) -> Clients {
        let calls = CallCounter::default();
        Clients {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(
                aws_sdk_dynamodb::config::Builder::from(dynamodb).interceptor(calls.clone()).build(),
            ),
            glue: aws_sdk_glue::Client::from_conf(
                aws_sdk_glue::config::Builder::from(config).interceptor(calls.clone()).build(),
            ),
            iam: aws_sdk_iam::Client::from_conf(
                aws_sdk_iam::config::Builder::from(config).interceptor(calls.clone()).build(),
            ),
            sts: aws_sdk_sts::Client::from_conf(
                aws_sdk_sts::config::Builder::from(config).interceptor(calls.clone()).build(),
            ),
            region: config.region().map(|r| r.as_ref().to_owned()).unwrap_or_default(),
            pages_in_flight: Arc::new(Semaphore::new(PAGES_IN_FLIGHT)),
            calls,
        }
    }

    /// Clients of the embedded endpoint at `url`, with fixed credentials that mean nothing elsewhere.
    pub fn local(url: &str, region: &str) -> Clients {
        Clients::new(&local_config(url, region))
    }

    /// How often each operation was sent so far, retries included: `glue:GetTables` -> 2.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.calls.lock().clone()
    }
}

/// The configuration of a client of the embedded endpoint at `url`.
pub fn local_config(url: &str, region: &str) -> SdkConfig {
    let credentials = Credentials::new("local", "local", None, None, "the embedded endpoint");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::adaptive().with_max_attempts(MAX_ATTEMPTS))
        .timeout_config(answer::limits(Duration::from_secs(ANSWER_LIMIT)))
        .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(aws_smithy_async::rt::sleep::TokioSleep::new()))
        .http_client(http_client())
        .build()
}

fn http_client() -> SharedHttpClient {
    let client = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https();
    answer::bounded(client)
}

/// Counts requests as they are sent, so that a run can say what it cost, and names them for messages.
#[derive(Clone, Debug, Default)]
struct CallCounter(Arc<Mutex<BTreeMap<String, u64>>>);

impl CallCounter {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for CallCounter {
    fn name(&self) -> &'static str {
        "CallCounter"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(metadata) = config.load::<Metadata>() {
            // The SDK's service names are `DynamoDB`, `Glue`, `IAM`, `STS`; IAM policies spell them in lower case.
            let name = format!("{}:{}", metadata.service().to_ascii_lowercase(), metadata.name());
            *self.lock().entry(name.clone()).or_default() += 1;
            context.request_mut().add_extension(Operation(name));
        }
        Ok(())
    }
}
