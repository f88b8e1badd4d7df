//! How a run goes, for people who watch it.

use crate::report::Outcome;

/// Told as a run goes on, so that people can watch it.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// The plan is made: how many tables the run is about.
    Planned(usize),
    /// Work on a table enters a step.
    Step(&'a str, Step),
    /// A table is done, but for its link.
    Done(&'a str, Outcome),
}

/// What is being done to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Making or repairing its role.
    Role,
    /// Making or setting its crawler.
    Crawler,
    /// Being crawled.
    Crawling,
    /// Registering its schema and linking.
    Linking,
}

impl Step {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Step::Role => "role",
            Step::Crawler => "crawler",
            Step::Crawling => "crawling",
            Step::Linking => "linking",
        }
    }
}

/// Who is told how a run goes.
pub type Progress<'a> = &'a (dyn Fn(Event<'_>) + Sync);
