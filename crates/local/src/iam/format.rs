//! How IAM formats values in answers, and measures policies.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The characters that RFC 3986 does not encode.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Policy documents are percent-encoded in answers.
pub(super) fn url_encoded(document: &str) -> String {
    utf8_percent_encode(document, ENCODED).to_string()
}

pub(crate) fn timestamp(millis: i64) -> String {
    DateTime::from_secs(millis.div_euclid(1000)).fmt(Format::DateTime).unwrap_or_default()
}

/// A unique id as AWS makes them: a prefix such as `AROA`, and 17 characters.
pub(super) fn unique_id(kind: &str) -> String {
    let random = uuid::Uuid::new_v4().simple().to_string();
    kind.chars().chain(random.chars().take(17)).collect::<String>().to_ascii_uppercase()
}

/// The size of a policy as quotas count it: without white space.
pub(super) fn size(document: &str) -> usize {
    document.chars().filter(|c| !c.is_whitespace()).count()
}
