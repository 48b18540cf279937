//! What a resolver can reach: the rooms, who asks, and words in their language.

use async_graphql::{Context, ErrorExtensions};
use chrono_tz::Tz;

use super::cookies::Cookies;
use crate::{
    account::{Accounts, Administrator, NotAdministrator},
    clock::Clock,
    config,
    session::{
        Sessions,
        gate::{Auth, SignedIn},
    },
    store::Trail,
    texts::{Arg, Texts},
    verification::Verifications,
};
use domain::{caller::Caller, contact::NumberRules};

/// The rooms that resolvers ask, and the few settings that translating needs.
#[derive(Clone)]
pub struct Rooms {
    pub verifications: Verifications,
    pub accounts: Accounts,
    pub sessions: Sessions,
    /// The audit trail, for what is refused before one of them is asked.
    pub trail: Trail,
    pub texts: Texts,
    pub contacts: config::Contacts,
    pub clock: Clock,
    /// Where the service's days begin.
    pub time_zone: Tz,
}

/// Reads what the edge put beside a request.
pub trait Asking {
    fn rooms(&self) -> &Rooms;

    /// Who asks, from where, in which language.
    fn caller(&self) -> &Caller;

    /// The cookies of this request.
    fn cookies(&self) -> &Cookies;

    /// Who is signed in, if anybody.
    fn signed_in(&self) -> Option<&SignedIn>;

    /// Who is signed in.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` where nobody is, or the token is no longer honoured.
    fn require_signed_in(&self) -> async_graphql::Result<&SignedIn>;

    /// Whether a token came with the request and is not honoured.
    fn is_refused(&self) -> bool;

    /// The error that says: sign in first.
    fn unauthenticated(&self) -> async_graphql::Error;

    /// The error that says: not you.
    fn forbidden(&self) -> async_graphql::Error;

    /// A message in the caller's language.
    fn say(&self, id: &str, args: &[(&str, Arg<'_>)]) -> String;
}

impl Asking for Context<'_> {
    fn rooms(&self) -> &Rooms {
        self.data_unchecked()
    }

    fn caller(&self) -> &Caller {
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

    fn require_signed_in(&self) -> async_graphql::Result<&SignedIn> {
        self.signed_in().ok_or_else(|| self.unauthenticated())
    }

    fn is_refused(&self) -> bool {
        matches!(self.data_opt(), Some(Auth::Refused))
    }

    fn unauthenticated(&self) -> async_graphql::Error {
        async_graphql::Error::new(self.say("error-unauthenticated", &[]))
            .extend_with(|_, extensions| extensions.set("code", "UNAUTHENTICATED"))
    }

    fn forbidden(&self) -> async_graphql::Error {
        async_graphql::Error::new(self.say("error-forbidden", &[]))
            .extend_with(|_, extensions| extensions.set("code", "FORBIDDEN"))
    }

    fn say(&self, id: &str, args: &[(&str, Arg<'_>)]) -> String {
        self.rooms().texts.say(self.caller().locale, id, args)
    }
}

/// The administrator who is signed in, as the database has their account, role, status and session now.
///
/// # Errors
/// `UNAUTHENTICATED` where nobody is signed in, or the account or its session is gone; `FORBIDDEN` where it is somebody
/// else.
pub async fn administrator(ctx: &Context<'_>) -> async_graphql::Result<Administrator> {
    let signed_in = ctx.require_signed_in()?;
    match ctx.rooms().accounts.administrator(signed_in).await? {
        Ok(administrator) => Ok(administrator),
        Err(NotAdministrator::Unauthenticated) => Err(ctx.unauthenticated()),
        Err(NotAdministrator::Forbidden) => Err(ctx.forbidden()),
    }
}

impl Rooms {
    /// The region that a number without a country code is of.
    pub fn number_rules(&self) -> NumberRules {
        self.contacts.numbers
    }
}
