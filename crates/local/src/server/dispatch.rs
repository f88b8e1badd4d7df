//! Routes each request to its service, and writes the answer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, Response, request};
use bytes::Bytes;
use rusqlite::Transaction;
use tokio::time::timeout;

use super::host::Hosts;
use super::wire_log::WireLog;
use super::{actions, reset};
use crate::access::{self, RequiredPermission};
use crate::backend::Backend;
use crate::blocking::blocking;
use crate::context::Context;
use crate::crawls::Crawls;
use crate::dynamodb::DynamoDb;
use crate::error::AwsError;
use crate::faults::{Fault, Faults, Moment};
use crate::forward::{Forward, rebuild_head};
use crate::wire::{Call, Service, Signer, error_answer, json_answer, json_body, xml_answer};
use crate::{glue, iam, sts};

/// The largest request body, in bytes. DynamoDB's own limit is 16 MB; the other services accept far less.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// What all requests share.
pub(super) struct Endpoint {
    pub(super) backend: Arc<Backend>,
    pub(super) crawls: Arc<Crawls>,
    pub(super) dynamodb: DynamoDb,
    /// Another endpoint that serves IAM and STS, if this one does not.
    pub(super) iam: Option<Forward>,
    pub(super) faults: Faults,
    /// How often each operation was called.
    pub(super) calls: Mutex<BTreeMap<String, u64>>,
    pub(super) log: Option<WireLog>,
    pub(super) hosts: Hosts,
    pub(super) body_timeout: Duration,
}

/// Answers every request, whatever its path.
pub(super) async fn serve(endpoint: Arc<Endpoint>, request: Request) -> Response<Body> {
    let request_id = uuid::Uuid::new_v4().to_string();
    let (parts, body) = request.into_parts();
    if let Err(error) = endpoint.hosts.check(&parts) {
        return error_answer(None, &error, &request_id);
    }
    let request = Request::from_parts(parts, body);
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/health") => {
            return json_response(r#"{"status":"ok","services":["glue","dynamodb","iam","sts"]}"#);
        }
        (&Method::GET, "/actions") => return json_response(actions::actions().to_string()),
        _ => {}
    }
    let mut response = endpoint.respond(request, &request_id).await;
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().entry("x-amzn-requestid").or_insert(value);
    }
    response
}

