//! What every step of a run shares.

use crawl::{Clients, Deadline};

use crate::progress::Progress;
use crate::settings::Validated;

/// A run's clients, settings and end, and who is told how it goes.
pub struct Session<'a> {
    /// They count the calls of the run.
    pub clients: Clients,
    /// What the run is told.
    pub settings: Validated,
    /// When it has to end.
    pub deadline: Deadline,
    /// Who is told how it goes.
    pub progress: Progress<'a>,
}

impl Session<'static> {
    /// A session that may take as long as it takes, and tells nobody.
    pub fn new(clients: Clients, settings: Validated) -> Self {
        Session { clients, settings, deadline: Deadline::none(), progress: &|_| () }
    }
}

impl<'a> Session<'a> {
    /// The same, until `deadline`.
    pub fn until(self, deadline: Deadline) -> Self {
        Session { deadline, ..self }
    }

    /// The same, telling `progress`.
    pub fn telling<'b>(self, progress: Progress<'b>) -> Session<'b> {
        let Session { clients, settings, deadline, .. } = self;
        Session { clients, settings, deadline, progress }
    }

    /// The same, with other settings.
    pub(crate) fn with(&self, settings: Validated) -> Session<'a> {
        Session { clients: self.clients.clone(), settings, deadline: self.deadline.clone(), progress: self.progress }
    }
}
