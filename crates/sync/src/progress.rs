//! The progress of a run, for people who watch it.

use crate::report::Outcome;

/// Something that happened during a run.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// The plan is ready. It has this many tables.
    Planned(usize),
    /// A table enters a step.
    Step(&'a str, Step),
    /// A table is done, except for its link.
    Done(&'a str, Outcome),
}

/// What is being done for a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Its role is created or repaired.
    Role,
    /// Its crawler is created or updated.
    Crawler,
    /// It is crawled.
    Crawling,
    /// Its schema is registered and linked.
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

/// A callback that receives the events of a run.
pub type Progress<'a> = &'a (dyn Fn(Event<'_>) + Sync);
