//! Text messages: short, and with a last line that phones read the code out of.

use super::{Code, Composer, Notice, Speech, code_args, slug};
use crate::delivery::segments::{Carriers, KOREAN_SMS, Segments, korean_bytes};
use domain::contact::Contact;

/// Whose rules hold for a message to this contact. Only numbers get text messages; of anything else the stricter rules
/// are asked.
pub(super) fn carriers(to: &Contact) -> Carriers {
    match to {
        Contact::Phone(number) => Carriers::of(number),
        Contact::Email(_) => Carriers::Korean,
    }
}

/// The text message with a code. The caution is left out where it would make two messages, or a long one, of it.
pub(super) fn code(speech: &Speech<'_>, code: &Code, carriers: Carriers) -> String {
    let shown = code.code.expose();
    let args = code_args(shown, code.lifetime);
    let sentence = speech.say(&format!("sms-code-{}", slug(code.purpose)), &args);
    let caution = speech.say("sms-code-caution", &args);
    let machines = for_machines(speech.composer, shown);
    let whole = [[sentence.as_str(), &caution].join("\n"), machines.clone()].concat();
    if fits_one(&whole, carriers) { whole } else { sentence + &machines }
}

/// The text message of a notice.
pub(super) fn notice(speech: &Speech<'_>, notice: &Notice) -> String {
    let mut lines = vec![speech.say(&format!("sms-notice-{}", notice.slug()), &[])];
    if let Some(undo) = notice.undo() {
        lines.push(speech.say("sms-notice-undo", &[("lifetime", super::Arg::Lifetime(undo.lifetime))]));
        lines.push(undo_link(speech.composer, undo.token.expose()).unwrap_or_else(|| undo.token.expose().to_owned()));
    }
    if let Some(advice) = notice.advice() {
        lines.push(speech.say(&format!("sms-notice-{advice}"), &[]));
    }
    lines.join("\n")
}

/// Where the undo token is to be taken, if there is a page for it.
pub(super) fn undo_link(composer: &Composer, token: &str) -> Option<String> {
    composer.undo_url.as_ref().map(|url| url.replace("{token}", token))
}

/// The lines that programs read. The origin-bound line must be the last one, nothing before `@host` on it and one space
/// before the code (WICG, Origin-bound one-time codes); Android looks for its hash anywhere, so that goes before.
fn for_machines(composer: &Composer, code: &str) -> String {
    let hash = composer.android_app_hash.iter().map(|hash| format!("\n{hash}"));
    let origin = composer.web_otp_domain.iter().map(|domain| format!("\n@{domain} #{code}"));
    hash.chain(origin).collect()
}

/// Whether it is one short message: Android reads no longer ones, and each further part costs another one.
pub(super) fn fits_one(text: &str, carriers: Carriers) -> bool {
    match carriers {
        Carriers::Korean => korean_bytes(text).is_ok_and(|bytes| bytes <= KOREAN_SMS),
        Carriers::Others => Segments::of(text).count == 1,
    }
}
