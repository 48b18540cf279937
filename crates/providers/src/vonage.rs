//! Vonage SMS API (formerly Nexmo): <https://developer.vonage.com/en/api/sms>. It always responds with status 200.

use std::{collections::BTreeMap, sync::Arc};

use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use md5::Md5;
use serde::Deserialize;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;

use crate::{
    base_url, hmac_tag,
    http_client::{HttpClient, ProviderResponse, TransportError},
    lenient::{self, LenientString},
    provider::{Capabilities, Channel, Outcome, Outgoing, Provider, ReceiptStatus, Receipts, SendFuture},
    receipt::{Receipt, ReceiptError, ReceiptRequest, ReceiptVerifier, ReceiptWebhook},
    registration::{self, ProviderFactory, Registration, SettingsReader},
    segments::{Alphabet, Segments},
};
use domain::{Timestamp, ids::DeliveryId, status::DeliveryFailure};
use platform::{
    clock::Clock,
    config::{Env, Secret, Setting},
};

const CAPABILITIES: Capabilities = Capabilities::of(&[Channel::Sms]).with_receipts(Receipts::Webhook);

/// The maximum length of `callback` in Vonage's SDK.
const MAX_CALLBACK: usize = 100;
/// The maximum clock difference to Vonage, and the window in which a captured receipt could be replayed.
const TOLERANCE_SECONDS: u64 = 5 * 60;

/// Vonage's SMS API (<https://developer.vonage.com/en/api/sms>).
pub const REGISTRATION: Registration = Registration {
    name: "vonage",
    capabilities: CAPABILITIES,
    settings: &[
        Setting::optional("VONAGE_API_KEY", "The API key."),
        Setting::secret(
            "VONAGE_API_SECRET",
            "The secret of the API key. Without it, requests are signed with VONAGE_SIGNATURE_SECRET.",
        ),
        Setting::secret(
            "VONAGE_SIGNATURE_SECRET",
            "The secret with which receipts are signed; without it no receipts are accepted. During rotation: the new \
             and the old secret, separated by a comma.",
        ),
        Setting::new(
            "VONAGE_SIGNATURE_METHOD",
            "sha256",
            "The signature method of the account: md5, sha1, sha256 or sha512 (all HMAC).",
        ),
        Setting::optional("VONAGE_FROM", "The sender: a number in digits, or a name in countries that allow it."),
        Setting::new("VONAGE_BASE_URL", "https://rest.nexmo.com", "The base URL of Vonage's SMS API; for tests."),
        Setting::optional(
            "VONAGE_DLR_CALLBACK_URL",
            "The URL for Vonage's receipts. If unset: /receipts/vonage below PUBLIC_URL, if that is https.",
        ),
    ],
    receipts: Some(ReceiptWebhook {
        methods: &[Method::GET, Method::POST],
        read: |env, _| Some(Arc::new(Signature::read(env)?)),
    }),
    read,
};

struct Vonage {
    http: HttpClient,
    clock: Clock,
    base: String,
    key: String,
    authentication: Authentication,
    from: String,
    callback: Option<String>,
}

/// How requests are authenticated. Vonage rejects both together (error 32).
enum Authentication {
    Secret(Secret),
    Signature(Signature),
}

fn read(reader: &mut SettingsReader<'_>) -> ProviderFactory {
    let base = reader.base_url("VONAGE_BASE_URL");
    let key = reader.text("VONAGE_API_KEY");
    let from = reader.text("VONAGE_FROM").trim_start_matches('+').to_owned();
    let env = reader.env();
    let authentication = match (env.secret("VONAGE_API_SECRET"), Signature::read(env)) {
        (Some(secret), _) => Authentication::Secret(secret),
        (None, Some(signature)) => Authentication::Signature(signature),
        (None, None) => {
            reader.missing("VONAGE_API_SECRET or VONAGE_SIGNATURE_SECRET");
            Authentication::Secret(Secret::new(""))
        }
    };
    let callback = env.parse_optional("VONAGE_DLR_CALLBACK_URL", |text| match base_url::parse(text) {
        Ok(url) if url.as_str().len() <= MAX_CALLBACK => Ok(String::from(url)),
        Ok(_) => Err(format!("at most {MAX_CALLBACK} characters")),
        Err(hint) => Err(hint),
    });
    Box::new(move |deps| {
        let callback = deps.receipt_url(callback.as_deref(), "vonage").filter(|url| url.len() <= MAX_CALLBACK);
        let (http, clock) = (deps.http.clone(), deps.clock.clone());
        Arc::new(Vonage { http, clock, base, key, authentication, from, callback })
    })
}

impl Provider for Vonage {
    fn name(&self) -> &'static str {
        REGISTRATION.name
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn send<'a>(&'a self, message: &'a Outgoing) -> SendFuture<'a> {
        Box::pin(async move {
            match self.post(message).await {
                Ok(response) if response.status.is_success() => send_outcome(&response),
                Ok(response) if (402..=404).contains(&response.status.as_u16()) => {
                    Outcome::RejectedDestination { code: lenient::code(response.status.as_str()) }
                }
                Ok(response) => response.outcome_by_status(None),
                Err(error) => TransportError::into(error),
            }
        })
    }
}

