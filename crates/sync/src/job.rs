//! What a run is about.

use crawl::Observed;
use crawl::export::Export;

/// What a run is about, and where it reads.
#[derive(Debug, Clone, Copy)]
pub enum Job<'a> {
    /// Every DynamoDB table that the settings select, with the engine of the settings.
    Sync,
    /// These DynamoDB tables, whatever `include` and `exclude` say, with the native engine. All that the settings select if
    /// there are none.
    Crawl(&'a [String]),
    /// The table of this export, which is read instead, whatever `include` and `exclude` say.
    Export(&'a Export),
    /// One table that was read elsewhere, be it from an export: it is published and linked.
    Publish {
        /// The DynamoDB table.
        table: &'a str,
        /// What was read instead of it.
        export: Option<&'a Export>,
        /// What was read.
        read: &'a Observed,
    },
}

impl<'a> Job<'a> {
    /// The tables that somebody named; none if the settings select.
    pub(crate) fn tables(self) -> Vec<&'a str> {
        match self {
            Job::Sync => Vec::new(),
            Job::Crawl(tables) => tables.iter().map(String::as_str).collect(),
            Job::Export(export) => vec![export.table()],
            Job::Publish { table, .. } => vec![table],
        }
    }

    /// The export that is read, or was.
    pub(crate) fn export(self) -> Option<&'a Export> {
        match self {
            Job::Export(export) => Some(export),
            Job::Publish { export, .. } => export,
            Job::Sync | Job::Crawl(_) => None,
        }
    }

    /// What was read already.
    pub(crate) fn read(self) -> Option<&'a Observed> {
        match self {
            Job::Publish { read, .. } => Some(read),
            _ => None,
        }
    }
}
