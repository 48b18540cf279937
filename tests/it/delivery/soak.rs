//! Many sends through a provider that is slow, fails, times out, throttles, tells twice, and dies in the middle. All of
//! it by one seed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::ChaCha20Rng};
use serde_json::{Value, json};

use super::{
    carrier::{Act, Carrier},
    setup::{Carried, SECRET, TWILIO_TOKEN, by, gateway_tells, number, phone, twilio_tells},
};
use crate::{
    providers::double::{Reply, Seen},
    support::{Person, TestApp},
};

const SEED: u64 = 20_260_302;

/// How many messages; `COUNTERSIGN_SOAK=5000` for all of them.
fn sends() -> usize {
    crate::support::given("COUNTERSIGN_SOAK").and_then(|count| count.parse().ok()).unwrap_or(300)
}

/// What a provider did with each number: what it took, and what it is going to tell of it.
#[derive(Default)]
struct Ledger {
    took: BTreeMap<String, Vec<String>>,
    /// Requests that were taken and never answered.
    unanswered: BTreeSet<String>,
    asked: BTreeMap<String, usize>,
    in_turn: Vec<(String, Told)>,
}

#[derive(Clone)]
enum Told {
    Twilio { delivery: String, sid: String },
    Gateway { id: String },
}

/// Behaves as chance has it; the same number may be asked for again where nothing was taken.
fn whims(ledger: &Arc<Mutex<Ledger>>, seed: u64) -> impl FnMut(&Seen) -> Act + Send + use<> {
    let (ledger, mut chance) = (Arc::clone(ledger), ChaCha20Rng::seed_from_u64(seed));
    move |seen| {
        let to = number(seen);
        let mut ledger = ledger.lock().unwrap();
        *ledger.asked.entry(to.clone()).or_default() += 1;
        let twilio = seen.line.ends_with("/Messages.json");
        let (id, told) = if twilio {
            let sid = format!("SM{:032x}", chance.random::<u128>());
            let callback = seen.form()["StatusCallback"].clone();
            let delivery = callback.split_once("delivery=").unwrap().1.to_owned();
            (sid.clone(), Told::Twilio { delivery, sid })
        } else {
            let id = seen.header("webhook-id").to_owned();
            (id.clone(), Told::Gateway { id })
        };
        let pause = Duration::from_millis(chance.random_range(0..40));
        let took = |ledger: &mut Ledger| {
            let taken = ledger.took.entry(to.clone()).or_default();
            // The gateway takes what it took before for the same.
            if twilio || !taken.contains(&id) {
                taken.push(id.clone());
            }
            ledger.in_turn.push((to.clone(), told.clone()));
        };
        match chance.random_range(0..100) {
            0..10 => Act::SayAfter(pause, Reply::text(503, "")),
            10..14 => Act::Say(Reply::text(429, "").with("retry-after", "1")),
            14..16 => {
                took(&mut ledger);
                ledger.unanswered.insert(to.clone());
                Act::Hang
            }
            16..18 => {
                took(&mut ledger);
                ledger.unanswered.insert(to.clone());
                Act::Drop
            }
            _ => {
                took(&mut ledger);
                let answer = if twilio { json!({ "sid": id }) } else { json!({ "provider_message_id": id }) };
                Act::SayAfter(pause, Reply::json(201, &answer))
            }
        }
    }
}

/// What arrived once has arrived, whatever else was told.
fn learn(told: &mut BTreeMap<String, &'static str>, news: BTreeMap<String, &'static str>) {
    for (to, word) in news {
        let known = told.entry(to).or_insert(word);
        if word == "delivered" {
            *known = word;
        }
    }
}

/// Tells what the providers took so far: most of it once or twice, in any order, some of it never.
async fn tell(app: &TestApp, ledger: &Mutex<Ledger>, chance: &mut ChaCha20Rng) -> BTreeMap<String, &'static str> {
    let mut final_word = BTreeMap::new();
    let told = std::mem::take(&mut ledger.lock().unwrap().in_turn);
    for (to, told) in told {
        let end = match chance.random_range(0..10) {
            0..6 => "delivered",
            6..8 => "undelivered",
            _ => continue,
        };
        // What arrived once has arrived.
        let word = final_word.entry(to).or_insert(end);
        if end == "delivered" {
            *word = end;
        }
        for status in ["sent", end, end, "sent"].into_iter().take(chance.random_range(2..=4)) {
            let taken = match &told {
                Told::Twilio { delivery, sid } => twilio_tells(app, delivery, sid, status).await,
                Told::Gateway { id } => gateway_tells(app, &json!({ "id": id, "status": status }), SECRET).await,
            };
            assert_eq!(taken, 200);
        }
    }
    final_word
}

