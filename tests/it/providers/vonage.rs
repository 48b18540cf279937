//! Vonage, which responds 200 to everything.

use std::sync::Arc;

use chrono::DateTime;
use domain::channel::Channel;
use platform::clock::Clock;
use providers::{Outcome, Provider};
use serde_json::{Value, json};

use super::{
    double::{Double, Reply},
    support::{
        accepted, blocked, code_message, content, destination, misconfigured, provider_at, recipient, sender,
        text_message, throttled, unavailable,
    },
};

pub fn vonage(url: &str, more: &[(&str, &str)]) -> Arc<dyn Provider> {
    let (clock, _) = Clock::manual(DateTime::from_timestamp(1_700_000_000, 0).unwrap());
    let mut vars = vec![
        ("SMS_PROVIDER", "vonage"),
        ("VONAGE_API_KEY", "abcd1234"),
        ("VONAGE_FROM", "Example"),
        ("VONAGE_BASE_URL", url),
    ];
    vars.extend_from_slice(more);
    provider_at(clock, Channel::Sms, &vars)
}

const SECRET: (&str, &str) = ("VONAGE_API_SECRET", "secret");

fn part(status: &str) -> Value {
    match status {
        "0" => json!({
            "to": "821012345678", "message-id": "0A0000000123ABCD1", "status": "0", "remaining-balance": "3.14",
            "message-price": "0.03", "network": "45005", "client-ref": "x",
        }),
        other => json!({ "status": other, "error-text": "821012345678 is not good" }),
    }
}

fn answered(statuses: &[&str]) -> Reply {
    let parts: Vec<_> = statuses.iter().map(|status| part(status)).collect();
    Reply::json(200, &json!({ "message-count": parts.len().to_string(), "messages": parts }))
}

#[tokio::test]
async fn korean_text_is_unicode_and_number_has_no_plus() {
    let double = Double::start().await;
    double.then(answered(&["0"]));
    let message = code_message();
    assert_eq!(vonage(&double.url(), &[SECRET]).send(&message).await, accepted("0A0000000123ABCD1"));
    let seen = double.take_one();
    assert_eq!((seen.method.as_str(), seen.line.as_str()), ("POST", "/sms/json"));
    let form = seen.form();
    let expected = [
        ("api_key", "abcd1234"),
        ("api_secret", "secret"),
        ("callback", "https://sign.example.com/receipts/vonage"),
        ("client-ref", message.id.as_str()),
        ("from", "Example"),
        ("text", "[예시] 인증번호 [123456]를 입력해 주세요."),
        ("to", "821012345678"),
        ("ttl", "300000"),
        ("type", "unicode"),
    ];
    assert_eq!(form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>(), expected);
    assert!(form["client-ref"].len() <= 40);
}

/// The encodings are those that Twilio's segment calculator finds for the same texts.
#[tokio::test]
async fn gsm_7_text_has_type_text() {
    let double = Double::start().await;
    let vonage = vonage(&double.url(), &[SECRET]);
    let table = [
        ("[Acme] Your code is 123456", "text"),
        ("123456 is your ExampleCo code.\n\n@example.com #123456", "text"),
        ("€ [~]", "text"),
        ("a\r\nb", "text"),
        ("Your code is “123456”", "unicode"),
        ("code `123456`", "unicode"),
        ("a\u{a0}b", "unicode"),
        ("e\u{301}", "unicode"),
        ("😀", "unicode"),
    ];
    for (text, kind) in table {
        double.then(answered(&["0"]));
        vonage.send(&text_message(text)).await;
        assert_eq!(double.take_one().form()["type"], kind, "{text}");
    }
}

#[tokio::test]
async fn request_is_signed_when_no_api_secret_is_set() {
    let double = Double::start().await;
    let signing = [("VONAGE_SIGNATURE_SECRET", "sigsecret,older"), ("VONAGE_SIGNATURE_METHOD", "md5")];
    double.then(answered(&["0"]));
    assert_eq!(vonage(&double.url(), &signing).send(&code_message()).await, accepted("0A0000000123ABCD1"));
    let form = double.take_one().form();
    assert_eq!(form.get("api_secret"), None);
    assert_eq!(form["timestamp"], "1700000000");
    assert_eq!(form["sig"].len(), 32);
}

#[tokio::test]
async fn every_status_code_has_its_class() {
    let double = Double::start().await;
    let vonage = vonage(&double.url(), &[SECRET]);
    let table = [
        ("1", throttled(None)),
        ("2", content("2")),
        ("3", content("3")),
        ("4", misconfigured("4")),
        ("5", unavailable("5")),
        ("6", recipient("6")),
        ("7", blocked("7")),
        ("8", misconfigured("8")),
        ("9", misconfigured("9")),
        ("10", throttled(None)),
        ("11", misconfigured("11")),
        ("12", content("12")),
        ("14", misconfigured("14")),
        ("15", sender("15")),
        ("22", destination("22")),
        ("23", misconfigured("23")),
        ("29", destination("29")),
        ("32", misconfigured("32")),
        ("33", recipient("33")),
        ("99", content("99")),
    ];
    for (status, expected) in table {
        double.then(answered(&[status]));
        assert_eq!(vonage.send(&code_message()).await, expected, "{status}");
    }
}

#[tokio::test]
async fn partially_sent_text_is_unknown() {
    let double = Double::start().await;
    let vonage = vonage(&double.url(), &[SECRET]);
    let table = [
        (answered(&["0", "0"]), accepted("0A0000000123ABCD1")),
        (answered(&["0", "9"]), Outcome::Unknown),
        (answered(&["9", "0"]), Outcome::Unknown),
        (answered(&["1", "1"]), throttled(None)),
        (answered(&[]), Outcome::Unknown),
    ];
    for (reply, expected) in table {
        double.then(reply);
        assert_eq!(vonage.send(&code_message()).await, expected);
    }
}
