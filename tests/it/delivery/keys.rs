//! A message whose code was derived with a key that one process does not have.

use std::time::Duration;

use super::{
    fake_provider::{Action, FakeProvider},
    setup::{ProviderSettings, accept_all, code, phone, wait_for_status, with_providers},
};
use crate::{
    providers::double::Reply,
    support::{TEST_TIMEOUT, TestApp},
};

async fn due_at(app: &TestApp) -> Vec<String> {
    app.column("SELECT CAST(due_at AS TEXT) FROM delivery WHERE due_at IS NOT NULL").await
}

/// It does not fail there: it waits for a process with the key and is sent with the right code.
#[tokio::test]
async fn message_waits_for_a_process_with_its_key() {
    let gateway = FakeProvider::start(|_| Action::Respond(Reply::json(503, &serde_json::json!({})))).await;
    let old = with_providers("webhook").await.gateway(&gateway).start().await;
    let old_key = old.vars()["SERVER_KEY"].clone();
    let new_key = "BNURGTuUF3FkMISXO5CQwLqSia/aMqzYMP9OSJ90Uvk=";
    let id = old.anonymous().send_code_to(&phone(1)).await["id"].clone();
    gateway.wait_for_requests(1).await;
    let new = old.another_process_with(&[("SERVER_KEY", Some(new_key))]).await;
    old.stop().await;
    gateway.behave(accept_all);
    let before = due_at(&new).await;
    assert_eq!(before.len(), 1, "the message is settled");
    new.advance(Duration::from_secs(5));
    let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
    while due_at(&new).await == before {
        assert!(tokio::time::Instant::now() < deadline, "the process without the key never claimed it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(new.anonymous().verification(&id).await["delivery"]["status"], "QUEUED");
    let settings = [("SERVER_KEY", Some(new_key)), ("SERVER_KEYS_PREVIOUS", Some(old_key.as_str()))];
    let both = new.another_process_with(&settings).await;
    new.stop().await;
    both.advance(Duration::from_secs(5));
    let client = both.anonymous();
    wait_for_status(&client, &id, "SENT").await;
    let seen = gateway.requests();
    assert_eq!(code(&seen[0]), code(&seen[seen.len() - 1]));
    let confirmed = client.confirm(&id, &code(&seen[0])).await;
    assert_eq!(confirmed["__typename"], "ConfirmVerificationCodePayload", "{confirmed:#}");
    both.stop().await;
}
