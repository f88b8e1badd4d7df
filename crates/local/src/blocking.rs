//! Work that blocks: files, SQLite, policies that take long to match.

use tokio::task::spawn_blocking;

use crate::error::AwsError;

/// Runs blocking work off the async threads.
///
/// # Errors
/// Whatever `work` returns; an internal error if it panics or the runtime shuts down.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AwsError> + Send + 'static,
) -> Result<T, AwsError> {
    spawn_blocking(work).await.unwrap_or_else(|error| Err(AwsError::internal(format!("the request failed: {error}"))))
}
