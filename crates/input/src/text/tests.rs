use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

/// A reader that gives a few bytes at a time, as a pipe may.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let few = self.0.len().min(self.1).min(to.len());
        to[..few].copy_from_slice(&self.0[..few]);
        self.0 = &self.0[few..];
        Ok(few)
    }
}

fn text(bytes: &[u8]) -> Result<String, Error> {
    let read = |step| -> Result<String, Error> {
        let mut text = String::new();
        decode(Trickle(bytes, step))?.read_to_string(&mut text)?;
        Ok(text)
    };
    let all = read(usize::MAX);
    for step in [1, 3] {
        assert_eq!(
            read(step).map_err(|error| error.to_string()),
            all.as_ref().map(String::clone).map_err(ToString::to_string)
        );
    }
    all
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

#[test]
fn gzip_is_read_as_gunzip_reads_it() {
    let (a, b) = (gzip(b"one\n"), gzip(b"two\n"));
    assert_eq!(text(&a).unwrap(), "one\n");
    assert_eq!(text(&[&a[..], &b].concat()).unwrap(), "one\ntwo\n");
    assert_eq!(text(&[&a[..], &[0; 700], &b, &[0; 1000]].concat()).unwrap(), "one\ntwo\n");
    assert_eq!(text(&[&gzip(b"")[..], &b].concat()).unwrap(), "two\n");
    assert_eq!(text(&gzip(&gzip(b"twice"))).unwrap(), "twice");
}

#[test]
fn damaged_gzip_is_an_error() {
    let a = gzip(&b"some text that is long enough to be cut ".repeat(20));
    for cut in 2..a.len() {
        assert!(matches!(text(&a[..cut]), Err(Error::Compressed { format: "gzip", .. })), "cut at {cut}");
    }
    let more = [&a[..], b"more"].concat();
    assert_eq!(text(&more).unwrap_err().to_string(), "the gzip data is cut off or damaged: something else follows it");
}

#[test]
fn zstd_may_have_many_frames() {
    let frame = |text: &str| zstd::encode_all(text.as_bytes(), 1).unwrap();
    let skipped = [0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 1];
    assert_eq!(text(&[&frame("one\n")[..], &skipped, &frame("two\n")].concat()).unwrap(), "one\ntwo\n");
    assert_eq!(text(&[&skipped[..], &frame("two\n")].concat()).unwrap(), "two\n");
    let one = frame("some text that is long enough");
    for cut in 4..one.len() {
        assert!(matches!(text(&one[..cut]), Err(Error::Compressed { format: "zstd", .. })), "cut at {cut}");
    }
}

#[test]
fn byte_order_marks_are_skipped_and_utf16_is_read() {
    assert_eq!(text(b"\xef\xbb\xbf{}").unwrap(), "{}");
    assert_eq!(text(&gzip(b"\xef\xbb\xbf{}")).unwrap(), "{}");
    let long = "{\"é\":\"\u{1f600}\"}\n".repeat(40_000);
    for order in [u16::to_le_bytes, u16::to_be_bytes] {
        assert_eq!(text(&utf16("\u{feff}{\"\u{1f600}é\"}", order)).unwrap(), "{\"\u{1f600}é\"}");
        assert_eq!(text(&utf16("{\"a\"}", order)).unwrap(), "{\"a\"}", "without a mark");
        let mut read = String::new();
        decode(&utf16(&format!("\u{feff}x{long}"), order)[..]).unwrap().read_to_string(&mut read).unwrap();
        assert_eq!(read[1..], long);
    }
}

#[test]
fn wrong_utf16_is_an_error() {
    let error = |bytes: &[u8]| text(bytes).unwrap_err().to_string();
    assert_eq!(error(b"\xff\xfe{\0\x00"), "byte 2 of the UTF-16 text: it ends with half a character");
    assert_eq!(error(b"\xff\xfe{\0\x00\xd8x\0"), "byte 2 of the UTF-16 text: half of a surrogate pair");
    assert_eq!(error(b"\xff\xfe{\0\x00\xd8"), "byte 2 of the UTF-16 text: half of a surrogate pair");
}

#[test]
fn what_is_not_read_says_what_to_do() {
    let error = |bytes: &[u8]| text(bytes).unwrap_err().to_string();
    assert_eq!(error(b"BZh91AY&SY"), "it looks like bzip2: unpack it with `bunzip2 FILE`");
    let tar = [&[b'a'; 257][..], b"ustar\x0000"].concat();
    assert!(error(&gzip(&tar)).starts_with("it looks like a tar archive"));
}
