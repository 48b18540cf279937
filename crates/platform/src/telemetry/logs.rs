//! Log setup: pretty on a terminal, else JSON with one object per line; times in UTC.

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

/// The destination of log lines.
#[derive(Clone, Debug)]
pub enum Sink {
    /// Standard error, through a queue: standard output is for the output of commands (`countersign schema`).
    Stderr(LogQueue),
    /// Memory, for tests that inspect the log.
    Memory(Arc<Mutex<Vec<u8>>>),
}

/// Installs the global subscriber, which logs to standard error, and the panic hook. The caller must flush the returned
/// queue at the end of the program.
///
/// # Errors
/// An error message for the operator.
pub fn start(settings: &Telemetry) -> Result<LogQueue, String> {
    let queue = LogQueue::to_stderr().map_err(|error| format!("can't log to standard error: {error}"))?;
    tracing::subscriber::set_global_default(subscriber(settings, Sink::Stderr(queue.clone())))
        .map_err(|_| "logging was initialised twice".to_owned())?;
    log_panics(queue.clone());
    Ok(queue)
}

/// The subscriber for `settings` and `sink`. Tests install it for their thread.
pub fn subscriber(settings: &Telemetry, sink: Sink) -> impl Subscriber + Send + Sync {
    let terminal = matches!(sink, Sink::Stderr(_)) && io::stderr().is_terminal();
    let pretty = match settings.format {
        LogFormat::Auto => terminal,
        LogFormat::Pretty => true,
        LogFormat::Json => false,
    };
    let filter = with_audit(settings.filter.clone()).and(filter_fn(is_allowed));
    let layer = fmt::layer().with_writer(sink);
    let layer = if pretty {
        layer.fmt_fields(Plain).with_ansi(terminal).boxed()
    } else {
        layer.json().flatten_event(true).with_span_list(false).boxed()
    };
    Registry::default().with(layer.with_filter(filter))
}

/// Enables the target of the audit trail, unless the filter names it.
fn with_audit(filter: Targets) -> Targets {
    if filter.iter().any(|(target, _)| target == audit::TARGET) {
        filter
    } else {
        filter.with_target(audit::TARGET, Level::INFO)
    }
}

/// Whether an event may be logged. Libraries log frames, headers and statements with their content at `debug` and
/// `trace`, so these levels are enabled for our own targets only.
fn is_allowed(metadata: &Metadata<'_>) -> bool {
    let ours = ["countersign", "migration", audit::TARGET];
    let root = metadata.target().split("::").next().unwrap_or_default();
    *metadata.level() <= Level::INFO || ours.contains(&root)
}

/// The span of a request. Its level is `ERROR`, so that every line that `LOG` lets through has the request's id.
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
    fn line_has_request_id_and_truncated_address() {
        let text = logged("warn", LogFormat::Json, || request_span(&caller()).in_scope(|| tracing::warn!("slow")));
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["message"], "slow");
        assert_eq!(line["span"]["id"], "req-1");
        assert_eq!(line["span"]["client"], "198.51.100.x");
    }

    #[test]
    fn user_input_cannot_forge_lines_in_either_format() {
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
    fn debug_and_trace_events_of_libraries_are_not_logged() {
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
    fn audit_trail_is_logged_unless_switched_off() {
        let act = || tracing::info!(target: audit::TARGET, "act");
        assert_eq!(logged("error", LogFormat::Json, act).lines().count(), 1);
        assert_eq!(logged("info,audit=off", LogFormat::Json, act).lines().count(), 0);
    }
}
