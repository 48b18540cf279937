//! Cost limits while Redis is down (invariant 6): three processes divide the remainder, and the metrics show it.
//! `docs/operations.md` has the same in words.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    load::{RequestResult, execute},
    on_servers,
    servers::{Redis, free_port},
    without_quotas,
};
use crate::{
    process::{
        child::{Child, ChildConfig},
        metrics::{count, scrape, scraped},
    },
    support::TEST_TIMEOUT,
};

const SERVICE: u32 = 30;
const DESTINATION: u32 = 9;
const EMAILS: u32 = 9;
/// Less than three sends at each of three processes.
const REMAINDERS: u32 = 6;
const FALLBACKS: &str = r#"countersign_fallbacks_total{part="quotas"}"#;

/// Three processes on one database and one Redis.
struct Processes {
    plans: Vec<ChildConfig>,
    children: Vec<Child>,
    begun: Instant,
}

/// What a number of sends came to.
#[derive(Default)]
struct Sends {
    granted: u32,
    refused_by: BTreeSet<String>,
}

impl Processes {
    async fn start(redis: &Redis) -> Self {
        let begun = Instant::now();
        let config = [
            ("REDIS_URL", format!("redis://127.0.0.1:{}", redis.port)),
            ("SERVICE_HOURLY_SENDS", SERVICE.to_string()),
            ("DESTINATION_HOURLY_SENDS", DESTINATION.to_string()),
            ("SERVICE_HOURLY_EMAIL_SENDS", EMAILS.to_string()),
            ("CLIENT_EMAIL_SENDS_PER_MINUTE", "unlimited".to_owned()),
        ]
        .into_iter()
        .fold(without_quotas().await, |config, (name, value)| config.with(name, &value));
        let address = || format!("127.0.0.1:{}", free_port());
        let others =
            [config.second_process(), config.second_process()].map(|config| config.with("LISTEN_ADDR", &address()));
        let plans: Vec<_> = [config].into_iter().chain(others).map(scraped).collect();
        let mut children = Vec::new();
        for config in &plans {
            children.push(config.serve().await);
        }
        Self { plans, children, begun }
    }

    /// Waits until each process has counted the others. It writes its row, then counts the rows: one that was written twice
    /// since all processes run was counted after once.
    async fn wait_until_all_are_known(&self) {
        const ROWS: &str = "SELECT process || ' ' || CAST(last_seen_at AS TEXT) FROM process_keys";
        let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let deadline = Instant::now() + TEST_TIMEOUT;
        while seen.len() < 3 || seen.values().any(|times| times.len() < 3) {
            assert!(Instant::now() < deadline, "{seen:?}");
            for row in self.plans[0].column(ROWS).await {
                let (process, at) = row.split_once(' ').unwrap();
                seen.entry(process.to_owned()).or_default().insert(at.to_owned());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// One send by each process in turn to each of these contacts.
    async fn send(&self, contacts: impl IntoIterator<Item = String>) -> Sends {
        let mut sends = Sends::default();
        for (at, contact) in contacts.into_iter().enumerate() {
            let document = format!(
                "mutation {{ it: sendVerificationCode(input: {{ purpose: CONTACT, to: {{ {contact} }} }}) \
                 {{ __typename ... on QuotaExceeded {{ quota }} }} }}"
            );
            match execute(&self.children[at % 3], &document, json!({})).await {
                RequestResult::Data(it) if it["__typename"] == "SendVerificationCodePayload" => sends.granted += 1,
                RequestResult::Data(it) if it["__typename"] == "QuotaExceeded" => {
                    sends.refused_by.insert(it["quota"].as_str().unwrap().to_owned());
                }
                other => panic!("{contact}: {other:?}"),
            }
        }
        sends
    }

    /// The maximum number that an hourly limit can have granted since the start, with what was refilled since.
    fn max_granted(&self, limit: u32) -> u32 {
        limit + (f64::from(limit) * self.begun.elapsed().as_secs_f64() / 3600.0).ceil() as u32
    }

    /// Waits until the metrics of every process have this value of `countersign_redis_up`.
    async fn wait_for_redis_metric(&self, up: u64) {
        let deadline = Instant::now() + TEST_TIMEOUT;
        for config in &self.plans {
            while count(&scrape(config).await, "countersign_redis_up") != Some(up) {
                assert!(Instant::now() < deadline, "{}", config.log_text());
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Numbers of one destination prefix, which is the country code and four digits.
fn numbers(prefix: u32, first: u32, count: u32) -> impl Iterator<Item = String> {
    (first..first + count).map(move |number| format!("phone: \"+8210{prefix}{number:06}\""))
}

fn mailboxes(first: u32, count: u32) -> impl Iterator<Item = String> {
    (first..first + count).map(|number| format!("email: \"member{number}@example.com\""))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd_04_three_processes_without_redis_stay_within_the_limits_on_money() {
    const WHAT: &str = "limits on money hold while Redis is down";
    if !on_servers(WHAT) {
        return;
    }
    let Some(mut redis) = Redis::start(WHAT) else { return };
    let processes = Processes::start(&redis).await;
    processes.wait_until_all_are_known().await;
    let with_redis = processes.send(numbers(22, 0, 3)).await.granted;
    let mut emails = processes.send(mailboxes(0, 3)).await.granted;
    assert_eq!((with_redis, emails), (3, 3));
    processes.wait_for_redis_metric(1).await;

    redis.down();
    let destination = processes.send(numbers(22, 100, 15)).await;
    assert!(with_redis + destination.granted <= processes.max_granted(DESTINATION), "{}", destination.granted);
    assert!(destination.granted >= 3, "each process grants its share: {}", destination.granted);
    assert!(destination.refused_by.contains("DESTINATION_PREFIX"), "{:?}", destination.refused_by);

    let sends = processes.send(mailboxes(100, 15)).await;
    emails += sends.granted;
    assert!(emails <= processes.max_granted(EMAILS) && sends.granted >= 3, "{emails} of {EMAILS}");
    assert!(sends.refused_by.contains("SERVICE"), "{:?}", sends.refused_by);

    // Every prefix has a limit of its own: the one of the service, which counts e-mails too, is reached.
    let mut service = with_redis + destination.granted + emails;
    let mut refused_by = BTreeSet::new();
    for prefix in 23..=28 {
        let sends = processes.send(numbers(prefix, 0, 9)).await;
        service += sends.granted;
        refused_by.extend(sends.refused_by);
    }
    assert!(service <= processes.max_granted(SERVICE) && service >= SERVICE - 6, "{service} of {SERVICE}");
    assert!(refused_by.contains("SERVICE"), "{refused_by:?}");

    processes.wait_for_redis_metric(0).await;
    for config in &processes.plans {
        let fallbacks = count(&scrape(config).await, FALLBACKS);
        assert!(fallbacks.is_some_and(|times| times > 0), "{fallbacks:?}: {}", config.log_text());
    }

    // An empty Redis comes back. Each process remembers that its share is used up, except for the remainder of the
    // division by three.
    assert!(redis.up());
    processes.wait_for_redis_metric(1).await;
    service += processes.send(numbers(29, 0, 9)).await.granted;
    let late_emails = processes.send(mailboxes(200, 9)).await.granted;
    emails += late_emails;
    service += late_emails;
    assert!(service <= processes.max_granted(SERVICE) + REMAINDERS, "{service} of {SERVICE}");
    assert!(emails <= processes.max_granted(EMAILS) + REMAINDERS, "{emails} of {EMAILS}");
}
