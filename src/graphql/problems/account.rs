//! Problems of accounts and passwords.

use async_graphql::{Context, Enum, SimpleObject};

use super::ProblemCode;
use crate::{
    graphql::{context::Asking, types::AccountStatus},
    password,
    store::entity::account,
    texts::Arg,
};

macro_rules! plain_problem {
    ($(#[$meta:meta])* $name:ident, $code:ident, $doc:literal, $id:literal) => {
        $(#[$meta])*
        #[derive(SimpleObject)]
        pub struct $name {
            #[doc = $doc]
            pub(super) code: ProblemCode,
            /// In the request's language, fit to be shown.
            pub(super) message: String,
        }

        impl $name {
            pub fn new(ctx: &Context<'_>) -> Self {
                Self { code: ProblemCode::$code.noted(ctx), message: ctx.say($id, &[]) }
            }
        }
    };
}

plain_problem!(
    /// The contact is another account's. Told only to who has proved to hold it, unless accounts are disclosed.
    ContactTaken, ContactTaken, "CONTACT_TAKEN.", "problem-contact-taken"
);
plain_problem!(
    /// The contact is the account's already.
    ContactUnchanged, ContactUnchanged, "CONTACT_UNCHANGED.", "problem-contact-unchanged"
);
plain_problem!(
    /// Nobody with this identity. Only where accounts are disclosed; otherwise an unknown account is answered like a
    /// known one.
    IdentityNotFound, IdentityNotFound, "IDENTITY_NOT_FOUND.", "problem-identity-not-found"
);

plain_problem!(
    /// The username is somebody else's.
    UsernameTaken, UsernameTaken, "USERNAME_TAKEN.", "problem-username-taken"
);
plain_problem!(
    /// The nickname is somebody else's.
    NicknameTaken, NicknameTaken, "NICKNAME_TAKEN.", "problem-nickname-taken"
);
plain_problem!(
    /// Not the right identifier and password; which of them is not said.
    CredentialsRejected, CredentialsRejected, "CREDENTIALS_REJECTED.", "problem-credentials-rejected"
);
plain_problem!(
    /// The account has no such session, or it is over.
    SessionNotFound, SessionNotFound, "SESSION_NOT_FOUND.", "problem-session-not-found"
);
plain_problem!(
    /// There is no user with this id.
    UserNotFound, UserNotFound, "USER_NOT_FOUND.", "problem-user-not-found"
);
plain_problem!(
    /// Nobody would be left to administer the service: name another administrator first.
    LastAdministrator, LastAdministrator, "LAST_ADMINISTRATOR.", "problem-last-administrator"
);

/// The account can't be used as it stands.
#[derive(SimpleObject)]
pub struct AccountNotActive {
    /// ACCOUNT_NOT_ACTIVE.
    pub(super) code: ProblemCode,
    /// In the request's language, fit to be shown.
    pub(super) message: String,
    /// How it stands.
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
        Self { code: ProblemCode::AccountNotActive.noted(ctx), message: ctx.say(id, &[]), status: status.into() }
    }
}

/// What is wrong with a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "password::Violation")]
pub enum PasswordViolation {
    /// Too few characters.
    TooShort,
    /// Too many characters.
    TooLong,
    /// No lower-case letter.
    NoLowercase,
    /// No upper-case letter.
    NoUppercase,
    /// No digit.
    NoDigit,
    /// No symbol.
    NoSymbol,
    /// Too easy to guess.
    TooGuessable,
    /// It holds the person's name, username or contact.
    ContainsPersonalData,
    /// It is in a list of passwords out of breaches.
    Breached,
    /// It is the present one.
    SameAsCurrent,
}

/// The password is not good enough.
#[derive(SimpleObject)]
pub struct PasswordRejected {
    /// PASSWORD_REJECTED.
    pub(super) code: ProblemCode,
    /// In the request's language, fit to be shown: all violations in a sentence each.
    pub(super) message: String,
    /// Everything that is wrong with it.
    violations: Vec<PasswordViolation>,
}

impl PasswordRejected {
    pub fn new(ctx: &Context<'_>, violations: &[password::Violation], policy: &password::Description) -> Self {
        let mut message = ctx.say("problem-password-rejected", &[]);
        let bounds = [("min", Arg::from(policy.min_length)), ("max", Arg::from(policy.max_length))];
        for violation in violations {
            message.push(' ');
            message.push_str(&ctx.say(sentence(*violation), &bounds));
        }
        let violations = violations.iter().map(|violation| (*violation).into()).collect();
        Self { code: ProblemCode::PasswordRejected.noted(ctx), message, violations }
    }
}

fn sentence(violation: password::Violation) -> &'static str {
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
