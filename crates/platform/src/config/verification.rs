//! Settings of verifications: codes, attempts and proofs.

use std::time::Duration;

use crate::config::{Env, Setting};
use domain::status::CodeFormat;

pub const SETTINGS: &[Setting] = &[
    Setting::new("CODE_LENGTH", "6", "Characters of a code, 6 to 10. Six digits and five attempts meet NIST 800-63B."),
    Setting::new(
        "CODE_FORMAT",
        "numeric",
        "numeric or alphanumeric (without look-alikes) for codes by SMS and voice. Autofill supports digits everywhere, letters only on some devices.",
    ),
    Setting::new("CODE_TTL", "5m", "Lifetime of a code by SMS or voice: 1m to 10m, and longer than RESEND_COOLDOWN."),
    Setting::new("EMAIL_CODE_FORMAT", "numeric", "numeric or alphanumeric for codes by e-mail."),
    Setting::new(
        "EMAIL_CODE_TTL",
        "1h",
        "Lifetime of a code by e-mail for CONTACT and SIGN_UP: 1m to 1h. E-mail can be slower than SMS. For every other \
         purpose it is at most ten minutes, since the code gives access to an account.",
    ),
    Setting::new(
        "SIGN_IN_BY_EMAIL_CODE",
        "on",
        "on or off: whether a code by e-mail can replace a password. Off: SIGN_IN accepts only phone numbers, and their \
         codes are not sent to the account's e-mail address.",
    ),
    Setting::new("CODE_MAX_ATTEMPTS", "5", "Attempts to enter one code, 1 to 10. A resend does not reset the count."),
    Setting::new("PROOF_TTL", "10m", "How long a proof can be spent after the code was confirmed: 1m to 15m."),
];

/// Settings of codes and proofs.
#[derive(Clone, Debug)]
pub struct Verification {
    pub code_length: usize,
    pub code_format: CodeFormat,
    pub code_ttl: Duration,
    pub email_code_format: CodeFormat,
    /// For the purposes that don't give access to an account.
    pub email_code_ttl: Duration,
    pub sign_in_by_email_code: bool,
    pub max_attempts: i32,
    pub proof_ttl: Duration,
}

impl Verification {
    /// `resend_cooldown`: the setting of the quotas; the lifetime of a code must be longer.
    pub fn from_env(env: &Env, resend_cooldown: Duration) -> Self {
        let minutes = |from: u64, to: u64| Duration::from_secs(from * 60)..=Duration::from_secs(to * 60);
        let formats = [("numeric", CodeFormat::Numeric), ("alphanumeric", CodeFormat::Alphanumeric)];
        let settings = Self {
            code_length: env.number("CODE_LENGTH", 6..=10),
            code_format: env.choice("CODE_FORMAT", &formats),
            // NIST 800-63B section 3.1.3.2: ten minutes at most for a code over the telephone network.
            code_ttl: env.duration("CODE_TTL", minutes(1, 10)),
            email_code_format: env.choice("EMAIL_CODE_FORMAT", &formats),
            email_code_ttl: env.duration("EMAIL_CODE_TTL", minutes(1, 60)),
            sign_in_by_email_code: env.choice("SIGN_IN_BY_EMAIL_CODE", &[("on", true), ("off", false)]),
            max_attempts: env.number("CODE_MAX_ATTEMPTS", 1..=10),
            proof_ttl: env.duration("PROOF_TTL", minutes(1, 15)),
        };
        for (name, ttl) in [("CODE_TTL", settings.code_ttl), ("EMAIL_CODE_TTL", settings.email_code_ttl)] {
            if ttl <= resend_cooldown {
                env.refuse(name, "must be longer than RESEND_COOLDOWN, or a valid code could never be resent");
            }
        }
        settings
    }
}
