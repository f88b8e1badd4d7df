//! The commands, one file each.

pub(crate) mod crawl;
pub(crate) mod infer;
pub(crate) mod serve;
pub(crate) mod sync;
