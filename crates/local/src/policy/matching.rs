//! How policies match actions, resources and the values of condition keys.

use super::document::Condition;

/// The value of a condition key in a request, as far as it is known.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ConditionValue<'a> {
    /// Its value.
    Text(&'a str),
    /// Several values, as for the keys of tags.
    Texts(&'a [String]),
    /// Known only to be the ARN of a Glue resource of this account.
    GlueArn { account: &'a str },
}

/// `*` stands for any text, `?` for one character.
///
/// Each part between stars is searched for after the part before it, and matched where it first occurs. So the time does not
/// explode with the number of stars.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return part_at_start(pattern, text) == Some(text.len()) };
    let Some(mut text) = part_at_start(first, text).and_then(|end| text.get(end..)) else { return false };
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in middle.split('*').filter(|part| !part.is_empty()) {
        let Some(after) = part_anywhere(part, text).and_then(|end| text.get(end..)) else { return false };
        text = after;
    }
    let length = last.chars().count();
    match length.checked_sub(1) {
        None => true,
        // The last part must match the end of the text, which has the same length.
        Some(others) => text
            .char_indices()
            .nth_back(others)
            .is_some_and(|(at, _)| text.get(at..).is_some_and(|end| part_at_start(last, end) == Some(end.len()))),
    }
}

/// Where a part without stars ends, if the text starts with it.
fn part_at_start(part: &str, text: &str) -> Option<usize> {
    if !part.contains('?') {
        return text.starts_with(part).then_some(part.len());
    }
    let mut rest = text.chars();
    part.chars()
        .all(|wanted| rest.next().is_some_and(|c| wanted == '?' || wanted == c))
        .then(|| text.len() - rest.as_str().len())
}

/// Where the first match of a part ends in the text.
fn part_anywhere(part: &str, text: &str) -> Option<usize> {
    if !part.contains('?') {
        return text.find(part).map(|at| at + part.len());
    }
    text.char_indices().find_map(|(at, _)| part_at_start(part, text.get(at..)?).map(|end| at + end))
}

/// Matches each of the six parts of an ARN on its own.
fn arn_glob(pattern: &str, arn: &str) -> bool {
    let (pattern, arn): (Vec<_>, Vec<_>) = (pattern.splitn(6, ':').collect(), arn.splitn(6, ':').collect());
    pattern.len() == 6 && arn.len() == 6 && pattern.iter().zip(arn).all(|(pattern, part)| glob(pattern, part))
}

/// Whether some ARN of Glue in this account matches.
fn may_be_glue_arn(pattern: &str, account: &str) -> bool {
    let parts: Vec<&str> = pattern.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, service, _, owner, _] => glob(service, "glue") && glob(owner, account),
        _ => pattern == "*",
    }
}

/// The keys that the endpoint knows: if one of these is absent, the request does not have it. Those that end in `/` are
/// followed by the key of a tag.
const KEYS: [&str; 11] = [
    "aws:RequestTag/",
    "aws:ResourceTag/",
    "iam:ResourceTag/",
    "aws:TagKeys",
    "aws:RequestedRegion",
    "aws:ResourceAccount",
    "aws:SourceAccount",
    "aws:SourceArn",
    "iam:PassedToService",
    "iam:PermissionsBoundary",
    "iam:PolicyARN",
];

fn is_judged(key: &str) -> bool {
    KEYS.iter().any(|known| match known.ends_with('/') {
        true => key.get(..known.len()).is_some_and(|start| start.eq_ignore_ascii_case(known)),
        false => known.eq_ignore_ascii_case(key),
    })
}

/// Which values of a key with several must match.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Set {
    All,
    Any,
}

