//! Naver Cloud SENS, SMS v2: <https://api.ncloud-docs.com/docs/en/sens-sms-send>; and, if a template is configured,
//! AlimTalk with SMS as the fallback.

mod kakao;

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use reqwest::{Method, RequestBuilder, Url};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::Sha256;

use self::kakao::NaverAlimTalk;
use crate::{
    alimtalk, hmac_tag,
    http_client::{HttpClient, ProviderResponse, TransportError},
    korean_text::{self, KOREA},
    lenient::{self, LenientString},
    provider::{
        BoxedFuture, Capabilities, Channel, Outcome, Outgoing, PollResult, Provider, ReceiptStatus, Receipts,
        SendFuture,
    },
    registration::{ProviderFactory, Registration, SettingsReader},
};
use domain::{contact::Contact, status::DeliveryFailure};
use platform::{
    clock::Clock,
    config::{Secret, Setting},
};

const CAPABILITIES: Capabilities = Capabilities::of(&[Channel::Sms]).with_receipts(Receipts::Polling);

/// SENS by Naver Cloud (<https://api.ncloud-docs.com/docs/en/sens-overview>); SMS, and AlimTalk if a template is configured.
pub const REGISTRATION: Registration = Registration {
    name: "naver-cloud",
    capabilities: CAPABILITIES,
    settings: &[
        Setting::optional("NAVER_CLOUD_ACCESS_KEY", "The access key of a sub-account with permission for SENS."),
        Setting::secret("NAVER_CLOUD_SECRET_KEY", "The secret key of the access key."),
        Setting::optional("NAVER_CLOUD_SMS_SERVICE_ID", "The SENS project: ncp:sms:kr:…:…"),
        Setting::optional("NAVER_CLOUD_SMS_FROM_NUMBER", "The sender, registered in the console; only digits."),
        Setting::new(
            "NAVER_CLOUD_SENS_BASE_URL",
            "https://sens.apigw.ntruss.com",
            "The base URL of SENS: another one for the public-sector cloud, and for tests.",
        ),
        Setting::optional(
            "NAVER_CLOUD_ALIMTALK_SERVICE_ID",
            "The AlimTalk project, ncp:kkobizmsg:kr:…:… With the template, codes are sent by AlimTalk first.",
        ),
        Setting::optional("NAVER_CLOUD_ALIMTALK_CHANNEL_ID", "The KakaoTalk channel, including the @."),
        Setting::optional("NAVER_CLOUD_ALIMTALK_TEMPLATE_CODE", "The approved AlimTalk template."),
        Setting::optional("NAVER_CLOUD_ALIMTALK_TEMPLATE_TEXT", alimtalk::TEXT_DESCRIPTION),
        Setting::new("NAVER_CLOUD_ALIMTALK_CODE_VARIABLE", alimtalk::CODE_VARIABLE, alimtalk::VARIABLE_DESCRIPTION),
    ],
    receipts: None,
    read,
};

struct NaverCloud {
    http: HttpClient,
    clock: Clock,
    base: String,
    access_key: String,
    secret_key: Secret,
    service: String,
    from: String,
    alimtalk: Option<NaverAlimTalk>,
}

fn read(reader: &mut SettingsReader<'_>) -> ProviderFactory {
    let base = reader.base_url("NAVER_CLOUD_SENS_BASE_URL");
    let access_key = reader.text("NAVER_CLOUD_ACCESS_KEY");
    let secret_key = reader.secret("NAVER_CLOUD_SECRET_KEY");
    let service = reader.identifier("NAVER_CLOUD_SMS_SERVICE_ID", ":._-");
    let from = korean_text::digits(&reader.text("NAVER_CLOUD_SMS_FROM_NUMBER"));
    let alimtalk = NaverAlimTalk::read(reader);
    Box::new(move |deps| {
        let (http, clock) = (deps.http.clone(), deps.clock.clone());
        Arc::new(NaverCloud { http, clock, base, access_key, secret_key, service, from, alimtalk })
    })
}

