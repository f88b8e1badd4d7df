//! Errors of the AWS services.

use rusqlite::ErrorCode;

/// A service error: what a client sees as `__type` (JSON) or `Code` (XML), and its message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct AwsError {
    /// HTTP status: 400 for an error of the caller, 500 for an internal one.
    pub status: u16,
    /// The exception's name on the wire, e.g. `EntityNotFoundException`.
    pub code: &'static str,
    /// A message for people.
    pub message: String,
}

impl AwsError {
    /// An error that the caller caused (HTTP 400).
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        AwsError { status: 400, code, message: message.into() }
    }

    /// The same error with another HTTP status (IAM answers 404 and 409).
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// A failure of the endpoint itself (HTTP 500).
    pub fn internal(message: impl Into<String>) -> Self {
        AwsError { status: 500, code: "InternalServiceException", message: message.into() }
    }
}

/// Whether another process holds the database.
pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

impl From<rusqlite::Error> for AwsError {
    fn from(error: rusqlite::Error) -> Self {
        if is_busy(&error) {
            let message = "the state is locked by another process, which may be stopped: try again".to_owned();
            return AwsError { status: 503, ..AwsError::internal(message) };
        }
        AwsError::internal(format!("state store: {error}"))
    }
}
