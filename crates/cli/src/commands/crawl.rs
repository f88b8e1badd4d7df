//! `crawl`: the native engine on named tables, or on an export.

use crawler::crawl::export::Export;
use serde_json::Map;

use super::{Work, exit_code, run_job};
use crate::args::{Common, Crawl};
use crate::{connect, settings};

/// Runs `crawl`; the exit code is the result.
///
/// # Errors
/// If nothing could be done at all, a named table does not exist, or the export is none.
pub(crate) async fn run(common: &Common, args: &Crawl) -> anyhow::Result<u8> {
    let settings = settings::resolve(common, Map::new())?;
    let Some(path) = &args.export else {
        return Ok(exit_code(&run_job(common, &args.place, &settings, Work::Crawl(&args.names)).await?));
    };
    let export = match path.starts_with("s3://") {
        // AWS's S3, or what the SDK is told is in its place, wherever the catalog is.
        true => Export::in_bucket(path, &connect::load(common, Some(connect::LOCAL_REGION)).await).await?,
        false => Export::in_folder(path.as_ref()).await?,
    };
    let export = match &args.names[..] {
        [] => export,
        [table] => export.of_table(table),
        _ => return Err(settings::Wrong("an export is of one table: name one, or none".into()).into()),
    };
    Ok(exit_code(&run_job(common, &args.place, &settings, Work::Export(&export)).await?))
}
