//! Taking a change of contact back, with the token that the old contact was told.

use super::{Accounts, contact::token_hash, rules};
use crate::{
    caller::Caller,
    clock::Instant,
    fault::Fault,
    ids::{AccountId, SessionId},
    quota::{Act, Refused},
    secret::Secret,
    store::{Ending, Tx},
    telemetry::audit::{self, Event},
    verification::Rejection,
};

/// The token of a change of contact: 64 hex digits.
#[derive(Clone, Debug)]
pub struct UndoToken(Secret);

impl UndoToken {
    /// The token that a client sent. None: it can be none of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 64 && text.bytes().all(hex)).then(|| Self(Secret::new(text)))
    }
}

/// What became of it.
pub enum Undone {
    Undone {
        sessions_ended: usize,
    },
    Rejected(Rejection),
    /// The old contact is another account's by now.
    ContactTaken,
    Quota(Refused),
}

enum Written {
    Undone { account: AccountId, ended: Vec<SessionId> },
    Rejected(Rejection),
    Taken,
}

impl Accounts {
    /// Restores the old contact, and every contact that was changed after it: whoever did the one did the other. Ends
    /// all sessions, forgets the devices, and takes the password away, since a thief may know it: the owner chooses a
    /// new one by a code to the contact that is theirs again.
    ///
    /// # Errors
    /// A fault of the rooms below.
    pub async fn undo_contact_change(&self, caller: &Caller, token: Option<UndoToken>) -> Result<Undone, Fault> {
        let parts = &self.0;
        let event = parts.event(caller, audit::Act::UndoContactChange);
        if let Err(refused) = parts.quotas.charge(Act::SpendProof, caller).await {
            return parts.ended(event, audit::QUOTA_EXCEEDED, Undone::Quota(refused)).await;
        }
        let Some(token) = token else {
            return parts.ended(event, "proof_rejected", Undone::Rejected(Rejection::Unknown)).await;
        };
        let now = parts.clock.now();
        let (hash, entry) = (token_hash(&token.0), event.clone());
        let written = parts.store.write(move |tx| Box::pin(async move { undo(tx, &hash, entry, now).await })).await?;
        match written {
            Written::Undone { account, ended } => {
                event.account(account).log();
                parts.sessions.announce_ended(&ended, now);
                Ok(Undone::Undone { sessions_ended: ended.len() })
            }
            Written::Rejected(reason) => parts.ended(event, "proof_rejected", Undone::Rejected(reason)).await,
            Written::Taken => parts.ended(event, "contact_taken", Undone::ContactTaken).await,
        }
    }
}

async fn undo(tx: &Tx, token_hash: &str, entry: Event, now: Instant) -> Result<Ending<Written>, Fault> {
    let rejected = |reason| Ok(Ending::Rollback(Written::Rejected(reason)));
    let Some(change) = tx.contact_change(token_hash).await? else { return rejected(Rejection::Unknown) };
    let account = change.account_id.clone();
    // Codes that were asked for with the thief's contact, and what they were exchanged for, are worth nothing to anybody.
    tx.close_ways_in(&account, now).await?;
    tx.lock_account(&account).await?;
    if change.expires_at <= now {
        return rejected(Rejection::Expired);
    }
    let undone = tx.undo_contact_changes(&account, change.created_at, now).await?;
    // The account's lock is held: what was open when the token was found and is not among them was taken back before.
    if !undone.iter().any(|undone| undone.id == change.id) {
        return rejected(Rejection::Spent);
    }
    for held in rules::restored(&undone) {
        // Whoever typed the old contact at sign-up and never proved it can't keep its owner from it.
        if let Some(contact) = held.identifier() {
            tx.give_up_unproved(&contact).await?;
        }
        if tx.set_contact(&account, &held, now).await?.is_err() {
            return Ok(Ending::Rollback(Written::Taken));
        }
    }
    tx.drop_password(&account, now).await?;
    tx.forget_devices(&account).await?;
    tx.unlock(&account).await?;
    let ended = tx.end_sessions(&account, None, now).await?;
    tx.insert_audit(&entry.account(account.clone())).await?;
    Ok(Ending::Commit(Written::Undone { account, ended }))
}
