//! Rate-limited operations and the keys they are counted by.

use std::net::IpAddr;

use domain::{
    caller::RequestInfo,
    ids::{AccountId, SessionId},
    quota::Quota,
};

/// A rate-limited operation. It is charged in the service that performs it, once for each GraphQL field, so aliases,
/// batches and sockets are all counted.
///
/// The charge depends only on the request, never on stored data: a decoy, a notice to a contact in use and a real code
/// cost the same, so a refusal does not disclose whether a number is known (invariant 5).
#[derive(Clone, Copy, Debug)]
pub enum Operation<'a> {
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

impl Operation<'_> {
    /// The name in metrics and in Redis keys.
    pub fn name(self) -> &'static str {
        match self {
            Operation::SendCode { .. } => "send_code",
            Operation::Guess => "guess",
            Operation::Lookup => "lookup",
            Operation::SignIn => "sign_in",
            Operation::SignUp => "sign_up",
            Operation::SpendProof => "spend_proof",
            Operation::Refresh => "refresh",
            Operation::ConfirmPassword { .. } => "confirm_password",
        }
    }

    /// The key that this operation of this caller is counted by under `scope`; None if the scope does not apply.
    pub(super) fn key(self, scope: Scope, caller: &RequestInfo) -> Option<Key> {
        match (scope, self) {
            (Scope::Client, _) => Some(Key::Client(caller.address.network())),
            (Scope::Site, _) => caller.address.site().map(Key::Site),
            (Scope::Service, _) => Some(Key::Service),
            (Scope::EmailClient, Operation::SendCode { destination: None }) => {
                Some(Key::EmailClient(caller.address.network()))
            }
            (Scope::EmailService, Operation::SendCode { destination: None }) => Some(Key::EmailService),
            (Scope::Destination, Operation::SendCode { destination: Some(prefix) }) => {
                Some(Key::Destination(prefix.into()))
            }
            (Scope::Session, Operation::ConfirmPassword { session, .. }) => Some(Key::Session(session.clone())),
            (Scope::Account, Operation::ConfirmPassword { account, .. }) => Some(Key::Account(account.clone())),
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
