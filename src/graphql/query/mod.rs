//! Questions.

mod account;
mod admin;

use async_graphql::{Context, ID, MergedObject, Object, Result};

use super::{
    context::Asking,
    types::{PasswordPolicy, Verification},
};
use domain::ids::VerificationId;

/// Questions.
#[derive(MergedObject, Default)]
pub struct Query(VerificationQuery, PasswordQuery, account::AccountQuery, admin::AdminQuery);

#[derive(Default)]
pub struct VerificationQuery;

#[Object]
impl VerificationQuery {
    /// A verification as it stands; null for an unknown id. Whoever holds the id may look: it is unguessable and
    /// reveals only what Verification shows.
    async fn verification(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The verification's id.")] id: ID,
    ) -> Result<Option<Verification>> {
        let Some(id) = VerificationId::parse(&id) else { return Ok(None) };
        Ok(ctx.rooms().verifications.get(&id).await?.map(Verification))
    }
}

#[derive(Default)]
pub struct PasswordQuery;

#[Object]
impl PasswordQuery {
    /// What a new password has to be.
    async fn password_policy(&self, ctx: &Context<'_>) -> PasswordPolicy {
        ctx.rooms().accounts.password_policy().into()
    }
}
