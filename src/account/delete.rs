//! Erasing an account at its owner's wish.

use super::{Accounts, change_password::Confirmed, rules};
use crate::{
    caller::Caller,
    fault::Fault,
    ids::{AccountId, SessionId},
    quota::Refused,
    secret::Secret,
    session::gate::SignedIn,
    store::Ending,
    telemetry::audit,
};

/// What became of it.
pub enum Deleted {
    Deleted(AccountId),
    CredentialsRejected,
    /// Nobody would be left to administer the service.
    LastAdministrator,
    Quota(Refused),
    /// It was erased meanwhile.
    Gone,
}

enum Written {
    Erased(Vec<SessionId>),
    LastAdministrator,
    PasswordChanged,
    Gone,
}

impl Accounts {
    /// Erases the account that is signed in, with everything personal: its contacts, what it was sent, its sessions and
    /// devices. What stays is the audit trail, without contact, address and browser: what happened, to an id that
    /// means nobody any more.
    ///
    /// # Errors
    /// A fault of the rooms below.
    pub async fn delete(&self, caller: &Caller, signed_in: &SignedIn, password: &Secret) -> Result<Deleted, Fault> {
        let parts = &self.0;
        let event = parts.event(caller, audit::Act::DeleteAccount).account(signed_in.account.clone());
        let account = match parts.confirm_password(caller, signed_in, password).await? {
            Confirmed::Known(account) => *account,
            Confirmed::Wrong => {
                return parts.ended(event, "credentials_rejected", Deleted::CredentialsRejected).await;
            }
            Confirmed::Gone => return parts.ended(event, audit::UNAUTHENTICATED, Deleted::Gone).await,
            Confirmed::Quota(refused) => {
                return parts.ended(event, audit::QUOTA_EXCEEDED, Deleted::Quota(refused)).await;
            }
        };
        let now = parts.clock.now();
        let entry = event.clone();
        let id = account.id.clone();
        let ended = parts
            .store
            .write(move |tx| {
                Box::pin(async move {
                    // What is theirs before who they are: the order of all locks.
                    let contacts: Vec<String> = [account.phone, account.email].into_iter().flatten().collect();
                    tx.erase_history(&account.id, &contacts).await?;
                    let administrators = tx.lock_administrators().await?;
                    if rules::may_leave(&account.id, &administrators).is_err() {
                        return Ok(Ending::Rollback(Written::LastAdministrator));
                    }
                    let hash = account.password_hash.as_deref();
                    match tx.lock_account(&account.id).await? {
                        Some(now) if now.password_hash.as_deref() == hash => {}
                        None => return Ok(Ending::Rollback(Written::Gone)),
                        // It was changed while it was judged: whoever changed it wanted this one to be worth nothing.
                        Some(_) => return Ok(Ending::Rollback(Written::PasswordChanged)),
                    }
                    let ended = tx.end_sessions(&account.id, None, now).await?;
                    tx.insert_audit(&entry).await?;
                    tx.anonymise_audit(&account.id).await?;
                    tx.delete_account(&account.id).await?;
                    Ok(Ending::Commit(Written::Erased(ended)))
                })
            })
            .await?;
        let ended = match ended {
            Written::Erased(ended) => ended,
            Written::LastAdministrator => {
                return parts.ended(event, "last_administrator", Deleted::LastAdministrator).await;
            }
            Written::Gone => return parts.ended(event, audit::UNAUTHENTICATED, Deleted::Gone).await,
            Written::PasswordChanged => {
                return parts.ended(event, "credentials_rejected", Deleted::CredentialsRejected).await;
            }
        };
        event.log();
        parts.sessions.announce_ended(&ended, now);
        Ok(Deleted::Deleted(id))
    }
}
