//! Deleting an account at its owner's request.

use super::{Accounts, RequiredReauthentication, change_password::PasswordCheck};
use crate::{
    delivery::{OutgoingMessage, notices},
    quota::Operation,
    session::{
        access_revocation::{self, ActSubject, SecurityAct},
        access_token_verifier::SignedIn,
        established::{self, Established},
    },
};
use domain::{
    Timestamp,
    account::{Account, Identifier, rules},
    caller::RequestInfo,
    ids::{AccountId, DeliveryId, SessionId},
    notice::Notice,
    quota::Refused,
};
use platform::{
    fault::Fault,
    secret::Secret,
    telemetry::audit::{self, Event},
};
use store::{Tx, TxOutcome};

/// Result of deleting an account.
pub enum DeleteOutcome {
    Deleted(AccountId),
    CredentialsRejected,
    ReauthenticationRequired(RequiredReauthentication),
    /// A contact change can still be undone; until then the owner must be able to recover the account.
    HeldBack {
        until: Timestamp,
    },
    /// The service would be left without an administrator.
    LastAdministrator,
    Quota(Refused),
    /// The account was deleted in the meantime.
    AccountDeleted,
}

impl DeleteOutcome {
    fn outcome(&self) -> &'static str {
        match self {
            DeleteOutcome::Deleted(_) => audit::OK,
            DeleteOutcome::CredentialsRejected => "credentials_rejected",
            DeleteOutcome::ReauthenticationRequired(_) => audit::REAUTHENTICATION_REQUIRED,
            DeleteOutcome::HeldBack { .. } => audit::DELETION_HELD_BACK,
            DeleteOutcome::LastAdministrator => "last_administrator",
            DeleteOutcome::Quota(_) => audit::QUOTA_EXCEEDED,
            DeleteOutcome::AccountDeleted => audit::UNAUTHENTICATED,
        }
    }
}

enum WriteResult {
    Deleted(Vec<SessionId>, Vec<DeliveryId>),
    NotRecent,
    HeldBack { until: Timestamp },
    LastAdministrator,
    PasswordChanged,
    AccountDeleted,
}

/// A deletion and its inputs.
struct Deletion {
    account: Account,
    signed_in: SignedIn,
    /// The access token has a recent authentication.
    recently_authenticated: bool,
    /// The current password was sent with the request.
    password_given: bool,
    messages: Vec<OutgoingMessage>,
    entry: Event,
    now: Timestamp,
}

impl Accounts {
    /// Deletes the signed-in account with all personal data: contacts, messages, sessions and devices. The audit trail
    /// stays, without contacts, addresses and user agents, so its account id refers to no person. Messages that notify
    /// the account's contacts of the deletion stay until they are sent.
    ///
    /// A password, if sent, is an authentication of its own, if it counts; without one the access token must have a
    /// recent one.
    ///
    /// # Errors
    /// A fault of the store, the quotas or the password hasher.
    pub async fn delete(
        &self,
        caller: &RequestInfo,
        signed_in: &SignedIn,
        password: Option<&Secret>,
    ) -> Result<DeleteOutcome, Fault> {
        let event = self.0.event(caller, audit::Act::DeleteAccount).account(signed_in.account.clone());
        let deleted = match self.prepare_deletion(caller, signed_in, password, &event).await? {
            Ok(deletion) => self.erase(deletion, event.clone()).await?,
            Err(refusal) => refusal,
        };
        match deleted {
            // Already in the audit trail.
            DeleteOutcome::Deleted(_) => Ok(deleted),
            refusal => self.0.record_outcome(event, refusal.outcome(), refusal).await,
        }
    }

