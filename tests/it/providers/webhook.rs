//! A gateway operated by the user (`webhook`).

use std::sync::Arc;

use chrono::DateTime;
use domain::channel::Channel;
use platform::{clock::Clock, config::Secret};
use providers::{
    Outcome, Provider,
    standard_webhooks::{Key, is_authentic},
};
use serde_json::json;

use super::{
    double::{Double, Reply},
    support::{
        accepted, code_message, content, destination, email, misconfigured, provider_at, recipient, sender, throttled,
        unavailable,
    },
};

const SECRET: &str = "whsec_bcyrfvFYBhsqlj5RCFhwN8KNGLGfi2vtHkEWiKZxO9o=";
/// The secret of the specification's test vector. As a setting it is rejected, since it is public.
const PUBLISHED: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OLDER: &str = "whsec_hUkEMOeV5Yyign0cVZK/hiatTlcSu2Iw";

fn webhook(url: &str, secret: &str) -> Arc<dyn Provider> {
    let (clock, _) = Clock::manual(DateTime::from_timestamp(1_767_225_600, 0).unwrap());
    let vars = [("SMS_PROVIDER", "webhook"), ("DELIVERY_WEBHOOK_URL", url), ("DELIVERY_WEBHOOK_SECRET", secret)];
    provider_at(clock, Channel::Sms, &vars)
}

#[test]
fn signatures_match_the_official_library() {
    let sign = |secret: &str, id, timestamp, body: &str| {
        Key::parse(&Secret::new(secret)).unwrap().sign(id, timestamp, body.as_bytes())
    };
    let first = sign(PUBLISHED, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
    assert_eq!(first, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    let counting = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let second = sign(counting, "msg_0001", 1_767_225_600, r#"{"to":"+821012345678","text":"인증번호 123456"}"#);
    assert_eq!(second, "v1,vRSJdeOd+/1Nq3ohC72QvY6TE0KLsmZkgXmExHAUNhk=");
}

#[tokio::test]
async fn message_is_signed_json_with_a_stable_id() {
    let double = Double::start().await;
    let webhook = webhook(&format!("{}/in?x=1", double.url()), &format!("{SECRET},{OLDER}"));
    let message = code_message();
    double.then(Reply::json(202, &json!({ "provider_message_id": 7 }))).then(Reply::text(204, ""));
    assert_eq!(webhook.send(&message).await, accepted("7"));
    assert_eq!(webhook.send(&message).await, Outcome::Accepted { provider_message_id: None });
    let [seen, again] = &double.take()[..] else { panic!("two requests are expected") };
    assert_eq!(seen.header("webhook-id"), again.header("webhook-id"));
    assert_eq!((seen.line.as_str(), seen.header("content-type")), ("/in?x=1", "application/json"));
    let now = DateTime::from_timestamp(1_767_225_600, 0).unwrap();
    for secret in [SECRET, OLDER] {
        let key = Key::parse(&Secret::new(secret)).unwrap();
        let [id, time, signature] =
            ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| seen.header(name));
        assert!(is_authentic(&[key], id, time, signature, &seen.body, now), "{secret}");
    }
    let expected = json!({
        "type": "message.send", "timestamp": "2026-01-01T00:00:00.000Z",
        "data": {
            "id": message.id.as_str(), "channel": "sms", "to": "+821012345678", "locale": "ko", "code_ttl_seconds": 300,
            "text": "[예시] 인증번호 [123456]를 입력해 주세요.", "subject": null, "html": null,
        },
    });
    assert_eq!(seen.json(), expected);
    assert!(webhook.capabilities().idempotent);
}

#[tokio::test]
async fn email_has_subject_and_html() {
    let double = Double::start().await;
    double.then(Reply::text(200, ""));
    webhook(&double.url(), SECRET).send(&email("hong@example.com")).await;
    let data = &double.take_one().json()["data"];
    assert_eq!((&data["channel"], &data["to"]), (&json!("email"), &json!("hong@example.com")));
    assert_eq!(data["subject"], "[예시] 인증번호");
    assert!(data["html"].as_str().unwrap().contains("<b>123456</b>"));
}

#[tokio::test]
async fn every_response_has_its_class() {
    let double = Double::start().await;
    let webhook = webhook(&double.url(), SECRET);
    let table = [
        (Reply::text(200, "ok"), Outcome::Accepted { provider_message_id: None }),
        (Reply::json(409, &json!({ "provider_message_id": "seen-before" })), accepted("seen-before")),
        (Reply::text(410, ""), misconfigured("410")),
        (Reply::text(400, ""), content("400")),
        (Reply::text(401, ""), misconfigured("401")),
        (Reply::json(422, &json!({ "rejected": "recipient", "code": "blocked" })), recipient("blocked")),
        (Reply::json(422, &json!({ "rejected": "sender", "code": 9 })), sender("9")),
        (Reply::json(422, &json!({ "rejected": "content", "code": "emoji" })), content("emoji")),
        (Reply::json(422, &json!({ "rejected": "destination", "code": "no route" })), destination("no route")),
        // The code in the body counts, whatever the status.
        (Reply::json(200, &json!({ "rejected": "recipient", "code": 1 })), recipient("1")),
        (Reply::json(403, &json!({ "rejected": "destination" })), Outcome::RejectedDestination { code: None }),
        (Reply::json(503, &json!({ "rejected": "content", "code": "no" })), content("no")),
        (Reply::json(200, &json!({ "rejected": null })), Outcome::Accepted { provider_message_id: None }),
        (Reply::json(503, &json!({ "rejected": "something" })), unavailable("503")),
        (Reply::text(403, ""), destination("403")),
        (Reply::text(408, ""), unavailable("408")),
        (Reply::text(429, "").with("retry-after", "5"), throttled(Some(5))),
        (Reply::text(500, ""), unavailable("500")),
    ];
    for (reply, expected) in table {
        double.then(reply.clone());
        assert_eq!(webhook.send(&code_message()).await, expected, "{reply:?}");
    }
}
