//! `crawl`: the native engine on named tables, or on an export.

use std::time::Instant;

use anyhow::bail;
use crawl::Clients;
use crawl::export::{Destination, Export};
use serde_json::{Map, Value};
use sync::{Job, Settings};

use super::run_job;
use crate::args::{Common, Crawl};
use crate::{connect, output, settings};

/// Runs `crawl` and returns the exit code.
///
/// # Errors
/// If nothing could be done at all, or a named table or the export does not exist.
pub(crate) async fn run(common: &Common, args: &Crawl) -> anyhow::Result<u8> {
    let settings = settings::resolve(common, from_args(args)?)?;
    let export = match (&args.export, &args.bucket) {
        (Some(place), _) => open_export(common, &settings, place, &args.names).await?,
        (None, Some(bucket)) if !settings.dry_run => request_export(common, &settings, bucket, &args.names).await?,
        (None, _) => {
            return Ok(run_job(common, &args.place, &settings, Job::Crawl(&args.names)).await?.1);
        }
    };
    Ok(run_job(common, &args.place, &settings, Job::Export(&export)).await?.1)
}

fn from_args(args: &Crawl) -> Result<Map<String, Value>, settings::UsageError> {
    let sample = args.sample.as_ref().map(|sample| sample.parse::<u64>().map_or(sample.clone().into(), Value::from));
    let number = |name, number: Option<f64>| number.map(|number| settings::number_of(name, number)).transpose();
    let given = [
        ("sample", sample),
        ("scan_rate", number("scan_rate", args.scan_rate)?),
        ("max_rcu", number("max_rcu", args.max_rcu)?),
        ("dry_run", args.dry_run.then_some(true.into())),
    ];
    Ok(given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

/// Opens the export that `--export` names.
async fn open_export(common: &Common, settings: &Settings, place: &str, names: &[String]) -> anyhow::Result<Export> {
    let table = match names {
        [] => None,
        [table] => Some(table.as_str()),
        _ => bail!(settings::UsageError("an export holds one table: name one, or none".into())),
    };
    if !place.starts_with("s3://") {
        return Ok(Export::in_folder(place.as_ref(), table).await?);
    }
    // AWS's S3, or the endpoint that the SDK is configured to use instead, wherever the catalog is.
    let config = connect::load(common, settings, Some(connect::LOCAL_REGION)).await;
    let export = Export::in_bucket(place, &config).await?;
    Ok(match table {
        Some(table) => export.of_table(table),
        None => export,
    })
}

/// Requests a new export, for `--via-export`.
async fn request_export(
    common: &Common,
    settings: &Settings,
    bucket: &str,
    names: &[String],
) -> anyhow::Result<Export> {
    let [table] = names else { bail!(settings::UsageError("--via-export is for one table: name it".into())) };
    let config = connect::sdk_config(common, settings).await?;
    let bucket = bucket.strip_prefix("s3://").unwrap_or(bucket);
    let (bucket, prefix) = bucket.split_once('/').unwrap_or((bucket, ""));
    let since = Instant::now();
    let progress = |place: &str, status: &str| {
        output::note(common, &format!("export of {table} to {place}: {status}, {} s", since.elapsed().as_secs()));
    };
    Ok(Export::request(&Clients::new(&config), &config, table, Destination { bucket, prefix }, &progress).await?)
}
