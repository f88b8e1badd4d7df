//! JSON strings.

use std::borrow::Cow;

use super::error::{ReadErrorKind, Stop};
use super::scan::{find, string_ends, string_specials};

/// Where the string ends whose first character is at `at`: the place of its closing quote. All of it is checked.
#[inline(always)]
pub(crate) fn end_of_string(input: &[u8], at: usize) -> Result<usize, Stop> {
    let end = find(input, at, string_specials, |byte| is_string_end(byte) || byte >= 0x80);
    if input.get(end) == Some(&b'"') { Ok(end) } else { end_of_special_string(input, end) }
}

fn is_string_end(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..0x20)
}

/// The same from the first character on that is special.
#[inline(never)]
fn end_of_special_string(input: &[u8], mut at: usize) -> Result<usize, Stop> {
    loop {
        match input.get(at) {
            None => return Err(Stop::at(input.len(), ReadErrorKind::Truncated)),
            Some(b'"') => return Ok(at),
            Some(b'\\') => at = end_of_escape(input, at)?,
            Some(0..0x20) => return Err(Stop::at(at, ReadErrorKind::ControlCharacter)),
            Some(0x20..0x80) => at = find(input, at, string_specials, |byte| is_string_end(byte) || byte >= 0x80),
            // No UTF-8 sequence reaches over an ASCII byte.
            Some(0x80..) => {
                let end = find(input, at, string_ends, is_string_end);
                if let Err(error) = std::str::from_utf8(&input[at..end]) {
                    return Err(Stop::at(at + error.valid_up_to(), ReadErrorKind::Utf8));
                }
                at = end;
            }
        }
    }
}

/// Where the escape sequence ends whose backslash is at `at`; both halves of a surrogate pair are one sequence.
fn end_of_escape(input: &[u8], at: usize) -> Result<usize, Stop> {
    match input.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => match code_unit(input, at) {
            Some(0xdc00..=0xdfff) => Err(Stop::at(at, ReadErrorKind::Escape)),
            Some(0xd800..=0xdbff) => match code_unit(input, at + 6) {
                Some(0xdc00..=0xdfff) => Ok(at + 12),
                _ => Err(Stop::at(at, ReadErrorKind::Escape)),
            },
            Some(_) => Ok(at + 6),
            None => Err(Stop::at(at, ReadErrorKind::Escape)),
        },
        Some(_) => Err(Stop::at(at, ReadErrorKind::Escape)),
        None => Err(Stop::at(input.len(), ReadErrorKind::Truncated)),
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
        return String::from_utf8_lossy(raw);
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
    if raw.contains(&b'\\') {
        return is_plain_base64(decode(raw).as_bytes());
    }
    is_plain_base64(raw)
}

fn is_plain_base64(text: &[u8]) -> bool {
    let body = match text {
        [body @ .., b'=', b'='] | [body @ .., b'='] => body,
        body => body,
    };
    // One look-up a byte, without a branch: the check is as fast as the loads.
    text.len().is_multiple_of(4) && body.iter().fold(0, |bad, byte| bad | NOT_BASE64[usize::from(*byte)]) == 0
}

/// 0 for the bytes of the base64 alphabet.
const NOT_BASE64: [u8; 256] = {
    let mut table = [1; 256];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut i = 0;
    while i < alphabet.len() {
        table[alphabet[i] as usize] = 0;
        i += 1;
    }
    table
};
