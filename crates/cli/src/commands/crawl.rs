//! `crawl`: the native engine on named tables.

use serde_json::Map;

use super::{exit_code, run_job};
use crate::args::{Common, Crawl};
use crate::settings;

/// Runs `crawl`; the exit code is the result.
///
/// # Errors
/// If nothing could be done at all, or a named table does not exist.
pub(crate) async fn run(common: &Common, args: &Crawl) -> anyhow::Result<u8> {
    let settings = settings::resolve(common, Map::new())?;
    Ok(exit_code(&run_job(common, &args.place, &settings, Some(&args.names)).await?))
}
