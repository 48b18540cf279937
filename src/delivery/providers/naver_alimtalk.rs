//! AlimTalk by SENS: <https://api.ncloud-docs.com/docs/en/sens-alimtalk-send>. Requests are signed as those of its text
//! messages are.

use serde::Deserialize;
use serde_json::{Value, json};

use super::naver_cloud::refused;
use crate::delivery::{
    alimtalk::{self, Template},
    http_client::Answer,
    korean_text::KOREA,
    loose::{self, Loose},
    provider::{Outcome, Polled, ReceiptStatus},
    registry::Reader,
};
use platform::config::Secret;

/// How SENS says that it took a message, and that KakaoTalk showed it.
const TAKEN: &str = "A000";
const SHOWN: &str = "0000";

/// A template and where it is sent from.
pub(super) struct NaverAlimTalk {
    service: String,
    channel: String,
    code: String,
    template: Template,
}

impl NaverAlimTalk {
    /// None: codes go by SMS.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let needed = [
            "NAVER_CLOUD_ALIMTALK_SERVICE_ID",
            "NAVER_CLOUD_ALIMTALK_CHANNEL_ID",
            "NAVER_CLOUD_ALIMTALK_TEMPLATE_CODE",
            "NAVER_CLOUD_ALIMTALK_TEMPLATE_TEXT",
        ];
        if !alimtalk::is_chosen(reader, &needed) {
            return None;
        }
        let [service, channel, code, text] = needed;
        let service = reader.env().is_set(service).then(|| reader.word(service, ":._-"))?;
        let (channel, code) = (reader.env().text(channel)?, reader.env().text(code)?);
        let template = Template::read(reader, text, "NAVER_CLOUD_ALIMTALK_CODE_VARIABLE")?;
        Some(Self { service, channel, code, template })
    }

    /// Where AlimTalks are.
    pub fn messages(&self) -> String {
        format!("alimtalk/v2/services/{}/messages", self.service)
    }

    /// A code for a Korean number, and what goes by SMS where KakaoTalk does not reach it.
    pub fn body(&self, to: &str, code: &Secret, instead: &Value) -> Value {
        json!({
            "plusFriendId": self.channel,
            "templateCode": self.code,
            "messages": [{
                "countryCode": KOREA.to_string(),
                "to": to,
                "content": self.template.fill(code),
                "useSmsFailover": true,
                "failoverConfig": instead,
            }],
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Accepted {
    status_code: Loose,
    messages: Vec<Message>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    #[serde(default)]
    message_id: Loose,
    #[serde(default)]
    request_status_code: Loose,
    #[serde(default)]
    message_status_code: Loose,
}

/// What SENS made of the one message.
pub(super) fn accepted(answer: &Answer) -> Outcome {
    let message = match answer.json::<Accepted>() {
        Some(accepted) if answer.status == 202 && accepted.status_code.as_str() == "202" => {
            accepted.messages.into_iter().next()
        }
        _ => return refused(answer),
    };
    match message {
        Some(message) if message.request_status_code.as_str() == TAKEN => {
            Outcome::Accepted { provider_message_id: message.message_id.some().map(|id| alimtalk::mark(&id)) }
        }
        // This number, our channel or our template: another way may lead there, and SENS is in order.
        Some(message) if message.request_status_code.some().is_some() => {
            Outcome::RejectedDestination { code: loose::code(message.request_status_code.as_str()) }
        }
        _ => Outcome::Unknown,
    }
}

/// How one message stands. None: the answer does not say.
pub(super) fn stands(answer: &Answer) -> Option<Polled> {
    let message = answer.status.is_success().then(|| answer.json::<Message>()).flatten()?;
    let status = match (message.request_status_code.as_str(), message.message_status_code.as_str()) {
        (_, SHOWN) => ReceiptStatus::Delivered,
        (TAKEN | "", "") => return Some(Polled::NotYet),
        // 3019: no KakaoTalk; 3020: blocked. An SMS goes in its place, of which nothing is told here.
        _ => ReceiptStatus::Sent,
    };
    Some(Polled::Status { status, code: None })
}