impl Condition {
    /// Whether the request meets the condition. `None` if that is unknown: for other operators, and for an absent key that is
    /// not one of [`KEYS`]. An absent key meets only the `Not…`, `…IfExists` and `ForAllValues:` forms, and `Null`.
    pub(super) fn met(&self, keys: &[(&str, ConditionValue)]) -> Option<bool> {
        let (set, operator) = match self.operator.split_once(':') {
            Some(("ForAllValues", operator)) => (Some(Set::All), operator),
            Some(("ForAnyValue", operator)) => (Some(Set::Any), operator),
            Some(_) => return None,
            None => (None, self.operator.as_str()),
        };
        let known = keys.iter().find(|(key, _)| key.eq_ignore_ascii_case(&self.key)).map(|(_, known)| *known);
        if operator == "Null" {
            let absent = known.is_none();
            return (!absent || is_judged(&self.key)).then(|| self.values.contains(&absent.to_string()));
        }
        let (operator, if_exists) = match operator.strip_suffix("IfExists") {
            Some(operator) => (operator, true),
            None => (operator, false),
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
        let fits = |text: &str| self.values.iter().any(|value| matches(value, text)) != negated;
        match known {
            Some(ConditionValue::Text(text)) => Some(fits(text)),
            // Without a set operator, a condition needs any of several values to match, and a negated one all of them.
            Some(ConditionValue::Texts(texts)) if set == Some(Set::All) || (set.is_none() && negated) => {
                Some(texts.iter().all(|text| fits(text)))
            }
            Some(ConditionValue::Texts(texts)) => Some(texts.iter().any(|text| fits(text))),
            Some(ConditionValue::GlueArn { account }) => {
                Some(self.values.iter().any(|value| may_be_glue_arn(value, account)) != negated)
            }
            None => match set {
                None => Some(negated || if_exists),
                Some(_) if !is_judged(&self.key) => None,
                Some(set) => Some(set == Set::All || if_exists),
            },
        }
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
        let keys =
            [("aws:SourceAccount", ConditionValue::Text("123456789012")), ("aws:SourceArn", ConditionValue::Text(arn))];
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
            ("Null", "aws:SourceAccount", "true", Some(false)),
            ("Null", "aws:SourceAccount", "false", Some(true)),
            ("Null", "aws:RequestTag/managed-by", "true", Some(true)),
            ("Null", "iam:PermissionsBoundary", "false", Some(false)),
            ("Null", "dynamodb:LeadingKeys", "true", None),
            ("ForAllValues:StringEquals", "aws:TagKeys", "managed-by", Some(true)),
            ("ForAnyValue:StringEquals", "aws:TagKeys", "managed-by", Some(false)),
            ("ForAllValues:StringEquals", "dynamodb:LeadingKeys", "x", None),
            ("ForSomeValues:StringEquals", "aws:TagKeys", "x", None),
        ] {
            let condition = Condition { operator: operator.into(), key: key.into(), values: vec![value.into()] };
            assert_eq!(condition.met(&keys), expected, "{operator} {key} {value}");
        }
    }

    #[test]
    fn conditions_on_several_values() {
        let both = ["managed-by".to_owned(), "team".to_owned()];
        for (operator, values, expected) in [
            ("ForAllValues:StringEquals", &["managed-by"][..], false),
            ("ForAllValues:StringEquals", &["managed-by", "team", "x"], true),
            ("ForAllValues:StringLike", &["m*", "t*"], true),
            ("ForAllValues:StringNotEquals", &["x"], true),
            ("ForAllValues:StringNotEquals", &["team"], false),
            ("ForAnyValue:StringEquals", &["team"], true),
            ("ForAnyValue:StringEquals", &["x"], false),
            ("ForAnyValue:StringNotLike", &["t*"], true),
            ("ForAnyValue:StringNotLike", &["*"], false),
            ("StringEquals", &["team"], true),
            ("StringNotEquals", &["team"], false),
        ] {
            let values = values.iter().map(|value| (*value).to_owned()).collect();
            let condition = Condition { operator: operator.into(), key: "aws:tagkeys".into(), values };
            assert_eq!(
                condition.met(&[("aws:TagKeys", ConditionValue::Texts(&both))]),
                Some(expected),
                "{condition:?}"
            );
        }
    }
}
