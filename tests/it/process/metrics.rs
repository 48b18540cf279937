//! `METRICS_ADDR`: the metrics after every operation was executed once.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::TcpListener,
};

use platform::{
    clock::Clock,
    config::Secret,
    telemetry::metrics::{
        process,
        table::{Kind, METRICS},
    },
};
use providers::standard_webhooks::Key;
use serde_json::{Value, json};

use super::child::{Child, ChildConfig};
use crate::{
    delivery::{
        fake_provider::FakeProvider,
        setup::{SECRET, accept_all, code},
    },
    support::{Socket, Subscription, TEST_TIMEOUT},
};

const ADDRESS: &str = "198.51.100.77";
const PHONE: &str = "+821055557777";
const PASSWORD: &str = "Quiet-Harbour-71!";

/// The configuration of a server with a metrics listener.
pub fn scraped(config: ChildConfig) -> ChildConfig {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    config.with("METRICS_ADDR", &format!("127.0.0.1:{port}"))
}

/// The same; its messages go to `gateway`.
async fn scraped_by(gateway: &FakeProvider) -> ChildConfig {
    scraped(ChildConfig::new().await)
        .with("SMS_PROVIDER", "webhook")
        .with("DELIVERY_WEBHOOK_URL", &gateway.url())
        .with("DELIVERY_WEBHOOK_SECRET", SECRET)
}

/// The value of a series of a scrape; `None` if it is absent.
pub fn count(text: &str, series: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    Some(line.parse().unwrap())
}

pub async fn scrape(config: &ChildConfig) -> String {
    let response = reqwest::get(format!("http://{}/metrics", config.vars["METRICS_ADDR"])).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    response.text().await.unwrap()
}

/// Executes a document and returns its field `it`.
async fn execute_it(child: &Child, document: &str, variables: Value) -> Value {
    let mut response = child.execute(ADDRESS, document, variables).await.unwrap();
    response["data"]["it"].take()
}

const CONFIRM: &str = "mutation($id: ID!, $code: String!) { it: confirmVerificationCode(input: { verificationId: $id, code: $code }) \
                       { ... on Problem { message } } }";

/// Executes every operation once that this test can trigger.
async fn drive(child: &Child, gateway: &FakeProvider) -> (Vec<String>, Subscription) {
    let id = child.send_code(ADDRESS, PHONE).await.unwrap();
    let message = gateway.wait_for_requests(1).await.remove(0);
    let code = code(&message);
    let socket = Socket::open(&child.url, ADDRESS, None).await;
    let document = "subscription($id: ID!) { verificationStatus(id: $id) { status delivery { status } } }";
    let mut watch = socket.subscribe(document, json!({ "id": id })).await;
    watch.until(|state| state["delivery"]["status"] == "SENT").await;
    post_receipt(child, message.header("webhook-id"), SECRET).await;
    watch.until(|state| state["delivery"]["status"] == "DELIVERED").await;
    // Neither selects `__typename`; a rejection is counted all the same.
    let wrong = if code == "000000" { "000001" } else { "000000" };
    execute_it(child, CONFIRM, json!({ "id": id, "code": wrong })).await;
    execute_it(child, CONFIRM, json!({ "id": id, "code": code })).await;
    assert_eq!(watch.last().await["status"], "VERIFIED");
    // Rejected by the contact's cooldown.
    assert_eq!(child.send_code(ADDRESS, PHONE).await, None);
    let sign_in = "mutation($password: String!) { it: signIn(input: { identifier: \"nobody\", password: $password }) \
                   { ... on Problem { code } } }";
    assert_eq!(execute_it(child, sign_in, json!({ "password": PASSWORD })).await["code"], "CREDENTIALS_REJECTED");
    post_receipt(child, message.header("webhook-id"), "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").await;
    // Names that clients can choose freely.
    for document in ["{ madeUp1 }", "query MadeUp2 { madeUp3: __typename }", "{ madeUp4 {", "mutation { me { id } }"] {
        child.execute(ADDRESS, document, json!({})).await.unwrap();
    }
    let token = message.header("webhook-signature").to_owned();
    (vec![id, code, token, message.header("webhook-id").to_owned()], watch)
}

