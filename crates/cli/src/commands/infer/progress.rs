//! A progress bar for what takes long, shown only on a terminal.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::args::Common;

/// What is done sooner has no bar.
const BEFORE: Duration = Duration::from_secs(1);
const BETWEEN: Duration = Duration::from_millis(100);

/// How far files are read.
pub(super) struct Progress<'p> {
    /// Bytes of all files; `None` if that is not known, or nobody looks.
    total: Option<u64>,
    shown: bool,
    read: &'p AtomicU64,
}

impl<'p> Progress<'p> {
    /// Of reading these files, of which `read` counts the bytes.
    pub(super) fn of(common: &Common, files: &[PathBuf], read: &'p AtomicU64) -> Progress<'p> {
        let shown = !common.quiet && std::io::stderr().is_terminal();
        let size = |file: &PathBuf| std::fs::metadata(file).ok().map(|metadata| metadata.len());
        let total = if shown { files.iter().map(size).sum() } else { None };
        Progress { total, shown, read }
    }

    /// Shows the bar until `work` is done.
    pub(super) fn show<T>(self, work: impl FnOnce() -> T) -> T {
        if !self.shown {
            return work();
        }
        thread::scope(|scope| {
            let (done, ended) = channel::<()>();
            scope.spawn(move || {
                let still_on = |time| ended.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
                if !still_on(BEFORE) {
                    return;
                }
                let bar = bar(self.total);
                while still_on(BETWEEN) {
                    bar.set_position(self.read.load(Ordering::Relaxed));
                }
                bar.finish_and_clear();
            });
            let result = work();
            drop(done);
            result
        })
    }
}

fn bar(total: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
    let template = match total {
        Some(_) => "{wide_bar} {binary_bytes} of {binary_total_bytes}  {binary_bytes_per_sec}  {eta} left",
        None => "{spinner} {binary_bytes}  {binary_bytes_per_sec}  {elapsed}",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
