//! DL-05: only correctly signed receipts are accepted.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::DateTime;
use countersign::http::receipts::{ReceiptState, routes};
use domain::{ids::DeliveryId, status::DeliveryFailure};
use hmac::{Hmac, KeyInit, Mac};
use platform::{
    clock::{Clock, Entropy},
    config::Secret,
    fault::Fault,
};
use providers::{Receipt, ReceiptStatus, standard_webhooks::Key};
use serde_json::json;
use tower::ServiceExt;

use super::support::verifiers;

const NOW: i64 = 1_767_225_600;
const TOKEN: &str = "67787a65c0c03e0a16d2c3e4f062626a";
const WHSEC: &str = "whsec_bcyrfvFYBhsqlj5RCFhwN8KNGLGfi2vtHkEWiKZxO9o=";

struct Bench {
    app: Router,
    taken: Arc<Mutex<Vec<Receipt>>>,
}

impl Bench {
    fn new(vars: &[(&str, &str)]) -> Self {
        Self::answering(vars, || Ok(()))
    }

    fn answering(vars: &[(&str, &str)], response: fn() -> Result<(), Fault>) -> Self {
        let verifiers = Arc::new(verifiers(vars));
        let taken: Arc<Mutex<Vec<Receipt>>> = Arc::default();
        let kept = taken.clone();
        let handler = Arc::new(move |receipts| {
            kept.lock().unwrap().extend::<Vec<Receipt>>(receipts);
            Box::pin(std::future::ready(response())) as _
        });
        let (clock, _) = Clock::manual(DateTime::from_timestamp(NOW, 0).unwrap());
        Self { app: routes(ReceiptState { verifiers, handler, clock }), taken }
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> u16 {
        let mut request = Request::post(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    async fn send(&self, request: Request<Body>) -> u16 {
        self.app.clone().oneshot(request).await.unwrap().status().as_u16()
    }

    /// The receipts accepted since the last call.
    fn taken(&self) -> Vec<Receipt> {
        std::mem::take(&mut self.taken.lock().unwrap())
    }
}

fn delivery() -> DeliveryId {
    DeliveryId::new(&Entropy::seeded(3))
}

fn receipt(provider: &'static str, id: &str, status: ReceiptStatus, code: Option<&str>) -> Receipt {
    Receipt { provider, provider_message_id: id.to_owned(), delivery: None, status, code: code.map(str::to_owned) }
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded; charset=UTF-8");

/// Twilio's signature over a URL and the sorted fields.
fn twilio_signature(token: &str, url_and_fields: &str) -> String {
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(token.as_bytes()).unwrap();
    mac.update(url_and_fields.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Vonage's signature over the sorted fields.
fn vonage_signature(secret: &str, fields: &BTreeMap<String, String>) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    for (name, value) in fields {
        mac.update(format!("&{name}={}", value.replace(['&', '='], "_")).as_bytes());
    }
    hex::encode(mac.finalize().into_bytes())
}

#[tokio::test]
async fn twilio_receipt_needs_a_signature_over_the_public_url() {
    let bench = Bench::new(&[("TWILIO_AUTH_TOKEN", "new,12345")]);
    let url = format!("/receipts/twilio?delivery={}", delivery().as_str());
    let signed = format!("https://sign.example.com{url}MessageSidSM1MessageStatusdeliveredNewFieldx y");
    let body = "MessageStatus=delivered&MessageSid=SM1&NewField=x+y";
    for token in ["new", "12345"] {
        let signature = twilio_signature(token, &signed);
        assert_eq!(bench.post(&url, &[FORM, ("x-twilio-signature", &signature)], body).await, 200);
    }
    let expected = Receipt { delivery: Some(delivery()), ..receipt("twilio", "SM1", ReceiptStatus::Delivered, None) };
    assert_eq!(bench.taken(), [expected.clone(), expected]);

    let signature = twilio_signature("12345", &signed);
    let good = [FORM, ("x-twilio-signature", signature.as_str())];
    // Another URL, another body, another key, no signature.
    assert_eq!(bench.post("/receipts/twilio", &good, body).await, 403);
    assert_eq!(bench.post(&url, &good, "MessageStatus=failed&MessageSid=SM1&NewField=x+y").await, 403);
    assert_eq!(bench.post(&url, &[FORM, ("x-twilio-signature", &twilio_signature("x", &signed))], body).await, 403);
    assert_eq!(bench.post(&url, &[FORM], body).await, 403);
    assert_eq!(bench.post(&url, &[good[1]], body).await, 403);
    assert_eq!(bench.taken(), []);
}

#[tokio::test]
async fn every_twilio_status_is_mapped() {
    let bench = Bench::new(&[("TWILIO_AUTH_TOKEN", "t"), ("TWILIO_STATUS_CALLBACK_URL", "https://x.example/cb?y=1")]);
    let say = async |fields: &[(&str, &str)]| {
        let mut sorted = fields.to_vec();
        sorted.sort_unstable();
        let joined: String = sorted.iter().flat_map(|(name, value)| [*name, *value]).collect();
        let signature = twilio_signature("t", &format!("https://x.example/cb?y=1{joined}"));
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        assert_eq!(bench.post("/receipts/twilio?y=1", &[FORM, ("x-twilio-signature", &signature)], body).await, 200);
        bench.taken().pop()
    };
    use DeliveryFailure::{Blocked, Expired, Provider, Recipient};
    use ReceiptStatus::{Delivered, Sent, Undelivered};
    let message = [
        ("accepted", None),
        ("scheduled", None),
        ("queued", None),
        ("sending", Some(Sent)),
        ("sent", Some(Sent)),
        ("delivered", Some(Delivered)),
        ("read", Some(Delivered)),
        ("undelivered", Some(Undelivered(Recipient))),
        ("failed", Some(Undelivered(Provider))),
        ("canceled", Some(Undelivered(Provider))),
        ("new_status", None),
    ];
    for (status, expected) in message {
        let parsed = say(&[("MessageSid", "SM1"), ("MessageStatus", status), ("SmsStatus", status)]).await;
        assert_eq!(parsed.map(|receipt| receipt.status), expected, "{status}");
    }
    let call = [
        ("initiated", None),
        ("ringing", Some(Sent)),
        ("in-progress", Some(Sent)),
        ("completed", Some(Delivered)),
        ("busy", Some(Undelivered(Recipient))),
        ("no-answer", Some(Undelivered(Recipient))),
        ("failed", Some(Undelivered(Provider))),
        ("canceled", Some(Undelivered(Provider))),
    ];
    for (status, expected) in call {
        let parsed = say(&[("CallSid", "CA1"), ("CallStatus", status)]).await;
        assert_eq!(parsed.map(|receipt| receipt.status), expected, "{status}");
    }
    for (code, failure) in [("30003", Recipient), ("30007", Blocked), ("30008", Provider), ("30036", Expired)] {
        let parsed = say(&[("SmsSid", "SM1"), ("SmsStatus", "undelivered"), ("ErrorCode", code)]).await.unwrap();
        assert_eq!(parsed, receipt("twilio", "SM1", Undelivered(failure), Some(code)));
    }
}

#[tokio::test]
async fn solapi_receipt_needs_the_token_in_the_url() {
    let bench = Bench::new(&[("SOLAPI_WEBHOOK_TOKEN", TOKEN)]);
    let event = |id: &str, code: &str| {
        json!({
            "eventDataId": "e", "retryCount": 0,
            "data": { "messageId": id, "groupId": "G", "statusCode": code, "statusMessage": "x", "to": "01012345678",
                      "customFields": { "delivery": delivery().as_str() }, "new": [1] },
        })
    };
    let group = json!({ "eventDataId": "e", "data": { "groupId": "G", "count": {}, "customFields": [] } });
    let body =
        json!([event("M1", "4000"), event("M2", "3000"), event("M3", "3041"), event("M4", "2000"), group]).to_string();
    let path = format!("/receipts/solapi?token={TOKEN}");
    assert_eq!(bench.post(&path, &[], body.clone()).await, 200);
    let parsed = |id, status, code| Receipt { delivery: Some(delivery()), ..receipt("solapi", id, status, code) };
    let expected = [
        parsed("M1", ReceiptStatus::Delivered, None),
        parsed("M2", ReceiptStatus::Sent, None),
        parsed("M3", ReceiptStatus::Undelivered(DeliveryFailure::Recipient), Some("3041")),
    ];
    assert_eq!(bench.taken(), expected);
    for path in
        ["/receipts/solapi", "/receipts/solapi?token=", "/receipts/solapi?token=67787a65c0c03e0a16d2c3e4f062626b"]
    {
        assert_eq!(bench.post(path, &[], body.clone()).await, 403, "{path}");
    }
    assert_eq!(bench.post(&path, &[], "{}").await, 400);
    assert_eq!(bench.taken(), []);
}

#[tokio::test]
async fn vonage_receipt_needs_a_signature_in_every_format() {
    let bench = Bench::new(&[("VONAGE_SIGNATURE_SECRET", "new,sigsecret"), ("VONAGE_SIGNATURE_METHOD", "sha256")]);
    let fields = |status: &str, timestamp: i64| {
        let timestamp = timestamp.to_string();
        let mut fields = BTreeMap::from(
            [
                ("msisdn", "821012345678"),
                ("to", "Example"),
                ("messageId", "0A01"),
                ("status", status),
                ("err-code", "1"),
                ("timestamp", timestamp.as_str()),
                ("nonce", "n"),
                ("new", "a&b=c"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        // Compared case-insensitively.
        fields.insert("sig".to_owned(), vonage_signature("sigsecret", &fields).to_uppercase());
        fields
    };
    let encoded = |fields: &BTreeMap<String, String>| {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
    };
    let get = |query: String| Request::get(format!("/receipts/vonage?{query}")).body(Body::empty()).unwrap();
    let good = fields("failed", NOW);
    let json = ("content-type", "application/json");
    assert_eq!(bench.send(get(encoded(&good))).await, 200);
    assert_eq!(bench.post("/receipts/vonage", &[FORM], encoded(&good)).await, 200);
    assert_eq!(bench.post("/receipts/vonage", &[json], json!(good).to_string()).await, 200);
    let expected = receipt("vonage", "0A01", ReceiptStatus::Undelivered(DeliveryFailure::Recipient), Some("1"));
    assert_eq!(bench.taken(), [expected.clone(), expected.clone(), expected]);

    let mut forged = good.clone();
    forged.insert("status".to_owned(), "delivered".to_owned());
    let mut unsigned = good.clone();
    unsigned.remove("sig");
    // A captured receipt cannot be replayed after five minutes.
    for bad in [forged, unsigned, fields("failed", NOW - 301), fields("failed", NOW + 301)] {
        assert_eq!(bench.send(get(encoded(&bad))).await, 403, "{bad:?}");
    }
    for (status, expected) in [
        ("delivered", Some(ReceiptStatus::Delivered)),
        ("accepted", Some(ReceiptStatus::Sent)),
        ("buffered", Some(ReceiptStatus::Sent)),
        ("expired", Some(ReceiptStatus::Undelivered(DeliveryFailure::Expired))),
        ("rejected", Some(ReceiptStatus::Undelivered(DeliveryFailure::Recipient))),
        ("unknown", None),
    ] {
        assert_eq!(bench.send(get(encoded(&fields(status, NOW)))).await, 200);
        assert_eq!(bench.taken().pop().map(|receipt| receipt.status), expected, "{status}");
    }
}

#[tokio::test]
async fn gateway_receipt_needs_a_standard_webhooks_signature() {
    let bench = Bench::new(&[("DELIVERY_WEBHOOK_SECRET", WHSEC)]);
    let key = Key::parse(&Secret::new(WHSEC)).unwrap();
    let post = async |body: &str, timestamp: i64, signed: &str| {
        let signature = key.sign("msg_1", timestamp, signed.as_bytes());
        let timestamp = timestamp.to_string();
        let headers =
            [("webhook-id", "msg_1"), ("webhook-timestamp", timestamp.as_str()), ("webhook-signature", &signature)];
        bench.post("/receipts/webhook", &headers, body.to_owned()).await
    };
    let delivered = json!({ "provider_message_id": "7", "status": "delivered", "new": 1 }).to_string();
    let undelivered =
        json!({ "id": delivery().as_str(), "status": "undelivered", "error": "off", "failure": "content" }).to_string();
    assert_eq!(post(&delivered, NOW, &delivered).await, 200);
    assert_eq!(post(&undelivered, NOW - 300, &undelivered).await, 200);
    let refused = ReceiptStatus::Undelivered(DeliveryFailure::Content);
    let second = Receipt { delivery: Some(delivery()), ..receipt("webhook", "", refused, Some("off")) };
    assert_eq!(bench.taken(), [receipt("webhook", "7", ReceiptStatus::Delivered, None), second]);
    assert_eq!(post(&delivered, NOW, &undelivered).await, 403);
    assert_eq!(post(&delivered, NOW - 301, &delivered).await, 403);
    assert_eq!(bench.post("/receipts/webhook", &[], delivered.clone()).await, 403);
    for malformed in ["[]", r#"{"status":"delivered"}"#] {
        assert_eq!(post(malformed, NOW, malformed).await, 400, "{malformed}");
    }
    let unheard_of = r#"{"id":"x","status":"opened"}"#;
    assert_eq!(post(unheard_of, NOW, unheard_of).await, 200);
    assert_eq!(bench.taken(), []);
}

#[tokio::test]
async fn receipts_are_rejected_without_a_configured_secret() {
    let bench = Bench::new(&[]);
    for name in ["twilio", "solapi", "vonage", "webhook"] {
        assert_eq!(bench.post(&format!("/receipts/{name}"), &[], "{}").await, 404, "{name}");
    }
    assert_eq!(bench.post("/receipts/aligo", &[], "").await, 404);
}

#[tokio::test]
async fn dl_05_body_size_is_limited_and_a_fault_requests_redelivery() {
    let bench = Bench::answering(&[("SOLAPI_WEBHOOK_TOKEN", TOKEN)], || Err(Fault::unavailable("no database")));
    let path = format!("/receipts/solapi?token={TOKEN}");
    let too_long = StatusCode::PAYLOAD_TOO_LARGE.as_u16();
    assert_eq!(bench.post(&path, &[], " ".repeat(64 * 1024 + 1)).await, too_long);
    let body = json!([{ "data": { "messageId": "M1", "statusCode": "4000" } }]).to_string();
    assert_eq!(bench.post(&path, &[], body).await, StatusCode::SERVICE_UNAVAILABLE.as_u16());
}