/// Posts a receipt of the gateway. With another signing key it is rejected.
async fn post_receipt(child: &Child, id: &str, secret: &str) {
    let body = json!({ "id": id, "provider_message_id": format!("gw-{id}"), "status": "delivered" }).to_string();
    let now = Clock::System.now().timestamp();
    let signature = Key::parse(&Secret::new(secret)).unwrap().sign("msg_1", now, body.as_bytes());
    let request = child
        .http
        .post(format!("{}/receipts/webhook", child.url))
        .header("webhook-id", "msg_1")
        .header("webhook-timestamp", now)
        .header("webhook-signature", signature)
        .header("content-type", "application/json");
    request.body(body).send().await.unwrap();
}

/// All series of a scrape with their names and labels.
fn series(text: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (series, _) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let pairs = labels.trim_end_matches('}').split("\",").filter(|pair| !pair.is_empty());
            let labels = pairs.map(|pair| {
                let (label, value) = pair.split_once("=\"").unwrap();
                (label.to_owned(), value.trim_end_matches('"').to_owned())
            });
            (name.to_owned(), labels.collect())
        })
        .collect()
}

/// The metric that a series belongs to.
fn metric(series: &str) -> &str {
    let histograms = METRICS.iter().filter(|metric| matches!(metric.kind, Kind::Seconds(_)));
    let mut whole = histograms.filter(|metric| series.starts_with(metric.name)).map(|metric| metric.name);
    whole.find(|name| ["_bucket", "_sum", "_count"].contains(&&series[name.len()..])).unwrap_or(series)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_is_counted_and_no_user_input_is_a_label() {
    let gateway = FakeProvider::start(accept_all).await;
    let config = scraped_by(&gateway).await;
    let child = config.serve().await;
    let (mut secrets, watch) = drive(&child, &gateway).await;
    let text = scrape(&config).await;
    let all_series = series(&text);

    // Except those that need a provider with polling, a provider that checks codes, or Redis.
    let mut elsewhere = BTreeSet::from(["countersign_receipt_polls_total", "countersign_code_checks_total"]);
    elsewhere.insert("countersign_redis_outages_total");
    if !config.vars.contains_key("REDIS_URL") {
        elsewhere.insert("countersign_redis_up");
    }
    let names: BTreeSet<_> = all_series.iter().map(|(name, _)| metric(name)).collect();
    let ours = METRICS.iter().map(|metric| metric.name).filter(|name| !elsewhere.contains(name));
    let expected = ours.chain(process::METRICS.iter().map(|(name, ..)| *name));
    let missing: Vec<_> = expected.filter(|name| !names.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?} are not in\n{text}");

    // The metrics of the dashboards and alerts are present.
    for file in ["deploy/grafana/dashboards/countersign.json", "deploy/prometheus/alerts.yml"] {
        let wanted = std::fs::read_to_string(format!("{}/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let words = wanted.split(|sign: char| !sign.is_ascii_lowercase() && sign != '_');
        let words = words.filter(|word| word.starts_with("countersign_") || word.starts_with("process_"));
        let missing: BTreeSet<_> =
            words.map(metric).filter(|name| !names.contains(name) && !elsewhere.contains(name)).collect();
        assert!(missing.is_empty(), "{file} asks for {missing:?}");
    }

    secrets.extend([ADDRESS, PHONE, "1055557777", PASSWORD, "nobody", "madeUp", "MadeUp"].map(str::to_owned));
    for secret in &secrets {
        assert!(!text.contains(secret.as_str()), "{secret} is disclosed");
    }
    assert_labels(&all_series);
    assert!(all_series.len() < 600, "{} series", all_series.len());
    assert_counts(&text);
    drop(watch);
}

/// Labels are those of the table, and their values are fixed words.
fn assert_labels(all_series: &[(String, BTreeMap<String, String>)]) {
    let table: BTreeMap<_, _> = METRICS.iter().map(|metric| (metric.name, metric.labels)).collect();
    for (name, labels) in all_series {
        let known = table.get(metric(name)).copied().unwrap_or_default();
        for (label, value) in labels.iter().filter(|(label, _)| *label != "le") {
            assert!(known.contains(&label.as_str()), "{name} has a label {label}");
            let word = |sign: char| sign.is_ascii_alphanumeric() || "_-.".contains(sign);
            assert!(value.len() <= 40 && value.chars().all(word), "{name}: {label}={value}");
        }
    }
}

/// Each operation of `drive` was counted once.
fn assert_counts(text: &str) {
    let count = |series: &str| -> f64 {
        let line =
            text.lines().find(|line| line.starts_with(series)).unwrap_or_else(|| panic!("no {series} in\n{text}"));
        line.rsplit_once(' ').unwrap().1.parse().unwrap()
    };
    let expected = [
        (r#"countersign_requests_total{operation="sendVerificationCode",outcome="ok"}"#, 1.0),
        (r#"countersign_requests_total{operation="sendVerificationCode",outcome="QUOTA_EXCEEDED"}"#, 1.0),
        (r#"countersign_requests_total{operation="confirmVerificationCode",outcome="CODE_MISMATCH"}"#, 1.0),
        (r#"countersign_requests_total{operation="confirmVerificationCode",outcome="ok"}"#, 1.0),
        (r#"countersign_requests_total{operation="signIn",outcome="CREDENTIALS_REJECTED"}"#, 1.0),
        (r#"countersign_requests_total{operation="verificationStatus",outcome="ok"}"#, 1.0),
        (r#"countersign_requests_total{operation="introspection",outcome="ok"}"#, 1.0),
        // An unknown field, a truncated document, and a query field in a mutation.
        (r#"countersign_requests_total{operation="none",outcome="BAD_REQUEST"}"#, 3.0),
        (r#"countersign_verifications_started_total{purpose="CONTACT",channel="SMS"}"#, 1.0),
        (r#"countersign_verifications_total{purpose="CONTACT",channel="SMS",end="verified"}"#, 1.0),
        (r#"countersign_confirmation_seconds_count{purpose="CONTACT",channel="SMS"}"#, 1.0),
        (r#"countersign_sends_total{provider="webhook",outcome="accepted"}"#, 1.0),
        (r#"countersign_delivery_seconds_count{provider="webhook"}"#, 1.0),
        (r#"countersign_receipts_total{provider="webhook",outcome="accepted"}"#, 1.0),
        (r#"countersign_quota_refusals_total{act="send_code",quota="RESEND_COOLDOWN"}"#, 1.0),
        (r#"countersign_provider_circuit_open{provider="webhook"}"#, 0.0),
        (r#"countersign_queue_depth{queue="hashing"}"#, 0.0),
        ("countersign_hashing_seconds_count", 1.0),
        (r#"countersign_streams_open{transport="websocket"}"#, 0.0),
        ("countersign_sockets_open", 1.0),
    ];
    for (series, times) in expected {
        assert!((count(series) - times).abs() < 1e-9, "{series} is {}, not {times}", count(series));
    }
    assert!(count("countersign_connections_open") >= 1.0);
}

/// Separate listeners: the API port has no metrics, and the metrics port has no API.
#[tokio::test]
async fn op_04_metrics_have_their_own_address() {
    let gateway = FakeProvider::start(accept_all).await;
    let config = scraped_by(&gateway).await;
    let child = config.serve().await;
    assert_eq!(reqwest::get(format!("{}/metrics", child.url)).await.unwrap().status(), 404);
    for path in ["/", "/graphql", "/healthz", "/dev/outbox"] {
        let response = reqwest::get(format!("http://{}{path}", config.vars["METRICS_ADDR"])).await.unwrap();
        assert_eq!(response.status(), 404, "{path}");
    }
    child.signal("TERM");
    assert!(child.wait_exit(TEST_TIMEOUT).await.success());
    assert!(tokio::net::TcpStream::connect(&config.vars["METRICS_ADDR"]).await.is_err());
}
