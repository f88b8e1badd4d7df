//! `crawl`: the native engine on named tables.

use serde_json::{Map, Value};

use super::{exit_code, run_job};
use crate::args::{Common, Crawl};
use crate::settings;

/// Runs `crawl`; the exit code is the result.
///
/// # Errors
/// If nothing could be done at all, or a named table does not exist.
pub(crate) async fn run(common: &Common, args: &Crawl) -> anyhow::Result<u8> {
    let settings = settings::resolve(common, typed(args))?;
    Ok(exit_code(&run_job(common, &args.place, &settings, Some(&args.names)).await?))
}

fn typed(args: &Crawl) -> Map<String, Value> {
    let sample = args.sample.as_ref().map(|sample| sample.parse::<u64>().map_or(sample.clone().into(), Value::from));
    let given = [
        ("sample", sample),
        ("scan_rate", args.scan_rate.map(Value::from)),
        ("max_rcu", args.max_rcu.map(Value::from)),
        ("dry_run", args.dry_run.then_some(true.into())),
    ];
    given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
