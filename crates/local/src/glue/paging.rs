//! Pages of a list. A token is the key of the last row of the previous page, so paging stays right while rows come and go.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::validate::{ANY, Members, invalid};
use crate::error::AwsError;

/// The requested page.
pub(super) struct TokenPage {
    /// Rows at most.
    size: usize,
    /// The key before the first row of the page; empty, which sorts before every key, for the first page.
    pub(super) after: String,
}

impl TokenPage {
    /// Reads `MaxResults` (1 to `most`; `usual` when absent) and `NextToken`.
    pub(super) fn read(body: &Members, usual: usize, most: i64) -> Result<TokenPage, AwsError> {
        let size = body.integer("MaxResults", 1..=most)?.and_then(|n| usize::try_from(n).ok()).unwrap_or(usual);
        let after = match body.text("NextToken", ANY)? {
            None | Some("") => String::new(),
            Some(token) => URL_SAFE_NO_PAD
                .decode(token)
                .ok()
                .and_then(|key| String::from_utf8(key).ok())
                .ok_or_else(|| invalid("NextToken is not one that this service gave out."))?,
        };
        Ok(TokenPage { size, after })
    }

    /// How many rows to read: one more than fit, to learn whether another page follows.
    pub(super) fn fetch(&self) -> i64 {
        i64::try_from(self.size).unwrap_or(i64::MAX).saturating_add(1)
    }

    /// Whether `rows` already hold what [`TokenPage::fetch`] asks for.
    pub(super) fn is_full(&self, rows: usize) -> bool {
        rows > self.size
    }

    /// The answer: at most one page of `rows` under `member`, and `NextToken` when more follow.
    pub(super) fn answer<T>(
        &self,
        member: &str,
        mut rows: Vec<T>,
        key: impl Fn(&T) -> String,
        wire: impl FnMut(T) -> Result<Value, AwsError>,
    ) -> Result<Value, AwsError> {
        let mut answer = Map::new();
        if self.is_full(rows.len()) {
            rows.truncate(self.size);
            if let Some(last) = rows.last() {
                answer.insert("NextToken".to_owned(), URL_SAFE_NO_PAD.encode(key(last)).into());
            }
        }
        let rows = rows.into_iter().map(wire).collect::<Result<Vec<Value>, AwsError>>()?;
        answer.insert(member.to_owned(), rows.into());
        Ok(Value::Object(answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn walk(rows: &[&str], size: usize) -> Vec<Vec<String>> {
        let mut pages = Vec::new();
        let mut body = json!({ "MaxResults": size });
        loop {
            let page = TokenPage::read(&Members::new(&body).unwrap(), 100, 100).unwrap();
            let fetched = rows.iter().filter(|row| **row > page.after.as_str()).take(page.fetch() as usize);
            let answer =
                page.answer("Rows", fetched.collect(), |row| (**row).to_string(), |row| Ok(json!(row))).unwrap();
            pages.push(serde_json::from_value(answer["Rows"].clone()).unwrap());
            match answer.get("NextToken") {
                Some(token) => body["NextToken"] = token.clone(),
                None => return pages,
            }
        }
    }

    #[test]
    fn pages_hold_every_row_once_and_the_last_has_no_token() {
        assert_eq!(walk(&["a", "b", "c", "d", "e"], 2), [vec!["a", "b"], vec!["c", "d"], vec!["e"]]);
        assert_eq!(walk(&["a", "b"], 2), [vec!["a", "b"]]);
        assert_eq!(walk(&[], 2), [Vec::<String>::new()]);
    }

    #[test]
    fn sizes_and_tokens_from_outside_are_checked() {
        let page_size = |body: Value| TokenPage::read(&Members::new(&body).unwrap(), 20, 100).map(|page| page.size);
        assert_eq!(page_size(json!({})), Ok(20));
        assert_eq!(page_size(json!({"MaxResults": 100})), Ok(100));
        assert_eq!(page_size(json!({"MaxResults": 0})).unwrap_err().code, "ValidationException");
        assert_eq!(page_size(json!({"MaxResults": 101})).unwrap_err().code, "ValidationException");
        assert_eq!(page_size(json!({"NextToken": "!"})).unwrap_err().code, "InvalidInputException");
    }
}
