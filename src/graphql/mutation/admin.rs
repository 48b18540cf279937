//! What administrators do with other people's accounts.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject, Union};

use super::trail;
use crate::{
    account::{StatusSet, Unlocked, rules::Forbidden},
    graphql::{
        context::Asking,
        input::Fields,
        problems::{InvalidInput, LastAdministrator, UserNotFound},
        types::{AccountStatus, User},
    },
    ids::AccountId,
    telemetry::audit::Act,
};

#[derive(Default)]
pub struct AdminMutation;

/// A status for an account.
#[derive(InputObject)]
pub struct SetAccountStatusInput {
    /// The account's id.
    pub id: ID,
    /// ACTIVE approves of an account or lifts its suspension; PENDING_VERIFICATION can't be set.
    pub status: AccountStatus,
}

/// An account to unlock.
#[derive(InputObject)]
pub struct UnlockAccountInput {
    /// The account's id.
    pub id: ID,
}

#[Object]
impl AdminMutation {
    /// Administrators only. Says whether an account can be used; one that can't loses its sessions. An account that is
    /// PENDING_VERIFICATION can only be set to ACTIVE: whoever does so vouches for its address.
    async fn set_account_status(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which account, which status.")] input: SetAccountStatusInput,
    ) -> Result<SetAccountStatusResult> {
        let administrator = trail::admin(ctx, Act::SetAccountStatus).await?;
        let id = AccountId::parse(&input.id);
        Ok(match ctx.rooms().accounts.set_status(ctx.caller(), administrator, id, input.status.into()).await? {
            StatusSet::Set(account) => SetAccountStatusPayload { user: User::new(*account, None) }.into(),
            StatusSet::NotFound => UserNotFound::new(ctx).into(),
            StatusSet::Forbidden(Forbidden::LastAdministrator) => LastAdministrator::new(ctx).into(),
            StatusSet::Forbidden(Forbidden::NotAStatusToSet) => {
                let mut fields = Fields::new(ctx);
                fields.refuse("status", "not_a_status_to_set");
                fields.into_invalid_input().into()
            }
        })
    }

    /// Administrators only. Forgets the wrong passwords that locked an account.
    async fn unlock_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which account.")] input: UnlockAccountInput,
    ) -> Result<UnlockAccountResult> {
        let administrator = trail::admin(ctx, Act::UnlockAccount).await?;
        let id = AccountId::parse(&input.id);
        Ok(match ctx.rooms().accounts.unlock(ctx.caller(), administrator, id).await? {
            Unlocked::Unlocked(account) => UnlockAccountPayload { user: User::new(*account, None) }.into(),
            Unlocked::NotFound => UserNotFound::new(ctx).into(),
        })
    }
}

/// The status is set.
#[derive(SimpleObject)]
pub struct SetAccountStatusPayload {
    /// The account as it is now.
    user: User,
}

/// What became of setting it.
#[derive(Union)]
pub enum SetAccountStatusResult {
    Payload(SetAccountStatusPayload),
    InvalidInput(InvalidInput),
    UserNotFound(UserNotFound),
    LastAdministrator(LastAdministrator),
}

/// The account is unlocked.
#[derive(SimpleObject)]
pub struct UnlockAccountPayload {
    /// The account as it is now.
    user: User,
}

/// What became of unlocking it.
#[derive(Union)]
pub enum UnlockAccountResult {
    Payload(UnlockAccountPayload),
    UserNotFound(UserNotFound),
}
