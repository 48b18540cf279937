//! Whether a value is available for sign-up.

use super::Accounts;
use crate::quota::Operation;
use domain::{
    account::{Identifier, rules},
    caller::RequestInfo,
    contact::{Contact, Nickname, Username},
    quota::Refused,
};
use platform::fault::Fault;

/// The value to check.
#[derive(Clone, Debug)]
pub enum AvailabilityQuery {
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
    pub async fn availability(
        &self,
        caller: &RequestInfo,
        requested: AvailabilityQuery,
    ) -> Result<Availability, Fault> {
        let deps = &self.0;
        if let Err(refused) = deps.quotas.charge(Operation::Lookup, caller).await {
            return Ok(Availability::Quota(refused));
        }
        let holder = match &requested {
            AvailabilityQuery::Username(username) => {
                deps.store.account(&Identifier::Username(username.key().to_owned())).await?
            }
            AvailabilityQuery::Nickname(nickname) => {
                deps.store.account(&Identifier::Nickname(nickname.key().to_owned())).await?
            }
            AvailabilityQuery::Contact(_) if !deps.settings.discloses_accounts => None,
            AvailabilityQuery::Contact(contact) => {
                let holder = deps.store.account(&rules::identifier(contact)).await?;
                holder.filter(|holder| !rules::is_unverified(holder))
            }
        };
        Ok(Availability::Available(holder.is_none()))
    }
}
