//! Accounts: creation, profile, contacts, passwords, deletion and administration.

mod admin;
mod administrator;
mod availability;
mod change_password;
mod contact;
mod create;
mod delete;
mod end_sessions;
mod import;
mod import_line;
mod operator;
mod profile;
mod reauthenticate;
mod recent_authentication;
pub mod report;
mod reset;
mod send;
mod sign_up;

mod undo;

use std::sync::Arc;

pub use self::{
    admin::{SetStatusOutcome, UnlockOutcome},
    administrator::{Administrator, NotAdministrator},
    availability::{Availability, AvailabilityQuery},
    change_password::ChangePasswordOutcome,
    contact::ContactChangeOutcome,
    create::{CreateUserOutcome, NewUser},
    delete::DeleteOutcome,
    end_sessions::EndUserSessionsOutcome,
    import::ImportOutcome,
    import_line::{Import, LineRejection},
    operator::OperatorOutcome,
    profile::{ImageUrl, Profile, UpdateProfileOutcome},
    reauthenticate::{Evidence, ReauthenticateOutcome},
    recent_authentication::{ReauthenticationMethod, RequiredReauthentication},
    reset::{Identity, ResetClaim, ResetPasswordOutcome},
    send::{ResendOutcome, SendOutcome, SendRequest},
    sign_up::{SignUpOutcome, SignUpRequest},
    undo::{UndoOutcome, UndoRequest, UndoToken},
};
use crate::{
    delivery::{Outbox, notices},
    quota::Quotas,
    session::Sessions,
    verification::Verifications,
};
use domain::{
    Timestamp,
    account::{Account, Identifier},
    caller::RequestInfo,
    ids::{AccountId, DeliveryId},
    notice::Notice,
};
use platform::{
    clock::{Clock, Entropy},
    config,
    fault::Fault,
    keys::ServerKeys,
    password::{Description, Hasher, PasswordContext, Policy},
    telemetry::audit::{self, Event},
};
use store::{Store, Tx};

/// The account use cases. Cheap to clone.
#[derive(Clone)]
pub struct Accounts(Arc<Deps>);

/// Dependencies of [`Accounts`].
pub struct Deps {
    pub store: Store,
    pub clock: Clock,
    pub entropy: Entropy,
    pub settings: config::Account,
    pub keys: ServerKeys,
    pub verifications: Verifications,
    pub sessions: Sessions,
    pub quotas: Quotas,
    pub outbox: Outbox,
    pub hasher: Hasher,
    pub policy: Policy,
}

impl Accounts {
    pub fn new(deps: Deps) -> Self {
        Self(Arc::new(deps))
    }

    /// The password policy, for display in a client.
    pub fn password_policy(&self) -> Description {
        self.0.policy.describe()
    }

    /// The account with this id.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn get(&self, id: &AccountId) -> Result<Option<Account>, Fault> {
        self.0.store.account(&Identifier::Id(id.clone())).await
    }
}

impl Deps {
    fn event(&self, caller: &RequestInfo, act: audit::Act) -> Event {
        Event::new(caller, act, audit::OK, self.clock.now())
    }

    /// Records in the audit trail the outcome of an operation that changed nothing, and returns `result`.
    async fn record_outcome<T>(&self, event: Event, outcome: &'static str, result: T) -> Result<T, Fault> {
        self.store.record(event.outcome(outcome)).await;
        Ok(result)
    }

    /// Queues a notice to every verified contact of an account, and returns the ids of the messages to dispatch after
    /// the commit.
    async fn queue_notice(
        &self,
        tx: &Tx,
        account: &Account,
        notice: Notice,
        now: Timestamp,
    ) -> Result<Vec<DeliveryId>, Fault> {
        let messages = notices::to_all_contacts(account, &notice, &self.entropy, now);
        notices::enqueue(tx, &account.id, messages, now).await
    }

    fn dispatch(&self, notices: Vec<DeliveryId>) {
        for notice in notices {
            self.outbox.dispatch(notice);
        }
    }
}

/// Words that a password of this account must not contain.
fn password_context(account: &Account) -> PasswordContext {
    let words = [
        Some(&account.username),
        account.name.as_ref(),
        account.nickname.as_ref(),
        account.phone.as_ref(),
        account.email.as_ref(),
    ];
    let birth_date = account.birth_date.map(|date| date.to_string());
    PasswordContext::new(words.into_iter().flatten().cloned().chain(birth_date))
}
