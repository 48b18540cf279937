//! Queries of users about their own account, and queries before sign-up.

use crate::graphql::errors::Result;
use async_graphql::{Context, Object, OneofObject, SimpleObject, Union};

use crate::{
    account::{self, AvailabilityQuery},
    graphql::{
        context::RequestContext,
        input::{ContactInput, Fields},
        problems::{InvalidInput, QuotaExceeded},
        types::User,
    },
};
use domain::contact::{Nickname, Username};

#[derive(Default)]
pub struct AccountQuery;

/// Input of `availability`. Exactly one field must be set.
#[derive(OneofObject)]
pub enum AvailabilityInput {
    /// Username.
    Username(String),
    /// Nickname.
    Nickname(String),
    /// Phone number in free form.
    Phone(String),
    /// E-mail address.
    Email(String),
}

/// Availability of a value for sign-up.
#[derive(SimpleObject)]
pub struct Availability {
    /// Whether the value is available. Always true for phone numbers and e-mail addresses, unless account disclosure is
    /// enabled.
    available: bool,
}

/// Result of `availability`.
#[derive(Union)]
pub enum AvailabilityResult {
    Availability(Availability),
    InvalidInput(InvalidInput),
    QuotaExceeded(QuotaExceeded),
}

#[Object]
impl AccountQuery {
    /// Whether a sign-up can use this value. Has its own rate limit.
    async fn availability(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The value to check.")] input: AvailabilityInput,
    ) -> Result<AvailabilityResult> {
        let mut fields = Fields::new(ctx);
        let requested = match input {
            AvailabilityInput::Username(text) => {
                let username = Username::parse(&text).map_err(|reason| reason.reason());
                fields.take("username", username).map(AvailabilityQuery::Username)
            }
            AvailabilityInput::Nickname(text) => {
                let nickname = Nickname::parse(&text).map_err(|reason| reason.reason());
                fields.take("nickname", nickname).map(AvailabilityQuery::Nickname)
            }
            AvailabilityInput::Phone(text) => {
                fields.contact("", &ContactInput::Phone(text)).map(AvailabilityQuery::Contact)
            }
            AvailabilityInput::Email(text) => {
                fields.contact("", &ContactInput::Email(text)).map(AvailabilityQuery::Contact)
            }
        };
        let Some(requested) = requested else { return Ok(fields.into_invalid_input().into()) };
        Ok(match ctx.services().accounts.availability(ctx.caller(), requested).await? {
            account::Availability::Available(available) => Availability { available }.into(),
            account::Availability::Quota(refused) => QuotaExceeded::new(ctx, refused).into(),
        })
    }

    /// The signed-in account. Null without an access token. With an access token that is no longer valid, the field is
    /// null and there is an error with the code UNAUTHENTICATED.
    async fn me(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let Some(signed_in) = ctx.signed_in() else {
            return if ctx.has_invalid_token() { Err(ctx.unauthenticated()) } else { Ok(None) };
        };
        let account = ctx.services().accounts.get(&signed_in.account).await?.ok_or_else(|| ctx.unauthenticated())?;
        Ok(Some(User::new(account, Some(signed_in.session.clone()))))
    }
}
