//! Solapi (CoolSMS): SMS, and, if a template is configured, AlimTalk with SMS as the fallback.
//! <https://docs.solapi.com>; the requests are the same as those of its SDKs.

mod receipts;

use std::{collections::BTreeMap, sync::Arc};

use chrono::SecondsFormat;
use hmac::{Hmac, Mac};
use reqwest::RequestBuilder;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{
    hmac_tag,
    http_client::{HttpClient, ProviderResponse, TransportError},
    korean_text::{self, KOREA},
    lenient::{self, LenientString},
    provider::{BoxedFuture, Capabilities, Channel, Outcome, Outgoing, PollResult, Provider, Receipts, SendFuture},
    registration::{ProviderFactory, Registration, SettingsReader},
    solapi::receipts::message_status,
};
use domain::contact::{Contact, PhoneNumber};
use platform::{
    clock::{Clock, Entropy},
    config::{Secret, Setting},
};

const CAPABILITIES: Capabilities = Capabilities::of(&[Channel::Sms]).with_receipts(Receipts::WebhookThenPolling);

/// Solapi (<https://docs.solapi.com>); SMS, and AlimTalk if a template is configured.
pub const REGISTRATION: Registration = Registration {
    name: "solapi",
    capabilities: CAPABILITIES,
    settings: &[
        Setting::optional("SOLAPI_API_KEY", "The API key."),
        Setting::secret("SOLAPI_API_SECRET", "The secret of the API key."),
        Setting::optional("SOLAPI_SENDER", "The sender, registered in the console."),
        Setting::new("SOLAPI_BASE_URL", "https://api.solapi.com", "The base URL of Solapi's API; for tests."),
        Setting::secret(
            "SOLAPI_WEBHOOK_TOKEN",
            "The token at the end of the webhook URL in the console: /receipts/solapi?token=… Solapi does not sign \
             requests, so it must be unguessable (openssl rand -hex 32). During rotation: two tokens, separated by a \
             comma.",
        ),
        Setting::optional(
            "SOLAPI_KAKAO_PF_ID",
            "The KakaoTalk channel: with a template, codes are sent by AlimTalk first.",
        ),
        Setting::optional("SOLAPI_KAKAO_TEMPLATE_ID", "The approved AlimTalk template."),
        Setting::new(
            "SOLAPI_KAKAO_CODE_VARIABLE",
            "#{코드}",
            "The variable in the template that is replaced by the code.",
        ),
    ],
    receipts: Some(receipts::WEBHOOK),
    read,
};

struct Solapi {
    http: HttpClient,
    clock: Clock,
    entropy: Entropy,
    base: String,
    key: String,
    secret: Secret,
    sender: String,
    kakao: Option<Kakao>,
}

/// An AlimTalk template.
struct Kakao {
    channel: String,
    template: String,
    variable: String,
}

fn read(reader: &mut SettingsReader<'_>) -> ProviderFactory {
    let base = reader.base_url("SOLAPI_BASE_URL");
    let key = reader.identifier("SOLAPI_API_KEY", "");
    let secret = reader.secret("SOLAPI_API_SECRET");
    let sender = korean_text::digits(&reader.text("SOLAPI_SENDER"));
    let env = reader.env();
    let variable = env.text("SOLAPI_KAKAO_CODE_VARIABLE").unwrap_or_default();
    let kakao = match (env.text("SOLAPI_KAKAO_PF_ID"), env.text("SOLAPI_KAKAO_TEMPLATE_ID")) {
        (Some(channel), Some(template)) => Some(Kakao { channel, template, variable }),
        (Some(_), None) => {
            reader.missing("SOLAPI_KAKAO_TEMPLATE_ID");
            None
        }
        (None, Some(_)) => {
            reader.missing("SOLAPI_KAKAO_PF_ID");
            None
        }
        (None, None) => None,
    };
    Box::new(move |deps| {
        let (http, clock, entropy) = (deps.http.clone(), deps.clock.clone(), deps.entropy.clone());
        Arc::new(Solapi { http, clock, entropy, base, key, secret, sender, kakao })
    })
}

