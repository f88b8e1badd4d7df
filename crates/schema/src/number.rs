//! What a column type has to know of numbers, read off their digits without computing their value.

use std::fmt::{self, Write};

use crate::error::ReadErrorKind;
use crate::simd;

/// DynamoDB keeps at most this many significant digits.
const MAX_DIGITS: usize = 38;
/// The decimal exponents of the first significant digit: 1E-130 to 9.99…E+125.
const EXPONENTS: std::ops::RangeInclusive<i64> = -130..=125;

/// The join of all numbers seen at one place. All are judged by value: `1.0`, `1` and `1E0` are the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// The most digits before the decimal point, without leading zeros: 0 for 0.5, 3 for 100.
    pub(crate) integer_digits: u8,
    /// The most digits after the point, without trailing zeros; 0 if all are whole.
    pub(crate) scale: u8,
    /// Some whole number doesn't fit a signed 64-bit integer.
    pub(crate) beyond_i64: bool,
    /// Some number doesn't survive the way to a double and back: its shortest decimal form has other digits.
    pub(crate) lossy: bool,
}

impl Numbers {
    pub(crate) fn merge(&mut self, other: Numbers) {
        self.integer_digits = self.integer_digits.max(other.integer_digits);
        self.scale = self.scale.max(other.scale);
        self.beyond_i64 |= other.beyond_i64;
        self.lossy |= other.lossy;
    }

    /// Adds a number of which only its digits matter.
    #[inline(always)]
    pub(crate) fn widen(&mut self, integer_digits: u8, scale: u8) {
        self.integer_digits = self.integer_digits.max(integer_digits);
        self.scale = self.scale.max(scale);
    }

    /// Adds a number of 16 to 31 bytes in its usual spelling, which ends at a quote, and gives its length. `None` leaves all other
    /// spellings to [`Numbers::parse`].
    #[inline(always)]
    pub(crate) fn add_long(&mut self, text: &[u8; 32]) -> Option<usize> {
        /// More digits than any u64 holds.
        const MANY: usize = 20;
        let plain = Plain::in_32(text)?;
        let (length, whole) = (plain.length, plain.scale == 0);
        let digits = length - plain.start - usize::from(!whole);
        let leading_zeros = plain.integer_digits == 0;
        let late_point = !whole && plain.integer_digits > 16;
        if digits >= MANY && leading_zeros || whole && text[length - 1] == b'0' || late_point {
            return None;
        }
        self.widen(plain.integer_digits, plain.scale);
        if digits >= MANY {
            self.lossy = true;
            self.beyond_i64 |= whole;
        } else if digits > 15 {
            let mantissa = plain.mantissa(text);
            self.lossy |= !survives_double(mantissa, -i64::from(plain.scale));
            self.beyond_i64 |= whole && mantissa > i64::MAX as u64 + plain.start as u64;
        }
        Some(length)
    }

    /// Reads any number: the general and slower way.
    ///
    /// The syntax is Java's `BigDecimal`, which DynamoDB takes: a sign, digits with at most one point, an exponent.
    #[inline(never)]
    pub(crate) fn parse(text: &[u8]) -> Result<Numbers, ReadErrorKind> {
        let (negative, text) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        let (whole, rest) = split_digits(text);
        let (fraction, rest) = match rest {
            [b'.', rest @ ..] => split_digits(rest),
            _ => (&[][..], rest),
        };
        let exponent = match rest {
            [] => Some(0),
            [b'e' | b'E', exponent @ ..] => parse_exponent(exponent),
            _ => None,
        };
        let Some(exponent) = exponent.filter(|_| whole.len() + fraction.len() > 0) else {
            return Err(ReadErrorKind::NumberSyntax);
        };
        // The value is mantissa * 10^exponent; the mantissa has no zeros at either end.
        let fraction = trim_end(fraction);
        let (whole, exponent) = match trim_end(whole) {
            trimmed if fraction.is_empty() => (trimmed, exponent + (whole.len() - trimmed.len()) as i64),
            _ => (whole, exponent - fraction.len() as i64),
        };
        let whole = trim_start(whole);
        let fraction = if whole.is_empty() { trim_start(fraction) } else { fraction };
        let digits = whole.len() + fraction.len();
        if digits > MAX_DIGITS {
            return Err(ReadErrorKind::NumberDigits);
        }
        let mantissa = mantissa(whole, fraction);
        if mantissa == 0 {
            return Ok(Numbers::default());
        }
        let before_point = digits as i64 + exponent;
        if !EXPONENTS.contains(&(before_point - 1)) {
            return Err(ReadErrorKind::NumberRange);
        }
        Ok(Numbers {
            integer_digits: before_point.max(0) as u8,
            scale: (-exponent).max(0) as u8,
            beyond_i64: exponent >= 0 && !fits_i64(negative, mantissa, exponent, before_point),
            lossy: u64::try_from(mantissa).map_or(true, |mantissa| !survives_double(mantissa, exponent)),
        })
    }
}

