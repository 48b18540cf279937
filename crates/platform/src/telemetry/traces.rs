//! Traces: the spans of one request from the client through the outbox to the provider, with W3C trace context,
//! exported by OTLP to `OTEL_EXPORTER_OTLP_ENDPOINT`.
//!
//! Without an endpoint no spans are created, and the context of the client is propagated unchanged. Names and
//! attributes of spans are closed lists, like the labels of metrics: no personal data, no ids, no documents.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use opentelemetry::{
    Context, KeyValue, global,
    propagation::{Extractor, Injector, TextMapPropagator},
    trace::{FutureExt, SpanKind, Status, TraceContextExt, Tracer},
};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracerProvider},
};

use crate::config;

/// How long an export to the collector may take.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long shutdown waits for the last export.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);
/// Characters of the longest accepted `traceparent`; version 0 has 55.
const MAX_PARENT_LENGTH: usize = 128;

/// Whether traces are exported.
static ENABLED: AtomicBool = AtomicBool::new(false);

/// Exports spans to the collector until it is stopped.
pub struct Collector(SdkTracerProvider);

/// A position in a trace: the context of a span. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Trace(Context);

/// The role of a span in the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An incoming request.
    Server,
    /// An outgoing request.
    Client,
    /// Processing of a queued message.
    Consumer,
    Internal,
}

/// Starts the export of traces, if an endpoint is configured.
///
/// # Errors
/// An error message for the operator.
pub fn start(settings: &config::Traces) -> Result<Option<Collector>, String> {
    let Some(endpoint) = &settings.endpoint else { return Ok(None) };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .with_timeout(EXPORT_TIMEOUT)
        .build()
        .map_err(|error| format!("OTEL_EXPORTER_OTLP_ENDPOINT: {error}"))?;
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        // By the trace id only: the sampling flag of an untrusted client is ignored.
        .with_sampler(Sampler::TraceIdRatioBased(settings.sampling_ratio))
        .with_resource(Resource::builder_empty().with_service_name(settings.service.clone()).build())
        .build();
    global::set_tracer_provider(provider.clone());
    ENABLED.store(true, Ordering::Relaxed);
    Ok(Some(Collector(provider)))
}

impl Collector {
    /// Exports the remaining spans and stops.
    pub async fn stop(self) {
        // The call blocks its thread. Spans that are not exported in time are lost, which is acceptable.
        let _ = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(SHUTDOWN_TIMEOUT)).await;
    }
}

impl Trace {
    /// The context of the current task.
    pub fn current() -> Self {
        Self(Context::current())
    }

    /// The context that this `traceparent` names; a new, empty context without one.
    pub fn from_traceparent(parent: Option<&str>) -> Self {
        match parent.filter(|parent| parent.len() <= MAX_PARENT_LENGTH) {
            Some(parent) => Self(TraceContextPropagator::new().extract_with_context(&Context::new(), &Header(parent))),
            None => Self(Context::new()),
        }
    }

    /// Starts a child span; without export, returns this context. [`Trace::end`] ends the span.
    #[must_use]
    pub fn child(&self, name: &'static str, kind: Kind) -> Self {
        if !ENABLED.load(Ordering::Relaxed) {
            return self.clone();
        }
        let kind = match kind {
            Kind::Server => SpanKind::Server,
            Kind::Client => SpanKind::Client,
            Kind::Consumer => SpanKind::Consumer,
            Kind::Internal => SpanKind::Internal,
        };
        let tracer = global::tracer("countersign");
        let span = tracer.span_builder(name).with_kind(kind).start_with_context(&tracer, &self.0);
        Self(self.0.with_span(span))
    }

    /// Sets an attribute of this span.
    pub fn set_attribute(&self, name: &'static str, word: impl Into<opentelemetry::StringValue>) {
        if ENABLED.load(Ordering::Relaxed) {
            self.0.span().set_attribute(KeyValue::new(name, word.into()));
        }
    }

    /// Marks this span as failed.
    pub fn set_failed(&self) {
        if ENABLED.load(Ordering::Relaxed) {
            self.0.span().set_status(Status::error(""));
        }
    }

    /// Ends this span.
    pub fn end(&self) {
        if ENABLED.load(Ordering::Relaxed) {
            self.0.span().end();
        }
    }

    /// The `traceparent` header for the next hop. `None`: there is no trace.
    pub fn traceparent(&self) -> Option<String> {
        let mut header = None;
        TraceContextPropagator::new().inject_context(&self.0, &mut HeaderSlot(&mut header));
        header
    }

    /// Runs `work` in this context.
    pub fn in_context<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        work.with_context(self.0.clone())
    }
}

const PARENT: &str = "traceparent";

/// Reads the single header `traceparent`.
struct Header<'a>(&'a str);

impl Extractor for Header<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == PARENT).then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec![PARENT]
    }
}

/// Keeps the header `traceparent` and ignores others.
struct HeaderSlot<'a>(&'a mut Option<String>);

impl Injector for HeaderSlot<'_> {
    fn set(&mut self, key: &str, value: String) {
        if key == PARENT {
            *self.0 = Some(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALLERS: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn client_context_is_propagated_unchanged_without_export() {
        let trace = Trace::from_traceparent(Some(CALLERS)).child("request", Kind::Server);
        assert_eq!(trace.traceparent().as_deref(), Some(CALLERS));
    }

    #[test]
    fn invalid_traceparent_starts_a_new_trace() {
        let long = format!("{CALLERS}{}", "0".repeat(200));
        for wrong in ["", "nonsense", "00-00000000000000000000000000000000-b7ad6b7169203331-01", &long] {
            assert_eq!(Trace::from_traceparent(Some(wrong)).traceparent(), None, "{wrong}");
        }
        assert_eq!(Trace::from_traceparent(None).traceparent(), None);
    }

    #[tokio::test]
    async fn context_is_kept_across_await_points() {
        let trace = Trace::from_traceparent(Some(CALLERS));
        let parent = trace.in_context(async {
            tokio::task::yield_now().await;
            Trace::current().traceparent()
        });
        assert_eq!(parent.await.as_deref(), Some(CALLERS));
        assert_eq!(Trace::current().traceparent(), None);
    }
}
