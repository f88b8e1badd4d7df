//! Pages of lists: `Marker` and `MaxItems`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::check::constraint;
use crate::error::AwsError;
use crate::wire::params::Params;
use crate::wire::xml::Xml;

/// The requested part of a list.
pub(super) struct MarkerPage {
    /// The name before the first row; empty for the first page.
    pub(super) after: String,
    limit: usize,
}

impl MarkerPage {
    pub(super) fn read(params: &Params) -> Result<MarkerPage, AwsError> {
        let limit = params.number("MaxItems")?.unwrap_or(100);
        if !(1..=1000).contains(&limit) {
            let must = if limit < 1 { "greater than or equal to 1" } else { "less than or equal to 1000" };
            return Err(constraint("maxItems", &limit.to_string(), &format!("have value {must}")));
        }
        let after = match params.get("Marker") {
            None => String::new(),
            Some(marker) => URL_SAFE_NO_PAD
                .decode(marker)
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .ok_or_else(|| AwsError::new("ValidationError", "Invalid Marker."))?,
        };
        Ok(MarkerPage { after, limit: limit as usize })
    }

    /// How many rows to read: one more than fit, to learn whether more follow.
    pub(super) fn rows(&self) -> i64 {
        self.limit as i64 + 1
    }

    /// Writes the rows as the list `name`, and the marker of the next page.
    pub(super) fn write<T>(
        &self,
        name: &str,
        mut rows: Vec<T>,
        key: impl Fn(&T) -> &str,
        member: impl FnMut(&mut Xml, &T),
    ) -> Xml {
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let mut xml = Xml::default();
        xml.list(name, &rows, member);
        xml.text("IsTruncated", if more { "true" } else { "false" });
        if let (true, Some(last)) = (more, rows.last()) {
            xml.text("Marker", &URL_SAFE_NO_PAD.encode(key(last)));
        }
        xml
    }
}
