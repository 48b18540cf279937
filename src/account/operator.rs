//! What an operator does on the command line.

use std::sync::Arc;

use super::{Accounts, rules, rules::Forbidden};
use crate::{
    clock::Timestamp,
    contact::NumberRules,
    delivery::Notice,
    fault::Fault,
    ids::{AccountId, DeliveryId, SessionId},
    session::{
        self, Sessions,
        ways_in::{self, Ended, SecurityAct, Subject},
    },
    store::{
        Ending, Identifier, Tx, Work,
        entity::account::{AccountStatus, Model, Role},
    },
    telemetry::audit::{self, Event},
};

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operated {
    Done(AccountId),
    NotFound,
    Forbidden(Forbidden),
}

/// What is to be done, in a transaction that holds the locks.
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
    /// Says what an account may do. `who` is an id, a username, a phone number or an e-mail address. Its sessions are
    /// ended: their tokens say what it could do before.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn grant(&self, run: Arc<str>, who: &str, numbers: NumberRules, role: Role) -> Result<Operated, Fault> {
        self.operate(run, who, numbers, Operation::Grant(role)).await
    }

    /// Suspends an account and ends its sessions.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn suspend(&self, run: Arc<str>, who: &str, numbers: NumberRules) -> Result<Operated, Fault> {
        self.operate(run, who, numbers, Operation::Suspend).await
    }

    /// Forgets the wrong passwords that were counted for an account.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn unlock_from_console(&self, run: Arc<str>, who: &str, numbers: NumberRules) -> Result<Operated, Fault> {
        self.operate(run, who, numbers, Operation::Unlock).await
    }

    async fn operate(
        &self,
        run: Arc<str>,
        who: &str,
        numbers: NumberRules,
        operation: Operation,
    ) -> Result<Operated, Fault> {
        let parts = &self.0;
        let now = parts.clock.now();
        let named = AccountId::parse(who.trim()).map(Identifier::Id).or_else(|| session::identify(who, numbers));
        let account = match named {
            Some(named) => parts.store.account(&named).await?,
            None => None,
        };
        let Some(account) = account else { return Ok(Operated::NotFound) };
        let id = account.id.clone();
        let event = Event::internal(run, operation.act(), audit::OK, now).account(id.clone());
        let (accounts, entry) = (self.clone(), event.clone());
        type Done = (Vec<SessionId>, Vec<DeliveryId>);
        let written = parts.store.write(move |tx| -> Work<'_, Result<Done, Forbidden>> {
            Box::pin(async move {
                let ended = match operation.write(tx, &accounts.0.sessions, &account.id, now).await? {
                    Ok(ended) => ended.session_ids(),
                    Err(forbidden) => return Ok(Ending::Rollback(Err(forbidden))),
                };
                tx.insert_audit(&entry).await?;
                let told = match operation.notice(&account) {
                    Some(notice) => accounts.0.tell(tx, &account, notice, now).await?,
                    None => Vec::new(),
                };
                Ok(Ending::Commit(Ok((ended, told))))
            })
        });
        match written.await? {
            Ok((ended, told)) => {
                event.log();
                parts.sessions.announce_ended(&ended, now);
                // No server runs in this process: the one that does finds the messages in the table.
                parts.dispatch(told);
                Ok(Operated::Done(id))
            }
            Err(forbidden) => Ok(Operated::Forbidden(forbidden)),
        }
    }
}

impl Operation {
    /// The act that ends ways in. None: it ends none.
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
    ) -> Result<Result<Ended, Forbidden>, Fault> {
        let ended = match self.security_act() {
            Some(act) => ways_in::end(tx, act, &Subject::new(id.clone()), now).await?,
            None => Ended::default(),
        };
        let allowed = match self {
            Operation::Grant(Role::User) => rules::may_leave(id, &ended.administrators),
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
            Operation::Unlock => sessions.unlock(tx, id).await?,
        }
        Ok(Ok(ended))
    }

    /// What the account's contacts are told.
    fn notice(self, before: &Model) -> Option<Notice> {
        match self {
            Operation::Grant(_) => None,
            Operation::Suspend => (before.status != AccountStatus::Suspended).then_some(Notice::AccountSuspended),
            Operation::Unlock => Some(Notice::AccountUnlocked),
        }
    }
}
