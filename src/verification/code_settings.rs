//! Format and validity of codes, by the settings.

use std::time::Duration;

use domain::{contact::ContactKind, purpose::Purpose, status::CodeFormat};
use platform::config;

/// The maximum validity of a code by e-mail that grants access to an account (ASVS 5.0, 6.5.5).
const MAX_ACCESS_CODE_TTL: Duration = Duration::from_secs(10 * 60);

/// Format and validity of codes for a contact of this kind.
pub fn code_shape(settings: &config::Verification, kind: ContactKind, purpose: Purpose) -> (CodeFormat, Duration) {
    match (kind, purpose) {
        (ContactKind::Phone, _) => (settings.code_format, settings.code_ttl),
        (ContactKind::Email, Purpose::Contact | Purpose::SignUp) => {
            (settings.email_code_format, settings.email_code_ttl)
        }
        (ContactKind::Email, _) => (settings.email_code_format, settings.email_code_ttl.min(MAX_ACCESS_CODE_TTL)),
    }
}

/// Whether a code for `purpose` may be sent by e-mail.
pub fn may_use_email(settings: &config::Verification, purpose: Purpose) -> bool {
    purpose != Purpose::SignIn || settings.sign_in_by_email_code
}
