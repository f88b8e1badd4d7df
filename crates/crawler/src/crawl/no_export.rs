//! In place of `export.rs` in a build without the feature `exports`: there are none.

use super::{CrawlRequest, Crawled};
use crate::Clients;
use crate::discover::Inventory;
use crate::error::Error;

/// An export, of which this build has none.
#[derive(Debug, Clone)]
pub enum Export {}

impl Export {
    /// The table that the export is read for.
    pub fn table(&self) -> &str {
        match *self {}
    }

    pub(crate) fn admit(&self, _: &mut Inventory) -> Result<(), Error> {
        match *self {}
    }
}

pub(crate) async fn crawl(_: &Clients, _: &CrawlRequest, export: &Export) -> Result<Crawled, Error> {
    match *export {}
}
