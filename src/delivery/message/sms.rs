//! Text messages, which must be short and end with a line from which phones autofill the code.

use super::{Code, Composer, LocalizedComposer, Notice, code_args, slug};
use domain::contact::Contact;
use providers::segments::{Carriers, KOREAN_SMS, Segments, korean_bytes};

/// The carriers whose rules apply to a message to this contact. Only phone numbers receive text messages; other
/// contacts get the stricter rules.
pub(super) fn carriers(to: &Contact) -> Carriers {
    match to {
        Contact::Phone(number) => Carriers::of(number),
        Contact::Email(_) => Carriers::Korean,
    }
}

/// The text message with a code. The caution is omitted if the message would then need two segments or become an LMS.
pub(super) fn code(composer: &LocalizedComposer<'_>, code: &Code, carriers: Carriers) -> String {
    let shown = code.code.expose();
    let args = code_args(shown, code.lifetime);
    let sentence = composer.localize(&format!("sms-code-{}", slug(code.purpose)), &args);
    let caution = composer.localize("sms-code-caution", &args);
    let machine_lines = machine_readable_lines(composer.composer, shown);
    let whole = [[sentence.as_str(), &caution].join("\n"), machine_lines.clone()].concat();
    if fits_one(&whole, carriers) { whole } else { sentence + &machine_lines }
}

/// The text message of a notice.
pub(super) fn notice(composer: &LocalizedComposer<'_>, notice: &Notice) -> String {
    let mut lines = vec![composer.localize(&format!("sms-notice-{}", notice.slug()), &[])];
    if let Some(undo) = notice.undo() {
        lines.push(composer.localize("sms-notice-undo", &[("lifetime", super::Arg::Lifetime(undo.lifetime))]));
        lines.push(undo_link(composer.composer, undo.token.expose()).unwrap_or_else(|| undo.token.expose().to_owned()));
    }
    if let Some(advice) = notice.advice() {
        lines.push(composer.localize(&format!("sms-notice-{advice}"), &[]));
    }
    lines.join("\n")
}

/// The link to the undo page with the token, if a page is configured.
pub(super) fn undo_link(composer: &Composer, token: &str) -> Option<String> {
    composer.undo_url.as_ref().map(|url| url.replace("{token}", token))
}

/// The machine-readable lines. The origin-bound line must be the last one, start with `@host` and have one space before
/// the code (WICG, Origin-bound one-time codes). Android finds its hash anywhere, so the hash goes before it.
fn machine_readable_lines(composer: &Composer, code: &str) -> String {
    let hash = composer.android_app_hash.iter().map(|hash| format!("\n{hash}"));
    let origin = composer.web_otp_domain.iter().map(|domain| format!("\n@{domain} #{code}"));
    hash.chain(origin).collect()
}

/// Whether the text fits into one short message: Android does not read codes from longer ones, and each segment is
/// charged.
pub(super) fn fits_one(text: &str, carriers: Carriers) -> bool {
    match carriers {
        Carriers::Korean => korean_bytes(text).is_ok_and(|bytes| bytes <= KOREAN_SMS),
        Carriers::Others => Segments::of(text).count == 1,
    }
}
