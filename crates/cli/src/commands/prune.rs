//! `prune`: removes what is no longer used.

use serde_json::Map;

use schema::escape;
use serde_json::json;
use sync::Session;
use sync::prune::{self, Extent, Leftover, Thing};

use crate::args::{Common, Output, Prune};
use crate::{connect, output, settings};

/// Runs `prune`. The exit code is 1 if something could not be removed.
///
/// # Errors
/// If a listing fails.
pub(crate) async fn run(common: &Common, args: &Prune) -> anyhow::Result<u8> {
    let settings = settings::resolve(common, Map::new())?;
    let connection = connect::connect(common, &settings, &args.place).await?;
    let extent = if args.all { Extent::Everything } else { Extent::Vanished };
    let session = Session::new(connection.clients, settings);
    let found = prune::leftovers(&session, extent).await;
    let ended = match found {
        Ok(found) if args.yes => Ok(prune::remove(&session, found).await),
        Ok(found) => Ok(found.into_iter().map(|leftover| (leftover, Ok(()))).collect()),
        Err(error) => Err(error),
    };
    if let Some(server) = connection.server {
        server.stop().await;
    }
    let ended = ended?;
    let failed = ended.iter().filter(|(_, removed)| removed.is_err()).count();
    print(common, args, &ended)?;
    Ok(if failed > 0 { crate::FAILED } else { crate::DONE })
}

fn print(common: &Common, args: &Prune, ended: &[(Leftover, Result<(), crawl::Error>)]) -> anyhow::Result<()> {
    if common.output == Output::Json {
        let rows = ended.iter().map(|(leftover, removed)| {
            let mut row = json!(leftover);
            if let Err(error) = removed {
                row["error"] = error.message.clone().into();
            }
            row
        });
        let report = json!({"removed": args.yes, "leftovers": rows.collect::<Vec<_>>()});
        return output::json(&report);
    }
    let mut text = String::new();
    for (Leftover { thing, name }, removed) in ended {
        let state = match removed {
            Err(error) => format!(": NOT REMOVED: {error}"),
            Ok(()) if args.yes => ": removed".into(),
            Ok(()) => String::new(),
        };
        text += &escape::line(&format!("{} {name}{state}", word(*thing)));
        text.push('\n');
    }
    output::result(text.as_bytes())?;
    match (ended.is_empty(), args.yes) {
        (true, _) => output::note(common, "There is nothing to remove."),
        (false, false) => output::note(common, "Nothing was removed. --yes removes all of this."),
        (false, true) => {}
    }
    Ok(())
}

fn word(thing: Thing) -> &'static str {
    match thing {
        Thing::Crawler => "crawler",
        Thing::Role => "role",
        Thing::CatalogTable => "catalog table",
        Thing::Schema => "schema",
        Thing::Registry => "registry",
        Thing::Database => "database",
    }
}
