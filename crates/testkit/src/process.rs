//! A process that ends with its test.

use std::io::{BufRead, BufReader};
use std::ops::{Deref, DerefMut};
use std::process::{Child, Command, Stdio};

/// A child process, killed and waited for when it is dropped.
pub struct Process(Child);

impl Process {
    /// Starts `command`.
    pub fn start(command: &mut Command) -> Process {
        Process(command.spawn().unwrap())
    }

    /// Starts `serve` of the command line and waits until it listens: the process and its URL. Its standard output is read
    /// no further, standard error is as `command` says.
    pub fn serve(command: &mut Command) -> (Process, String) {
        let mut process = Process::start(command.stdout(Stdio::piped()));
        let url = process.listens_on();
        (process, url)
    }

    /// The URL in the first line of standard output, which has to be piped.
    pub fn listens_on(&mut self) -> String {
        let mut line = String::new();
        BufReader::new(self.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line}")).to_owned()
    }

    /// Sends a signal, `-TERM`.
    pub fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.id().to_string()]).status().unwrap().success());
    }
}

impl Deref for Process {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Process {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
