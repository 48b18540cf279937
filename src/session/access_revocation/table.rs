//! The table of security acts and kinds of access. No match has a wildcard, so that a new act or kind of access does
//! not compile before each pair is decided.

/// An enum with the list of its values.
macro_rules! with_all {
    ($(#[$attribute:meta])* pub enum $name:ident { $($(#[$of_variant:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$attribute])*
        pub enum $name {
            $($(#[$of_variant])* $variant),+
        }

        impl $name {
            /// Every value, in the order of the declaration.
            pub fn all() -> impl Iterator<Item = Self> {
                [$(Self::$variant),+].into_iter()
            }
        }
    };
}

with_all! {
    /// Everything that grants access to an account, in the order in which rows are locked.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum AccessPath {
        /// A verification whose code can still be confirmed.
        OpenVerification,
        /// A verification whose code confirms the undo of contact changes.
        UndoVerification,
        /// An unspent proof.
        UnspentProof,
        /// An unspent proof that confirms the undo of contact changes.
        UndoProof,
        /// A session with its refresh tokens.
        RefreshToken,
        /// Access tokens of a session. Revoked by a row in `revocation`.
        AccessToken,
        /// WebSockets and streams opened with an access token. Closed by the same row.
        Subscription,
        /// A device token: sign-ins with it cause no notice and have their own lockout counter.
        DeviceToken,
        /// A token that undoes a contact change.
        UndoToken,
    }
}

with_all! {
    /// An act that decides who can use an account.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum SecurityAct {
        PasswordReset,
        PasswordChange,
        /// A password change with `keepOtherSessions`.
        PasswordChangeKeepingSessions,
        SignOutEverywhere,
        /// An administrator or operator sets a status in which the account cannot be used.
        Suspension,
        /// An operator changes the role of the account.
        RoleChange,
        SessionsEndedByAdministrator,
        ContactChange,
        ContactUndo,
        Deletion,
        /// The owner ends one session from the list.
        SessionRevoked,
        SignOut,
        /// A refresh token was presented again after its successor was used.
        RefreshReuse,
    }
}

/// Whether an act revokes a kind of access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    End,
    /// It is kept, with the reason.
    Keep(&'static str),
}

/// The sessions of an account that an act applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionScope {
    /// All of them.
    All,
    /// All but the one that performs the act.
    Others,
    /// The one in the subject, and what belongs to it.
    One,
}

use Decision::{End, Keep};

/// Whether an act revokes a kind of access.
pub fn decide(act: SecurityAct, path: AccessPath) -> Decision {
    match path {
        AccessPath::OpenVerification | AccessPath::UnspentProof => codes_and_proofs(act),
        // Access tokens, and streams opened with them, last as long as their session.
        AccessPath::RefreshToken | AccessPath::AccessToken | AccessPath::Subscription => sessions(act),
        AccessPath::DeviceToken => devices(act),
        // An undo token is useless without the code and the proof that confirm it, so they are kept as long.
        AccessPath::UndoToken | AccessPath::UndoVerification | AccessPath::UndoProof => undo_tokens(act),
    }
}

fn codes_and_proofs(act: SecurityAct) -> Decision {
    match act {
        SecurityAct::PasswordReset
        | SecurityAct::PasswordChange
        | SecurityAct::PasswordChangeKeepingSessions
        | SecurityAct::SignOutEverywhere
        | SecurityAct::Suspension
        | SecurityAct::SessionsEndedByAdministrator
        | SecurityAct::ContactChange
        | SecurityAct::ContactUndo
        | SecurityAct::Deletion => End,
        SecurityAct::RoleChange => Keep("the owner stays the same; only the role changes"),
        SecurityAct::SessionRevoked | SecurityAct::SignOut | SecurityAct::RefreshReuse => {
            Keep("codes are sent to the account's contacts, which are not affected")
        }
    }
}

fn sessions(act: SecurityAct) -> Decision {
    match act {
        SecurityAct::PasswordChangeKeepingSessions => Keep("requested by keepOtherSessions"),
        SecurityAct::PasswordReset
        | SecurityAct::PasswordChange
        | SecurityAct::SignOutEverywhere
        | SecurityAct::Suspension
        | SecurityAct::RoleChange
        | SecurityAct::SessionsEndedByAdministrator
        | SecurityAct::ContactChange
        | SecurityAct::ContactUndo
        | SecurityAct::Deletion
        | SecurityAct::SessionRevoked
        | SecurityAct::SignOut
        | SecurityAct::RefreshReuse => End,
    }
}