async fn statuses(visitor: &Person, ids: &BTreeMap<String, Value>) -> BTreeMap<String, String> {
    let mut statuses = BTreeMap::new();
    for (to, id) in ids {
        let status = visitor.verification(id).await["delivery"]["status"].as_str().unwrap().to_owned();
        statuses.insert(to.clone(), status);
    }
    statuses
}

/// `idempotent`: whether a message that is handed over twice arrives once.
async fn soak(providers: &str, idempotent: bool) {
    assert_eq!(TWILIO_TOKEN.len(), 32);
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let mut carrier = Carrier::start(whims(&ledger, SEED)).await;
    let app = by(providers)
        .await
        .with("DISPATCH_CONCURRENCY", "32")
        .with("PROVIDER_CONCURRENCY", "32")
        .gateway(&carrier)
        .twilio(&carrier)
        .start()
        .await;
    let mut chance = ChaCha20Rng::seed_from_u64(SEED + 1);
    let count = sends();
    let mut ids = BTreeMap::new();
    let mut told = BTreeMap::new();
    for number in 0..count {
        let visitor = app.person_at(&format!("198.51.{}.{}", number / 250, number % 250));
        let to = phone(number);
        ids.insert(to.clone(), visitor.send_code_to(&to).await["id"].clone());
        if number == count / 3 {
            carrier.kill();
        } else if number == count / 2 {
            carrier.revive().await;
        }
        if number % 50 == 49 {
            app.advance(Duration::from_secs(1));
            learn(&mut told, tell(&app, &ledger, &mut chance).await);
        }
    }
    let visitor = app.anonymous();
    // By then the last code has expired, and its message is sent or failed.
    let deadline = app.now() + Duration::from_secs(6 * 60);
    let mut waiting = ids.clone();
    while !waiting.is_empty() {
        assert!(app.now() < deadline, "{} still wait", waiting.len());
        // The later tries of a message are minutes apart.
        app.advance(Duration::from_secs(6));
        tokio::time::sleep(Duration::from_millis(600)).await;
        learn(&mut told, tell(&app, &ledger, &mut chance).await);
        let shown = statuses(&visitor, &waiting).await;
        waiting.retain(|to, _| shown[to] == "QUEUED");
    }
    learn(&mut told, tell(&app, &ledger, &mut chance).await);
    let shown = statuses(&visitor, &ids).await;
    {
        let ledger = ledger.lock().unwrap();
        for (to, status) in &shown {
            let took = ledger.took.get(to).map_or(0, Vec::len);
            assert!(took <= 1, "{to} was sent {took} times");
            assert!(ledger.asked.get(to).copied().unwrap_or_default() <= 6, "{to} was asked for too often");
            let said = told.get(to).copied();
            let is_true = match status.as_str() {
                "DELIVERED" => said == Some("delivered"),
                "UNDELIVERED" => said == Some("undelivered"),
                "SENT" => took == 1 && said.is_none(),
                // The answer was lost: with the connection, or by the death in the middle.
                "UNKNOWN" => !idempotent && said.is_none(),
                "FAILED" => took == 0 || ledger.unanswered.contains(to),
                other => panic!("{to}: {other}"),
            };
            assert!(is_true, "{to}: {status}, taken {took} times, told {said:?}");
        }
    }
    let arrived = shown.values().filter(|status| ["SENT", "DELIVERED"].contains(&status.as_str())).count();
    assert!(arrived * 10 > count * 6, "{arrived} of {count}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dl_01_dl_02_nothing_is_lost_or_sent_twice_by_a_provider_that_knows_messages_by_their_id() {
    soak("webhook", true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dl_01_dl_02_nothing_is_lost_or_sent_twice_by_a_provider_that_does_not() {
    soak("twilio", false).await;
}
