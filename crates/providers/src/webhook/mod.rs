//! A custom gateway that receives messages as signed JSON (Standard Webhooks).
//!
//! It responds with 2xx (and `{"provider_message_id": …}` if it has one) when it accepts the message. A rejection may
//! state its kind, with any status: `{"rejected": "recipient" | "destination" | "sender" | "content", "code": …}`.
//! `webhook-id` is the same for a retry, so that the gateway can deduplicate messages.

mod receipts;

pub use self::receipts::{Headers, Verifier};

use std::{sync::Arc, time::Duration};

use chrono::SecondsFormat;
use serde::Deserialize;
use serde_json::json;

use crate::{
    base_url,
    http_client::{HttpClient, ProviderResponse, TransportError},
    lenient::{self, LenientString},
    provider::{Capabilities, Channel, Outcome, Outgoing, Provider, Receipts, Sending},
    registration::{ProviderFactory, Registration, SettingsReader},
    standard_webhooks::{self, Key},
    webhook::receipts::keys,
};
use platform::{clock::Clock, config::Setting};

const ABILITIES: Capabilities = Capabilities {
    idempotent: true,
    ..Capabilities::of(&[Channel::Sms, Channel::Voice, Channel::Email]).with_receipts(Receipts::Webhook)
};

pub const REGISTRATION: Registration = Registration {
    name: "webhook",
    abilities: ABILITIES,
    settings: &[
        Setting::optional("DELIVERY_WEBHOOK_URL", "The URL of the gateway. It is trusted; redirects are not followed."),
        Setting::secret(
            "DELIVERY_WEBHOOK_SECRET",
            "The secret with which requests and receipts are signed: whsec_ and Base64. During rotation: the new and \
             the old secret, separated by a comma. Requests then have both signatures, receipts may have either.",
        ),
        Setting::new(
            "DELIVERY_WEBHOOK_TIMEOUT_MS",
            "5000",
            "The time limit for the response of the gateway, in milliseconds.",
        ),
    ],
    read,
};

struct Webhook {
    http: HttpClient,
    clock: Clock,
    url: String,
    keys: Vec<Key>,
    timeout: Duration,
}

fn read(reader: &mut SettingsReader<'_>) -> ProviderFactory {
    let env = reader.env();
    let url = env.parse_optional("DELIVERY_WEBHOOK_URL", |text| base_url::parse(text).map(String::from));
    if !env.is_set("DELIVERY_WEBHOOK_URL") {
        reader.missing("DELIVERY_WEBHOOK_URL");
    }
    reader.secret("DELIVERY_WEBHOOK_SECRET");
    let keys = keys(env);
    let timeout = Duration::from_millis(env.number("DELIVERY_WEBHOOK_TIMEOUT_MS", 100..=60_000));
    Box::new(move |tools| {
        let (http, clock, url) = (tools.http.clone(), tools.clock.clone(), url.unwrap_or_default());
        Arc::new(Webhook { http, clock, url, keys, timeout })
    })
}

impl Provider for Webhook {
    fn name(&self) -> &'static str {
        REGISTRATION.name
    }

    fn abilities(&self) -> Capabilities {
        ABILITIES
    }

    fn send<'a>(&'a self, message: &'a Outgoing) -> Sending<'a> {
        Box::pin(async move {
            match self.post(message).await {
                Ok(answer) => outcome_of(&answer),
                Err(error) => TransportError::into(error),
            }
        })
    }
}

impl Webhook {
    async fn post(&self, message: &Outgoing) -> Result<ProviderResponse, TransportError> {
        let now = self.clock.system_time();
        let (id, timestamp) = (message.id.as_str(), now.timestamp());
        let body = body(message, &now.to_rfc3339_opts(SecondsFormat::Millis, true)).into_bytes();
        let signatures: Vec<_> = self.keys.iter().map(|key| key.sign(id, timestamp, &body)).collect();
        let request = self
            .http
            .post(&self.url)
            .timeout(self.timeout)
            .header("content-type", "application/json")
            .header(standard_webhooks::ID, id)
            .header(standard_webhooks::TIMESTAMP, timestamp)
            .header(standard_webhooks::SIGNATURE, signatures.join(" "))
            .body(body);
        self.http.send(request).await
    }
}

fn body(message: &Outgoing, timestamp: &str) -> String {
    let channel = match message.channel {
        Channel::Sms => "sms",
        Channel::Voice => "voice",
        Channel::Email => "email",
    };
    json!({
        "type": "message.send",
        "timestamp": timestamp,
        "data": {
            "id": message.id.as_str(),
            "channel": channel,
            "to": message.to.as_str(),
            "text": message.text.expose(),
            "subject": message.subject,
            "html": message.html.as_ref().map(|html| html.expose()),
            "code_ttl_seconds": message.ttl.as_secs(),
            "locale": message.locale.as_str(),
        },
    })
    .to_string()
}

#[derive(Default, Deserialize)]
struct Response {
    #[serde(default)]
    provider_message_id: LenientString,
    #[serde(default)]
    rejected: LenientString,
    #[serde(default)]
    code: LenientString,
}

fn outcome_of(answer: &ProviderResponse) -> Outcome {
    let response = answer.json::<Response>().unwrap_or_default();
    let code = response.code.some().and_then(lenient::code);
    match (response.rejected.as_str(), answer.status.as_u16()) {
        ("recipient", _) => Outcome::RejectedRecipient { code },
        ("blocked", _) => Outcome::Blocked { code },
        ("destination", _) => Outcome::RejectedDestination { code },
        ("sender", _) => Outcome::RejectedSender { code },
        ("content", _) => Outcome::RejectedContent { code },
        // 409: a message with the same id was accepted before.
        (_, 200..300 | 409) => Outcome::Accepted { provider_message_id: response.provider_message_id.some() },
        _ => answer.by_status(code),
    }
}
