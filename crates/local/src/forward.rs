//! Requests passed on to another endpoint.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, EXPECT, HeaderMap, TRANSFER_ENCODING};
use axum::http::uri::{Authority, PathAndQuery, Scheme};
use axum::http::{Request, Response, Uri, request};
use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::config::StartError;
use crate::error::AwsError;
use crate::wire::{Call, Service};

/// Another endpoint.
pub(crate) struct Forward {
    authority: Authority,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Forward {
    /// To `http://HOST[:PORT]`.
    pub(crate) fn new(url: &str) -> Result<Forward, StartError> {
        let wrong = || StartError::Endpoint(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        if uri.scheme() != Some(&Scheme::HTTP) || uri.path_and_query().is_some_and(|path| path != "/") {
            return Err(wrong());
        }
        let authority = uri.authority().cloned().ok_or_else(wrong)?;
        Ok(Forward { authority, client: Client::builder(TokioExecutor::new()).build_http() })
    }

    /// Sends the request as it came and gives back the answer as it comes. The headers stay, Host too, because the
    /// signature covers them.
    ///
    /// # Errors
    /// If the other endpoint can't be reached.
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
        let mut response = self.client.request(request).await.map_err(|error| unreachable(error.to_string()))?;
        remove_connection_headers(response.headers_mut());
        Ok(response.map(Body::new))
    }
}

/// The head of a judged request of a role, made anew: nothing of what it came with reaches the other endpoint but the
/// operation. It carries the access key of crawls in the place of one that was issued here, which nobody else knows: DynamoDB
/// Local keeps the tables of each access key apart. The signature is none.
pub(crate) fn rebuild_head(call: &Call, now: i64) -> request::Parts {
    let target = format!("DynamoDB_20120810.{}", call.operation);
    let time =
        DateTime::from_secs(now.div_euclid(1000)).fmt(Format::DateTime).unwrap_or_default().replace(['-', ':'], "");
    let day = time.get(..8).unwrap_or_default();
    let scope = format!("local/{day}/{}/dynamodb/aws4_request", call.region);
    let signature = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none");
    let request = Request::post("/").header(CONTENT_TYPE, "application/x-amz-json-1.0");
    let request = request.header("x-amz-target", target).header("x-amz-date", &time).header(AUTHORIZATION, signature);
    // Operation and region were checked for their characters.
    request.body(()).unwrap_or_default().into_parts().0
}
/// Two connections meet here, each with its own.
fn remove_connection_headers(headers: &mut HeaderMap) {
    for name in [CONNECTION.as_str(), TRANSFER_ENCODING.as_str(), EXPECT.as_str(), "keep-alive"] {
        headers.remove(name);
    }
}
