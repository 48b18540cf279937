//! A process that is suspended with messages in progress and resumes after its claims expired.

use std::{collections::BTreeMap, time::Duration};

use super::{
    load::{phone, read_verification, send, until, until_settled},
    on_servers, without_quotas,
};
use crate::{
    delivery::{
        fake_provider::{Action, FakeProvider},
        setup::{TWILIO_TOKEN, number, twilio_accepted},
    },
    process::child::{Child, ChildConfig},
};

const MESSAGES: usize = 6;

/// A second process with the same configuration except for its address.
fn second_process(config: &ChildConfig) -> ChildConfig {
    let port = super::servers::free_port();
    config.second_process().with("LISTEN_ADDR", &format!("127.0.0.1:{port}"))
}

async fn delivery_status(child: &Child, id: &str) -> String {
    let super::load::RequestResult::Data(it) = read_verification(child, id).await else { panic!("{id} is lost") };
    it["delivery"]["status"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accepted_message_is_not_resent_while_its_process_is_suspended() {
    if !on_servers("two processes of which one is frozen") {
        return;
    }
    let took = |seen: &_| format!("SM{:032x}", number(seen).bytes().fold(0u128, |id, byte| id * 31 + u128::from(byte)));
    // The provider accepts every message, and its response is on the way when the process is suspended.
    let twilio = FakeProvider::start(move |seen| {
        Action::RespondAfter(Duration::from_millis(1500), twilio_accepted(&took(seen)))
    })
    .await;
    let config = without_quotas()
        .await
        .with("SMS_PROVIDER", "twilio")
        .with("PROVIDER_TIMEOUT", "60s")
        .with("TWILIO_ACCOUNT_SID", "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
        .with("TWILIO_AUTH_TOKEN", TWILIO_TOKEN)
        .with("TWILIO_FROM_NUMBER", "+15005550006")
        .with("TWILIO_API_BASE_URL", &twilio.url())
        .with("PUBLIC_URL", "https://sign.example.com");
    let sleeper = config.serve().await;
    let mut ids = Vec::new();
    for at in 0..MESSAGES {
        ids.push(send(&sleeper, &phone(at)).await.id().unwrap());
    }
    twilio.wait_for_requests(MESSAGES).await;
    sleeper.signal("STOP");
    let other_plan = second_process(&config);
    let other = other_plan.serve().await;
    // Its claims expire. The process that takes over only knows that the messages may have been sent, and shows that.
    for id in &ids {
        assert_eq!(until_settled(&other, id, Duration::from_secs(60)).await, "UNKNOWN");
    }
    sleeper.signal("CONT");
    // The suspended process resumes with the provider's responses, which override the unknown outcome.
    for id in &ids {
        until("shown as sent", Duration::from_secs(30), || async {
            (delivery_status(&other, id).await == "SENT").then_some(())
        })
        .await;
        assert_eq!(delivery_status(&sleeper, id).await, "SENT");
    }
    // Both processes continue: new messages are sent once as well.
    for (at, child) in [(MESSAGES, &sleeper), (MESSAGES + 1, &other)] {
        let id = send(child, &phone(at)).await.id().unwrap();
        assert_eq!(until_settled(&other, &id, Duration::from_secs(30)).await, "SENT");
    }
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for seen in twilio.requests() {
        *times.entry(number(&seen)).or_default() += 1;
    }
    assert_eq!(times.len(), MESSAGES + 2);
    assert!(times.values().all(|times| *times == 1), "{times:?}");
}
