//! A server with fake providers, and their responses and receipts.

use base64::{Engine, engine::general_purpose::STANDARD};
use countersign::app::Settings;
use hmac::{Hmac, KeyInit, Mac};
use platform::{config::Secret, supervisor::Supervisor};
use providers::standard_webhooks::Key;
use serde_json::{Value, json};
use sha1::Sha1;
use store::Store;

use super::fake_provider::{Action, FakeProvider};
use crate::{
    providers::double::{RecordedRequest, Reply},
    support::{ApiClient, Setup, TEST_TIMEOUT, TestApp},
};

pub const SECRET: &str = "whsec_bcyrfvFYBhsqlj5RCFhwN8KNGLGfi2vtHkEWiKZxO9o=";
pub const TWILIO_TOKEN: &str = "0123456789abcdef0123456789abcdef";
const PUBLIC_URL: &str = "https://sign.example.com";

/// A server that sends text messages by these providers.
pub async fn with_providers(providers: &str) -> Setup {
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

pub trait ProviderSettings {
    #[must_use]
    fn gateway(self, provider: &FakeProvider) -> Self;
    #[must_use]
    fn twilio(self, provider: &FakeProvider) -> Self;
    #[must_use]
    fn twilio_verify(self, provider: &FakeProvider) -> Self;
}

impl ProviderSettings for Setup {
    fn gateway(self, provider: &FakeProvider) -> Self {
        self.with("DELIVERY_WEBHOOK_URL", &provider.url()).with("DELIVERY_WEBHOOK_SECRET", SECRET)
    }

    fn twilio(self, provider: &FakeProvider) -> Self {
        self.with("TWILIO_ACCOUNT_SID", "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
            .with("TWILIO_AUTH_TOKEN", TWILIO_TOKEN)
            .with("TWILIO_FROM_NUMBER", "+15005550006")
            .with("TWILIO_API_BASE_URL", &provider.url())
    }

    fn twilio_verify(self, provider: &FakeProvider) -> Self {
        self.with("TWILIO_ACCOUNT_SID", "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
            .with("TWILIO_AUTH_TOKEN", TWILIO_TOKEN)
            .with("TWILIO_VERIFY_SERVICE_SID", "VAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
            .with("TWILIO_VERIFY_BASE_URL", &provider.url())
    }
}

/// The gateway's response that it accepted the message under this id.
pub fn accepted(id: &str) -> Reply {
    Reply::json(202, &json!({ "provider_message_id": id }))
}

/// Accepts everything under the delivery's own id.
pub fn accept_all(seen: &RecordedRequest) -> Action {
    Action::Respond(accepted(&format!("gw-{}", seen.header("webhook-id"))))
}

pub fn twilio_accepted(sid: &str) -> Reply {
    Reply::json(201, &json!({ "sid": sid, "status": "queued" }))
}

pub fn twilio_error(status: u16, code: u32) -> Reply {
    Reply::json(status, &json!({ "code": code, "message": "no", "status": status }))
}

/// The recipient's number in a request.
pub fn number(seen: &RecordedRequest) -> String {
    if seen.header("content-type").starts_with("application/json") {
        seen.json()["data"]["to"].as_str().unwrap().to_owned()
    } else {
        seen.form()["To"].clone()
    }
}

/// The code in the text of a request.
pub fn code(seen: &RecordedRequest) -> String {
    let text = if seen.header("content-type").starts_with("application/json") {
        seen.json()["data"]["text"].as_str().unwrap().to_owned()
    } else {
        seen.form()["Body"].clone()
    };
    let mut words = text.split(|char: char| !char.is_ascii_digit());
    words.find(|word| word.len() == 6).unwrap_or_else(|| panic!("no code in {text}")).to_owned()
}

/// The n-th phone number.
pub fn phone(number: usize) -> String {
    format!("+8210{:08}", 20_000_000 + number)
}

/// Waits until the delivery of a verification has this status.
pub async fn wait_for_status(client: &ApiClient, id: &Value, status: &str) -> Value {
    let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
    loop {
        let verification = client.verification(id).await;
        if verification["delivery"]["status"] == status {
            return verification;
        }
        assert!(tokio::time::Instant::now() < deadline, "never {status}: {verification:#}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Posts a receipt of the gateway, signed with `secret`.
pub async fn post_gateway_receipt(app: &TestApp, receipt: &Value, secret: &str) -> u16 {
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

/// Posts a status callback of Twilio about a delivery.
pub async fn post_twilio_receipt(app: &TestApp, delivery: &str, sid: &str, status: &str) -> u16 {
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

/// The store of a running server.
pub async fn store(app: &TestApp) -> Store {
    let settings = Settings::from_vars(app.vars().clone()).unwrap_or_else(|_| panic!());
    Store::open(&settings.config.store, &Supervisor::default()).await.unwrap()
}
