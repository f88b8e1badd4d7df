//! DynamoDB numbers as text: equal by value, sized by their significant digits.

/// A decimal number, as spelled.
pub(super) struct Number<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Number<'a> {
    /// `[+-]digits[.digits][e[+-]digits]`, with a digit on either side of the point.
    pub(super) fn parse(text: &'a str) -> Option<Number<'a>> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?.into()),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = whole.bytes().chain(fraction.bytes());
        if whole.len() + fraction.len() == 0 || !digits.into_iter().all(|b| b.is_ascii_digit()) {
            return None;
        }
        Some(Number { negative, whole: whole.as_bytes(), fraction: fraction.as_bytes(), exponent })
    }

    /// The size that DynamoDB counts: one byte for two significant digits, one for the number, and one for a minus sign.
    ///
    /// From the Developer Guide, "Item sizes and formats", which calls it approximate.
    pub(super) fn size(&self) -> u64 {
        match self.significant() {
            None => 1,
            Some((first, last)) => ((last - first + 2) / 2 + 1) as u64 + u64::from(self.negative),
        }
    }

    /// The same bytes for every spelling of the same value.
    pub(super) fn canonical(&self) -> Vec<u8> {
        let Some((first, last)) = self.significant() else { return vec![b'0'] };
        let digits = self.digits().skip(first).take(last - first + 1);
        let scale =
            self.exponent - self.fraction.len() as i64 + (self.whole.len() + self.fraction.len() - 1 - last) as i64;
        let mut bytes: Vec<u8> = std::iter::once(if self.negative { b'-' } else { b'+' }).chain(digits).collect();
        bytes.push(b'e');
        bytes.extend(scale.to_be_bytes());
        bytes
    }

    fn digits(&self) -> impl Iterator<Item = u8> {
        self.whole.iter().chain(self.fraction).copied()
    }

    /// The places of the first and last digits that are not zero; `None` for zero.
    fn significant(&self) -> Option<(usize, usize)> {
        let mut nonzero = self.digits().enumerate().filter(|(_, digit)| *digit != b'0').map(|(at, _)| at);
        let first = nonzero.next()?;
        Some((first, nonzero.last().unwrap_or(first)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_value_are_one_number() {
        let canonical = |text| Number::parse(text).unwrap().canonical();
        for (a, b) in [("1", "1.0"), ("1", "1E0"), ("+10", "1e1"), ("0.5", ".50"), ("0", "-0.00"), ("120", "1.2E+2")] {
            assert_eq!(canonical(a), canonical(b), "{a} {b}");
        }
        for (a, b) in [("1", "-1"), ("1", "10"), ("0.1", "0.01"), ("12", "1.2")] {
            assert_ne!(canonical(a), canonical(b), "{a} {b}");
        }
    }

    #[test]
    fn size_counts_significant_digits() {
        for (text, size) in [("0", 1), ("7", 2), ("42", 2), ("-42", 3), ("421", 3), ("42000", 2), ("0.00042", 2)] {
            assert_eq!(Number::parse(text).unwrap().size(), size, "{text}");
        }
    }

    #[test]
    fn what_is_no_number() {
        for text in ["", ".", "-", "1e", "e5", "0x1", "1.2.3", "NaN", "1 ", "١"] {
            assert!(Number::parse(text).is_none(), "{text}");
        }
    }
}
