//! Codes that the provider generates and checks: Twilio Verify.

use std::time::Duration;

use serde_json::json;

use super::{
    fake_provider::{Action, FakeProvider},
    setup::{ProviderSettings, accept_all, code, phone, wait_for_status, with_providers},
};
use crate::providers::double::{RecordedRequest, Reply};

const SID: &str = "VEaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const CODE: &str = "246810";

/// Creates one verification whose code is [`CODE`].
fn verify(seen: &RecordedRequest) -> Action {
    Action::Respond(match seen.line.rsplit('/').next() {
        Some("Verifications") => Reply::json(201, &json!({ "sid": SID, "status": "pending" })),
        Some("VerificationCheck") if seen.form()["Code"] == CODE => Reply::json(200, &json!({ "status": "approved" })),
        Some("VerificationCheck") => Reply::json(200, &json!({ "status": "pending" })),
        Some(sid) if sid == SID => Reply::json(200, &json!({ "sid": SID, "status": "canceled" })),
        _ => Reply::json(200, &json!({ "attempts": [] })),
    })
}

fn requests_for<'a>(seen: &'a [RecordedRequest], what: &str) -> Vec<&'a RecordedRequest> {
    seen.iter().filter(|seen| seen.line.ends_with(what)).collect()
}

#[tokio::test]
async fn provider_checks_codes_within_our_own_limits() {
    let twilio = FakeProvider::start(verify).await;
    let app = with_providers("twilio-verify").await.twilio_verify(&twilio).start().await;
    let client = app.anonymous();
    let id = client.send_code_to(&phone(0)).await["id"].clone();
    let mut watch = client.watch(&id).await;
    watch.until(|state| state["delivery"]["status"] == "SENT").await;
    let wrong = client.confirm(&id, "111111").await;
    assert_eq!((&wrong["__typename"], &wrong["attemptsRemaining"]), (&json!("CodeMismatch"), &json!(1)));
    watch.until(|state| state["attemptsRemaining"] == 1).await;
    let right = client.confirm(&id, " 246-810 ").await;
    assert_eq!(right["__typename"], "ConfirmVerificationCodePayload", "{right:#}");
    assert_eq!(watch.last().await["status"], "VERIFIED");
    // Repeated from the proof itself for a minute; the provider is not asked.
    assert_eq!(client.confirm(&id, CODE).await["proof"]["token"], right["proof"]["token"]);
    assert_eq!(client.confirm(&id, "111111").await["__typename"], "VerificationNotPending");
    app.advance(Duration::from_secs(61));
    assert_eq!(client.confirm(&id, CODE).await["__typename"], "VerificationNotPending");
    assert_eq!(
        requests_for(&twilio.requests(), "VerificationCheck").len(),
        2,
        "the provider is not asked about a finished verification"
    );
    app.stop().await;
}

#[tokio::test]
async fn concurrent_guesses_get_no_more_results_than_attempts() {
    let twilio = FakeProvider::start(verify).await;
    let app = with_providers("twilio-verify").await.twilio_verify(&twilio).start().await;
    let client = app.anonymous();
    let id = client.send_code_to(&phone(0)).await["id"].clone();
    wait_for_status(&client, &id, "SENT").await;
    let guesses = (0..20).map(|guess| {
        let (client, id) = (client.clone(), id.clone());
        async move { client.confirm(&id, &format!("{guess:06}")).await }
    });
    futures_util::future::join_all(guesses).await;
    let locked = client.confirm(&id, CODE).await;
    assert_eq!(locked["verification"]["status"], "LOCKED", "{locked:#}");
    let seen = twilio.wait_for_requests(4).await;
    assert_eq!(requests_for(&seen, "VerificationCheck").len(), 2);
    // The code of the fixed response is not valid there either.
    assert_eq!(requests_for(&seen, SID)[0].form()["Status"], "canceled");
    app.stop().await;
}

