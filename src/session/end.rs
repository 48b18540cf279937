//! Ending sessions: this one, that one, all of them.

use super::{
    Opaque, Sessions,
    gate::SignedIn,
    ways_in::{self, SecurityAct, Subject},
};
use crate::{
    caller::Caller,
    clock::Timestamp,
    fault::Fault,
    ids::SessionId,
    secret::Secret,
    store::{Ending, Tx, entity::session::Model},
    telemetry::audit::{self, Event},
};

/// What became of ending one session.
pub enum Revoked {
    Revoked(Box<Model>),
    /// The account has no such session, or it is over: another account's looks the same.
    NotFound,
    /// The session that asks is over itself.
    Gone,
}

/// Every session of an account was ended.
pub struct SignedOutEverywhere {
    pub sessions_ended: usize,
    /// What the device that asked is known by from now on. None: it did not show that it is one that is known.
    pub device: Option<Secret>,
}

impl Sessions {
    /// Ends the session that asks. How many were ended: one, unless it was over already.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn sign_out(&self, caller: &Caller, signed_in: &SignedIn) -> Result<usize, Fault> {
        let act = (SecurityAct::SignOut, audit::Act::SignOut);
        let ended = self.end_one(caller, signed_in, signed_in.session.clone(), act).await?;
        Ok(usize::from(matches!(ended, Revoked::Revoked(_))))
    }

    /// Ends every session of the account that asks, its own too, and forgets its devices. `device`: what the device
    /// that asks is known by; it is given another token. One that does not show its token is given one only if it
    /// authenticated recently: an access token that was stolen must not buy a device token. None: the session that asks
    /// is over, and ends nothing.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn sign_out_everywhere(
        &self,
        caller: &Caller,
        signed_in: &SignedIn,
        device: Option<Opaque>,
    ) -> Result<Option<SignedOutEverywhere>, Fault> {
        let now = self.0.clock.now();
        let account = signed_in.account.clone();
        let event = self.event(caller, audit::Act::SignOutEverywhere, audit::OK, Some(account.clone()));
        let is_known = match &device {
            Some(device) => self.0.store.knows_device(&device.hash(), Some(&account)).await?,
            None => false,
        };
        let is_known = is_known || self.is_fresh(signed_in);
        let fresh = Opaque::new(&self.0.entropy);
        let (entry, session, token) = (event.clone(), signed_in.session.clone(), fresh.clone());
        let written = self
            .0
            .store
            .write(move |tx| {
                Box::pin(async move {
                    let subject = Subject::new(account.clone());
                    let ended = ways_in::end(tx, SecurityAct::SignOutEverywhere, &subject, now).await?;
                    let ended = ended.session_ids();
                    // An access token outlives its session where this process has not heard of the end yet.
                    if !ended.contains(&session) {
                        return Ok(Ending::Rollback(None));
                    }
                    if is_known {
                        ways_in::know_device(tx, &account, None, &token, now).await?;
                    }
                    tx.insert_audit(&entry).await?;
                    Ok(Ending::Commit(Some(ended)))
                })
            })
            .await?;
        let Some(ended) = written else {
            self.0.store.record(event.outcome(audit::UNAUTHENTICATED)).await;
            return Ok(None);
        };
        event.log();
        self.announce_ended(&ended, now);
        let device = is_known.then(|| fresh.secret().clone());
        Ok(Some(SignedOutEverywhere { sessions_ended: ended.len(), device }))
    }

    /// Ends one session of the account that asks, and forgets its device.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn revoke(&self, caller: &Caller, signed_in: &SignedIn, id: Option<SessionId>) -> Result<Revoked, Fault> {
        const ACT: audit::Act = audit::Act::RevokeSession;
        match id {
            Some(id) => self.end_one(caller, signed_in, id, (SecurityAct::SessionRevoked, ACT)).await,
            None => {
                self.record(caller, ACT, audit::SESSION_NOT_FOUND, Some(signed_in.account.clone())).await;
                Ok(Revoked::NotFound)
            }
        }
    }

    async fn end_one(
        &self,
        caller: &Caller,
        signed_in: &SignedIn,
        id: SessionId,
        (act, name): (SecurityAct, audit::Act),
    ) -> Result<Revoked, Fault> {
        let now = self.0.clock.now();
        let account = signed_in.account.clone();
        let event = self.event(caller, name, audit::OK, Some(account.clone()));
        let entry = event.clone();
        let asking = signed_in.session.clone();
        let subject = Subject::new(account).session(id);
        let ended = self
            .0
            .store
            .write(move |tx| Box::pin(async move { write_one(tx, act, &asking, &subject, &entry, now).await }))
            .await?;
        match &ended {
            Revoked::Revoked(session) => {
                event.log();
                self.announce_ended(std::slice::from_ref(&session.id), now);
            }
            Revoked::NotFound => self.0.store.record(event.outcome(audit::SESSION_NOT_FOUND)).await,
            Revoked::Gone => self.0.store.record(event.outcome(audit::UNAUTHENTICATED)).await,
        }
        Ok(ended)
    }
}

async fn write_one(
    tx: &Tx,
    act: SecurityAct,
    asking: &SessionId,
    subject: &Subject,
    entry: &Event,
    now: Timestamp,
) -> Result<Ending<Revoked>, Fault> {
    // A session that ends another one has to be live itself. The account is locked before its sessions: two sessions that
    // end each other would deadlock without it.
    if subject.session.as_ref() != Some(asking) {
        tx.lock_account(&subject.account).await?;
        if !tx.is_live(asking, now).await? {
            return Ok(Ending::Rollback(Revoked::Gone));
        }
    }
    let Some(ended) = ways_in::end(tx, act, subject, now).await?.sessions.pop() else {
        return Ok(Ending::Rollback(Revoked::NotFound));
    };
    tx.insert_audit(entry).await?;
    Ok(Ending::Commit(Revoked::Revoked(Box::new(ended))))
}