/// A number spelled as DynamoDB does: a minus sign or none, digits without needless zeros, perhaps a point with digits on both
/// sides.
pub(crate) struct Plain {
    /// With the sign, up to the quote.
    pub(crate) length: usize,
    /// The length of the sign.
    start: usize,
    /// 0 for 0.5.
    pub(crate) integer_digits: u8,
    pub(crate) scale: u8,
}

impl Plain {
    /// A number of at most 15 bytes. It has no more digits, so it fits an i64 and survives a double.
    #[inline(always)]
    pub(crate) fn in_16(text: &[u8; 16]) -> Option<Plain> {
        Plain::parse(text, simd::quotes(text), simd::digits(text), simd::minuses(text))
    }

    /// A number of at most 31 bytes.
    #[inline(always)]
    fn in_32(text: &[u8; 32]) -> Option<Plain> {
        let both = |marks: fn(&[u8; 16]) -> u32| {
            let (halves, _) = text.as_chunks();
            halves.iter().rev().fold(0, |all, half| all << 16 | marks(half))
        };
        Plain::parse(text, both(simd::quotes), both(simd::digits), both(simd::minuses))
    }

    /// From the marks of quotes, digits and minus signs in the text, in which the number ends at a quote.
    #[inline(always)]
    fn parse(text: &[u8], quotes: u32, digits: u32, minuses: u32) -> Option<Plain> {
        if quotes == 0 {
            return None;
        }
        let length = simd::first(quotes);
        let start = (minuses & 1) as usize;
        // What stands between the sign and the quote and is no digit: nothing, or the point.
        let others = !digits & quotes.wrapping_sub(1) & !quotes & !(start as u32);
        let (point, scale) = if others == 0 {
            (length, 0)
        } else {
            let point = simd::first(others);
            let usual = others & (others - 1) == 0 && text[point] == b'.' && text[length - 1] != b'0';
            let scale = length - point - 1;
            if !usual || scale == 0 {
                return None;
            }
            (point, scale as u8)
        };
        let integer_digits = match (text[start], point - start) {
            (b'0', 1) => 0,
            (b'0', _) | (_, 0) => return None,
            (_, digits) => digits as u8,
        };
        Some(Plain { length, start, integer_digits, scale })
    }

    /// The value of 16 to 19 digits, of which at most 16 stand before the point.
    #[inline(always)]
    fn mantissa(&self, text: &[u8; 32]) -> u64 {
        const DIGITS: usize = 16;
        /// From its n-th byte from the middle on: a mask of n bytes.
        const MASKS: [u8; 2 * DIGITS] = {
            let mut masks = [0; 2 * DIGITS];
            masks.split_at_mut(DIGITS).0.copy_from_slice(&[0xff; DIGITS]);
            masks
        };
        let first = |at: usize| text[at..].first_chunk().map_or(0, |first| u128::from_le_bytes(*first));
        let point = if self.scale == 0 { DIGITS } else { self.length - usize::from(self.scale) - 1 - self.start };
        let rest = self.start + DIGITS + usize::from(self.scale > 0);
        let before_point = MASKS[DIGITS - point..].first_chunk().map_or(0, |mask| u128::from_le_bytes(*mask));
        let digits = first(self.start) & before_point | first(self.start + 1) & !before_point;
        let mantissa = eight_digits(digits as u64) * 100_000_000 + eight_digits((digits >> 64) as u64);
        // Up to three more, without a branch, as their number is anything but predictable: moved to the end of three.
        const POWERS: [u64; 4] = [1, 10, 100, 1000];
        let count = (self.length - rest) & 3;
        let last = text[rest..].first_chunk().map_or(0, |last| u32::from_le_bytes(*last)) << (8 * (3 - count));
        let digit = |nth: u32| u64::from(last >> (8 * nth) & 0xf);
        mantissa * POWERS[count] + 100 * digit(0) + 10 * digit(1) + digit(2)
    }
}

/// The value of eight digits, the first in the lowest byte: first of pairs, then of fours, then of all.
#[inline(always)]
fn eight_digits(text: u64) -> u64 {
    let pairs = ((text & 0x0f0f_0f0f_0f0f_0f0f).wrapping_mul(10 << 8 | 1)) >> 8;
    let fours = ((pairs & 0x00ff_00ff_00ff_00ff).wrapping_mul(100 << 16 | 1)) >> 16;
    ((fours & 0x0000_ffff_0000_ffff).wrapping_mul(10_000 << 32 | 1)) >> 32
}

fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len()))
}

fn trim_start(mut digits: &[u8]) -> &[u8] {
    while let [b'0', rest @ ..] = digits {
        digits = rest;
    }
    digits
}

fn trim_end(mut digits: &[u8]) -> &[u8] {
    while let [rest @ .., b'0'] = digits {
        digits = rest;
    }
    digits
}

/// The value of at most 38 digits in two parts.
fn mantissa(whole: &[u8], fraction: &[u8]) -> u128 {
    let digits = || whole.iter().chain(fraction).map(|byte| byte - b'0');
    // 64 bits are quicker, and enough for 19 digits.
    if whole.len() + fraction.len() <= 19 {
        return digits().fold(0u64, |value, digit| value * 10 + u64::from(digit)).into();
    }
    digits().fold(0, |value, digit| value * 10 + u128::from(digit))
}

