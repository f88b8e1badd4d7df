//! Exports in S3, read with the credentials of the AWS SDK.

use std::error::Error as StdError;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_types::service_config::ServiceConfigKey;
use bytes::Bytes;
use futures::stream;
use http_body_util::{BodyExt, StreamBody};
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
use tokio::time::{Instant, timeout};

use crate::answer;
use crate::error::{Error, Kind, NO_CREDENTIALS};

/// Attempts of one request after the first, and how long after the first they may begin: as the SDK's clients do.
const RETRIES: RetryConfig = RetryConfig {
    backoff: object_store::BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(20),
        base: 2.0,
    },
    max_retries: 7,
    // Those of an object count from when it was asked for, and reading one may take hours.
    retry_timeout: Duration::from_secs(24 * 3600),
};
/// The most bytes of a refusal that are read, but for the rest of the last frame. S3's refusals have some hundreds.
const MAX_ANSWER: usize = 64 << 10;
/// Credentials are renewed this long before they expire.
const REFRESH_BEFORE: Duration = Duration::from_secs(300);

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
    let credentials = Arc::new(Credentials { from: credentials, last: Mutex::default() });
    let limit = answer::limit(config);
    let region = config.region().map(ToString::to_string).unwrap_or_default();
    let builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_credentials(credentials.clone())
        .with_http_connector(Connector { credentials, limit })
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

/// A refusal of S3, or of whoever gives the credentials.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Refusal {
    kind: Kind,
    message: String,
}

impl Refusal {
    fn new(kind: Kind, message: impl Into<String>) -> Refusal {
        Refusal { kind, message: message.into() }
    }

    /// The refusal that made the store fail, if it was one: the store wraps it in errors of its own.
    fn find(error: &object_store::Error) -> Option<&Refusal> {
        let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(error) = cause {
            if let Some(refusal) = error.downcast_ref() {
                return Some(refusal);
            }
            cause = error.source();
        }
        None
    }
}

/// What went wrong: S3's own words, if it was asked and answered.
pub(super) fn message(error: &object_store::Error) -> String {
    Refusal::find(error).map_or_else(|| error.to_string(), Refusal::to_string)
}

/// What a caller can do about it.
pub(super) fn kind(error: &object_store::Error) -> Kind {
    match (Refusal::find(error), error) {
        (Some(refusal), _) => refusal.kind,
        (None, object_store::Error::NotFound { .. }) => Kind::NotFound,
        (None, object_store::Error::PermissionDenied { .. }) => Kind::AccessDenied,
        _ => Kind::Service,
    }
}

/// What a caller can do about an answer with this status and code of S3.
fn kind_of_answer(status: u16, code: Option<&str>) -> Kind {
    match (status, code) {
        (401 | 403, _) => Kind::AccessDenied,
        (_, Some(code)) if is_expiry(code) => Kind::AccessDenied,
        (404, _) => Kind::NotFound,
        (_, Some("SlowDown")) => Kind::Throttled,
        _ => Kind::Service,
    }
}

/// Whether S3 refuses expired credentials with this code, which comes with the status 400.
fn is_expiry(code: &str) -> bool {
    matches!(code, "ExpiredToken" | "InvalidToken")
}

/// Credentials of the SDK's provider, kept until they expire or are refused.
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
        let fresh = |end: &Option<SystemTime>| end.is_none_or(|end| end > SystemTime::now() + REFRESH_BEFORE);
        if let Some((credential, _)) = last.as_ref().filter(|(_, end)| fresh(end)) {
            return Ok(credential.clone());
        }
        let new = self.from.provide_credentials().await;
        let new = new.map_err(|reason| {
            tracing::debug!(%reason, "the credentials can't be had");
            object_store::Error::Generic {
                store: "S3",
                source: Refusal::new(Kind::AccessDenied, NO_CREDENTIALS).into(),
            }
        })?;
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
struct Connector {
    credentials: Arc<Credentials>,
    limit: Duration,
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
            .map_err(|e| object_store::Error::Generic { store: "S3", source: Box::new(e) })?
            .https_or_http()
            .enable_http1()
            .build();
        let client = legacy::Client::builder(TokioExecutor::new()).build(connector);
        Ok(HttpClient::new(Client {
            http: client,
            credentials: self.credentials.clone(),
            silence: Arc::new(Silence { limit: self.limit, since: Default::default() }),
        }))
    }
}

#[derive(Debug)]
struct Client {
    http: legacy::Client<HttpsConnector<TcpConnector>, HttpRequestBody>,
    credentials: Arc<Credentials>,
    silence: Arc<Silence>,
}

/// How long S3 has been silent: it sent neither the head of an answer nor the next part of a body.
#[derive(Debug)]
struct Silence {
    /// After this long a request is given up, to be made again.
    limit: Duration,
    /// Since when nothing was heard of any request, if one was given up and no other answered since.
    since: std::sync::Mutex<Option<Instant>>,
}