impl Provider for NaverCloud {
    fn name(&self) -> &'static str {
        REGISTRATION.name
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn send<'a>(&'a self, message: &'a Outgoing) -> SendFuture<'a> {
        Box::pin(async move {
            let Contact::Phone(number) = &message.to else { return Outcome::Unsupported { code: "not_a_number" } };
            // SENS truncates long texts, and fails later on characters that it can't encode, so check both here.
            let (text, kind) = match korean_text::prepare(message.text.expose()) {
                Ok(fit) => fit,
                Err(unsupported) => return Outcome::Unsupported { code: unsupported.as_str() },
            };
            if let (Some(alimtalk), Some(code)) = (&self.alimtalk, &message.code)
                && number.country_code() == KOREA
            {
                let fallback = json!({ "type": kind.as_str(), "from": self.from, "content": text });
                let body = alimtalk.body(&korean_text::national(number), code, &fallback);
                return self.post_message(&alimtalk.messages(), &body, kakao::send_outcome).await;
            }
            let body = json!({
                "type": kind.as_str(),
                "contentType": "COMM",
                "countryCode": number.country_code().to_string(),
                "from": self.from,
                "content": text,
                "messages": [{ "to": korean_text::national(number) }],
            });
            self.post_message(&self.messages(), &body, send_outcome).await
        })
    }

    fn poll<'a>(&'a self, provider_message_id: &'a str) -> BoxedFuture<'a, PollResult> {
        Box::pin(async move {
            if let Some(id) = alimtalk::from_stored_id(provider_message_id) {
                return self.poll_alimtalk(id).await;
            }
            let (list, id) = (self.messages(), path_part(provider_message_id));
            let listed = match self.send_request(self.request(&Method::GET, &format!("{list}?requestId={id}"))).await {
                Ok(response) => response,
                Err(_) => return PollResult::Pending,
            };
            let Some(message) = messages(&listed).and_then(|messages| messages.into_iter().next()) else {
                return poll_error(&listed);
            };
            let path = format!("{list}/{}", path_part(message.message_id.as_str()));
            match self.send_request(self.request(&Method::GET, &path)).await {
                Ok(response) => match messages(&response).and_then(|messages| messages.into_iter().next()) {
                    Some(message) => message.poll_status(),
                    None => poll_error(&response),
                },
                Err(_) => PollResult::Pending,
            }
        })
    }
}

impl NaverCloud {
    /// The path of the text messages.
    fn messages(&self) -> String {
        format!("sms/v2/services/{}/messages", self.service)
    }

    async fn post_message(&self, path: &str, body: &Value, outcome_of: fn(&ProviderResponse) -> Outcome) -> Outcome {
        let request = self
            .request(&Method::POST, path)
            .map(|request| request.header("content-type", "application/json; charset=utf-8").body(body.to_string()));
        match self.send_request(request).await {
            Ok(response) => outcome_of(&response),
            Err(error) => TransportError::into(error),
        }
    }

    async fn poll_alimtalk(&self, id: &str) -> PollResult {
        // The template was removed from the configuration, so the message can't be polled.
        let Some(alimtalk) = &self.alimtalk else { return PollResult::Pending };
        let path = format!("{}/{}", alimtalk.messages(), path_part(id));
        match self.send_request(self.request(&Method::GET, &path)).await {
            Ok(response) => kakao::poll_status(&response).unwrap_or_else(|| poll_error(&response)),
            Err(_) => PollResult::Pending,
        }
    }

    /// A signed request to `path`.
    fn request(&self, method: &Method, path: &str) -> Option<RequestBuilder> {
        let url = format!("{}/{path}", self.base);
        // The signature covers the request target as it is sent, so take it from the parsed URL.
        let url = Url::parse(&url).ok()?;
        let line = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let timestamp = self.clock.system_time().timestamp_millis().to_string();
        let signature = sign(&self.secret_key, method.as_str(), &line, &timestamp, &self.access_key);
        let request = if *method == Method::GET { self.http.get(url) } else { self.http.post(url) };
        Some(
            request
                .header("x-ncp-apigw-timestamp", timestamp)
                .header("x-ncp-iam-access-key", &self.access_key)
                .header("x-ncp-apigw-signature-v2", signature),
        )
    }

    async fn send_request(&self, request: Option<RequestBuilder>) -> Result<ProviderResponse, TransportError> {
        self.http.send(request.ok_or(TransportError::NotSent)?).await
    }
}