fn devices(act: SecurityAct) -> Decision {
    match act {
        SecurityAct::PasswordReset
        | SecurityAct::PasswordChange
        | SecurityAct::SignOutEverywhere
        | SecurityAct::Suspension
        | SecurityAct::SessionsEndedByAdministrator
        | SecurityAct::ContactUndo
        | SecurityAct::Deletion
        | SecurityAct::SessionRevoked
        | SecurityAct::RefreshReuse => End,
        SecurityAct::PasswordChangeKeepingSessions => Keep("requested by keepOtherSessions"),
        SecurityAct::RoleChange => Keep("the owner stays the same; only the role changes"),
        SecurityAct::ContactChange => Keep(
            "it grants no access without the password, and attackers must not be able to lock out the owner's devices",
        ),
        SecurityAct::SignOut => Keep("the owner will sign in on this device again"),
    }
}

fn undo_tokens(act: SecurityAct) -> Decision {
    match act {
        SecurityAct::ContactUndo | SecurityAct::Deletion => End,
        SecurityAct::PasswordReset
        | SecurityAct::PasswordChange
        | SecurityAct::PasswordChangeKeepingSessions
        | SecurityAct::SignOutEverywhere
        | SecurityAct::Suspension
        | SecurityAct::RoleChange
        | SecurityAct::SessionsEndedByAdministrator
        | SecurityAct::ContactChange
        | SecurityAct::SessionRevoked
        | SecurityAct::SignOut
        | SecurityAct::RefreshReuse => {
            Keep("an attacker with access to the account could otherwise prevent the owner's undo")
        }
    }
}

impl AccessPath {
    /// Whether its rows are locked after the account's own row.
    pub(super) fn comes_after_account(self) -> bool {
        match self {
            AccessPath::OpenVerification
            | AccessPath::UndoVerification
            | AccessPath::UnspentProof
            | AccessPath::UndoProof => false,
            AccessPath::RefreshToken
            | AccessPath::AccessToken
            | AccessPath::Subscription
            | AccessPath::DeviceToken
            | AccessPath::UndoToken => true,
        }
    }
}

impl SecurityAct {
    pub(super) fn session_scope(self) -> SessionScope {
        match self {
            SecurityAct::PasswordReset
            | SecurityAct::SignOutEverywhere
            | SecurityAct::Suspension
            | SecurityAct::RoleChange
            | SecurityAct::SessionsEndedByAdministrator
            | SecurityAct::ContactUndo
            | SecurityAct::Deletion => SessionScope::All,
            SecurityAct::PasswordChange | SecurityAct::PasswordChangeKeepingSessions | SecurityAct::ContactChange => {
                SessionScope::Others
            }
            SecurityAct::SessionRevoked | SecurityAct::SignOut | SecurityAct::RefreshReuse => SessionScope::One,
        }
    }

    /// Whether an administrator performs it, or it may remove the last one: then all administrators are locked before
    /// the account.
    pub(super) fn locks_administrators(self) -> bool {
        match self {
            SecurityAct::Suspension
            | SecurityAct::RoleChange
            | SecurityAct::SessionsEndedByAdministrator
            | SecurityAct::Deletion => true,
            SecurityAct::PasswordReset
            | SecurityAct::PasswordChange
            | SecurityAct::PasswordChangeKeepingSessions
            | SecurityAct::SignOutEverywhere
            | SecurityAct::ContactChange
            | SecurityAct::ContactUndo
            | SecurityAct::SessionRevoked
            | SecurityAct::SignOut
            | SecurityAct::RefreshReuse => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Access tokens, and streams opened with them, have no statement of their own: they end with their session.
    #[test]
    fn access_tokens_and_streams_end_with_their_session() {
        for act in SecurityAct::all() {
            for path in [AccessPath::AccessToken, AccessPath::Subscription] {
                assert_eq!(decide(act, path), decide(act, AccessPath::RefreshToken), "{act:?}");
            }
        }
    }

    /// The order of all locks: verifications, proofs, the account, and rows of the account.
    #[test]
    fn variants_are_in_lock_order() {
        let after: Vec<_> = AccessPath::all().map(AccessPath::comes_after_account).collect();
        assert!(after.is_sorted(), "{after:?}");
    }

    /// An act on one session does not lock the account, so it cannot revoke anything that is locked before the account.
    #[test]
    fn acts_on_one_session_keep_codes_and_proofs() {
        for act in SecurityAct::all().filter(|act| act.session_scope() == SessionScope::One) {
            for path in AccessPath::all().filter(|path| !path.comes_after_account()) {
                assert!(matches!(decide(act, path), Keep(_)), "{act:?} {path:?}");
            }
        }
    }
}
