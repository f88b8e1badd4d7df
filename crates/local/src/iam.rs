//! IAM.

use rusqlite::Transaction;

use crate::context::Context;
use crate::error::AwsError;
use crate::wire::params::Params;
use crate::wire::xml::Xml;

/// The tables of this service in the state store.
pub const TABLES: &str = "";

/// Answers one request with the content of its result element.
pub(crate) fn call(_tx: &Transaction, _context: &Context, operation: &str, _params: &Params) -> Result<Xml, AwsError> {
    Err(AwsError::new("InvalidAction", format!("Could not find operation {operation} for version 2010-05-08")))
}
