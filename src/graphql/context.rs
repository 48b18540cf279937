//! What resolvers can access: the services, the caller, and messages in the caller's language.

use crate::graphql::errors::{ResolverError, Result};
use async_graphql::Context;
use chrono_tz::Tz;

use super::cookies::Cookies;
use crate::{
    account::{Accounts, Administrator, NotAdministrator},
    session::{
        Sessions,
        access_token_verifier::{Auth, SignedIn},
    },
    verification::Verifications,
};
use domain::{caller::RequestInfo, contact::NumberRules};
use platform::{
    clock::Clock,
    config,
    texts::{Arg, Texts},
};
use store::AuditTrail;

/// The services that resolvers call, and the few settings that are needed for input parsing.
#[derive(Clone)]
pub struct Services {
    pub verifications: Verifications,
    pub accounts: Accounts,
    pub sessions: Sessions,
    /// The audit trail, for mutations that are refused before a service is called.
    pub trail: AuditTrail,
    pub texts: Texts,
    pub contacts: config::Contacts,
    pub clock: Clock,
    /// Time zone of the service, which determines where its days begin.
    pub time_zone: Tz,
}

/// Access to the data that the HTTP layer attaches to a request.
pub trait RequestContext {
    fn services(&self) -> &Services;

    /// The client: its address, request id and language.
    fn caller(&self) -> &RequestInfo;

    /// The cookies of this request.
    fn cookies(&self) -> &Cookies;

    /// The signed-in user, if there is one.
    fn signed_in(&self) -> Option<&SignedIn>;

    /// The signed-in user.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if there is no access token, or if it is no longer valid.
    fn require_signed_in(&self) -> Result<&SignedIn>;

    /// Whether the request has an access token that is not valid.
    fn has_invalid_token(&self) -> bool;

    /// The error `UNAUTHENTICATED`.
    fn unauthenticated(&self) -> ResolverError;

    /// The error `FORBIDDEN`.
    fn forbidden(&self) -> ResolverError;

    /// A message in the caller's language.
    fn localize(&self, id: &str, args: &[(&str, Arg<'_>)]) -> String;
}

impl RequestContext for Context<'_> {
    fn services(&self) -> &Services {
        self.data_unchecked()
    }

    fn caller(&self) -> &RequestInfo {
        self.data_unchecked()
    }

    fn cookies(&self) -> &Cookies {
        self.data_unchecked()
    }

    fn signed_in(&self) -> Option<&SignedIn> {
        match self.data_opt() {
            Some(Auth::SignedIn(signed_in)) => Some(signed_in),
            _ => None,
        }
    }

    fn require_signed_in(&self) -> Result<&SignedIn> {
        self.signed_in().ok_or_else(|| self.unauthenticated())
    }

    fn has_invalid_token(&self) -> bool {
        matches!(self.data_opt(), Some(Auth::Refused))
    }

    fn unauthenticated(&self) -> ResolverError {
        ResolverError::new("UNAUTHENTICATED", self.localize("error-unauthenticated", &[]))
    }

    fn forbidden(&self) -> ResolverError {
        ResolverError::new("FORBIDDEN", self.localize("error-forbidden", &[]))
    }

    fn localize(&self, id: &str, args: &[(&str, Arg<'_>)]) -> String {
        self.services().texts.localize(self.caller().locale, id, args)
    }
}

/// The signed-in administrator. Account, role, status and session are read from the database.
///
/// # Errors
/// `UNAUTHENTICATED` without a valid access token, or if the account or its session no longer exists; `FORBIDDEN` if
/// the account is not an administrator.
pub async fn administrator(ctx: &Context<'_>) -> Result<Administrator> {
    let signed_in = ctx.require_signed_in()?;
    match ctx.services().accounts.administrator(signed_in).await? {
        Ok(administrator) => Ok(administrator),
        Err(NotAdministrator::Unauthenticated) => Err(ctx.unauthenticated()),
        Err(NotAdministrator::Forbidden) => Err(ctx.forbidden()),
    }
}

impl Services {
    /// Rules for parsing phone numbers, among them the default region.
    pub fn number_rules(&self) -> NumberRules {
        self.contacts.numbers
    }
}
