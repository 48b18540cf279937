//! Quotas: the limit that refused an operation.

pub mod rules;

use crate::Timestamp;

/// The quota that refused: the values of the schema's enum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quota {
    /// The wait between two codes to one contact. Counted in SQL.
    ResendCooldown,
    /// Sends to a contact, or guesses for it, per day. Counted in SQL.
    ContactDaily,
    /// Sends to a contact per hour. Counted in SQL.
    ContactHourly,
    ClientAddress,
    /// All numbers with the same prefix: a fixed limit, or the protection against SMS pumping.
    DestinationPrefix,
    Account,
    /// All clients together.
    Service,
}

impl Quota {
    /// The name in the schema and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Quota::ResendCooldown => "RESEND_COOLDOWN",
            Quota::ContactDaily => "CONTACT_DAILY",
            Quota::ContactHourly => "CONTACT_HOURLY",
            Quota::ClientAddress => "CLIENT_ADDRESS",
            Quota::DestinationPrefix => "DESTINATION_PREFIX",
            Quota::Account => "ACCOUNT",
            Quota::Service => "SERVICE",
        }
    }
}

/// A refused operation, and when it may be retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Refused {
    pub quota: Quota,
    pub retry_at: Timestamp,
}

impl Refused {
    /// Whole seconds from `now` until `retry_at`, rounded up and at least one, so that a client that waits this long is
    /// not early.
    pub fn retry_after_seconds(self, now: Timestamp) -> u32 {
        let millis = (self.retry_at - now).num_milliseconds().max(1).unsigned_abs();
        u32::try_from(millis.div_ceil(1000)).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn retry_after_is_rounded_up_and_never_zero() {
        let now = Timestamp::UNIX_EPOCH;
        let after = |millis| Refused { quota: Quota::Service, retry_at: now + Duration::from_millis(millis) };
        assert_eq!(after(0).retry_after_seconds(now), 1);
        assert_eq!(after(1000).retry_after_seconds(now), 1);
        assert_eq!(after(1001).retry_after_seconds(now), 2);
        assert_eq!(after(0).retry_after_seconds(now + Duration::from_secs(9)), 1);
    }
}
