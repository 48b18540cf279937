//! Mutations of administrators on other accounts.

use crate::graphql::errors::Result;
use async_graphql::{Context, ID, InputObject, Object, SimpleObject, Union};

use super::audit;
use crate::{
    account::{EndUserSessionsOutcome, SetStatusOutcome, UnlockOutcome},
    graphql::{
        context::RequestContext,
        input::Fields,
        problems::{InvalidInput, LastAdministrator, ReauthenticationRequired, UserNotFound},
        types::{AccountStatus, User},
    },
};
use domain::{account::rules::AdminRejection, ids::AccountId};
use platform::telemetry::audit::Act;

#[derive(Default)]
pub struct AdminMutation;

/// Input of `setAccountStatus`.
#[derive(InputObject)]
pub struct SetAccountStatusInput {
    /// Id of the account.
    pub id: ID,
    /// New status. ACTIVE approves an account or lifts its suspension; PENDING_VERIFICATION can't be set.
    pub status: AccountStatus,
}

/// Input of `unlockAccount`.
#[derive(InputObject)]
pub struct UnlockAccountInput {
    /// Id of the account.
    pub id: ID,
}

/// Input of `endUserSessions`.
#[derive(InputObject)]
pub struct EndUserSessionsInput {
    /// Id of the account.
    pub id: ID,
}

#[Object]
impl AdminMutation {
    /// Administrators only; requires a recent authentication. Sets the status of an account. If the account can no
    /// longer be used, its sessions are ended. An account that is PENDING_VERIFICATION can only be set to ACTIVE; with
    /// that the administrator vouches for its e-mail address.
    async fn set_account_status(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account and its new status.")] input: SetAccountStatusInput,
    ) -> Result<SetAccountStatusResult> {
        let administrator = audit::admin(ctx, Act::SetAccountStatus).await?;
        let id = AccountId::parse(&input.id);
        Ok(match ctx.services().accounts.set_status(ctx.caller(), &administrator, id, input.status.into()).await? {
            SetStatusOutcome::Set(account) => SetAccountStatusPayload { user: User::new(*account, None) }.into(),
            SetStatusOutcome::NotFound => UserNotFound::new(ctx).into(),
            SetStatusOutcome::Forbidden(AdminRejection::LastAdministrator) => LastAdministrator::new(ctx).into(),
            SetStatusOutcome::Forbidden(AdminRejection::StatusNotAllowed) => {
                let mut fields = Fields::new(ctx);
                fields.add_error("status", "not_a_status_to_set");
                fields.into_invalid_input().into()
            }
            SetStatusOutcome::ReauthenticationRequired(required) => {
                ReauthenticationRequired::new(ctx, &required).into()
            }
            SetStatusOutcome::NotAdministrator => return Err(ctx.forbidden()),
        })
    }

    /// Administrators only; requires a recent authentication. Unlocks an account by resetting its failed-login counter.
    async fn unlock_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account to unlock.")] input: UnlockAccountInput,
    ) -> Result<UnlockAccountResult> {
        let administrator = audit::admin(ctx, Act::UnlockAccount).await?;
        let id = AccountId::parse(&input.id);
        Ok(match ctx.services().accounts.unlock(ctx.caller(), &administrator, id).await? {
            UnlockOutcome::Unlocked(account) => UnlockAccountPayload { user: User::new(*account, None) }.into(),
            UnlockOutcome::NotFound => UserNotFound::new(ctx).into(),
            UnlockOutcome::ReauthenticationRequired(required) => ReauthenticationRequired::new(ctx, &required).into(),
            UnlockOutcome::NotAdministrator => return Err(ctx.forbidden()),
        })
    }

    /// Administrators only; requires a recent authentication. Ends all sessions of an account. Refresh tokens are
    /// invalid at once, access tokens within seconds on all servers.
    async fn end_user_sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account whose sessions are ended.")] input: EndUserSessionsInput,
    ) -> Result<EndUserSessionsResult> {
        let administrator = audit::admin(ctx, Act::EndUserSessions).await?;
        let id = AccountId::parse(&input.id);
        Ok(match ctx.services().accounts.end_user_sessions(ctx.caller(), &administrator, id).await? {
            EndUserSessionsOutcome::Ended { account, sessions_ended } => EndUserSessionsPayload {
                user: User::new(*account, None),
                sessions_ended: i32::try_from(sessions_ended).unwrap_or(i32::MAX),
            }
            .into(),
            EndUserSessionsOutcome::NotFound => UserNotFound::new(ctx).into(),
            EndUserSessionsOutcome::ReauthenticationRequired(required) => {
                ReauthenticationRequired::new(ctx, &required).into()
            }
            EndUserSessionsOutcome::NotAdministrator => return Err(ctx.forbidden()),
        })
    }
}

/// The status has been set.
#[derive(SimpleObject)]
pub struct SetAccountStatusPayload {
    /// The account after the change.
    user: User,
}

/// Result of `setAccountStatus`.
#[derive(Union)]
pub enum SetAccountStatusResult {
    Payload(SetAccountStatusPayload),
    InvalidInput(InvalidInput),
    UserNotFound(UserNotFound),
    LastAdministrator(LastAdministrator),
    ReauthenticationRequired(ReauthenticationRequired),
}

/// The account has been unlocked.
#[derive(SimpleObject)]
pub struct UnlockAccountPayload {
    /// The account after the change.
    user: User,
}

/// Result of `unlockAccount`.
#[derive(Union)]
pub enum UnlockAccountResult {
    Payload(UnlockAccountPayload),
    UserNotFound(UserNotFound),
    ReauthenticationRequired(ReauthenticationRequired),
}

/// The sessions have been ended.
#[derive(SimpleObject)]
pub struct EndUserSessionsPayload {
    /// The account whose sessions were ended.
    user: User,
    /// Number of sessions that were ended.
    sessions_ended: i32,
}

/// Result of `endUserSessions`.
#[derive(Union)]
pub enum EndUserSessionsResult {
    Payload(EndUserSessionsPayload),
    UserNotFound(UserNotFound),
    ReauthenticationRequired(ReauthenticationRequired),
}
