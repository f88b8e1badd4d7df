//! Running the binary.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// What a command answered.
pub(crate) struct Done {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// A folder to work in, and nothing of the user's own configuration.
pub(crate) struct Shell {
    pub folder: TempDir,
}

impl Shell {
    pub(crate) fn new() -> Shell {
        Shell { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Writes a table with the hash key `id` and these lines.
    pub(crate) fn table(&self, folder: &str, name: &str, lines: &[&str]) {
        std::fs::create_dir_all(self.path(folder)).unwrap();
        testkit::write_table(&self.path(folder), name, lines);
    }

    /// The commands, as the help lists them.
    pub(crate) fn commands(&self) -> Vec<String> {
        let help = self.run(&["--help"]).stdout;
        let listed = help.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
        let commands =
            listed.lines().filter_map(|line| line.trim_start().split_once("  ")).map(|(name, _)| name.to_owned());
        let commands: Vec<String> = commands.filter(|name| name != "help").collect();
        assert!(commands.contains(&"sync".to_owned()), "{help}");
        commands
    }

    pub(crate) fn run(&self, args: &[&str]) -> Done {
        self.run_with(args, &[], b"")
    }

    pub(crate) fn run_with(&self, args: &[&str], environment: &[(&str, &str)], input: &[u8]) -> Done {
        let mut child = command(self.folder.path())
            .args(args)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        Done {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Sends a POST to `address` and returns the answer as text. The connection is closed afterwards.
pub(crate) fn post(address: &str, headers: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
    let head = format!("POST / HTTP/1.1\r\nHost: {address}\r\n{headers}Connection: close");
    write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The binary, in `folder`, without the environment that would change what it does.
pub(crate) fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_glue-ddb-crawler"));
    command.current_dir(folder).env_clear().env("HOME", folder);
    command
}