/// Signature version 2 of the API gateway: method, path with query, time and key; the body is not signed.
fn sign(secret_key: &Secret, method: &str, path_and_query: &str, timestamp: &str, access_key: &str) -> String {
    let line = format!("{method} {path_and_query}\n{timestamp}\n{access_key}");
    let tag = hmac_tag::mac::<Hmac<Sha256>>(secret_key.expose().as_bytes(), &[line.as_bytes()]).finalize();
    STANDARD.encode(tag.into_bytes())
}

/// An id of the provider, made safe for use in a path.
fn path_part(id: &str) -> String {
    id.chars().filter(|char| char.is_ascii_alphanumeric() || "-_.".contains(*char)).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SendResponse {
    request_id: String,
    status_code: LenientString,
}

fn send_outcome(response: &ProviderResponse) -> Outcome {
    match response.json::<SendResponse>() {
        Some(accepted) if response.status == 202 && accepted.status_code.as_str() == "202" => {
            Outcome::Accepted { provider_message_id: Some(accepted.request_id) }
        }
        _ => rejection_outcome(response),
    }
}

/// Errors of the gateway have a code; those of SENS itself have another format and are classified by status.
pub(super) fn rejection_outcome(response: &ProviderResponse) -> Outcome {
    #[derive(Deserialize)]
    struct ErrorResponse {
        error: Gateway,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Gateway {
        #[serde(default)]
        error_code: LenientString,
    }
    let code = response
        .json::<ErrorResponse>()
        .and_then(|refusal| refusal.error.error_code.non_empty())
        .and_then(lenient::code);
    match code.as_deref() {
        Some("100" | "430") => Outcome::RejectedContent { code },
        Some("200" | "210" | "300") => Outcome::Misconfigured { code },
        Some("400" | "410" | "420") => Outcome::Throttled { retry_after: response.retry_after },
        Some("500" | "900") => Outcome::Unavailable { code, retry_after: response.retry_after },
        // A gateway timeout: SENS may have sent the message.
        Some("510") => Outcome::Unknown,
        // A JSON response is from SENS, which did not find something in this request.
        None if response.status == 404 && response.json::<serde_json::Map<String, Value>>().is_some() => {
            Outcome::RejectedDestination { code: lenient::code("404") }
        }
        _ => response.outcome_by_status(code),
    }
}

#[derive(Deserialize)]
struct Messages {
    messages: Vec<Message>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    message_id: LenientString,
    #[serde(default)]
    status: LenientString,
    #[serde(default)]
    status_code: LenientString,
    #[serde(default)]
    status_name: LenientString,
}

fn messages(response: &ProviderResponse) -> Option<Vec<Message>> {
    response.status.is_success().then(|| response.json::<Messages>()).flatten().map(|list| list.messages)
}

fn poll_error(response: &ProviderResponse) -> PollResult {
    match rejection_outcome(response) {
        Outcome::Throttled { retry_after } => PollResult::Throttled { retry_after },
        _ => PollResult::Pending,
    }
}

impl Message {
    fn poll_status(&self) -> PollResult {
        let success = self.status_code.as_str() == "0" && self.status_name.as_str() != "fail";
        let status = match self.status.as_str() {
            "COMPLETED" if success => ReceiptStatus::Delivered,
            "COMPLETED" => ReceiptStatus::Undelivered(DeliveryFailure::Recipient),
            "PROCESSING" => ReceiptStatus::Sent,
            _ => return PollResult::Pending,
        };
        let code = status.failure().and_then(|_| lenient::code(self.status_code.as_str()));
        PollResult::Status { status, code }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_request_has_the_documented_signature() {
        let secret = Secret::new("SecretKeyExample0123456789abcdefABCDEF");
        let path = "/sms/v2/services/ncp:sms:kr:123456789012:example/messages";
        let signature = sign(&secret, "POST", path, "1700000000000", "ACCESSKEYEXAMPLE0001");
        assert_eq!(signature, "qfCWQEL7qo5xjqvsyGYVr90mFgamykW+qYOwMU5CzRw=");
    }

    #[test]
    fn provider_ids_cannot_leave_the_path() {
        assert_eq!(path_part("../0-ESA-202601-1?x=%2F"), "..0-ESA-202601-1x2F");
    }
}
