//! A server that speaks as much of S3 as reading takes, and whose network is bad on demand.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use md5::{Digest, Md5};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What becomes of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Strike {
    /// After so many bytes of the body the connection is reset.
    Reset(usize),
    /// After so many bytes of the body it is closed, as if that had been all.
    Close(usize),
    /// A refusal: status, code, and whatever else S3 says.
    Refuse(u16, &'static str, &'static str),
}

/// The bucket `b`, which holds the files of a folder. It ends with the test.
pub(crate) struct S3 {
    pub url: String,
    state: Arc<State>,
}

struct State {
    root: PathBuf,
    strikes: Mutex<Vec<(&'static str, Range<usize>, Strike)>>,
    /// `key`, `key RANGE` or `?prefix` of each request.
    asked: Mutex<Vec<String>>,
    /// The access key of each request.
    keys: Mutex<Vec<String>>,
}

impl S3 {
    pub(crate) async fn of(root: &Path) -> S3 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (strikes, asked, keys) = Default::default();
        let state = Arc::new(State { root: root.to_owned(), strikes, asked, keys });
        let serving = state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().connection(stream));
            }
        });
        S3 { url, state }
    }

    /// Strikes some of the requests, counted from 0, whose key ends so.
    pub(crate) fn strike(&self, key: &'static str, requests: Range<usize>, strike: Strike) {
        self.state.strikes.lock().unwrap().push((key, requests, strike));
    }

    /// Takes all strikes back.
    pub(crate) fn relent(&self) {
        self.state.strikes.lock().unwrap().clear();
    }

    /// What was asked for since the last time this was called.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.state.asked.lock().unwrap())
    }

    /// By which access keys, so far.
    pub(crate) fn access_keys(&self) -> BTreeSet<String> {
        self.state.keys.lock().unwrap().iter().cloned().collect()
    }
}

impl State {
    async fn connection(self: Arc<Self>, mut stream: TcpStream) {
        let mut head = Vec::new();
        loop {
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => return,
                }
            }
            let request = String::from_utf8(std::mem::take(&mut head)).unwrap();
            let (answer, fault) = self.answer(&request);
            let (body, reset) = match fault {
                Some(Strike::Reset(bytes)) => (bytes, true),
                Some(Strike::Close(bytes)) => (bytes, false),
                _ => {
                    stream.write_all(&answer).await.unwrap();
                    continue;
                }
            };
            let begin = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
            stream.write_all(&answer[..begin + body]).await.unwrap();
            // Let it arrive: a reset takes away what was not read yet.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            if reset {
                stream.set_zero_linger().unwrap();
            }
            return;
        }
    }

    fn answer(&self, request: &str) -> (Vec<u8>, Option<Strike>) {
        let target = request.split(' ').nth(1).unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let key = decoded(path.strip_prefix("/b").unwrap().trim_start_matches('/'));
        let header = |name: &str| {
            request
                .lines()
                .find_map(|line| line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)))
                .map(|(_, v)| v)
        };
        let credential = header("authorization").unwrap().split_once("Credential=").unwrap().1;
        self.keys.lock().unwrap().push(credential.split_once('/').unwrap().0.to_owned());
        let parameter = |name: &str| query.split('&').find_map(|p| p.strip_prefix(name)?.strip_prefix('='));
        if key.is_empty() {
            let prefix = decoded(parameter("prefix").unwrap_or_default());
            self.asked.lock().unwrap().push(format!("?{prefix}"));
            return match self.struck(&prefix) {
                Some(Strike::Refuse(status, code, more)) => (refusal(status, code, more), None),
                fault => {
                    (answer("200 OK", "", self.listing(&prefix, parameter("delimiter").is_some()).as_bytes()), fault)
                }
            };
        }
        let range = header("range").map(|range| range.strip_prefix("bytes=").unwrap().split_once('-').unwrap());
        self.asked.lock().unwrap().push(match range {
            Some((from, to)) => format!("{key} {from}-{to}"),
            None => key.clone(),
        });
        let fault = self.struck(&key);
        if let Some(Strike::Refuse(status, code, more)) = fault {
            return (refusal(status, code, more), None);
        }
        let Ok(content) = std::fs::read(self.root.join(&key)) else { return (refusal(404, "NoSuchKey", ""), None) };
        let etag: String = Md5::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
        let etag = format!("etag: \"{etag}\"\r\n");
        let answer = match range {
            None => answer("200 OK", &etag, &content),
            Some((from, to)) => {
                let part = &content[from.parse().unwrap()..=to.parse().unwrap()];
                let range = format!("{etag}content-range: bytes {from}-{to}/{}\r\n", content.len());
                answer("206 Partial Content", &range, part)
            }
        };
        (answer, fault)
    }

    fn struck(&self, key: &str) -> Option<Strike> {
        let mut struck = None;
        for (_, requests, strike) in self.strikes.lock().unwrap().iter_mut().filter(|(of, ..)| key.ends_with(of)) {
            if requests.start == 0 && requests.end > 0 {
                struck = struck.or(Some(*strike));
            }
            *requests = requests.start.saturating_sub(1)..requests.end.saturating_sub(1);
        }
        struck
    }

    fn listing(&self, prefix: &str, delimited: bool) -> String {
        let mut keys = Vec::new();
        walk(&self.root, &self.root, &mut keys);
        let (mut objects, mut folders) = (String::new(), BTreeSet::new());
        for (key, size) in keys.iter().filter(|(key, _)| key.starts_with(prefix)) {
            match key[prefix.len()..].split_once('/') {
                Some((folder, _)) if delimited => {
                    folders.insert(format!("<CommonPrefixes><Prefix>{prefix}{folder}/</Prefix></CommonPrefixes>"));
                }
                _ => {
                    objects += &format!(
                        "<Contents><Key>{key}</Key><LastModified>2023-09-02T20:57:07.000Z</LastModified>\
                         <ETag>&quot;x&quot;</ETag><Size>{size}</Size></Contents>"
                    );
                }
            }
        }
        let folders: String = folders.into_iter().collect();
        format!("<ListBucketResult><IsTruncated>false</IsTruncated>{objects}{folders}</ListBucketResult>")
    }
}

fn walk(root: &Path, folder: &Path, keys: &mut Vec<(String, u64)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => walk(root, &path, keys),
            false => keys
                .push((path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(), path.metadata().unwrap().len())),
        }
    }
}

fn decoded(text: &str) -> String {
    text.replace("%2F", "/")
}

fn refusal(status: u16, code: &str, more: &str) -> Vec<u8> {
    let body = format!("<Error><Code>{code}</Code><Message>In words.</Message>{more}<RequestId>R1</RequestId></Error>");
    answer(&format!("{status} -"), "x-amz-bucket-region: eu-north-1\r\n", body.as_bytes())
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}
