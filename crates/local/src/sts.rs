//! STS: who the caller is.

use crate::context::Context;
use crate::error::AwsError;
use crate::wire::xml::Xml;

/// Answers one request with the content of its result element.
///
/// # Errors
/// `InvalidAction` for everything but GetCallerIdentity.
pub(crate) fn call(context: &Context, operation: &str) -> Result<Xml, AwsError> {
    if operation != "GetCallerIdentity" {
        return Err(AwsError::new(
            "InvalidAction",
            format!("Could not find operation {operation} for version 2011-06-15"),
        ));
    }
    let account = &context.account;
    let mut xml = Xml::default();
    xml.text("Arn", &format!("arn:{}:iam::{account}:root", context.partition()));
    xml.text("UserId", account);
    xml.text("Account", account);
    Ok(xml)
}
