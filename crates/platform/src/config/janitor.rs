//! How long what is over is kept.

use std::time::Duration;

use crate::config::{Env, Setting};

pub const SETTINGS: &[Setting] = &[
    Setting::new(
        "HISTORY_RETENTION",
        "90d",
        "How long verifications and their messages are kept after they were started, for people's own history and for \
         reports, and sessions after they were over, to tell a new device from a known one: 1d to 3650d.",
    ),
    Setting::new("AUDIT_RETENTION", "90d", "How long the audit trail is kept: 1d to 3650d."),
    Setting::new(
        "UNPROVED_RETENTION",
        "7d",
        "How long an account is kept whose address was never proved (ACTIVATION=email), and its username with it: 1d to \
         365d.",
    ),
];

/// How long what is over is kept.
#[derive(Clone, Copy, Debug)]
pub struct Janitor {
    pub history: Duration,
    pub audit: Duration,
    pub unproved: Duration,
}

impl Janitor {
    pub fn from_env(env: &Env) -> Self {
        let days = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
        Self {
            history: env.duration("HISTORY_RETENTION", days(1)..=days(3650)),
            audit: env.duration("AUDIT_RETENTION", days(1)..=days(3650)),
            unproved: env.duration("UNPROVED_RETENTION", days(1)..=days(365)),
        }
    }
}