impl Vonage {
    async fn post(&self, message: &Outgoing) -> Result<ProviderResponse, TransportError> {
        let text = message.text.expose();
        let ttl = message.ttl.as_millis().clamp(20_000, 604_800_000).to_string();
        let mut form = vec![
            ("api_key", self.key.as_str()),
            ("from", &self.from),
            ("to", message.to.as_str().trim_start_matches('+')),
            ("text", text),
            ("type", if Segments::of(text).alphabet == Alphabet::Gsm7 { "text" } else { "unicode" }),
            ("ttl", &ttl),
            // Returned in the receipt, which may arrive before the response with Vonage's id.
            ("client-ref", message.id.as_str()),
        ];
        form.extend(self.callback.iter().map(|url| ("callback", url.as_str())));
        let timestamp = self.clock.system_time().timestamp().to_string();
        let signature;
        match &self.authentication {
            Authentication::Secret(secret) => form.push(("api_secret", secret.expose())),
            Authentication::Signature(authentication) => {
                form.push(("timestamp", &timestamp));
                signature = authentication.sign(form.iter().copied());
                form.push(("sig", &signature));
            }
        }
        self.http.send(self.http.post(format!("{}/sms/json", self.base)).form(&form)).await
    }
}

#[derive(Deserialize)]
struct SendResponse {
    messages: Vec<Part>,
}

/// A long text has several parts, each with its own status.
#[derive(Deserialize)]
struct Part {
    status: LenientString,
    #[serde(default, rename = "message-id")]
    message_id: LenientString,
}

fn send_outcome(response: &ProviderResponse) -> Outcome {
    let Some(SendResponse { messages: parts }) = response.json::<SendResponse>() else { return Outcome::Unknown };
    let failed = parts.iter().find(|part| part.status.as_str() != "0");
    match (parts.first(), failed) {
        (None, _) => Outcome::Unknown,
        (Some(first), None) => Outcome::Accepted { provider_message_id: first.message_id.non_empty() },
        // A part was sent: repeating the whole message would send that part twice.
        (Some(_), Some(_)) if parts.iter().any(|part| part.status.as_str() == "0") => Outcome::Unknown,
        (Some(_), Some(failed)) => status_outcome(failed.status.as_str(), response),
    }
}

/// <https://developer.vonage.com/en/messaging/sms/guides/troubleshooting-sms>
fn status_outcome(status: &str, response: &ProviderResponse) -> Outcome {
    let code = lenient::code(status);
    match status {
        "1" | "10" => Outcome::Throttled { retry_after: response.retry_after },
        "5" => Outcome::unavailable(code),
        "6" | "33" => Outcome::RejectedRecipient { code },
        "7" => Outcome::Blocked { code },
        "15" => Outcome::RejectedSender { code },
        // A network code of another country; a number that is not allowed for a demo account.
        "22" | "29" => Outcome::RejectedDestination { code },
        // Credentials, account, credit, callback URL, signature.
        "4" | "8" | "9" | "11" | "14" | "23" | "32" => Outcome::Misconfigured { code },
        // Missing or invalid parameter, too long, and codes that are not in the table.
        _ => Outcome::RejectedContent { code },
    }
}

/// How requests are signed, in both directions
/// (<https://developer.vonage.com/en/getting-started/concepts/signing-messages>).
struct Signature {
    secrets: Vec<Secret>,
    method: SignatureMethod,
}

/// The account's setting; each is an HMAC.
#[derive(Clone, Copy)]
enum SignatureMethod {
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

impl Signature {
    /// None if no secret is configured.
    fn read(env: &Env) -> Option<Self> {
        use SignatureMethod::{Md5, Sha1, Sha256, Sha512};
        let methods = [("md5", Md5), ("sha1", Sha1), ("sha256", Sha256), ("sha512", Sha512)];
        let method = env.choice("VONAGE_SIGNATURE_METHOD", &methods);
        let secrets = registration::secrets(env, "VONAGE_SIGNATURE_SECRET");
        (!secrets.is_empty()).then_some(Self { secrets, method })
    }

    /// The `sig` of these fields with the first secret.
    fn sign<'a>(&self, fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
        let text = joined(fields);
        self.secrets.first().map(|secret| hex::encode(self.method.tag(secret, &text))).unwrap_or_default()
    }

