//! Faults on the wire, for tests of how clients cope: the service is real, the network is bad.
//!
//! ```
//! use local::faults::{Calls, Fault, Faults, Rule};
//!
//! let faults = Faults::default(); // of a running server: `server.faults()`
//! faults.add(Rule::new("Glue.CreateCrawler", Calls::Nth(1), Fault::Throttle));
//! faults.add(Rule::new("Glue.StartCrawler", Calls::Every, Fault::Reset).after());
//! faults.clear();
//! ```

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::AwsError;
use crate::wire::Service;

/// When a fault strikes, and how.
#[derive(Debug, Clone)]
pub struct Rule {
    operation: String,
    calls: Calls,
    fault: Fault,
    moment: Moment,
    seen: u64,
}

/// Which calls of the operation a rule strikes, counted from 1 since the rule was added.
#[derive(Debug, Clone)]
pub enum Calls {
    /// All of them.
    Every,
    /// One of them.
    Nth(u64),
    /// A range of them.
    Range(RangeInclusive<u64>),
}

/// What the client sees.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The service's own throttling exception (HTTP 400).
    Throttle,
    /// A failure of the service: 500, 503, …
    Status(u16),
    /// A late answer.
    Delay(Duration),
    /// The connection is closed in the middle of the answer.
    Reset,
    /// A replaced answer (HTTP 200), as JSON.
    Answer(String),
    /// An exception of the service (HTTP 400).
    Error {
        /// The exception's name, e.g. `InvalidInputException`.
        code: &'static str,
        /// Its text.
        message: String,
    },
}

/// Before or after the request was executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    Before,
    After,
}

impl Rule {
    /// Strikes `operation` (`Glue.CreateCrawler`, or `*` for all) before it is executed: nothing happened yet.
    pub fn new(operation: impl Into<String>, calls: Calls, fault: Fault) -> Rule {
        Rule { operation: operation.into(), calls, fault, moment: Moment::Before, seen: 0 }
    }

    /// Makes the rule strike after the request was executed: it took effect, but its answer is lost.
    pub fn after(mut self) -> Rule {
        self.moment = Moment::After;
        self
    }

    /// Counts this call; true if the rule strikes it.
    fn counts(&mut self, operation: &str) -> bool {
        if self.operation != "*" && self.operation != operation {
            return false;
        }
        self.seen += 1;
        match &self.calls {
            Calls::Every => true,
            Calls::Nth(n) => self.seen == *n,
            Calls::Range(range) => range.contains(&self.seen),
        }
    }
}

impl Fault {
    /// The error of this fault; `None` if it acts on the connection or the answer.
    pub(crate) fn error(&self, service: Service) -> Option<AwsError> {
        match self {
            Fault::Throttle => Some(AwsError::new(service.throttling_code(), "Rate exceeded")),
            Fault::Status(status) => {
                Some(AwsError { status: *status, ..AwsError::internal("The service is unable to process the request") })
            }
            Fault::Error { code, message } => Some(AwsError::new(code, message)),
            Fault::Delay(_) | Fault::Reset | Fault::Answer(_) => None,
        }
    }
}

/// The rules of one server; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    rules: Arc<Mutex<Vec<Rule>>>,
}

impl Faults {
    /// Adds a rule. Where several strike one call, the first added wins; all of them count it.
    pub fn add(&self, rule: Rule) {
        self.lock().push(rule);
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Counts a call of `operation` and says what strikes it.
    pub(crate) fn strike(&self, operation: &str) -> Option<(Fault, Moment)> {
        let mut struck = None;
        for rule in self.lock().iter_mut() {
            if rule.counts(operation) && struck.is_none() {
                struck = Some((rule.fault.clone(), rule.moment));
            }
        }
        struck
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
