//! `man`: writes the manual pages, one for the program and one for each command, as `git` does.

use anyhow::Context;
use clap::CommandFactory;

use crate::args::{Args, Man};

/// Runs `man`: writes `glue-ddb-crawler.1`, `glue-ddb-crawler-sync.1` and so on.
///
/// # Errors
/// If the folder cannot be created or written to.
pub(crate) fn run(args: &Man) -> anyhow::Result<u8> {
    let folder = &args.folder;
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(Args::command(), folder))
        .with_context(|| folder.display().to_string())?;
    Ok(crate::DONE)
}
