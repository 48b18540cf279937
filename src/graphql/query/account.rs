//! What somebody asks about themselves, or before they sign up.

use async_graphql::{Context, Object, OneofObject, Result, SimpleObject, Union};

use crate::{
    account::{self, Wanted},
    graphql::{
        context::Asking,
        input::{ContactInput, Fields},
        problems::{InvalidInput, QuotaExceeded},
        types::User,
    },
};
use domain::contact::{Nickname, Username};

#[derive(Default)]
pub struct AccountQuery;

/// What somebody would like to have: exactly one of these.
#[derive(OneofObject)]
pub enum AvailabilityInput {
    /// A name to sign in with.
    Username(String),
    /// A name to be seen by.
    Nickname(String),
    /// A phone number, free form.
    Phone(String),
    /// An e-mail address.
    Email(String),
}

/// Whether it can be had.
#[derive(SimpleObject)]
pub struct Availability {
    /// True also for every phone and address, unless accounts are disclosed.
    available: bool,
}

/// What became of the question.
#[derive(Union)]
pub enum AvailabilityResult {
    Availability(Availability),
    InvalidInput(InvalidInput),
    QuotaExceeded(QuotaExceeded),
}

#[Object]
impl AccountQuery {
    /// Whether a sign-up could take this value. Under its own quota.
    async fn availability(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What somebody would like to have.")] input: AvailabilityInput,
    ) -> Result<AvailabilityResult> {
        let mut fields = Fields::new(ctx);
        let wanted = match input {
            AvailabilityInput::Username(text) => {
                let username = Username::parse(&text).map_err(|why| why.reason());
                fields.take("username", username).map(Wanted::Username)
            }
            AvailabilityInput::Nickname(text) => {
                let nickname = Nickname::parse(&text).map_err(|why| why.reason());
                fields.take("nickname", nickname).map(Wanted::Nickname)
            }
            AvailabilityInput::Phone(text) => fields.contact("", &ContactInput::Phone(text)).map(Wanted::Contact),
            AvailabilityInput::Email(text) => fields.contact("", &ContactInput::Email(text)).map(Wanted::Contact),
        };
        let Some(wanted) = wanted else { return Ok(fields.into_invalid_input().into()) };
        Ok(match ctx.rooms().accounts.availability(ctx.caller(), wanted).await? {
            account::Availability::Available(available) => Availability { available }.into(),
            account::Availability::Quota(refused) => QuotaExceeded::new(ctx, refused).into(),
        })
    }

    /// The account that is signed in; null where nobody is. Where an access token came with the request and is not
    /// honoured any more, an error with the code UNAUTHENTICATED stands beside the null.
    async fn me(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let Some(signed_in) = ctx.signed_in() else {
            return if ctx.is_refused() { Err(ctx.unauthenticated()) } else { Ok(None) };
        };
        let account = ctx.rooms().accounts.get(&signed_in.account).await?.ok_or_else(|| ctx.unauthenticated())?;
        Ok(Some(User::new(account, Some(signed_in.session.clone()))))
    }
}
