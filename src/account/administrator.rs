//! Administrator permission. It is read from the database for each operation: the role in an access token may be
//! outdated, or forged if a signing key leaked.

use super::Accounts;
use crate::session::{
    access_revocation::RevokedAccess,
    access_token_verifier::{Role, SignedIn},
};
use domain::{
    Timestamp,
    account::{AccountStatus, Identifier},
    ids::AccountId,
    session::rules::{EffectiveStatus, effective_status},
};
use platform::fault::Fault;
use store::Tx;

/// An administrator whose account, role, status and session were found in the database. Only
/// [`Accounts::administrator`] creates one.
#[derive(Clone, Debug)]
pub struct Administrator(SignedIn);

/// Why a signed-in user may not administer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAdministrator {
    /// The account is not, or no longer, an active administrator.
    Forbidden,
    /// The account does not exist, or its session has ended.
    Unauthenticated,
}

impl Administrator {
    pub fn signed_in(&self) -> &SignedIn {
        &self.0
    }

    pub fn account(&self) -> &AccountId {
        &self.0.account
    }

    /// Whether the permission still holds, in a transaction that has locked all active administrators. If the operation
    /// is on the caller's own account, it may already have ended the caller's session.
    pub(super) async fn is_still_allowed(
        &self,
        tx: &Tx,
        locked: &RevokedAccess,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let is_own_account = locked.sessions.iter().any(|session| session.id == self.0.session);
        let is_live = is_own_account || tx.is_live(&self.0.session, now).await?;
        Ok(is_live && locked.administrators.contains(self.account()))
    }
}

impl Accounts {
    /// The administrator that an access token belongs to.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn administrator(&self, signed_in: &SignedIn) -> Result<Result<Administrator, NotAdministrator>, Fault> {
        let deps = &self.0;
        let account = deps.store.account(&Identifier::Id(signed_in.account.clone())).await?;
        let session = deps.store.session(&signed_in.session).await?;
        let now = deps.clock.now();
        let live = session.is_some_and(|session| {
            session.account_id == signed_in.account && effective_status(&session, now) == EffectiveStatus::Live
        });
        let (Some(account), true) = (account, live) else { return Ok(Err(NotAdministrator::Unauthenticated)) };
        let allowed =
            signed_in.role == Role::Admin && account.role == Role::Admin && account.status == AccountStatus::Active;
        Ok(allowed.then(|| Administrator(signed_in.clone())).ok_or(NotAdministrator::Forbidden))
    }
}