#[tokio::test]
async fn unanswered_check_counts_as_no_result() {
    let twilio = FakeProvider::start(verify).await;
    let app = with_providers("twilio-verify").await.twilio_verify(&twilio).start().await;
    let client = app.anonymous();
    let id = client.send_code_to(&phone(0)).await["id"].clone();
    wait_for_status(&client, &id, "SENT").await;
    let confirm =
        "mutation($input: ConfirmVerificationCodeInput!) { confirmVerificationCode(input: $input) { __typename } }";
    let input = json!({ "input": { "verificationId": id, "code": CODE } });
    for (act, left) in [(Reply::text(503, ""), 1), (Reply::json(429, &json!({ "code": 20429 })), 1)] {
        twilio.behave(move |_| Action::Respond(act.clone()));
        let response = client.execute(confirm, input.clone()).await;
        assert_eq!(response["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{response:#}");
        assert_eq!(client.verification(&id).await["attemptsRemaining"], left);
    }
    twilio.behave(|_| Action::Respond(Reply::json(404, &json!({ "code": 20404 }))));
    let over = client.confirm(&id, CODE).await;
    assert_eq!(over["verification"]["status"], "EXPIRED", "{over:#}");
    app.stop().await;
}

#[tokio::test]
async fn failover_sends_our_own_code_and_resends_repeat_it() {
    let twilio = FakeProvider::start(|_| Action::Respond(Reply::text(503, ""))).await;
    let gateway = FakeProvider::start(accept_all).await;
    let app = with_providers("twilio-verify,webhook").await.twilio_verify(&twilio).gateway(&gateway).start().await;
    let client = app.anonymous();
    let id = client.send_code_to(&phone(0)).await["id"].clone();
    wait_for_status(&client, &id, "SENT").await;
    twilio.behave(verify);
    app.advance(Duration::from_secs(60));
    client.resend(&id).await;
    let seen = gateway.wait_for_requests(2).await;
    assert_eq!(code(&seen[0]), code(&seen[1]));
    let right = client.confirm(&id, &code(&seen[0])).await;
    assert_eq!(right["__typename"], "ConfirmVerificationCodePayload", "{right:#}");
    assert_eq!(requests_for(&twilio.requests(), "VerificationCheck").len(), 0);
    app.stop().await;
}

#[tokio::test]
async fn dl_02_code_generated_by_the_provider_is_sent_by_no_other() {
    let twilio = FakeProvider::start(verify).await;
    let gateway = FakeProvider::start(accept_all).await;
    let app = with_providers("twilio-verify,webhook").await.twilio_verify(&twilio).gateway(&gateway).start().await;
    let client = app.anonymous();
    let id = client.send_code_to(&phone(0)).await["id"].clone();
    wait_for_status(&client, &id, "SENT").await;
    // No receipt comes, and a resend finds the provider failing: still no other provider can send that code.
    twilio.behave(|seen| match seen.line.ends_with("Verifications") {
        true => Action::Respond(Reply::text(503, "")),
        false => verify(seen),
    });
    app.advance(Duration::from_secs(61));
    client.resend(&id).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    twilio.behave(verify);
    app.advance(Duration::from_secs(10));
    wait_for_status(&client, &id, "SENT").await;
    assert_eq!(gateway.requests().len(), 0);
    let right = client.confirm(&id, CODE).await;
    assert_eq!(right["__typename"], "ConfirmVerificationCodePayload", "{right:#}");
    app.stop().await;
}

#[tokio::test]
async fn receipts_are_polled() {
    let twilio = FakeProvider::start(verify).await;
    let app = with_providers("twilio-verify").await.twilio_verify(&twilio).start().await;
    let client = app.anonymous();
    let id = client.send_code_to(&phone(0)).await["id"].clone();
    let mut watch = client.watch(&id).await;
    watch.until(|state| state["delivery"]["status"] == "SENT").await;
    twilio.behave(|seen| match seen.line.contains("/v2/Attempts") {
        true => Action::Respond(Reply::json(
            200,
            &json!({ "attempts": [{
            "date_created": "2026-03-02T03:00:01Z", "channel_data": { "message_status": "delivered" },
        }] }),
        )),
        false => verify(seen),
    });
    app.advance(Duration::from_secs(4));
    watch.until(|state| state["delivery"]["status"] == "DELIVERED").await;
    app.stop().await;
}
