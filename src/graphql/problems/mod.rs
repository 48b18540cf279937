//! Refusals: what a person did or can mend, as types of their own.

mod account;
mod input;
mod reauthentication;
mod session;
mod verification;

use async_graphql::{Enum, Interface};

pub use self::{account::*, input::*, reauthentication::*, session::*, verification::*};

/// One code for each type of problem, for logs, metrics and clients that meet a type they do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ProblemCode {
    /// A field can't be taken as it is.
    InvalidInput,
    /// Too often, too soon.
    QuotaExceeded,
    /// The contact is another account's.
    ContactTaken,
    /// The contact is the account's already.
    ContactUnchanged,
    /// The username is somebody else's.
    UsernameTaken,
    /// The nickname is somebody else's.
    NicknameTaken,
    /// Nobody with this identity.
    IdentityNotFound,
    /// The account can't be used as it stands.
    AccountNotActive,
    /// Too many failed sign-ins.
    AccountLocked,
    /// The code is not the one that was sent.
    CodeMismatch,
    /// No verification with this id.
    VerificationNotFound,
    /// The verification is over.
    VerificationNotPending,
    /// The provider will carry nothing to this contact.
    DeliveryRefused,
    /// The proof can't be spent.
    ProofRejected,
    /// The password is not good enough.
    PasswordRejected,
    /// Not the right identifier and password.
    CredentialsRejected,
    /// The refresh token is not honoured.
    RefreshRejected,
    /// No session with this id.
    SessionNotFound,
    /// No user with this id.
    UserNotFound,
    /// Nobody would be left to administer the service.
    LastAdministrator,
    /// The act needs a recent authentication.
    ReauthenticationRequired,
    /// The account can't be deleted yet.
    DeletionHeldBack,
    /// Another contact has to confirm the undo.
    UndoConfirmationRequired,
}

/// What a person did or can mend. The message is in the request's language and can be shown as it is. Select
/// `... on Problem { code message }` beside the types you know: new ones may come.
#[derive(Interface)]
#[graphql(
    field(name = "code", ty = "&ProblemCode", desc = "Which problem it is."),
    field(name = "message", ty = "&String", desc = "In the request's language, fit to be shown.")
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
