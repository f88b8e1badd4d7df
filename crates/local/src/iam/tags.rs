//! Tags of roles and policies. Keys ignore case.

use rusqlite::{Row, Transaction};
use serde_json::{Value, json};

use super::{check, limit_exceeded};
use crate::error::AwsError;
use crate::wire::params::Params;
use crate::wire::xml::Xml;

/// The quota of tags on one role or policy.
const MAX_TAGS: usize = 50;

#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) key: String,
    pub(crate) value: String,
}

impl Tag {
    pub(super) fn from_row(row: &Row) -> rusqlite::Result<Tag> {
        Ok(Tag { key: row.get(0)?, value: row.get(1)? })
    }

    pub(super) fn write(&self, xml: &mut Xml) {
        xml.text("Key", &self.key);
        xml.text("Value", &self.value);
    }
}

/// All tags of a role, by key.
pub(crate) fn list(tx: &Transaction, role: &str) -> Result<Vec<Tag>, AwsError> {
    let mut statement = tx.prepare_cached("SELECT key, value FROM iam_role_tag WHERE role = ?1 ORDER BY key")?;
    let rows = statement.query_map([role], Tag::from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The parameter Tags.
pub(crate) fn read(params: &Params) -> Result<Vec<Tag>, AwsError> {
    let mut tags: Vec<Tag> = Vec::new();
    let given = params.structures("Tags", ["Key", "Value"]);
    if given.len() > MAX_TAGS {
        return Err(check::constraint("tags", "", &format!("have length less than or equal to {MAX_TAGS}")));
    }
    for [key, value] in given {
        let (key, value) = (key.unwrap_or_default(), value.unwrap_or_default());
        check::length("tags.key", key, 1, 128)?;
        check::length("tags.value", value, 0, 256)?;
        for text in [key, value] {
            if !text.chars().all(allowed) {
                let must = r"satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]*";
                return Err(check::constraint("tags", text, must));
            }
        }
        if key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:")) {
            return Err(AwsError::new("InvalidInput", "Tag keys that start with aws: are reserved."));
        }
        if tags.iter().any(|tag| tag.key.eq_ignore_ascii_case(key)) {
            let message = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
            return Err(AwsError::new("InvalidInput", message));
        }
        tags.push(Tag { key: key.to_owned(), value: value.to_owned() });
    }
    Ok(tags)
}

/// The parameter TagKeys.
pub(crate) fn read_keys(params: &Params) -> Result<Vec<&str>, AwsError> {
    let keys = params.texts("TagKeys");
    if keys.len() > MAX_TAGS {
        return Err(check::constraint("tagKeys", "", &format!("have length less than or equal to {MAX_TAGS}")));
    }
    keys.iter().try_for_each(|key| check::length("tagKeys", key, 1, 128))?;
    Ok(keys)
}

fn allowed(c: char) -> bool {
    c.is_alphanumeric() || "_.:/=+-@".contains(c) || (c.is_whitespace() && !c.is_control())
}

/// Adds tags, or replaces their values.
pub(super) fn put(tx: &Transaction, role: &str, tags: &[Tag]) -> Result<(), AwsError> {
    let sql = "INSERT INTO iam_role_tag (role, key, value) VALUES (?1, ?2, ?3)
               ON CONFLICT (role, key) DO UPDATE SET key = excluded.key, value = excluded.value";
    for tag in tags {
        tx.execute(sql, [role, &tag.key, &tag.value])?;
    }
    check_count(list(tx, role)?.len())
}

pub(super) fn check_count(tags: usize) -> Result<(), AwsError> {
    match tags > MAX_TAGS {
        true => Err(limit_exceeded("The number of tags has reached the maximum limit.")),
        false => Ok(()),
    }
}

/// Tags as one text: policies are never searched by tag.
pub(super) fn to_json(tags: &[Tag]) -> String {
    Value::from_iter(tags.iter().map(|tag| json!([tag.key, tag.value]))).to_string()
}

pub(super) fn from_json(text: &str) -> Vec<Tag> {
    let tags: Vec<(String, String)> = serde_json::from_str(text).unwrap_or_default();
    tags.into_iter().map(|(key, value)| Tag { key, value }).collect()
}