impl Provider for Solapi {
    fn name(&self) -> &'static str {
        REGISTRATION.name
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn send<'a>(&'a self, message: &'a Outgoing) -> SendFuture<'a> {
        Box::pin(async move {
            let Contact::Phone(number) = &message.to else { return Outcome::Unsupported { code: "not_a_number" } };
            let message = match self.message(number, message) {
                Ok(message) => message,
                Err(unsupported) => return Outcome::Unsupported { code: unsupported.as_str() },
            };
            let body = json!({ "messages": [message], "allowDuplicates": false, "showMessageList": true });
            let request = self.http.post(format!("{}/messages/v4/send-many/detail", self.base)).json(&body);
            match self.http.send(self.signed(request)).await {
                Ok(response) => send_outcome(&response),
                Err(error) => TransportError::into(error),
            }
        })
    }

    fn poll<'a>(&'a self, provider_message_id: &'a str) -> BoxedFuture<'a, PollResult> {
        Box::pin(async move {
            let id: String = provider_message_id.chars().filter(char::is_ascii_alphanumeric).collect();
            let request = self.http.get(format!("{}/messages/v4/list?messageId={id}", self.base));
            match self.http.send(self.signed(request)).await {
                Ok(response) if response.status == 429 => PollResult::Throttled { retry_after: response.retry_after },
                Ok(response) => {
                    response.json::<MessageList>().map_or(PollResult::Pending, |listed| listed.status_of(&id))
                }
                Err(_) => PollResult::Pending,
            }
        })
    }
}

impl Solapi {
    fn message(&self, number: &PhoneNumber, message: &Outgoing) -> Result<Value, korean_text::UnsupportedText> {
        let mut body = json!({
            "to": korean_text::national(number),
            "from": self.sender,
            "country": number.country_code().to_string(),
            // Returned in the webhook, which may arrive before the response with Solapi's id.
            "customFields": { "delivery": message.id.as_str() },
        });
        match (&self.kakao, &message.code) {
            (Some(kakao), Some(code)) if number.country_code() == KOREA => {
                body["type"] = "ATA".into();
                body["kakaoOptions"] = json!({
                    "pfId": kakao.channel,
                    "templateId": kakao.template,
                    "variables": { &kakao.variable: code.expose() },
                    // Recipients without KakaoTalk get an SMS.
                    "disableSms": false,
                });
            }
            _ => {
                let (text, kind) = korean_text::prepare(message.text.expose())?;
                body["text"] = text.into();
                body["type"] = kind.as_str().into();
                body["autoTypeDetect"] = false.into();
            }
        }
        Ok(body)
    }

    /// Solapi accepts each signature only once in 15 minutes, so each request has a new salt.
    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        let date = self.clock.system_time().to_rfc3339_opts(SecondsFormat::Secs, true);
        let salt = hex::encode(self.entropy.bytes::<16>());
        request.header("authorization", authorization(&self.key, &self.secret, &date, &salt))
    }
}

