//! What may lie where a table's files are looked for: what is no file, what is packed too well, what others left.
#![cfg(unix)]

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use flate2::Compression;
use flate2::write::GzEncoder;
use local::{Config, Source};

use crate::support::{Attempts, Endpoint, folder};

const BY_ID: &[u8] = br#"{
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]
}"#;

fn gzip(pieces: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    pieces.for_each(|piece| encoder.write_all(&piece).unwrap());
    encoder.finish().unwrap()
}

async fn serving(tables: &Path, state: &Path) -> Endpoint {
    let (source, state) = (Source::Files(tables.to_owned()), Some(state.to_owned()));
    Endpoint::start(Config { source, state, ..Config::default() }).await
}

/// The items of a table, or the error.
async fn count(endpoint: &Endpoint, table: &str) -> Result<i64, String> {
    let answer = endpoint.dynamodb("eu-west-1", Attempts::One).describe_table().table_name(table).send().await;
    match answer {
        Ok(answer) => Ok(answer.table.unwrap().item_count.unwrap()),
        Err(error) => Err(error.message().unwrap_or_default().to_owned()),
    }
}

/// All files below `unpacked`, except those that name the folder of tables.
fn copies(state: &Path) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![state.join("unpacked")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.retain(|file| !file.ends_with("origin"));
    files
}

#[tokio::test]
async fn what_is_no_file_is_an_error_and_no_empty_table() {
    let (tables, state) = (folder(&[]), folder(&[]));
    let at = |name: &str| tables.path().join(name);
    let fifo = |path: &Path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    let mut expected = Vec::new();
    for ending in ["jsonl", "jsonl.gz"] {
        for (kind, text) in [
            ("dangling", "it is a link that leads to no file: No such file"),
            ("looped", "it is a link that leads to no file: Too many levels of symbolic links"),
            ("fifo", "it is a FIFO, not a file"),
            ("device", "it is a device, not a file"),
            ("folder", "it is a folder, not a file"),
        ] {
            let name = format!("{kind}-{}", ending.replace('.', "-"));
            let data = at(&format!("{name}.{ending}"));
            fs::write(at(&format!("{name}.json")), BY_ID).unwrap();
            match kind {
                "dangling" => symlink("nowhere", &data).unwrap(),
                "looped" => symlink(data.file_name().unwrap(), &data).unwrap(),
                "fifo" => fifo(&data),
                "device" => symlink("/dev/zero", &data).unwrap(),
                _ => fs::create_dir(&data).unwrap(),
            }
            expected.push((name, format!("{}: {text}", data.display())));
        }
    }
    fifo(&at("definition.json"));
    expected.push(("definition".into(), format!("{}: it is a FIFO, not a file", at("definition.json").display())));
    fs::write(at("giant.json"), [BY_ID, &vec![b' '; 4 << 20]].concat()).unwrap();
    let giant = format!("{}: not the definition of a table: longer than 4194304 bytes", at("giant.json").display());
    expected.push(("giant".into(), giant));
    let endpoint = serving(tables.path(), state.path()).await;
    for (name, text) in expected {
        let told = count(&endpoint, &name).await.unwrap_err();
        assert!(told.contains(&text), "{name}: {told}");
    }
}

#[tokio::test]
async fn what_unpacks_to_no_items_is_refused_and_leaves_nothing() {
    let long = std::iter::once(b"{\"id\":{\"S\":\"".to_vec()).chain((0..5).map(|_| vec![b'x'; 1 << 20]));
    let long = gzip(long.chain([b"\"}}".to_vec()]));
    let (tables, state) = (folder(&[("long.json", BY_ID), ("long.jsonl.gz", &long)]), folder(&[]));
    let endpoint = serving(tables.path(), state.path()).await;
    let told = count(&endpoint, "long").await.unwrap_err();
    assert!(
        told.contains(
            "long.jsonl.gz: line 1 (byte 0 of the input): a line longer than 4194304 bytes, which no item is"
        ),
        "{told}"
    );
    assert_eq!(copies(state.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn copies_of_what_is_gone_are_dropped_and_those_of_others_stay() {
    let packed = gzip(std::iter::once(b"{\"id\":{\"S\":\"1\"}}\n".to_vec()));
    let named = |name: &str| {
        folder(&[
            (&format!("{name}.json"), BY_ID),
            (&format!("{name}.jsonl.gz"), &packed),
            ("kept.json", BY_ID),
            ("kept.jsonl.gz", &packed),
        ])
    };
    let (one, two, state) = (named("gone"), named("other"), folder(&[]));
    let (first, second) = (serving(one.path(), state.path()).await, serving(two.path(), state.path()).await);
    for (endpoint, table) in [(&first, "gone"), (&first, "kept"), (&second, "other"), (&second, "kept")] {
        assert_eq!(count(endpoint, table).await, Ok(1));
    }
    assert_eq!(copies(state.path()).len(), 4, "of two folders, which are not in each other's way");

    // One copy is being made by another process, one was by a process that is no more.
    let kept =
        copies(state.path()).into_iter().find(|copy| copy.to_string_lossy().contains("/kept.jsonl.gz/")).unwrap();
    let (working, left) = (kept.with_file_name(".half-working"), kept.with_file_name(".half-left"));
    fs::write(&left, "{").unwrap();
    let work = fs::File::create(&working).unwrap();
    work.lock().unwrap();

    // A table that goes while it is served; a new version of one; folders that are looked at anew.
    fs::remove_file(one.path().join("gone.json")).unwrap();
    fs::remove_file(one.path().join("gone.jsonl.gz")).unwrap();
    assert!(count(&first, "gone").await.is_err());
    assert_eq!(
        copies(state.path()).iter().filter(|copy| copy.to_string_lossy().contains("/gone.jsonl.gz/")).count(),
        0
    );
    let newer = gzip([b"{\"id\":{\"S\":\"1\"}}\n".to_vec(), b"{\"id\":{\"S\":\"2\"}}\n".to_vec()].into_iter());
    for folder in [&one, &two] {
        fs::write(folder.path().join("kept.jsonl.gz"), &newer).unwrap();
    }
    assert_eq!((count(&first, "kept").await, count(&second, "kept").await), (Ok(2), Ok(2)));
    drop(two);
    let _third = serving(one.path(), state.path()).await;
    let names: Vec<_> = copies(state.path())
        .into_iter()
        .map(|copy| copy.strip_prefix(kept.ancestors().nth(2).unwrap()).map(Path::to_owned))
        .collect();
    assert!(working.exists() && !left.exists(), "{names:?}");
    assert_eq!(names.len(), 2, "the copy in work, and that of the table that is left: {names:?}");
}