    fn is_authentic(&self, fields: &BTreeMap<String, String>, now: Timestamp) -> bool {
        let sent = fields.get("timestamp").and_then(|timestamp| timestamp.parse::<i64>().ok());
        let fresh = sent.is_some_and(|sent| now.timestamp().abs_diff(sent) <= TOLERANCE_SECONDS);
        let Some(tag) = fields.get("sig").and_then(|sig| hex::decode(sig).ok()) else { return false };
        let text = joined(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        fresh && self.secrets.iter().any(|secret| self.method.verifies(secret, &text, &tag))
    }
}

impl SignatureMethod {
    fn tag(self, secret: &Secret, text: &str) -> Vec<u8> {
        fn tag<M: Mac + KeyInit>(secret: &Secret, text: &str) -> Vec<u8> {
            hmac_tag::mac::<M>(secret.expose().as_bytes(), &[text.as_bytes()]).finalize().into_bytes().to_vec()
        }
        match self {
            SignatureMethod::Md5 => tag::<Hmac<Md5>>(secret, text),
            SignatureMethod::Sha1 => tag::<Hmac<Sha1>>(secret, text),
            SignatureMethod::Sha256 => tag::<Hmac<Sha256>>(secret, text),
            SignatureMethod::Sha512 => tag::<Hmac<Sha512>>(secret, text),
        }
    }

    fn verifies(self, secret: &Secret, text: &str, tag: &[u8]) -> bool {
        self.tag(secret, text).as_slice().ct_eq(tag).into()
    }
}

/// The fields except `sig`, sorted by name, each as `&name=value`, with `&` and `=` in values replaced by `_`.
fn joined<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let sorted: BTreeMap<_, _> = fields.into_iter().filter(|(name, _)| *name != "sig").collect();
    sorted.into_iter().map(|(name, value)| format!("&{name}={}", value.replace(['&', '='], "_"))).collect()
}

impl ReceiptVerifier for Signature {
    fn verify(&self, request: &ReceiptRequest<'_>) -> Result<Vec<Receipt>, ReceiptError> {
        let fields = fields(request)?;
        if !self.is_authentic(&fields, request.received_at) {
            return Err(ReceiptError::Forged);
        }
        Ok(receipt(&fields).into_iter().collect())
    }
}

/// The fields are in the query, a form or a JSON object, depending on the settings of the account.
fn fields(request: &ReceiptRequest<'_>) -> Result<BTreeMap<String, String>, ReceiptError> {
    if !request.body.is_empty() && request.has_content_type("application/json") {
        let fields: BTreeMap<String, LenientString> =
            serde_json::from_slice(request.body).map_err(|_| ReceiptError::Malformed)?;
        return Ok(fields.into_iter().map(|(name, value)| (name, value.as_str().to_owned())).collect());
    }
    let form = if request.body.is_empty() { request.query.unwrap_or_default().as_bytes() } else { request.body };
    Ok(form_urlencoded::parse(form).into_owned().collect())
}

/// The receipt in these fields. None if its status is not relevant.
fn receipt(fields: &BTreeMap<String, String>) -> Option<Receipt> {
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let id = field("messageId");
    let status = receipt_status(field("status"), field("err-code")).filter(|_| !id.is_empty())?;
    Some(Receipt {
        provider: REGISTRATION.name,
        provider_message_id: id.to_owned(),
        delivery: DeliveryId::parse(field("client-ref")),
        status,
        code: Some(field("err-code")).filter(|code| *code != "0").and_then(lenient::code),
    })
}

fn receipt_status(status: &str, error: &str) -> Option<ReceiptStatus> {
    match status {
        "accepted" | "buffered" => Some(ReceiptStatus::Sent),
        "delivered" => Some(ReceiptStatus::Delivered),
        "expired" => Some(ReceiptStatus::Undelivered(DeliveryFailure::Expired)),
        "failed" | "rejected" => Some(ReceiptStatus::Undelivered(failure(error))),
        _ => None,
    }
}

/// The delivery failure of an error code (<https://developer.vonage.com/en/messaging/sms/guides/delivery-receipts>).
fn failure(error: &str) -> DeliveryFailure {
    match error {
        // Barred by the user, spam filters, age limits, or blocked by the carrier.
        "4" | "6" | "13" | "14" => DeliveryFailure::Blocked,
        "10" => DeliveryFailure::Content,
        // Network error, insufficient credit, or a general error.
        "8" | "15" | "99" => DeliveryFailure::Provider,
        _ => DeliveryFailure::Recipient,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with vonage-http-client 1.5.2 (PyPI) over invented values.
    #[test]
    fn signatures_match_the_official_sdk() {
        use SignatureMethod::{Md5, Sha1, Sha256, Sha512};
        let fields = [
            ("messageId", "0A0000001234567B"),
            ("msisdn", "821012345678"),
            ("to", "AcmeInc"),
            ("status", "delivered"),
            ("err-code", "0"),
            ("timestamp", "1700000000"),
            ("nonce", "aaaaaaaa-bbbb"),
            ("text", "a&b=c"),
        ];
        let sign = |method| Signature { secrets: vec![Secret::new("sigsecret")], method }.sign(fields);
        assert_eq!(sign(Md5), "cdadba6c7b7dc7c31d7110b3acedb5ff");
        assert_eq!(sign(Sha1), "168c9e0b9ee8ef060fb66c7ccd187cb42adafe6f");
        assert_eq!(sign(Sha256), "374cd91d3351a6f5809307eb1f007e5272080385cb01f6ef7d8e1016ed475b96");
        assert!(sign(Sha512).starts_with("df5a50a0f5277ddbeb3f0762309ccc0db3a2b30e5269c808a9680b1a472cc4d3"));
    }
}
