//! Ending all sessions of somebody else's account, as an administrator.

use super::{Accounts, Administrator, Required};
use crate::{
    caller::Caller,
    fault::Fault,
    ids::{AccountId, SessionId},
    store::{Ending, entity::account::Model},
    telemetry::audit,
};

/// The result.
pub enum SessionsEnded {
    Ended {
        account: Box<Model>,
        sessions_ended: usize,
    },
    NotFound,
    ReauthenticationRequired(Required),
    /// The caller ceased to be an administrator in between.
    NotAdministrator,
}

enum Outcome {
    Ended(Box<Model>, Vec<SessionId>),
    NotFound,
    NotAdministrator,
}

impl Accounts {
    /// Ends every session of an account.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn end_user_sessions(
        &self,
        caller: &Caller,
        administrator: &Administrator,
        id: Option<AccountId>,
    ) -> Result<SessionsEnded, Fault> {
        let parts = &self.0;
        let now = parts.clock.now();
        let event = parts.event(caller, audit::Act::EndUserSessions).maybe_account(id.clone());
        let event = event.actor(administrator.account().clone());
        if let Some(required) = parts.required(administrator.signed_in()).await? {
            let refusal = SessionsEnded::ReauthenticationRequired(required);
            return parts.ended(event, audit::REAUTHENTICATION_REQUIRED, refusal).await;
        }
        let Some(id) = id else { return parts.ended(event, "user_not_found", SessionsEnded::NotFound).await };
        let (asking, entry) = (administrator.clone(), event.clone());
        let written = parts
            .store
            .write(move |tx| {
                Box::pin(async move {
                    let administrators = tx.lock_administrators().await?;
                    let Some(account) = tx.lock_account(&id).await? else {
                        return Ok(Ending::Rollback(Outcome::NotFound));
                    };
                    if !asking.still_may(tx, &administrators, now).await? {
                        return Ok(Ending::Rollback(Outcome::NotAdministrator));
                    }
                    let ended = tx.end_sessions(&id, None, now).await?;
                    tx.insert_audit(&entry).await?;
                    Ok(Ending::Commit(Outcome::Ended(Box::new(account), ended)))
                })
            })
            .await?;
        match written {
            Outcome::Ended(account, ended) => {
                event.log();
                parts.sessions.announce_ended(&ended, now);
                Ok(SessionsEnded::Ended { account, sessions_ended: ended.len() })
            }
            Outcome::NotFound => parts.ended(event, "user_not_found", SessionsEnded::NotFound).await,
            Outcome::NotAdministrator => parts.ended(event, audit::FORBIDDEN, SessionsEnded::NotAdministrator).await,
        }
    }
}
