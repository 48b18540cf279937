//! Operations of an operator on the command line.

use std::sync::Arc;

use super::Accounts;
use crate::session::{
    self, Sessions,
    access_revocation::{self, ActSubject, RevokedAccess, SecurityAct},
};
use domain::{
    Timestamp,
    account::{
        Account, AccountStatus, Identifier, Role,
        rules::{self, AdminRejection},
    },
    contact::NumberRules,
    ids::{AccountId, DeliveryId, SessionId},
    notice::Notice,
};
use platform::{
    fault::Fault,
    telemetry::audit::{self, Event},
};
use store::{Tx, TxFuture, TxOutcome};

/// Result of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperatorOutcome {
    Done(AccountId),
    NotFound,
    Forbidden(AdminRejection),
}

/// The operation to run in a transaction that holds the locks.
#[derive(Clone, Copy)]
enum Operation {
    Grant(Role),
    Suspend,
    Unlock,
}

impl Operation {
    fn act(self) -> audit::Act {
        match self {
            Operation::Grant(_) => audit::Act::AdminGrant,
            Operation::Suspend => audit::Act::AdminSuspend,
            Operation::Unlock => audit::Act::AdminUnlock,
        }
    }
}

impl Accounts {
    /// Sets the role of an account. `who` is an id, a username, a phone number or an e-mail address. Ends the account's
    /// sessions, since their access tokens carry the previous role.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn grant(
        &self,
        run: Arc<str>,
        who: &str,
        numbers: NumberRules,
        role: Role,
    ) -> Result<OperatorOutcome, Fault> {
        self.operate(run, who, numbers, Operation::Grant(role)).await
    }

    /// Suspends an account and ends its sessions.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn suspend(&self, run: Arc<str>, who: &str, numbers: NumberRules) -> Result<OperatorOutcome, Fault> {
        self.operate(run, who, numbers, Operation::Suspend).await
    }

    /// Resets the failed-login counter of an account.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn unlock_by_operator(
        &self,
        run: Arc<str>,
        who: &str,
        numbers: NumberRules,
    ) -> Result<OperatorOutcome, Fault> {
        self.operate(run, who, numbers, Operation::Unlock).await
    }

    async fn operate(
        &self,
        run: Arc<str>,
        who: &str,
        numbers: NumberRules,
        operation: Operation,
    ) -> Result<OperatorOutcome, Fault> {
        let deps = &self.0;
        let now = deps.clock.now();
        let identifier = AccountId::parse(who.trim()).map(Identifier::Id).or_else(|| session::identify(who, numbers));
        let account = match identifier {
            Some(identifier) => deps.store.account(&identifier).await?,
            None => None,
        };
        let Some(account) = account else { return Ok(OperatorOutcome::NotFound) };
        let id = account.id.clone();
        let event = Event::internal(run, operation.act(), audit::OK, now).account(id.clone());
        let (accounts, entry) = (self.clone(), event.clone());
        type Done = (Vec<SessionId>, Vec<DeliveryId>);
        let written = deps.store.write(move |tx| -> TxFuture<'_, Result<Done, AdminRejection>> {
            Box::pin(async move {
                let ended = match operation.write(tx, &accounts.0.sessions, &account.id, now).await? {
                    Ok(ended) => ended.session_ids(),
                    Err(forbidden) => return Ok(TxOutcome::Rollback(Err(forbidden))),
                };
                tx.insert_audit(&entry).await?;
                let messages = match operation.notice(&account) {
                    Some(notice) => accounts.0.queue_notice(tx, &account, notice, now).await?,
                    None => Vec::new(),
                };
                Ok(TxOutcome::Commit(Ok((ended, messages))))
            })
        });
        match written.await? {
            Ok((ended, messages)) => {
                event.log();
                deps.sessions.publish_ended(&ended, now);
                // This process runs no delivery worker: the server finds the messages in the outbox table.
                deps.dispatch(messages);
                Ok(OperatorOutcome::Done(id))
            }
            Err(forbidden) => Ok(OperatorOutcome::Forbidden(forbidden)),
        }
    }
}

impl Operation {
    /// The security act whose access is revoked. None: the operation revokes nothing.
    fn security_act(self) -> Option<SecurityAct> {
        match self {
            Operation::Grant(_) => Some(SecurityAct::RoleChange),
            Operation::Suspend => Some(SecurityAct::Suspension),
            Operation::Unlock => None,
        }
    }

    async fn write(
        self,
        tx: &Tx,
        sessions: &Sessions,
        id: &AccountId,
        now: Timestamp,
    ) -> Result<Result<RevokedAccess, AdminRejection>, Fault> {
        let ended = match self.security_act() {
            Some(act) => access_revocation::revoke_access(tx, act, &ActSubject::new(id.clone()), now).await?,
            None => RevokedAccess::default(),
        };
        let allowed = match self {
            Operation::Grant(Role::User) => rules::require_another_administrator(id, &ended.administrators),
            Operation::Suspend => match &ended.account {
                Some(account) => rules::may_set_status(account, AccountStatus::Suspended, &ended.administrators),
                None => Ok(()),
            },
            Operation::Grant(Role::Admin) | Operation::Unlock => Ok(()),
        };
        if let Err(forbidden) = allowed {
            return Ok(Err(forbidden));
        }
        match self {
            Operation::Grant(role) => _ = tx.set_role(id, role, now).await?,
            Operation::Suspend => _ = tx.set_status(id, AccountStatus::Suspended, now).await?,
            Operation::Unlock => sessions.clear_lockouts(tx, id).await?,
        }
        Ok(Ok(ended))
    }

    /// The notice to the account's contacts.
    fn notice(self, before: &Account) -> Option<Notice> {
        match self {
            Operation::Grant(_) => None,
            Operation::Suspend => (before.status != AccountStatus::Suspended).then_some(Notice::AccountSuspended),
            Operation::Unlock => Some(Notice::AccountUnlocked),
        }
    }
}
