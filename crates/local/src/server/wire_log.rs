//! A log of requests and answers, for tests that compare them with the service models.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use axum::body::{Body, to_bytes};
use axum::http::header::USER_AGENT;
use axum::http::{Response, request};
use serde_json::{Value, json};

use crate::private;
use crate::wire::Call;

/// The longest answer, in bytes, that is kept.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// A file of JSON lines, one for each request with its answer: `service`, `operation`, `agent`, `request` (the body, for
/// the query services with the query string), `status`, `response`. Items in Scan answers are left out, so that no table
/// content is kept.
pub(super) struct WireLog(Mutex<File>);

impl WireLog {
    /// Opens the file; several processes may append to it.
    pub(super) fn open(path: &Path) -> io::Result<WireLog> {
        Ok(WireLog(Mutex::new(private::file(path, OpenOptions::new().create(true).append(true))?)))
    }

    /// The members that are known before the request is answered.
    pub(super) fn request(call: &Call, parts: &request::Parts, body: &[u8]) -> Value {
        json!({
            "service": call.service.name(),
            "operation": call.operation,
            "agent": parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()),
            "request": String::from_utf8_lossy(body),
            "query": parts.uri.query(),
        })
    }

    /// Appends a line and returns the answer to send.
    pub(super) async fn append(&self, mut line: Value, answer: Response<Body>) -> Response<Body> {
        let (parts, body) = answer.into_parts();
        line["status"] = parts.status.as_u16().into();
        let Ok(body) = to_bytes(body, MAX_BODY).await else {
            return Response::from_parts(parts, Body::empty());
        };
        line["response"] = match (line["operation"].as_str(), serde_json::from_slice(&body)) {
            (Some("Scan"), Ok(Value::Object(mut scanned))) => {
                scanned.insert("Items".into(), json!([]));
                Value::Object(scanned).to_string()
            }
            _ => String::from_utf8_lossy(&body).into_owned(),
        }
        .into();
        let written = self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(format!("{line}\n").as_bytes());
        if let Err(error) = written {
            tracing::error!(%error, "the wire log could not be written");
        }
        Response::from_parts(parts, Body::from(body))
    }
}
