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
mod recent;
pub mod report;
mod reset;
pub mod rules;
mod send;
mod sign_up;

mod undo;

use std::sync::Arc;

pub use self::{
    admin::{StatusSet, Unlocked},
    administrator::{Administrator, NotAdministrator},
    availability::{Availability, Wanted},
    change_password::PasswordChange,
    contact::ContactChange,
    create::{Created, NewUser},
    delete::Deleted,
    end_sessions::SessionsEnded,
    import::Imported,
    import_line::{Import, LineRefusal},
    operator::Operated,
    profile::{ImageUrl, Profile, ProfileChanged},
    reauthenticate::{Evidence, Reauthentication},
    recent::{NoStepUp, Required, Way},
    reset::{Claim, Identity, Reset},
    send::{Request, Sent, SentAgain},
    sign_up::{Newcomer, SignUp},
    undo::{Undo, UndoToken, Undone},
};
use crate::{
    delivery::{Notice, Outbox, notices},
    quota::Quotas,
    session::Sessions,
    store::{Identifier, Store, Tx, entity::account::Model},
    verification::Verifications,
};
use domain::{
    Timestamp,
    caller::Caller,
    ids::{AccountId, DeliveryId},
};
use platform::{
    clock::{Clock, Entropy},
    config,
    fault::Fault,
    keys::ServerKeys,
    password::{Context, Description, Hasher, Policy},
    telemetry::audit::{self, Event},
};

/// The account use cases. Cheap to clone.
#[derive(Clone)]
pub struct Accounts(Arc<Parts>);

/// Dependencies of [`Accounts`].
pub struct Parts {
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
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The password policy, for display in a client.
    pub fn password_policy(&self) -> Description {
        self.0.policy.describe()
    }

    /// The account with this id.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn get(&self, id: &AccountId) -> Result<Option<Model>, Fault> {
        self.0.store.account(&Identifier::Id(id.clone())).await
    }
}

impl Parts {
    fn event(&self, caller: &Caller, act: audit::Act) -> Event {
        Event::new(caller, act, audit::OK, self.clock.now())
    }

    /// Records the outcome of an operation that changed nothing in the audit trail, and returns `ended`.
    async fn ended<T>(&self, event: Event, outcome: &'static str, ended: T) -> Result<T, Fault> {
        self.store.record(event.outcome(outcome)).await;
        Ok(ended)
    }

    /// Queues a notice to every verified contact of an account, and returns the ids of the messages to dispatch after
    /// the commit.
    async fn tell(&self, tx: &Tx, account: &Model, notice: Notice, now: Timestamp) -> Result<Vec<DeliveryId>, Fault> {
        let orders = notices::to_all(account, &notice, &self.entropy, now);
        notices::owe(tx, &account.id, orders, now).await
    }

    fn dispatch(&self, notices: Vec<DeliveryId>) {
        for notice in notices {
            self.outbox.dispatch(notice);
        }
    }
}

/// Words that a password of this account must not contain.
fn words(account: &Model) -> Context {
    let words = [
        Some(&account.username),
        account.name.as_ref(),
        account.nickname.as_ref(),
        account.phone.as_ref(),
        account.email.as_ref(),
    ];
    let birth_date = account.birth_date.map(|date| date.to_string());
    Context::new(words.into_iter().flatten().cloned().chain(birth_date))
}
