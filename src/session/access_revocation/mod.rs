//! Everything that grants access to an account, and which of it a security act revokes.
//!
//! [`decide`] is the table of security acts and access; [`revoke_access`] applies it in the transaction of the act. New kinds of
//! access are variants of [`AccessPath`]: the compiler then points to every decision and statement that is missing.

mod table;

use self::table::SessionScope;
pub use self::table::{AccessPath, Decision, SecurityAct, decide};
use super::OpaqueToken;
use domain::{
    Timestamp,
    account::{Account, Identifier},
    contact_change::ContactChange,
    ids::{AccountId, SessionId},
    purpose::Effect,
    session::{KnownDevice, Session},
};
use platform::fault::Fault;
use store::{Owner, Tx};

/// The subject of a security act.
#[derive(Clone, Debug)]
pub struct ActSubject {
    pub account: AccountId,
    /// The session that performs the act, and is kept if the act keeps it; for an act on one session, that session.
    pub session: Option<SessionId>,
    /// Keys of contacts besides the account's current ones: the new one at a change, old ones at an undo.
    pub contacts: Vec<String>,
    /// The hash of the proof that the act itself spends.
    pub proof_hash: Option<String>,
}

impl ActSubject {
    /// An account without further data.
    pub fn new(account: AccountId) -> Self {
        Self { account, session: None, contacts: Vec::new(), proof_hash: None }
    }

    /// Adds the session that performs the act, or that the act is on.
    #[must_use]
    pub fn session(self, session: SessionId) -> Self {
        Self { session: Some(session), ..self }
    }

    /// Adds contacts that the account had, or is about to have.
    #[must_use]
    pub fn contacts(self, contacts: impl IntoIterator<Item = String>) -> Self {
        Self { contacts: self.contacts.into_iter().chain(contacts).collect(), ..self }
    }

    /// Adds the proof that the act spends.
    #[must_use]
    pub fn spending(self, token_hash: Option<String>) -> Self {
        Self { proof_hash: token_hash, ..self }
    }
}

/// Access that a security act revoked.
#[derive(Debug, Default)]
pub struct RevokedAccess {
    /// The account, locked until the end of the transaction. None: it no longer exists, or the act is on one session.
    pub account: Option<Account>,
    pub sessions: Vec<Session>,
    /// Contact changes that were undone, oldest first.
    pub undone: Vec<ContactChange>,
    /// The active administrators, if the act may remove one.
    pub administrators: Vec<AccountId>,
}

impl RevokedAccess {
    /// Locks an account for an act that revokes nothing.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn locked(tx: &Tx, account: &AccountId) -> Result<Self, Fault> {
        let administrators = tx.lock_administrators().await?;
        Ok(Self { administrators, account: tx.lock_account(account).await?, ..Self::default() })
    }

    /// The ids of the ended sessions, to be announced after the commit ([`super::Sessions::publish_ended`]).
    pub fn session_ids(&self) -> Vec<SessionId> {
        self.sessions.iter().map(|session| session.id.clone()).collect()
    }
}

/// Revokes what an act revokes, in the transaction of the act, and locks the account. If the act is rejected
/// afterwards, the transaction has to be rolled back.
///
/// Has to be called before any other lock is taken: codes and proofs are locked before the account in the order of all
/// locks. The caller announces the ended sessions after the commit.
///
/// # Errors
/// A fault of the database.
pub async fn revoke_access(
    tx: &Tx,
    act: SecurityAct,
    subject: &ActSubject,
    now: Timestamp,
) -> Result<RevokedAccess, Fault> {
    let ends = |after: bool| {
        AccessPath::all().filter(move |path| path.comes_after_account() == after && decide(act, *path) == Decision::End)
    };
    let mut ended = RevokedAccess::default();
    for path in ends(false) {
        end_codes(tx, path, subject, now).await?;
    }
    if act.locks_administrators() {
        ended.administrators = tx.lock_administrators().await?;
    }
    if act.session_scope() != SessionScope::One {
        ended.account = tx.lock_account(&subject.account).await?;
    }
    for path in ends(true) {
        end_locked(tx, act, path, subject, &mut ended, now).await?;
    }
    Ok(ended)
}

