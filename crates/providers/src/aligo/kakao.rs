//! AlimTalk by Aligo: <https://smartsms.aligo.in/alimapi.html>. The host and the field names for the account differ
//! from those for text messages. It also always responds with status 200, but the code of a success is 0, not 1.

use serde::Deserialize;

use super::classify_by_text;
use crate::{
    alimtalk::{self, Template},
    http_client::ProviderResponse,
    lenient::{self, LenientString},
    provider::{Outcome, ReceiptStatus},
    registration::SettingsReader,
};
use platform::config::Secret;

/// Not shown to the recipient: the name of the message in Aligo's console, and the title of an LMS.
const SUBJECT: &str = "인증번호";

/// A template, and the account that sends it.
pub(super) struct AligoAlimTalk {
    pub base: String,
    sender_key: String,
    code: String,
    template: Template,
}

impl AligoAlimTalk {
    /// None if codes are sent by SMS.
    pub fn read(reader: &mut SettingsReader<'_>) -> Option<Self> {
        let base = reader.base_url("ALIGO_KAKAO_BASE_URL");
        let needed = ["ALIGO_KAKAO_SENDER_KEY", "ALIGO_KAKAO_TEMPLATE_CODE", "ALIGO_KAKAO_TEMPLATE_TEXT"];
        if !alimtalk::is_configured(reader, &needed) {
            return None;
        }
        let [sender_key, code, text] = needed;
        let (sender_key, code) = (reader.env().text(sender_key)?, reader.env().text(code)?);
        let template = Template::read(reader, text, "ALIGO_KAKAO_CODE_VARIABLE")?;
        Some(Self { base, sender_key, code, template })
    }

    /// The form for a code to a Korean number; `fallback` is sent by SMS if KakaoTalk does not reach the number.
    pub fn form(&self, to: &str, code: &Secret, fallback: &str) -> Vec<(&'static str, String)> {
        [
            ("senderkey", self.sender_key.as_str()),
            ("tpl_code", &self.code),
            ("receiver_1", to),
            ("subject_1", SUBJECT),
            ("message_1", &self.template.fill(code)),
            ("failover", "Y"),
            ("fsubject_1", SUBJECT),
            ("fmessage_1", fallback),
        ]
        .map(|(name, value)| (name, value.to_owned()))
        .into()
    }
}

#[derive(Deserialize)]
struct SendResponse {
    code: LenientString,
    #[serde(default)]
    message: LenientString,
    #[serde(default)]
    info: Info,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Info {
    mid: LenientString,
    scnt: LenientString,
}

/// The outcome of the request, which has one message.
pub(super) fn send_outcome(response: &ProviderResponse) -> Outcome {
    let Some(SendResponse { code, message, info }) = response.json::<SendResponse>() else {
        return response.outcome_by_status(None);
    };
    let reason = message.as_str();
    let reported = lenient::code_and_reason(code.as_str(), reason);
    match code.as_str() {
        // The request was accepted, but its only recipient was rejected.
        "0" if info.scnt.as_str() == "0" => Outcome::RejectedRecipient { code: reported },
        "0" => Outcome::Accepted { provider_message_id: info.mid.non_empty().map(|id| alimtalk::to_stored_id(&id)) },
        "" => response.outcome_by_status(None),
        // Credentials; the state of the channel.
        "-101" | "509" => Outcome::Misconfigured { code: reported },
        // The recipient blocked the channel or has no KakaoTalk: an SMS may arrive.
        _ if reason.contains("수신") => Outcome::RejectedDestination { code: reported },
        // Most other errors have the code -99 and are classified by their text.
        _ if ["템플릿", "채널", "프로필", "senderkey"].iter().any(|word| reason.contains(word)) => {
            Outcome::Misconfigured { code: reported }
        }
        _ => classify_by_text(reason, reported),
    }
}

/// The state of an AlimTalk.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Pending,
    Status(ReceiptStatus),
    /// KakaoTalk did not reach the number: an SMS with this id was sent instead.
    SmsFallback(String),
}

#[derive(Deserialize)]
struct History {
    #[serde(default)]
    list: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    rslt: LenientString,
    #[serde(default)]
    rslt_message: LenientString,
    #[serde(default)]
    smid: LenientString,
}

/// The state from the row of a message. A missing row is no status: rows may be missing for a day.
pub(super) fn stage(response: &ProviderResponse) -> Stage {
    let Some(row) = response.json::<History>().and_then(|history| history.list.into_iter().next()) else {
        return Stage::Pending;
    };
    match (row.smid.as_str(), row.rslt.as_str(), row.rslt_message.as_str()) {
        (sms, ..) if !matches!(sms, "" | "0") => Stage::SmsFallback(sms.to_owned()),
        (_, "", _) => Stage::Pending,
        (_, _, reported) if reported.contains("성공") => Stage::Status(ReceiptStatus::Delivered),
        // An error letter, such as U for a text that does not match the template. The SMS fallback is being sent.
        _ => Stage::Status(ReceiptStatus::Sent),
    }
}
