//! `doctor`: examines the account and changes nothing.

use schema::escape;
use serde_json::Map;
use sync::Session;
use sync::doctor::{self, Findings, State};

use crate::args::{Common, Doctor, Output};
use crate::{connect, output, settings};

/// Runs `doctor`. The exit code is 1 if something needs attention.
///
/// # Errors
/// If the account can't be examined.
pub(crate) async fn run(common: &Common, args: &Doctor) -> anyhow::Result<u8> {
    let settings = settings::resolve(common, Map::new())?;
    let connection = connect::connect(common, &settings, &args.place).await?;
    let found = doctor::examine(&Session::new(connection.clients, settings)).await;
    if let Some(server) = connection.server {
        server.stop().await;
    }
    let found = found?;
    match common.output {
        Output::Json => output::json(&found)?,
        Output::Text => output::result(text(&found).as_bytes())?,
    }
    Ok(if found.need_attention() { crate::FAILED } else { crate::DONE })
}

fn text(found: &Findings) -> String {
    let mut text = format!("account {}, region {}\n", found.account, found.region);
    for check in &found.checks {
        let state = match check.state {
            State::Fine => "fine",
            State::Attention => "LOOK",
            State::Unseen => "?",
        };
        text += &format!("{state:4}  {}: {}\n", check.name, escape::line(&check.says));
    }
    text += "\nWhat AWS does not publish (docs/local.md):\n";
    for unknown in &found.unknowns {
        let position = unknown.position.unwrap_or("?");
        text += &format!("{position:4}  {}: {}\n", unknown.name, escape::line(&unknown.says));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crawl::Clients;
    use local::{Config, unknowns};
    use sync::Settings;

    use super::*;

    /// The crate `sync` doesn't know the endpoint's switches. This crate knows both.
    #[tokio::test]
    async fn each_switch_of_the_endpoint_is_spoken_of() {
        let server = testkit::serve(Config::default()).await;
        let clients = Clients::local(server.url(), "eu-west-1");
        let found = doctor::examine(&Session::new(clients, Settings::default().validate().unwrap())).await.unwrap();
        let spoken_of: BTreeSet<&str> = found.unknowns.iter().map(|unknown| unknown.name).collect();
        let switches: BTreeSet<&str> = unknowns::SWITCHES.iter().map(|switch| switch.name).collect();
        assert_eq!(spoken_of, switches);
    }
}
