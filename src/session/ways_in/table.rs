//! The table: every act against every way in. No match has a wildcard, so that a new act or a new way in does not compile
//! before each pair is decided.

use sea_orm::EnumIter;

/// Everything that lets somebody into an account, in the order in which rows are locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum WayIn {
    /// A verification whose code can still be confirmed.
    OpenVerification,
    /// A verification whose code confirms that contact changes are undone.
    UndoVerification,
    /// A proof that was not spent yet.
    UnspentProof,
    /// An unspent proof that confirms that contact changes are undone.
    UndoProof,
    /// A session with its refresh tokens.
    RefreshToken,
    /// Access tokens of a session. A row in `revocation` ends them.
    AccessToken,
    /// Sockets and streams that were opened with an access token. They are closed by the same row.
    Subscription,
    /// A device token: sign-ins with it raise no notice and have a lockout counter of their own.
    DeviceToken,
    /// A token that undoes a change of contact.
    UndoToken,
}

/// An act that decides who can use an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum SecurityAct {
    PasswordReset,
    PasswordChange,
    /// A change of password with `keepOtherSessions`.
    PasswordChangeKeepingSessions,
    SignOutEverywhere,
    /// An administrator or the operator gives the account a status in which it can't be used.
    Suspension,
    /// The operator gives the account another role.
    RoleChange,
    SessionsEndedByAdministrator,
    ContactChange,
    ContactUndo,
    Deletion,
    /// The owner ends one session of a list.
    SessionRevoked,
    SignOut,
    /// A refresh token came again after its successor was used.
    RefreshReuse,
}

/// What an act does to a way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    End,
    /// It is kept, and why.
    Keep(&'static str),
}

/// Which of an account's sessions an act is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of them.
    All,
    /// All but the one that acts.
    Others,
    /// The one that the subject names, and what belongs to it.
    One,
}

use Decision::{End, Keep};

/// Whether an act ends a way in.
pub fn decide(act: SecurityAct, way: WayIn) -> Decision {
    match way {
        WayIn::OpenVerification | WayIn::UnspentProof => codes(act),
        // An access token and what was opened with it live as long as their session.
        WayIn::RefreshToken | WayIn::AccessToken | WayIn::Subscription => sessions(act),
        WayIn::DeviceToken => devices(act),
        // An undo token is worth nothing without the code and the proof that confirm it, so they are kept as long.
        WayIn::UndoToken | WayIn::UndoVerification | WayIn::UndoProof => undo_tokens(act),
    }
}

fn codes(act: SecurityAct) -> Decision {
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
        SecurityAct::RoleChange => Keep("the same person signs in, with another role"),
        SecurityAct::SessionRevoked | SecurityAct::SignOut | SecurityAct::RefreshReuse => {
            Keep("codes go to the account's contacts, which this session's end does not put in doubt")
        }
    }
}

fn sessions(act: SecurityAct) -> Decision {
    match act {
        SecurityAct::PasswordChangeKeepingSessions => Keep("keepOtherSessions asks for it"),
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
        SecurityAct::PasswordChangeKeepingSessions => Keep("keepOtherSessions asks for it"),
        SecurityAct::RoleChange => Keep("the same person signs in, with another role"),
        SecurityAct::ContactChange => {
            Keep("it opens nothing without the password, and the owner's devices must not be locked out by strangers")
        }
        SecurityAct::SignOut => Keep("the owner signs in on this device again"),
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
        | SecurityAct::RefreshReuse => Keep("a thief who acts for the account could otherwise end the owner's undo"),
    }
}

impl WayIn {
    /// Whether its rows are locked after the account's own row.
    pub(super) fn comes_after_account(self) -> bool {
        match self {
            WayIn::OpenVerification | WayIn::UndoVerification | WayIn::UnspentProof | WayIn::UndoProof => false,
            WayIn::RefreshToken | WayIn::AccessToken | WayIn::Subscription | WayIn::DeviceToken | WayIn::UndoToken => {
                true
            }
        }
    }
}

impl SecurityAct {
    pub(super) fn extent(self) -> Extent {
        match self {
            SecurityAct::PasswordReset
            | SecurityAct::SignOutEverywhere
            | SecurityAct::Suspension
            | SecurityAct::RoleChange
            | SecurityAct::SessionsEndedByAdministrator
            | SecurityAct::ContactUndo
            | SecurityAct::Deletion => Extent::All,
            SecurityAct::PasswordChange | SecurityAct::PasswordChangeKeepingSessions | SecurityAct::ContactChange => {
                Extent::Others
            }
            SecurityAct::SessionRevoked | SecurityAct::SignOut | SecurityAct::RefreshReuse => Extent::One,
        }
    }

    /// Whether it is an administrator's, or may take the last one away: all of them are locked before the account then.
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
    use sea_orm::Iterable;

    use super::*;

    /// Access tokens and what was opened with them have no statement of their own: they end with their session.
    #[test]
    fn access_ends_with_its_session() {
        for act in SecurityAct::iter() {
            for way in [WayIn::AccessToken, WayIn::Subscription] {
                assert_eq!(decide(act, way), decide(act, WayIn::RefreshToken), "{act:?}");
            }
        }
    }

    /// The order of all locks: codes, proofs, the account, and what is the account's.
    #[test]
    fn ways_in_are_listed_in_the_order_of_locks() {
        let after: Vec<_> = WayIn::iter().map(WayIn::comes_after_account).collect();
        assert!(after.is_sorted(), "{after:?}");
    }

    /// An act about one session locks no account, and so ends nothing that is locked before it.
    #[test]
    fn an_act_about_one_session_leaves_codes_and_proofs() {
        for act in SecurityAct::iter().filter(|act| act.extent() == Extent::One) {
            for way in WayIn::iter().filter(|way| !way.comes_after_account()) {
                assert!(matches!(decide(act, way), Keep(_)), "{act:?} {way:?}");
            }
        }
    }
}
