//! How policies match actions, resources and the values of condition keys.

use super::document::Condition;

/// What is known of a condition key of the request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Known<'a> {
    /// Its value.
    Text(&'a str),
    /// Only that it is the ARN of something in Glue, in this account.
    GlueArn { account: &'a str },
}

/// `*` stands for any text, `?` for one character.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where to go on when the text after the last star doesn't match: the star takes one character more.
    let mut retry = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p, t));
                p += 1;
            }
            Some('?') => (p, t) = (p + 1, t + 1),
            Some(c) if text.get(t) == Some(c) => (p, t) = (p + 1, t + 1),
            _ => match retry {
                Some((star, taken)) => {
                    retry = Some((star, taken + 1));
                    (p, t) = (star + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

/// Each of the six parts of an ARN by itself.
fn arn_glob(pattern: &str, arn: &str) -> bool {
    let (pattern, arn): (Vec<_>, Vec<_>) = (pattern.splitn(6, ':').collect(), arn.splitn(6, ':').collect());
    pattern.len() == 6 && arn.len() == 6 && pattern.iter().zip(arn).all(|(pattern, part)| glob(pattern, part))
}

/// Some ARN of Glue in this account matches.
fn may_be_glue_arn(pattern: &str, account: &str) -> bool {
    let parts: Vec<&str> = pattern.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, service, _, owner, _] => glob(service, "glue") && glob(owner, account),
        _ => pattern == "*",
    }
}

impl Condition {
    /// Whether the request meets the condition; `None` for operators that aren't served here. A key that the request
    /// doesn't have meets only the `Not…` and `…IfExists` forms.
    pub(super) fn met(&self, keys: &[(&str, Known)]) -> Option<bool> {
        let (operator, if_exists) = match self.operator.strip_suffix("IfExists") {
            Some(operator) => (operator, true),
            None => (self.operator.as_str(), false),
        };
        let (matches, negated): (fn(&str, &str) -> bool, bool) = match operator {
            "StringEquals" => (|pattern, value| pattern == value, false),
            "StringNotEquals" => (|pattern, value| pattern == value, true),
            "StringLike" => (glob, false),
            "StringNotLike" => (glob, true),
            "ArnEquals" | "ArnLike" => (arn_glob, false),
            "ArnNotEquals" | "ArnNotLike" => (arn_glob, true),
            _ => return None,
        };
        let Some((_, known)) = keys.iter().find(|(key, _)| key.eq_ignore_ascii_case(&self.key)) else {
            return Some(negated || if_exists);
        };
        let any = self.values.iter().any(|value| match known {
            Known::Text(text) => matches(value, text),
            Known::GlueArn { account } => may_be_glue_arn(value, account),
        });
        Some(any != negated)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn globs() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*b*b", "abab", true),
            ("a", "ab", false),
            ("", "", true),
            ("", "a", false),
            ("é?", "éé", true),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }

    /// The definition, word for word.
    fn slow_glob(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', rest @ ..], _) => (0..=text.len()).any(|taken| slow_glob(rest, &text[taken..])),
            (['?', rest @ ..], [_, text @ ..]) => slow_glob(rest, text),
            ([c, rest @ ..], [d, text @ ..]) => c == d && slow_glob(rest, text),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn the_glob_agrees_with_its_definition(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(glob(&pattern, &text), slow_glob(&p, &t));
        }
    }

    #[test]
    fn conditions() {
        let arn = "arn:aws:glue:eu-west-1:123456789012:crawler/c";
        let keys = [("aws:SourceAccount", Known::Text("123456789012")), ("aws:SourceArn", Known::Text(arn))];
        for (operator, key, value, expected) in [
            ("StringEquals", "aws:SourceAccount", "123456789012", Some(true)),
            ("StringEquals", "AWS:sourceaccount", "123456789012", Some(true)),
            ("StringEquals", "aws:SourceAccount", "1234*", Some(false)),
            ("StringLike", "aws:SourceAccount", "1234*", Some(true)),
            ("StringNotEquals", "aws:SourceAccount", "1", Some(true)),
            ("StringNotLike", "aws:SourceAccount", "1*", Some(false)),
            ("ArnLike", "aws:SourceArn", "arn:aws:glue:*:*:crawler/*", Some(true)),
            ("ArnEquals", "aws:SourceArn", "arn:aws:glue:*:crawler/c", Some(false)),
            ("ArnNotLike", "aws:SourceArn", "arn:aws:s3:*:*:*", Some(true)),
            ("StringEquals", "aws:PrincipalTag/x", "y", Some(false)),
            ("StringEqualsIfExists", "aws:PrincipalTag/x", "y", Some(true)),
            ("StringNotEquals", "aws:PrincipalTag/x", "y", Some(true)),
            ("NumericEquals", "aws:SourceAccount", "123456789012", None),
        ] {
            let condition = Condition { operator: operator.into(), key: key.into(), values: vec![value.into()] };
            assert_eq!(condition.met(&keys), expected, "{operator} {key} {value}");
        }
    }
}
