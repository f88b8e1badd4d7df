//! What was read.

use schema::Shape;

/// What was read, of a table or of its export.
#[derive(Debug, Default)]
pub struct Collected {
    /// What its items look like.
    pub shape: Shape,
    /// Items, or changes of an incremental export.
    pub records: u64,
    /// What that cost.
    pub read_units: f64,
}
