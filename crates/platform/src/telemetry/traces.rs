//! Traces: what belongs to one request, from its caller through the outbox to the provider, as W3C trace context names
//! it, told by OTLP where `OTEL_EXPORTER_OTLP_ENDPOINT` says.
//!
//! Where nobody is told, no span is made, and a caller's context is handed on as it came. Names and attributes of spans
//! are the closed lists that metrics have for labels: nothing of a person, no id, no document.

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

/// How long the collector may take to accept what it is told.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long the end waits for it.
const FAREWELL: Duration = Duration::from_secs(1);
/// The longest `traceparent` that is looked at; version 0 has 55 characters.
const LONGEST: usize = 128;

/// Whether anybody is told.
static TOLD: AtomicBool = AtomicBool::new(false);

/// Tells the collector until it is stopped.
pub struct Collector(SdkTracerProvider);

/// Where something stands in its trace. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Trace(Context);

/// What a span is to its neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Somebody asked us.
    Server,
    /// We ask somebody.
    Client,
    /// Something that was left for later is taken up.
    Consumer,
    Internal,
}

/// Begins to tell the collector, where one is named.
///
/// # Errors
/// The reason, for the operator.
pub fn start(settings: &config::Traces) -> Result<Option<Collector>, String> {
    let Some(endpoint) = &settings.endpoint else { return Ok(None) };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .with_timeout(PATIENCE)
        .build()
        .map_err(|error| format!("OTEL_EXPORTER_OTLP_ENDPOINT: {error}"))?;
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        // By the trace's own id, whoever began it: a stranger's wish to be sampled is not heard.
        .with_sampler(Sampler::TraceIdRatioBased(settings.share))
        .with_resource(Resource::builder_empty().with_service_name(settings.service.clone()).build())
        .build();
    global::set_tracer_provider(provider.clone());
    TOLD.store(true, Ordering::Relaxed);
    Ok(Some(Collector(provider)))
}

impl Collector {
    /// Tells what has not been told yet, and no more after that.
    pub async fn stop(self) {
        // It waits with the whole thread. What can't be told by then is lost, and nobody depends on it.
        let _ = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(FAREWELL)).await;
    }
}

impl Trace {
    /// Where this task stands.
    pub fn current() -> Self {
        Self(Context::current())
    }

    /// Where the writer of this `traceparent` stood; the beginning of a trace where there is none.
    pub fn behind(parent: Option<&str>) -> Self {
        match parent.filter(|parent| parent.len() <= LONGEST) {
            Some(parent) => Self(TraceContextPropagator::new().extract_with_context(&Context::new(), &Header(parent))),
            None => Self(Context::new()),
        }
    }

    /// A step below this one; where nobody is told, this one again. It ends with [`Trace::end`].
    #[must_use]
    pub fn step(&self, name: &'static str, kind: Kind) -> Self {
        if !TOLD.load(Ordering::Relaxed) {
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

    /// Writes down a word of ours about this step.
    pub fn note(&self, name: &'static str, word: impl Into<opentelemetry::StringValue>) {
        if TOLD.load(Ordering::Relaxed) {
            self.0.span().set_attribute(KeyValue::new(name, word.into()));
        }
    }

    /// This step went wrong on our side, or on that of whom we asked.
    pub fn failed(&self) {
        if TOLD.load(Ordering::Relaxed) {
            self.0.span().set_status(Status::error(""));
        }
    }

    /// This step is over.
    pub fn end(&self) {
        if TOLD.load(Ordering::Relaxed) {
            self.0.span().end();
        }
    }

    /// What whoever comes next is told, as `traceparent` has it; none: there is no trace.
    pub fn parent(&self) -> Option<String> {
        let mut header = None;
        TraceContextPropagator::new().inject_context(&self.0, &mut Written(&mut header));
        header
    }

    /// Does `work` at this step.
    pub fn around<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        work.with_context(self.0.clone())
    }
}

const PARENT: &str = "traceparent";

/// Headers of which one is there.
struct Header<'a>(&'a str);

impl Extractor for Header<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == PARENT).then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec![PARENT]
    }
}

/// Headers of which one is wanted.
struct Written<'a>(&'a mut Option<String>);

impl Injector for Written<'_> {
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
    fn a_callers_context_is_handed_on_as_it_came_where_nobody_is_told() {
        let trace = Trace::behind(Some(CALLERS)).step("request", Kind::Server);
        assert_eq!(trace.parent().as_deref(), Some(CALLERS));
    }

    #[test]
    fn what_is_no_context_begins_a_trace() {
        let long = format!("{CALLERS}{}", "0".repeat(200));
        for wrong in ["", "nonsense", "00-00000000000000000000000000000000-b7ad6b7169203331-01", &long] {
            assert_eq!(Trace::behind(Some(wrong)).parent(), None, "{wrong}");
        }
        assert_eq!(Trace::behind(None).parent(), None);
    }

    #[tokio::test]
    async fn work_stands_where_it_was_put_however_often_it_waits() {
        let trace = Trace::behind(Some(CALLERS));
        let stood = trace.around(async {
            tokio::task::yield_now().await;
            Trace::current().parent()
        });
        assert_eq!(stood.await.as_deref(), Some(CALLERS));
        assert_eq!(Trace::current().parent(), None);
    }
}
