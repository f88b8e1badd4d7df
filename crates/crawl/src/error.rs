//! What can go wrong, in kinds that a caller can act on.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_glue::error::{ProvideErrorMetadata, SdkError};

/// What people are told where requests can't be signed.
pub const NO_CREDENTIALS: &str = "no usable AWS credentials: choose a profile (--profile, AWS_PROFILE), sign in, \
                                         or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";

/// A failure of one step for one table, or of the whole run.
///
/// The message names the operation and what the service said, down the whole chain of causes: who prints it needs no
/// [`source`](StdError::source). It never holds item values or credentials. Nor does the source, which has no bodies of requests
/// or answers; but what it says is up to the SDK, so it is for code that looks for a cause, not for logs.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What a caller can do about it.
    pub kind: Kind,
    /// The operation that failed (`glue:CreateTable`), where it was one of a service.
    pub operation: Option<&'static str>,
    /// The service's own name of the error (`EntityNotFoundException`), where a service answered.
    pub code: Option<String>,
    /// For people: what failed, and what to do next where that is known.
    pub message: String,
    /// The service's name of the request, where it answered: what AWS support asks for.
    pub request_id: Option<String>,
    /// The cause, where there is one.
    pub source: Option<Box<dyn StdError + Send + Sync>>,
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
        Error { kind, operation: None, code: None, message: message.into(), request_id: None, source: None }
    }

    /// Turns an SDK error of `operation` ("glue:CreateTable") into ours.
    pub fn aws<E, R>(operation: &'static str) -> impl Fn(SdkError<E, R>) -> Error
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        move |error| {
            let code = error.code().map(str::to_owned);
            let (kind, told) = match &code {
                Some(code) => (kind_of(code), format!("{code}: {}", error.message().unwrap_or_default())),
                None => unanswered(&error),
            };
            let request_id = code.as_ref().and_then(|_| error.meta().extra("aws_request_id").map(str::to_owned));
            // Without the answer itself: its body may hold items.
            let source = error.into_source().ok();
            Error {
                kind,
                operation: Some(operation),
                code,
                message: format!("{operation}: {told}"),
                request_id,
                source,
            }
        }
    }

    /// Whether the same may go well in a later run, without anybody doing anything.
    pub fn is_for_later(&self) -> bool {
        matches!(self.kind, Kind::Throttled | Kind::Deadline)
    }

    /// Whether what was asked for does not exist.
    pub fn is_not_found(&self) -> bool {
        self.kind == Kind::NotFound
    }

    /// Whether what was to be made exists already.
    pub fn already_exists(&self) -> bool {
        self.is("AlreadyExistsException") || self.is("EntityAlreadyExists")
    }

    /// Whether another write was at the same thing, so that this one may go through when it is sent again. The SDK doesn't.
    pub fn is_concurrent(&self) -> bool {
        self.is("ConcurrentModificationException") || self.is("ConcurrentModification")
    }

    /// Whether the service's own name of the error is `code`.
    pub fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}

/// What to say of a request that no service answered: the reason is in the chain of causes (connection refused, no
/// credentials).
fn unanswered(error: &(dyn StdError + 'static)) -> (Kind, String) {
    let mut reason = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<CredentialsError>() {
            return (Kind::AccessDenied, NO_CREDENTIALS.to_owned());
        }
        let text = inner.to_string();
        if !reason.ends_with(&text) {
            reason = format!("{reason}: {text}");
        }
        cause = inner.source();
    }
    (Kind::Service, reason)
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
