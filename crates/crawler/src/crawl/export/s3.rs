//! Exports where AWS puts them: in S3, reached with the credentials of the AWS SDK.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_types::service_config::ServiceConfigKey;
use http_body_util::BodyExt;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector as TcpConnector;
use hyper_util::rt::TokioExecutor;
use object_store::aws::{AmazonS3, AmazonS3Builder, AwsCredential};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse, HttpResponseBody,
    HttpService,
};
use object_store::path::Path;
use object_store::{ClientOptions, CredentialProvider, RetryConfig};
use tokio::sync::Mutex;

use crate::error::{Error, Kind};

/// Attempts of one request after the first, and how long after the first they may begin: as the SDK's clients do.
const RETRIES: RetryConfig = RetryConfig {
    backoff: object_store::BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(20),
        base: 2.0,
    },
    max_retries: 7,
    retry_timeout: Duration::from_secs(120),
};
/// How long a request may wait for the head of its answer.
const HEAD_LIMIT: Duration = Duration::from_secs(60);
/// Credentials are fetched anew this long before they expire.
const REFRESH: Duration = Duration::from_secs(300);

/// The bucket's store, and the place in it, of `s3://bucket/prefix`.
pub(super) fn bucket(url: &str, config: &SdkConfig) -> Result<(AmazonS3, Path, String), Error> {
    let wrong = |what: &dyn std::fmt::Display| Error::new(Kind::Settings, format!("the export {url}: {what}"));
    let (bucket, prefix) =
        url.strip_prefix("s3://").map(|rest| rest.split_once('/').unwrap_or((rest, ""))).unwrap_or_default();
    if bucket.is_empty() {
        return Err(wrong(&"give it as s3://bucket/prefix"));
    }
    let start = Path::parse(prefix.trim_end_matches('/')).map_err(|e| wrong(&e))?;
    let credentials = config.credentials_provider().ok_or_else(|| wrong(&"no AWS credentials are configured"))?;
    let region = config.region().map(ToString::to_string).unwrap_or_default();
    let builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_credentials(Arc::new(Credentials { from: credentials, last: Mutex::default() }))
        .with_http_connector(Connector)
        .with_retry(RETRIES);
    let builder = match endpoint(config) {
        // Servers that speak S3 know buckets by path.
        Some(endpoint) => builder.with_endpoint(endpoint).with_allow_http(true),
        None if region.starts_with("cn-") => builder.with_endpoint(format!("https://s3.{region}.amazonaws.com.cn")),
        // A dot would be another level of names, which the certificate does not cover.
        None => builder.with_virtual_hosted_style_request(!bucket.contains('.')),
    };
    let store = builder.with_region(region).build().map_err(|e| wrong(&e))?;
    Ok((store, start, format!("s3://{bucket}")))
}

/// Where S3 is instead of AWS, by the rules of the SDK: `AWS_ENDPOINT_URL_S3`, a service section of the profile, the general one.
fn endpoint(config: &SdkConfig) -> Option<String> {
    let key =
        ServiceConfigKey::builder().service_id("S3").profile("endpoint_url").env("AWS_ENDPOINT_URL").build().ok()?;
    let own = config.service_config().and_then(|services| services.load_config(key));
    own.or_else(|| config.endpoint_url().map(str::to_owned))
}

/// Credentials of the SDK's provider, kept until they expire.
#[derive(Debug)]
struct Credentials {
    from: SharedCredentialsProvider,
    last: Mutex<Option<(Arc<AwsCredential>, Option<SystemTime>)>>,
}

#[async_trait]
impl CredentialProvider for Credentials {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let mut last = self.last.lock().await;
        let fresh = |end: &Option<SystemTime>| end.is_none_or(|end| end > SystemTime::now() + REFRESH);
        if let Some((credential, _)) = last.as_ref().filter(|(_, end)| fresh(end)) {
            return Ok(credential.clone());
        }
        let new = self.from.provide_credentials().await;
        let new = new.map_err(|e| object_store::Error::Generic { store: "S3", source: Box::new(e) })?;
        let credential = Arc::new(AwsCredential {
            key_id: new.access_key_id().to_owned(),
            secret_key: new.secret_access_key().to_owned(),
            token: new.session_token().map(str::to_owned),
        });
        *last = Some((credential.clone(), new.expiry()));
        Ok(credential)
    }
}

/// Makes clients on the TLS stack of the SDK's own, so that the program carries one.
#[derive(Debug)]
struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
            .map_err(|e| object_store::Error::Generic { store: "S3", source: Box::new(e) })?
            .https_or_http()
            .enable_http1()
            .build();
        let client = legacy::Client::builder(TokioExecutor::new()).build(connector);
        Ok(HttpClient::new(Client(client)))
    }
}

#[derive(Debug)]
struct Client(legacy::Client<HttpsConnector<TcpConnector>, HttpRequestBody>);

#[async_trait]
impl HttpService for Client {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = tokio::time::timeout(HEAD_LIMIT, self.0.request(request)).await;
        let answer = answer.map_err(|late| HttpError::new(HttpErrorKind::Timeout, late))?.map_err(|error| {
            let kind = if error.is_connect() { HttpErrorKind::Connect } else { HttpErrorKind::Request };
            HttpError::new(kind, error)
        })?;
        let lost = |error| HttpError::new(HttpErrorKind::Interrupted, error);
        Ok(answer.map(|body| HttpResponseBody::new(body.map_err(lost))))
    }
}
