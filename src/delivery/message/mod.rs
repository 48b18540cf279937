//! What is sent: the words of a message, for its occasion, its channel and its reader's language. Pure: the same letter
//! is always composed to the same message, so a resend or another provider carries what the first one did.

mod check;
mod email;
mod notice;
mod part;
mod sms;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use check::Largest;
pub use notice::{Notice, Undo, UndoHint};

use super::provider::Channel;
use domain::{contact::Contact, locale::Locale, purpose::Purpose};
use platform::{
    config::{Messages, Secret},
    texts::{Arg, Texts},
};

/// What a message is about.
#[derive(Clone, Debug)]
pub enum Occasion {
    Code(Code),
    /// Something happened to an account. By voice it is read as its text message.
    Notice(Notice),
}

/// A code to be typed in.
#[derive(Clone, Debug)]
pub struct Code {
    pub purpose: Purpose,
    /// Digits or letters without separators.
    pub code: Secret,
    /// How long it works, as the message says it.
    pub lifetime: Duration,
}

/// One message to be composed.
#[derive(Clone, Debug)]
pub struct Letter {
    pub occasion: Occasion,
    pub channel: Channel,
    pub to: Contact,
    pub locale: Locale,
}

/// The words of a message. They hold a code: they do not print.
#[derive(Clone, Debug)]
pub struct Composed {
    /// The whole text message, what a voice says, or the text part of an e-mail.
    pub text: Secret,
    /// E-mail only: one line, without anything that a user wrote.
    pub subject: Option<String>,
    /// E-mail only.
    pub html: Option<Secret>,
}

/// Puts messages into words. Cheap to clone.
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

    /// The message in words.
    pub fn compose(&self, letter: &Letter) -> Composed {
        let speech = Speech { composer: self, locale: letter.locale };
        match (&letter.occasion, letter.channel) {
            (Occasion::Code(code), Channel::Sms) => {
                Composed::plain(sms::code(&speech, code, sms::carriers(&letter.to)))
            }
            (Occasion::Code(code), Channel::Voice) => Composed::plain(spoken(&speech, code)),
            (Occasion::Code(code), Channel::Email) => email::code(&speech, code),
            (Occasion::Notice(notice), Channel::Sms | Channel::Voice) => Composed::plain(sms::notice(&speech, notice)),
            (Occasion::Notice(notice), Channel::Email) => email::notice(&speech, notice),
        }
    }
}

impl Composed {
    fn plain(text: String) -> Self {
        Self { text: Secret::new(text), subject: None, html: None }
    }
}

/// A composer with a language to speak.
struct Speech<'a> {
    composer: &'a Composer,
    locale: Locale,
}

impl Speech<'_> {
    /// Says a message; every message may name the service.
    fn say(&self, id: &str, args: &[(&str, Arg<'_>)]) -> String {
        let mut all = vec![("app", Arg::Text(&self.composer.app_name))];
        all.extend_from_slice(args);
        self.composer.texts.say(self.locale, id, &all)
    }
}

/// What every message with a code may say.
fn code_args<'a>(code: &'a str, lifetime: Duration) -> [(&'static str, Arg<'a>); 2] {
    [("code", Arg::Text(code)), ("lifetime", Arg::Lifetime(lifetime))]
}

/// The purpose as message names have it: `password-reset`.
fn slug(purpose: Purpose) -> String {
    purpose.as_str().to_ascii_lowercase().replace('_', "-")
}

/// What a voice says: the characters of the code apart, since "123456" would be read as a number, and all of it twice,
/// since nobody can scroll back.
fn spoken(speech: &Speech<'_>, code: &Code) -> String {
    let apart = apart(code.code.expose());
    let args = code_args(&apart, code.lifetime);
    let once = speech.say(&format!("voice-code-{}", slug(code.purpose)), &args);
    format!("{once} {}", speech.say("voice-code-again", &args))
}

fn apart(code: &str) -> String {
    code.chars().map(String::from).collect::<Vec<_>>().join(", ")
}
