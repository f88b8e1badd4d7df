//! Endpoints that never answer, stop in the middle, or never end: every command ends in time, with the operation's name, and
//! with a word before.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::run::{Done, Shell};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Peer {
    /// Takes the request.
    Silent,
    /// Sends the head of an answer and half of its body.
    Stuck,
    /// Sends a body without end.
    Endless,
}

fn answer(mut stream: TcpStream, peer: Peer) {
    let _ = stream.read(&mut [0; 16 << 10]);
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\n";
    let _ = match peer {
        Peer::Silent => Ok(()),
        Peer::Stuck => write!(stream, "{head}Content-Length: 100\r\n\r\n{{"),
        Peer::Endless => {
            // A third of a TB: nobody reads to its end.
            let _ = write!(stream, "{head}Content-Length: 333333333333\r\n\r\n");
            let part = [b' '; 64 << 10];
            while stream.write_all(&part).is_ok() {}
            Ok(())
        }
    };
    // Until the client goes.
    let _ = stream.read_to_end(&mut Vec::new());
}

fn serve(peer: Peer) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream, peer));
        }
    });
    url
}

/// A second for a request, so three for an operation.
fn run(args: &[&str], url: &str) -> (Done, Duration) {
    let shell = Shell::new();
    let environment = [
        ("AWS_ENDPOINT_URL", url),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
        ("GLUE_DDB_CRAWLER_ANSWER_LIMIT", "1"),
    ];
    let begin = Instant::now();
    (shell.run_with(args, &environment, b""), begin.elapsed())
}

const COMMANDS: [(&[&str], &[&str]); 5] = [
    (&["sync"], &["sts:GetCallerIdentity", "glue:", "dynamodb:ListTables"]),
    (&["crawl", "orders"], &["sts:GetCallerIdentity", "glue:", "dynamodb:ListTables"]),
    (&["doctor"], &["sts:GetCallerIdentity", "glue:", "dynamodb:ListTables"]),
    (&["crawl", "--export", "s3://bucket/export"], &["s3:ListObjectsV2"]),
    (&["crawl", "orders", "--via-export", "--bucket", "b"], &["dynamodb:", "sts:", "glue:"]),
];

#[test]
fn who_does_not_answer_is_given_up_by_name_and_told_of_before() {
    for peer in [Peer::Silent, Peer::Stuck] {
        let url = serve(peer);
        std::thread::scope(|scope| {
            for (args, operations) in COMMANDS {
                let url = &url;
                scope.spawn(move || {
                    let (done, took) = run(args, url);
                    assert_eq!(done.code, 1, "{peer:?} {args:?}: {}", done.stderr);
                    assert!(took < Duration::from_secs(20), "{peer:?} {args:?}: {took:?}");
                    let named = |text: &str| operations.iter().any(|operation| text.contains(operation));
                    let (word, error) = done.stderr.split_once("glue-ddb-crawler: ").unwrap();
                    assert!(named(word) && word.contains("no answer for"), "{peer:?} {args:?}: {word}");
                    assert!(named(error), "{peer:?} {args:?}: {error}");
                });
            }
        });
    }
    let (done, _) = run(&["sync", "--quiet", "--output", "json"], &serve(Peer::Silent));
    assert!(!done.stderr.contains("still waiting") && done.stdout.is_empty(), "{}{}", done.stdout, done.stderr);
}

#[test]
fn an_answer_without_end_is_not_read_to_its_end() {
    let url = serve(Peer::Endless);
    for (args, _) in COMMANDS {
        let (done, took) = run(args, &url);
        assert_eq!(done.code, 1, "{args:?}: {}", done.stderr);
        assert!(done.stderr.contains("the answer is longer than 32 MiB"), "{args:?} {took:?}: {}", done.stderr);
        assert!(took < Duration::from_secs(20), "{args:?}: {took:?}");
    }
}
