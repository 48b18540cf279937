//! Aligo, for Korean numbers: <https://smartsms.aligo.in/admin/api/spec.html>. The client IP address must be registered
//! in its console. It always responds with status 200. If a template is configured, codes are sent by AlimTalk first.

mod kakao;

use std::sync::Arc;

use serde::Deserialize;

use self::kakao::{AligoAlimTalk, Stage};
use crate::{
    alimtalk,
    http_client::{HttpClient, ProviderResponse, TransportError},
    korean_text::{self, KOREA},
    lenient::{self, LenientString},
    provider::{
        BoxedFuture, Capabilities, Channel, Outcome, Outgoing, PollResult, Provider, ReceiptStatus, Receipts, Regions,
        SendFuture,
    },
    registration::{ProviderFactory, Registration, SettingsReader},
};
use domain::{contact::Contact, status::DeliveryFailure};
use platform::config::{Secret, Setting};

const CAPABILITIES: Capabilities = Capabilities {
    regions: Regions::CallingCodes(&[KOREA]),
    ..Capabilities::of(&[Channel::Sms]).with_receipts(Receipts::Polling)
};

/// Aligo (<https://smartsms.aligo.in/admin/api/spec.html>); SMS, and AlimTalk if a template is configured.
pub const REGISTRATION: Registration = Registration {
    name: "aligo",
    capabilities: CAPABILITIES,
    settings: &[
        Setting::secret("ALIGO_API_KEY", "The API key."),
        Setting::optional("ALIGO_USER_ID", "The user that the key belongs to."),
        Setting::optional("ALIGO_SENDER", "The sender, registered in the console."),
        Setting::new("ALIGO_TEST_MODE", "off", "on: Aligo validates messages but does not send them (testmode_yn)."),
        Setting::new("ALIGO_BASE_URL", "https://apis.aligo.in", "The base URL of Aligo's API; for tests."),
        Setting::optional(
            "ALIGO_KAKAO_SENDER_KEY",
            "The sender key of the KakaoTalk channel: with the template, codes are sent by AlimTalk first.",
        ),
        Setting::optional("ALIGO_KAKAO_TEMPLATE_CODE", "The approved AlimTalk template."),
        Setting::optional("ALIGO_KAKAO_TEMPLATE_TEXT", alimtalk::TEXT_DESCRIPTION),
        Setting::new("ALIGO_KAKAO_CODE_VARIABLE", alimtalk::CODE_VARIABLE, alimtalk::VARIABLE_DESCRIPTION),
        Setting::new(
            "ALIGO_KAKAO_BASE_URL",
            "https://kakaoapi.aligo.in",
            "The base URL of Aligo's AlimTalk API; for tests.",
        ),
    ],
    receipts: None,
    read,
};

struct Aligo {
    http: HttpClient,
    base: String,
    key: Secret,
    user: String,
    sender: String,
    test_mode: bool,
    alimtalk: Option<AligoAlimTalk>,
}

fn read(reader: &mut SettingsReader<'_>) -> ProviderFactory {
    let base = reader.base_url("ALIGO_BASE_URL");
    let key = reader.secret("ALIGO_API_KEY");
    let user = reader.text("ALIGO_USER_ID");
    let sender = korean_text::digits(&reader.text("ALIGO_SENDER"));
    let test_mode = reader.env().switch("ALIGO_TEST_MODE");
    let alimtalk = AligoAlimTalk::read(reader);
    Box::new(move |deps| Arc::new(Aligo { http: deps.http.clone(), base, key, user, sender, test_mode, alimtalk }))
}

impl Provider for Aligo {
    fn name(&self) -> &'static str {
        REGISTRATION.name
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn send<'a>(&'a self, message: &'a Outgoing) -> SendFuture<'a> {
        Box::pin(async move {
            let number = match &message.to {
                Contact::Phone(number) if number.country_code() == KOREA => number,
                _ => return Outcome::Unsupported { code: "not_a_korean_number" },
            };
            // Aligo replaces characters that it can't encode by question marks.
            let (text, kind) = match korean_text::prepare(message.text.expose()) {
                Ok(fit) => fit,
                Err(unsupported) => return Outcome::Unsupported { code: unsupported.as_str() },
            };
            let receiver = korean_text::national(number);
            if let (Some(alimtalk), Some(code)) = (&self.alimtalk, &message.code) {
                return self.send_alimtalk(alimtalk, alimtalk.form(&receiver, code, &text)).await;
            }
            let mut form = vec![
                ("sender", self.sender.as_str()),
                ("receiver", &receiver),
                ("msg", &text),
                ("msg_type", kind.as_str()),
            ];
            if self.test_mode {
                form.push(("testmode_yn", "Y"));
            }
            match self.post("send/", &form).await {
                Ok(response) => send_outcome(&response),
                Err(error) => TransportError::into(error),
            }
        })
    }

    fn poll<'a>(&'a self, provider_message_id: &'a str) -> BoxedFuture<'a, PollResult> {
        Box::pin(async move {
            match alimtalk::from_stored_id(provider_message_id) {
                Some(mid) => self.poll_alimtalk(mid).await,
                None => self.poll_sms(provider_message_id).await,
            }
        })
    }
}

