//! SIGKILL with five hundred sends and confirmations in flight (FD-01).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::{
    load::{Answer, confirm, phone, read_verification, send, timed, until, until_settled},
    without_quotas,
};
use crate::{
    delivery::{
        fake_provider::FakeProvider,
        setup::{SECRET, accept_all, code, number},
    },
    support::TEST_TIMEOUT,
};

const HALF: usize = 250;

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
    let first = futures_util::future::join_all((0..HALF).map(|at| {
        let child = Arc::clone(&child);
        async move { send(&child, &phone(at)).await.id().unwrap() }
    }));
    let ids = first.await;
    until("the first half sent", TEST_TIMEOUT, || async { (received(&gateway).len() >= HALF).then_some(()) }).await;
    let codes = received(&gateway);

    // Five hundred concurrent requests, killed in the middle.
    let answered = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..HALF)
        .flat_map(|at| {
            let counted = |child: &Arc<_>| (Arc::clone(child), Arc::clone(&answered));
            let (sender, sent) = counted(&child);
            let sending = tokio::spawn(async move {
                let answer = send(&sender, &phone(HALF + at)).await;
                sent.fetch_add(usize::from(answer != Answer::None), Ordering::SeqCst);
                (at, true, answer)
            });
            let (confirmer, confirmed) = counted(&child);
            let (id, code) = (ids[at].clone(), codes[&phone(at)].1.clone());
            let confirming = tokio::spawn(async move {
                let answer = confirm(&confirmer, &id, &code).await;
                confirmed.fetch_add(usize::from(answer != Answer::None), Ordering::SeqCst);
                (at, false, answer)
            });
            [sending, confirming]
        })
        .collect();
    until("a fifth answered", TEST_TIMEOUT, || async { (answered.load(Ordering::SeqCst) >= HALF / 5).then_some(()) })
        .await;
    child.signal("KILL");
    let (mut sent, mut accepted, mut broken) = (Vec::new(), BTreeMap::new(), 0);
    for task in tasks {
        match task.await.unwrap() {
            (_, _, Answer::None) => broken += 1,
            (at, true, answer) => sent.push((at, answer.id().unwrap_or_else(|| panic!("{answer:?}")))),
            (at, false, answer) => {
                assert!(answer.is("ConfirmVerificationCodePayload"), "{answer:?}");
                accepted.insert(at, answer);
            }
        }
    }
    assert!(broken > 0, "it was killed after all responses");

    let (child, took) = timed(config.serve()).await;
    assert!(took < (usually * 5).max(Duration::from_secs(10)), "ready after {took:?}, at first after {usually:?}");
    for (at, id) in &sent {
        let status = until_settled(&child, id, TEST_TIMEOUT).await;
        assert!(["SENT", "DELIVERED", "FAILED", "UNKNOWN"].contains(&status.as_str()), "{status}");
        if status == "SENT" {
            assert!(
                received(&gateway).contains_key(&phone(HALF + at)),
                "it shows as sent, and no provider received it"
            );
        }
    }
    // A message that was sent twice had the same id, by which the gateway deduplicates it.
    let twice: Vec<_> = received(&gateway).into_iter().filter(|(_, (ids, _))| ids.len() > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");

    let mut proofs = BTreeSet::new();
    for (at, id) in ids.iter().enumerate() {
        let code = &codes[&phone(at)].1;
        // Within a minute the code returns the same proof again; after that the verification is closed.
        let (again, third) = (confirm(&child, id, code).await, confirm(&child, id, code).await);
        let mut proofs_of_this = BTreeSet::new();
        for answer in accepted.get(&at).into_iter().chain([&again, &third]) {
            let Answer::Is(it) = answer else { panic!("{answer:?}") };
            match it["proof"]["token"].as_str() {
                Some(token) => drop(proofs_of_this.insert(token.to_owned())),
                None => assert_eq!(it["verification"]["status"], "VERIFIED", "{answer:?}"),
            }
        }
        assert!(proofs_of_this.len() <= 1, "two proofs for one code");
        assert!(proofs_of_this.into_iter().all(|proof| proofs.insert(proof)), "one proof for two");
        let Answer::Is(it) = read_verification(&child, id).await else { panic!("{id} is lost") };
        assert_eq!(it["status"], "VERIFIED");
    }
}
