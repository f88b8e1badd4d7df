//! What a run works on.

use crawl::Observed;
use crawl::export::Export;

/// The tables that a run works on, and where it reads them.
#[derive(Debug, Clone, Copy)]
pub enum Job<'a> {
    /// Every DynamoDB table that the settings select, with the engine of the settings.
    Sync,
    /// These DynamoDB tables with the native engine, whatever `include` and `exclude` say. If empty, all tables that the
    /// settings select.
    Crawl(&'a [String]),
    /// The table of this export, whatever `include` and `exclude` say. The export is read instead of the table.
    Export(&'a Export),
    /// One table that has already been read, from DynamoDB or an export: it is published and linked.
    Publish {
        /// The DynamoDB table.
        table: &'a str,
        /// The export that was read instead of the table.
        export: Option<&'a Export>,
        /// What was read.
        read: &'a Observed,
    },
}

impl<'a> Job<'a> {
    /// The tables named by the job; empty if the settings select them.
    pub(crate) fn tables(self) -> Vec<&'a str> {
        match self {
            Job::Sync => Vec::new(),
            Job::Crawl(tables) => tables.iter().map(String::as_str).collect(),
            Job::Export(export) => vec![export.table()],
            Job::Publish { table, .. } => vec![table],
        }
    }

    /// The export that is to be read, or has been.
    pub(crate) fn export(self) -> Option<&'a Export> {
        match self {
            Job::Export(export) => Some(export),
            Job::Publish { export, .. } => export,
            Job::Sync | Job::Crawl(_) => None,
        }
    }

    /// What has already been read.
    pub(crate) fn read(self) -> Option<&'a Observed> {
        match self {
            Job::Publish { read, .. } => Some(read),
            _ => None,
        }
    }
}
