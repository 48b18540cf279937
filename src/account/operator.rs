//! What an operator does on the command line.

use std::sync::Arc;

use super::{Accounts, rules, rules::Forbidden};
use crate::{
    clock::Instant,
    contact::Region,
    fault::Fault,
    ids::{AccountId, SessionId},
    session,
    store::{
        Ending, Identifier, Tx, Work,
        entity::account::{AccountStatus, Role},
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
    pub async fn grant(&self, run: Arc<str>, who: &str, region: Region, role: Role) -> Result<Operated, Fault> {
        self.operate(run, who, region, Operation::Grant(role)).await
    }

    /// Suspends an account and ends its sessions.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn suspend(&self, run: Arc<str>, who: &str, region: Region) -> Result<Operated, Fault> {
        self.operate(run, who, region, Operation::Suspend).await
    }

    /// Forgets the wrong passwords that were counted for an account.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn unlock_from_console(&self, run: Arc<str>, who: &str, region: Region) -> Result<Operated, Fault> {
        self.operate(run, who, region, Operation::Unlock).await
    }

    async fn operate(&self, run: Arc<str>, who: &str, region: Region, operation: Operation) -> Result<Operated, Fault> {
        let parts = &self.0;
        let now = parts.clock.now();
        let named = AccountId::parse(who.trim()).map(Identifier::Id).or_else(|| session::identify(who, region));
        let account = match named {
            Some(named) => parts.store.account(&named).await?,
            None => None,
        };
        let Some(account) = account else { return Ok(Operated::NotFound) };
        let id = account.id.clone();
        let event = Event::internal(run, operation.act(), audit::OK, now).account(id.clone());
        let entry = event.clone();
        let written = parts.store.write(move |tx| -> Work<'_, Result<Vec<SessionId>, Forbidden>> {
            Box::pin(async move {
                match operation.write(tx, &account.id, now).await? {
                    Ok(ended) => {
                        tx.insert_audit(&entry).await?;
                        Ok(Ending::Commit(Ok(ended)))
                    }
                    Err(forbidden) => Ok(Ending::Rollback(Err(forbidden))),
                }
            })
        });
        match written.await? {
            Ok(ended) => {
                event.log();
                parts.sessions.announce_ended(&ended, now);
                Ok(Operated::Done(id))
            }
            Err(forbidden) => Ok(Operated::Forbidden(forbidden)),
        }
    }
}

impl Operation {
    async fn write(self, tx: &Tx, id: &AccountId, now: Instant) -> Result<Result<Vec<SessionId>, Forbidden>, Fault> {
        let administrators = tx.lock_administrators().await?;
        let leaves = match self {
            Operation::Grant(Role::User) => rules::may_leave(id, &administrators),
            Operation::Suspend => match tx.lock_account(id).await? {
                Some(account) => rules::may_set_status(&account, AccountStatus::Suspended, &administrators),
                None => Ok(()),
            },
            Operation::Grant(Role::Admin) | Operation::Unlock => Ok(()),
        };
        if let Err(forbidden) = leaves {
            return Ok(Err(forbidden));
        }
        match self {
            Operation::Grant(role) => _ = tx.set_role(id, role, now).await?,
            Operation::Suspend => _ = tx.set_status(id, AccountStatus::Suspended, now).await?,
            Operation::Unlock => {
                tx.unlock(id).await?;
                return Ok(Ok(Vec::new()));
            }
        }
        Ok(Ok(tx.end_sessions(id, None, now).await?))
    }
}
