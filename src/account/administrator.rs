//! Who may administer: read from the database for each operation. A token alone says what was true when it was issued,
//! and a forged one says what its forger likes.

use super::Accounts;
use crate::{
    clock::Timestamp,
    fault::Fault,
    ids::AccountId,
    session::{
        gate::{Role, SignedIn},
        rules::{Standing, standing},
        ways_in::Ended,
    },
    store::{Identifier, Tx, entity::account::AccountStatus},
};

/// An administrator whose account, role, status and session were found in the database. It can be had from
/// [`Accounts::administrator`] alone.
#[derive(Clone, Debug)]
pub struct Administrator(SignedIn);

/// Why somebody who is signed in may not administer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAdministrator {
    /// The account may not, or not any more.
    Forbidden,
    /// There is no such account, or its session is over.
    Unauthenticated,
}

impl Administrator {
    pub fn signed_in(&self) -> &SignedIn {
        &self.0
    }

    pub fn account(&self) -> &AccountId {
        &self.0.account
    }

    /// Whether they still may, in a transaction that has locked all administrators who can act. An act upon their own
    /// account may have ended their session in it.
    pub(super) async fn still_may(&self, tx: &Tx, locked: &Ended, now: Timestamp) -> Result<bool, Fault> {
        let acted_on_themselves = locked.sessions.iter().any(|session| session.id == self.0.session);
        let lives = acted_on_themselves || tx.is_live(&self.0.session, now).await?;
        Ok(lives && locked.administrators.contains(self.account()))
    }
}

impl Accounts {
    /// The administrator behind a token.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn administrator(&self, signed_in: &SignedIn) -> Result<Result<Administrator, NotAdministrator>, Fault> {
        let parts = &self.0;
        let account = parts.store.account(&Identifier::Id(signed_in.account.clone())).await?;
        let session = parts.store.session(&signed_in.session).await?;
        let now = parts.clock.now();
        let live = session.is_some_and(|session| {
            session.account_id == signed_in.account && standing(&session, now) == Standing::Live
        });
        let (Some(account), true) = (account, live) else { return Ok(Err(NotAdministrator::Unauthenticated)) };
        let may =
            signed_in.role == Role::Admin && account.role == Role::Admin && account.status == AccountStatus::Active;
        Ok(may.then(|| Administrator(signed_in.clone())).ok_or(NotAdministrator::Forbidden))
    }
}
