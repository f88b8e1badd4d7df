//! `policy`: prints the IAM policies of the job.

use serde_json::Map;

use crawl::Clients;
use sync::policy::RunScope;
use sync::settings::Engine;

use crate::args::{Common, Policy, PolicyKind};
use crate::settings::{self, UsageError};
use crate::{connect, output};

/// Runs `policy`. It needs credentials only if the account is not given.
///
/// # Errors
/// If the region or the account is not known, or if the policy `run` is requested but no boundary is set.
pub(crate) async fn run(common: &Common, args: &Policy) -> anyhow::Result<u8> {
    let settings = settings::resolve(common, Map::new())?;
    let clients = Clients::new(&connect::sdk_config(common, &settings).await?);
    let account = match &args.account {
        Some(account) => account.clone(),
        None => sync::discover::get_account(&clients).await?,
    };
    let scope = RunScope {
        region: &clients.region,
        account: &account,
        settings: &settings,
        export_bucket: args.export_bucket.as_deref(),
    };
    let policy = match args.policy {
        PolicyKind::Boundary => scope.boundary(),
        PolicyKind::Run if settings.engine == Engine::Managed && settings.permissions_boundary.is_none() => {
            return Err(UsageError(
                "permissions_boundary is not set: without one, a run could create roles with any permissions. Create a \
                 policy from `glue-ddb-crawler policy boundary`, and set permissions_boundary to its ARN"
                    .into(),
            )
            .into());
        }
        PolicyKind::Run => scope.permissions(),
    };
    output::json(&policy)?;
    Ok(crate::DONE)
}
