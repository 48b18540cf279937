//! What costs, and by what it is counted.

use std::net::IpAddr;

use crate::{
    caller::Caller,
    clock::Timestamp,
    ids::{AccountId, SessionId},
};

/// Something that costs. It is charged inside the room that does it, once for each field that asks for it, so that
/// aliases, batches and sockets all pay.
///
/// What is charged follows from what the caller said alone, never from what we know of it: a decoy, a notice to a
/// contact that is taken and a real code cost the same, so no refusal tells whether a number is known (invariant 5).
#[derive(Clone, Copy, Debug)]
pub enum Act<'a> {
    /// A message with a code, or what stands in its place. `destination` is the phone number's prefix (country code and
    /// leading digits); none for an e-mail address.
    SendCode {
        destination: Option<&'a str>,
    },
    /// One try of a code.
    Guess,
    /// Whether a username, a nickname or a contact is still free.
    Lookup,
    /// A sign-in, by password or by proof.
    SignIn,
    SignUp,
    /// A proof spent for something else than signing in or up.
    SpendProof,
    Refresh,
    /// The password asked again of somebody who is signed in.
    ConfirmPassword {
        account: &'a AccountId,
        session: &'a SessionId,
    },
}

impl Act<'_> {
    /// Its name in metrics and in Redis.
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

    /// What this act of this caller counts against under `scope`; none where it has nothing to do with it.
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

/// What one limit of an act counts by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// One client: an IPv4 address, or the /64 of an IPv6 address.
    Client,
    /// The /48 that an IPv6 client is in: whoever has one can use 65,536 of the /64.
    Site,
    /// One client's e-mails.
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
    /// Whether it bounds what is spent, beside who may spend it.
    pub(super) fn costs_money(self) -> bool {
        matches!(self, Scope::Service | Scope::EmailService | Scope::Destination)
    }

    /// What a refusal by it is called.
    pub(super) fn quota(self) -> Quota {
        match self {
            Scope::Client | Scope::Site | Scope::EmailClient => Quota::ClientAddress,
            Scope::Destination => Quota::DestinationPrefix,
            Scope::Session | Scope::Account => Quota::Account,
            Scope::Service | Scope::EmailService => Quota::Service,
        }
    }
}

/// Which quota refused: the values of the schema's enum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quota {
    /// The wait between two codes to one contact. Counted in SQL.
    ResendCooldown,
    /// What a contact may be sent, and tried, a day. Counted in SQL.
    ContactDaily,
    /// What a contact may be sent an hour. Counted in SQL.
    ContactHourly,
    ClientAddress,
    /// All numbers that begin alike, by a plain limit or by the guard against SMS pumping.
    DestinationPrefix,
    Account,
    /// Everybody together.
    Service,
}

impl Quota {
    /// Its name in the schema and in metrics.
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

/// An act that was refused, and when it may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Refused {
    pub quota: Quota,
    pub retry_at: Timestamp,
}

impl Refused {
    /// Whole seconds from `now` until `retry_at`, rounded up and at least one: a client that waits so long is not
    /// refused for having come a moment early.
    pub fn retry_after_seconds(self, now: Timestamp) -> u32 {
        let millis = (self.retry_at - now).num_milliseconds().max(1).unsigned_abs();
        u32::try_from(millis.div_ceil(1000)).unwrap_or(u32::MAX)
    }
}

/// What a quota counts by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// An IPv4 address, or the /64 of an IPv6 address.
    Client(IpAddr),
    /// The /48 of an IPv6 address.
    Site(IpAddr),
    /// As `Client`, for e-mails alone.
    EmailClient(IpAddr),
    Destination(Box<str>),
    Session(SessionId),
    Account(AccountId),
    Service,
    EmailService,
}

impl std::fmt::Display for Key {
    /// Its name in Redis.
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
    fn seconds_to_wait_are_rounded_up_and_never_zero() {
        let now = DateTime::UNIX_EPOCH;
        let after = |millis| Refused { quota: Quota::Service, retry_at: now + Duration::from_millis(millis) };
        assert_eq!(after(0).retry_after_seconds(now), 1);
        assert_eq!(after(1000).retry_after_seconds(now), 1);
        assert_eq!(after(1001).retry_after_seconds(now), 2);
        assert_eq!(after(0).retry_after_seconds(now + Duration::from_secs(9)), 1);
    }
}
