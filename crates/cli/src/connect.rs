//! Connects to AWS as the AWS CLI would, or to the embedded endpoint in this process.

use std::path::PathBuf;

use anyhow::{Context, bail};
use crawl::Clients;
use local::{Config, Server, Source};
use sync::Settings;

use crate::args::{Common, Place};

/// The default region of the embedded endpoint.
pub(crate) const LOCAL_REGION: &str = "us-east-1";

/// The clients of a run, and the embedded endpoint if they talk to it.
pub(crate) struct Connection {
    pub clients: Clients,
    pub server: Option<Server>,
}

/// Connects to the endpoint in the arguments.
///
/// # Errors
/// If no region is known, or the embedded endpoint can't start.
pub(crate) async fn connect(common: &Common, settings: &Settings, place: &Place) -> anyhow::Result<Connection> {
    let Some(tables) = &place.local else {
        return Ok(Connection { clients: Clients::new(&sdk_config(common, settings).await?), server: None });
    };
    let (region, dynamodb) = match tables {
        Some(_) => (common.region.clone().unwrap_or_else(|| LOCAL_REGION.into()), None),
        None => {
            let config = load(common, settings, Some(LOCAL_REGION)).await;
            (config.region().map(ToString::to_string).unwrap_or_default(), Some(config))
        }
    };
    let source = match (tables, &dynamodb) {
        (Some(folder), _) => Source::Files(folder.clone()),
        (None, Some(config)) => Source::Client(Clients::new(config).dynamodb),
        (None, None) => Source::None,
    };
    let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let (state, wire_log) = (Some(place.state.clone()), wire_log());
    let server = Server::start(Config { listen, source, state, wire_log, ..Config::default() })
        .await
        .context("the embedded endpoint did not start")?;
    let config = crawl::aws::with_limits(&crawl::aws::local_config(server.url(), &region), settings.answer_limit());
    let clients = Clients::with_dynamodb(&config, dynamodb.as_ref().unwrap_or(&config));
    Ok(Connection { clients, server: Some(server) })
}

/// Credentials, region and endpoints as the AWS CLI finds them: environment, profiles, SSO, instance and container roles.
///
/// # Errors
/// If no region is set anywhere.
pub(crate) async fn sdk_config(common: &Common, settings: &Settings) -> anyhow::Result<aws_config::SdkConfig> {
    let config = load(common, settings, None).await;
    if config.region().is_none() {
        bail!(crate::settings::UsageError("no region: give --region, set AWS_REGION, or configure a profile".into()));
    }
    Ok(config)
}

/// The same, with `default_region` if no region is set.
pub(crate) async fn load(common: &Common, settings: &Settings, default_region: Option<&str>) -> aws_config::SdkConfig {
    let mut loader = crawl::aws::config_loader(settings.answer_limit());
    if let Some(profile) = &common.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = &common.region {
        loader = loader.region(aws_config::Region::new(region.clone()));
    }
    let config = loader.load().await;
    match (config.region(), default_region) {
        (None, Some(region)) => config.into_builder().region(aws_config::Region::new(region.to_owned())).build(),
        _ => config,
    }
}

/// For tests: the file to which what goes over the wire of the embedded endpoint is appended, as JSON lines, without items.
pub(crate) fn wire_log() -> Option<PathBuf> {
    std::env::var_os("GLUE_DDB_CRAWLER_WIRE_LOG").map(PathBuf::from)
}
