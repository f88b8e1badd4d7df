//! What every step of a run shares.

use crawl::{Clients, Deadline};

use crate::progress::Progress;
use crate::settings::Validated;

/// A run's clients, settings, deadline and progress callback.
pub struct Session<'a> {
    /// The AWS clients, which count the calls of the run.
    pub clients: Clients,
    /// The settings of the run.
    pub settings: Validated,
    /// When the run must end.
    pub deadline: Deadline,
    /// Receives the events of the run.
    pub progress: Progress<'a>,
}

impl Session<'static> {
    /// A session without a deadline that reports no progress.
    pub fn new(clients: Clients, settings: Validated) -> Self {
        Session { clients, settings, deadline: Deadline::none(), progress: &|_| () }
    }
}

impl<'a> Session<'a> {
    /// The same session, with a deadline.
    pub fn with_deadline(self, deadline: Deadline) -> Self {
        Session { deadline, ..self }
    }

    /// The same session, reporting to `progress`.
    pub fn with_progress<'b>(self, progress: Progress<'b>) -> Session<'b> {
        let Session { clients, settings, deadline, .. } = self;
        Session { clients, settings, deadline, progress }
    }

    /// The same session, with other settings.
    pub(crate) fn with_settings(&self, settings: Validated) -> Session<'a> {
        Session { clients: self.clients.clone(), settings, deadline: self.deadline.clone(), progress: self.progress }
    }
}
