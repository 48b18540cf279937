//! Vonage SMS API (formerly Nexmo): <https://developer.vonage.com/en/api/sms>. It always responds with status 200.

mod receipts;

pub use self::receipts::{Method, Signature, form_fields, json_fields};

use std::sync::Arc;

use serde::Deserialize;

use crate::{
    base_url,
    http_client::{HttpClient, ProviderResponse, TransportError},
    lenient::{self, LenientString},
    provider::{Capabilities, Channel, Outcome, Outgoing, Provider, Receipts, Sending},
    registration::{ProviderFactory, Registration, SettingsReader},
    segments::{Alphabet, Segments},
};
use platform::{
    clock::Clock,
    config::{Secret, Setting},
};

const ABILITIES: Capabilities = Capabilities::of(&[Channel::Sms]).with_receipts(Receipts::Webhook);

/// The maximum length of `callback` in Vonage's SDK.
const MAX_CALLBACK: usize = 100;

pub const REGISTRATION: Registration = Registration {
    name: "vonage",
    abilities: ABILITIES,
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
    Box::new(move |tools| {
        let callback = tools.receipts_at(callback.as_deref(), "vonage").filter(|url| url.len() <= MAX_CALLBACK);
        let (http, clock) = (tools.http.clone(), tools.clock.clone());
        Arc::new(Vonage { http, clock, base, key, authentication, from, callback })
    })
}

impl Provider for Vonage {
    fn name(&self) -> &'static str {
        REGISTRATION.name
    }

    fn abilities(&self) -> Capabilities {
        ABILITIES
    }

    fn send<'a>(&'a self, message: &'a Outgoing) -> Sending<'a> {
        Box::pin(async move {
            match self.post(message).await {
                Ok(answer) if answer.status.is_success() => sent(&answer),
                Ok(answer) if (402..=404).contains(&answer.status.as_u16()) => {
                    Outcome::RejectedDestination { code: lenient::code(answer.status.as_str()) }
                }
                Ok(answer) => answer.by_status(None),
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
struct Sent {
    messages: Vec<Part>,
}

/// A long text has several parts, each with its own status.
#[derive(Deserialize)]
struct Part {
    status: LenientString,
    #[serde(default, rename = "message-id")]
    message_id: LenientString,
}

fn sent(answer: &ProviderResponse) -> Outcome {
    let Some(Sent { messages: parts }) = answer.json::<Sent>() else { return Outcome::Unknown };
    let failed = parts.iter().find(|part| part.status.as_str() != "0");
    match (parts.first(), failed) {
        (None, _) => Outcome::Unknown,
        (Some(first), None) => Outcome::Accepted { provider_message_id: first.message_id.some() },
        // A part was sent: repeating the whole message would send that part twice.
        (Some(_), Some(_)) if parts.iter().any(|part| part.status.as_str() == "0") => Outcome::Unknown,
        (Some(_), Some(failed)) => classified(failed.status.as_str(), answer),
    }
}

/// <https://developer.vonage.com/en/messaging/sms/guides/troubleshooting-sms>
fn classified(status: &str, answer: &ProviderResponse) -> Outcome {
    let code = lenient::code(status);
    match status {
        "1" | "10" => Outcome::Throttled { retry_after: answer.retry_after },
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
