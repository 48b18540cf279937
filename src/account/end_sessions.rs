//! Ending all sessions of another account, as an administrator.

use super::{Accounts, Administrator, Required};
use crate::session::ways_in::{self, ActSubject, SecurityAct};
use domain::{
    account::Account,
    caller::RequestInfo,
    ids::{AccountId, DeliveryId, SessionId},
    notice::Notice,
};
use platform::{fault::Fault, telemetry::audit};
use store::TxOutcome;

/// Result of ending another account's sessions.
pub enum SessionsEnded {
    Ended {
        account: Box<Account>,
        sessions_ended: usize,
    },
    NotFound,
    ReauthenticationRequired(Required),
    /// The caller lost the administrator role in the meantime.
    NotAdministrator,
}

enum Outcome {
    Ended(Box<Account>, Vec<SessionId>, Vec<DeliveryId>),
    NotFound,
    NotAdministrator,
}

impl Accounts {
    /// Ends every session of an account, revokes the codes and proofs that grant access to it, and removes its known
    /// devices.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn end_user_sessions(
        &self,
        caller: &RequestInfo,
        administrator: &Administrator,
        id: Option<AccountId>,
    ) -> Result<SessionsEnded, Fault> {
        let parts = &self.0;
        let now = parts.clock.now();
        let event = parts.event(caller, audit::Act::EndUserSessions).account_opt(id.clone());
        let event = event.actor(administrator.account().clone());
        if let Some(required) = parts.check_recent_authentication(administrator.signed_in()).await? {
            let refusal = SessionsEnded::ReauthenticationRequired(required);
            return parts.record_outcome(event, audit::REAUTHENTICATION_REQUIRED, refusal).await;
        }
        let Some(id) = id else { return parts.record_outcome(event, "user_not_found", SessionsEnded::NotFound).await };
        let (accounts, admin, entry) = (self.clone(), administrator.clone(), event.clone());
        let written = parts
            .store
            .write(move |tx| {
                Box::pin(async move {
                    let subject = ActSubject::new(id);
                    let ended =
                        ways_in::revoke_access(tx, SecurityAct::SessionsEndedByAdministrator, &subject, now).await?;
                    let allowed = admin.is_still_allowed(tx, &ended, now).await?;
                    let sessions = ended.session_ids();
                    let Some(account) = ended.account else { return Ok(TxOutcome::Rollback(Outcome::NotFound)) };
                    if !allowed {
                        return Ok(TxOutcome::Rollback(Outcome::NotAdministrator));
                    }
                    tx.insert_audit(&entry).await?;
                    let messages = accounts.0.queue_notice(tx, &account, Notice::SessionsEnded, now).await?;
                    Ok(TxOutcome::Commit(Outcome::Ended(Box::new(account), sessions, messages)))
                })
            })
            .await?;
        match written {
            Outcome::Ended(account, ended, messages) => {
                event.log();
                parts.sessions.announce_ended(&ended, now);
                parts.dispatch(messages);
                Ok(SessionsEnded::Ended { account, sessions_ended: ended.len() })
            }
            Outcome::NotFound => parts.record_outcome(event, "user_not_found", SessionsEnded::NotFound).await,
            Outcome::NotAdministrator => {
                parts.record_outcome(event, audit::FORBIDDEN, SessionsEnded::NotAdministrator).await
            }
        }
    }
}
