//! Many sends through a provider that is slow, fails, times out, throttles, tells twice, and dies in the middle. All of
//! it by one seed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use countersign::{ids::DeliveryId, store::Store};
use futures_util::{StreamExt, stream};
use rand::{RngExt, SeedableRng, rngs::ChaCha20Rng};
use serde_json::{Value, json};

use super::{
    carrier::{Act, Carrier},
    setup::{Carried, SECRET, TWILIO_TOKEN, by, gateway_tells, number, phone, store, twilio_tells},
};
use crate::{
    providers::double::{Reply, Seen},
    support::{ApiClient, TEST_TIMEOUT, TestApp, env_var},
};

const SEED: u64 = 20_260_302;

/// Sends between two steps of the clock, and how many of them at once.
const CHUNK: usize = 10;
const AT_ONCE: usize = 8;

/// Times that one message is handed over, by all accounts.
const MOST_TRIES: i32 = 6;

/// How many messages: 5,000 where a database costs least; elsewhere as many as show a race. All of them
/// anywhere by `COUNTERSIGN_SOAK=5000`.
fn sends(on_sqlite: usize) -> usize {
    const ELSEWHERE: usize = 300;
    let usual = if env_var("COUNTERSIGN_TEST_DATABASE_URL").is_none() { on_sqlite } else { ELSEWHERE };
    env_var("COUNTERSIGN_SOAK").and_then(|count| count.parse().ok()).unwrap_or(usual)
}

/// What a provider did with each number: what it took, and what it is going to tell of it.
#[derive(Default)]
struct Ledger {
    took: BTreeMap<String, Vec<String>>,
    asked: BTreeMap<String, usize>,
    in_turn: Vec<(String, Told)>,
}

#[derive(Clone)]
enum Told {
    Twilio { delivery: String, sid: String },
    Gateway { id: String },
}

/// What happens to one number at one time it is asked for, in whatever order the requests come.
fn fate(seed: u64, to: &str, time: usize) -> ChaCha20Rng {
    let number: u64 = to.trim_start_matches('+').parse().unwrap();
    ChaCha20Rng::seed_from_u64(seed ^ (number << 8) ^ time as u64)
}

