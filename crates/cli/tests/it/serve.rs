//! `serve` in bad surroundings: a state that is locked, foreign or broken, and few descriptors.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use testkit::Process;

use crate::run::{command, post};

/// `serve`, with all that it prints piped.
fn serve(folder: &Path) -> Process {
    start(command(folder).args(["serve", "--listen", "127.0.0.1:0"]))
}

fn start(command: &mut Command) -> Process {
    Process::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
}

/// Where it listens.
fn address(process: &mut Process) -> String {
    process.listens_on().trim_start_matches("http://").to_owned()
}

fn ask(address: &str, target: &str, body: &str) -> String {
    post(address, &format!("X-Amz-Target: {target}\r\n"), body)
}

#[test]
fn who_waits_for_the_state_says_so_and_ends_on_a_signal() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join(".glue-ddb-crawler");
    let mut first = serve(folder.path());
    address(&mut first);
    let lock = fs::File::options().write(true).open(state.join("opening.lock")).unwrap();
    lock.lock().unwrap();
    for name in ["-INT", "-TERM"] {
        let mut waiting = serve(folder.path());
        let mut said = String::new();
        BufReader::new(waiting.stderr.as_mut().unwrap()).read_line(&mut said).unwrap();
        assert!(said.contains("waiting for the state in .glue-ddb-crawler"), "{said}");
        assert!(said.contains(&first.id().to_string()), "{said} names {}", first.id());
        let asked = Instant::now();
        waiting.signal(name);
        assert_eq!(waiting.wait().unwrap().code(), Some(130));
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    }
    let mut waiting = serve(folder.path());
    std::thread::sleep(Duration::from_millis(200));
    lock.unlock().unwrap();
    address(&mut waiting);
}

#[test]
fn the_state_is_for_its_owner_and_keeps_no_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join(".glue-ddb-crawler");
    let mut server = serve(folder.path());
    let address = address(&mut server);
    let query = |body: &str| post(&address, "", body);
    let trust = "%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22sts%3AAssumeRole%22%2C%22Principal%22%3A%7B%22AWS%22%3A%22123456789012%22%7D%7D%7D";
    query(&format!("Action=CreateRole&Version=2010-05-08&RoleName=r&AssumeRolePolicyDocument={trust}"));
    let issued =
        query("Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::123456789012:role/r&RoleSessionName=me");
    let element =
        |name: &str| issued.split(&format!("<{name}>")).nth(1).and_then(|rest| rest.split('<').next()).unwrap();
    let secrets = [element("SecretAccessKey"), element("SessionToken")];
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&state), 0o700);
    for entry in fs::read_dir(&state).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        let bytes = fs::read(&path).unwrap();
        for secret in secrets {
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{}", path.display());
        }
    }
}

/// What is in the place of the state, who puts it there, the exit code, and what is said.
type Broken<'a> = (&'a str, &'a dyn Fn(&Path), i32, &'a str);

#[test]
fn a_state_that_can_not_be_used_is_named_with_what_to_do() {
    let foreign = |path: &Path| {
        let database = rusqlite::Connection::open(path).unwrap();
        database.execute_batch("CREATE TABLE theirs (x); PRAGMA user_version = 3").unwrap();
    };
    let ours = |path: &Path, change: &str| {
        drop(local::state::open(path.parent()).unwrap());
        rusqlite::Connection::open(path).unwrap().execute_batch(change).unwrap();
    };
    let cases: &[Broken] = &[
        (
            "no database",
            &|path| fs::write(path, "not a database".repeat(1000)).unwrap(),
            2,
            "not a state of this program",
        ),
        ("another program's", &foreign, 2, "not a state of this program"),
        ("a folder", &|path| fs::create_dir(path).unwrap(), 2, "not a state of this program"),
        ("a later release's", &|path| ours(path, "PRAGMA user_version = 99"), 2, "later release"),
        (
            "cut off",
            &|path| {
                ours(path, "PRAGMA journal_mode = DELETE");
                fs::File::options().write(true).open(path).unwrap().set_len(8192).unwrap();
            },
            1,
            "is damaged",
        ),
        (
            "overwritten",
            &|path| {
                ours(path, "PRAGMA journal_mode = DELETE");
                let mut bytes = fs::read(path).unwrap();
                bytes[100..4096].fill(0xff);
                fs::write(path, bytes).unwrap();
            },
            1,
            "is damaged",
        ),
    ];
    for (what, make, code, says) in cases {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join(".glue-ddb-crawler");
        fs::create_dir(&state).unwrap();
        let file = state.join("endpoint.sqlite");
        make(&file);
        let before = file.is_file().then(|| fs::read(&file).unwrap());
        let mut command = command(folder.path());
        let done = command.args(["serve", "--listen", "127.0.0.1:0"]).output().unwrap();
        let stderr = String::from_utf8_lossy(&done.stderr);
        assert!(stderr.contains(says) && stderr.contains(".glue-ddb-crawler/endpoint.sqlite"), "{what}: {stderr}");
        assert_eq!(done.status.code(), Some(*code), "{what}: {stderr}");
        assert_eq!(file.is_file().then(|| fs::read(&file).unwrap()), before, "{what} stays as it is");
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".glue-ddb-crawler"), "").unwrap();
    let done = command(folder.path()).args(["serve", "--listen", "127.0.0.1:0"]).output().unwrap();
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert!(stderr.contains(".glue-ddb-crawler is not a folder") && done.status.code() == Some(2), "{stderr}");
}

