//! `crawl`: the native engine on named tables.

use std::collections::BTreeMap;

use crate::args::{Common, Crawl};
use crate::progress::Progress;
use crate::{connect, output, settings};

/// Runs `crawl`; the exit code is the result.
///
/// # Errors
/// If nothing could be done at all, or a named table does not exist.
pub(crate) async fn run(common: &Common, args: &Crawl) -> anyhow::Result<u8> {
    let settings = settings::resolve(common, BTreeMap::new())?;
    settings.selection()?;
    let connection = connect::connect(common, &args.place).await?;
    let report = {
        let progress = Progress::new(common);
        crawler::crawl_tables(&connection.clients, &settings, &args.names, &|event| progress.on(event)).await
    };
    if let Some(server) = connection.server {
        server.stop().await;
    }
    let report = report?;
    output::report(common, &report)?;
    super::sync::hint(common, &args.place);
    Ok(super::sync::exit_code(&report))
}
