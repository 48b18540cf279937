//! Twilio and Vonage simulated by Prism from their OpenAPI specifications. Prism rejects requests that violate the
//! specification; as a proxy before our own test double it also rejects the double's responses.

use domain::channel::Channel;
use platform::config::Secret;
use providers::{CheckOutcome, Outcome, Outgoing, PollResult};
use serde_json::json;

use super::super::{
    double::{Double, Reply},
    support::{accepted, call, code_message, stand_in, text_message},
    twilio::{created, twilio},
    twilio_verify::{twilio_verify, verification},
    vonage::vonage,
};

#[tokio::test]
async fn texts_and_calls_follow_the_twilio_specification() {
    let Some(prism) = stand_in("COUNTERSIGN_TEST_PRISM_TWILIO", "Twilio by Prism") else { return };
    let service = [("TWILIO_MESSAGING_SERVICE_SID", "MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")];
    for more in [&[][..], &service] {
        let outcome = twilio(Channel::Sms, &prism, more).send(&code_message()).await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    }
    let outcome = twilio(Channel::Voice, &prism, &[]).send(&call()).await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    // Prism does check: a token that cannot be an account is rejected.
    let wrong = twilio(Channel::Sms, &prism, &[("TWILIO_ACCOUNT_SID", "AC1")]).send(&code_message()).await;
    assert_eq!(wrong, Outcome::RejectedContent { code: Some("422".to_owned()) });
}

#[tokio::test]
async fn starts_checks_and_polls_follow_the_twilio_specification() {
    let Some(prism) = stand_in("COUNTERSIGN_TEST_PRISM_VERIFY", "Twilio Verify by Prism") else { return };
    for message in [code_message(), call()] {
        let outcome = twilio_verify(message.channel, &prism).send(&message).await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    }
    let verify = twilio_verify(Channel::Sms, &prism);
    let checker = verify.checker().unwrap();
    let sid = "VEaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    // Prism's single example approves every code.
    assert_eq!(checker.check(sid, &Secret::new("123456")).await, CheckOutcome::Approved);
    assert!(checker.cancel(sid).await);
    let polled = verify.poll(sid).await;
    assert!(matches!(polled, PollResult::Pending | PollResult::Status { .. }), "{polled:?}");
}

#[tokio::test]
async fn texts_follow_the_vonage_specification() {
    let Some(prism) = stand_in("COUNTERSIGN_TEST_PRISM_VONAGE", "Vonage by Prism") else { return };
    // The base URL of the specification contains the path that our setting adds.
    let front = Double::start().await;
    let http = reqwest::Client::builder().build().unwrap();
    for text in ["[예시] 인증번호 123456", "Your code is 123456"] {
        front.then(Reply::json(200, &json!({ "messages": [] })));
        vonage(&front.url(), &[("VONAGE_API_SECRET", "secret")]).send(&text_message(text)).await;
        let seen = front.take_one();
        let sent = http
            .post(format!("{prism}/json"))
            .header("content-type", seen.header("content-type"))
            .body(seen.body)
            .send()
            .await
            .unwrap();
        assert_eq!(sent.status(), 200, "{}", sent.text().await.unwrap());
    }
}

/// The responses of our test double must follow the specification as well.
#[tokio::test]
async fn our_double_follows_the_twilio_specification() {
    let what = "our double behind Prism";
    let Some(proxy) = stand_in("COUNTERSIGN_TEST_PRISM_TWILIO_PROXY", what) else { return };
    let double = Double::start_at(&stand_in("COUNTERSIGN_TEST_PRISM_TWILIO_UPSTREAM", what).unwrap()).await;
    let sid = "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    double.then(created(sid));
    assert_eq!(twilio(Channel::Sms, &proxy, &[]).send(&code_message()).await, accepted(sid));

    let Some(proxy) = stand_in("COUNTERSIGN_TEST_PRISM_VERIFY_PROXY", what) else { return };
    let double = Double::start_at(&stand_in("COUNTERSIGN_TEST_PRISM_VERIFY_UPSTREAM", what).unwrap()).await;
    let verify = twilio_verify(Channel::Sms, &proxy);
    let sid = "VEaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    double.then(Reply::json(201, &verification("pending")));
    assert_eq!(verify.send(&Outgoing { ..code_message() }).await, accepted(sid));
    double.then(Reply::json(201, &check("pending"))).then(Reply::json(200, &check("approved")));
    let checker = verify.checker().unwrap();
    assert_eq!(checker.check(sid, &Secret::new("123456")).await, CheckOutcome::Wrong);
    assert_eq!(checker.check(sid, &Secret::new("654321")).await, CheckOutcome::Approved);
}

/// The response to a check has fewer fields than a verification.
fn check(status: &str) -> serde_json::Value {
    let mut check = verification(status);
    let fields = check.as_object_mut().unwrap();
    for name in ["lookup", "sna", "send_code_attempts", "url"] {
        fields.remove(name);
    }
    fields.insert("sna_attempts_error_codes".to_owned(), json!([]));
    check
}
