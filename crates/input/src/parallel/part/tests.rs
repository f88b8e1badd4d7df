use std::io::Write;

use proptest::prelude::*;
use schema::TypeOptions;

use super::*;
use crate::shape::Shaping;

/// What the parts give, each to a sink of its own or all to one; or the first error.
fn in_parts(text: &[u8], part: u64, apart: bool) -> Result<Vec<u8>, String> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text).unwrap();
    let begin = text::begin_of_utf8(text).unwrap() as u64;
    let parts = Parts { file, size: text.len() as u64, begin, part };
    let new = || Shaping::new(&TypeOptions::default());
    let (mut all, mut one) = (schema::Shape::default(), new());
    let (mut buffer, counter) = (Vec::new(), AtomicU64::new(0));
    for number in 0..parts.count() {
        parts
            .read(Part { nth: number, file: 0 }, &mut buffer, &mut one, &counter)
            .map_err(|error| error.to_string())?;
        if apart {
            all.merge(std::mem::replace(&mut one, new()).finish().unwrap()).unwrap();
        }
    }
    assert!(counter.into_inner() >= text.len() as u64 - begin);
    all.merge(one.finish().unwrap()).unwrap();
    Ok(all.to_bytes())
}

/// The same, read from the start to the end.
fn at_once(text: &[u8]) -> Result<Vec<u8>, String> {
    let input = crate::Input::new(crate::decode(text).unwrap()).map_err(|error| error.to_string())?;
    let read = crate::shape(input, None, &TypeOptions::default());
    read.map(|(shape, _)| shape.to_bytes()).map_err(|error| error.to_string())
}

#[test]
fn lines_belong_to_the_part_in_which_they_begin() {
    let long = format!("{{\"a\":{{\"S\":\"{}\"}}}}\n", "x".repeat(3 * TAIL));
    for text in [
        "{\"a\":{\"S\":\"x\"}}\n{\"b\":{\"N\":\"1\"}}\n{\"c\":{\"N\":\"1.5\"}}\n",
        "{\"a\":{\"S\":\"x\"}}\n\n\r\n{\"b\":{\"N\":\"1\"}}",
        "\u{feff}{\"a\":{\"S\":\"x\"}}\n{\"b\":{\"N\":\"1\"}}\n",
        &long.repeat(3),
        "{\"a\":{\"S\":\"x\"}}\n{\"b\":{\"Q\":\"1\"}}\n{\"c\":{\"Q\":\"1\"}}\n",
        "{\"a\":{\"S\":\"x\"}}\n{\"b\":{\"S\":\"a\nb\"}}\n{\"c\":{\"S\":\"1\"}}\n",
        "{\"a\":{\"S\":\"x\"}}\n{\"b\":{\"S\":",
    ] {
        let expected = at_once(text.as_bytes());
        for part in (1..60).chain([4095, 4096, 5000, 100_000]) {
            for apart in [true, false] {
                assert_eq!(in_parts(text.as_bytes(), part, apart), expected, "{part} {text:.60}");
            }
        }
    }
}

proptest! {
    #[test]
    fn parts_are_the_whole(
        lines in prop::collection::vec(
            prop_oneof![
                4 => "[a-c]{1,2}".prop_map(|name| format!("{{\"{name}\":{{\"N\":\"1.5\"}},\"x\":{{\"S\":\"é{name}\"}}}}")),
                2 => Just(String::new()),
                1 => Just("{\"a\":{\"S\":1}}".to_owned()),
            ],
            1..20,
        ),
        part in 1_u64..200,
        apart: bool,
        ends: bool,
    ) {
        let text = format!("{{}}\n{}{}", lines.join("\n"), if ends { "\n" } else { "" });
        prop_assert_eq!(in_parts(text.as_bytes(), part, apart), at_once(text.as_bytes()));
    }
}