/// Within a process of at most so many descriptors, which it can't raise.
fn limited(folder: &Path, descriptors: usize, args: &[&str]) -> Command {
    let binary = command(folder);
    let mut shell = Command::new("sh");
    shell.current_dir(folder).env_clear();
    shell.envs(binary.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.arg("-c").arg(format!("ulimit -n {descriptors} && exec \"$0\" \"$@\"")).arg(binary.get_program()).args(args);
    shell
}

#[test]
fn idle_connections_keep_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = start(&mut limited(folder.path(), 64, &["serve", "--listen", "127.0.0.1:0"]));
    let address = address(&mut server);
    let idle: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(&address).unwrap()).collect();
    let started = Instant::now();
    for _ in 0..20 {
        let answer = ask(&address, "AWSGlue.GetDatabases", "{}");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    drop(idle);
}

#[test]
fn many_tables_need_few_descriptors() {
    for descriptors in [64, 256] {
        let folder = tempfile::tempdir().unwrap();
        let tables = folder.path().join("tables");
        fs::create_dir(&tables).unwrap();
        for table in 0..200 {
            testkit::write_table(&tables, &format!("table{table}"), &[r#"{"id":{"S":"1"},"n":{"N":"1"}}"#]);
        }
        let args = ["sync", "--local", "tables", "--wait", "--output", "json"];
        let started = Instant::now();
        let done = limited(folder.path(), descriptors, &args).output().unwrap();
        let stderr = String::from_utf8_lossy(&done.stderr);
        let report = String::from_utf8_lossy(&done.stdout);
        assert_eq!(done.status.code(), Some(0), "{descriptors}: {stderr}{}", report.get(..2000).unwrap_or(&report));
        assert!(started.elapsed() < Duration::from_secs(120), "{descriptors}: {:?}", started.elapsed());
    }
}

#[test]
fn a_stopped_process_is_waited_for_and_then_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = serve(folder.path());
    let address = address(&mut server);
    let database = rusqlite::Connection::open(folder.path().join(".glue-ddb-crawler/endpoint.sqlite")).unwrap();
    let create =
        |name: &str| ask(&address, "AWSGlue.CreateDatabase", &format!(r#"{{"DatabaseInput":{{"Name":"{name}"}}}}"#));
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let started = Instant::now();
    let answers: Vec<String> = std::thread::scope(|scope| {
        let create = &create;
        let asking = ["a", "b", "c"].map(|name| scope.spawn(move || create(name)));
        asking.into_iter().map(|answer| answer.join().unwrap()).collect()
    });
    for answer in answers {
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("locked by another process"), "{answer}");
    }
    let waited = started.elapsed();
    assert!(waited > Duration::from_secs(15) && waited < Duration::from_secs(30), "{waited:?}");
    database.execute_batch("ROLLBACK").unwrap();
    assert!(create("a").starts_with("HTTP/1.1 200"));
}

/// Each thread would have a heap of its own in the C library, which never shrinks.
#[cfg(target_os = "linux")]
#[test]
fn many_clients_have_few_threads() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = serve(folder.path());
    let address = address(&mut server);
    std::thread::scope(|clients| {
        for _ in 0..64 {
            clients.spawn(|| (0..5).for_each(|_| drop(ask(&address, "AWSGlue.GetDatabases", "{}"))));
        }
    });
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let threads =
        status.lines().find_map(|line| line.strip_prefix("Threads:")).unwrap().trim().parse::<usize>().unwrap();
    let cores = std::thread::available_parallelism().unwrap().get();
    assert!(threads <= cores + 6, "{threads} threads on {cores} cores");
}
