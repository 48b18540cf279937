//! Erasing an account at its owner's wish.

use super::{Accounts, Required, change_password::Confirmed, rules};
use crate::{
    caller::Caller,
    clock::Timestamp,
    delivery::{Notice, Order, notices},
    fault::Fault,
    ids::{AccountId, DeliveryId, SessionId},
    quota::{Act, Refused},
    secret::Secret,
    session::{
        established::{self, Established},
        gate::SignedIn,
        ways_in::{self, SecurityAct, Subject},
    },
    store::{Ending, Identifier, Tx, entity::account::Model},
    telemetry::audit::{self, Event},
};

/// What became of it.
pub enum Deleted {
    Deleted(AccountId),
    CredentialsRejected,
    ReauthenticationRequired(Required),
    /// A contact change can still be undone: until then the owner can have the account back.
    HeldBack {
        until: Timestamp,
    },
    /// Nobody would be left to administer the service.
    LastAdministrator,
    Quota(Refused),
    /// It was erased meanwhile.
    Gone,
}

impl Deleted {
    fn outcome(&self) -> &'static str {
        match self {
            Deleted::Deleted(_) => audit::OK,
            Deleted::CredentialsRejected => "credentials_rejected",
            Deleted::ReauthenticationRequired(_) => audit::REAUTHENTICATION_REQUIRED,
            Deleted::HeldBack { .. } => audit::DELETION_HELD_BACK,
            Deleted::LastAdministrator => "last_administrator",
            Deleted::Quota(_) => audit::QUOTA_EXCEEDED,
            Deleted::Gone => audit::UNAUTHENTICATED,
        }
    }
}

enum Written {
    Erased(Vec<SessionId>, Vec<DeliveryId>),
    NotRecent,
    HeldBack { until: Timestamp },
    LastAdministrator,
    PasswordChanged,
    Gone,
}

/// One erasure, with everything that it is decided by.
struct Erasing {
    account: Model,
    signed_in: SignedIn,
    /// The token tells of a recent authentication.
    fresh: bool,
    /// The present password was given with the request.
    password_given: bool,
    told: Vec<Order>,
    entry: Event,
    now: Timestamp,
}

impl Accounts {
    /// Erases the account that is signed in, with everything personal: its contacts, what it was sent, its sessions and
    /// devices. What stays is the audit trail, without contact, address and browser: what happened, to an id that
    /// means nobody any more; and the messages that tell the account's contacts of it, until they were sent.
    ///
    /// A password that is given is an authentication of its own, if it counts; without one the token's must be recent.
    ///
    /// # Errors
    /// A fault of the rooms below.
    pub async fn delete(
        &self,
        caller: &Caller,
        signed_in: &SignedIn,
        password: Option<&Secret>,
    ) -> Result<Deleted, Fault> {
        let event = self.0.event(caller, audit::Act::DeleteAccount).account(signed_in.account.clone());
        let deleted = match self.to_erase(caller, signed_in, password, &event).await? {
            Ok(erasing) => self.erase(erasing, event.clone()).await?,
            Err(refusal) => refusal,
        };
        match deleted {
            // It stands in the trail already.
            Deleted::Deleted(_) => Ok(deleted),
            refusal => self.0.ended(event, refusal.outcome(), refusal).await,
        }
    }

    async fn to_erase(
        &self,
        caller: &Caller,
        signed_in: &SignedIn,
        password: Option<&Secret>,
        entry: &Event,
    ) -> Result<Result<Erasing, Deleted>, Fault> {
        let parts = &self.0;
        let account = match password {
            Some(password) => match parts.confirm_password(caller, signed_in, password).await? {
                Confirmed::Known(account) => *account,
                Confirmed::Wrong => return Ok(Err(Deleted::CredentialsRejected)),
                Confirmed::Gone => return Ok(Err(Deleted::Gone)),
                Confirmed::Quota(refused) => return Ok(Err(Deleted::Quota(refused))),
            },
            None => {
                if let Err(refused) = parts.quotas.charge(Act::SpendProof, caller).await {
                    return Ok(Err(Deleted::Quota(refused)));
                }
                if let Some(required) = parts.required(signed_in).await? {
                    return Ok(Err(Deleted::ReauthenticationRequired(required)));
                }
                match parts.store.account(&Identifier::Id(signed_in.account.clone())).await? {
                    Some(account) => account,
                    None => return Ok(Err(Deleted::Gone)),
                }
            }
        };
        let now = parts.clock.now();
        let (fresh, password_given) = (parts.sessions.is_fresh(signed_in), password.is_some());
        // Decided again in the transaction. Asked here as well, so that a refusal erases nothing and rolls nothing back.
        let changes = parts.store.contact_changes(&account.id).await?;
        let established = Established::of(&account, &changes, now);
        if let Some(until) = established.held_until.filter(|_| fresh || password_given && established.password) {
            return Ok(Err(Deleted::HeldBack { until }));
        }
        Ok(Ok(Erasing {
            told: notices::to_all(&account, &Notice::AccountDeleted, &parts.entropy, now),
            account,
            signed_in: signed_in.clone(),
            fresh,
            password_given,
            entry: entry.clone(),
            now,
        }))
    }

    async fn erase(&self, erasing: Erasing, event: Event) -> Result<Deleted, Fault> {
        let parts = &self.0;
        let (id, now) = (erasing.account.id.clone(), erasing.now);
        let written = parts.store.write(move |tx| Box::pin(async move { erasing.write(tx).await })).await?;
        Ok(match written {
            Written::Erased(ended, told) => {
                event.log();
                parts.sessions.announce_ended(&ended, now);
                parts.dispatch(told);
                Deleted::Deleted(id)
            }
            Written::NotRecent => Deleted::ReauthenticationRequired(parts.required_of(&id).await?),
            Written::HeldBack { until } => Deleted::HeldBack { until },
            Written::LastAdministrator => Deleted::LastAdministrator,
            Written::PasswordChanged => Deleted::CredentialsRejected,
            Written::Gone => Deleted::Gone,
        })
    }
}

impl Erasing {
    async fn write(self, tx: &Tx) -> Result<Ending<Written>, Fault> {
        let Self { account, now, .. } = &self;
        let refused = |refusal| Ok(Ending::Rollback(refusal));
        // Verifications and proofs before the account: the order of all locks.
        tx.erase_history(&account.id).await?;
        let ended = ways_in::end(tx, SecurityAct::Deletion, &Subject::new(account.id.clone()), *now).await?;
        let sessions = ended.session_ids();
        let Some(locked) = &ended.account else { return refused(Written::Gone) };
        // It was changed while it was checked, and so is worth nothing.
        if self.password_given && locked.password_hash != account.password_hash {
            return refused(Written::PasswordChanged);
        }
        // The session that asks was live until now, or something else ended it before.
        if !sessions.contains(&self.signed_in.session) {
            return refused(Written::Gone);
        }
        let established = established::of(tx, locked, *now).await?;
        if !(self.fresh || self.password_given && established.password) {
            return refused(Written::NotRecent);
        }
        if let Some(until) = established.held_until {
            return refused(Written::HeldBack { until });
        }
        if rules::may_leave(&account.id, &ended.administrators).is_err() {
            return refused(Written::LastAdministrator);
        }
        // After the messages to these contacts were erased: these stay although the account goes.
        let told = notices::owe(tx, &account.id, self.told.clone(), *now).await?;
        tx.insert_audit(&self.entry).await?;
        tx.anonymise_audit(&account.id).await?;
        tx.delete_account(&account.id).await?;
        Ok(Ending::Commit(Written::Erased(sessions, told)))
    }
}
