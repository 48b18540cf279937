//! E-mails: a subject, and the same parts as plain text and as HTML.

use super::{
    Arg, Code, Composed, LocalizedComposer, Notice, Secret, code_args,
    notice::linkless_device_name,
    part::{self, Part},
    slug,
    sms::undo_link,
};

/// Composes the e-mail with a code.
pub(super) fn code(composer: &LocalizedComposer<'_>, code: &Code) -> Composed {
    let shown = code.code.expose();
    let args = code_args(shown, code.lifetime);
    let name = format!("email-code-{}", slug(code.purpose));
    let mut parts = paragraphs(&composer.localize(&name, &args));
    parts.push(Part::Code { label: composer.localize("email-code-label", &args), code: shown.to_owned() });
    parts.extend(paragraphs(&composer.localize("email-code-expiry", &args)));
    parts.extend(small(&composer.localize("email-code-caution", &args)));
    assemble(composer, &name, parts)
}

/// Composes the e-mail of a notice.
pub(super) fn notice(composer: &LocalizedComposer<'_>, notice: &Notice) -> Composed {
    let name = format!("email-notice-{}", notice.slug());
    let body = match notice {
        Notice::ContactChanged { new, .. } => composer.localize(&name, &[("contact", Arg::Text(&new.masked()))]),
        Notice::NewDevice { device } | Notice::SessionEnded { device } => {
            let device = device.as_deref().and_then(linkless_device_name);
            let device = device.unwrap_or_else(|| composer.localize("notice-unknown-device", &[]));
            composer.localize(&name, &[("device", Arg::Text(&device))])
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
        | Notice::SessionsEnded => composer.localize(&name, &[]),
    };
    let mut parts = paragraphs(&body);
    if let Some(undo) = notice.undo() {
        parts
            .extend(paragraphs(&composer.localize("email-notice-undo", &[("lifetime", Arg::Lifetime(undo.lifetime))])));
        let token = undo.token.expose();
        match undo_link(composer.composer, token) {
            Some(url) => parts.push(Part::Button { label: composer.localize("email-notice-undo-button", &[]), url }),
            None => {
                parts.push(Part::Code {
                    label: composer.localize("email-notice-undo-token", &[]),
                    code: token.to_owned(),
                });
            }
        }
    }
    if let Some(advice) = notice.advice() {
        parts.extend(paragraphs(&composer.localize(&format!("email-notice-{advice}"), &[])));
    }
    assemble(composer, &name, parts)
}

fn assemble(composer: &LocalizedComposer<'_>, name: &str, mut parts: Vec<Part>) -> Composed {
    // A subject in an operator's template may span lines, but a header must not.
    let subject = composer.localize(&format!("{name}-subject"), &[]).split_whitespace().collect::<Vec<_>>().join(" ");
    parts.extend(small(&composer.localize("email-footer", &[])));
    let html = part::html(composer.locale, &composer.composer.app_name, &subject, &parts);
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
