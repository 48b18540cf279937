//! Ending sessions: the current one, another one, or all.

use super::{
    OpaqueToken, Sessions,
    access_revocation::{self, ActSubject, SecurityAct},
    access_token_verifier::SignedIn,
};
use domain::{Timestamp, caller::RequestInfo, ids::SessionId, session::Session};
use platform::{
    fault::Fault,
    secret::Secret,
    telemetry::audit::{self, Event},
};
use store::{Tx, TxOutcome};

/// Result of ending one session.
pub enum EndSessionOutcome {
    Revoked(Box<Session>),
    /// The account has no such session, or it has ended. Sessions of other accounts look the same.
    NotFound,
    /// The session of the request has ended itself.
    Unauthenticated,
}

/// Result of ending every session of an account.
pub struct SignOutEverywhereResult {
    pub sessions_ended: usize,
    /// The new device token of the client. None: the client was not recognised as a known device.
    pub device: Option<Secret>,
}

impl Sessions {
    /// Ends the session of the request. Returns the number of ended sessions: one, or zero if it had already ended.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn sign_out(&self, caller: &RequestInfo, signed_in: &SignedIn) -> Result<usize, Fault> {
        let act = (SecurityAct::SignOut, audit::Act::SignOut);
        let ended = self.end_one(caller, signed_in, signed_in.session.clone(), act).await?;
        Ok(usize::from(matches!(ended, EndSessionOutcome::Revoked(_))))
    }

    /// Ends every session of the signed-in account, including the current one, and removes its known devices. `device`:
    /// the device token of the client, which gets a new one. A client without a known token gets one only if it
    /// authenticated recently: a stolen access token must not yield a device token. Returns None if the session of the
    /// request has already ended; then nothing is ended.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn sign_out_everywhere(
        &self,
        caller: &RequestInfo,
        signed_in: &SignedIn,
        device: Option<OpaqueToken>,
    ) -> Result<Option<SignOutEverywhereResult>, Fault> {
        let now = self.0.clock.now();
        let account = signed_in.account.clone();
        let event = self.event(caller, audit::Act::SignOutEverywhere, audit::OK, Some(account.clone()));
        let is_known = match &device {
            Some(device) => self.0.store.is_known_device(&device.hash(), Some(&account)).await?,
            None => false,
        };
        let is_known = is_known || self.is_recently_authenticated(signed_in);
        let new_token = OpaqueToken::new(&self.0.entropy);
        let (entry, session, token) = (event.clone(), signed_in.session.clone(), new_token.clone());
        let written = self
            .0
            .store
            .write(move |tx| {
                Box::pin(async move {
                    let subject = ActSubject::new(account.clone());
                    let ended =
                        access_revocation::revoke_access(tx, SecurityAct::SignOutEverywhere, &subject, now).await?;
                    let ended = ended.session_ids();
                    // The access token may outlive its session until this process learns of the revocation.
                    if !ended.contains(&session) {
                        return Ok(TxOutcome::Rollback(None));
                    }
                    if is_known {
                        access_revocation::register_device(tx, &account, None, &token, now).await?;
                    }
                    tx.insert_audit(&entry).await?;
                    Ok(TxOutcome::Commit(Some(ended)))
                })
            })
            .await?;
        let Some(ended) = written else {
            self.0.store.record(event.outcome(audit::UNAUTHENTICATED)).await;
            return Ok(None);
        };
        event.log();
        self.publish_ended(&ended, now);
        let device = is_known.then(|| new_token.secret().clone());
        Ok(Some(SignOutEverywhereResult { sessions_ended: ended.len(), device }))
    }

    /// Ends one session of the signed-in account, and removes its device.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn revoke(
        &self,
        caller: &RequestInfo,
        signed_in: &SignedIn,
        id: Option<SessionId>,
    ) -> Result<EndSessionOutcome, Fault> {
        const ACT: audit::Act = audit::Act::RevokeSession;
        match id {
            Some(id) => self.end_one(caller, signed_in, id, (SecurityAct::SessionRevoked, ACT)).await,
            None => {
                self.record(caller, ACT, audit::SESSION_NOT_FOUND, Some(signed_in.account.clone())).await;
                Ok(EndSessionOutcome::NotFound)
            }
        }
    }

    async fn end_one(
        &self,
        caller: &RequestInfo,
        signed_in: &SignedIn,
        id: SessionId,
        (act, name): (SecurityAct, audit::Act),
    ) -> Result<EndSessionOutcome, Fault> {
        let now = self.0.clock.now();
        let account = signed_in.account.clone();
        let event = self.event(caller, name, audit::OK, Some(account.clone()));
        let entry = event.clone();
        let current = signed_in.session.clone();
        let subject = ActSubject::new(account).session(id);
        let ended = self
            .0
            .store
            .write(move |tx| Box::pin(async move { write_one(tx, act, &current, &subject, &entry, now).await }))
            .await?;
        match &ended {
            EndSessionOutcome::Revoked(session) => {
                event.log();
                self.publish_ended(std::slice::from_ref(&session.id), now);
            }
            EndSessionOutcome::NotFound => self.0.store.record(event.outcome(audit::SESSION_NOT_FOUND)).await,
            EndSessionOutcome::Unauthenticated => self.0.store.record(event.outcome(audit::UNAUTHENTICATED)).await,
        }
        Ok(ended)
    }
}

async fn write_one(
    tx: &Tx,
    act: SecurityAct,
    current: &SessionId,
    subject: &ActSubject,
    entry: &Event,
    now: Timestamp,
) -> Result<TxOutcome<EndSessionOutcome>, Fault> {
    // A session that ends another one has to be live itself. The account is locked before its sessions, or two sessions
    // that end each other would deadlock.
    if subject.session.as_ref() != Some(current) {
        tx.lock_account(&subject.account).await?;
        if !tx.is_live(current, now).await? {
            return Ok(TxOutcome::Rollback(EndSessionOutcome::Unauthenticated));
        }
    }
    let Some(ended) = access_revocation::revoke_access(tx, act, subject, now).await?.sessions.pop() else {
        return Ok(TxOutcome::Rollback(EndSessionOutcome::NotFound));
    };
    tx.insert_audit(entry).await?;
    Ok(TxOutcome::Commit(EndSessionOutcome::Revoked(Box::new(ended))))
}
