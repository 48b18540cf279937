//! Queries.

mod account;
mod admin;

use crate::graphql::faults::Result;
use async_graphql::{Context, ID, MergedObject, Object};

use super::{
    context::Asking,
    types::{PasswordPolicy, Verification},
};
use domain::ids::VerificationId;

/// All queries.
#[derive(MergedObject, Default)]
pub struct Query(VerificationQuery, PasswordQuery, account::AccountQuery, admin::AdminQuery);

#[derive(Default)]
pub struct VerificationQuery;

#[Object]
impl VerificationQuery {
    /// The verification with this id in its current state. Null if the id is unknown. No authentication is needed: the
    /// id can't be guessed, and only the fields of Verification are revealed.
    async fn verification(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the verification.")] id: ID,
    ) -> Result<Option<Verification>> {
        let Some(id) = VerificationId::parse(&id) else { return Ok(None) };
        Ok(ctx.rooms().verifications.get(&id).await?.map(Verification))
    }
}

#[derive(Default)]
pub struct PasswordQuery;

#[Object]
impl PasswordQuery {
    /// Requirements for a new password.
    async fn password_policy(&self, ctx: &Context<'_>) -> PasswordPolicy {
        ctx.rooms().accounts.password_policy().into()
    }
}
