//! Settings of retention.

use std::time::Duration;

use crate::config::{Env, Setting};

pub const SETTINGS: &[Setting] = &[
    Setting::new(
        "HISTORY_RETENTION",
        "90d",
        "How long verifications and their messages are kept after they were started, for the users' history and for \
         reports, and sessions after they ended, to recognise known devices: 1d to 3650d.",
    ),
    Setting::new("AUDIT_RETENTION", "90d", "How long the audit trail is kept: 1d to 3650d."),
    Setting::new(
        "UNPROVED_RETENTION",
        "7d",
        "How long an account whose address was never verified (ACTIVATION=email) is kept, and its username reserved: 1d to \
         365d.",
    ),
];

/// How long data is kept before it is deleted.
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
