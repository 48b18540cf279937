//! Message texts, by content, channel and locale. Without side effects: the same request always gives the same message,
//! so a resend or another provider sends the same text.

mod check;
mod email;
mod notice;
mod part;
mod sms;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use check::LargestValues;
pub use notice::{Notice, Undo, UndoHint};

use domain::{channel::Channel, contact::Contact, locale::Locale, purpose::Purpose};
use platform::{
    config::{Messages, Secret},
    texts::{Arg, Texts},
};

/// The content of a message.
#[derive(Clone, Debug)]
pub enum MessageContent {
    Code(Code),
    /// A notice about an account. A voice message reads out the text of the SMS.
    Notice(Notice),
}

/// A code for the user to enter.
#[derive(Clone, Debug)]
pub struct Code {
    pub purpose: Purpose,
    /// Digits or letters without separators.
    pub code: Secret,
    /// The validity that the message states.
    pub lifetime: Duration,
}

/// A request to compose one message.
#[derive(Clone, Debug)]
pub struct MessageRequest {
    pub content: MessageContent,
    pub channel: Channel,
    pub to: Contact,
    pub locale: Locale,
}

/// The texts of a message. They may contain a code, so `Debug` does not print them.
#[derive(Clone, Debug)]
pub struct Composed {
    /// The text of the SMS, the text of the voice message, or the text part of an e-mail.
    pub text: Secret,
    /// E-mail only: one line without text from users.
    pub subject: Option<String>,
    /// E-mail only.
    pub html: Option<Secret>,
}

/// Composes messages. Cheap to clone.
#[derive(Clone)]
pub struct Composer {
    texts: Texts,
    app_name: String,
    web_otp_domain: Option<String>,
    android_app_hash: Option<String>,
    undo_url: Option<String>,
}

impl Composer {
    pub fn new(texts: Texts, settings: &Messages) -> Self {
        Self {
            texts,
            app_name: settings.app_name.clone(),
            web_otp_domain: settings.web_otp_domain.clone(),
            android_app_hash: settings.android_app_hash.clone(),
            undo_url: settings.contact_undo_url.clone(),
        }
    }

    /// Composes a message.
    pub fn compose(&self, request: &MessageRequest) -> Composed {
        let composer = LocalizedComposer { composer: self, locale: request.locale };
        match (&request.content, request.channel) {
            (MessageContent::Code(code), Channel::Sms) => {
                Composed::plain(sms::code(&composer, code, sms::carriers(&request.to)))
            }
            (MessageContent::Code(code), Channel::Voice) => Composed::plain(voice_text(&composer, code)),
            (MessageContent::Code(code), Channel::Email) => email::code(&composer, code),
            (MessageContent::Notice(notice), Channel::Sms | Channel::Voice) => {
                Composed::plain(sms::notice(&composer, notice))
            }
            (MessageContent::Notice(notice), Channel::Email) => email::notice(&composer, notice),
        }
    }
}

impl Composed {
    fn plain(text: String) -> Self {
        Self { text: Secret::new(text), subject: None, html: None }
    }
}

/// A composer for one locale.
struct LocalizedComposer<'a> {
    composer: &'a Composer,
    locale: Locale,
}

impl LocalizedComposer<'_> {
    /// Formats a text; every text may use the name of the service.
    fn localize(&self, id: &str, args: &[(&str, Arg<'_>)]) -> String {
        let mut all = vec![("app", Arg::Text(&self.composer.app_name))];
        all.extend_from_slice(args);
        self.composer.texts.localize(self.locale, id, &all)
    }
}

/// The arguments of every message with a code.
fn code_args<'a>(code: &'a str, lifetime: Duration) -> [(&'static str, Arg<'a>); 2] {
    [("code", Arg::Text(code)), ("lifetime", Arg::Lifetime(lifetime))]
}

/// The purpose as in message ids: `password-reset`.
fn slug(purpose: Purpose) -> String {
    purpose.as_str().to_ascii_lowercase().replace('_', "-")
}

/// The text of a voice message: the characters of the code are separated, because "123456" would be read as a number,
/// and the code is repeated, because a listener can't go back.
fn voice_text(composer: &LocalizedComposer<'_>, code: &Code) -> String {
    let separated_code = separated(code.code.expose());
    let args = code_args(&separated_code, code.lifetime);
    let once = composer.localize(&format!("voice-code-{}", slug(code.purpose)), &args);
    format!("{once} {}", composer.localize("voice-code-again", &args))
}

fn separated(code: &str) -> String {
    code.chars().map(String::from).collect::<Vec<_>>().join(", ")
}
