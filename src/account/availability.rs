//! Whether a value is available for sign-up.

use super::{Accounts, rules};
use crate::{
    quota::{Act, Refused},
    store::Identifier,
};
use domain::{
    caller::Caller,
    contact::{Contact, Nickname, Username},
};
use platform::fault::Fault;

/// The value to check.
#[derive(Clone, Debug)]
pub enum Wanted {
    Username(Username),
    Nickname(Nickname),
    Contact(Contact),
}

/// Result of the check.
pub enum Availability {
    Available(bool),
    Quota(Refused),
}

impl Accounts {
    /// Whether a sign-up could use this value. Unless account existence is disclosed, every contact is reported as
    /// available: only proof of control reveals whether it has an account.
    ///
    /// # Errors
    /// A fault of the store or of the quotas.
    pub async fn availability(&self, caller: &Caller, wanted: Wanted) -> Result<Availability, Fault> {
        let parts = &self.0;
        if let Err(refused) = parts.quotas.charge(Act::Lookup, caller).await {
            return Ok(Availability::Quota(refused));
        }
        let holder = match &wanted {
            Wanted::Username(username) => parts.store.account(&Identifier::Username(username.key().to_owned())).await?,
            Wanted::Nickname(nickname) => parts.store.account(&Identifier::Nickname(nickname.key().to_owned())).await?,
            Wanted::Contact(_) if !parts.settings.disclosed => None,
            Wanted::Contact(contact) => {
                let holder = parts.store.account(&rules::identifier(contact)).await?;
                holder.filter(|holder| !rules::is_unproved(holder))
            }
        };
        Ok(Availability::Available(holder.is_none()))
    }
}