impl Aligo {
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Result<ProviderResponse, TransportError> {
        let mut form = vec![("key", self.key.expose()), ("user_id", &self.user)];
        form.extend_from_slice(fields);
        self.http.send(self.http.post(format!("{}/{path}", self.base)).form(&form)).await
    }

    async fn poll_sms(&self, mid: &str) -> PollResult {
        match self.post("sms_list/", &[("mid", mid), ("page", "1"), ("page_size", "30")]).await {
            Ok(response) if response.status == 429 => PollResult::Throttled { retry_after: response.retry_after },
            Ok(response) => response.json().map_or(PollResult::Pending, status_of),
            Err(_) => PollResult::Pending,
        }
    }

    async fn send_alimtalk(&self, alimtalk: &AligoAlimTalk, mut form: Vec<(&str, String)>) -> Outcome {
        form.push(("sender", self.sender.clone()));
        if self.test_mode {
            form.push(("testMode", "Y".to_owned()));
        }
        match self.post_alimtalk(alimtalk, "alimtalk/send/", form).await {
            Ok(response) => kakao::send_outcome(&response),
            Err(error) => TransportError::into(error),
        }
    }

    async fn poll_alimtalk(&self, mid: &str) -> PollResult {
        // The template was removed from the configuration, so the message can't be polled.
        let Some(alimtalk) = &self.alimtalk else { return PollResult::Pending };
        let form = [("mid", mid), ("page", "1"), ("limit", "1")].map(|(name, value)| (name, value.to_owned()));
        let stage = match self.post_alimtalk(alimtalk, "history/detail/", form.into()).await {
            Ok(response) if response.status == 429 => {
                return PollResult::Throttled { retry_after: response.retry_after };
            }
            Ok(response) => kakao::stage(&response),
            Err(_) => Stage::Pending,
        };
        match stage {
            Stage::Pending => PollResult::Pending,
            Stage::Status(status) => PollResult::Status { status, code: None },
            Stage::SmsFallback(mid) => match self.poll_sms(&mid).await {
                PollResult::Pending => PollResult::Status { status: ReceiptStatus::Sent, code: None },
                polled => polled,
            },
        }
    }

    /// The AlimTalk API has other field names for the same account.
    async fn post_alimtalk(
        &self,
        alimtalk: &AligoAlimTalk,
        path: &str,
        mut form: Vec<(&str, String)>,
    ) -> Result<ProviderResponse, TransportError> {
        form.push(("apikey", self.key.expose().to_owned()));
        form.push(("userid", self.user.clone()));
        self.http.send(self.http.post(format!("{}/akv10/{path}", alimtalk.base)).form(&form)).await
    }
}

#[derive(Deserialize)]
struct SendResponse {
    result_code: LenientString,
    #[serde(default)]
    message: LenientString,
    #[serde(default)]
    msg_id: LenientString,
    #[serde(default)]
    success_cnt: LenientString,
}

fn send_outcome(response: &ProviderResponse) -> Outcome {
    let Some(sent) = response.json::<SendResponse>() else { return response.outcome_by_status(None) };
    let reason = sent.message.as_str();
    let code = lenient::code_and_reason(sent.result_code.as_str(), reason);
    match sent.result_code.as_str() {
        // The request was accepted, but its only recipient was rejected.
        "1" if sent.success_cnt.as_str() == "0" => Outcome::RejectedRecipient { code },
        "1" => Outcome::Accepted { provider_message_id: sent.msg_id.non_empty() },
        "-101" | "-102" | "-201" => Outcome::Misconfigured { code },
        "-103" => Outcome::RejectedSender { code },
        "" => response.outcome_by_status(None),
        // Other codes have no documented meaning.
        _ => classify_by_text(reason, code),
    }
}

/// Classifies a rejection without a documented code by its text.
pub(super) fn classify_by_text(reason: &str, code: Option<String>) -> Outcome {
    // Checked first: "a recipient that is not verified" also contains a word for the account.
    if reason.contains("수신") {
        Outcome::RejectedRecipient { code }
    } else if reason.contains("발신번호") {
        Outcome::RejectedSender { code }
    } else if ["인증", "IP", "잔여", "부족", "포인트"].iter().any(|word| reason.contains(word)) {
        Outcome::Misconfigured { code }
    } else {
        Outcome::RejectedContent { code }
    }
}

#[derive(Deserialize)]
struct SmsList {
    #[serde(default)]
    list: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    sms_state: LenientString,
}

/// The status of a message. An empty list is no status: rows may be missing for a day.
fn status_of(SmsList { list }: SmsList) -> PollResult {
    let Some(row) = list.first() else { return PollResult::Pending };
    let state = row.sms_state.as_str();
    let (status, code) = if state.contains("실패") {
        (ReceiptStatus::Undelivered(undelivered(state)), lenient::code(state))
    } else if state.contains("완료") || state.contains("성공") {
        (ReceiptStatus::Delivered, None)
    } else if state.contains("중") {
        (ReceiptStatus::Sent, None)
    } else {
        return PollResult::Pending;
    };
    PollResult::Status { status, code }
}

/// The delivery failure of a state, which is a Korean text.
fn undelivered(state: &str) -> DeliveryFailure {
    match state {
        _ if state.contains("스팸") || state.contains("차단") => DeliveryFailure::Blocked,
        _ if state.contains("시간") => DeliveryFailure::Expired,
        _ => DeliveryFailure::Recipient,
    }
}
