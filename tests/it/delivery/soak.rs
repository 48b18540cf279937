//! Many sends through a provider that is slow, fails, times out, throttles, sends duplicate receipts and is killed
//! halfway. Everything is derived from one seed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use domain::ids::DeliveryId;
use futures_util::{StreamExt, stream};
use rand::{RngExt, SeedableRng, rngs::ChaCha20Rng};
use serde_json::{Value, json};
use store::Store;

use super::{
    fake_provider::{Action, FakeProvider},
    setup::{
        ProviderSettings, SECRET, TWILIO_TOKEN, number, phone, post_gateway_receipt, post_twilio_receipt, store,
        with_providers,
    },
};
use crate::{
    providers::double::{RecordedRequest, Reply},
    support::{ApiClient, TEST_TIMEOUT, TestApp, env_var},
};

const SEED: u64 = 20_260_302;

/// Sends between two advances of the clock, and how many of them are concurrent.
const CHUNK: usize = 10;
const AT_ONCE: usize = 8;

/// The maximum number of tries of one message, over all providers.
const MAX_TRIES: i32 = 6;

/// The number of messages: 5,000 on SQLite, where a database costs least; elsewhere enough to show races.
/// `COUNTERSIGN_SOAK=5000` sets the number for any database.
fn sends(on_sqlite: usize) -> usize {
    const ELSEWHERE: usize = 300;
    let usual = if env_var("COUNTERSIGN_TEST_DATABASE_URL").is_none() { on_sqlite } else { ELSEWHERE };
    env_var("COUNTERSIGN_SOAK").and_then(|count| count.parse().ok()).unwrap_or(usual)
}

/// What a provider did with each number: accepted messages, request counts and pending receipts.
#[derive(Default)]
struct ProviderRecord {
    accepted: BTreeMap<String, Vec<String>>,
    requests: BTreeMap<String, usize>,
    pending_receipts: Vec<(String, PendingReceipt)>,
}

#[derive(Clone)]
enum PendingReceipt {
    Twilio { delivery: String, sid: String },
    Gateway { id: String },
}

/// The random outcome for one number and try, independent of the order of requests.
fn random_outcome(seed: u64, to: &str, time: usize) -> ChaCha20Rng {
    let number: u64 = to.trim_start_matches('+').parse().unwrap();
    ChaCha20Rng::seed_from_u64(seed ^ (number << 8) ^ time as u64)
}

/// Random behaviour. The same number may be requested again if nothing was accepted.
fn random_behaviour(
    record: &Arc<Mutex<ProviderRecord>>,
    seed: u64,
) -> impl FnMut(&RecordedRequest) -> Action + Send + use<> {
    let record = Arc::clone(record);
    move |seen| {
        let to = number(seen);
        let mut record = record.lock().unwrap();
        let request_count = record.requests.entry(to.clone()).or_default();
        *request_count += 1;
        let mut rng = random_outcome(seed, &to, *request_count);
        let twilio = seen.line.ends_with("/Messages.json");
        let (id, reported) = if twilio {
            let sid = format!("SM{:032x}", rng.random::<u128>());
            let callback = seen.form()["StatusCallback"].clone();
            let delivery = callback.split_once("delivery=").unwrap().1.to_owned();
            (sid.clone(), PendingReceipt::Twilio { delivery, sid })
        } else {
            let id = seen.header("webhook-id").to_owned();
            (id.clone(), PendingReceipt::Gateway { id })
        };
        let pause = Duration::from_millis(rng.random_range(0..40));
        let accept = |record: &mut ProviderRecord| {
            let accepted = record.accepted.entry(to.clone()).or_default();
            // The gateway is idempotent.
            if twilio || !accepted.contains(&id) {
                accepted.push(id.clone());
            }
            record.pending_receipts.push((to.clone(), reported.clone()));
        };
        match rng.random_range(0..100) {
            0..10 => Action::RespondAfter(pause, Reply::text(503, "")),
            10..14 => Action::Respond(Reply::text(429, "").with("retry-after", "1")),
            14..16 => {
                accept(&mut record);
                Action::Hang
            }
            16..18 => {
                accept(&mut record);
                Action::Drop
            }
            _ => {
                accept(&mut record);
                let response = if twilio { json!({ "sid": id }) } else { json!({ "provider_message_id": id }) };
                Action::RespondAfter(pause, Reply::json(201, &response))
            }
        }
    }
}