/// Digits with an optional sign. Far beyond the range, exponents are all the same.
fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        _ => (1, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // Half of the range, so that sums with lengths of texts can't overflow.
    let value = digits.iter().fold(0i64, |value, digit| (value * 10 + i64::from(digit - b'0')).min(i64::MAX / 100));
    Some(sign * value)
}

fn fits_i64(negative: bool, mantissa: u128, exponent: i64, integer_digits: i64) -> bool {
    // 19 digits is what i64::MAX has.
    integer_digits <= 19 && {
        let value = mantissa * 10u128.pow(exponent as u32);
        value <= i64::MAX as u128 + u128::from(negative)
    }
}

/// Whether the shortest decimal form of the nearest double has the very digits of `mantissa`, which has no zero at its end:
/// always so up to 15 digits, never above 17.
#[inline(always)]
fn survives_double(mantissa: u64, exponent: i64) -> bool {
    match mantissa {
        0..1_000_000_000_000_000 => true,
        100_000_000_000_000_000.. => false,
        _ => is_shortest(mantissa, exponent).unwrap_or_else(|| prints_as(mantissa, exponent)),
    }
}

/// The same by reading and printing the double.
#[cold]
#[inline(never)]
fn prints_as(mantissa: u64, exponent: i64) -> bool {
    let mut text = Buffer::default();
    let double: f64 = match write!(text, "{mantissa}e{exponent}") {
        Ok(()) => text.as_str().parse().unwrap_or_default(),
        Err(_) => return false,
    };
    let mut text = Buffer::default();
    // 17 digits, a point and an exponent of four characters fit.
    if write!(text, "{double:e}").is_err() {
        return false;
    }
    let digits = text.as_str().bytes().take_while(|byte| *byte != b'e').filter(u8::is_ascii_digit);
    digits.fold(0, |value, digit| value * 10 + u64::from(digit - b'0')) == mantissa
}

/// The same by one multiplication; `None` where that is not exact enough to tell, for a few in a thousand. `mantissa` has 16 or 17
/// digits.
///
/// A decimal is the shortest one that reads as its double if it is nearer to the double than any other decimal of as many
/// digits, and if no shorter one reads as the same double: the shorter ones next to it, below and above, lie outside of half the
/// distance between doubles.
///
/// The decimal is `scaled`, 127 or 128 bits long: the mantissa, shifted to 64 bits, times the reciprocal of the power of five.
/// The reciprocal is less than 1 too small, so `scaled` is less than 2^64 too small, a thousandth of the distance between
/// doubles. That and the distance between decimals are then measured in 2^24, so that they fit 64 bits; the latter is less than
/// 2 too small, and taken up to ten times.
#[inline(always)]
fn is_shortest(mantissa: u64, exponent: i64) -> Option<bool> {
    const UNIT: u32 = 24;
    const ERROR: i64 = (1 << (64 - UNIT)) + 32;
    const MANTISSA_BITS: u32 = 53;
    let reciprocal = *RECIPROCALS.get(usize::try_from(-exponent).ok()?)?;
    let shift = mantissa.leading_zeros();
    let scaled = u128::from(mantissa << shift) * u128::from(reciprocal);
    let decimal_step = (reciprocal >> (UNIT - shift)) as i64;
    let high = (scaled >> 64) as u64;
    let bits = 127 + (high >> 63) as u32;
    let double_step = 1i64 << (bits - MANTISSA_BITS - UNIT);
    let half_step = double_step >> 1;
    let above_double = (scaled >> UNIT) as i64 & (double_step - 1);
    let rounds_up = above_double > half_step;
    // The double's own mantissa. At a power of two, the doubles below are closer together.
    let double = (high >> (bits - 64 - MANTISSA_BITS)) + u64::from(rounds_up);
    if double.is_power_of_two() || (above_double - half_step).abs() <= ERROR {
        return None;
    }
    let distance = above_double - if rounds_up { double_step } else { 0 };
    let last_digit = (mantissa % 10) as i64;
    let nearest = decimal_step / 2 - distance.abs();
    let below = last_digit * decimal_step - distance - half_step;
    let above = (10 - last_digit) * decimal_step + distance - half_step;
    let least = nearest.min(below).min(above);
    (least.abs() > ERROR).then_some(least > 0)
}

/// 1 / 5^n, scaled by a power of two to 64 bits and rounded down; as far as 5^n has 64 bits too.
const RECIPROCALS: [u64; 28] = {
    let mut all = [1 << 63; 28];
    let mut n = 1;
    while n < all.len() {
        let power = 5u128.pow(n as u32);
        all[n] = ((1 << (191 - power.leading_zeros())) / power) as u64;
        n += 1;
    }
    all
};

/// A text on the stack.
#[derive(Default)]
struct Buffer {
    bytes: [u8; 32],
    length: usize,
}

impl Buffer {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl Write for Buffer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
