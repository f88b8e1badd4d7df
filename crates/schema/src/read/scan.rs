//! 16 bytes at a time: where strings end, and what numbers are made of.
//!
//! Each function marks bytes by their high bits, in two 64-bit words: SSE2 and NEON would be `unsafe`.

/// The width of a step.
pub(crate) const WIDTH: usize = 16;

/// All bytes marked.
pub(crate) const ALL: u128 = u128::from_le_bytes([0x80; 16]);

const HIGH: u64 = 0x8080_8080_8080_8080;
const LOW: u64 = !HIGH;

const fn all(byte: u8) -> u64 {
    byte as u64 * 0x0101_0101_0101_0101
}

/// The high bit of each byte that `test` sets it for.
#[inline(always)]
fn marks(chunk: &[u8; 16], test: impl Fn(u64) -> u64) -> u128 {
    let word = u128::from_le_bytes(*chunk);
    u128::from(test(word as u64) & HIGH) | u128::from(test((word >> 64) as u64) & HIGH) << 64
}

// Sums of 7-bit numbers and at most 0x7f never carry into the next byte, so these tests are exact.

#[inline(always)]
fn is(word: u64, byte: u8) -> u64 {
    let differs = word ^ all(byte);
    !(((differs & LOW) + LOW) | differs)
}

#[inline(always)]
fn is_control(word: u64) -> u64 {
    !(((word & LOW) + all(0x60)) | word)
}

/// Quotes.
#[inline(always)]
pub(crate) fn quotes(chunk: &[u8; 16]) -> u128 {
    marks(chunk, |word| is(word, b'"'))
}

/// Quotes, backslashes and control characters.
#[inline(always)]
pub(crate) fn string_ends(chunk: &[u8; 16]) -> u128 {
    marks(chunk, |word| is(word, b'"') | is(word, b'\\') | is_control(word))
}

/// The same, and bytes outside of ASCII.
#[inline(always)]
pub(crate) fn string_specials(chunk: &[u8; 16]) -> u128 {
    marks(chunk, |word| is(word, b'"') | is(word, b'\\') | is_control(word) | word)
}

/// `0` to `9`.
#[inline(always)]
pub(crate) fn digits(chunk: &[u8; 16]) -> u128 {
    marks(chunk, |word| {
        let low = word & LOW;
        (low + all(0x80 - b'0')) & !(low + all(0x80 - b'9' - 1)) & !word
    })
}

/// The first byte that is marked; 16 if none is.
#[inline(always)]
pub(crate) fn first(marks: u128) -> usize {
    marks.trailing_zeros() as usize / 8
}

/// The first 16 bytes at `at`, if there are so many.
#[inline(always)]
pub(crate) fn chunk(input: &[u8], at: usize) -> Option<&[u8; 16]> {
    input.get(at..)?.first_chunk()
}

/// Where the first byte stands, at or after `at`, that `marks` or `byte` picks; the end of the input if none.
#[inline(always)]
pub(crate) fn find(input: &[u8], mut at: usize, marks: impl Fn(&[u8; 16]) -> u128, byte: impl Fn(u8) -> bool) -> usize {
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

    fn bits(chunk: &[u8; 16], meant: impl Fn(u8) -> bool) -> u128 {
        chunk.iter().enumerate().fold(0, |marks, (i, byte)| marks | u128::from(meant(*byte)) << (8 * i + 7))
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
                        (string_ends(&chunk), bits(&chunk, end)),
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
