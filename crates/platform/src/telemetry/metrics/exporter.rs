//! Records metrics and renders them as Prometheus text; `http` serves that on `METRICS_ADDR`.

use std::time::Duration;

use ::metrics::{Recorder, Unit};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::{
    process,
    table::{BUILD_INFO, Kind, METRICS},
};
use crate::clock::Clock;

/// How often histogram samples are moved into their buckets. Without it the memory of a process that is not scraped
/// grows.
const UPKEEP: Duration = Duration::from_secs(5);

/// Renders the metrics of the process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Exporter(PrometheusHandle);

/// A metrics recorder is already installed in this process.
#[derive(Clone, Copy, Debug)]
pub struct AlreadyInstalled;

impl Exporter {
    /// The media type of the text of [`Exporter::render`].
    pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

    /// Installs the global recorder. The caller must also spawn [`Exporter::keep`].
    ///
    /// # Errors
    /// [`AlreadyInstalled`] at the second call.
    pub fn install() -> Result<Self, AlreadyInstalled> {
        let recorder = recorder();
        let handle = recorder.handle();
        ::metrics::set_global_recorder(recorder).map_err(|_| AlreadyInstalled)?;
        super::zero();
        ::metrics::gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1);
        Ok(Self(handle))
    }

    /// All metrics, with those of the operating system for this process, in the Prometheus text format.
    pub fn render(&self) -> String {
        let mut text = self.0.render();
        text.push_str(&process::render());
        text
    }

    /// Bounds the memory of histograms while no scraper reads them. Never returns.
    pub async fn keep(self, clock: Clock) {
        loop {
            clock.sleep(UPKEEP).await;
            self.0.run_upkeep();
        }
    }
}

/// A recorder with the description and buckets of every metric of the table.
pub(super) fn recorder() -> PrometheusRecorder {
    let with_buckets = METRICS.iter().try_fold(PrometheusBuilder::new(), |builder, metric| match metric.kind {
        Kind::Seconds(bounds) => builder.set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), bounds),
        Kind::Counter | Kind::Gauge => Ok::<_, BuildError>(builder),
    });
    // Fails only for an empty list of bounds, and the table has none.
    let recorder = with_buckets.unwrap_or_default().build_recorder();
    for metric in METRICS {
        let (name, help) = (metric.name.into(), metric.help.into());
        match metric.kind {
            Kind::Counter => recorder.describe_counter(name, Some(Unit::Count), help),
            Kind::Gauge => recorder.describe_gauge(name, None, help),
            Kind::Seconds(_) => recorder.describe_histogram(name, Some(Unit::Seconds), help),
        }
    }
    recorder
}
