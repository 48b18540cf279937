//! Ways into an account, and which of them an act ends.
//!
//! [`decide`] is the table of acts and ways in; [`end`] carries it out in the transaction of the act. A new way in is a
//! variant of [`WayIn`]: what does not compile then is what has to be decided, and written, for it.

mod table;

use sea_orm::Iterable;

use self::table::Extent;
pub use self::table::{Decision, SecurityAct, WayIn, decide};
use super::Opaque;
use crate::{
    clock::Timestamp,
    fault::Fault,
    ids::{AccountId, SessionId},
    purpose::Effect,
    store::{
        Identifier, Owner, Tx,
        entity::{account, contact_change, device, session},
    },
};

/// What an act is about.
#[derive(Clone, Debug)]
pub struct Subject {
    pub account: AccountId,
    /// The session that acts, and stays where the act keeps it; of an act about one session, that one.
    pub session: Option<SessionId>,
    /// Comparison forms of contacts beside those that the account has: the new one at a change, old ones at an undo.
    pub contacts: Vec<String>,
    /// The hash of the proof that the act itself spends.
    pub spending: Option<String>,
}

impl Subject {
    /// An account as it is.
    pub fn new(account: AccountId) -> Self {
        Self { account, session: None, contacts: Vec::new(), spending: None }
    }

    /// Adds the session that acts, or that the act is about.
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
        Self { spending: token_hash, ..self }
    }
}

/// What an act ended.
#[derive(Debug, Default)]
pub struct Ended {
    /// The account, locked until the transaction is over. None: it is gone, or the act is about one session.
    pub account: Option<account::Model>,
    pub sessions: Vec<session::Model>,
    /// Changes of contact whose undo tokens were ended, oldest first.
    pub undone: Vec<contact_change::Model>,
    /// The administrators who can act, where the act may take one away.
    pub administrators: Vec<AccountId>,
}

impl Ended {
    /// An account that is locked, as an act that ends nothing finds it.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn locked(tx: &Tx, account: &AccountId) -> Result<Self, Fault> {
        let administrators = tx.lock_administrators().await?;
        Ok(Self { administrators, account: tx.lock_account(account).await?, ..Self::default() })
    }

    /// The ids of the sessions, to be announced after the commit ([`super::Sessions::announce_ended`]).
    pub fn session_ids(&self) -> Vec<SessionId> {
        self.sessions.iter().map(|session| session.id.clone()).collect()
    }
}

/// Ends what an act ends, in the transaction of the act, and locks the account. An act that turns out to be refused
/// rolls the transaction back.
///
/// Called before anything else is locked: codes and proofs come before the account in the order of all locks. The
/// caller announces the ended sessions after the commit.
///
/// # Errors
/// A fault of the database.
pub async fn end(tx: &Tx, act: SecurityAct, subject: &Subject, now: Timestamp) -> Result<Ended, Fault> {
    let ends = |after: bool| {
        WayIn::iter().filter(move |way| way.comes_after_account() == after && decide(act, *way) == Decision::End)
    };
    let mut ended = Ended::default();
    for way in ends(false) {
        end_codes(tx, way, subject, now).await?;
    }
    if act.locks_administrators() {
        ended.administrators = tx.lock_administrators().await?;
    }
    if act.extent() != Extent::One {
        ended.account = tx.lock_account(&subject.account).await?;
    }
    for way in ends(true) {
        end_locked(tx, act, way, subject, &mut ended, now).await?;
    }
    Ok(ended)
}

/// Ends codes or proofs of an account that is not locked yet.
async fn end_codes(tx: &Tx, way: WayIn, subject: &Subject, now: Timestamp) -> Result<(), Fault> {
    let account = tx.account(&Identifier::Id(subject.account.clone())).await?;
    let held = account.map(|account| [account.phone, account.email_key]).into_iter().flatten().flatten();
    let contacts: Vec<String> = held.chain(subject.contacts.iter().cloned()).collect();
    let owner = Owner { account: &subject.account, contacts: &contacts };
    match way {
        WayIn::OpenVerification => tx.close_verifications(owner, Effect::Opens, now).await,
        WayIn::UndoVerification => tx.close_verifications(owner, Effect::Undoes, now).await,
        WayIn::UnspentProof => tx.spend_proofs(owner, Effect::Opens, subject.spending.as_deref(), now).await,
        WayIn::UndoProof => tx.spend_proofs(owner, Effect::Undoes, subject.spending.as_deref(), now).await,
        WayIn::RefreshToken | WayIn::AccessToken | WayIn::Subscription | WayIn::DeviceToken | WayIn::UndoToken => {
            Ok(())
        }
    }
}

async fn end_locked(
    tx: &Tx,
    act: SecurityAct,
    way: WayIn,
    subject: &Subject,
    ended: &mut Ended,
    now: Timestamp,
) -> Result<(), Fault> {
    match (way, act.extent()) {
        (WayIn::RefreshToken, Extent::All) => {
            ended.sessions = tx.end_sessions(&subject.account, None, now).await?;
        }
        (WayIn::RefreshToken, Extent::Others) => {
            ended.sessions = tx.end_sessions(&subject.account, subject.session.as_ref(), now).await?;
        }
        (WayIn::RefreshToken, Extent::One) => {
            if let Some(session) = &subject.session {
                ended.sessions.extend(tx.end_session(&subject.account, session, now).await?);
            }
        }
        (WayIn::DeviceToken, Extent::All | Extent::Others) => tx.forget_devices(&subject.account).await?,
        (WayIn::DeviceToken, Extent::One) => {
            for device in ended.sessions.iter().filter_map(|session| session.device_hash.as_deref()) {
                tx.forget_device(device, &subject.account).await?;
            }
        }
        // They go with the account, and hold its deletion back while they are good.
        (WayIn::UndoToken, _) if act == SecurityAct::Deletion => {}
        (WayIn::UndoToken, _) => ended.undone = tx.undo_contact_changes(&subject.account, now).await?,
        // The statement that ends a session writes the revocation that ends these; codes were ended before.
        (
            WayIn::AccessToken
            | WayIn::Subscription
            | WayIn::OpenVerification
            | WayIn::UndoVerification
            | WayIn::UnspentProof
            | WayIn::UndoProof,
            _,
        ) => {}
    }
    Ok(())
}

/// Makes a device known that is known no longer, under a new token: the device that did what ended the others.
/// `session`: its session, where that goes on.
///
/// # Errors
/// A fault of the database.
pub async fn know_device(
    tx: &Tx,
    account: &AccountId,
    session: Option<&SessionId>,
    token: &Opaque,
    now: Timestamp,
) -> Result<(), Fault> {
    let token_hash = token.hash();
    if let Some(session) = session {
        tx.set_session_device(session, &token_hash).await?;
    }
    tx.insert_device(device::Model { token_hash, account_id: account.clone(), created_at: now, last_used_at: now })
        .await
}
