//! The progress of a run: one line on stderr, shown only on a terminal.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use schema::escape;
use sync::progress::{Event, Step};

use crate::args::Common;
use crate::output;

/// The progress line.
pub(crate) struct Progress {
    quiet: bool,
    bar: ProgressBar,
    busy: Mutex<BTreeSet<String>>,
}

impl Progress {
    /// A line that stays hidden with `--quiet`, or if stderr is not a terminal.
    pub(crate) fn new(common: &Common) -> Progress {
        let shown = !common.quiet && std::io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {pos}/{len} tables  {elapsed}  {wide_msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        bar.set_message("listing tables, crawlers, roles and the catalog");
        Progress { quiet: common.quiet, bar, busy: Mutex::default() }
    }

    /// A function that prints `text` above the line, unless `--quiet`.
    pub(crate) fn printer(&self, text: &'static str) -> impl Fn() + Send + use<> {
        let (quiet, bar) = (self.quiet, self.bar.clone());
        move || {
            if !quiet {
                bar.suspend(|| output::say(text));
            }
        }
    }

    /// Shows one event of the run.
    pub(crate) fn on(&self, event: Event<'_>) {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Planned(tables) => self.bar.set_length(tables as u64),
            Event::Step(table, Step::Linking) => {
                return self.bar.set_message(escape::line(&format!("linking {table}")));
            }
            Event::Step(table, _) => {
                busy.insert(table.to_owned());
            }
            Event::Done(table, _) => {
                busy.remove(table);
                self.bar.inc(1);
            }
        }
        self.bar.set_message(escape::line(&busy.iter().take(8).map(String::as_str).collect::<Vec<_>>().join(", ")));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
