//! What a column type has to know of numbers, read off their digits without computing their value.

use std::fmt::{self, Write};

use crate::read::{ReadErrorKind, scan};

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

    /// Reads a number of at most 15 bytes in its usual spelling, up to the quote that ends it, from one comparison of all
    /// bytes at once. `None` leaves all other spellings to [`Numbers::of`].
    #[inline(always)]
    pub(crate) fn short(text: &[u8; 16]) -> Option<(usize, Numbers)> {
        let quotes = scan::quotes(text);
        if quotes == 0 {
            return None;
        }
        let length = scan::first(quotes);
        let start = usize::from(text[0] == b'-');
        // The bytes between the sign and the quote that are no digits.
        let before_quote = (1 << length) - 1;
        let others = !scan::digits(text) & before_quote & !(start as u32);
        let leading_zero = text[start] == b'0';
        if others == 0 {
            // Without a digit, the first byte is the quote; a zero in front is left to the general way unless it is alone.
            let digits = length.checked_sub(start).filter(|digits| *digits > 0)?;
            return match (leading_zero, digits) {
                (false, _) => Some((length, Numbers { integer_digits: digits as u8, ..Numbers::default() })),
                (true, 1) => Some((length, Numbers::default())),
                (true, _) => None,
            };
        }
        let point = scan::first(others);
        let integer_digits = point - start;
        let usual = others & (others - 1) == 0
            && text[point] == b'.'
            && integer_digits > 0
            && (!leading_zero || integer_digits == 1)
            && point + 1 < length
            && text[length - 1] != b'0';
        let integer_digits = if leading_zero { 0 } else { integer_digits as u8 };
        let scale = (length - point - 1) as u8;
        // At most 14 digits: they survive a double.
        usual.then_some((length, Numbers { integer_digits, scale, beyond_i64: false, lossy: false }))
    }

    /// Reads any number: the general and slower way.
    ///
    /// The syntax is Java's `BigDecimal`, which DynamoDB takes: a sign, digits with at most one point, an exponent.
    #[inline(never)]
    pub(crate) fn of(text: &[u8]) -> Result<Numbers, ReadErrorKind> {
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
            lossy: !survives_double(text, mantissa, digits, exponent),
        })
    }
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

/// Whether the shortest decimal form of the nearest double has these very digits: always so up to 15, never above 17.
fn survives_double(text: &[u8], mantissa: u128, digits: usize, exponent: i64) -> bool {
    match digits {
        ..=15 => true,
        16 | 17 => {
            let double = std::str::from_utf8(text).ok().and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
            is_shortest(double, mantissa as u64, exponent).unwrap_or_else(|| shortest_digits(double) == mantissa)
        }
        _ => false,
    }
}

/// Whether `decimal * 10^exponent` is the shortest decimal that reads as `double`, which is the double nearest to it.
/// `None` where the sums would be long or come out even.
///
/// It is if it is nearer to the double than any other decimal of as many digits, and if no shorter one reads as the same
/// double: the shorter ones next to it, below and above, lie outside of half the distance between doubles.
fn is_shortest(double: f64, decimal: u64, exponent: i64) -> Option<bool> {
    const FRACTION: u64 = (1 << 52) - 1;
    /// The highest power of five that is under 2^63.
    const MAX_POWER: i64 = 27;
    let bits = double.to_bits();
    let (fraction, power) = (bits & FRACTION, (bits >> 52 & 0x7ff) as i64 - 1075);
    // At a power of two, the doubles below are closer together.
    if fraction == 0 || !(-MAX_POWER..=0).contains(&exponent) {
        return None;
    }
    // double = mantissa * 2^power. Both are scaled alike to whole numbers: by 10^-exponent, and by a power of two.
    let mantissa = i128::from(fraction | (FRACTION + 1));
    let shift = exponent - power;
    if !(-64..=70).contains(&shift) {
        return None;
    }
    let digit_step = 1i128 << shift.max(0);
    let double_step = 5i128.pow(-exponent as u32) << (-shift).max(0);
    let distance = i128::from(decimal) * digit_step - mantissa * double_step;
    let last = i128::from(decimal % 10);
    let below = last * digit_step - distance;
    let above = (10 - last) * digit_step + distance;
    if 2 * distance.abs() == digit_step || 2 * below == double_step || 2 * above == double_step {
        return None;
    }
    Some(2 * distance.abs() < digit_step && 2 * below > double_step && 2 * above > double_step)
}

/// The digits of the shortest decimal that reads as this double.
fn shortest_digits(double: f64) -> u128 {
    let mut text = Buffer::default();
    // 17 digits, a sign, a point and an exponent of four characters fit.
    if write!(text, "{double:e}").is_err() {
        return 0;
    }
    let digits = text.as_str().bytes().take_while(|byte| *byte != b'e').filter(u8::is_ascii_digit);
    digits.fold(0, |value, digit| value * 10 + u128::from(digit - b'0'))
}

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
