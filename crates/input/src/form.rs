//! The form of a text, from its first bytes.

use crate::error::Error;
use crate::refusal;
use crate::value::{self, Spelling};

/// How far the end of the first line may be. Who has longer ones loses nothing but time.
const WINDOW: usize = 1 << 20;

/// The form of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Nothing, or nothing but white space.
    Empty,
    /// An item a line in DynamoDB JSON, bare or under `Item` alone, as [`schema::Reader::lines`] reads it.
    Lines,
    /// Lines of an export in Ion text, full or incremental.
    Ion,
    /// Any other JSON that may hold items.
    Documents,
}

/// What can be said of the form.
pub(crate) enum Decision {
    Form(Form),
    /// More of the text is needed.
    More,
}

/// Decides on the form of a text that begins with `start`, and with `whole` is no more than that.
///
/// # Errors
/// If it is nothing that holds items.
pub(crate) fn decide(start: &[u8], whole: bool) -> Result<Decision, Error> {
    let text = start.trim_ascii_start();
    let undecided = !whole && start.len() < WINDOW;
    let form = match text.first() {
        None if undecided => return Ok(Decision::More),
        None if whole => Form::Empty,
        None => Form::Documents,
        Some(b'$') if text.starts_with(b"$ion_1_0") => Form::Ion,
        Some(b'{') => match memchr::memchr(b'\n', text) {
            None if undecided => return Ok(Decision::More),
            None if !whole => Form::Documents,
            end => {
                let line = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
                match text.get(1..).and_then(|name| name.trim_ascii_start().first()) {
                    // Names without quotes.
                    Some(byte) if byte.is_ascii_alphabetic() => Form::Ion,
                    _ if is_line(line) => Form::Lines,
                    _ => Form::Documents,
                }
            }
        },
        Some(b'[') => Form::Documents,
        Some(_) if undecided && memchr::memchr(b'\n', text).is_none() => return Ok(Decision::More),
        Some(_) => return Err(Error::Refused(refusal::text(text.get(..text.len().min(4096)).unwrap_or_default()))),
    };
    Ok(Decision::Form(form))
}

/// Whether a line is an item, bare or under `Item` alone.
fn is_line(line: &[u8]) -> bool {
    if value::item(line) == Ok(Spelling::Usual) {
        return true;
    }
    let line = line.trim_ascii_end();
    let Some(inner) = value::members(line).into_iter().next().filter(|member| member.name == "Item") else {
        return false;
    };
    value::item(inner.value) == Ok(Spelling::Usual)
        && line.get(inner.at + inner.value.len()..).is_some_and(|rest| rest.trim_ascii() == b"}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Form {
        match decide(text.as_bytes(), true) {
            Ok(Decision::Form(form)) => form,
            Ok(Decision::More) => panic!("undecided: {text}"),
            Err(error) => panic!("{text}: {error}"),
        }
    }

    #[test]
    fn the_first_line_tells() {
        for (text, expected) in [
            ("", Form::Empty),
            (" \r\n\n", Form::Empty),
            ("{}", Form::Lines),
            ("{\"pk\":{\"S\":\"a\"}}\n{", Form::Lines),
            (" \n {\"pk\" : {\"S\":\"a\"}} \r\nwhatever", Form::Lines),
            ("{\"Item\":{\"pk\":{\"S\":\"a\"}}}\n", Form::Lines),
            ("{ \"Item\" : {\"Item\":{\"S\":\"a\"}} } \n", Form::Lines),
            ("{\"Item\":{\"S\":\"a\"}}\n", Form::Lines),
            ("{\"Item\":{\"M\":{\"S\":\"x\"}}}\n", Form::Lines),
            ("{\"Items\":{\"L\":[]}}\n", Form::Lines),
            ("{\"pk\":{\"s\":\"a\"}}\n", Form::Documents),
            ("{\"pk\":{\"S\":\"a\"}}{\"pk\":{\"S\":\"b\"}}\n", Form::Documents),
            ("{\"Item\":{\"pk\":{\"S\":\"a\"}},\"TableName\":\"t\"}\n", Form::Documents),
            ("{\"Items\":[]}\n", Form::Documents),
            ("{\"pk\":\n{\"S\":\"a\"}}\n", Form::Documents),
            ("[{\"pk\":{\"S\":\"a\"}}]", Form::Documents),
            ("$ion_1_0 {Item:{pk:\"a\"}}\n", Form::Ion),
            ("{Item:{pk:\"a\"}}\n", Form::Ion),
            ("{", Form::Documents),
        ] {
            assert_eq!(form(text), expected, "{text}");
        }
    }

    #[test]
    fn a_line_that_is_cut_is_not_decided_on() {
        let text = b"  {\"pk\":{\"S\":\"a\"}}\n";
        for cut in 0..text.len() {
            assert!(matches!(decide(&text[..cut], false), Ok(Decision::More)), "cut at {cut}");
        }
        let blanks = vec![b' '; WINDOW];
        assert!(matches!(decide(&blanks, false), Ok(Decision::Form(Form::Documents))));
    }
}
