//! A line of an incremental export: `{"Metadata":{…},"Keys":{…},"NewImage":{…},"OldImage":{…}}`.

use std::ops::Range;

/// A line that is no change, from byte `at` on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ChangeError {
    pub at: usize,
}

/// Where in the line the item stands as it is after the change; `None` of a deletion.
///
/// Only the structure outside of the image is checked: whoever reads the image checks that.
pub(super) fn new_image(line: &[u8]) -> Result<Option<Range<usize>>, ChangeError> {
    let wrong = |at| ChangeError { at };
    let (mut image, mut keys) = (None, false);
    let mut at = expect(line, 0, b'{')?;
    loop {
        let open = expect(line, at, b'"')?;
        let close = end_of_string(line, open)?;
        let start = space(line, expect(line, close + 1, b':')?);
        let end = end_of_object(line, start)?;
        match line.get(open..close) {
            Some(b"NewImage") if image.is_none() => image = Some(start..end),
            Some(b"Keys") => keys = true,
            Some(b"NewImage") => return Err(wrong(open)),
            _ => {}
        }
        at = space(line, end);
        match line.get(at) {
            Some(b',') => at += 1,
            Some(b'}') if space(line, at + 1) == line.len() && keys => return Ok(image),
            _ => return Err(wrong(at)),
        }
    }
}

fn space(line: &[u8], at: usize) -> usize {
    let rest = line.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

fn expect(line: &[u8], at: usize, byte: u8) -> Result<usize, ChangeError> {
    let at = space(line, at);
    if line.get(at) == Some(&byte) { Ok(at + 1) } else { Err(ChangeError { at }) }
}

/// The place of the quote that ends the string whose text begins at `at`.
fn end_of_string(line: &[u8], mut at: usize) -> Result<usize, ChangeError> {
    loop {
        let rest = line.get(at..).unwrap_or_default();
        let special = memchr::memchr2(b'"', b'\\', rest).ok_or(ChangeError { at: line.len() })?;
        at += special;
        if line.get(at) == Some(&b'"') {
            return Ok(at);
        }
        at += 2;
    }
}

/// The place after the object that begins at `at`.
fn end_of_object(line: &[u8], at: usize) -> Result<usize, ChangeError> {
    expect(line, at, b'{')?;
    let (mut at, mut depth) = (at, 0_u32);
    loop {
        match line.get(at) {
            Some(b'{') => depth += 1,
            Some(b'}') => depth -= 1,
            Some(b'"') => at = end_of_string(line, at + 1)?,
            Some(_) => {}
            None => return Err(ChangeError { at }),
        }
        at += 1;
        if depth == 0 {
            return Ok(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(line: &str) -> Result<Option<&str>, usize> {
        match new_image(line.as_bytes()) {
            Ok(image) => Ok(image.map(|range| &line[range])),
            Err(ChangeError { at }) => Err(at),
        }
    }

    #[test]
    fn the_new_image_is_found_among_the_rest() {
        let line = r#"{"Metadata":{"WriteTimestampMicros":{"N":"1"}}, "Keys":{"a":{"S":"}\\\""}},
            "NewImage": {"a":{"S":"{\"}"},"NewImage":{"M":{}}} ,"OldImage":{"b":{"S":"x"}}}  "#;
        assert_eq!(image(line), Ok(Some(r#"{"a":{"S":"{\"}"},"NewImage":{"M":{}}}"#)));
        assert_eq!(image(r#"{"Keys":{},"OldImage":{"NewImage":{"S":"x"}}}"#), Ok(None), "a deletion");
    }

    #[test]
    fn other_lines_are_refused() {
        for (line, at) in [
            ("", 0),
            ("[]", 0),
            (r#"{"Item":{"a":{"S":"x"}}}"#, 23),
            (r#"{"Keys":{},"NewImage":[]}"#, 22),
            (r#"{"Keys":{},"NewImage":{"a":{"S":"x}}}"#, 37),
            (r#"{"Keys":{},"NewImage":{},"NewImage":{}}"#, 26),
            (r#"{"Keys":{}}x"#, 10),
            (r#"{"Keys":{"#, 9),
        ] {
            assert_eq!(image(line), Err(at), "{line}");
        }
    }
}
