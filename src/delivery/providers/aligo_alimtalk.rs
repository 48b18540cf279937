//! AlimTalk by Aligo: <https://smartsms.aligo.in/alimapi.html>. Another host and other names for the same account than
//! those of its text messages; like them it answers 200 whatever happened, and a success is 0, not 1.

use serde::Deserialize;

use super::aligo::by_words;
use crate::delivery::{
    alimtalk::{self, Template},
    http_client::Answer,
    loose::{self, Loose},
    provider::{Outcome, ReceiptStatus},
    registry::Reader,
};
use platform::config::Secret;

/// Shown to nobody: a name for the message in Aligo's console, and the title of a long SMS.
const SUBJECT: &str = "인증번호";

/// A template and where it is sent from.
pub(super) struct AligoAlimTalk {
    pub base: String,
    sender_key: String,
    code: String,
    template: Template,
}

impl AligoAlimTalk {
    /// None: codes go by SMS.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let base = reader.base_url("ALIGO_KAKAO_BASE_URL");
        let needed = ["ALIGO_KAKAO_SENDER_KEY", "ALIGO_KAKAO_TEMPLATE_CODE", "ALIGO_KAKAO_TEMPLATE_TEXT"];
        if !alimtalk::is_chosen(reader, &needed) {
            return None;
        }
        let [sender_key, code, text] = needed;
        let (sender_key, code) = (reader.env().text(sender_key)?, reader.env().text(code)?);
        let template = Template::read(reader, text, "ALIGO_KAKAO_CODE_VARIABLE")?;
        Some(Self { base, sender_key, code, template })
    }

    /// A code for a Korean number; where KakaoTalk does not reach it, `instead` goes by SMS.
    pub fn form(&self, to: &str, code: &Secret, instead: &str) -> Vec<(&'static str, String)> {
        [
            ("senderkey", self.sender_key.as_str()),
            ("tpl_code", &self.code),
            ("receiver_1", to),
            ("subject_1", SUBJECT),
            ("message_1", &self.template.fill(code)),
            ("failover", "Y"),
            ("fsubject_1", SUBJECT),
            ("fmessage_1", instead),
        ]
        .map(|(name, value)| (name, value.to_owned()))
        .into()
    }
}

#[derive(Deserialize)]
struct Sent {
    code: Loose,
    #[serde(default)]
    message: Loose,
    #[serde(default)]
    info: Info,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Info {
    mid: Loose,
    scnt: Loose,
}

/// What Aligo made of the one message.
pub(super) fn sent(answer: &Answer) -> Outcome {
    let Some(Sent { code, message, info }) = answer.json::<Sent>() else { return answer.by_status(None) };
    let reason = message.as_str();
    let told = loose::code_and_reason(code.as_str(), reason);
    match code.as_str() {
        // Taken, for nobody: the one receiver was refused.
        "0" if info.scnt.as_str() == "0" => Outcome::RejectedRecipient { code: told },
        "0" => Outcome::Accepted { provider_message_id: info.mid.some().map(|id| alimtalk::mark(&id)) },
        "" => answer.by_status(None),
        // Credentials; the channel's state.
        "-101" | "509" => Outcome::Misconfigured { code: told },
        // The recipient has blocked the channel, or has no KakaoTalk: an SMS may arrive.
        _ if reason.contains("수신") => Outcome::RejectedDestination { code: told },
        // Of the rest -99 is most: the words tell.
        _ if ["템플릿", "채널", "프로필", "senderkey"].iter().any(|word| reason.contains(word)) => {
            Outcome::Misconfigured { code: told }
        }
        _ => by_words(reason, told),
    }
}

/// Where an AlimTalk has got to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Waits,
    At(ReceiptStatus),
    /// KakaoTalk did not reach the number: an SMS of this id went in its place.
    BySms(String),
}

#[derive(Deserialize)]
struct History {
    #[serde(default)]
    list: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    rslt: Loose,
    #[serde(default)]
    rslt_message: Loose,
    #[serde(default)]
    smid: Loose,
}

/// Reads the one row of a message. No row says nothing: rows may be missing for a day.
pub(super) fn stage(answer: &Answer) -> Stage {
    let Some(row) = answer.json::<History>().and_then(|history| history.list.into_iter().next()) else {
        return Stage::Waits;
    };
    match (row.smid.as_str(), row.rslt.as_str(), row.rslt_message.as_str()) {
        (sms, ..) if !matches!(sms, "" | "0") => Stage::BySms(sms.to_owned()),
        (_, "", _) => Stage::Waits,
        (_, _, told) if told.contains("성공") => Stage::At(ReceiptStatus::Delivered),
        // A letter, such as U for a text that is not the template's. The SMS in its place is on its way.
        _ => Stage::At(ReceiptStatus::Sent),
    }
}
