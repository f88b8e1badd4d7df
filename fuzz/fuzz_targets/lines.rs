//! Lines of items: the reader and the slow implementation give the same Shape or both refuse; where the input is cut makes no
//! difference, neither to the Shape nor to the error; nor does reading it in two parts that are merged, before or after the
//! Shape was stored.

#![no_main]

use libfuzzer_sys::fuzz_target;
use schema::{ReadError, Reader, Shape, TypeOptions};

#[allow(dead_code, reason = "settling is checked by the tests")]
#[path = "../../crates/schema/tests/it/oracle.rs"]
mod oracle;

// The first bytes say how many names a map keeps and where the input is cut.
fuzz_target!(|input: (u8, u16, u16, &[u8])| {
    let (limit, cut, length, text) = input;
    let limit = usize::from(limit % 8);
    let first = usize::from(cut).min(text.len());
    let second = text.len().min(first + usize::from(length));
    let whole = read(&[text], limit);
    match (&whole, oracle::parse(text)) {
        (Ok(shape), Some(items)) => {
            assert_eq!(shape.to_bytes(), oracle::shape_bytes(&items, limit, shape.bytes()));
            assert_eq!(Shape::from_bytes(&shape.to_bytes()).as_ref(), Ok(shape));
        }
        (Err(error), None) => assert!(error.offset <= text.len() as u64),
        (read, parsed) => panic!("{read:?} but {parsed:?}"),
    }
    assert_eq!(read(&[&text[..first], &text[first..second], &text[second..]], limit), whole);
    let newline = text[first..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |after| first + after);
    if let (Ok(whole), Ok(mut one), Ok(two)) =
        (whole, read(&[&text[..newline]], limit), read(&[&text[newline..]], limit))
    {
        let stored = Shape::from_bytes(&two.to_bytes()).expect("it was just written");
        one.merge(stored).expect("both are small");
        assert_eq!(one, whole);
    }
});

fn read(parts: &[&[u8]], max_struct_fields: usize) -> Result<Shape, ReadError> {
    let mut reader = Reader::new(&TypeOptions { max_struct_fields, ..TypeOptions::default() });
    for part in parts {
        reader.lines(part)?;
    }
    reader.finish()
}