impl Silence {
    /// The next that S3 sends.
    async fn broken<T>(&self, operation: &str, next: impl Future<Output = T>) -> Result<T, HttpError> {
        let begin = Instant::now();
        let next = answer::awaited(operation, self.limit, timeout(self.limit, next)).await;
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        match next {
            Ok(next) => {
                *since = None;
                Ok(next)
            }
            Err(_) => {
                let silent = since.get_or_insert(begin).elapsed();
                // The store retries a time-out, but no error that it does not know.
                let last = silent >= self.limit * answer::MAX_REQUESTS;
                let kind = if last { HttpErrorKind::Unknown } else { HttpErrorKind::Timeout };
                Err(HttpError::new(kind, Unreadable(format!("{operation}: no answer for {silent:.0?}"))))
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unreadable(String);

#[async_trait]
impl HttpService for Client {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let listing = request.uri().query().is_some_and(|query| query.contains("list-type"));
        let operation = if listing { "s3:ListObjectsV2" } else { "s3:GetObject" };
        let answer = self.silence.broken(operation, self.http.request(request)).await?.map_err(|error| {
            let kind = if error.is_connect() { HttpErrorKind::Connect } else { HttpErrorKind::Request };
            HttpError::new(kind, error)
        })?;
        let silence = self.silence.clone();
        let answer = answer.map(|body| {
            let frames = stream::unfold((body, 0), move |(mut body, read)| {
                let silence = silence.clone();
                async move {
                    let lost = |error| HttpError::new(HttpErrorKind::Interrupted, error);
                    let frame = silence.broken(operation, body.frame()).await.transpose()?;
                    let frame = frame.and_then(|frame| frame.map_err(lost));
                    let read = read + frame.as_ref().ok().and_then(|frame| frame.data_ref()).map_or(0, Bytes::len);
                    // The store holds a whole listing in memory. Objects are bounded by their readers.
                    match listing && read > answer::MAX_ANSWER {
                        true => Some((
                            Err(HttpError::new(
                                HttpErrorKind::Unknown,
                                Unreadable(answer::too_long(answer::MAX_ANSWER)),
                            )),
                            (body, read),
                        )),
                        false => Some((frame, (body, read))),
                    }
                }
            });
            HttpResponseBody::new(StreamBody::new(frames))
        });
        if answer.status().is_success() { Ok(answer) } else { Err(self.refusal(answer).await?) }
    }
}

impl Client {
    /// The error of an answer that is none. It has nothing of the body but S3's message: the rest may repeat parts of refused
    /// credentials.
    async fn refusal(&self, answer: HttpResponse) -> Result<HttpError, HttpError> {
        let (parts, body) = answer.into_parts();
        let body = beginning(body).await?;
        let text = String::from_utf8_lossy(&body);
        let element = |name: &str| {
            let (_, rest) = text.split_once(&format!("<{name}>"))?;
            Some(rest.split_once("</")?.0)
        };
        let (status, code) = (parts.status.as_u16(), element("Code"));
        let mut message = format!("S3 answered {status}");
        if let (Some(code), Some(words)) = (code, element("Message")) {
            message += &format!(" {code} ({words})");
        }
        let region = parts.headers.get("x-amz-bucket-region").and_then(|region| region.to_str().ok());
        let is_expired = code.is_some_and(is_expiry);
        if is_expired || matches!(status, 401 | 403) {
            // The next request asks for others.
            *self.credentials.last.lock().await = None;
        }
        match (status, region) {
            _ if is_expired => message += ": sign in again",
            (301 | 307, Some(region)) => message += &format!(": the bucket is in {region}, use that region"),
            (403, _) => {
                message += ": the credentials need s3:ListBucket on the bucket, s3:GetObject on its objects, and kms:Decrypt \
                            on the key of an encrypted export"
            }
            _ => {}
        }
        // The store sends a request again that was interrupted.
        let retry = matches!(status, 408 | 429 | 500..);
        let retry = if retry { HttpErrorKind::Interrupted } else { HttpErrorKind::Unknown };
        Ok(HttpError::new(retry, Refusal::new(kind_of_answer(status, code), message)))
    }
}

/// As much of the body as a refusal has, and no more.
async fn beginning(mut body: HttpResponseBody) -> Result<Vec<u8>, HttpError> {
    let mut read = Vec::new();
    while read.len() < MAX_ANSWER
        && let Some(frame) = body.frame().await
    {
        read.extend_from_slice(frame?.data_ref().map(AsRef::as_ref).unwrap_or_default());
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_refusal_without_end_is_not_read_to_its_end() {
        let frame = || Ok(hyper::body::Frame::data(Bytes::from_static(&[b'x'; 1 << 10])));
        let endless = HttpResponseBody::new(StreamBody::new(stream::repeat_with(frame)));
        assert_eq!(beginning(endless).await.unwrap().len(), MAX_ANSWER);
        assert_eq!(beginning(Bytes::from_static(b"<Code>").into()).await.unwrap(), b"<Code>");
    }

    #[test]
    fn what_s3_answers_tells_what_to_do() {
        assert_eq!(kind_of_answer(503, Some("SlowDown")), Kind::Throttled);
        assert_eq!(kind_of_answer(503, None), Kind::Service);
        assert_eq!(kind_of_answer(403, Some("AccessDenied")), Kind::AccessDenied);
        assert_eq!(kind_of_answer(404, Some("NoSuchBucket")), Kind::NotFound);
        assert_eq!(kind_of_answer(400, Some("ExpiredToken")), Kind::AccessDenied);
        let generic = |source| object_store::Error::Generic { store: "S3", source };
        let refused = generic(HttpError::new(HttpErrorKind::Unknown, Refusal::new(Kind::Throttled, "no")).into());
        assert_eq!((kind(&refused), message(&refused)), (Kind::Throttled, "no".to_owned()));
        assert_eq!(
            kind(&generic("error performing GET http://127.0.0.1/SlowDown: connection refused".into())),
            Kind::Service
        );
    }
}
