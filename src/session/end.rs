//! Ending sessions: this one, that one, all of them.

use super::{Sessions, gate::SignedIn};
use crate::{
    caller::Caller,
    fault::Fault,
    ids::SessionId,
    store::{Ending, entity::session::Model},
    telemetry::audit,
};

/// What became of ending one session.
pub enum Revoked {
    Revoked(Box<Model>),
    /// The account has no such session, or it is over: another account's looks the same.
    NotFound,
}

impl Sessions {
    /// Ends the session that asks. How many were ended: one, unless it was over already.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn sign_out(&self, caller: &Caller, signed_in: &SignedIn) -> Result<usize, Fault> {
        let ended = self.end_one(caller, signed_in, signed_in.session.clone(), audit::Act::SignOut).await?;
        Ok(usize::from(ended.is_some()))
    }

    /// Ends every session of the account that asks, its own too.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn sign_out_everywhere(&self, caller: &Caller, signed_in: &SignedIn) -> Result<usize, Fault> {
        let now = self.0.clock.now();
        let account = signed_in.account.clone();
        let event = self.event(caller, audit::Act::SignOutEverywhere, audit::OK, Some(account.clone()));
        let entry = event.clone();
        let ended = self
            .0
            .store
            .write(move |tx| {
                Box::pin(async move {
                    // The account's lock keeps out a sign-in that began before and would end after.
                    tx.lock_account(&account).await?;
                    let ended = tx.end_sessions(&account, None, now).await?;
                    tx.insert_audit(&entry).await?;
                    Ok(Ending::Commit(ended))
                })
            })
            .await?;
        event.log();
        self.announce_ended(&ended, now);
        Ok(ended.len())
    }

    /// Ends one session of the account that asks.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn revoke(&self, caller: &Caller, signed_in: &SignedIn, id: Option<SessionId>) -> Result<Revoked, Fault> {
        let ended = match id {
            Some(id) => self.end_one(caller, signed_in, id, audit::Act::RevokeSession).await?,
            None => {
                let account = Some(signed_in.account.clone());
                self.record(caller, audit::Act::RevokeSession, audit::SESSION_NOT_FOUND, account).await;
                None
            }
        };
        Ok(ended.map_or(Revoked::NotFound, |session| Revoked::Revoked(Box::new(session))))
    }

    async fn end_one(
        &self,
        caller: &Caller,
        signed_in: &SignedIn,
        id: SessionId,
        act: audit::Act,
    ) -> Result<Option<Model>, Fault> {
        let now = self.0.clock.now();
        let account = signed_in.account.clone();
        let event = self.event(caller, act, audit::OK, Some(account.clone()));
        let entry = event.clone();
        let ended = self
            .0
            .store
            .write(move |tx| {
                Box::pin(async move {
                    let Some(ended) = tx.end_session(&account, &id, now).await? else {
                        return Ok(Ending::Rollback(None));
                    };
                    tx.insert_audit(&entry).await?;
                    Ok(Ending::Commit(Some(ended)))
                })
            })
            .await?;
        match &ended {
            Some(session) => {
                event.log();
                self.announce_ended(std::slice::from_ref(&session.id), now);
            }
            None => {
                let account = Some(signed_in.account.clone());
                self.record(caller, act, audit::SESSION_NOT_FOUND, account).await;
            }
        }
        Ok(ended)
    }
}
