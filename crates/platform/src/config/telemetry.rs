//! Settings of telemetry: logs, metrics and traces.

use std::net::SocketAddr;

use tracing_subscriber::filter::{LevelFilter, Targets};

use super::{Env, Setting};

pub(super) const SETTINGS: &[Setting] = &[
    Setting::new(
        "LOG",
        "info",
        "Log level: error, warn, info, debug, trace or off, also by target, as in info,countersign::delivery=debug. \
         Without a level for all targets, those that are not named log at info. Libraries log at info and above only, \
         since their debug output contains sensitive data. The audit trail has its own target, which is disabled only \
         by audit=off.",
    ),
    Setting::new(
        "LOG_FORMAT",
        "auto",
        "auto, pretty or json. auto is pretty on a terminal, else JSON with one object per line.",
    ),
    Setting::optional(
        "METRICS_ADDR",
        "Address on which /metrics is served for Prometheus, such as 127.0.0.1:9464. Unset: no metrics. It has no \
         authentication: keep it on an internal network.",
    ),
    Setting::optional(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "Collector to which traces are exported by OTLP over HTTP, such as http://127.0.0.1:4318. Unset: no export. The \
         traceparent of clients is propagated to providers in any case.",
    ),
    Setting::new("OTEL_SERVICE_NAME", "countersign", "The name of this service in traces."),
    Setting::new(
        "OTEL_TRACES_SAMPLER_ARG",
        "1",
        "The share of traces that is exported, from 0 to 1. Lower it to reduce the volume.",
    ),
];

/// Settings of telemetry.
#[derive(Clone, Debug)]
pub struct Telemetry {
    pub filter: Targets,
    pub format: LogFormat,
    pub metrics_addr: Option<SocketAddr>,
    pub traces: Traces,
}

/// The export of traces.
#[derive(Clone, Debug, Default)]
pub struct Traces {
    /// The collector. `None`: no export.
    pub endpoint: Option<String>,
    pub service: String,
    /// The sampling ratio, from 0 to 1.
    pub share: f64,
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Pretty on a terminal, else JSON.
    Auto,
    Pretty,
    Json,
}

impl Telemetry {
    /// Reads the settings; errors are recorded in `env`.
    pub fn from_env(env: &Env) -> Self {
        Self {
            filter: env.parse("LOG", parse_filter),
            format: env.choice(
                "LOG_FORMAT",
                &[("auto", LogFormat::Auto), ("pretty", LogFormat::Pretty), ("json", LogFormat::Json)],
            ),
            metrics_addr: env.parse_optional("METRICS_ADDR", |text| {
                text.parse().map_err(|_| format!("must be an address and a port such as 127.0.0.1:9464, not {text:?}"))
            }),
            traces: Traces {
                endpoint: env.parse_optional("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
                service: env.text("OTEL_SERVICE_NAME").unwrap_or_default(),
                share: env.parse("OTEL_TRACES_SAMPLER_ARG", share),
            },
        }
    }
}

fn endpoint(text: &str) -> Result<String, String> {
    let has_host = |rest: &str| rest.split('/').next().is_some_and(|host| !host.is_empty() && !host.contains('@'));
    let known = ["http://", "https://"].iter().find_map(|scheme| text.strip_prefix(scheme)).is_some_and(has_host);
    if known {
        Ok(text.to_owned())
    } else {
        Err("must be a URL such as http://127.0.0.1:4318, without /v1/traces".to_owned())
    }
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| format!("must be a number from 0 to 1, not {text:?}"))
}

const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

/// Parses levels for all targets or for single ones. The library interprets a word that is not a level as a target,
/// which disables all other targets; here it is an error, and targets that are not named log at `info`.
fn parse_filter(text: &str) -> Result<Targets, String> {
    let mut everything = LevelFilter::INFO;
    let mut targets = Vec::new();
    for part in text.split(',').map(str::trim) {
        match part.split_once('=').map(|(target, level)| (target.trim(), level.trim())) {
            None => everything = level(part)?,
            Some(("", _)) => {
                return Err(format!("needs a target before the = of {part:?}, such as countersign::delivery=debug"));
            }
            Some((target, word)) => targets.push((target.to_owned(), level(word)?)),
        }
    }
    Ok(Targets::new().with_default(everything).with_targets(targets))
}

fn level(word: &str) -> Result<LevelFilter, String> {
    if LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word)) {
        return word.parse().map_err(|_| format!("must be a level, not {word:?}"));
    }
    let levels = LEVELS.join(", ");
    Err(format!("must be one of the levels {levels}, or a list such as info,countersign::delivery=debug, not {word:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> (Telemetry, Vec<String>) {
        let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let env = Env::new(vars, SETTINGS.iter().copied());
        let settings = Telemetry::from_env(&env);
        (settings, env.into_refusals().into_iter().map(|refusal| refusal.name).collect())
    }

    #[test]
    fn defaults_have_logs_and_no_metrics() {
        let (settings, refused) = read(&[]);
        assert!(refused.is_empty());
        assert_eq!(settings.format, LogFormat::Auto);
        assert_eq!(settings.metrics_addr, None);
        assert!(settings.filter.would_enable("countersign", &tracing::Level::INFO));
        assert!(!settings.filter.would_enable("countersign", &tracing::Level::DEBUG));
    }

    #[test]
    fn invalid_level_is_refused_with_the_list_of_levels() {
        for word in
            ["warning", "verbose", "2", "\"info\"", "countersign", "countersign::delivery", "info,", "a=2", "=info"]
        {
            let env = Env::new([("LOG".to_owned(), word.to_owned())], SETTINGS.iter().copied());
            Telemetry::from_env(&env);
            let refusals = env.into_refusals();
            assert_eq!(refusals.len(), 1, "{word}");
            assert!(
                word == "=info" || refusals[0].mend.contains("error, warn, info, debug, trace, off"),
                "{refusals:?}"
            );
        }
        for (list, target, level) in [
            ("WARN", "countersign", tracing::Level::WARN),
            ("countersign::delivery=debug", "countersign::http", tracing::Level::INFO),
            ("sqlx=off", "sqlx_core", tracing::Level::INFO),
            (" warn , audit = off ", "countersign", tracing::Level::WARN),
        ] {
            let (settings, refused) = read(&[("LOG", list)]);
            assert!(refused.is_empty(), "{list}: {refused:?}");
            let enabled = list != "sqlx=off";
            assert_eq!(settings.filter.would_enable(target, &level), enabled, "{list}");
        }
        assert!(!read(&[("LOG", "off")]).0.filter.would_enable("countersign", &tracing::Level::ERROR));
    }

    #[test]
    fn invalid_settings_are_refused_by_name() {
        let wrong = [
            ("LOG", "countersign=loud"),
            ("LOG_FORMAT", "xml"),
            ("METRICS_ADDR", "9464"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:4318"),
            ("OTEL_TRACES_SAMPLER_ARG", "2"),
        ];
        assert_eq!(read(&wrong).1, wrong.map(|(name, _)| name));
    }
}
