use super::*;

/// (integer digits, scale, beyond i64, lossy)
fn facts(text: &str) -> (u8, u8, bool, bool) {
    let n = Numbers::parse(text.as_bytes()).unwrap();
    (n.integer_digits, n.scale, n.beyond_i64, n.lossy)
}

#[test]
fn by_value_not_by_spelling() {
    for one in ["1", "1.0", "1E0", "+1", "01", "1.", "10e-1", "0.1E+1", "001.000E00"] {
        assert_eq!(facts(one), (1, 0, false, false), "{one}");
    }
    for zero in ["0", "-0", "0.000", "0E999999999999999999999", ".0"] {
        assert_eq!(facts(zero), (0, 0, false, false), "{zero}");
    }
    assert_eq!(facts("0.05"), (0, 2, false, false));
    assert_eq!(facts("-12.3400"), (2, 2, false, false));
    assert_eq!(facts("1.5e3"), (4, 0, false, false));
}

#[test]
fn the_edges_of_64_bits() {
    assert_eq!(facts("9223372036854775807"), (19, 0, false, true));
    assert_eq!(facts("9223372036854775808"), (19, 0, true, true));
    assert_eq!(facts("-9223372036854775808"), (19, 0, false, true));
    assert_eq!(facts("-9223372036854775809"), (19, 0, true, true));
    assert_eq!(facts("9E18"), (19, 0, false, false));
    assert_eq!(facts("1E19"), (20, 0, true, false));
}

#[test]
fn survival_of_a_double() {
    assert!(!facts("9007199254740991").3);
    // 17 digits, the shortest form of its double.
    assert!(!facts("0.30000000000000004").3);
    assert!(facts("0.30000000000000005").3);
    assert!(facts("9007199254740993").3);
    // 2^60 is a double, but its shortest form is 1152921504606847000.
    assert!(facts("1152921504606846976").3);
    assert!(!facts("1152921504606847000").3);
    assert!(!facts("1700000000.123456").3);
}

#[test]
fn the_limits_of_dynamodb() {
    let digits = "9".repeat(38);
    assert_eq!(facts(&digits), (38, 0, true, true));
    assert_eq!(facts(&format!("{digits}000")), (41, 0, true, true));
    assert_eq!(facts(&format!("000.{digits}")), (0, 38, false, true));
    assert_eq!(Numbers::parse(format!("{digits}1").as_bytes()), Err(ReadErrorKind::NumberDigits));
    assert_eq!(facts("1E-130"), (0, 130, false, false));
    assert_eq!(facts("9.99E125"), (126, 0, true, false));
    for text in ["1E126", "9E-131", "2E9223372036854775807", "1E99999999999999999999", "1E-99999999999999999999"] {
        assert_eq!(Numbers::parse(text.as_bytes()), Err(ReadErrorKind::NumberRange), "{text}");
    }
    assert_eq!(facts(&format!("0.{}1", "0".repeat(129))).1, 130);
}

#[test]
fn what_is_no_number() {
    for text in
        ["", "-", "+", ".", "1.2.3", "1e", "1e+", "e5", "--1", " 1", "1 ", "NaN", "Infinity", "0x1", "1_000", "١"]
    {
        assert_eq!(Numbers::parse(text.as_bytes()), Err(ReadErrorKind::NumberSyntax), "{text}");
    }
}

/// Random numbers that are the same on every machine.
fn random() -> impl FnMut() -> u64 {
    let mut state = 0x1234_5678_9abc_def1u64;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

#[test]
fn one_multiplication_tells_what_reading_and_printing_does() {
    let mut random = random();
    let (mut unsure, mut survivors) = (0, 0);
    const CASES: u64 = 200_000;
    for case in 0..CASES {
        let exponent = -(case as i64 % 28);
        let mantissa = if case % 2 == 0 {
            1_000_000_000_000_000 + random() % 99_000_000_000_000_000
        } else {
            // A double's own digits, or a step beside them.
            let double = (random() % (1 << 53)) as f64 * 10f64.powi(exponent as i32 + 1);
            let digits: String =
                format!("{double:e}").chars().take_while(|c| *c != 'e').filter(|c| *c != '.').collect();
            digits.parse::<u64>().unwrap() + case / 2 % 2
        };
        if mantissa % 10 == 0 || !(1_000_000_000_000_000..100_000_000_000_000_000).contains(&mantissa) {
            continue;
        }
        let survives = prints_as(mantissa, exponent);
        survivors += u64::from(survives);
        match is_shortest(mantissa, exponent) {
            None => unsure += 1,
            Some(told) => assert_eq!(told, survives, "{mantissa}e{exponent}"),
        }
    }
    // Halves of whole numbers are told by printing, and little else.
    assert!(unsure < CASES / 50, "{unsure}");
    assert!(survivors > CASES / 4 && survivors < CASES * 3 / 4, "{survivors}");
}

#[test]
fn long_numbers_mean_the_same_in_the_quick_way() {
    let mut random = random();
    let mut quick = 0;
    for case in 0..100_000u64 {
        let digits = 1 + random() as usize % 30;
        let mut text: String = (0..digits).map(|_| char::from(b'0' + (random() % 10) as u8)).collect();
        match case % 4 {
            0 => {}
            1 => text.insert_str(0, "0."),
            2 => text.insert(random() as usize % digits, '.'),
            _ => text.insert_str(0, "0.000"),
        }
        if random().is_multiple_of(3) {
            text.insert(0, '-');
        }
        let mut chunk = [b'"'; 32];
        let Some(start) = chunk.get_mut(..text.len()) else { continue };
        start.copy_from_slice(text.as_bytes());
        if text.len() == 32 {
            assert!(Numbers::default().add_long(&chunk).is_none());
            continue;
        }
        let mut numbers = Numbers::default();
        if let Some(length) = numbers.add_long(&chunk) {
            assert_eq!((length, Ok(numbers)), (text.len(), Numbers::parse(text.as_bytes())), "{text}");
            quick += 1;
        }
    }
    assert!(quick > 30_000, "{quick}");
}