    async fn prepare_deletion(
        &self,
        caller: &RequestInfo,
        signed_in: &SignedIn,
        password: Option<&Secret>,
        entry: &Event,
    ) -> Result<Result<Deletion, DeleteOutcome>, Fault> {
        let deps = &self.0;
        let account = match password {
            Some(password) => match deps.confirm_password(caller, signed_in, password).await? {
                PasswordCheck::Correct(account) => *account,
                PasswordCheck::Wrong => return Ok(Err(DeleteOutcome::CredentialsRejected)),
                PasswordCheck::AccountDeleted => return Ok(Err(DeleteOutcome::AccountDeleted)),
                PasswordCheck::Quota(refused) => return Ok(Err(DeleteOutcome::Quota(refused))),
            },
            None => {
                if let Err(refused) = deps.quotas.charge(Operation::SpendProof, caller).await {
                    return Ok(Err(DeleteOutcome::Quota(refused)));
                }
                if let Some(required) = deps.check_recent_authentication(signed_in).await? {
                    return Ok(Err(DeleteOutcome::ReauthenticationRequired(required)));
                }
                match deps.store.account(&Identifier::Id(signed_in.account.clone())).await? {
                    Some(account) => account,
                    None => return Ok(Err(DeleteOutcome::AccountDeleted)),
                }
            }
        };
        let now = deps.clock.now();
        let (recently_authenticated, password_given) =
            (deps.sessions.is_recently_authenticated(signed_in), password.is_some());
        // Checked again in the transaction. The check here avoids a transaction that would be rolled back.
        let changes = deps.store.contact_changes(&account.id).await?;
        let established = Established::load(&account, &changes, now);
        if let Some(until) =
            established.deletion_held_until.filter(|_| recently_authenticated || password_given && established.password)
        {
            return Ok(Err(DeleteOutcome::HeldBack { until }));
        }
        Ok(Ok(Deletion {
            messages: notices::to_all_contacts(&account, &Notice::AccountDeleted, &deps.entropy, now),
            account,
            signed_in: signed_in.clone(),
            recently_authenticated,
            password_given,
            entry: entry.clone(),
            now,
        }))
    }

    async fn erase(&self, deletion: Deletion, event: Event) -> Result<DeleteOutcome, Fault> {
        let deps = &self.0;
        let (id, now) = (deletion.account.id.clone(), deletion.now);
        let written = deps.store.write(move |tx| Box::pin(async move { deletion.write(tx).await })).await?;
        Ok(match written {
            WriteResult::Deleted(ended, messages) => {
                event.log();
                deps.sessions.publish_ended(&ended, now);
                deps.dispatch(messages);
                DeleteOutcome::Deleted(id)
            }
            WriteResult::NotRecent => {
                DeleteOutcome::ReauthenticationRequired(deps.required_reauthentication(&id).await?)
            }
            WriteResult::HeldBack { until } => DeleteOutcome::HeldBack { until },
            WriteResult::LastAdministrator => DeleteOutcome::LastAdministrator,
            WriteResult::PasswordChanged => DeleteOutcome::CredentialsRejected,
            WriteResult::AccountDeleted => DeleteOutcome::AccountDeleted,
        })
    }
}

impl Deletion {
    async fn write(self, tx: &Tx) -> Result<TxOutcome<WriteResult>, Fault> {
        let Self { account, now, .. } = &self;
        let refused = |refusal| Ok(TxOutcome::Rollback(refusal));
        // Verifications and proofs are locked before the account: the order of all locks.
        tx.delete_history(&account.id).await?;
        let ended =
            access_revocation::revoke_access(tx, SecurityAct::Deletion, &ActSubject::new(account.id.clone()), *now)
                .await?;
        let sessions = ended.session_ids();
        let Some(locked) = &ended.account else { return refused(WriteResult::AccountDeleted) };
        // The password changed after it was checked, so the check no longer counts.
        if self.password_given && locked.password_hash != account.password_hash {
            return refused(WriteResult::PasswordChanged);
        }
        // The session of the request must have been live until this transaction ended it.
        if !sessions.contains(&self.signed_in.session) {
            return refused(WriteResult::AccountDeleted);
        }
        let established = established::of(tx, locked, *now).await?;
        if !(self.recently_authenticated || self.password_given && established.password) {
            return refused(WriteResult::NotRecent);
        }
        if let Some(until) = established.deletion_held_until {
            return refused(WriteResult::HeldBack { until });
        }
        if rules::require_another_administrator(&account.id, &ended.administrators).is_err() {
            return refused(WriteResult::LastAdministrator);
        }
        // After deleting the earlier messages to these contacts: these must outlive the account.
        let messages = notices::enqueue(tx, &account.id, self.messages.clone(), *now).await?;
        tx.insert_audit(&self.entry).await?;
        tx.anonymise_audit(&account.id).await?;
        tx.delete_account(&account.id).await?;
        Ok(TxOutcome::Commit(WriteResult::Deleted(sessions, messages)))
    }
}
