//! Reads the members of a request. Each is checked for its JSON type, length and characters before anything is looked up,
//! as the service model of AWS Glue (2017-03-31) states them.
//!
//! A wrong JSON type is a `SerializationException`, a broken constraint a `ValidationException`; `InvalidInputException`
//! is left to the operations. Messages name the member, never its value.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::error::AwsError;

/// The constraint on a string in the model: its length in characters, and which characters.
#[derive(Clone, Copy)]
pub(super) struct TextRule {
    min: usize,
    max: usize,
    chars: Chars,
}

#[derive(Clone, Copy)]
enum Chars {
    /// No control characters except the tab.
    OneLine,
    /// Also line breaks.
    Lines,
    /// Letters, digits and `-_$#.`: names in the Schema Registry.
    Registry,
    /// The characters allowed in metadata of schema versions.
    Metadata,
    /// The model states no pattern.
    Any,
}

pub(super) const NAME: TextRule = TextRule { min: 1, max: 255, chars: Chars::OneLine };
pub(super) const DESCRIPTION: TextRule = TextRule { min: 0, max: 2_048, chars: Chars::Lines };
pub(super) const DATABASE_LOCATION: TextRule = TextRule { min: 1, max: 1_024, chars: Chars::Lines };
pub(super) const LOCATION: TextRule = TextRule { min: 0, max: 2_056, chars: Chars::Lines };
pub(super) const FORMAT: TextRule = TextRule { min: 0, max: 128, chars: Chars::OneLine };
pub(super) const COLUMN_TYPE: TextRule = TextRule { min: 0, max: 131_072, chars: Chars::OneLine };
pub(super) const COMMENT: TextRule = TextRule { min: 0, max: 255, chars: Chars::OneLine };
pub(super) const PARAMETER_VALUE: TextRule = TextRule { min: 0, max: 512_000, chars: Chars::Any };
pub(super) const TABLE_TYPE: TextRule = TextRule { min: 0, max: 255, chars: Chars::Any };
pub(super) const VIEW_TEXT: TextRule = TextRule { min: 0, max: 409_600, chars: Chars::Any };
pub(super) const EXPRESSION: TextRule = TextRule { min: 0, max: 2_048, chars: Chars::OneLine };
pub(super) const SEARCH: TextRule = TextRule { min: 1, max: 1_024, chars: Chars::Any };
pub(super) const TABLE_PREFIX: TextRule = TextRule { min: 0, max: 128, chars: Chars::Any };
pub(super) const TAG_KEY: TextRule = TextRule { min: 1, max: 128, chars: Chars::Any };
pub(super) const TAG_VALUE: TextRule = TextRule { min: 0, max: 256, chars: Chars::Any };
/// A role's name, with or without its path, or its ARN: the model states no bounds, IAM does.
pub(super) const ROLE: TextRule = TextRule { min: 0, max: 2_048, chars: Chars::Any };
pub(super) const ARN: TextRule = TextRule { min: 1, max: 10_240, chars: Chars::Any };
pub(super) const REGISTRY_NAME: TextRule = TextRule { min: 1, max: 255, chars: Chars::Registry };
pub(super) const VERSION_ID: TextRule = TextRule { min: 36, max: 36, chars: Chars::Registry };
pub(super) const DEFINITION: TextRule = TextRule { min: 1, max: 170_000, chars: Chars::Any };
pub(super) const METADATA_KEY: TextRule = TextRule { min: 1, max: 128, chars: Chars::Metadata };
pub(super) const METADATA_VALUE: TextRule = TextRule { min: 1, max: 256, chars: Chars::Metadata };
pub(super) const ANY: TextRule = TextRule { min: 0, max: usize::MAX, chars: Chars::Any };

impl TextRule {
    fn check(&self, text: &str, path: &str) -> Result<(), AwsError> {
        // There are at most as many characters as bytes, so short texts need no counting.
        let length = if text.len() > self.max || self.min > 1 { text.chars().count() } else { text.len() };
        if length > self.max {
            return Err(constraint(path, format!("Member must have length less than or equal to {}", self.max)));
        }
        if length < self.min {
            return Err(constraint(path, format!("Member must have length greater than or equal to {}", self.min)));
        }
        let fits: fn(char) -> bool = match self.chars {
            Chars::Any => return Ok(()),
            Chars::OneLine => |c| c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}') || c == '\t',
            Chars::Lines => |c| c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}') || matches!(c, '\t' | '\r' | '\n'),
            Chars::Registry => |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '$' | '#' | '.'),
            Chars::Metadata => |c| c.is_ascii_alphanumeric() || matches!(c, '+'..='=' | '_' | '@'),
        };
        match text.chars().find(|&c| !fits(c)) {
            None => Ok(()),
            Some(found) => Err(constraint(
                path,
                format!("Member must satisfy regular expression pattern (the character {found:?} is not allowed)"),
            )),
        }
    }
}

