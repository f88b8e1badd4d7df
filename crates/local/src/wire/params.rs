//! The parameters of the query protocol (IAM, STS): flat names, lists as `Name.member.N`.

use std::collections::BTreeMap;

use crate::error::AwsError;

/// The parameters of one request, from its URL and its form body.
#[derive(Debug, Default)]
pub(crate) struct Params(BTreeMap<String, String>);

impl Params {
    /// Reads a URL's query and a form body; fails on text that cannot be decoded, and on a repeated name: another endpoint may read
    /// the other value.
    pub(crate) fn read(query: &str, body: &[u8]) -> Result<Params, AwsError> {
        let malformed = |_| AwsError::new("MalformedQueryString", "The query string is not valid.");
        let mut given: Vec<(String, String)> = serde_urlencoded::from_str(query).map_err(malformed)?;
        given.extend(serde_urlencoded::from_bytes::<Vec<(String, String)>>(body).map_err(malformed)?);
        let count = given.len();
        let all: BTreeMap<_, _> = given.into_iter().collect();
        match all.len() == count {
            true => Ok(Params(all)),
            false => Err(AwsError::new("MalformedQueryString", "A parameter of the request stands there twice.")),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A required parameter.
    pub(crate) fn required(&self, name: &str) -> Result<&str, AwsError> {
        self.get(name).ok_or_else(|| {
            let mut wire = name.to_owned();
            wire.get_mut(..1).map(str::make_ascii_lowercase);
            AwsError::new(
                "ValidationError",
                format!(
                    "1 validation error detected: Value null at '{wire}' failed to satisfy constraint: Member must not be null"
                ),
            )
        })
    }

    /// An optional integer.
    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>, AwsError> {
        let parse = |text: &str| {
            text.parse().map_err(|_| AwsError::new("ValidationError", format!("{name} must be a whole number")))
        };
        self.get(name).map(parse).transpose()
    }

    /// The members of a list of texts, in order.
    pub(crate) fn texts(&self, name: &str) -> Vec<&str> {
        (1..).map_while(|n| self.get(&format!("{name}.member.{n}"))).collect()
    }

    /// The members of a list of structures with the text members `fields`; a member ends the list when it has none.
    pub(crate) fn structures<const N: usize>(&self, name: &str, fields: [&str; N]) -> Vec<[Option<&str>; N]> {
        (1..)
            .map(|n| fields.map(|field| self.get(&format!("{name}.member.{n}.{field}"))))
            .take_while(|member| member.iter().any(Option::is_some))
            .collect()
    }
}