fn json_response(text: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(text.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

impl Endpoint {
    pub(super) fn calls(&self) -> BTreeMap<String, u64> {
        lock(&self.calls).clone()
    }

    async fn respond(&self, request: Request, request_id: &str) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let body = match timeout(self.body_timeout, to_bytes(body, MAX_BODY)).await {
            Ok(Ok(body)) => body,
            late_or_large => {
                let error = match late_or_large {
                    Err(_) => {
                        AwsError::new("RequestTimeoutException", "The request's body did not come in time.").status(408)
                    }
                    Ok(_) => AwsError::new("RequestEntityTooLargeException", "The request is larger than 16 MiB.")
                        .status(413),
                };
                let mut response = error_answer(None, &error, request_id);
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                return response;
            }
        };
        let call = match Call::read(&parts, &body) {
            Ok(call) => call,
            Err(error) => return error_answer(None, &error, request_id),
        };
        *lock(&self.calls).entry(call.name()).or_default() += 1;
        let Some(log) = &self.log else { return self.answer(call, parts, body, request_id).await };
        let line = WireLog::request(&call, &parts, &body);
        log.append(line, self.answer(call, parts, body, request_id).await).await
    }

    async fn answer(&self, call: Call, parts: request::Parts, body: Bytes, request_id: &str) -> Response<Body> {
        let (service, name) = (call.service, call.name());
        match self.faults.strike(&name) {
            None => self.execute(call, parts, body, request_id).await,
            Some((Fault::Delay(time), Moment::Before)) => {
                tokio::time::sleep(time).await;
                self.execute(call, parts, body, request_id).await
            }
            Some((fault, Moment::Before)) => {
                let refused = json_answer(service, Bytes::from_static(b"{\"answer\":\"cut\"}"));
                apply_fault(fault, refused, service, request_id).await
            }
            Some((fault, Moment::After)) => {
                let response = self.execute(call, parts, body, request_id).await;
                apply_fault(fault, response, service, request_id).await
            }
        }
    }

    async fn execute(&self, call: Call, parts: request::Parts, body: Bytes, request_id: &str) -> Response<Body> {
        let service = call.service;
        let answered = match service {
            Service::Glue => self.glue(call, body).await.map(|body| json_answer(service, body)),
            Service::DynamoDb => self.dynamodb(call, parts, body).await,
            Service::Iam | Service::Sts => match &self.iam {
                // Credentials issued here mean nothing there, or too much.
                Some(_) if call.signer.as_ref().is_some_and(Signer::is_role) => Err(AwsError::new(
                    "UnrecognizedClientException",
                    "The security token included in the request is invalid.",
                )),
                Some(remote) => remote.send(service, parts, body).await,
                None => self.query(call, request_id).await,
            },
        };
        answered.unwrap_or_else(|error| {
            if error.status >= 500 {
                tracing::warn!(service = service.name(), %error, "a request failed");
            }
            error_answer(Some(service), &error, request_id)
        })
    }

    async fn glue(&self, call: Call, body: Bytes) -> Result<Bytes, AwsError> {
        let parsed =
            glue::ParsedRequest::read(&self.backend.context(&call.region), &call.operation, json_body(&body)?)?;
        if let Some(role) = parsed.role() {
            self.crawls.refresh_role(role).await?;
        }
        let (backend, crawls) = (Arc::clone(&self.backend), Arc::clone(&self.crawls));
        let answer = blocking(move || {
            let context =
                admit(&backend, &call, |tx, context| glue::permissions::required_permissions(tx, context, &parsed))?;
            let answer = backend.store.transaction(|tx| {
                if glue::operations::is_about_crawlers(&parsed.operation) {
                    glue::recover(tx, &context.endpoint, || backend.store.living(), context.now)?;
                }
                glue::call(tx, &context, &parsed)
            })?;
            // Start it here, before the next await: a request is cancelled there when its client is gone, and the crawler would
            // stay RUNNING for good.
            if let Some(job) = answer.crawl {
                crawls.start(job);
            }
            Ok(answer.body)
        })
        .await?;
        Ok(answer.to_string().into())
    }

    async fn dynamodb(&self, call: Call, parts: request::Parts, body: Bytes) -> Result<Response<Body>, AwsError> {
        let context = self.backend.context(&call.region);
        if !call.signer.as_ref().is_some_and(Signer::is_role) {
            return self.dynamodb.answer(call, parts, body, context).await;
        }
        let (backend, body) = (Arc::clone(&self.backend), json_body(&body)?);
        let judge = move || {
            let required =
                access::dynamodb::required_permissions(&backend.context(&call.region), &call.operation, &body)?;
            admit(&backend, &call, |_, _| Ok(required))?;
            Ok((call, body))
        };
        let (call, body) = blocking(judge).await?;
        // Pass on only what was judged: another endpoint may read the original bytes differently.
        let parts = rebuild_head(&call, (self.backend.clock)());
        self.dynamodb.answer(call, parts, body.to_string().into(), context).await
    }

    async fn query(&self, call: Call, request_id: &str) -> Result<Response<Body>, AwsError> {
        let (service, operation) = (call.service, call.operation.clone());
        let backend = Arc::clone(&self.backend);
        let result = blocking(move || {
            let Call { service, operation, params, .. } = &call;
            let context = admit(&backend, &call, |tx, context| {
                access::iam::required_permissions(tx, context, *service, operation, params)
            })?;
            let answer = |tx: &Transaction| match service {
                Service::Sts => sts::call(tx, &context, operation, params),
                _ => iam::call(tx, &context, operation, params),
            };
            match operation.as_str() {
                // Every run starts with this call; it need not wait for another process that writes.
                "GetCallerIdentity" => backend.store.read(answer),
                _ => backend.store.transaction(answer),
            }
        })
        .await?;
        Ok(xml_answer(service, &operation, result, request_id))
    }
}

/// The context of a request, if its caller may make it. `required` looks up the permissions that the request needs, `None`
/// for an unknown operation; it runs for requests of roles only.
///
/// # Errors
/// Those of [`sts::authenticate`], `required` and [`access::judge`].
fn admit(
    backend: &Backend,
    call: &Call,
    required: impl FnOnce(&Transaction, &Context) -> Result<Option<Vec<RequiredPermission>>, AwsError>,
) -> Result<Context, AwsError> {
    let mut context = backend.context(&call.region);
    if !call.signer.as_ref().is_some_and(Signer::is_role) {
        return Ok(context);
    }
    let checks = backend.store.read(|tx| {
        context.caller = sts::authenticate(tx, &context, call.signer.as_ref())?;
        let unknown = || access::unknown(&context, call.service, &call.operation);
        access::collect_checks(tx, &context, &required(tx, &context)?.ok_or_else(unknown)?)
    })?;
    access::judge(&context, &checks)?;
    Ok(context)
}

/// What the client gets in place of `response`.
async fn apply_fault(fault: Fault, response: Response<Body>, service: Service, request_id: &str) -> Response<Body> {
    if let Some(error) = fault.error(service) {
        return error_answer(Some(service), &error, request_id);
    }
    match fault {
        Fault::Delay(time) => {
            tokio::time::sleep(time).await;
            response
        }
        Fault::Answer(body) => {
            let (mut parts, _) = response.into_parts();
            parts.headers.remove(axum::http::header::CONTENT_LENGTH);
            Response::from_parts(parts, Body::from(body))
        }
        _ => reset::cut(response).await,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
