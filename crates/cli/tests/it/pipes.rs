//! Who reads standard output or standard error goes away (`| head -1`): the work goes on, and ends as it would have.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};

use serde_json::Value;
use testkit::Process;

use crate::run::{Shell, command, post};

/// Every command says a lot on standard error.
fn wordy(shell: &Shell, args: &[&str]) -> Command {
    let mut command = command(shell.folder.path());
    command.args(args).env("RUST_LOG", "debug").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Reads one line, and no more, as `head -1` does.
fn head(stderr: ChildStderr) -> String {
    let mut line = String::new();
    BufReader::with_capacity(1, stderr).read_line(&mut line).unwrap();
    line
}

/// Exit code and standard output.
fn ended(mut child: Child) -> (Option<i32>, String) {
    let mut stdout = String::new();
    child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    (child.wait().unwrap().code(), stdout)
}

fn world() -> Shell {
    let shell = Shell::new();
    for table in ["orders", "users"] {
        shell.table("tables", table, &[r#"{"id":{"S":"1"},"a,b":{"N":"1"}}"#; 3]);
    }
    shell
}

/// The commands that end by themselves: their arguments, their exit code, and what is in their output.
const COMMANDS: [(&[&str], i32, &str); 9] = [
    (&["sync", "--local", "tables", "-v"], 0, "2 tables"),
    (&["sync", "--local", "tables", "--check", "--state", "other"], 3, "2 tables"),
    (&["crawl", "--local", "tables", "-v"], 0, "2 tables"),
    (&["doctor", "--local", "tables"], 0, "account"),
    (&["prune", "--local", "tables", "--state", "fresh"], 0, ""),
    (&["infer", "tables/orders.jsonl"], 0, "\"columns\""),
    (&["infer", "missing.jsonl"], 1, ""),
    (&["sync", "--local", "tables", "--database", "Wrong Name"], 2, ""),
    (&["sync", "--such-an-argument"], 2, ""),
];

#[test]
fn a_standard_error_that_nobody_reads_changes_nothing() {
    for lines in [0, 1] {
        let shell = world();
        for (args, code, says) in COMMANDS {
            let mut child = wordy(&shell, args).spawn().unwrap();
            let stderr = child.stderr.take().unwrap();
            match lines {
                0 => drop(stderr),
                _ => drop(head(stderr)),
            }
            let (ended, stdout) = ended(child);
            assert_eq!(ended, Some(code), "{args:?} after {lines} lines: {stdout}");
            assert!(stdout.contains(says), "{args:?} after {lines} lines: {stdout}");
        }
        // No crawl is left behind.
        let done = shell.run(&["sync", "--local", "tables", "--output", "json"]);
        let report: Value = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!((done.code, &report["summary"]["crawled"]), (0, &2.into()), "{}", done.stdout);
    }
}

#[test]
fn a_standard_output_that_nobody_reads_is_no_error() {
    let shell = world();
    let help: &[&str] = &["sync", "--help"];
    for (args, code, _) in COMMANDS.into_iter().chain([(help, 0, "")]) {
        let mut child = wordy(&shell, args).env_remove("RUST_LOG").spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
        assert!(!stderr.contains("pipe") && !stderr.contains("panic"), "{args:?}: {stderr}");
    }
}

#[test]
fn a_server_whose_log_nobody_reads_keeps_answering() {
    let shell = world();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--tables", "tables", "-vv"];
    let (mut server, url) = Process::serve(&mut wordy(&shell, &serve));
    drop(server.stdout.take());
    head(server.stderr.take().unwrap());
    for request in 0..20 {
        let body = format!(r#"{{"DatabaseInput":{{"Name":"d{request}"}}}}"#);
        let answer = post(url.trim_start_matches("http://"), "X-Amz-Target: AWSGlue.CreateDatabase\r\n", &body);
        assert!(answer.starts_with("HTTP/1.1 200"), "request {request}: {answer:?}");
    }
    // A crawl logs from tasks of its own.
    let environment = [("AWS_ENDPOINT_URL", url.as_str()), ("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")];
    let done = shell.run_with(&["sync", "--wait", "--region", "us-east-1"], &environment, b"");
    assert!(done.code == 0 && done.stdout.contains("2 crawled"), "{}{}", done.stdout, done.stderr);
    assert!(server.try_wait().unwrap().is_none(), "it is still there");
}