/// The members of one JSON object of a request. A member that is `null` counts as absent.
pub(super) struct Members<'a> {
    map: &'a Map<String, Value>,
    path: String,
}

impl<'a> Members<'a> {
    /// The members of a whole request body.
    pub(super) fn new(body: &'a Value) -> Result<Self, AwsError> {
        Self::at(body, String::new())
    }

    fn at(value: &'a Value, path: String) -> Result<Self, AwsError> {
        match value {
            Value::Object(map) => Ok(Members { map, path }),
            _ => Err(wrong_type(if path.is_empty() { "the request body" } else { &path }, "an object")),
        }
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// Where a member stands, as AWS writes it: `tableInput.storageDescriptor.columns.1.member.type`.
    fn path(&self, name: &str) -> String {
        let mut chars = name.chars();
        let first = chars.next().map(|c| c.to_ascii_lowercase()).into_iter();
        let name: String = first.chain(chars).collect();
        if self.path.is_empty() { name } else { format!("{}.{name}", self.path) }
    }

    fn missing(&self, name: &str) -> AwsError {
        constraint(&self.path(name), "Member must not be null".to_owned())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// An optional string.
    pub(super) fn text(&self, name: &str, rule: TextRule) -> Result<Option<&'a str>, AwsError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| wrong_type(&self.path(name), "a string"))?;
        rule.check(text, &self.path(name))?;
        Ok(Some(text))
    }

    /// A required string.
    pub(super) fn required(&self, name: &str, rule: TextRule) -> Result<&'a str, AwsError> {
        self.text(name, rule)?.ok_or_else(|| self.missing(name))
    }

    /// One of the words of an enumeration.
    pub(super) fn choice(&self, name: &str, words: &[&'static str]) -> Result<Option<&'static str>, AwsError> {
        let Some(given) = self.text(name, ANY)? else { return Ok(None) };
        match words.iter().find(|word| **word == given) {
            Some(word) => Ok(Some(word)),
            None => {
                Err(constraint(&self.path(name), format!("Member must satisfy enum value set: [{}]", words.join(", "))))
            }
        }
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, AwsError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| wrong_type(&self.path(name), "a boolean"))
    }

    pub(super) fn integer(&self, name: &str, range: RangeInclusive<i64>) -> Result<Option<i64>, AwsError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_i64().ok_or_else(|| wrong_type(&self.path(name), "an integer"))?;
        if number > *range.end() {
            let words = format!("Member must have value less than or equal to {}", range.end());
            return Err(constraint(&self.path(name), words));
        }
        if number < *range.start() {
            let words = format!("Member must have value greater than or equal to {}", range.start());
            return Err(constraint(&self.path(name), words));
        }
        Ok(Some(number))
    }

    /// A number that may have a fraction, such as a timestamp in seconds since 1970.
    pub(super) fn number(&self, name: &str) -> Result<Option<f64>, AwsError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_f64().map(Some).ok_or_else(|| wrong_type(&self.path(name), "a number"))
    }

    pub(super) fn members(&self, name: &str) -> Result<Option<Members<'a>>, AwsError> {
        self.get(name).map(|value| Members::at(value, self.path(name))).transpose()
    }

    pub(super) fn required_members(&self, name: &str) -> Result<Members<'a>, AwsError> {
        self.members(name)?.ok_or_else(|| self.missing(name))
    }

    fn array(&self, name: &str) -> Result<&'a [Value], AwsError> {
        match self.get(name) {
            None => Ok(&[]),
            Some(Value::Array(values)) => Ok(values),
            Some(_) => Err(wrong_type(&self.path(name), "a list")),
        }
    }

    /// A list of objects; absent is empty.
    pub(super) fn list(&self, name: &str) -> Result<Vec<Members<'a>>, AwsError> {
        let path = self.path(name);
        let values = self.array(name)?.iter().enumerate();
        values.map(|(index, value)| Members::at(value, format!("{path}.{}.member", index + 1))).collect()
    }

    /// A list of at most `most` strings; absent is empty.
    pub(super) fn texts(&self, name: &str, rule: TextRule, most: usize) -> Result<Vec<&'a str>, AwsError> {
        let path = self.path(name);
        let values = self.array(name)?;
        if values.len() > most {
            return Err(constraint(&path, format!("Member must have length less than or equal to {most}")));
        }
        let one = |(index, value): (usize, &'a Value)| {
            let path = format!("{path}.{}.member", index + 1);
            let text = value.as_str().ok_or_else(|| wrong_type(&path, "a string"))?;
            rule.check(text, &path).map(|()| text)
        };
        values.iter().enumerate().map(one).collect()
    }

    /// A map from strings to strings; `None` when absent.
    pub(super) fn map(
        &self,
        name: &str,
        key: TextRule,
        value: TextRule,
    ) -> Result<Option<BTreeMap<&'a str, &'a str>>, AwsError> {
        let Some(members) = self.members(name)? else { return Ok(None) };
        let one = |(k, v): (&'a String, &'a Value)| {
            key.check(k, &members.path)?;
            let v = v.as_str().ok_or_else(|| wrong_type(&members.path, "a map of strings"))?;
            value.check(v, &members.path)?;
            Ok((k.as_str(), v))
        };
        members.map.iter().map(one).collect::<Result<_, _>>().map(Some)
    }

    /// Parameters of databases, tables, descriptors and columns.
    pub(super) fn parameters(&self) -> Result<(), AwsError> {
        self.map("Parameters", NAME, PARAMETER_VALUE).map(drop)
    }

    /// At most 50 tags; absent is empty.
    pub(super) fn tags(&self, name: &str) -> Result<BTreeMap<&'a str, &'a str>, AwsError> {
        let tags = self.map(name, TAG_KEY, TAG_VALUE)?.unwrap_or_default();
        if tags.len() > MAX_TAGS {
            return Err(constraint(
                &self.path(name),
                format!("Member must have length less than or equal to {MAX_TAGS}"),
            ));
        }
        Ok(tags)
    }

    /// A copy of the members that the service knows; what it does not know it drops, as AWS does.
    pub(super) fn keep(&self, names: &[&str]) -> Map<String, Value> {
        let known = names.iter().filter_map(|name| Some(((*name).to_owned(), self.get(name)?.clone())));
        known.collect()
    }
}

