//! Log lines: pretty on a terminal, JSON anywhere else, one object a line in UTC.

use std::{
    io::{self, IsTerminal, Write},
    sync::{Arc, Mutex, PoisonError},
};

use tracing::{Level, Metadata, Span, Subscriber};
use tracing_subscriber::{
    Layer, Registry,
    filter::{FilterExt, Targets, filter_fn},
    fmt::{self, MakeWriter},
    layer::SubscriberExt,
};

use super::{audit, panics::log_panics, plain::Plain, queue::LogQueue};
use crate::config::{LogFormat, Telemetry};
use domain::caller::Caller;

/// Where log lines go.
#[derive(Clone, Debug)]
pub enum Sink {
    /// Standard error, by a queue: standard output belongs to what a command answers (`countersign schema`).
    Stderr(LogQueue),
    /// Memory, for a test that searches what was logged.
    Memory(Arc<Mutex<Vec<u8>>>),
}

/// Sends the whole program's log to standard error, panics included. What is in the queue at the end of the program is
/// for the caller to flush.
///
/// # Errors
/// The reason, for the operator.
pub fn start(settings: &Telemetry) -> Result<LogQueue, String> {
    let queue = LogQueue::to_stderr().map_err(|error| format!("can't log to standard error: {error}"))?;
    tracing::subscriber::set_global_default(subscriber(settings, Sink::Stderr(queue.clone())))
        .map_err(|_| "the log was started twice".to_owned())?;
    log_panics(queue.clone());
    Ok(queue)
}

/// What `settings` and `sink` make, for a test that logs on its own thread.
pub fn subscriber(settings: &Telemetry, sink: Sink) -> impl Subscriber + Send + Sync {
    let terminal = matches!(sink, Sink::Stderr(_)) && io::stderr().is_terminal();
    let pretty = match settings.format {
        LogFormat::Auto => terminal,
        LogFormat::Pretty => true,
        LogFormat::Json => false,
    };
    let filter = with_audit(settings.filter.clone()).and(filter_fn(fit_to_be_heard));
    let layer = fmt::layer().with_writer(sink);
    let layer = if pretty {
        layer.fmt_fields(Plain).with_ansi(terminal).boxed()
    } else {
        layer.json().flatten_event(true).with_span_list(false).boxed()
    };
    Registry::default().with(layer.with_filter(filter))
}

/// The audit trail is heard unless the filter speaks of it.
fn with_audit(filter: Targets) -> Targets {
    if filter.iter().any(|(target, _)| target == audit::TARGET) {
        filter
    } else {
        filter.with_target(audit::TARGET, Level::INFO)
    }
}

/// Libraries print frames, headers and statements at `debug` and `trace`, and with them what is in them.
fn fit_to_be_heard(metadata: &Metadata<'_>) -> bool {
    let ours = ["countersign", "migration", audit::TARGET];
    let root = metadata.target().split("::").next().unwrap_or_default();
    *metadata.level() <= Level::INFO || ours.contains(&root)
}

/// The span around everything that one request does. At the highest level, so that whatever is logged inside, however
/// little `LOG` lets through, says which request it belongs to.
pub fn request_span(caller: &Caller) -> Span {
    tracing::error_span!("request", id = %caller.request_id, client = %caller.address)
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = Box<dyn Write + 'a>;

    fn make_writer(&'a self) -> Self::Writer {
        match self {
            Sink::Stderr(queue) => Box::new(queue.clone()),
            Sink::Memory(lines) => Box::new(Appender(lines)),
        }
    }
}

struct Appender<'a>(&'a Mutex<Vec<u8>>);

impl Write for Appender<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::caller::ClientAddress;

    fn logged(filter: &str, format: LogFormat, work: impl FnOnce()) -> String {
        let lines = Arc::default();
        let settings = Telemetry {
            filter: filter.parse().unwrap(),
            format,
            metrics_addr: None,
            traces: crate::config::Traces::default(),
        };
        tracing::subscriber::with_default(subscriber(&settings, Sink::Memory(Arc::clone(&lines))), work);
        String::from_utf8(lines.lock().unwrap().clone()).unwrap()
    }

    fn caller() -> Caller {
        Caller {
            address: ClientAddress::new("198.51.100.7".parse().unwrap()),
            user_agent: None,
            request_id: "req-1".into(),
            locale: domain::locale::Locale::En,
        }
    }

    #[test]
    fn a_line_names_its_request_and_no_whole_address() {
        let text = logged("warn", LogFormat::Json, || request_span(&caller()).in_scope(|| tracing::warn!("slow")));
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["message"], "slow");
        assert_eq!(line["span"]["id"], "req-1");
        assert_eq!(line["span"]["client"], "198.51.100.x");
    }

    #[test]
    fn what_a_user_wrote_forges_no_line_in_either_form() {
        let forged = "x\n2026-01-01 INFO audit: outcome=ok \u{1b}[31m\r\u{85}\u{2028}";
        let say = || tracing::info!(agent = forged, shown = %forged, "{forged}");
        let json = logged("info", LogFormat::Json, say);
        assert_eq!(json.lines().count(), 1, "{json}");
        let line: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!((line["agent"].as_str(), line["shown"].as_str()), (Some(forged), Some(forged)));

        let pretty = logged("info", LogFormat::Pretty, say);
        assert_eq!(pretty.trim_end().lines().count(), 1, "{pretty}");
        assert_eq!(pretty.matches(['\u{1b}', '\r', '\u{85}', '\u{2028}']).count(), 0, "{pretty:?}");
    }

    #[test]
    fn libraries_keep_their_whispers_to_themselves() {
        let text = logged("trace", LogFormat::Json, || {
            tracing::trace!(target: "tungstenite::protocol", "a frame with a code in it");
            tracing::debug!(target: "sqlx::query", "a statement");
            tracing::warn!(target: "sqlx::query", "slow");
            tracing::trace!(target: "countersign::delivery", "ours");
        });
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains("slow") && text.contains("ours"));
    }

    #[test]
    fn the_audit_trail_is_left_out_only_where_that_is_asked_for() {
        let act = || tracing::info!(target: audit::TARGET, "act");
        assert_eq!(logged("error", LogFormat::Json, act).lines().count(), 1);
        assert_eq!(logged("info,audit=off", LogFormat::Json, act).lines().count(), 0);
    }
}
