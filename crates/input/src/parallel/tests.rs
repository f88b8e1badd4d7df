use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use schema::TypeOptions;

use super::*;
use crate::shape::Shaping;

const LINES: &str = "{\"a\":{\"S\":\"x\"},\"n\":{\"N\":\"1\"}}\n{\"Item\":{\"b\":{\"SS\":[\"y\"]}}}\n";

fn read(paths: &[PathBuf], table: Option<&str>, threads: usize) -> Result<(Vec<u8>, u64, Vec<Summary>), String> {
    let read = AtomicU64::new(0);
    let options = Options { table, threads: NonZero::new(threads).unwrap(), read: &read };
    let (sink, summaries) = read_files(paths, options, || Shaping::new(&TypeOptions::default()))
        .map_err(|FileError { path, error }| format!("{}: {error}", path.file_name().unwrap().to_string_lossy()))?;
    let shape = sink.finish().map_err(|error| error.to_string())?;
    Ok((shape.to_bytes(), read.into_inner(), summaries))
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text).unwrap();
    gzip.finish().unwrap()
}

/// Writes files of these names; their paths.
fn written(folder: &Path, files: &[(&str, Vec<u8>)]) -> Vec<PathBuf> {
    files
        .iter()
        .map(|(name, content)| {
            let path = folder.join(name);
            fs::write(&path, content).unwrap();
            path
        })
        .collect()
}

#[test]
fn any_number_of_threads_sees_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let large = LINES.repeat(200_000).into_bytes();
    let answer = b"{\"Items\":[{\"c\":{\"N\":\"1\"}}]}".to_vec();
    let files = [
        ("large", large.clone()),
        ("packed", gzip(&large)),
        ("answer", answer),
        ("small", LINES.into()),
        ("empty", Vec::new()),
        ("second", LINES.repeat(40_000).into_bytes()),
    ];
    let size: usize = files.iter().map(|(_, content)| content.len()).sum();
    let paths = written(folder.path(), &files);
    let (expected, ..) = read(&paths, None, 1).unwrap();
    for threads in [2, 3, 16] {
        let (shape, bytes, summaries) = read(&paths, None, threads).unwrap();
        assert_eq!(shape, expected, "{threads} threads");
        // Parts read a little of their neighbours again.
        assert!((size as u64..size as u64 * 51 / 50).contains(&bytes), "{bytes} of {size}");
        assert_eq!(summaries.len(), paths.len());
    }
    for nth in 0..paths.len() {
        assert_eq!(read(&paths[nth..=nth], None, 1).unwrap().0, read(&paths[nth..=nth], None, 4).unwrap().0);
    }
}

#[test]
fn any_number_of_threads_tells_the_same_error() {
    let folder = tempfile::tempdir().unwrap();
    let bad = |good: usize| {
        [LINES.repeat(good).as_bytes(), b"{\"a\":{\"Q\":1}}\n", LINES.repeat(100_000).as_bytes()].concat()
    };
    let paths = written(folder.path(), &[("first", bad(60_000)), ("second", bad(90_000)), ("third", bad(1))]);
    let expected = read(&paths, None, 1).unwrap_err();
    assert!(expected.contains(" (byte ") && expected.contains("unknown type"), "{expected}");
    for threads in [2, 5] {
        for _ in 0..5 {
            assert_eq!(read(&paths, None, threads).unwrap_err(), expected);
        }
    }
    let one = read(&paths[..1], None, 2).unwrap_err();
    assert!(one.starts_with("first: line 120001 (byte "), "{one}");
}

#[test]
fn files_are_of_one_table() {
    let folder = tempfile::tempdir().unwrap();
    let request = |table: &str| {
        format!("{{\"{table}\":[{{\"PutRequest\":{{\"Item\":{{\"{table}\":{{\"S\":\"a\"}}}}}}}}]}}").into_bytes()
    };
    let paths = written(folder.path(), &[("1", request("one")), ("2", request("two")), ("3", request("one"))]);
    let several = read(&paths, None, 2).unwrap_err();
    assert!(several.contains("choose one with --table NAME, of one, two"), "{several}");
    let (shape, _, summaries) = read(&paths, Some("one"), 2).unwrap();
    assert_eq!(shape, read(&[paths[0].clone(), paths[2].clone()], None, 1).unwrap().0);
    assert_eq!(summaries[1].notes, ["left out, since its items are of two"]);
    let none = read(&paths, Some("three"), 2).unwrap_err();
    assert!(none.contains("no table three"), "{none}");
}
