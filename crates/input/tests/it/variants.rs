//! Generated items, wrapped, cut, glued and changed in every form: the same items come out, or an error. Never fewer.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use input::{Error, Item, ItemError, Sink};
use proptest::prelude::*;
use schema::TypeOptions;
use serde_json::Value;

use crate::forms::{self, FORMS, Style, USUAL};

/// The items as JSON values, and the lines as they came.
#[derive(Default)]
struct Collected {
    items: Vec<Value>,
    lines: Vec<u8>,
}

impl Sink for Collected {
    fn lines(&mut self, chunk: &[u8]) -> Result<(), ItemError> {
        self.lines.extend_from_slice(chunk);
        Ok(())
    }

    fn item(&mut self, item: Item<'_>) -> Result<(), ItemError> {
        assert!(!item.line.contains(&b'\n'));
        self.items.push(serde_json::from_slice(item.line).unwrap());
        Ok(())
    }
}

/// Gives a few bytes at a time.
struct Trickle<'t>(&'t [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let few = self.0.len().min(self.1).min(to.len());
        to[..few].copy_from_slice(&self.0[..few]);
        self.0 = &self.0[few..];
        Ok(few)
    }
}

/// The number of items, as the Shape of all has it.
fn count(bytes: &[u8]) -> Result<u64, Error> {
    Ok(counted(bytes)?.0)
}

/// The number of items, and whether there is a note.
fn counted(bytes: &[u8]) -> Result<(u64, bool), Error> {
    let (shape, summary) = input::shape(input::open(bytes)?, None, &TypeOptions::default())?;
    Ok((shape.items(), !summary.notes.is_empty()))
}

/// The items. Those of lines are unwrapped, which the reader of the lines does otherwise.
fn items(bytes: &[u8], step: usize) -> Result<Vec<Value>, Error> {
    let mut collected = Collected::default();
    input::open(Trickle(bytes, step))?.read(None, &mut collected)?;
    let lines = collected.lines.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let lines = lines.map(|line| serde_json::from_slice(line).unwrap()).map(|line: Value| match line.get("Item") {
        Some(item) if line.as_object().unwrap().len() == 1 && !is_attribute(item) => item.clone(),
        _ => line,
    });
    Ok(lines.chain(collected.items).collect())
}

/// Whether a value is one type and its content, and not an item: the obvious way.
fn is_attribute(value: &Value) -> bool {
    let Some(members) = value.as_object().filter(|members| members.len() == 1) else { return false };
    members.iter().all(|(tag, content)| match &**tag {
        "S" | "N" | "B" => content.is_string(),
        "BOOL" | "NULL" => content.is_boolean(),
        "SS" | "NS" | "BS" => content.is_array(),
        "L" => content.as_array().is_some_and(|list| list.iter().all(is_attribute)),
        "M" => content.as_object().is_some_and(|map| map.values().all(is_attribute)),
        _ => false,
    })
}

/// The text as a file may have it.
fn packed(text: &str, kind: usize) -> Vec<u8> {
    let half = text.len() / 2;
    let (one, two) = text.as_bytes().split_at(half);
    let gzip = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
    let marked = format!("\u{feff}{text}");
    match kind {
        0 => text.into(),
        1 => marked.into(),
        2 => marked.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        3 => marked.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        4 => [gzip(one), gzip(two)].concat(),
        5 => [gzip(text.as_bytes()), vec![0; 300]].concat(),
        6 => [zstd(one), zstd(two)].concat(),
        _ => gzip(&marked.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()),
    }
}

fn expected(generated: &[forms::Item]) -> Vec<Value> {
    generated.iter().map(|item| serde_json::from_str(&forms::item(item, USUAL)).unwrap()).collect()
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(3000))]

    /// Whatever the form, the spelling, the encoding and the chunks.
    #[test]
    fn every_form_gives_the_same_items(
        generated in forms::items(),
        (form, style) in (0..FORMS, forms::styles()),
        kind in 0..8_usize,
        step in prop::sample::select(vec![1, 7, 1 << 20]),
    ) {
        let text = forms::text(&forms::documents(form, &generated, style));
        let packed = packed(&text, kind);
        let found = items(&packed, step);
        prop_assert!(found.is_ok(), "{}: {}", text, found.unwrap_err());
        prop_assert_eq!(found.unwrap(), expected(&generated), "{}", text);
        prop_assert_eq!(count(&packed).unwrap(), generated.len() as u64);
    }
}

proptest! {
    #![proptest_config(config(3000))]

    /// A text that is cut in a document is an error. One that is cut between two has the items of those before.
    #[test]
    fn what_is_cut_is_an_error(
        generated in forms::items(),
        (form, style) in (0..FORMS, forms::styles()),
        kind in 0..8_usize,
        cut in any::<prop::sample::Index>(),
    ) {
        let documents = forms::documents(form, &generated, style);
        let text = forms::text(&documents);
        let mut cut = cut.index(text.len());
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        let (mut end, mut whole, mut inside) = (0, 0, false);
        for (document, items) in &documents {
            inside |= cut > end && cut < end + document.len();
            whole += if cut >= end + document.len() { *items } else { 0 };
            end += document.len() + 1;
        }
        match count(&packed(&text[..cut], kind)) {
            Ok(found) => prop_assert!(!inside && found == whole as u64, "{} items of {} in {}", found, whole, &text[..cut]),
            Err(error) => prop_assert!(inside, "{}: {}", &text[..cut], error),
        }
    }
}

proptest! {
    #![proptest_config(config(2500))]

    /// Two forms in one file.
    #[test]
    fn what_is_glued_has_the_items_of_both_or_is_an_error(
        (one, two) in (forms::items(), forms::items()),
        (forms, styles) in ([0..FORMS, 0..FORMS], [forms::styles(), forms::styles()]),
        between in prop::sample::select(vec!["", "\n", "\n\n  "]),
    ) {
        let text = |nth: usize, items: &[forms::Item], style: Style| forms::text(&forms::documents(forms[nth], items, style));
        let glued = text(0, &one, styles[0]).trim_end().to_owned() + between + &text(1, &two, styles[1]);
        if let Ok(found) = count(glued.as_bytes()) {
            prop_assert_eq!(found, (one.len() + two.len()) as u64, "{}", glued);
            prop_assert_eq!(items(glued.as_bytes(), 64).unwrap(), [expected(&one), expected(&two)].concat());
        }
    }
}

proptest! {
    #![proptest_config(config(4000))]

    /// A byte is another one, is gone, or is there twice.
    #[test]
    fn what_is_changed_has_as_many_items_or_is_an_error(
        generated in forms::items(),
        (form, style) in (0..FORMS, forms::styles()),
        at in any::<prop::sample::Index>(),
        change in prop_oneof![
            Just(None),
            prop::sample::select(b"{}[]:,\"\\ \nnN0xSM\x00\xff".to_vec()).prop_map(|byte| Some(vec![byte])),
            prop::sample::select(vec!["{}", "[]", ",", "null", "\"\""]).prop_map(|text| Some(text.as_bytes().to_vec())),
        ],
        insert in any::<bool>(),
    ) {
        let mut text = forms::text(&forms::documents(form, &generated, style)).into_bytes();
        let at = at.index(text.len());
        text.splice(at..at + usize::from(!insert), change.unwrap_or_default());
        if let Ok((found, noted)) = counted(&text) {
            prop_assert!(noted || found >= generated.len() as u64, "{} items in {}", found, String::from_utf8_lossy(&text));
        }
    }
}
