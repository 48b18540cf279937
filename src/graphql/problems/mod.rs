//! Problems: refusals that the user caused or can fix, as GraphQL types.

mod account;
mod input;
mod reauthentication;
mod session;
mod verification;

use async_graphql::{Enum, Interface};

pub use self::{account::*, input::*, reauthentication::*, session::*, verification::*};

/// Code of a problem. There is one for each problem type, for logs, metrics and clients that do not know the type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ProblemCode {
    /// One or more input fields are invalid.
    InvalidInput,
    /// A rate limit is exceeded.
    QuotaExceeded,
    /// Another account has this contact.
    ContactTaken,
    /// The account already has this contact.
    ContactUnchanged,
    /// Another account has this username.
    UsernameTaken,
    /// Another account has this nickname.
    NicknameTaken,
    /// There is no account with this identity.
    IdentityNotFound,
    /// The account can't be used in its current status.
    AccountNotActive,
    /// The account is locked after too many failed sign-ins.
    AccountLocked,
    /// The code is wrong.
    CodeMismatch,
    /// There is no verification with this id.
    VerificationNotFound,
    /// The verification is no longer pending.
    VerificationNotPending,
    /// The provider refuses to send to this contact.
    DeliveryRefused,
    /// The proof is not accepted.
    ProofRejected,
    /// The password does not meet the policy.
    PasswordRejected,
    /// The identifier or the password is wrong.
    CredentialsRejected,
    /// The refresh token is not accepted.
    RefreshRejected,
    /// There is no session with this id.
    SessionNotFound,
    /// There is no user with this id.
    UserNotFound,
    /// The account is the last administrator.
    LastAdministrator,
    /// The operation requires a recent authentication.
    ReauthenticationRequired,
    /// The account can't be deleted yet.
    DeletionHeldBack,
    /// The undo must be confirmed with another contact.
    UndoConfirmationRequired,
}

/// A refusal that the user caused or can fix. The message is in the language of the request and can be shown to the
/// user. Select `... on Problem { code message }` in addition to the types you handle, because new types may be added.
#[derive(Interface)]
#[graphql(
    field(name = "code", ty = "&ProblemCode", desc = "Code of the problem."),
    field(name = "message", ty = "&String", desc = "Message for the end user, in the language of the request.")
)]
pub enum Problem {
    InvalidInput(InvalidInput),
    QuotaExceeded(QuotaExceeded),
    ContactTaken(ContactTaken),
    ContactUnchanged(ContactUnchanged),
    IdentityNotFound(IdentityNotFound),
    AccountNotActive(AccountNotActive),
    CodeMismatch(CodeMismatch),
    VerificationNotFound(VerificationNotFound),
    VerificationNotPending(VerificationNotPending),
    DeliveryRefused(DeliveryRefused),
    ProofRejected(ProofRejected),
    PasswordRejected(PasswordRejected),
    UsernameTaken(UsernameTaken),
    NicknameTaken(NicknameTaken),
    AccountLocked(AccountLocked),
    CredentialsRejected(CredentialsRejected),
    RefreshRejected(RefreshRejected),
    SessionNotFound(SessionNotFound),
    UserNotFound(UserNotFound),
    LastAdministrator(LastAdministrator),
    ReauthenticationRequired(ReauthenticationRequired),
    DeletionHeldBack(DeletionHeldBack),
    UndoConfirmationRequired(UndoConfirmationRequired),
}
