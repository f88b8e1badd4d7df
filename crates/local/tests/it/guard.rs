//! What an endpoint keeps out, and how long it waits.

use std::time::{Duration, Instant};

use local::Config;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Endpoint, raw};

const TABLES: &str = "POST / HTTP/1.1\r\nX-Amz-Target: DynamoDB_20120810.ListTables";

async fn connect(endpoint: &Endpoint) -> TcpStream {
    TcpStream::connect(endpoint.server.url().strip_prefix("http://").unwrap()).await.unwrap()
}

/// What comes until the other side closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut got = Vec::new();
    drop(stream.read_to_end(&mut got).await);
    String::from_utf8_lossy(&got).into_owned()
}

#[tokio::test]
async fn only_its_own_names_are_served() {
    let endpoint = Endpoint::start(Config { allow_hosts: vec!["glue".into()], ..Config::default() }).await;
    let ask = async |host: &str| {
        let mut stream = connect(&endpoint).await;
        let request = format!("{TABLES}\r\n{host}Connection: close\r\nContent-Length: 2\r\n\r\n{{}}");
        stream.write_all(request.as_bytes()).await.unwrap();
        rest(&mut stream).await
    };
    for served in ["Host: localhost:1\r\n", "Host: 127.0.0.2\r\n", "Host: [::1]:4566\r\n", "Host: GLUE:4566\r\n", ""] {
        let answer = ask(served).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{served}: {answer}");
    }
    for refused in ["Host: evil.example\r\n", "Host: 127.0.0.1.evil.example:4566\r\n", "Host: 10.0.0.1\r\n"] {
        let answer = ask(refused).await;
        assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("--allow-host"), "{refused}: {answer}");
    }
    let mut stream = connect(&endpoint).await;
    stream
        .write_all(b"GET http://evil.example/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
}

#[tokio::test]
async fn a_get_gives_no_credentials() {
    let endpoint = Endpoint::empty().await;
    let get = async |query: &str| raw(&endpoint, &format!("GET /?{query}&Version=2011-06-15 HTTP/1.1"), "").await;
    let role = "RoleArn=arn:aws:iam::123456789012:role/some-role&RoleSessionName=me";
    for (query, status) in [("Action=GetCallerIdentity", "200"), (&format!("Action=AssumeRole&{role}"), "405")] {
        let answer = get(query).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{query}: {answer}");
    }
}

#[tokio::test]
async fn who_sends_nothing_is_not_waited_for() {
    let (head_timeout, body_timeout) = (Duration::from_millis(300), Duration::from_millis(300));
    let endpoint = Endpoint::start(Config { head_timeout, body_timeout, ..Config::default() }).await;
    let started = Instant::now();
    let (mut silent, mut slow, mut idle, mut bodyless) =
        (connect(&endpoint).await, connect(&endpoint).await, connect(&endpoint).await, connect(&endpoint).await);
    slow.write_all(b"POST / HT").await.unwrap();
    idle.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    bodyless
        .write_all(format!("{TABLES}\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{{}}").as_bytes())
        .await
        .unwrap();
    let (silent, slow, idle, bodyless) =
        tokio::join!(rest(&mut silent), rest(&mut slow), rest(&mut idle), rest(&mut bodyless));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!(silent, "");
    assert!(slow.is_empty() || slow.starts_with("HTTP/1.1 4"), "{slow}");
    assert!(idle.starts_with("HTTP/1.1 200"), "{idle}");
    assert!(bodyless.starts_with("HTTP/1.1 408") && bodyless.contains("RequestTimeoutException"), "{bodyless}");
}
