//! The program with carriers behind it, and what it is told and tells over the wire.

use base64::{Engine, engine::general_purpose::STANDARD};
use countersign::{app::Settings, config::Secret, delivery::standard_webhooks::Key, store::Store, vitals::Vitals};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::Sha1;

use super::carrier::{Act, Carrier};
use crate::{
    providers::double::{Reply, Seen},
    support::{ApiClient, Setup, TEST_TIMEOUT, TestApp},
};

pub const SECRET: &str = "whsec_bcyrfvFYBhsqlj5RCFhwN8KNGLGfi2vtHkEWiKZxO9o=";
pub const TWILIO_TOKEN: &str = "0123456789abcdef0123456789abcdef";
const PUBLIC_URL: &str = "https://sign.example.com";

/// A program whose text messages go by these providers.
pub async fn by(providers: &str) -> Setup {
    Setup::new()
        .await
        .with("SMS_PROVIDER", providers)
        .with("PUBLIC_URL", PUBLIC_URL)
        .with("PROVIDER_TIMEOUT", "1s")
        .with("CLIENT_SENDS_PER_MINUTE", "unlimited")
        .with("CLIENT_GUESSES_PER_MINUTE", "unlimited")
        .with("DESTINATION_HOURLY_SENDS", "unlimited")
        .with("PUMPING_MIN_SENDS", "unlimited")
}

pub trait Carried {
    #[must_use]
    fn gateway(self, carrier: &Carrier) -> Self;
    #[must_use]
    fn twilio(self, carrier: &Carrier) -> Self;
    #[must_use]
    fn twilio_verify(self, carrier: &Carrier) -> Self;
}

impl Carried for Setup {
    fn gateway(self, carrier: &Carrier) -> Self {
        self.with("DELIVERY_WEBHOOK_URL", &carrier.url()).with("DELIVERY_WEBHOOK_SECRET", SECRET)
    }

    fn twilio(self, carrier: &Carrier) -> Self {
        self.with("TWILIO_ACCOUNT_SID", "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
            .with("TWILIO_AUTH_TOKEN", TWILIO_TOKEN)
            .with("TWILIO_FROM_NUMBER", "+15005550006")
            .with("TWILIO_API_BASE_URL", &carrier.url())
    }

    fn twilio_verify(self, carrier: &Carrier) -> Self {
        self.with("TWILIO_ACCOUNT_SID", "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
            .with("TWILIO_AUTH_TOKEN", TWILIO_TOKEN)
            .with("TWILIO_VERIFY_SERVICE_SID", "VAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
            .with("TWILIO_VERIFY_BASE_URL", &carrier.url())
    }
}

/// The gateway takes it, under this id.
pub fn taken(id: &str) -> Reply {
    Reply::json(202, &json!({ "provider_message_id": id }))
}

/// Takes everything, under the delivery's own id.
pub fn takes(seen: &Seen) -> Act {
    Act::Say(taken(&format!("gw-{}", seen.header("webhook-id"))))
}

pub fn twilio_took(sid: &str) -> Reply {
    Reply::json(201, &json!({ "sid": sid, "status": "queued" }))
}

pub fn twilio_error(status: u16, code: u32) -> Reply {
    Reply::json(status, &json!({ "code": code, "message": "no", "status": status }))
}

/// The number that a request is about.
pub fn number(seen: &Seen) -> String {
    if seen.header("content-type").starts_with("application/json") {
        seen.json()["data"]["to"].as_str().unwrap().to_owned()
    } else {
        seen.form()["To"].clone()
    }
}

/// The code in a request's text.
pub fn code(seen: &Seen) -> String {
    let text = if seen.header("content-type").starts_with("application/json") {
        seen.json()["data"]["text"].as_str().unwrap().to_owned()
    } else {
        seen.form()["Body"].clone()
    };
    let mut words = text.split(|char: char| !char.is_ascii_digit());
    words.find(|word| word.len() == 6).unwrap_or_else(|| panic!("no code in {text}")).to_owned()
}

/// Another number for each.
pub fn phone(number: usize) -> String {
    format!("+8210{:08}", 20_000_000 + number)
}

/// The verification, once its message shows this status.
pub async fn shows(person: &ApiClient, id: &Value, status: &str) -> Value {
    let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
    loop {
        let verification = person.verification(id).await;
        if verification["delivery"]["status"] == status {
            return verification;
        }
        assert!(tokio::time::Instant::now() < deadline, "never {status}: {verification:#}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// A receipt by the gateway, signed or not as it should be.
pub async fn gateway_tells(app: &TestApp, receipt: &Value, secret: &str) -> u16 {
    let body = receipt.to_string();
    let now = app.now().timestamp();
    let signature = Key::parse(&Secret::new(secret)).unwrap().sign("msg_1", now, body.as_bytes());
    let request = app.http().post(format!("{}/receipts/webhook", app.url()));
    let request = request
        .header("webhook-id", "msg_1")
        .header("webhook-timestamp", now)
        .header("webhook-signature", signature)
        .header("content-type", "application/json");
    request.body(body).send().await.unwrap().status().as_u16()
}

/// A status callback by Twilio about a delivery.
pub async fn twilio_tells(app: &TestApp, delivery: &str, sid: &str, status: &str) -> u16 {
    let path = format!("/receipts/twilio?delivery={delivery}");
    let fields = [("MessageSid", sid), ("MessageStatus", status)];
    let mut mac = Hmac::<Sha1>::new_from_slice(TWILIO_TOKEN.as_bytes()).unwrap();
    mac.update(format!("{PUBLIC_URL}{path}").as_bytes());
    for (name, value) in fields {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    let request = app.http().post(format!("{}{path}", app.url())).form(&fields);
    request.header("x-twilio-signature", signature).send().await.unwrap().status().as_u16()
}

/// The tables of a running program.
pub async fn store(app: &TestApp) -> Store {
    let settings = Settings::from_vars(app.vars().clone()).unwrap_or_else(|_| panic!());
    Store::open(&settings.config.store, &Vitals::default()).await.unwrap()
}
