//! Names that hold the escapes of a terminal, or characters that turn text around: people see them spelled out, and what
//! machines read means the same as ever.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::Value;

use crate::run::{Done, Shell};

/// Colour, a title, C1's CSI, a line of its own, right-to-left, and a comma, with which Athena can't map it.
const NAME: &str = "a\u{1b}[31m\u{1b}]0;t\u{7}\u{9b}31m\nforged: line\r\u{202e}b,\u{7f}";

fn safe(what: &str, text: &str) {
    let seen = |c: char| c == '\n' || !(c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
    assert!(text.chars().all(seen) && !text.contains("\nforged"), "{what}: {text:?}");
}

fn all_safe(what: &str, done: &Done) {
    safe(what, &done.stdout);
    safe(what, &done.stderr);
}

fn world() -> Shell {
    let shell = Shell::new();
    let name = serde_json::to_string(NAME).unwrap();
    shell.table(
        "tables",
        "orders",
        &[&format!(r#"{{"id":{{"S":"1"}},{name}:{{"N":"1"}},"m":{{"M":{{{name}:{{"S":"x"}}}}}}}}"#)],
    );
    shell
}

#[test]
fn attributes_are_spelled_out_for_people_and_stay_what_they_are_for_machines() {
    let shell = world();
    for format in ["glue", "avro", "json-schema", "ddl", "odcs", "profile"] {
        let done = shell.run(&["infer", "tables/orders.jsonl", "--format", format]);
        assert_eq!(done.code, 0, "{format}: {}", done.stderr);
        all_safe(format, &done);
        assert!(done.stderr.contains(r"a\u{1b}[31m"), "{}", done.stderr);
        if !["ddl", "odcs"].contains(&format) {
            let document: Value = serde_json::from_str(&done.stdout).unwrap();
            assert!(document.to_string().contains(&serde_json::to_string(NAME).unwrap()), "{format}: {document}");
        }
    }
    for args in [
        &["sync", "--local", "tables", "-vv"][..],
        &["crawl", "--local", "tables", "-vvv"],
        &["crawl", "--local", "tables", "--output", "json"],
        &["show", "orders", "--local", "tables"],
        &["doctor", "--local", "tables"],
        &["prune", "--local", "tables", "--all"],
    ] {
        let done = shell.run(args);
        assert!(done.code <= 1, "{args:?}: {}", done.stderr);
        all_safe(&format!("{args:?}"), &done);
    }
}

#[test]
fn names_in_arguments_and_files_are_spelled_out() {
    let shell = world();
    shell.write("bad\u{1b}[31m.toml", "\"x\u{9b}\" = [");
    for args in [
        &["infer", "no\u{1b}[31m\nforged"][..],
        &["infer", "a", "no\u{1b}[31m"],
        &["sync", "--local", "tables", "--database", "x\u{9b}31m"],
        &["sync", "--config", "bad\u{1b}[31m.toml"],
        &["serve", "--tables", "no\u{202e}"],
    ] {
        let done = shell.run(args);
        assert!([1, 2].contains(&done.code), "{args:?}");
        all_safe(&format!("{args:?}"), &done);
        assert!(!done.stderr.is_empty());
    }
}

/// Refuses every request with a message full of escapes.
fn refuse(mut stream: TcpStream) {
    let mut request = [0; 16 << 10];
    let read = stream.read(&mut request).unwrap_or_default();
    let body = match String::from_utf8_lossy(&request[..read]).contains("x-amz-target") {
        true => format!(
            r#"{{"__type":"AccessDeniedException","message":{}}}"#,
            serde_json::to_string(NAME).unwrap()
        ),
        // XML knows no escapes of C0.
        false => "<ErrorResponse><Error><Code>AccessDeniedException</Code><Message>no\u{9b}31m\u{202e}</Message></Error></ErrorResponse>".into(),
    };
    let length = body.len();
    let _ = write!(stream, "HTTP/1.1 400 Bad Request\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
}

#[test]
fn what_a_service_says_is_spelled_out() {
    let shell = Shell::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || listener.incoming().flatten().for_each(refuse));
    let environment = [("AWS_ENDPOINT_URL", url.as_str()), ("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")];
    for args in [&["sync", "--region", "eu-west-1", "-v"][..], &["crawl", "--region", "eu-west-1", "-vvv"]] {
        let done = shell.run_with(args, &environment, b"");
        assert_eq!(done.code, 1, "{args:?}: {}", done.stderr);
        all_safe(&format!("{args:?}"), &done);
        assert!(done.stderr.contains("AccessDeniedException"), "{}", done.stderr);
    }
}
