//! Twilio Messaging and Calls.

use std::{sync::Arc, time::Duration};

use domain::channel::Channel;
use platform::config::Secret;
use providers::{Outcome, Outgoing, Provider};
use serde_json::{Value, json};

use super::{
    double::{Double, Reply},
    support::{
        accepted, blocked, call, code_message, content, destination, misconfigured, provider, recipient, sender,
        text_message, throttled, unavailable, unavailable_for, unfit,
    },
};

const SID: &str = "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

pub fn twilio(channel: Channel, url: &str, more: &[(&str, &str)]) -> Arc<dyn Provider> {
    let chooses = if channel == Channel::Voice { "VOICE_PROVIDER" } else { "SMS_PROVIDER" };
    let mut vars = vec![
        (chooses, "twilio"),
        ("TWILIO_ACCOUNT_SID", "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("TWILIO_AUTH_TOKEN", "0123456789abcdef0123456789abcdef"),
        ("TWILIO_FROM_NUMBER", "+15005550006"),
        ("TWILIO_API_BASE_URL", url),
    ];
    vars.extend_from_slice(more);
    provider(channel, &vars)
}

/// Twilio's response for a created message, with all fields of its specification.
pub fn created(sid: &str) -> Reply {
    let message = json!({
        "sid": sid, "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "status": "queued", "to": "+821012345678",
        "from": "+15005550006", "body": "", "num_segments": "1", "num_media": "0", "direction": "outbound-api",
        "error_code": Value::Null, "error_message": Value::Null, "price": Value::Null, "price_unit": "USD",
        "api_version": "2010-04-01", "date_created": "Fri, 02 Jan 2026 03:04:05 +0000",
        "date_updated": "Fri, 02 Jan 2026 03:04:05 +0000", "date_sent": Value::Null, "messaging_service_sid": Value::Null,
        "uri": format!("/2010-04-01/Accounts/ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Messages/{sid}.json"),
    });
    Reply::json(201, &message)
}

fn error(status: u16, code: u32) -> Reply {
    let body = json!({ "code": code, "message": "To +821012345678", "more_info": "https://x", "status": status });
    Reply::json(status, &body).with("retry-after", "3")
}

#[tokio::test]
async fn text_is_sent_as_a_form() {
    let double = Double::start().await;
    let twilio = twilio(Channel::Sms, &double.url(), &[]);
    double.then(created(SID));
    let message = code_message();
    assert_eq!(twilio.send(&message).await, accepted(SID));

    let seen = double.take_one();
    assert_eq!(seen.method, "POST");
    assert_eq!(seen.line, "/2010-04-01/Accounts/ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Messages.json");
    assert_eq!(seen.header("content-type"), "application/x-www-form-urlencoded");
    // base64 of AC…:token
    assert_eq!(
        seen.header("authorization"),
        "Basic QUNhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYTowMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg=="
    );
    assert!(std::str::from_utf8(&seen.body).unwrap().contains("To=%2B821012345678"));
    let callback = format!("https://sign.example.com/receipts/twilio?delivery={}", message.id.as_str());
    let expected = [
        ("Body", "[예시] 인증번호 [123456]를 입력해 주세요."),
        ("From", "+15005550006"),
        ("SmartEncoded", "true"),
        ("StatusCallback", &callback),
        ("To", "+821012345678"),
        ("ValidityPeriod", "300"),
    ];
    let form = seen.form();
    assert_eq!(form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn messaging_service_api_key_and_callback_are_used() {
    let double = Double::start().await;
    let twilio = twilio(
        Channel::Sms,
        &double.url(),
        &[
            ("TWILIO_MESSAGING_SERVICE_SID", "MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
            ("TWILIO_API_KEY_SID", "SK1"),
            ("TWILIO_API_KEY_SECRET", "s"),
            ("TWILIO_STATUS_CALLBACK_URL", "https://hooks.example.com/t?x=1"),
        ],
    );
    double.then(created(SID));
    let message = Outgoing { ttl: Duration::from_secs(90_000), ..code_message() };
    assert_eq!(twilio.send(&message).await, accepted(SID));
    let seen = double.take_one();
    let form = seen.form();
    assert_eq!(seen.header("authorization"), "Basic U0sxOnM=");
    assert_eq!(form["MessagingServiceSid"], "MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_eq!(form.get("From"), None);
    assert_eq!(form["ValidityPeriod"], "36000");
    assert!(form["StatusCallback"].starts_with("https://hooks.example.com/t?x=1&delivery=dlv_"));
}

#[tokio::test]
async fn call_reads_the_text_aloud() {
    let double = Double::start().await;
    let twilio = twilio(Channel::Voice, &double.url(), &[("TWILIO_VOICE_FROM_NUMBER", "+15005550007")]);
    double.then(Reply::json(201, &json!({ "sid": "CAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "status": "queued" })));
    assert_eq!(twilio.send(&call()).await, accepted("CAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
    let seen = double.take_one();
    assert_eq!(seen.line, "/2010-04-01/Accounts/ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Calls.json");
    let form = seen.form();
    assert_eq!(form["From"], "+15005550007");
    assert!(form["StatusCallback"].starts_with("https://sign.example.com/receipts/twilio?delivery=dlv_"));
    assert!(form["Twiml"].contains(r#"<Say language="ko-KR">1, 2, 3, 4, 5, 6. 1, 2, 3, 4, 5, 6.</Say>"#));
}

#[tokio::test]
async fn every_error_code_has_its_class() {
    let double = Double::start().await;
    let twilio = twilio(Channel::Sms, &double.url(), &[]);
    let table = [
        (401, 20003, misconfigured("20003")),
        (404, 20404, misconfigured("20404")),
        (429, 20429, throttled(Some(3))),
        (400, 21211, recipient("21211")),
        (400, 21612, recipient("21612")),
        (400, 21614, recipient("21614")),
        (400, 21610, blocked("21610")),
        (400, 21608, destination("21608")),
        (400, 21408, destination("21408")),
        (403, 21408, destination("21408")),
        (403, 99999, destination("99999")),
        (401, 20005, misconfigured("20005")),
        (400, 21910, sender("21910")),
        (403, 30034, sender("30034")),
        (400, 21635, recipient("21635")),
        (400, 21659, sender("21659")),
        (400, 21660, sender("21660")),
        (400, 21701, sender("21701")),
        (400, 21703, sender("21703")),
        (400, 21212, sender("21212")),
        (400, 21606, sender("21606")),
        (400, 21603, sender("21603")),
        (400, 21611, throttled(Some(3))),
        (400, 21602, content("21602")),
        (400, 21617, content("21617")),
        // Calls.
        (400, 21217, recipient("21217")),
        (400, 21214, recipient("21214")),
        (400, 21215, destination("21215")),
        (400, 13227, destination("13227")),
        (400, 21219, destination("21219")),
        (403, 10004, throttled(Some(3))),
        (400, 21216, recipient("21216")),
        (400, 21210, sender("21210")),
        // Unknown codes are classified by the HTTP status.
        (400, 99999, content("99999")),
        (500, 20500, unavailable_for("20500", 3)),
    ];
    for (status, code, expected) in table {
        double.then(error(status, code));
        assert_eq!(twilio.send(&code_message()).await, expected, "{status} {code}");
    }
    // RFC 9457 responses have the code as text or not at all.
    double.then(Reply::json(400, &json!({ "type": "https://x/21211", "status": 400, "code": "21211" })));
    assert_eq!(twilio.send(&code_message()).await, recipient("21211"));
    double.then(Reply::json(503, &json!({ "title": "Unavailable" })));
    assert_eq!(twilio.send(&code_message()).await, unavailable("503"));
    double.then(Reply::json(201, &json!({ "status": "queued" })));
    assert_eq!(twilio.send(&code_message()).await, Outcome::Unknown);
}

#[tokio::test]
async fn text_over_1600_and_call_over_4000_characters_are_not_sent() {
    let double = Double::start().await;
    let long = text_message(&"가".repeat(1601));
    assert_eq!(twilio(Channel::Sms, &double.url(), &[]).send(&long).await, unfit("text_too_long"));
    let long = Outgoing { text: Secret::new("1".repeat(4000)), ..call() };
    assert_eq!(twilio(Channel::Voice, &double.url(), &[]).send(&long).await, unfit("text_too_long"));
    assert!(double.take().is_empty());
}
