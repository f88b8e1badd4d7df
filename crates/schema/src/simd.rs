//! 16 bytes at a time: where strings end, and what numbers are made of.
//!
//! Each function marks bytes of a chunk: bit n stands for byte n. `wide` makes SSE2 or NEON of them, which are there on every
//! processor of their architecture, and plain code elsewhere.

use wide::u8x16;

/// The width of a step.
pub(crate) const WIDTH: usize = 16;

/// Quotes.
#[inline(always)]
pub(crate) fn quotes(chunk: &[u8; 16]) -> u32 {
    is(u8x16::new(*chunk), b'"').to_bitmask()
}

/// Backslashes.
#[inline(always)]
pub(crate) fn backslashes(chunk: &[u8; 16]) -> u32 {
    is(u8x16::new(*chunk), b'\\').to_bitmask()
}

/// Minus signs.
#[inline(always)]
pub(crate) fn minuses(chunk: &[u8; 16]) -> u32 {
    is(u8x16::new(*chunk), b'-').to_bitmask()
}

/// Control characters.
#[inline(always)]
pub(crate) fn controls(chunk: &[u8; 16]) -> u32 {
    u8x16::new(*chunk).simd_lt(u8x16::splat(b' ')).to_bitmask()
}

/// The letters that make an escape with a backslash, but `u`.
#[inline(always)]
pub(crate) fn escape_letters(chunk: &[u8; 16]) -> u32 {
    let chunk = u8x16::new(*chunk);
    let signs = is(chunk, b'"') | is(chunk, b'\\') | is(chunk, b'/');
    let letters = is(chunk, b'b') | is(chunk, b'f') | is(chunk, b'n') | is(chunk, b'r') | is(chunk, b't');
    (signs | letters).to_bitmask()
}

/// Quotes, backslashes, control characters and bytes outside of ASCII.
#[inline(always)]
pub(crate) fn string_specials(chunk: &[u8; 16]) -> u32 {
    let chunk = u8x16::new(*chunk);
    // As signed bytes, what is outside of ASCII is below zero.
    let signed = chunk.cast_signed().simd_lt(wide::i8x16::splat(b' ' as i8));
    (is(chunk, b'"') | is(chunk, b'\\') | signed.cast_unsigned()).to_bitmask()
}

/// `0` to `9`.
#[inline(always)]
pub(crate) fn digits(chunk: &[u8; 16]) -> u32 {
    is_within(u8x16::new(*chunk), b'0', b'9').to_bitmask()
}

/// The base64 alphabet.
#[inline(always)]
pub(crate) fn base64(chunk: &[u8; 16]) -> u32 {
    let chunk = u8x16::new(*chunk);
    // In ASCII, this bit tells small from capital letters.
    let letters = is_within(chunk | u8x16::splat(0x20), b'a', b'z');
    (letters | is_within(chunk, b'0', b'9') | is(chunk, b'+') | is(chunk, b'/')).to_bitmask()
}

#[inline(always)]
fn is_within(chunk: u8x16, first: u8, last: u8) -> u8x16 {
    (chunk - u8x16::splat(first)).simd_lt(u8x16::splat(last - first + 1))
}

#[inline(always)]
fn is(chunk: u8x16, byte: u8) -> u8x16 {
    chunk.simd_eq(u8x16::splat(byte))
}

/// The first byte that is marked.
#[inline(always)]
pub(crate) fn first(marks: u32) -> usize {
    marks.trailing_zeros() as usize
}

/// The first bytes at `at`, if there are so many.
#[inline(always)]
pub(crate) fn chunk<const LENGTH: usize>(input: &[u8], at: usize) -> Option<&[u8; LENGTH]> {
    // Fewer instructions than to ask for what follows `at` first.
    input.get(at..at.checked_add(LENGTH)?)?.first_chunk()
}

/// Where the first byte stands, at or after `at`, that `marks` or `byte` picks; the end of the input if none.
#[inline(always)]
pub(crate) fn find(input: &[u8], mut at: usize, marks: impl Fn(&[u8; 16]) -> u32, byte: impl Fn(u8) -> bool) -> usize {
    while let Some(chunk) = chunk(input, at) {
        let marks = marks(chunk);
        if marks != 0 {
            return at + first(marks);
        }
        at += WIDTH;
    }
    input.get(at..).unwrap_or_default().iter().position(|b| byte(*b)).map_or(input.len(), |found| at + found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(chunk: &[u8; 16], meant: impl Fn(u8) -> bool) -> u32 {
        chunk.iter().enumerate().fold(0, |marks, (i, byte)| marks | u32::from(meant(*byte)) << i)
    }

    #[test]
    fn every_byte_in_every_lane() {
        for background in [b'a', b'"', 0, 0xff, b'5', b'\\'] {
            for byte in 0..=255u8 {
                for lane in 0..16 {
                    let mut chunk = [background; 16];
                    chunk[lane] = byte;
                    let end = |b| b == b'"' || b == b'\\' || b < 0x20;
                    for (mask, meant) in [
                        (quotes(&chunk), bits(&chunk, |b| b == b'"')),
                        (backslashes(&chunk), bits(&chunk, |b| b == b'\\')),
                        (escape_letters(&chunk), bits(&chunk, |b| b"\"\\/bfnrt".contains(&b))),
                        (minuses(&chunk), bits(&chunk, |b| b == b'-')),
                        (base64(&chunk), bits(&chunk, |b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/')),
                        (controls(&chunk), bits(&chunk, |b| b < 0x20)),
                        (string_specials(&chunk), bits(&chunk, |b| end(b) || b >= 0x80)),
                        (digits(&chunk), bits(&chunk, |b| b.is_ascii_digit())),
                    ] {
                        assert_eq!(mask, meant, "{byte} at {lane} among {background}");
                    }
                }
            }
        }
    }

    #[test]
    fn finding_past_whole_chunks_and_in_the_tail() {
        for length in 0..50 {
            let mut input = vec![b'a'; length];
            input.push(b'"');
            input.extend_from_slice(&[b'b'; 20]);
            for cut in [length + 1, input.len()] {
                assert_eq!(find(&input[..cut], 0, quotes, |b| b == b'"'), length);
            }
            assert_eq!(find(&input[..length], 0, quotes, |b| b == b'"'), length);
        }
    }
}
