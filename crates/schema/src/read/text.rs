//! JSON strings.

use std::borrow::Cow;

use crate::error::{ParseError, ReadErrorKind};
use crate::simd::{self, WIDTH, chunk, find, first, string_specials};

/// The marks of a chunk's bytes.
const IN_CHUNK: u32 = (1 << WIDTH) - 1;

/// Where the string ends whose first character is at `at`: the place of its closing quote. All of it is checked.
#[inline(always)]
pub(crate) fn end_of_string(input: &[u8], at: usize) -> Result<usize, ParseError> {
    let end = find(input, at, string_specials, is_special);
    if input.get(end) == Some(&b'"') { Ok(end) } else { end_of_special_string(input, end) }
}

/// The same for a string of nothing but ASCII without escapes, else `None`.
#[inline(always)]
pub(crate) fn end_of_plain_string(input: &[u8], at: usize) -> Option<usize> {
    let end = find(input, at, string_specials, is_special);
    (input.get(end) == Some(&b'"')).then_some(end)
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..0x20 | 0x80..)
}

/// The end of a string from its first special character on.
#[inline(never)]
fn end_of_special_string(input: &[u8], start: usize) -> Result<usize, ParseError> {
    let stop = match end_of_escaped_string(input, start) {
        // No UTF-8 sequence reaches over a quote or an escape, so all of the string can be checked at once.
        Ok(end) => match simdutf8::compat::from_utf8(&input[start..end]) {
            Ok(_) => return Ok(end),
            Err(error) => return Err(ParseError::at(start + error.valid_up_to(), ReadErrorKind::Utf8)),
        },
        Err(stop) => stop,
    };
    // What is wrong first is what gets told; but a sequence that the end of the input cuts is not wrong.
    match std::str::from_utf8(&input[start..stop.place()]) {
        Err(error) if error.error_len().is_some() => {
            Err(ParseError::at(start + error.valid_up_to(), ReadErrorKind::Utf8))
        }
        _ => Err(stop),
    }
}

/// The same without a look at UTF-8.
fn end_of_escaped_string(input: &[u8], mut at: usize) -> Result<usize, ParseError> {
    while let Some(chunk) = chunk(input, at) {
        // What begins here is never the second half of an escape.
        let backslashes = simd::backslashes(chunk);
        let escaped = escaped(backslashes);
        let ends = (simd::quotes(chunk) | simd::controls(chunk)) & !escaped;
        let before_end = ends.wrapping_sub(1) & !ends;
        // Escapes of one letter are checked all at once, others one by one.
        let others = escaped & before_end & IN_CHUNK & !simd::escape_letters(chunk);
        if others != 0 {
            at = end_of_escape(input, at + first(others) - 1)?;
        } else if ends != 0 {
            let place = at + first(ends);
            return if input[place] == b'"' {
                Ok(place)
            } else {
                Err(ParseError::at(place, ReadErrorKind::ControlCharacter))
            };
        } else {
            // An escape that begins with the last byte is looked at again as a whole.
            at += WIDTH - (escaped >> WIDTH & 1) as usize;
        }
    }
    loop {
        match input.get(at) {
            None => return Err(ParseError::at(input.len(), ReadErrorKind::Truncated)),
            Some(b'"') => return Ok(at),
            Some(b'\\') => at = end_of_escape(input, at)?,
            Some(0..0x20) => return Err(ParseError::at(at, ReadErrorKind::ControlCharacter)),
            Some(_) => at += 1,
        }
    }
}

/// Marks what follows each backslash that isn't itself escaped.
#[inline(always)]
fn escaped(backslashes: u32) -> u32 {
    const ODD: u32 = 0xaaaa_aaaa;
    // A run of backslashes escapes every second byte from its second one on. Taking the run from the odd bits behind
    // its start carries over its length: what comes out differs from the odd bits where the sequence is at its other beat.
    let beat = ((backslashes << 1 | ODD).wrapping_sub(backslashes)) ^ ODD;
    beat ^ backslashes
}

/// Where the escape sequence ends whose backslash is at `at`; both halves of a surrogate pair are one sequence.
fn end_of_escape(input: &[u8], at: usize) -> Result<usize, ParseError> {
    match input.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => match code_unit(input, at) {
            Some(0xdc00..=0xdfff) => Err(ParseError::at(at, ReadErrorKind::Escape)),
            Some(0xd800..=0xdbff) => match code_unit(input, at + 6) {
                Some(0xdc00..=0xdfff) => Ok(at + 12),
                _ => Err(ParseError::at(at, ReadErrorKind::Escape)),
            },
            Some(_) => Ok(at + 6),
            None => Err(ParseError::at(at, ReadErrorKind::Escape)),
        },
        Some(_) => Err(ParseError::at(at, ReadErrorKind::Escape)),
        None => Err(ParseError::at(input.len(), ReadErrorKind::Truncated)),
    }
}

/// The UTF-16 code unit of `\uXXXX` at `at`.
fn code_unit(input: &[u8], at: usize) -> Option<u32> {
    let [b'\\', b'u', hex @ ..] = input.get(at..at + 6)? else {
        return None;
    };
    hex.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))
}

/// The text of a string that [`end_of_string`] has checked; copied only if it holds an escape.
pub(crate) fn decode(raw: &[u8]) -> Cow<'_, str> {
    if !raw.contains(&b'\\') {
        return Cow::Borrowed(std::str::from_utf8(raw).unwrap_or_default());
    }
    let mut text = Vec::with_capacity(raw.len());
    let mut at = 0;
    while let Some(byte) = raw.get(at) {
        if *byte != b'\\' {
            text.push(*byte);
            at += 1;
            continue;
        }
        let character = match raw.get(at + 1) {
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => match (code_unit(raw, at), code_unit(raw, at + 6)) {
                (Some(high @ 0xd800..=0xdbff), Some(low)) => {
                    at += 6;
                    let low = low.wrapping_sub(0xdc00) & 0x3ff;
                    char::from_u32(0x10000 + ((high - 0xd800) << 10) + low).unwrap_or_default()
                }
                (unit, _) => unit.and_then(char::from_u32).unwrap_or_default(),
            },
            other => other.map_or('\\', |byte| char::from(*byte)),
        };
        at += if raw.get(at + 1) == Some(&b'u') { 6 } else { 2 };
        text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Cow::Owned(String::from_utf8(text).unwrap_or_default())
}

/// Whether the raw bytes of a JSON string, once decoded, are base64 with padding.
pub(crate) fn is_base64(raw: &[u8]) -> bool {
    is_plain_base64(raw) || raw.contains(&b'\\') && is_plain_base64(decode(raw).as_bytes())
}

fn is_plain_base64(text: &[u8]) -> bool {
    let body = match text {
        [body @ .., b'=', b'='] | [body @ .., b'='] => body,
        body => body,
    };
    let other = |byte: u8| !matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/');
    text.len().is_multiple_of(4) && find(body, 0, |chunk| !simd::base64(chunk) & IN_CHUNK, other) == body.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_of_backslashes() {
        for backslashes in 0..1 << WIDTH {
            let mut marks = 0;
            let mut at = 0;
            while at < WIDTH {
                let escape = backslashes >> at & 1 == 1;
                marks |= u32::from(escape) << (at + 1);
                at += if escape { 2 } else { 1 };
            }
            assert_eq!(escaped(backslashes), marks, "{backslashes:b}");
        }
    }
}
