//! Twilio Verify: Twilio generates the code and checks it.

use std::sync::Arc;

use domain::{channel::Channel, status::DeliveryFailure};
use platform::config::Secret;
use providers::{CheckOutcome, Outgoing, PollResult, Provider, ReceiptStatus};
use serde_json::{Value, json};

use super::{
    double::{Double, Reply},
    support::{
        accepted, blocked, call, code_message, destination, misconfigured, provider, recipient, throttled, unfit,
    },
};

const SERVICE: &str = "VAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const SID: &str = "VEaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

pub fn twilio_verify(channel: Channel, url: &str) -> Arc<dyn Provider> {
    let chooses = if channel == Channel::Voice { "VOICE_PROVIDER" } else { "SMS_PROVIDER" };
    let vars = [
        (chooses, "twilio-verify"),
        ("TWILIO_ACCOUNT_SID", "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("TWILIO_AUTH_TOKEN", "0123456789abcdef0123456789abcdef"),
        ("TWILIO_VERIFY_SERVICE_SID", SERVICE),
        ("TWILIO_VERIFY_BASE_URL", url),
    ];
    provider(channel, &vars)
}

pub fn verification(status: &str) -> Value {
    json!({
        "sid": SID, "service_sid": SERVICE, "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "to": "+821012345678", "channel": "sms", "status": status, "valid": status == "approved",
        "lookup": {}, "amount": Value::Null, "payee": Value::Null, "sna": Value::Null,
        "date_created": "2026-01-02T03:04:05Z", "date_updated": "2026-01-02T03:04:05Z",
        "send_code_attempts": [{
            "time": "2026-01-02T03:04:05Z", "channel": "sms", "attempt_sid": "VLaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        }],
        "url": format!("https://verify.twilio.com/v2/Services/{SERVICE}/Verifications/{SID}"),
    })
}

fn error(status: u16, code: u32) -> Reply {
    Reply::json(status, &json!({ "code": code, "message": "no", "more_info": "x", "status": status }))
        .with("retry-after", "3")
}

#[tokio::test]
async fn start_has_the_number_and_no_code() {
    let double = Double::start().await;
    for (message, channel) in [(code_message(), "sms"), (call(), "call")] {
        double.then(Reply::json(201, &verification("pending")));
        assert_eq!(twilio_verify(message.channel, &double.url()).send(&message).await, accepted(SID));
        let seen = double.take_one();
        assert_eq!(seen.line, format!("/v2/Services/{SERVICE}/Verifications"));
        let form = seen.form();
        let expected = [("Channel", channel), ("Locale", "ko"), ("To", "+821012345678")];
        assert_eq!(form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn notices_are_not_supported() {
    let double = Double::start().await;
    let verify = twilio_verify(Channel::Sms, &double.url());
    let notice = Outgoing { code: None, ..code_message() };
    assert!(!verify.capabilities().supports(&notice) && verify.capabilities().supports(&code_message()));
    assert_eq!(verify.send(&notice).await, unfit("carries_codes_alone"));
    assert!(double.take().is_empty());
}

#[tokio::test]
async fn every_start_error_has_its_class() {
    let double = Double::start().await;
    let verify = twilio_verify(Channel::Sms, &double.url());
    let table = [
        (400, 60200, recipient("60200")),
        (400, 60205, recipient("60205")),
        (403, 60410, blocked("60410")),
        (403, 60605, blocked("60605")),
        (429, 60202, destination("60202")),
        (429, 60203, destination("60203")),
        (429, 60207, throttled(Some(3))),
        (429, 60212, destination("60212")),
        (403, 60220, destination("60220")),
        (403, 60238, destination("60238")),
        (400, 21408, destination("21408")),
        (429, 20429, throttled(Some(3))),
        (404, 20404, misconfigured("20404")),
        (401, 20003, misconfigured("20003")),
        (403, 20008, misconfigured("20008")),
    ];
    for (status, code, expected) in table {
        double.then(error(status, code));
        assert_eq!(verify.send(&code_message()).await, expected, "{status} {code}");
    }
}

#[tokio::test]
async fn check_result_follows_the_status() {
    let double = Double::start().await;
    let verify = twilio_verify(Channel::Sms, &double.url());
    let checker = verify.checker().unwrap();
    let guess = Secret::new("123456");
    let table = [
        (Reply::json(201, &verification("approved")), CheckOutcome::Approved),
        (Reply::json(200, &verification("approved")), CheckOutcome::Approved),
        (Reply::json(201, &verification("pending")), CheckOutcome::Wrong),
        (Reply::json(200, &verification("max_attempts_reached")), CheckOutcome::TooManyAttempts),
        (Reply::json(200, &verification("expired")), CheckOutcome::Ended),
        (Reply::json(200, &verification("canceled")), CheckOutcome::Ended),
        (Reply::json(200, &verification("deleted")), CheckOutcome::Ended),
        (Reply::json(200, &verification("failed")), CheckOutcome::Ended),
        (Reply::json(200, &json!({ "status": "unheard_of" })), CheckOutcome::Unavailable),
        (error(404, 20404), CheckOutcome::Ended),
        (error(429, 60202), CheckOutcome::TooManyAttempts),
        (error(400, 60200), CheckOutcome::Wrong),
        (error(429, 20429), CheckOutcome::Throttled { retry_after: Some(std::time::Duration::from_secs(3)) }),
        (error(503, 20503), CheckOutcome::Unavailable),
    ];
    for (reply, expected) in table {
        double.then(reply.clone());
        assert_eq!(checker.check(SID, &guess).await, expected, "{reply:?}");
        let seen = double.take_one();
        assert_eq!(seen.line, format!("/v2/Services/{SERVICE}/VerificationCheck"));
        assert_eq!(seen.form()["VerificationSid"], SID);
        assert_eq!(seen.form()["Code"], "123456");
    }
}

#[tokio::test]
async fn cancelled_verification_is_cancelled_at_twilio() {
    let double = Double::start().await;
    let verify = twilio_verify(Channel::Sms, &double.url());
    let checker = verify.checker().unwrap();
    for (reply, expected) in
        [(Reply::json(200, &verification("canceled")), true), (error(404, 20404), true), (error(500, 0), false)]
    {
        double.then(reply);
        assert_eq!(checker.cancel(SID).await, expected);
        let seen = double.take_one();
        assert_eq!(seen.line, format!("/v2/Services/{SERVICE}/Verifications/{SID}"));
        assert_eq!(seen.form()["Status"], "canceled");
    }
}

#[tokio::test]
async fn polling_returns_the_newest_attempt() {
    let double = Double::start().await;
    let verify = twilio_verify(Channel::Sms, &double.url());
    let attempt = |at: &str, conversion: &str, status: &str| {
        json!({
            "sid": "VLaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "verification_sid": SID, "date_created": at, "channel": "sms",
            "conversion_status": conversion, "channel_data": { "message_status": status, "error_code": "30008" },
        })
    };
    let known = |status, code: Option<&str>| PollResult::Status { status, code: code.map(str::to_owned) };
    let table = [
        (vec![], PollResult::Pending),
        (vec![attempt("2026-01-02T03:04:05Z", "unconverted", "")], PollResult::Pending),
        (
            vec![
                attempt("2026-01-02T03:04:05Z", "unconverted", "delivered"),
                attempt("2026-01-02T03:05:05Z", "unconverted", "undelivered"),
            ],
            known(ReceiptStatus::Undelivered(DeliveryFailure::Provider), Some("30008")),
        ),
        (vec![attempt("2026-01-02T03:04:05Z", "converted", "sent")], known(ReceiptStatus::Delivered, None)),
    ];
    for (attempts, expected) in table {
        double.then(Reply::json(200, &json!({ "attempts": attempts, "meta": {} })));
        assert_eq!(verify.poll(SID).await, expected);
        assert_eq!(double.take_one().line, format!("/v2/Attempts?VerificationSid={SID}"));
    }
    double.then(error(429, 20429));
    let throttled = PollResult::Throttled { retry_after: Some(std::time::Duration::from_secs(3)) };
    assert_eq!(verify.poll(SID).await, throttled);
}