fn authorization(key: &str, secret: &Secret, date: &str, salt: &str) -> String {
    let tag = hmac_tag::mac::<Hmac<Sha256>>(secret.expose().as_bytes(), &[date.as_bytes(), salt.as_bytes()]).finalize();
    let signature = hex::encode(tag.into_bytes());
    format!("HMAC-SHA256 apiKey={key}, date={date}, salt={salt}, signature={signature}")
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SendResponse {
    #[serde(default)]
    failed_message_list: Vec<Listing>,
    #[serde(default)]
    message_list: Vec<Listing>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listing {
    #[serde(default)]
    message_id: LenientString,
    #[serde(default)]
    status_code: LenientString,
}

fn send_outcome(response: &ProviderResponse) -> Outcome {
    if !response.status.is_success() {
        return rejection_outcome(response);
    }
    // A status 200 is not always a success: the message may be in the list of failed ones.
    let Some(sent) = response.json::<SendResponse>() else { return Outcome::Unknown };
    match (sent.failed_message_list.first(), sent.message_list.first()) {
        (Some(failed), _) => status_outcome(failed.status_code.as_str()),
        (None, Some(accepted)) if matches!(accepted.status_code.as_str(), "2000" | "3000" | "4000") => {
            Outcome::Accepted { provider_message_id: accepted.message_id.non_empty() }
        }
        (None, Some(other)) => status_outcome(other.status_code.as_str()),
        (None, None) => Outcome::Unknown,
    }
}

/// Errors of the whole request, by HTTP status.
fn rejection_outcome(response: &ProviderResponse) -> Outcome {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ErrorResponse {
        error_code: LenientString,
    }
    let code = response.json::<ErrorResponse>().and_then(|refusal| lenient::code(refusal.error_code.as_str()));
    match code.as_deref() {
        // A retry has another salt.
        Some("DuplicatedSignature") => Outcome::unavailable(code),
        Some("InvalidAPIKey" | "SignatureDoesNotMatch" | "RequestTimeTooSkewed") => Outcome::Misconfigured { code },
        Some("ValidationError" | "RecipientsTooMany") => Outcome::RejectedContent { code },
        _ => response.outcome_by_status(code),
    }
}

/// The outcome by the status code of a rejected message: 1xxx at reception, 2xxx by the platform, 3xxx by the carrier.
fn status_outcome(status: &str) -> Outcome {
    let code = lenient::code(status);
    match status {
        // No route, blocked, rejected by the recipient, no such number, no SMS.
        "1058" | "3058" | "1060" | "2060" | "1061" | "2061" | "3010" | "3032" | "3047" | "3050" => {
            Outcome::RejectedRecipient { code }
        }
        // Not registered, blocked by KISA, malformed, forged.
        "1062" | "2062" | "1064" | "2064" | "3013" | "3059" => Outcome::RejectedSender { code },
        // The account, its balance; the AlimTalk profile or template.
        "1020" | "1030" | "2230" | "2063" => Outcome::Misconfigured { code },
        // No KakaoTalk, the channel blocked by the recipient, not at this hour: an SMS may arrive.
        "3104" | "3107" | "3108" => Outcome::RejectedDestination { code },
        _ if matches!(status.parse(), Ok(1041..=1047 | 3101..=3106)) => Outcome::Misconfigured { code },
        "1024" | "2024" | "3012" | "3024" => Outcome::unavailable(code),
        // The queue for this handset is full.
        "3053" | "3056" | "3057" => Outcome::deferred(code),
        // Spam filters.
        "2254" | "3054" => Outcome::RejectedContent { code },
        "" => Outcome::Unknown,
        other if other.starts_with('2') => Outcome::deferred(code),
        other if other.starts_with('3') => Outcome::RejectedRecipient { code },
        _ => Outcome::RejectedContent { code },
    }
}

/// An object with messages by id.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageList {
    #[serde(default)]
    message_list: BTreeMap<String, Listing>,
}

impl MessageList {
    fn status_of(&self, id: &str) -> PollResult {
        let Some(code) = self.message_list.get(id).map(|listing| listing.status_code.as_str()) else {
            return PollResult::Pending;
        };
        message_status(code).map_or(PollResult::Pending, |(status, code)| PollResult::Status { status, code })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_matches_the_official_sdk() {
        let header = authorization(
            "APIKEYEXAMPLE01",
            &Secret::new("ApiSecretExample0123456789abcdef"),
            "2026-01-02T03:04:05Z",
            "0123456789abcdef0123456789abcdef",
        );
        let signature = "8535ea8e3509a14ae22903d9efd979504ff828e11c75a3730df40ddcf2bb39d3";
        assert!(header.ends_with(signature), "{header}");
    }
}
