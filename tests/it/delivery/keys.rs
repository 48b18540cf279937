//! A message whose code was derived with a key that a process lacks.

use std::time::Duration;

use super::{
    carrier::{Act, Carrier},
    setup::{Carried, by, code, phone, shows, takes},
};
use crate::{
    providers::double::Reply,
    support::{TEST_TIMEOUT, TestApp},
};

async fn due_at(app: &TestApp) -> Vec<String> {
    app.column("SELECT CAST(due_at AS TEXT) FROM delivery WHERE due_at IS NOT NULL").await
}

/// It is not failed there: it waits for a process that has the key, and arrives with the right code.
#[tokio::test]
async fn a_message_of_another_key_waits_for_a_process_that_has_it() {
    let gateway = Carrier::start(|_| Act::Say(Reply::json(503, &serde_json::json!({})))).await;
    let old = by("webhook").await.gateway(&gateway).start().await;
    let old_key = old.vars()["SERVER_KEY"].clone();
    let new_key = "BNURGTuUF3FkMISXO5CQwLqSia/aMqzYMP9OSJ90Uvk=";
    let id = old.anonymous().send_code_to(&phone(1)).await["id"].clone();
    gateway.seen_at_least(1).await;
    let new = old.another_process_with(&[("SERVER_KEY", Some(new_key))]).await;
    old.stop().await;
    gateway.behave(takes);
    let before = due_at(&new).await;
    assert_eq!(before.len(), 1, "the message is over");
    new.advance(Duration::from_secs(5));
    let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
    while due_at(&new).await == before {
        assert!(tokio::time::Instant::now() < deadline, "the process without the key never took it up");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(new.anonymous().verification(&id).await["delivery"]["status"], "QUEUED");
    let settings = [("SERVER_KEY", Some(new_key)), ("SERVER_KEYS_PREVIOUS", Some(old_key.as_str()))];
    let both = new.another_process_with(&settings).await;
    new.stop().await;
    both.advance(Duration::from_secs(5));
    let visitor = both.anonymous();
    shows(&visitor, &id, "SENT").await;
    let seen = gateway.seen();
    assert_eq!(code(&seen[0]), code(&seen[seen.len() - 1]));
    let confirmed = visitor.confirm(&id, &code(&seen[0])).await;
    assert_eq!(confirmed["__typename"], "ConfirmVerificationCodePayload", "{confirmed:#}");
    both.stop().await;
}
