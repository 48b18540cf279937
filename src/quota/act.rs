//! Rate-limited operations and the keys they are counted by.

use std::net::IpAddr;

use domain::{
    Timestamp,
    caller::Caller,
    ids::{AccountId, SessionId},
};

/// A rate-limited operation. It is charged in the service that performs it, once for each GraphQL field, so aliases,
/// batches and sockets are all counted.
///
/// The charge depends only on the request, never on stored data: a decoy, a notice to a contact in use and a real code
/// cost the same, so a refusal does not disclose whether a number is known (invariant 5).
#[derive(Clone, Copy, Debug)]
pub enum Act<'a> {
    /// A message with a code, or a decoy or notice in its place. `destination` is the phone number's prefix (country
    /// code and leading digits); none for an e-mail address.
    SendCode {
        destination: Option<&'a str>,
    },
    /// One attempt to enter a code.
    Guess,
    /// A check whether a username, a nickname or a contact is available.
    Lookup,
    /// A sign-in, by password or by proof.
    SignIn,
    SignUp,
    /// The use of a proof for another purpose than sign-in or sign-up.
    SpendProof,
    Refresh,
    /// A password entered again in a signed-in session.
    ConfirmPassword {
        account: &'a AccountId,
        session: &'a SessionId,
    },
}

impl Act<'_> {
    /// The name in metrics and in Redis keys.
    pub fn name(self) -> &'static str {
        match self {
            Act::SendCode { .. } => "send_code",
            Act::Guess => "guess",
            Act::Lookup => "lookup",
            Act::SignIn => "sign_in",
            Act::SignUp => "sign_up",
            Act::SpendProof => "spend_proof",
            Act::Refresh => "refresh",
            Act::ConfirmPassword { .. } => "confirm_password",
        }
    }

    /// The key that this operation of this caller is counted by under `scope`; None if the scope does not apply.
    pub(super) fn key(self, scope: Scope, caller: &Caller) -> Option<Key> {
        match (scope, self) {
            (Scope::Client, _) => Some(Key::Client(caller.address.network())),
            (Scope::Site, _) => caller.address.site().map(Key::Site),
            (Scope::Service, _) => Some(Key::Service),
            (Scope::EmailClient, Act::SendCode { destination: None }) => {
                Some(Key::EmailClient(caller.address.network()))
            }
            (Scope::EmailService, Act::SendCode { destination: None }) => Some(Key::EmailService),
            (Scope::Destination, Act::SendCode { destination: Some(prefix) }) => Some(Key::Destination(prefix.into())),
            (Scope::Session, Act::ConfirmPassword { session, .. }) => Some(Key::Session(session.clone())),
            (Scope::Account, Act::ConfirmPassword { account, .. }) => Some(Key::Account(account.clone())),
            _ => None,
        }
    }
}

/// The kind of key that one limit of an operation counts by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// One client: an IPv4 address, or the /64 of an IPv6 address.
    Client,
    /// The /48 of an IPv6 client, which contains 65,536 /64 networks.
    Site,
    /// The e-mails of one client.
    EmailClient,
    Destination,
    /// One session of an account.
    Session,
    /// All sessions of an account.
    Account,
    Service,
    /// All e-mails of the service.
    EmailService,
}

impl Scope {
    /// Whether it limits the cost of messages, in addition to who may send them.
    pub(super) fn costs_money(self) -> bool {
        matches!(self, Scope::Service | Scope::EmailService | Scope::Destination)
    }

    /// The quota that a refusal reports.
    pub(super) fn quota(self) -> Quota {
        match self {
            Scope::Client | Scope::Site | Scope::EmailClient => Quota::ClientAddress,
            Scope::Destination => Quota::DestinationPrefix,
            Scope::Session | Scope::Account => Quota::Account,
            Scope::Service | Scope::EmailService => Quota::Service,
        }
    }
}

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

/// The key of a counter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// An IPv4 address, or the /64 of an IPv6 address.
    Client(IpAddr),
    /// The /48 of an IPv6 address.
    Site(IpAddr),
    /// Like `Client`, for e-mails only.
    EmailClient(IpAddr),
    Destination(Box<str>),
    Session(SessionId),
    Account(AccountId),
    Service,
    EmailService,
}

impl std::fmt::Display for Key {
    /// The name in Redis.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Key::Client(network) => write!(f, "client:{network}"),
            Key::Site(network) => write!(f, "site:{network}"),
            Key::EmailClient(network) => write!(f, "email-client:{network}"),
            Key::Destination(prefix) => write!(f, "destination:{prefix}"),
            Key::Session(session) => write!(f, "session:{}", session.as_str()),
            Key::Account(account) => write!(f, "account:{}", account.as_str()),
            Key::Service => f.write_str("service"),
            Key::EmailService => f.write_str("email-service"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::DateTime;

    use super::*;

    #[test]
    fn retry_after_is_rounded_up_and_never_zero() {
        let now = DateTime::UNIX_EPOCH;
        let after = |millis| Refused { quota: Quota::Service, retry_at: now + Duration::from_millis(millis) };
        assert_eq!(after(0).retry_after_seconds(now), 1);
        assert_eq!(after(1000).retry_after_seconds(now), 1);
        assert_eq!(after(1001).retry_after_seconds(now), 2);
        assert_eq!(after(0).retry_after_seconds(now + Duration::from_secs(9)), 1);
    }
}
