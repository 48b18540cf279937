//! Ending all sessions of another account, as an administrator.

use super::{Accounts, Administrator, RequiredReauthentication};
use crate::session::access_revocation::{self, ActSubject, SecurityAct};
use domain::{
    account::Account,
    caller::RequestInfo,
    ids::{AccountId, DeliveryId, SessionId},
    notice::Notice,
};
use platform::{fault::Fault, telemetry::audit};
use store::TxOutcome;

/// Result of ending another account's sessions.
pub enum EndUserSessionsOutcome {
    Ended {
        account: Box<Account>,
        sessions_ended: usize,
    },
    NotFound,
    ReauthenticationRequired(RequiredReauthentication),
    /// The caller lost the administrator role in the meantime.
    NotAdministrator,
}

enum WriteResult {
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
    ) -> Result<EndUserSessionsOutcome, Fault> {
        let deps = &self.0;
        let now = deps.clock.now();
        let event = deps.event(caller, audit::Act::EndUserSessions).account_opt(id.clone());
        let event = event.actor(administrator.account().clone());
        if let Some(required) = deps.check_recent_authentication(administrator.signed_in()).await? {
            let refusal = EndUserSessionsOutcome::ReauthenticationRequired(required);
            return deps.record_outcome(event, audit::REAUTHENTICATION_REQUIRED, refusal).await;
        }
        let Some(id) = id else {
            return deps.record_outcome(event, "user_not_found", EndUserSessionsOutcome::NotFound).await;
        };
        let (accounts, admin, entry) = (self.clone(), administrator.clone(), event.clone());
        let written = deps
            .store
            .write(move |tx| {
                Box::pin(async move {
                    let subject = ActSubject::new(id);
                    let ended =
                        access_revocation::revoke_access(tx, SecurityAct::SessionsEndedByAdministrator, &subject, now)
                            .await?;
                    let allowed = admin.is_still_allowed(tx, &ended, now).await?;
                    let sessions = ended.session_ids();
                    let Some(account) = ended.account else { return Ok(TxOutcome::Rollback(WriteResult::NotFound)) };
                    if !allowed {
                        return Ok(TxOutcome::Rollback(WriteResult::NotAdministrator));
                    }
                    tx.insert_audit(&entry).await?;
                    let messages = accounts.0.queue_notice(tx, &account, Notice::SessionsEnded, now).await?;
                    Ok(TxOutcome::Commit(WriteResult::Ended(Box::new(account), sessions, messages)))
                })
            })
            .await?;
        match written {
            WriteResult::Ended(account, ended, messages) => {
                event.log();
                deps.sessions.publish_ended(&ended, now);
                deps.dispatch(messages);
                Ok(EndUserSessionsOutcome::Ended { account, sessions_ended: ended.len() })
            }
            WriteResult::NotFound => {
                deps.record_outcome(event, "user_not_found", EndUserSessionsOutcome::NotFound).await
            }
            WriteResult::NotAdministrator => {
                deps.record_outcome(event, audit::FORBIDDEN, EndUserSessionsOutcome::NotAdministrator).await
            }
        }
    }
}