/// Tags that one resource may carry.
pub(super) const MAX_TAGS: usize = 50;

/// An error that only the operation can find.
pub(super) fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("InvalidInputException", message)
}

/// The thing named does not exist.
pub(super) fn not_found(message: impl Into<String>) -> AwsError {
    AwsError::new("EntityNotFoundException", message)
}

/// A thing of that name already exists.
pub(super) fn exists(message: impl Into<String>) -> AwsError {
    AwsError::new("AlreadyExistsException", message)
}

fn constraint(path: &str, words: String) -> AwsError {
    let message = format!("1 validation error detected: Value at '{path}' failed to satisfy constraint: {words}");
    AwsError::new("ValidationException", message)
}

fn wrong_type(path: &str, wanted: &str) -> AwsError {
    AwsError::new("SerializationException", format!("'{path}' must be {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn checked(rule: TextRule, text: &str) -> Result<(), &'static str> {
        let body = json!({ "Member": text });
        Members::new(&body).unwrap().required("Member", rule).map(drop).map_err(|error| error.code)
    }

    #[test]
    fn names_are_1_to_255_characters_without_line_breaks() {
        assert_eq!(checked(NAME, &"é".repeat(255)), Ok(()), "characters count, not bytes");
        assert_eq!(checked(NAME, "tab\tis fine"), Ok(()));
        for broken in ["", &"a".repeat(256), "line\nbreak", "bell\u{7}", "\u{ffff}"] {
            assert_eq!(checked(NAME, broken), Err("ValidationException"), "{broken:?}");
        }
        assert_eq!(checked(DESCRIPTION, "line\nbreak"), Ok(()));
        assert_eq!(checked(REGISTRY_NAME, "a-b_c$d#e.F9"), Ok(()));
        assert_eq!(checked(REGISTRY_NAME, "a b"), Err("ValidationException"));
    }

    #[test]
    fn messages_say_where_and_why_but_never_the_value() {
        let body = json!({"TableInput": {"Columns": [{"Name": "ok"}, {"Name": "secret\nsecret"}]}});
        let columns = Members::new(&body).unwrap().required_members("TableInput").unwrap().list("Columns").unwrap();
        let error = columns[1].required("Name", NAME).unwrap_err();
        insta::assert_snapshot!(error, @r"ValidationException: 1 validation error detected: Value at 'tableInput.columns.2.member.name' failed to satisfy constraint: Member must satisfy regular expression pattern (the character '\n' is not allowed)");
        let error = columns[1].required("Type", NAME).unwrap_err();
        insta::assert_snapshot!(error, @"ValidationException: 1 validation error detected: Value at 'tableInput.columns.2.member.type' failed to satisfy constraint: Member must not be null");
    }

    #[test]
    fn a_wrong_json_type_is_a_serialization_error() {
        let body = json!({"A": 1, "B": "x", "C": [1], "D": {"k": 1}});
        let members = Members::new(&body).unwrap();
        assert_eq!(members.text("A", ANY).unwrap_err().code, "SerializationException");
        assert_eq!(members.integer("B", 0..=9).unwrap_err().code, "SerializationException");
        assert_eq!(members.texts("C", ANY, 9).unwrap_err().code, "SerializationException");
        assert_eq!(members.map("D", ANY, ANY).unwrap_err().code, "SerializationException");
        assert_eq!(Members::new(&json!([])).err().unwrap().code, "SerializationException");
    }

    #[test]
    fn null_counts_as_absent() {
        let body = json!({"A": null});
        let members = Members::new(&body).unwrap();
        assert_eq!(members.text("A", NAME), Ok(None));
        assert!(!members.has("A"));
        assert!(members.keep(&["A"]).is_empty());
    }
}
