//! The contract's enums, each the face of one below.

use async_graphql::Enum;

use crate::{channel, purpose, quota, session, status, verification};

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "channel::Channel")]
pub enum Channel {
    /// A text message to a phone.
    Sms,
    /// A call that reads the code aloud, twice.
    Voice,
    /// A message to an e-mail address.
    Email,
}

/// What a confirmed code entitles to. A code and its proof work for one purpose alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "purpose::Purpose")]
pub enum VerificationPurpose {
    /// The contact is reachable by the person at the keyboard; another back end consumes the attestation.
    Contact,
    /// Making an account with this contact.
    SignUp,
    /// Signing in with a code in place of a password. Where the service has switched that off for e-mail, it takes phone
    /// numbers alone.
    SignIn,
    /// Choosing a new password.
    PasswordReset,
    /// Giving the account that is signed in this phone number.
    PhoneChange,
    /// Giving the account that is signed in this e-mail address.
    EmailChange,
    /// Authenticating again while signed in, for reauthenticate. Sent only to a verified contact of the account that is
    /// signed in, and only if the account had it before the oldest contact change that can still be undone.
    StepUp,
    /// Confirming that a change of contact is to be undone. undoContactChange starts it; sendVerificationCode refuses it.
    ContactUndo,
}

/// What became of a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "verification::Standing")]
pub enum VerificationStatus {
    /// Its code can be confirmed.
    Pending,
    /// The right code was given; the proof was handed out.
    Verified,
    /// Its time ran out.
    Expired,
    /// Every attempt was used.
    Locked,
    /// Whoever started it took it back.
    Canceled,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "status::DeliveryStatus")]
pub enum DeliveryStatus {
    /// Waiting for a provider, or for the next try.
    Queued,
    /// A provider took it.
    Sent,
    /// It is on the device, says the carrier.
    Delivered,
    /// A provider took it and could not hand it over.
    Undelivered,
    /// No provider took it.
    Failed,
    /// A provider was asked and its answer was lost: it may arrive or not. It is not repeated by itself.
    Unknown,
}

/// Why a message did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "status::DeliveryFailure")]
pub enum DeliveryFailure {
    /// The contact does not exist or could not be reached: check it, or use another one.
    Recipient,
    /// The recipient, the carrier or a rule of the provider blocks messages to this contact or country: use another
    /// contact or channel.
    Blocked,
    /// The text was refused. Another channel may work.
    Content,
    /// No provider could carry it. Try again later, or by another channel.
    Provider,
    /// It was not delivered before its time ran out, or was no longer needed. Ask for a new one.
    Expired,
}

/// What a code is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "status::CodeFormat")]
pub enum CodeFormat {
    /// Digits; leading zeros count.
    Numeric,
    /// Letters and digits without look-alikes; case and separators do not count.
    Alphanumeric,
}

/// Which bound stands against an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "quota::Quota")]
pub enum Quota {
    /// The last message to this contact was a moment ago.
    ResendCooldown,
    /// The sends or the guesses of the contact's day are used up, by whoever asked. Addresses that differ in a +tag, and for
    /// Gmail in dots, are counted together.
    ContactDaily,
    /// The contact's hour is used up.
    ContactHourly,
    /// Too much from one client: an IPv4 address, an IPv6 /64 or the /48 around it.
    ClientAddress,
    /// Too much to numbers that begin alike.
    DestinationPrefix,
    /// Too much for one account, or for one session of it.
    Account,
    /// The service as a whole sends no more, or no more e-mails, for now.
    Service,
}

/// Why a token is not honoured. ProofRejected and RefreshRejected have it, so that one fragment serves both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum RejectionReason {
    /// There is no such token.
    Unknown,
    /// Its time ran out. Of a refresh token: the session was not used for too long, or is as old as a session may get.
    Expired,
    /// ProofRejected alone: it was spent already.
    Spent,
    /// ProofRejected alone: it was made for something else.
    WrongPurpose,
    /// RefreshRejected alone: the session was ended.
    Revoked,
    /// RefreshRejected alone: it came again after its successor was used, so somebody has a copy: the session is ended by
    /// it.
    Reused,
    /// RefreshRejected alone: the request had two refresh cookies of one name, or of two sessions that are both live.
    /// None of them was exchanged, and no session was ended: remove the cookie that another host of the domain has set, or
    /// sign in again.
    Ambiguous,
}

impl From<verification::Rejection> for RejectionReason {
    fn from(reason: verification::Rejection) -> Self {
        use verification::Rejection;
        match reason {
            Rejection::Unknown => Self::Unknown,
            Rejection::Expired => Self::Expired,
            Rejection::Spent => Self::Spent,
            Rejection::WrongPurpose => Self::WrongPurpose,
        }
    }
}

impl From<session::RefreshRejection> for RejectionReason {
    fn from(reason: session::RefreshRejection) -> Self {
        use session::RefreshRejection;
        match reason {
            RefreshRejection::Unknown => Self::Unknown,
            RefreshRejection::Expired => Self::Expired,
            RefreshRejection::Revoked => Self::Revoked,
            RefreshRejection::Reused => Self::Reused,
            RefreshRejection::Ambiguous => Self::Ambiguous,
        }
    }
}
