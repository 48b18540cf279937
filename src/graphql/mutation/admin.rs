//! What administrators do with other people's accounts.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject, Union};

use super::trail;
use crate::{
    account::{SessionsEnded, StatusSet, Unlocked, rules::Forbidden},
    graphql::{
        context::Asking,
        input::Fields,
        problems::{InvalidInput, LastAdministrator, ReauthenticationRequired, UserNotFound},
        types::{AccountStatus, User},
    },
    telemetry::audit::Act,
};
use domain::ids::AccountId;

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

/// An account whose sessions are to be ended.
#[derive(InputObject)]
pub struct EndUserSessionsInput {
    /// The account's id.
    pub id: ID,
}

#[Object]
impl AdminMutation {
    /// Administrators only; needs a recent authentication. Says whether an account can be used; one that can't loses its sessions. An account that is
    /// PENDING_VERIFICATION can only be set to ACTIVE: whoever does so vouches for its address.
    async fn set_account_status(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which account, which status.")] input: SetAccountStatusInput,
    ) -> Result<SetAccountStatusResult> {
        let administrator = trail::admin(ctx, Act::SetAccountStatus).await?;
        let id = AccountId::parse(&input.id);
        Ok(match ctx.rooms().accounts.set_status(ctx.caller(), &administrator, id, input.status.into()).await? {
            StatusSet::Set(account) => SetAccountStatusPayload { user: User::new(*account, None) }.into(),
            StatusSet::NotFound => UserNotFound::new(ctx).into(),
            StatusSet::Forbidden(Forbidden::LastAdministrator) => LastAdministrator::new(ctx).into(),
            StatusSet::Forbidden(Forbidden::NotAStatusToSet) => {
                let mut fields = Fields::new(ctx);
                fields.refuse("status", "not_a_status_to_set");
                fields.into_invalid_input().into()
            }
            StatusSet::ReauthenticationRequired(required) => ReauthenticationRequired::new(ctx, &required).into(),
            StatusSet::NotAdministrator => return Err(ctx.forbidden()),
        })
    }

    /// Administrators only; needs a recent authentication. Forgets the wrong passwords that locked an account.
    async fn unlock_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which account.")] input: UnlockAccountInput,
    ) -> Result<UnlockAccountResult> {
        let administrator = trail::admin(ctx, Act::UnlockAccount).await?;
        let id = AccountId::parse(&input.id);
        Ok(match ctx.rooms().accounts.unlock(ctx.caller(), &administrator, id).await? {
            Unlocked::Unlocked(account) => UnlockAccountPayload { user: User::new(*account, None) }.into(),
            Unlocked::NotFound => UserNotFound::new(ctx).into(),
            Unlocked::ReauthenticationRequired(required) => ReauthenticationRequired::new(ctx, &required).into(),
            Unlocked::NotAdministrator => return Err(ctx.forbidden()),
        })
    }

    /// Administrators only; needs a recent authentication. Ends every session of an account: its refresh tokens at once,
    /// its access tokens within seconds, everywhere.
    async fn end_user_sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which account.")] input: EndUserSessionsInput,
    ) -> Result<EndUserSessionsResult> {
        let administrator = trail::admin(ctx, Act::EndUserSessions).await?;
        let id = AccountId::parse(&input.id);
        Ok(match ctx.rooms().accounts.end_user_sessions(ctx.caller(), &administrator, id).await? {
            SessionsEnded::Ended { account, sessions_ended } => EndUserSessionsPayload {
                user: User::new(*account, None),
                sessions_ended: i32::try_from(sessions_ended).unwrap_or(i32::MAX),
            }
            .into(),
            SessionsEnded::NotFound => UserNotFound::new(ctx).into(),
            SessionsEnded::ReauthenticationRequired(required) => ReauthenticationRequired::new(ctx, &required).into(),
            SessionsEnded::NotAdministrator => return Err(ctx.forbidden()),
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
    ReauthenticationRequired(ReauthenticationRequired),
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
    ReauthenticationRequired(ReauthenticationRequired),
}

/// The sessions are ended.
#[derive(SimpleObject)]
pub struct EndUserSessionsPayload {
    /// Whose they were.
    user: User,
    /// Sessions that were ended by it.
    sessions_ended: i32,
}

/// The result of ending them.
#[derive(Union)]
pub enum EndUserSessionsResult {
    Payload(EndUserSessionsPayload),
    UserNotFound(UserNotFound),
    ReauthenticationRequired(ReauthenticationRequired),
}