/// Behaves as chance has it; the same number may be asked for again where nothing was taken.
fn whims(ledger: &Arc<Mutex<Ledger>>, seed: u64) -> impl FnMut(&Seen) -> Act + Send + use<> {
    let ledger = Arc::clone(ledger);
    move |seen| {
        let to = number(seen);
        let mut ledger = ledger.lock().unwrap();
        let asked = ledger.asked.entry(to.clone()).or_default();
        *asked += 1;
        let mut chance = fate(seed, &to, *asked);
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
                Act::Hang
            }
            16..18 => {
                took(&mut ledger);
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
    let taken = std::mem::take(&mut ledger.lock().unwrap().in_turn);
    let mut receipts = Vec::new();
    for (to, told) in taken {
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
        receipts.push((told, end, chance.random_range(2..=4)));
    }
    stream::iter(receipts)
        .for_each_concurrent(AT_ONCE, async |(told, end, times)| {
            for status in ["sent", end, end, "sent"].into_iter().take(times) {
                let taken = match &told {
                    Told::Twilio { delivery, sid } => twilio_tells(app, delivery, sid, status).await,
                    Told::Gateway { id } => gateway_tells(app, &json!({ "id": id, "status": status }), SECRET).await,
                };
                assert_eq!(taken, 200);
            }
        })
        .await;
    final_word
}

/// Waits until nothing is in hand, and says how much is due: what is left where it is while its provider rests for a
/// moment.
async fn due_and_left(app: &TestApp, carrier: &Carrier, database: &Store) -> u64 {
    let deadline = tokio::time::Instant::now() + 2 * TEST_TIMEOUT;
    let mut asked = 0;
    loop {
        let now = app.now();
        let due = database.count_due_deliveries(now).await.unwrap();
        let in_hand = database.abandoned_deliveries(1, now + Duration::from_secs(3600)).await.unwrap();
        let before = std::mem::replace(&mut asked, carrier.asked());
        match in_hand.is_empty() {
            true if due == 0 || before == asked => return due,
            // Longer than from one sweep to the next.
            true => tokio::time::sleep(Duration::from_millis(600)).await,
            false => tokio::time::sleep(Duration::from_millis(20)).await,
        }
        assert!(tokio::time::Instant::now() < deadline, "{due} are due, in hand: {in_hand:?}");
    }
}

/// The numbers whose message nobody knows the fate of, and that could not be asked for again: it was tried as often as
/// any is, or its time was over before the next try.
async fn could_not_try_again(app: &TestApp, database: &Store) -> BTreeSet<String> {
    let mut numbers = BTreeSet::new();
    for id in app.column("SELECT id FROM delivery WHERE status = 'UNKNOWN'").await {
        let row = database.delivery(&DeliveryId::parse(&id).unwrap()).await.unwrap().unwrap();
        let left = u32::try_from(MOST_TRIES - row.tries).unwrap();
        let longest_wait = (row.expires_at - row.created_at) / 2_i32.pow(left);
        if left == 0 || row.updated_at + longest_wait >= row.expires_at {
            numbers.insert(row.contact);
        }
    }
    numbers
}

/// What the page shows of each.
async fn statuses(visitor: &ApiClient, ids: &BTreeMap<String, Value>) -> BTreeMap<String, String> {
    let shown = ids.iter().map(async |(to, id)| {
        let status = visitor.verification(id).await["delivery"]["status"].as_str().unwrap().to_owned();
        (to.clone(), status)
    });
    stream::iter(shown).buffer_unordered(AT_ONCE).collect().await
}

/// `idempotent`: whether a message that is handed over twice arrives once.
async fn soak(providers: &str, count: usize, idempotent: bool) {
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
    let database = store(&app).await;
    let mut chance = ChaCha20Rng::seed_from_u64(SEED + 1);
    let mut ids = BTreeMap::new();
    let mut told = BTreeMap::new();
    for first in (0..count).step_by(CHUNK) {
        let sent = (first..count.min(first + CHUNK)).map(async |number| {
            let visitor = app.client_at(&format!("198.51.{}.{}", number / 250, number % 250));
            let to = phone(number);
            let id = visitor.send_code_to(&to).await["id"].clone();
            (to, id)
        });
        ids.extend(stream::iter(sent).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await);
        let chunk = first / CHUNK;
        if chunk == count / CHUNK / 3 {
            carrier.kill();
        } else if chunk == count / CHUNK / 2 {
            carrier.revive().await;
        }
        app.advance(Duration::from_secs(1));
        learn(&mut told, tell(&app, &ledger, &mut chance).await);
    }
    // By then the last code has expired, and its message is sent or failed.
    let deadline = app.now() + Duration::from_secs(6 * 60);
    loop {
        let due = due_and_left(&app, &carrier, &database).await;
        learn(&mut told, tell(&app, &ledger, &mut chance).await);
        let waiting = app.column("SELECT id FROM delivery WHERE status = 'QUEUED'").await.len();
        if waiting == 0 {
            break;
        }
        assert!(app.now() < deadline, "{waiting} still wait");
        // The later tries of a message are minutes apart.
        app.advance(Duration::from_secs(if due > 0 { 1 } else { 5 }));
    }
    let shown = statuses(&app.anonymous(), &ids).await;
    assert_eq!(shown.len(), count);
    let given_up = could_not_try_again(&app, &database).await;
    {
        let ledger = ledger.lock().unwrap();
        for (to, status) in &shown {
            let took = ledger.took.get(to).map_or(0, Vec::len);
            assert!(took <= 1, "{to} was sent {took} times");
            let asked = ledger.asked.get(to).copied().unwrap_or_default();
            assert!(asked <= MOST_TRIES as usize, "{to} was asked for too often");
            let said = told.get(to).copied();
            let is_true = match status.as_str() {
                "DELIVERED" => said == Some("delivered"),
                "UNDELIVERED" => said == Some("undelivered"),
                "SENT" => took == 1 && said.is_none(),
                // The answer was lost: with the connection, or by the death in the middle. Who takes a message once was
                // asked again then, as long as there was time.
                "UNKNOWN" => said.is_none() && (!idempotent || asked > 1 || given_up.contains(to)),
                "FAILED" => took == 0,
                other => panic!("{to}: {other}"),
            };
            assert!(is_true, "{to}: {status}, asked {asked} times, taken {took} times, told {said:?}");
        }
    }
    let mut tally = BTreeMap::<_, usize>::new();
    for status in shown.values() {
        *tally.entry(status.as_str()).or_default() += 1;
    }
    println!("{count} messages by {providers}: {tally:?}");
    let arrived = shown.values().filter(|status| ["SENT", "DELIVERED"].contains(&status.as_str())).count();
    assert!(arrived * 10 > count * 6, "{tally:?}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dl_01_dl_02_nothing_is_lost_or_sent_twice_by_a_provider_that_knows_messages_by_their_id() {
    soak("webhook", sends(5000), true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dl_01_dl_02_nothing_is_lost_or_sent_twice_by_a_provider_that_does_not() {
    soak("twilio", sends(300), false).await;
}
