//! Codes that the provider makes and checks: Twilio Verify.

use std::time::Duration;

use serde_json::json;

use super::{
    carrier::{Act, Carrier},
    setup::{Carried, by, code, phone, shows, takes},
};
use crate::providers::double::{Reply, Seen};

const SID: &str = "VEaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const CODE: &str = "246810";

/// Makes one verification, whose code is [`CODE`].
fn verify(seen: &Seen) -> Act {
    Act::Say(match seen.line.rsplit('/').next() {
        Some("Verifications") => Reply::json(201, &json!({ "sid": SID, "status": "pending" })),
        Some("VerificationCheck") if seen.form()["Code"] == CODE => Reply::json(200, &json!({ "status": "approved" })),
        Some("VerificationCheck") => Reply::json(200, &json!({ "status": "pending" })),
        Some(sid) if sid == SID => Reply::json(200, &json!({ "sid": SID, "status": "canceled" })),
        _ => Reply::json(200, &json!({ "attempts": [] })),
    })
}

fn asked<'a>(seen: &'a [Seen], what: &str) -> Vec<&'a Seen> {
    seen.iter().filter(|seen| seen.line.ends_with(what)).collect()
}

#[tokio::test]
async fn the_provider_judges_within_our_own_bounds() {
    let twilio = Carrier::start(verify).await;
    let app = by("twilio-verify").await.twilio_verify(&twilio).start().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(&phone(0)).await["id"].clone();
    let mut watch = visitor.watch(&id).await;
    watch.until(|state| state["delivery"]["status"] == "SENT").await;
    let wrong = visitor.confirm(&id, "111111").await;
    assert_eq!((&wrong["__typename"], &wrong["attemptsRemaining"]), (&json!("CodeMismatch"), &json!(1)));
    watch.until(|state| state["attemptsRemaining"] == 1).await;
    let right = visitor.confirm(&id, " 246-810 ").await;
    assert_eq!(right["__typename"], "ConfirmVerificationCodePayload", "{right:#}");
    assert_eq!(watch.last().await["status"], "VERIFIED");
    // Answered again from the proof itself, for a minute; the provider is not asked.
    assert_eq!(visitor.confirm(&id, CODE).await["proof"]["token"], right["proof"]["token"]);
    assert_eq!(visitor.confirm(&id, "111111").await["__typename"], "VerificationNotPending");
    app.advance(Duration::from_secs(61));
    assert_eq!(visitor.confirm(&id, CODE).await["__typename"], "VerificationNotPending");
    assert_eq!(asked(&twilio.seen(), "VerificationCheck").len(), 2, "what is over is not asked for");
    app.stop().await;
}

#[tokio::test]
async fn guesses_at_once_learn_no_more_answers_than_there_are_attempts() {
    let twilio = Carrier::start(verify).await;
    let app = by("twilio-verify").await.twilio_verify(&twilio).start().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(&phone(0)).await["id"].clone();
    shows(&visitor, &id, "SENT").await;
    let guesses = (0..20).map(|guess| {
        let (visitor, id) = (visitor.clone(), id.clone());
        async move { visitor.confirm(&id, &format!("{guess:06}")).await }
    });
    futures_util::future::join_all(guesses).await;
    let locked = visitor.confirm(&id, CODE).await;
    assert_eq!(locked["verification"]["status"], "LOCKED", "{locked:#}");
    let seen = twilio.seen_at_least(4).await;
    assert_eq!(asked(&seen, "VerificationCheck").len(), 2);
    // Its code is worth nothing there either.
    assert_eq!(asked(&seen, SID)[0].form()["Status"], "canceled");
    app.stop().await;
}

#[tokio::test]
async fn a_check_that_is_not_answered_is_no_judgement() {
    let twilio = Carrier::start(verify).await;
    let app = by("twilio-verify").await.twilio_verify(&twilio).start().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(&phone(0)).await["id"].clone();
    shows(&visitor, &id, "SENT").await;
    let confirm =
        "mutation($input: ConfirmVerificationCodeInput!) { confirmVerificationCode(input: $input) { __typename } }";
    let input = json!({ "input": { "verificationId": id, "code": CODE } });
    for (act, left) in [(Reply::text(503, ""), 1), (Reply::json(429, &json!({ "code": 20429 })), 1)] {
        twilio.behave(move |_| Act::Say(act.clone()));
        let answer = visitor.ask(confirm, input.clone()).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{answer:#}");
        assert_eq!(visitor.verification(&id).await["attemptsRemaining"], left);
    }
    twilio.behave(|_| Act::Say(Reply::json(404, &json!({ "code": 20404 }))));
    let over = visitor.confirm(&id, CODE).await;
    assert_eq!(over["verification"]["status"], "EXPIRED", "{over:#}");
    app.stop().await;
}

#[tokio::test]
async fn a_failover_sends_our_own_code_and_a_resend_keeps_to_it() {
    let twilio = Carrier::start(|_| Act::Say(Reply::text(503, ""))).await;
    let gateway = Carrier::start(takes).await;
    let app = by("twilio-verify,webhook").await.twilio_verify(&twilio).gateway(&gateway).start().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(&phone(0)).await["id"].clone();
    shows(&visitor, &id, "SENT").await;
    twilio.behave(verify);
    app.advance(Duration::from_secs(60));
    visitor.resend(&id).await;
    let seen = gateway.seen_at_least(2).await;
    assert_eq!(code(&seen[0]), code(&seen[1]));
    let right = visitor.confirm(&id, &code(&seen[0])).await;
    assert_eq!(right["__typename"], "ConfirmVerificationCodePayload", "{right:#}");
    assert_eq!(asked(&twilio.seen(), "VerificationCheck").len(), 0);
    app.stop().await;
}

#[tokio::test]
async fn dl_02_once_the_provider_made_the_code_nobody_else_sends_one() {
    let twilio = Carrier::start(verify).await;
    let gateway = Carrier::start(takes).await;
    let app = by("twilio-verify,webhook").await.twilio_verify(&twilio).gateway(&gateway).start().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(&phone(0)).await["id"].clone();
    shows(&visitor, &id, "SENT").await;
    // No receipt comes, and a resend finds the provider failing: still nobody else could carry that code.
    twilio.behave(|seen| match seen.line.ends_with("Verifications") {
        true => Act::Say(Reply::text(503, "")),
        false => verify(seen),
    });
    app.advance(Duration::from_secs(61));
    visitor.resend(&id).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    twilio.behave(verify);
    app.advance(Duration::from_secs(10));
    shows(&visitor, &id, "SENT").await;
    assert_eq!(gateway.seen().len(), 0);
    let right = visitor.confirm(&id, CODE).await;
    assert_eq!(right["__typename"], "ConfirmVerificationCodePayload", "{right:#}");
    app.stop().await;
}

#[tokio::test]
async fn its_receipts_are_asked_for() {
    let twilio = Carrier::start(verify).await;
    let app = by("twilio-verify").await.twilio_verify(&twilio).start().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(&phone(0)).await["id"].clone();
    let mut watch = visitor.watch(&id).await;
    watch.until(|state| state["delivery"]["status"] == "SENT").await;
    twilio.behave(|seen| match seen.line.contains("/v2/Attempts") {
        true => Act::Say(Reply::json(
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
