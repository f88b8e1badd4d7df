//! Glue.

/// The tables of this service in the state store.
pub const TABLES: &str = "";
