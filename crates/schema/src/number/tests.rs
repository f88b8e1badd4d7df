use super::*;

/// (integer digits, scale, beyond i64, lossy)
fn facts(text: &str) -> (u8, u8, bool, bool) {
    let n = Numbers::of(text.as_bytes()).unwrap();
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
    assert_eq!(Numbers::of(format!("{digits}1").as_bytes()), Err(ReadErrorKind::NumberDigits));
    assert_eq!(facts("1E-130"), (0, 130, false, false));
    assert_eq!(facts("9.99E125"), (126, 0, true, false));
    for text in ["1E126", "9E-131", "1E99999999999999999999", "1E-99999999999999999999"] {
        assert_eq!(Numbers::of(text.as_bytes()), Err(ReadErrorKind::NumberRange), "{text}");
    }
    assert_eq!(facts(&format!("0.{}1", "0".repeat(129))).1, 130);
}

#[test]
fn what_is_no_number() {
    for text in
        ["", "-", "+", ".", "1.2.3", "1e", "1e+", "e5", "--1", " 1", "1 ", "NaN", "Infinity", "0x1", "1_000", "١"]
    {
        assert_eq!(Numbers::of(text.as_bytes()), Err(ReadErrorKind::NumberSyntax), "{text}");
    }
}
