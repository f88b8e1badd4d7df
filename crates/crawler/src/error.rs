//! What can go wrong.

/// A failure of one step for one table, or of the whole run.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// For people.
    pub message: String,
}