/// Closes verifications or proofs of an account that is not locked yet.
async fn end_codes(tx: &Tx, path: AccessPath, subject: &ActSubject, now: Timestamp) -> Result<(), Fault> {
    let account = tx.account(&Identifier::Id(subject.account.clone())).await?;
    let own_contacts = account.map(|account| [account.phone, account.email_key]).into_iter().flatten().flatten();
    let contacts: Vec<String> = own_contacts.chain(subject.contacts.iter().cloned()).collect();
    let owner = Owner { account: &subject.account, contacts: &contacts };
    match path {
        AccessPath::OpenVerification => tx.close_verifications(owner, Effect::GrantsAccess, now).await,
        AccessPath::UndoVerification => tx.close_verifications(owner, Effect::UndoesContactChange, now).await,
        AccessPath::UnspentProof => {
            tx.spend_proofs(owner, Effect::GrantsAccess, subject.proof_hash.as_deref(), now).await
        }
        AccessPath::UndoProof => {
            tx.spend_proofs(owner, Effect::UndoesContactChange, subject.proof_hash.as_deref(), now).await
        }
        AccessPath::RefreshToken
        | AccessPath::AccessToken
        | AccessPath::Subscription
        | AccessPath::DeviceToken
        | AccessPath::UndoToken => Ok(()),
    }
}

async fn end_locked(
    tx: &Tx,
    act: SecurityAct,
    path: AccessPath,
    subject: &ActSubject,
    ended: &mut RevokedAccess,
    now: Timestamp,
) -> Result<(), Fault> {
    match (path, act.session_scope()) {
        (AccessPath::RefreshToken, SessionScope::All) => {
            ended.sessions = tx.end_sessions(&subject.account, None, now).await?;
        }
        (AccessPath::RefreshToken, SessionScope::Others) => {
            ended.sessions = tx.end_sessions(&subject.account, subject.session.as_ref(), now).await?;
        }
        (AccessPath::RefreshToken, SessionScope::One) => {
            if let Some(session) = &subject.session {
                ended.sessions.extend(tx.end_session(&subject.account, session, now).await?);
            }
        }
        (AccessPath::DeviceToken, SessionScope::All | SessionScope::Others) => {
            tx.remove_devices(&subject.account).await?;
        }
        (AccessPath::DeviceToken, SessionScope::One) => {
            for device in ended.sessions.iter().filter_map(|session| session.device_hash.as_deref()) {
                tx.remove_device(device, &subject.account).await?;
            }
        }
        // They are deleted with the account, and block its deletion while they are valid.
        (AccessPath::UndoToken, _) if act == SecurityAct::Deletion => {}
        (AccessPath::UndoToken, _) => ended.undone = tx.undo_contact_changes(&subject.account, now).await?,
        // The statement that ends a session also writes the revocation of these; verifications and proofs were closed
        // before.
        (
            AccessPath::AccessToken
            | AccessPath::Subscription
            | AccessPath::OpenVerification
            | AccessPath::UndoVerification
            | AccessPath::UnspentProof
            | AccessPath::UndoProof,
            _,
        ) => {}
    }
    Ok(())
}

/// Registers a new device token for the device that performed an act which removed all known devices. `session`: its
/// session, if it continues.
///
/// # Errors
/// A fault of the database.
pub async fn register_device(
    tx: &Tx,
    account: &AccountId,
    session: Option<&SessionId>,
    token: &OpaqueToken,
    now: Timestamp,
) -> Result<(), Fault> {
    let token_hash = token.hash();
    if let Some(session) = session {
        tx.set_session_device(session, &token_hash).await?;
    }
    tx.insert_device(KnownDevice { token_hash, account_id: account.clone(), created_at: now, last_used_at: now }).await
}
