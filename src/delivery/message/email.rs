//! E-mails: a subject, and the same parts as plain text and as HTML.

use super::{
    Arg, Code, Composed, Notice, Secret, Speech, code_args,
    notice::device_name,
    part::{self, Part},
    slug,
    sms::undo_link,
};

/// Composes the e-mail with a code.
pub(super) fn code(speech: &Speech<'_>, code: &Code) -> Composed {
    let shown = code.code.expose();
    let args = code_args(shown, code.lifetime);
    let name = format!("email-code-{}", slug(code.purpose));
    let mut parts = paragraphs(&speech.say(&name, &args));
    parts.push(Part::Code { label: speech.say("email-code-label", &args), code: shown.to_owned() });
    parts.extend(paragraphs(&speech.say("email-code-expiry", &args)));
    parts.extend(small(&speech.say("email-code-caution", &args)));
    assemble(speech, &name, parts)
}

/// Composes the e-mail of a notice.
pub(super) fn notice(speech: &Speech<'_>, notice: &Notice) -> Composed {
    let name = format!("email-notice-{}", notice.slug());
    let body = match notice {
        Notice::ContactChanged { new, .. } => speech.say(&name, &[("contact", Arg::Text(&new.masked()))]),
        Notice::NewDevice { device } | Notice::SessionEnded { device } => {
            let device = device.as_deref().and_then(device_name);
            let device = device.unwrap_or_else(|| speech.say("notice-unknown-device", &[]));
            speech.say(&name, &[("device", Arg::Text(&device))])
        }
        Notice::PasswordChanged
        | Notice::AccountExists
        | Notice::NoAccount
        | Notice::ContactChangeUndone
        | Notice::AccountLocked
        | Notice::AccountDeleted
        | Notice::AccountSuspended
        | Notice::AccountActivated
        | Notice::AccountAwaitsApproval
        | Notice::AccountUnlocked
        | Notice::SessionsEnded => speech.say(&name, &[]),
    };
    let mut parts = paragraphs(&body);
    if let Some(undo) = notice.undo() {
        parts.extend(paragraphs(&speech.say("email-notice-undo", &[("lifetime", Arg::Lifetime(undo.lifetime))])));
        let token = undo.token.expose();
        match undo_link(speech.composer, token) {
            Some(url) => parts.push(Part::Button { label: speech.say("email-notice-undo-button", &[]), url }),
            None => {
                parts.push(Part::Code { label: speech.say("email-notice-undo-token", &[]), code: token.to_owned() });
            }
        }
    }
    if let Some(advice) = notice.advice() {
        parts.extend(paragraphs(&speech.say(&format!("email-notice-{advice}"), &[])));
    }
    assemble(speech, &name, parts)
}

fn assemble(speech: &Speech<'_>, name: &str, mut parts: Vec<Part>) -> Composed {
    // A subject in an operator's template may span lines, but a header must not.
    let subject = speech.say(&format!("{name}-subject"), &[]).split_whitespace().collect::<Vec<_>>().join(" ");
    parts.extend(small(&speech.say("email-footer", &[])));
    let html = part::html(speech.locale, &speech.composer.app_name, &subject, &parts);
    Composed { text: Secret::new(part::text(&parts)), subject: Some(subject), html: Some(Secret::new(html)) }
}

/// Splits at empty lines into paragraphs.
fn split(text: &str) -> impl Iterator<Item = String> {
    text.split("\n\n").map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn paragraphs(text: &str) -> Vec<Part> {
    split(text).map(Part::Paragraph).collect()
}

fn small(text: &str) -> Vec<Part> {
    split(text).map(Part::Small).collect()
}
