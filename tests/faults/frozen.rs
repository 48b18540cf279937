//! A process that is frozen with messages in hand, and comes back after its claims ran out.

use std::{collections::BTreeMap, time::Duration};

use super::{
    load::{look, phone, send, until, until_settled},
    on_servers, unlimited,
};
use crate::{
    delivery::{
        carrier::{Act, Carrier},
        setup::{TWILIO_TOKEN, number, twilio_took},
    },
    process::child::{Child, Plan},
};

const MESSAGES: usize = 6;

/// A second process on everything of the first but its address.
fn beside(plan: &Plan) -> Plan {
    let port = super::servers::free_port();
    plan.beside().with("LISTEN_ADDR", &format!("127.0.0.1:{port}"))
}

async fn shown(child: &Child, id: &str) -> String {
    let super::load::Answer::Is(it) = look(child, id).await else { panic!("{id} is lost") };
    it["delivery"]["status"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_accepted_is_not_sent_again_while_its_process_sleeps() {
    if !on_servers("two processes of which one is frozen") {
        return;
    }
    let took = |seen: &_| format!("SM{:032x}", number(seen).bytes().fold(0u128, |id, byte| id * 31 + u128::from(byte)));
    // It takes every message, and its answer is on its way when the process freezes.
    let twilio = Carrier::start(move |seen| Act::SayAfter(Duration::from_millis(1500), twilio_took(&took(seen)))).await;
    let plan = unlimited()
        .await
        .with("SMS_PROVIDER", "twilio")
        .with("PROVIDER_TIMEOUT", "60s")
        .with("TWILIO_ACCOUNT_SID", "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
        .with("TWILIO_AUTH_TOKEN", TWILIO_TOKEN)
        .with("TWILIO_FROM_NUMBER", "+15005550006")
        .with("TWILIO_API_BASE_URL", &twilio.url())
        .with("PUBLIC_URL", "https://sign.example.com");
    let sleeper = plan.serve().await;
    let mut ids = Vec::new();
    for at in 0..MESSAGES {
        ids.push(send(&sleeper, &phone(at)).await.id().unwrap());
    }
    twilio.seen_at_least(MESSAGES).await;
    sleeper.signal("STOP");
    let other_plan = beside(&plan);
    let other = other_plan.serve().await;
    // Its claims run out; who takes over knows no more than that the messages may have left, and says so.
    for id in &ids {
        assert_eq!(until_settled(&other, id, Duration::from_secs(60)).await, "UNKNOWN");
    }
    sleeper.signal("CONT");
    // It wakes with its provider's answers in its hands, and they count for more than a guess.
    for id in &ids {
        until("shown as sent", Duration::from_secs(30), || async { (shown(&other, id).await == "SENT").then_some(()) })
            .await;
        assert_eq!(shown(&sleeper, id).await, "SENT");
    }
    // Both go on: what is sent now is sent once as well.
    for (at, child) in [(MESSAGES, &sleeper), (MESSAGES + 1, &other)] {
        let id = send(child, &phone(at)).await.id().unwrap();
        assert_eq!(until_settled(&other, &id, Duration::from_secs(30)).await, "SENT");
    }
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for seen in twilio.seen() {
        *times.entry(number(&seen)).or_default() += 1;
    }
    assert_eq!(times.len(), MESSAGES + 2);
    assert!(times.values().all(|times| *times == 1), "{times:?}");
}
