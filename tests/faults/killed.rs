//! SIGKILL with five hundred sends and confirmations in flight (FD-01).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use tokio::task::JoinHandle;

use super::{
    load::{RequestResult, confirm, phone, read_verification, send, timed, until, until_settled},
    without_quotas,
};
use crate::{
    delivery::{
        fake_provider::FakeProvider,
        setup::{SECRET, accept_all, code, number},
    },
    process::child::Child,
    support::TEST_TIMEOUT,
};

const HALF: usize = 250;

/// A request of the load: of the phone number at this position in its half, with its response.
type LoadResult = (usize, LoadRequest, RequestResult);

#[derive(Clone, Copy)]
enum LoadRequest {
    Send,
    Confirm,
}

/// What a gateway received, by number.
fn received(gateway: &FakeProvider) -> BTreeMap<String, (BTreeSet<String>, String)> {
    let mut received: BTreeMap<String, (BTreeSet<String>, String)> = BTreeMap::new();
    for seen in gateway.requests() {
        let (ids, sent_messages) = received.entry(number(&seen)).or_default();
        ids.insert(seen.header("webhook-id").to_owned());
        *sent_messages = code(&seen);
    }
    received
}

/// Sends the first half and waits for its codes. Returns the id and the code of each verification.
async fn send_first_half(child: &Child, gateway: &FakeProvider) -> Vec<(String, String)> {
    let sends = (0..HALF).map(|at| async move { send(child, &phone(at)).await.id().unwrap() });
    let ids = join_all(sends).await;
    until("the first half sent", TEST_TIMEOUT, || async { (received(gateway).len() >= HALF).then_some(()) }).await;
    let received = received(gateway);
    ids.into_iter().enumerate().map(|(at, id)| (id, received[&phone(at)].1.clone())).collect()
}

/// Starts the sends of the second half and the confirmations of the first, concurrently.
fn start_load(
    child: &Arc<Child>,
    codes: &[(String, String)],
    answered: &Arc<AtomicUsize>,
) -> Vec<JoinHandle<LoadResult>> {
    let start = |at: usize, request: LoadRequest| {
        let (child, answered, (id, code)) = (Arc::clone(child), Arc::clone(answered), codes[at].clone());
        tokio::spawn(async move {
            let response = match request {
                LoadRequest::Send => send(&child, &phone(HALF + at)).await,
                LoadRequest::Confirm => confirm(&child, &id, &code).await,
            };
            answered.fetch_add(usize::from(response != RequestResult::NoResponse), Ordering::SeqCst);
            (at, request, response)
        })
    };
    (0..HALF).flat_map(|at| [start(at, LoadRequest::Send), start(at, LoadRequest::Confirm)]).collect()
}

/// A message with a status is what the gateway received, and no message has two ids.
async fn assert_sent(child: &Child, gateway: &FakeProvider, sent: &[(usize, String)]) {
    for (at, id) in sent {
        let status = until_settled(child, id, TEST_TIMEOUT).await;
        assert!(["SENT", "DELIVERED", "FAILED", "UNKNOWN"].contains(&status.as_str()), "{status}");
        if status == "SENT" {
            assert!(received(gateway).contains_key(&phone(HALF + at)), "it shows as sent, and no provider received it");
        }
    }
    // A message that was sent twice had the same id, by which the gateway deduplicates it.
    let twice: Vec<_> = received(gateway).into_iter().filter(|(_, (ids, _))| ids.len() > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

/// Each code has one proof, whether its confirmation was acknowledged before the kill or not.
async fn assert_proofs(child: &Child, codes: &[(String, String)], accepted: &BTreeMap<usize, RequestResult>) {
    let mut proofs = BTreeSet::new();
    for (at, (id, code)) in codes.iter().enumerate() {
        // Within a minute the code returns the same proof again; after that the verification is closed.
        let (again, third) = (confirm(child, id, code).await, confirm(child, id, code).await);
        let mut proofs_of_this = BTreeSet::new();
        for response in accepted.get(&at).into_iter().chain([&again, &third]) {
            let RequestResult::Data(it) = response else { panic!("{response:?}") };
            match it["proof"]["token"].as_str() {
                Some(token) => drop(proofs_of_this.insert(token.to_owned())),
                None => assert_eq!(it["verification"]["status"], "VERIFIED", "{response:?}"),
            }
        }
        assert!(proofs_of_this.len() <= 1, "two proofs for one code");
        assert!(proofs_of_this.into_iter().all(|proof| proofs.insert(proof)), "one proof for two");
        let RequestResult::Data(it) = read_verification(child, id).await else { panic!("{id} is lost") };
        assert_eq!(it["status"], "VERIFIED");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd_01_acknowledged_work_survives_a_kill_and_nothing_is_accepted_twice() {
    let gateway = FakeProvider::start(accept_all).await;
    let config = without_quotas()
        .await
        .with("SMS_PROVIDER", "webhook")
        .with("DELIVERY_WEBHOOK_URL", &gateway.url())
        .with("DELIVERY_WEBHOOK_SECRET", SECRET)
        .with("MAX_IN_FLIGHT", "2000")
        .with("DATABASE_TIMEOUT", "20s");
    let (child, usually) = timed(config.serve()).await;
    let child = Arc::new(child);
    let codes = send_first_half(&child, &gateway).await;

    // Five hundred concurrent requests, killed in the middle.
    let answered = Arc::new(AtomicUsize::new(0));
    let tasks = start_load(&child, &codes, &answered);
    until("a fifth answered", TEST_TIMEOUT, || async { (answered.load(Ordering::SeqCst) >= HALF / 5).then_some(()) })
        .await;
    child.signal("KILL");
    let (mut sent, mut accepted, mut broken) = (Vec::new(), BTreeMap::new(), 0);
    for task in tasks {
        match task.await.unwrap() {
            (_, _, RequestResult::NoResponse) => broken += 1,
            (at, LoadRequest::Send, response) => {
                sent.push((at, response.id().unwrap_or_else(|| panic!("{response:?}"))));
            }
            (at, LoadRequest::Confirm, response) => {
                assert!(response.is("ConfirmVerificationCodePayload"), "{response:?}");
                accepted.insert(at, response);
            }
        }
    }
    assert!(broken > 0, "it was killed after all responses");

    let (child, took) = timed(config.serve()).await;
    assert!(took < (usually * 5).max(Duration::from_secs(10)), "ready after {took:?}, at first after {usually:?}");
    assert_sent(&child, &gateway, &sent).await;
    assert_proofs(&child, &codes, &accepted).await;
}
