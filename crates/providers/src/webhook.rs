//! A custom gateway that receives messages as signed JSON (Standard Webhooks).
//!
//! It responds with 2xx (and `{"provider_message_id": …}` if it has one) when it accepts the message. A rejection may
//! state its kind, with any status: `{"rejected": "recipient" | "destination" | "sender" | "content", "code": …}`.
//! `webhook-id` is the same for a retry, so that the gateway can deduplicate messages.

use std::{sync::Arc, time::Duration};

use chrono::SecondsFormat;
use http::Method;
use serde::Deserialize;
use serde_json::json;

use crate::{
    base_url,
    http_client::{HttpClient, ProviderResponse, TransportError},
    lenient::{self, LenientString},
    provider::{Capabilities, Channel, Outcome, Outgoing, Provider, ReceiptStatus, Receipts, SendFuture},
    receipt::{Receipt, ReceiptError, ReceiptRequest, ReceiptVerifier, ReceiptWebhook},
    registration::{self, ProviderFactory, Registration, SettingsReader},
    standard_webhooks::{self, Key},
};
use domain::{ids::DeliveryId, status::DeliveryFailure};
use platform::{
    clock::Clock,
    config::{Env, Secret, Setting},
    keys::check_strength,
};

const CAPABILITIES: Capabilities = Capabilities {
    idempotent: true,
    ..Capabilities::of(&[Channel::Sms, Channel::Voice, Channel::Email]).with_receipts(Receipts::Webhook)
};

/// A custom gateway (<https://www.standardwebhooks.com>).
pub const REGISTRATION: Registration = Registration {
    name: "webhook",
    capabilities: CAPABILITIES,
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
    receipts: Some(ReceiptWebhook { methods: &[Method::POST], read: |env, _| Some(Arc::new(Verifier::read(env)?)) }),
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
    Box::new(move |deps| {
        let (http, clock, url) = (deps.http.clone(), deps.clock.clone(), url.unwrap_or_default());
        Arc::new(Webhook { http, clock, url, keys, timeout })
    })
}

impl Provider for Webhook {
    fn name(&self) -> &'static str {
        REGISTRATION.name
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn send<'a>(&'a self, message: &'a Outgoing) -> SendFuture<'a> {
        Box::pin(async move {
            match self.post(message).await {
                Ok(response) => outcome_of(&response),
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

fn outcome_of(response: &ProviderResponse) -> Outcome {
    let body = response.json::<Response>().unwrap_or_default();
    let code = body.code.non_empty().and_then(lenient::code);
    match (body.rejected.as_str(), response.status.as_u16()) {
        ("recipient", _) => Outcome::RejectedRecipient { code },
        ("blocked", _) => Outcome::Blocked { code },
        ("destination", _) => Outcome::RejectedDestination { code },
        ("sender", _) => Outcome::RejectedSender { code },
        ("content", _) => Outcome::RejectedContent { code },
        // 409: a message with the same id was accepted before.
        (_, 200..300 | 409) => Outcome::Accepted { provider_message_id: body.provider_message_id.non_empty() },
        _ => response.outcome_by_status(code),
    }
}

/// The keys in `DELIVERY_WEBHOOK_SECRET`. Requests are signed with each of them, receipts with any.
fn keys(env: &Env) -> Vec<Key> {
    let parse = |secret: &Secret| {
        let bare = secret.expose().trim_start_matches("whsec_");
        Key::parse(secret).and_then(|key| check_strength(bare.as_bytes()).map(|()| key))
    };
    let parse = |secret| parse(secret).map_err(|hint| env.add_error("DELIVERY_WEBHOOK_SECRET", hint)).ok();
    registration::secrets(env, "DELIVERY_WEBHOOK_SECRET").iter().filter_map(parse).collect()
}

/// Verifies receipts, which are signed like the requests to the gateway.
struct Verifier {
    keys: Vec<Key>,
}

impl Verifier {
    /// None if no key is configured.
    fn read(env: &Env) -> Option<Self> {
        let keys = keys(env);
        (!keys.is_empty()).then_some(Self { keys })
    }
}

impl ReceiptVerifier for Verifier {
    fn verify(&self, request: &ReceiptRequest<'_>) -> Result<Vec<Receipt>, ReceiptError> {
        let header = |name| request.header(name).unwrap_or_default();
        let (id, timestamp) = (header(standard_webhooks::ID), header(standard_webhooks::TIMESTAMP));
        let signatures = header(standard_webhooks::SIGNATURE);
        if !standard_webhooks::is_authentic(&self.keys, id, timestamp, signatures, request.body, request.received_at) {
            return Err(ReceiptError::Forged);
        }
        let body: ReceiptBody = serde_json::from_slice(request.body).map_err(|_| ReceiptError::Malformed)?;
        Ok(body.receipt()?.into_iter().collect())
    }
}

/// `id` is the id that the message was sent with, for gateways without their own ids.
#[derive(Deserialize)]
struct ReceiptBody {
    #[serde(default)]
    id: LenientString,
    #[serde(default)]
    provider_message_id: LenientString,
    status: LenientString,
    #[serde(default)]
    error: LenientString,
    #[serde(default)]
    failure: LenientString,
}

impl ReceiptBody {
    /// None if the status is not relevant.
    fn receipt(&self) -> Result<Option<Receipt>, ReceiptError> {
        let status = match self.status.as_str() {
            "sent" => ReceiptStatus::Sent,
            "delivered" => ReceiptStatus::Delivered,
            "undelivered" => ReceiptStatus::Undelivered(self.failure()),
            _ => return Ok(None),
        };
        let delivery = DeliveryId::parse(self.id.as_str());
        if delivery.is_none() && self.provider_message_id.non_empty().is_none() {
            return Err(ReceiptError::Malformed);
        }
        Ok(Some(Receipt {
            provider: REGISTRATION.name,
            provider_message_id: self.provider_message_id.as_str().to_owned(),
            delivery,
            status,
            code: self.error.non_empty().and_then(lenient::code),
        }))
    }

    /// Why it was not delivered. Without a known value, the recipient could not be reached.
    fn failure(&self) -> DeliveryFailure {
        match self.failure.as_str() {
            "blocked" => DeliveryFailure::Blocked,
            "content" => DeliveryFailure::Content,
            "provider" => DeliveryFailure::Provider,
            "expired" => DeliveryFailure::Expired,
            _ => DeliveryFailure::Recipient,
        }
    }
}
