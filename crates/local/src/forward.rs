//! Passes requests on to another endpoint.

use std::time::Duration;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, EXPECT, HeaderMap, TRANSFER_ENCODING};
use axum::http::uri::{Authority, PathAndQuery, Scheme};
use axum::http::{Request, Response, Uri, request};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;

use crate::config::StartError;
use crate::error::AwsError;
use crate::wire::{Call, Service};

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a whole answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// The longest answer, in bytes. A page of items is 1 MB by DynamoDB's count, which JSON can make 8 MB of.
const MAX_ANSWER: usize = 32 << 20;

/// Another endpoint.
pub(crate) struct Forward {
    authority: Authority,
    client: Client<HttpConnector, Full<Bytes>>,
    timeout: Duration,
}

impl Forward {
    /// `url` is `http://HOST[:PORT]`.
    pub(crate) fn new(url: &str) -> Result<Forward, StartError> {
        let wrong = || StartError::Endpoint(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        if uri.scheme() != Some(&Scheme::HTTP) || uri.path_and_query().is_some_and(|path| path != "/") {
            return Err(wrong());
        }
        let authority = uri.authority().cloned().ok_or_else(wrong)?;
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Forward { authority, client, timeout: ANSWER_TIMEOUT })
    }

    /// Sends the request as it came and returns the answer. The headers stay, Host too, because the signature covers them.
    ///
    /// # Errors
    /// If the other endpoint can't be reached, takes longer than [`ANSWER_TIMEOUT`] or sends more than [`MAX_ANSWER`].
    pub(crate) async fn send(
        &self,
        service: Service,
        parts: request::Parts,
        body: Bytes,
    ) -> Result<Response<Body>, AwsError> {
        let unreachable = |error: String| {
            AwsError::internal(format!("no answer from {} at http://{}: {error}", service.name(), self.authority))
        };
        let path = parts.uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
        let uri = Uri::builder().scheme(Scheme::HTTP).authority(self.authority.clone()).path_and_query(path).build();
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = parts.method;
        *request.uri_mut() = uri.map_err(|error| unreachable(error.to_string()))?;
        *request.headers_mut() = parts.headers;
        remove_connection_headers(request.headers_mut());
        let answer = async {
            let answer = self.client.request(request).await.map_err(|error| error.to_string())?;
            let (parts, body) = answer.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(|error| {
                match error.is::<LengthLimitError>() {
                    true => format!("the answer is longer than {} MiB", MAX_ANSWER >> 20),
                    false => error.to_string(),
                }
            })?;
            Ok(Response::from_parts(parts, Body::from(body.to_bytes())))
        };
        let late = |_| Err(format!("it took longer than {:.0?}", self.timeout));
        let mut response = timeout(self.timeout, answer).await.unwrap_or_else(late).map_err(unreachable)?;
        remove_connection_headers(response.headers_mut());
        Ok(response)
    }
}

/// Makes a new head for a judged request of a role, so that only the operation reaches the other endpoint. It has the access
/// key of crawls instead of the one issued here, because DynamoDB Local keeps the tables of each access key apart. The
/// signature is a placeholder.
pub(crate) fn rebuild_head(call: &Call, now: i64) -> request::Parts {
    let target = format!("DynamoDB_20120810.{}", call.operation);
    let time =
        DateTime::from_secs(now.div_euclid(1000)).fmt(Format::DateTime).unwrap_or_default().replace(['-', ':'], "");
    let day = time.get(..8).unwrap_or_default();
    let scope = format!("local/{day}/{}/dynamodb/aws4_request", call.region);
    let signature = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none");
    let request = Request::post("/").header(CONTENT_TYPE, "application/x-amz-json-1.0");
    let request = request.header("x-amz-target", target).header("x-amz-date", &time).header(AUTHORIZATION, signature);
    // Operation and region hold only checked characters, so this does not fail.
    request.body(()).unwrap_or_default().into_parts().0
}

/// These headers belong to one connection, and two meet here.
fn remove_connection_headers(headers: &mut HeaderMap) {
    for name in [CONNECTION.as_str(), TRANSFER_ENCODING.as_str(), EXPECT.as_str(), "keep-alive"] {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_endpoint_that_never_answers_is_given_up() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut forward = Forward::new(&format!("http://{}", silent.local_addr().unwrap())).unwrap();
        forward.timeout = Duration::from_millis(50);
        let (parts, ()) = Request::post("/").body(()).unwrap().into_parts();
        let error = forward.send(Service::DynamoDb, parts, Bytes::new()).await.unwrap_err();
        assert!(error.message.ends_with("it took longer than 50ms"), "{error}");
    }
}
