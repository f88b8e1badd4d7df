//! What can go wrong, in kinds that a caller can act on.

use aws_sdk_glue::error::{ProvideErrorMetadata, SdkError};

/// What is told where requests can't be signed.
pub const NO_CREDENTIALS: &str = "no usable AWS credentials: choose a profile (--profile, AWS_PROFILE), sign in, \
                                         or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";

/// A failure of one step for one table, or of the whole run.
///
/// The message names the operation and what the service said; it never holds item values or credentials.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What a caller can do about it.
    pub kind: Kind,
    /// The service's own name of the error (`EntityNotFoundException`), where a service answered.
    pub code: Option<String>,
    /// For people: what failed, and what to do next where that is known.
    pub message: String,
    /// The service's name of the request, where it answered: what AWS support asks for.
    pub request_id: Option<String>,
}

/// What a caller can do about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// The thing asked for does not exist.
    NotFound,
    /// It exists already, or somebody changed it in between.
    Conflict,
    /// The credentials do not allow it.
    AccessDenied,
    /// Too many calls, or a concurrency limit is reached: later it may go through.
    Throttled,
    /// A quota of the account is reached: it goes through once somebody has it raised, or takes something away.
    Quota,
    /// The service found the request wrong.
    InvalidInput,
    /// The items, or an answer, could not be read.
    Data,
    /// The settings contradict themselves or name something impossible.
    Settings,
    /// The run was cut off before this was done: its time was up, or it was interrupted.
    Deadline,
    /// No answer, a lost connection, or a failure of the service itself.
    Service,
}

impl Error {
    /// An error of our own making: no service answered it.
    pub fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error { kind, code: None, message: message.into(), request_id: None }
    }

    /// Turns an SDK error of `operation` ("glue:CreateTable") into ours.
    pub fn aws<E, R>(operation: &'static str) -> impl Fn(SdkError<E, R>) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug,
    {
        move |error| {
            if let (Some(code), message) = (error.code(), error.message().unwrap_or_default()) {
                return Error {
                    kind: kind_of(code),
                    code: Some(code.to_owned()),
                    message: format!("{operation}: {code}: {message}"),
                    request_id: error.meta().extra("aws_request_id").map(str::to_owned),
                };
            }
            // Without a service's answer, the reason is in the chain of causes (connection refused, no credentials).
            let mut reason = error.to_string();
            let mut cause = std::error::Error::source(&error);
            while let Some(inner) = cause {
                let text = inner.to_string();
                if !reason.ends_with(&text) {
                    reason = format!("{reason}: {text}");
                }
                cause = inner.source();
            }
            if reason.contains("loading credentials") {
                return Error::new(Kind::AccessDenied, format!("{operation}: {NO_CREDENTIALS}"));
            }
            Error::new(Kind::Service, format!("{operation}: {reason}"))
        }
    }

    /// Whether the same may go well in a later run, without anybody doing anything.
    pub fn is_for_later(&self) -> bool {
        matches!(self.kind, Kind::Throttled | Kind::Deadline)
    }

    /// Whether the service's own name of the error is `code`.
    pub fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}

/// The kind of a service's error name. Names differ between services; their endings hardly do.
fn kind_of(code: &str) -> Kind {
    match code {
        "EntityNotFoundException" | "NoSuchEntity" | "ResourceNotFoundException" => Kind::NotFound,
        "AlreadyExistsException"
        | "EntityAlreadyExists"
        | "ConcurrentModification"
        | "ConcurrentModificationException"
        | "VersionMismatchException"
        | "DeleteConflict" => Kind::Conflict,
        "AccessDeniedException"
        | "AccessDenied"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "ExpiredTokenException"
        | "ExpiredToken" => Kind::AccessDenied,
        "ThrottlingException"
        | "Throttling"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "ProvisionedThroughputExceededException"
        | "ConcurrentRunsExceededException"
        | "LimitExceededException"
        | "OperationTimeoutException" => Kind::Throttled,
        "ResourceNumberLimitExceededException" | "LimitExceeded" => Kind::Quota,
        "InvalidInputException" | "ValidationException" | "ValidationError" | "MalformedPolicyDocument" => {
            Kind::InvalidInput
        }
        _ => Kind::Service,
    }
}
