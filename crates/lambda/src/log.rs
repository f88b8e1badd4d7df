//! The log: one JSON object per line on stdout, with the member names of Lambda's own JSON format. The fields of all spans
//! stand beside those of the event, so that CloudWatch Logs Insights finds a request or a table by one name.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Scope};
use tracing_subscriber::util::SubscriberInitExt;

/// The variable that holds a level or directives (`info,sync=debug`); `info` if unset.
const LEVEL: &str = "GLUE_DDB_CRAWLER_LOG";

/// Starts logging. An invalid level is reported, and `info` used instead.
pub(crate) fn start() {
    let wanted = std::env::var(LEVEL).ok().filter(|level| !level.is_empty()).unwrap_or_else(|| "info".into());
    let read = targets(&wanted);
    let is_wrong = read.is_none();
    let targets = read.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    let lines = tracing_subscriber::fmt::layer().fmt_fields(JsonFields::new()).event_format(Lines).with_ansi(false);
    // Otherwise a failed write is reported on standard error, which panics if that can't be written to either.
    let lines = lines.log_internal_errors(false);
    tracing_subscriber::registry().with(lines.with_filter(targets)).init();
    if is_wrong {
        tracing::warn!(
            "{LEVEL} {wanted:?}: use error, warn, info, debug, or directives like info,sync=debug; using info"
        );
    }
}

/// Accepts a directive without `=` only if it is a level: [`Targets`] would take a mistyped level for a target, and nothing
/// would be logged.
fn targets(wanted: &str) -> Option<Targets> {
    let is_known = |directive: &str| directive.contains('=') || directive.parse::<LevelFilter>().is_ok();
    wanted.split(',').all(is_known).then(|| wanted.parse().ok())?
}

struct Lines;

#[derive(Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Value>,
    target: &'a str,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> FormatEvent<S, JsonFields> for Lines {
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let mut fields = Map::new();
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            if let Some(of_span) = span.extensions().get::<FormattedFields<JsonFields>>() {
                fields.append(&mut object(of_span));
            }
        }
        let mut own = String::new();
        context.format_fields(Writer::new(&mut own), event)?;
        fields.append(&mut object(&own));
        // Avoid duplicate members.
        ["timestamp", "level", "target"].iter().for_each(|name| drop(fields.remove(*name)));
        let message = fields.remove("message");
        let metadata = event.metadata();
        let line = Line { timestamp, level: metadata.level().as_str(), message, target: metadata.target(), fields };
        writeln!(writer, "{}", serde_json::to_string(&line).map_err(|_| fmt::Error)?)
    }
}

fn object(formatted: &str) -> Map<String, Value> {
    serde_json::from_str(formatted).unwrap_or_default()
}
