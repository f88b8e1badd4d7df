//! `serve`: runs the embedded endpoint on its own.

use anyhow::Context;
use local::{Config, IamEndpoint, Server, Source, Unknowns};
use sync::Settings;

use crate::args::{Common, Serve};
use crate::interrupt::Signals;
use crate::{connect, output};

/// Serves until Ctrl-C or SIGTERM.
///
/// # Errors
/// If the address, the state or the tables can't be used.
pub(crate) async fn run(common: &Common, args: &Serve) -> anyhow::Result<u8> {
    let source = match (&args.tables, &args.dynamodb_endpoint) {
        (Some(folder), _) => Source::Files(folder.clone()),
        (None, Some(url)) => Source::Endpoint(url.clone()),
        (None, None) => Source::None,
    };
    let iam = match &args.iam_endpoint {
        Some(url) => {
            let config = connect::load(common, &Settings::default(), Some(connect::LOCAL_REGION)).await;
            let credentials = config.credentials_provider().context("no credentials found for requests to IAM")?;
            Some(IamEndpoint { url: url.clone(), credentials })
        }
        None => None,
    };
    let config = Config {
        listen: args.listen,
        allow_remote: args.allow_remote,
        allow_hosts: args.allow_host.clone(),
        source,
        iam,
        state: Some(args.state.clone()),
        unknowns: args.unknown.iter().fold(Unknowns::default(), Unknowns::with),
        wire_log: connect::wire_log(),
        ..Config::default()
    };
    let mut signals = Signals::new()?;
    // Start waits while another process uses the state. A signal ends that wait.
    let server = tokio::select! {
        server = Server::start(config) => server.context("the endpoint did not start")?,
        () = signals.next() => return Ok(crate::INTERRUPTED),
    };
    output::result(format!("listening on {}\n", server.url()).as_bytes())?;
    output::note(
        common,
        &format!(
            "Point a client at it: export AWS_ENDPOINT_URL={} AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local \
             AWS_DEFAULT_REGION=us-east-1",
            server.url()
        ),
    );
    output::note(common, &format!("Ctrl-C stops it; the catalog stays in {}/.", args.state.display()));
    signals.next().await;
    server.stop().await;
    Ok(crate::DONE)
}
