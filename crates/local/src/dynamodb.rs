//! DynamoDB.

use std::path::Path;

use axum::body::Body;
use axum::http::{Response, request};
use bytes::Bytes;

use crate::engine::Engine;
use crate::error::AwsError;
use crate::server::{Source, StartError};
use crate::wire::Call;

/// How DynamoDB requests are answered.
pub(crate) enum DynamoDb {
    /// No tables.
    None,
}

impl DynamoDb {
    pub(crate) fn open(_source: &Source, _state: Option<&Path>) -> Result<DynamoDb, StartError> {
        Ok(DynamoDb::None)
    }

    pub(crate) async fn answer(
        &self,
        call: Call,
        _parts: request::Parts,
        _body: Bytes,
        _engine: &Engine,
    ) -> Result<Response<Body>, AwsError> {
        Err(AwsError::new("UnknownOperationException", format!("{} is not served here", call.name())))
    }
}
