//! The enums of the schema, each mapped to an enum of the domain or of a service.

use async_graphql::Enum;

use crate::{session, verification};
use domain::{channel, purpose, status};

/// Channel of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "channel::Channel")]
pub enum Channel {
    /// Text message to a phone.
    Sms,
    /// Phone call that reads the code aloud twice.
    Voice,
    /// Message to an e-mail address.
    Email,
}

/// Purpose of a verification. A code and its proof are valid for one purpose only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "purpose::Purpose")]
pub enum VerificationPurpose {
    /// Proves that the user controls the contact. The attestation is consumed by another back end.
    Contact,
    /// Creates an account with this contact.
    SignUp,
    /// Signs in with a code instead of a password. Only phone numbers are accepted if the service has disabled sign-in
    /// by e-mail.
    SignIn,
    /// Sets a new password.
    PasswordReset,
    /// Sets this phone number on the signed-in account.
    PhoneChange,
    /// Sets this e-mail address on the signed-in account.
    EmailChange,
    /// Authenticates the user again while signed in, for reauthenticate. The code is only sent to a verified contact of
    /// the signed-in account that the account had before the oldest contact change that can still be undone.
    StepUp,
    /// Confirms that a contact change is undone. Started by undoContactChange; sendVerificationCode rejects it.
    ContactUndo,
}

/// Status of a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::verification::rules::EffectiveStatus")]
pub enum VerificationStatus {
    /// The code can be confirmed.
    Pending,
    /// The correct code was entered, and the proof was issued.
    Verified,
    /// The code expired.
    Expired,
    /// All attempts were used.
    Locked,
    /// The verification was canceled by the client that started it.
    Canceled,
}

/// Status of the delivery of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "status::DeliveryStatus")]
pub enum DeliveryStatus {
    /// The message waits for a provider or for the next attempt.
    Queued,
    /// A provider accepted the message.
    Sent,
    /// The carrier reported that the message reached the device.
    Delivered,
    /// A provider accepted the message, but could not deliver it.
    Undelivered,
    /// No provider accepted the message.
    Failed,
    /// The provider's response was lost, so it is unknown whether the message was sent. It is not sent again
    /// automatically.
    Unknown,
}

/// Why a message was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "status::DeliveryFailure")]
pub enum DeliveryFailure {
    /// The contact does not exist or could not be reached: check it, or use another one.
    Recipient,
    /// The recipient, the carrier or a rule of the provider blocks messages to this contact or country: use another
    /// contact or channel.
    Blocked,
    /// The text was rejected. Another channel may work.
    Content,
    /// No provider could send it. Try again later, or through another channel.
    Provider,
    /// It was not delivered before it expired, or was no longer needed. Request a new one.
    Expired,
}

/// Character set of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "status::CodeFormat")]
pub enum CodeFormat {
    /// Digits; leading zeros are significant.
    Numeric,
    /// Letters and digits without characters that look alike; case and separators are ignored.
    Alphanumeric,
}

/// The limit that was exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::quota::Quota")]
pub enum Quota {
    /// The previous message to this contact was sent too recently.
    ResendCooldown,
    /// The daily messages or attempts for this contact are used up. Requests of all clients count. Addresses that
    /// differ only in a +tag, and for Gmail in dots, are counted together.
    ContactDaily,
    /// The hourly messages or attempts for this contact are used up.
    ContactHourly,
    /// Too many requests from one client network: an IPv4 address, an IPv6 /64, or the /48 around it.
    ClientAddress,
    /// Too many messages to numbers with the same prefix.
    DestinationPrefix,
    /// Too many requests for one account, or for one of its sessions.
    Account,
    /// The service-wide limit for messages or for e-mails is reached.
    Service,
}

/// Why a token is rejected. ProofRejected and RefreshRejected share this enum, so that clients can use one fragment for
/// both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum RejectionReason {
    /// The token is unknown.
    Unknown,
    /// The token expired. For a refresh token: the session was not used for too long, or has reached its maximum age.
    Expired,
    /// ProofRejected only: the proof has already been used.
    Spent,
    /// ProofRejected only: the proof was issued for another purpose.
    WrongPurpose,
    /// RefreshRejected only: the session was ended.
    Revoked,
    /// RefreshRejected only: the token was used again after its successor had been used, so there is a second copy of
    /// the session's tokens. The session has been ended.
    Reused,
    /// RefreshRejected only: the request had two refresh cookies with the same name, or cookies of two active sessions.
    /// No token was exchanged, and no session was ended. Remove the cookie that another host of the domain has set, or
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
