//! What an input looks like that holds no DynamoDB JSON, and what to do with it.

/// A kind of file that is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it looks like {looks}: {advice}")]
pub struct Refusal {
    /// What it looks like.
    pub looks: &'static str,
    /// What to do.
    pub advice: &'static str,
}

const fn refusal(looks: &'static str, advice: &'static str) -> Refusal {
    Refusal { looks, advice }
}

const SCAN: &str = "get the items with `aws dynamodb scan --table-name NAME --output json`";
const EXPORT: &str = "DynamoDB exports Ion as text: read the files of an export";

/// Bytes that files of a kind have at a place.
const MAGIC: [(usize, &[u8], Refusal); 19] = [
    (0, b"BZh", refusal("bzip2", "unpack it with `bunzip2 FILE`")),
    (0, b"\xfd7zXZ\0", refusal("xz", "unpack it with `unxz FILE`")),
    (0, b"\x5d\0\0", refusal("LZMA", "unpack it with `unlzma FILE`")),
    (0, b"\x04\x22\x4d\x18", refusal("lz4", "unpack it with `lz4 -d FILE`")),
    (0, b"\xff\x06\0\0sNaPpY", refusal("Snappy", "unpack it with `snzip -d FILE`")),
    (0, b"PK\x03\x04", refusal("a zip archive", "unpack it with `unzip FILE`")),
    (0, b"PK\x05\x06", refusal("an empty zip archive", "there is nothing in it")),
    (0, b"7z\xbc\xaf\x27\x1c", refusal("a 7-Zip archive", "unpack it with `7z x FILE`")),
    (257, b"ustar", refusal("a tar archive", "unpack it with `tar -xf FILE` and name the folder")),
    (0, b"PAR1", refusal("Parquet", SCAN)),
    (0, b"ORC", refusal("ORC", SCAN)),
    (0, b"Obj\x01", refusal("Avro", SCAN)),
    (0, b"SQLite format 3\0", refusal("an SQLite database", SCAN)),
    (0, b"\xe0\x01\0\xea", refusal("binary Ion", EXPORT)),
    (0, b"\xff\xfe\0\0", refusal("UTF-32", "convert it with `iconv -f UTF-32 -t UTF-8 FILE`")),
    (0, b"\0\0\xfe\xff", refusal("UTF-32", "convert it with `iconv -f UTF-32 -t UTF-8 FILE`")),
    (0, b"%PDF", refusal("a PDF document", SCAN)),
    (0, b"\x1f\x9d", refusal("the output of compress", "unpack it with `uncompress FILE`")),
    (0, b"\x89PNG", refusal("an image", SCAN)),
];

/// How many bytes [`binary`] looks at.
pub(crate) const MAGIC_LENGTH: usize = 262;

/// What a file that begins like this is, if it is known by its first bytes and not read.
pub(crate) fn binary(start: &[u8]) -> Option<Refusal> {
    let is = |(at, magic, _): &&(usize, &[u8], Refusal)| start.get(*at..).is_some_and(|rest| rest.starts_with(magic));
    MAGIC.iter().find(is).map(|(_, _, refusal)| *refusal)
}

/// What a text is that begins like this, after white space, and not with a brace or a bracket.
pub(crate) fn text(start: &[u8]) -> Refusal {
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end();
    let has = |byte| memchr::memchr(byte, line).is_some();
    let begins = |word: &[u8]| start.starts_with(word);
    if has(2) || has(3) {
        return refusal(
            "a text table of Hive or EMR, with \\x02 and \\x03 between its fields",
            "export the table to S3 instead (`aws dynamodb export-table-to-point-in-time`) and read that with `crawl --export`",
        );
    }
    if memchr::memchr(0, start).is_some() {
        return refusal("binary data", SCAN);
    }
    if begins(b"<") {
        return refusal("XML or HTML", SCAN);
    }
    if begins(b"+--") || begins(b"---") && has(b'-') && line.len() > 20 {
        return refusal("the AWS command line's output as a table", "run the command with --output json");
    }
    if [&b"Items:"[..], b"Count:", b"- ", b"ConsumedCapacity:", b"---"].iter().any(|word| begins(word)) {
        return refusal("YAML", "run the command that wrote it with --output json");
    }
    if [&b"ITEMS"[..], b"COUNT\t", b"None\t"].iter().any(|word| begins(word)) {
        return refusal("the AWS command line's output as text", "run the command with --output json");
    }
    if has(b',') || has(b'\t') || has(b';') {
        return refusal("CSV or TSV, which has no types", SCAN);
    }
    refusal("neither JSON nor any other known form", SCAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_says_what_it_looks_like() {
        for (at, magic, expected) in MAGIC {
            let mut start = vec![b'x'; at];
            start.extend_from_slice(magic);
            assert_eq!(binary(&start), Some(expected));
            assert!(start.len() <= MAGIC_LENGTH);
        }
        assert_eq!(binary(b"{\"pk\":{\"S\":\"a\"}}"), None);
        for (start, looks) in [
            ("id,name\n1,x", "CSV or TSV"),
            ("id\tname\n", "CSV or TSV"),
            ("<?xml version=\"1.0\"?>", "XML"),
            ("<!DOCTYPE html>", "XML"),
            ("pk\u{3}{\"s\":\"a\"}\u{2}n\u{3}{\"n\":\"1\"}\n", "a text table of Hive"),
            ("Count: 3\nItems:\n", "YAML"),
            ("-----------------------------\n|  Scan  |", "the AWS command line's output as a table"),
            ("ITEMS\nPK\ta\n", "the AWS command line's output as text"),
            ("x\0y", "binary"),
            ("hello", "neither JSON"),
        ] {
            let refusal = text(start.as_bytes());
            assert!(refusal.looks.starts_with(looks), "{start:?} looks like {refusal:?}");
        }
    }
}
