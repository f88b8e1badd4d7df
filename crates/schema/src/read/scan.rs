//! 16 bytes at a time: where strings end, and what numbers are made of.
//!
//! Each function gives a mask with bit n for byte n, from two 64-bit words: SSE2 and NEON would be `unsafe`.

/// The width of a step.
pub(crate) const WIDTH: usize = 16;

const HIGH: u64 = 0x8080_8080_8080_8080;
const LOW: u64 = !HIGH;

const fn all(byte: u8) -> u64 {
    byte as u64 * 0x0101_0101_0101_0101
}

/// `test` sets the high bit of each byte that is meant.
#[inline(always)]
fn mask(chunk: &[u8; 16], test: impl Fn(u64) -> u64) -> u32 {
    let word = u128::from_le_bytes(*chunk);
    let gather = |word: u64| ((test(word) & HIGH) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
    (gather(word as u64) | gather((word >> 64) as u64) << 8) as u32
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
pub(crate) fn quotes(chunk: &[u8; 16]) -> u32 {
    mask(chunk, |word| is(word, b'"'))
}

/// Quotes, backslashes and control characters.
#[inline(always)]
pub(crate) fn string_ends(chunk: &[u8; 16]) -> u32 {
    mask(chunk, |word| is(word, b'"') | is(word, b'\\') | is_control(word))
}

/// The same, and bytes outside of ASCII.
#[inline(always)]
pub(crate) fn string_specials(chunk: &[u8; 16]) -> u32 {
    mask(chunk, |word| is(word, b'"') | is(word, b'\\') | is_control(word) | word)
}

/// `0` to `9`.
#[inline(always)]
pub(crate) fn digits(chunk: &[u8; 16]) -> u32 {
    mask(chunk, |word| {
        let low = word & LOW;
        (low + all(0x80 - b'0')) & !(low + all(0x80 - b'9' - 1)) & !word
    })
}

/// The first 16 bytes at `at`, if there are so many.
#[inline(always)]
pub(crate) fn chunk(input: &[u8], at: usize) -> Option<&[u8; 16]> {
    input.get(at..)?.first_chunk()
}

/// Where the first byte stands, at or after `at`, that `masks` or `byte` picks; the end of the input if none.
#[inline(always)]
pub(crate) fn find(input: &[u8], mut at: usize, masks: impl Fn(&[u8; 16]) -> u32, byte: impl Fn(u8) -> bool) -> usize {
    while let Some(chunk) = chunk(input, at) {
        let mask = masks(chunk);
        if mask != 0 {
            return at + mask.trailing_zeros() as usize;
        }
        at += WIDTH;
    }
    input.get(at..).unwrap_or_default().iter().position(|b| byte(*b)).map_or(input.len(), |found| at + found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(chunk: &[u8; 16], meant: impl Fn(u8) -> bool) -> u32 {
        chunk.iter().enumerate().fold(0, |mask, (i, byte)| mask | u32::from(meant(*byte)) << i)
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
