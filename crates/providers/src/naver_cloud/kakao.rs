//! AlimTalk by SENS: <https://api.ncloud-docs.com/docs/en/sens-alimtalk-send>. Requests are signed like those for its
//! text messages.

use serde::Deserialize;
use serde_json::{Value, json};

use super::rejection_outcome;
use crate::{
    alimtalk::{self, Template},
    http_client::ProviderResponse,
    korean_text::KOREA,
    lenient::{self, LenientString},
    provider::{Outcome, PollResult, ReceiptStatus},
    registration::SettingsReader,
};
use platform::config::Secret;

/// The codes of SENS for an accepted request, and for a message that was delivered by KakaoTalk.
const ACCEPTED: &str = "A000";
const DELIVERED: &str = "0000";

/// A template, and the account that sends it.
pub(super) struct NaverAlimTalk {
    service: String,
    channel: String,
    code: String,
    template: Template,
}

impl NaverAlimTalk {
    /// None if codes are sent by SMS.
    pub fn read(reader: &mut SettingsReader<'_>) -> Option<Self> {
        let needed = [
            "NAVER_CLOUD_ALIMTALK_SERVICE_ID",
            "NAVER_CLOUD_ALIMTALK_CHANNEL_ID",
            "NAVER_CLOUD_ALIMTALK_TEMPLATE_CODE",
            "NAVER_CLOUD_ALIMTALK_TEMPLATE_TEXT",
        ];
        if !alimtalk::is_configured(reader, &needed) {
            return None;
        }
        let [service, channel, code, text] = needed;
        let service = reader.env().is_set(service).then(|| reader.identifier(service, ":._-"))?;
        let (channel, code) = (reader.env().text(channel)?, reader.env().text(code)?);
        let template = Template::read(reader, text, "NAVER_CLOUD_ALIMTALK_CODE_VARIABLE")?;
        Some(Self { service, channel, code, template })
    }

    /// The path of the AlimTalk messages.
    pub fn messages(&self) -> String {
        format!("alimtalk/v2/services/{}/messages", self.service)
    }

    /// The body for a code to a Korean number; `fallback` is sent by SMS if KakaoTalk does not reach the number.
    pub fn body(&self, to: &str, code: &Secret, fallback: &Value) -> Value {
        json!({
            "plusFriendId": self.channel,
            "templateCode": self.code,
            "messages": [{
                "countryCode": KOREA.to_string(),
                "to": to,
                "content": self.template.fill(code),
                "useSmsFailover": true,
                "failoverConfig": fallback,
            }],
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SendResponse {
    status_code: LenientString,
    messages: Vec<Message>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    #[serde(default)]
    message_id: LenientString,
    #[serde(default)]
    request_status_code: LenientString,
    #[serde(default)]
    message_status_code: LenientString,
}

/// The outcome of the request, which has one message.
pub(super) fn send_outcome(response: &ProviderResponse) -> Outcome {
    let message = match response.json::<SendResponse>() {
        Some(accepted) if response.status == 202 && accepted.status_code.as_str() == "202" => {
            accepted.messages.into_iter().next()
        }
        _ => return rejection_outcome(response),
    };
    match message {
        Some(message) if message.request_status_code.as_str() == ACCEPTED => Outcome::Accepted {
            provider_message_id: message.message_id.non_empty().map(|id| alimtalk::to_stored_id(&id)),
        },
        // A problem with this number, our channel or our template: another provider may succeed, and SENS is available.
        Some(message) if message.request_status_code.non_empty().is_some() => {
            Outcome::RejectedDestination { code: lenient::code(message.request_status_code.as_str()) }
        }
        _ => Outcome::Unknown,
    }
}

/// The status of a message. None if the response does not contain one.
pub(super) fn poll_status(response: &ProviderResponse) -> Option<PollResult> {
    let message = response.status.is_success().then(|| response.json::<Message>()).flatten()?;
    let status = match (message.request_status_code.as_str(), message.message_status_code.as_str()) {
        (_, DELIVERED) => ReceiptStatus::Delivered,
        (ACCEPTED | "", "") => return Some(PollResult::Pending),
        // 3019: no KakaoTalk; 3020: blocked. An SMS is sent instead, whose status is not reported here.
        _ => ReceiptStatus::Sent,
    };
    Some(PollResult::Status { status, code: None })
}
