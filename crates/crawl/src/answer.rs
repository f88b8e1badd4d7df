//! Answers of AWS, bounded in time and in bytes. People are told what is waited for.

use std::pin::pin;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::{Instant, timeout};

/// The longest answer, in bytes. A page of items is 1 MB by DynamoDB's count, which can be 8 MB of JSON; a page of 100 catalog
/// tables may have more. A run has some listings under way at once. Objects in S3 are read as they come and have no such bound.
pub(crate) const MAX_ANSWER: usize = 32 << 20;
/// How long a request waits for its answer before people are told.
const FIRST_NOTICE: Duration = Duration::from_secs(10);
/// How long until they are told again.
const NOTICE_INTERVAL: Duration = Duration::from_secs(60);
/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// An operation with all its retries may take this many times as long as one request.
pub(crate) const MAX_REQUESTS: u32 = 3;

/// The time-outs where each request has to be answered within `limit`. An operation with all its retries takes three times as
/// long at most: a service that accepts requests and never answers must not hold up a run for ever.
pub(crate) fn limits(limit: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT.min(limit))
        .read_timeout(limit)
        .operation_attempt_timeout(limit)
        .operation_timeout(limit * MAX_REQUESTS)
        .build()
}

/// The time-out of one request that `config` has.
pub(crate) fn limit(config: &SdkConfig) -> Duration {
    let configured = config.timeout_config().and_then(TimeoutConfig::operation_attempt_timeout);
    configured.unwrap_or(Duration::from_secs(crate::options::ANSWER_LIMIT))
}

/// Waits for the answer to `operation`, and tells people when that takes long. `limit` is after how long it is given up.
pub(crate) async fn awaited<T>(operation: &str, limit: Duration, answer: impl Future<Output = T>) -> T {
    let mut answer = pin!(answer);
    let since = Instant::now();
    let mut patience = FIRST_NOTICE.min(limit / 2);
    loop {
        match timeout(patience, &mut answer).await {
            Ok(answer) => return answer,
            Err(_) => tracing::warn!("{operation}: no answer for {:.0?}, still waiting", since.elapsed()),
        }
        patience = NOTICE_INTERVAL;
    }
}

/// The name of a request's operation, as an extension of the request.
#[derive(Clone, Debug)]
pub(crate) struct Operation(pub String);

/// The client with bounded answers.
pub(crate) fn bounded(client: SharedHttpClient) -> SharedHttpClient {
    http_client_fn(move |settings, components| {
        let limit = settings.read_timeout().unwrap_or(Duration::from_secs(crate::options::ANSWER_LIMIT));
        SharedHttpConnector::new(Bounded { inner: client.http_connector(settings, components), limit })
    })
}

/// A connector that reads answers itself, up to [`MAX_ANSWER`]: the SDK would read on until memory is full.
#[derive(Debug)]
struct Bounded {
    inner: SharedHttpConnector,
    limit: Duration,
}

impl HttpConnector for Bounded {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, limit) = (self.inner.clone(), self.limit);
        HttpConnectorFuture::new(async move {
            // Requests for credentials have no operation.
            let operation = match request.extension::<Operation>() {
                Some(Operation(name)) => name.clone(),
                None => request.uri().split(['?', '#']).next().unwrap_or_default().to_owned(),
            };
            awaited(&operation, limit, async { whole(inner.call(request).await?).await }).await
        })
    }
}

/// The answer with all of its body.
async fn whole(mut answer: HttpResponse) -> Result<HttpResponse, ConnectorError> {
    let body = std::mem::replace(answer.body_mut(), SdkBody::taken());
    let body =
        Limited::new(body, MAX_ANSWER).collect().await.map_err(|error| match error.is::<LengthLimitError>() {
            // No retry: the next answer would be as long.
            true => ConnectorError::other(too_long(MAX_ANSWER).into(), None),
            false => ConnectorError::io(error),
        })?;
    *answer.body_mut() = SdkBody::from(body.to_bytes());
    Ok(answer)
}

/// The message about an answer of more than `bytes`.
pub(crate) fn too_long(bytes: usize) -> String {
    format!("the answer is longer than {} MiB, so it was not read", bytes >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_given_the_answer_whenever_it_comes() {
        let limit = Duration::from_secs(60);
        let begin = Instant::now();
        let answer = awaited("glue:GetTables", limit, tokio::time::sleep(Duration::from_secs(200))).await;
        assert_eq!((answer, begin.elapsed().as_secs()), ((), 200));
    }
}
