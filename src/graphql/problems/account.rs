//! Problems about accounts and passwords.

use async_graphql::{Context, Enum, SimpleObject};

use super::ProblemCode;
use crate::graphql::{context::RequestContext, types::AccountStatus};
use domain::account;
use platform::{password, texts::Arg};

macro_rules! plain_problem {
    ($(#[$meta:meta])* $name:ident, $code:ident, $doc:literal, $id:literal) => {
        $(#[$meta])*
        #[derive(SimpleObject)]
        pub struct $name {
            #[doc = $doc]
            pub(super) code: ProblemCode,
            /// Message for the end user, in the language of the request.
            pub(super) message: String,
        }

        impl $name {
            pub fn new(ctx: &Context<'_>) -> Self {
                Self { code: ProblemCode::$code.record(ctx), message: ctx.localize($id, &[]) }
            }
        }
    };
}

plain_problem!(
    /// Another account has this contact. Returned only after the client has proved control of the contact, unless
    /// account disclosure is enabled.
    ContactTaken, ContactTaken, "Always CONTACT_TAKEN.", "problem-contact-taken"
);
plain_problem!(
    /// The account already has this contact.
    ContactUnchanged, ContactUnchanged, "Always CONTACT_UNCHANGED.", "problem-contact-unchanged"
);
plain_problem!(
    /// There is no account with this identity. Returned only if account disclosure is enabled; otherwise the response
    /// for an unknown account is the same as for a known one.
    IdentityNotFound, IdentityNotFound, "Always IDENTITY_NOT_FOUND.", "problem-identity-not-found"
);

plain_problem!(
    /// Another account has this username.
    UsernameTaken, UsernameTaken, "Always USERNAME_TAKEN.", "problem-username-taken"
);
plain_problem!(
    /// Another account has this nickname.
    NicknameTaken, NicknameTaken, "Always NICKNAME_TAKEN.", "problem-nickname-taken"
);
plain_problem!(
    /// The identifier or the password is wrong. The response does not say which.
    CredentialsRejected, CredentialsRejected, "Always CREDENTIALS_REJECTED.", "problem-credentials-rejected"
);
plain_problem!(
    /// The account has no session with this id, or the session has ended.
    SessionNotFound, SessionNotFound, "Always SESSION_NOT_FOUND.", "problem-session-not-found"
);
plain_problem!(
    /// There is no user with this id.
    UserNotFound, UserNotFound, "Always USER_NOT_FOUND.", "problem-user-not-found"
);
plain_problem!(
    /// The account is the last administrator. Appoint another administrator first.
    LastAdministrator, LastAdministrator, "Always LAST_ADMINISTRATOR.", "problem-last-administrator"
);

/// The account can't be used in its current status.
#[derive(SimpleObject)]
pub struct AccountNotActive {
    /// Always ACCOUNT_NOT_ACTIVE.
    pub(super) code: ProblemCode,
    /// Message for the end user, in the language of the request.
    pub(super) message: String,
    /// Current status of the account.
    status: AccountStatus,
}

impl AccountNotActive {
    pub fn new(ctx: &Context<'_>, status: account::AccountStatus) -> Self {
        let id = match status {
            account::AccountStatus::PendingVerification => "problem-account-not-active-pending-verification",
            account::AccountStatus::PendingApproval => "problem-account-not-active-pending-approval",
            account::AccountStatus::Suspended => "problem-account-not-active-suspended",
            account::AccountStatus::Active => "problem-other",
        };
        Self { code: ProblemCode::AccountNotActive.record(ctx), message: ctx.localize(id, &[]), status: status.into() }
    }
}

/// A requirement that a password violates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "password::Violation")]
pub enum PasswordViolation {
    /// The password has too few characters.
    TooShort,
    /// The password has too many characters.
    TooLong,
    /// The password has no lower-case letter.
    NoLowercase,
    /// The password has no upper-case letter.
    NoUppercase,
    /// The password has no digit.
    NoDigit,
    /// The password has no symbol.
    NoSymbol,
    /// The password is too easy to guess.
    TooGuessable,
    /// The password contains the user's name, username or contact.
    ContainsPersonalData,
    /// The password is in a list of breached passwords.
    Breached,
    /// The password is the same as the current one.
    SameAsCurrent,
}

/// The password does not meet the policy.
#[derive(SimpleObject)]
pub struct PasswordRejected {
    /// Always PASSWORD_REJECTED.
    pub(super) code: ProblemCode,
    /// Message for the end user, in the language of the request, with one sentence for each violation.
    pub(super) message: String,
    /// All violations.
    violations: Vec<PasswordViolation>,
}

impl PasswordRejected {
    pub fn new(ctx: &Context<'_>, violations: &[password::Violation], policy: &password::Description) -> Self {
        let mut message = ctx.localize("problem-password-rejected", &[]);
        let bounds = [("min", Arg::from(policy.min_length)), ("max", Arg::from(policy.max_length))];
        for violation in violations {
            message.push(' ');
            message.push_str(&ctx.localize(message_id(*violation), &bounds));
        }
        let violations = violations.iter().map(|violation| (*violation).into()).collect();
        Self { code: ProblemCode::PasswordRejected.record(ctx), message, violations }
    }
}

fn message_id(violation: password::Violation) -> &'static str {
    use password::Violation;
    match violation {
        Violation::TooShort => "password-too-short",
        Violation::TooLong => "password-too-long",
        Violation::NoLowercase => "password-no-lowercase",
        Violation::NoUppercase => "password-no-uppercase",
        Violation::NoDigit => "password-no-digit",
        Violation::NoSymbol => "password-no-symbol",
        Violation::TooGuessable => "password-too-guessable",
        Violation::ContainsPersonalData => "password-contains-personal-data",
        Violation::Breached => "password-breached",
        Violation::SameAsCurrent => "password-same-as-current",
    }
}