/// A delivered message stays delivered, whatever other receipts say.
fn merge_receipts(reported: &mut BTreeMap<String, &'static str>, receipts: BTreeMap<String, &'static str>) {
    for (to, reported_status) in receipts {
        let known = reported.entry(to).or_insert(reported_status);
        if reported_status == "delivered" {
            *known = reported_status;
        }
    }
}

/// Posts receipts for the accepted messages: most once or twice, in any order, some never.
async fn post_receipts(
    app: &TestApp,
    record: &Mutex<ProviderRecord>,
    rng: &mut ChaCha20Rng,
) -> BTreeMap<String, &'static str> {
    let mut final_status = BTreeMap::new();
    let accepted = std::mem::take(&mut record.lock().unwrap().pending_receipts);
    let mut receipts = Vec::new();
    for (to, reported) in accepted {
        let end = match rng.random_range(0..10) {
            0..6 => "delivered",
            6..8 => "undelivered",
            _ => continue,
        };
        // A delivered message stays delivered.
        let reported_status = final_status.entry(to).or_insert(end);
        if end == "delivered" {
            *reported_status = end;
        }
        receipts.push((reported, end, rng.random_range(2..=4)));
    }
    stream::iter(receipts)
        .for_each_concurrent(AT_ONCE, async |(reported, end, times)| {
            for status in ["sent", end, end, "sent"].into_iter().take(times) {
                let accepted = match &reported {
                    PendingReceipt::Twilio { delivery, sid } => post_twilio_receipt(app, delivery, sid, status).await,
                    PendingReceipt::Gateway { id } => {
                        post_gateway_receipt(app, &json!({ "id": id, "status": status }), SECRET).await
                    }
                };
                assert_eq!(accepted, 200);
            }
        })
        .await;
    final_status
}

/// Waits until no message is in progress and returns how many are due: those that wait for a provider's short
/// `Retry-After`.
async fn wait_until_idle(app: &TestApp, provider: &FakeProvider, database: &Store) -> u64 {
    let deadline = tokio::time::Instant::now() + 2 * TEST_TIMEOUT;
    let mut request_count = 0;
    loop {
        let now = app.now();
        let due = database.count_due_deliveries(now).await.unwrap();
        let in_progress = database.abandoned_deliveries(1, now + Duration::from_secs(3600)).await.unwrap();
        let before = std::mem::replace(&mut request_count, provider.request_count());
        match in_progress.is_empty() {
            true if due == 0 || before == request_count => return due,
            // Longer than the interval between two polling cycles.
            true => tokio::time::sleep(Duration::from_millis(600)).await,
            false => tokio::time::sleep(Duration::from_millis(20)).await,
        }
        assert!(tokio::time::Instant::now() < deadline, "{due} are due, in progress: {in_progress:?}");
    }
}

/// The numbers whose message has an unknown outcome and could not be retried: the maximum number of tries was reached,
/// or the lifetime ended before the next try.
async fn not_retryable(app: &TestApp, database: &Store) -> BTreeSet<String> {
    let mut numbers = BTreeSet::new();
    for id in app.column("SELECT id FROM delivery WHERE status = 'UNKNOWN'").await {
        let row = database.delivery(&DeliveryId::parse(&id).unwrap()).await.unwrap().unwrap();
        let left = u32::try_from(MAX_TRIES - row.tries).unwrap();
        let longest_wait = (row.expires_at - row.created_at) / 2_i32.pow(left);
        if left == 0 || row.updated_at + longest_wait >= row.expires_at {
            numbers.insert(row.contact);
        }
    }
    numbers
}

/// The delivery status of each verification.
async fn statuses(client: &ApiClient, ids: &BTreeMap<String, Value>) -> BTreeMap<String, String> {
    let shown = ids.iter().map(async |(to, id)| {
        let status = client.verification(id).await["delivery"]["status"].as_str().unwrap().to_owned();
        (to.clone(), status)
    });
    stream::iter(shown).buffer_unordered(AT_ONCE).collect().await
}

/// Posts receipts and advances the clock until no message is queued.
async fn deliver_all(
    app: &TestApp,
    provider: &FakeProvider,
    database: &Store,
    record: &Mutex<ProviderRecord>,
    rng: &mut ChaCha20Rng,
) -> BTreeMap<String, &'static str> {
    let mut reported = BTreeMap::new();
    // By then the last code has expired, and its message is sent or failed.
    let deadline = app.now() + Duration::from_secs(6 * 60);
    loop {
        let due = wait_until_idle(app, provider, database).await;
        merge_receipts(&mut reported, post_receipts(app, record, rng).await);
        let waiting = app.column("SELECT id FROM delivery WHERE status = 'QUEUED'").await.len();
        if waiting == 0 {
            return reported;
        }
        assert!(app.now() < deadline, "{waiting} are still queued");
        // The later tries of a message are minutes apart.
        app.advance(Duration::from_secs(if due > 0 { 1 } else { 5 }));
    }
}

