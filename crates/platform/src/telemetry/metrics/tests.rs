use std::collections::{BTreeMap, BTreeSet};

use super::{
    table::{Kind, METRICS},
    *,
};

/// The text that is rendered after `work`.
fn rendered(work: impl FnOnce()) -> String {
    let recorder = exporter::recorder();
    ::metrics::with_local_recorder(&recorder, work);
    recorder.handle().render()
}

/// Calls every function that records a metric.
fn record_every_metric() {
    let span = Duration::from_millis(3);
    request("signIn".into(), "ok", span);
    request_refused("none".into(), "BAD_REQUEST");
    fault(FaultKind::Internal);
    verification_started(Purpose::Contact, Channel::Sms);
    verification_ended(Purpose::Contact, Channel::Sms, End::Verified);
    confirmed(Purpose::Contact, Channel::Sms, span);
    sent("development", "accepted", span);
    delivered("development", span);
    provider_known("aligo");
    provider_rests("twilio", true);
    polled("naver-cloud", "told");
    checked("twilio-verify", "approved");
    receipt("twilio", "accepted");
    quota_refused("guess", "client_address");
    quota_keys_forgotten("guess", 2);
    destination_throttled(true);
    refresh_replayed(RefreshReplay::Replaced);
    guessing(true);
    guessing_alarm(true);
    fell_back(Fallback::Quotas);
    redis(false);
    pool(1, 2);
    queue_depth(Queue::Hashing, 3);
    queue_full(Queue::Hashing);
    hashed(span);
    event_lag(span);
    log_lines_lost(1);
    connection_turned_away(TurnedAway::Idle);
    drop(OpenStream::new("websocket"));
    drop((OpenSocket::new(), OpenConnection::new()));
}

#[test]
fn recorded_metrics_match_the_table() {
    let text = rendered(|| {
        record_every_metric();
        gauge!(table::BUILD_INFO, "version" => "0").set(1);
    });
    let mut types = BTreeMap::new();
    let mut labels: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in text.lines() {
        if let Some(declared) = line.strip_prefix("# TYPE ") {
            let (name, kind) = declared.split_once(' ').unwrap();
            types.insert(name, kind);
        } else if let Some((series, _)) = line.rsplit_once(' ').filter(|_| !line.starts_with('#')) {
            let (name, list) = series.split_once('{').unwrap_or((series, ""));
            let name = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            let names = list.split(',').filter_map(|pair| pair.split_once('=')).map(|(label, _)| label);
            labels.entry(name).or_default().extend(names.filter(|label| *label != "le"));
        }
    }
    assert_eq!(types.len(), METRICS.len(), "{text}");
    for metric in METRICS {
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Seconds(_) => "histogram",
        };
        assert_eq!(types.get(metric.name), Some(&kind), "{}", metric.name);
        assert_eq!(labels[metric.name], metric.labels.iter().copied().collect(), "{}", metric.name);
        assert!(text.contains(&format!("# HELP {} {}", metric.name, metric.help)), "{}", metric.name);
    }
}

#[test]
fn metric_names_end_with_their_unit() {
    for metric in METRICS {
        assert!(metric.name.starts_with("countersign_"), "{}", metric.name);
        assert_eq!(metric.name.ends_with("_total"), metric.kind == Kind::Counter, "{}", metric.name);
        assert_eq!(metric.name.ends_with("_seconds"), matches!(metric.kind, Kind::Seconds(_)), "{}", metric.name);
    }
}

#[test]
fn open_stream_is_counted_until_dropped() {
    let open = "countersign_streams_open{transport=\"websocket\"}";
    let both = rendered(|| {
        drop(OpenStream::new("websocket"));
        std::mem::forget((OpenStream::new("websocket"), OpenStream::new("websocket")));
    });
    assert!(both.contains(&format!("{open} 2")), "{both}");
}