/// Each status agrees with what the provider received and reported.
fn assert_statuses(
    statuses: &BTreeMap<String, String>,
    record: &ProviderRecord,
    reported: &BTreeMap<String, &'static str>,
    exhausted: &BTreeSet<String>,
    idempotent: bool,
) {
    for (to, status) in statuses {
        let accepted_count = record.accepted.get(to).map_or(0, Vec::len);
        assert!(accepted_count <= 1, "{to} was sent {accepted_count} times");
        let request_count = record.requests.get(to).copied().unwrap_or_default();
        assert!(request_count <= MAX_TRIES as usize, "{to} was requested too often");
        let receipt = reported.get(to).copied();
        let is_true = match status.as_str() {
            "DELIVERED" => receipt == Some("delivered"),
            "UNDELIVERED" => receipt == Some("undelivered"),
            "SENT" => accepted_count == 1 && receipt.is_none(),
            // The response was lost, with the connection or by the kill. An idempotent provider then got the request
            // again if there was time.
            "UNKNOWN" => receipt.is_none() && (!idempotent || request_count > 1 || exhausted.contains(to)),
            "FAILED" => accepted_count == 0,
            other => panic!("{to}: {other}"),
        };
        assert!(
            is_true,
            "{to}: {status}, requested {request_count} times, accepted {accepted_count} times, receipts {receipt:?}"
        );
    }
}

/// `idempotent`: whether the provider deduplicates messages by their id.
async fn soak(providers: &str, count: usize, idempotent: bool) {
    assert_eq!(TWILIO_TOKEN.len(), 32);
    let record = Arc::new(Mutex::new(ProviderRecord::default()));
    let mut provider = FakeProvider::start(random_behaviour(&record, SEED)).await;
    let app = with_providers(providers)
        .await
        .with("DISPATCH_CONCURRENCY", "32")
        .with("PROVIDER_CONCURRENCY", "32")
        .gateway(&provider)
        .twilio(&provider)
        .start()
        .await;
    let database = store(&app).await;
    let mut rng = ChaCha20Rng::seed_from_u64(SEED + 1);
    let mut ids = BTreeMap::new();
    let mut reported = BTreeMap::new();
    for first in (0..count).step_by(CHUNK) {
        let sent = (first..count.min(first + CHUNK)).map(async |number| {
            let client = app.client_at(&format!("198.51.{}.{}", number / 250, number % 250));
            let to = phone(number);
            let id = client.send_code_to(&to).await["id"].clone();
            (to, id)
        });
        ids.extend(stream::iter(sent).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await);
        let chunk = first / CHUNK;
        if chunk == count / CHUNK / 3 {
            provider.kill();
        } else if chunk == count / CHUNK / 2 {
            provider.restart().await;
        }
        app.advance(Duration::from_secs(1));
        merge_receipts(&mut reported, post_receipts(&app, &record, &mut rng).await);
    }
    let last = deliver_all(&app, &provider, &database, &record, &mut rng).await;
    merge_receipts(&mut reported, last);
    let shown = statuses(&app.anonymous(), &ids).await;
    assert_eq!(shown.len(), count);
    let exhausted = not_retryable(&app, &database).await;
    assert_statuses(&shown, &record.lock().unwrap(), &reported, &exhausted, idempotent);
    let mut counts = BTreeMap::<_, usize>::new();
    for status in shown.values() {
        *counts.entry(status.as_str()).or_default() += 1;
    }
    println!("{count} messages by {providers}: {counts:?}");
    let arrived = shown.values().filter(|status| ["SENT", "DELIVERED"].contains(&status.as_str())).count();
    assert!(arrived * 10 > count * 6, "{counts:?}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dl_01_dl_02_nothing_is_lost_or_sent_twice_by_an_idempotent_provider() {
    soak("webhook", sends(5000), true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dl_01_dl_02_nothing_is_lost_or_sent_twice_by_a_provider_without_idempotency() {
    soak("twilio", sends(300), false).await;
}
