//! Changes that users make to their own accounts.

use crate::graphql::errors::Result;
use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject, Union};

use super::audit;
use crate::{
    account::{
        ChangePasswordOutcome, ContactChangeOutcome, DeleteOutcome, ImageUrl, Profile, UndoOutcome, UndoRequest,
        UndoToken, UpdateProfileOutcome,
    },
    graphql::{
        context::RequestContext,
        input::Fields,
        problems::{
            ContactTaken, ContactUnchanged, CredentialsRejected, DeletionHeldBack, InvalidInput, LastAdministrator,
            NicknameTaken, PasswordRejected, ProofRejected, QuotaExceeded, ReauthenticationRequired,
            UndoConfirmationRequired,
        },
        token_cookies::TokenCookies,
        types::{Carrier, User, device_token},
    },
    verification::ProofToken,
};
use domain::contact::{ContactKind, Nickname, PersonName};
use platform::{secret::Secret, telemetry::audit::Act};

#[derive(Default)]
pub struct AccountMutation;

/// Input of `changePassword`.
#[derive(InputObject)]
pub struct ChangePasswordInput {
    /// Current password.
    #[graphql(secret)]
    pub current_password: String,
    /// New password. It must meet passwordPolicy.
    #[graphql(secret)]
    pub new_password: String,
    /// Whether the user stays signed in on other devices.
    #[graphql(default_with = "Some(false)")]
    pub keep_other_sessions: Option<bool>,
}

/// Input of `changePhone` and `changeEmail`.
#[derive(InputObject)]
pub struct ChangeContactInput {
    /// Proof token of a PHONE_CHANGE or EMAIL_CHANGE verification of this account.
    #[graphql(secret)]
    pub proof_token: String,
}

/// Input of `undoContactChange`.
#[derive(InputObject)]
pub struct UndoContactChangeInput {
    /// Undo token from the message to the old contact: 64 hexadecimal digits.
    #[graphql(secret)]
    pub token: String,
    /// Proof token of the CONTACT_UNDO verification in UndoConfirmationRequired. Omit it in the first request.
    #[graphql(secret)]
    pub proof_token: Option<String>,
}

/// Input of `updateProfile`. Omitted fields are not changed; null removes the value.
#[derive(InputObject)]
pub struct UpdateProfileInput {
    /// Full legal name as the person writes it: 1 to 150 characters (Unicode code points in NFC, so at most 600 bytes
    /// of UTF-8) of any script, including punctuation and digits that occur in names. Symbols, emoji, control
    /// characters, line breaks, direction overrides and URLs are rejected.
    pub name: MaybeUndefined<String>,
    /// Name that is shown to other users: 2 to 30 visible characters, including emoji. Nicknames are unique.
    pub nickname: MaybeUndefined<String>,
    /// URL of the profile picture (http or https).
    pub profile_image_url: MaybeUndefined<String>,
}

/// Confirmation for deleting the account.
#[derive(InputObject)]
pub struct DeleteAccountInput {
    /// Current password. If it is omitted or null, the access token must carry a recent authentication (see
    /// reauthenticate).
    #[graphql(secret)]
    pub password: Option<String>,
}

#[Object]
impl AccountMutation {
    /// Changes the password of the signed-in account. Invalidates its earlier codes and proofs, and notifies its
    /// contacts. Ends its other sessions and removes its known devices, unless keepOtherSessions is true. The current
    /// password counts as a recent authentication, unless it was set after a contact change that can still be undone.
    /// Without keepOtherSessions the mutation fails with BAD_REQUEST in cookie mode on a connection that can't set
    /// cookies.
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The current and the new password.")] input: ChangePasswordInput,
    ) -> Result<ChangePasswordResult> {
        let signed_in = audit::signed_in(ctx, Act::ChangePassword).await?;
        let accounts = &ctx.services().accounts;
        let (current, new) = (Secret::new(input.current_password), Secret::new(input.new_password));
        let keep = input.keep_other_sessions.unwrap_or(false);
        if !keep {
            Carrier::require(ctx)?;
        }
        Ok(match accounts.change_password(ctx.caller(), signed_in, &current, &new, keep).await? {
            ChangePasswordOutcome::Changed { sessions_ended, device } => ChangePasswordPayload {
                sessions_ended: i32::try_from(sessions_ended).unwrap_or(i32::MAX),
                device_token: device_token(ctx, device.as_ref()),
            }
            .into(),
            ChangePasswordOutcome::AccountDeleted => return Err(ctx.unauthenticated()),
            ChangePasswordOutcome::CredentialsRejected => CredentialsRejected::new(ctx).into(),
            ChangePasswordOutcome::PasswordRejected(violations) => {
                PasswordRejected::new(ctx, &violations, &accounts.password_policy()).into()
            }
            ChangePasswordOutcome::ReauthenticationRequired(required) => {
                ReauthenticationRequired::new(ctx, &required).into()
            }
            ChangePasswordOutcome::Quota(refused) => QuotaExceeded::new(ctx, refused).into(),
        })
    }

    /// Changes the phone number of the signed-in account. Requires a PHONE_CHANGE proof for the new number and a recent
    /// authentication. If the change is refused, the proof stays valid. A message with an undo link is sent to the old
    /// number, and the other sessions of the account are ended.
    async fn change_phone(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The proof for the new phone number.")] input: ChangeContactInput,
    ) -> Result<ChangeContactResult> {
        change_contact(ctx, ContactKind::Phone, &input).await
    }

    /// Changes the e-mail address of the signed-in account. Requires an EMAIL_CHANGE proof for the new address and a
    /// recent authentication. If the change is refused, the proof stays valid. A message with an undo link is sent to
    /// the old address, and the other sessions of the account are ended.
    async fn change_email(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The proof for the new e-mail address.")] input: ChangeContactInput,
    ) -> Result<ChangeContactResult> {
        change_contact(ctx, ContactKind::Email, &input).await
    }

    /// Undoes all contact changes of the account that can still be undone, no matter which of them the token belongs
    /// to. Ends all sessions, removes all known devices and removes the password. The owner then sets a new password
    /// with requestPasswordReset to the restored contact. No access token is needed, because an attacker may control
    /// the session. If the account has a contact that was not changed, a code is sent to it first: the result is
    /// UndoConfirmationRequired, and the request is repeated with the same token and the proof of that code.
    async fn undo_contact_change(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The undo token from the message to the old contact.")] input: UndoContactChangeInput,
    ) -> Result<UndoContactChangeResult> {
        let proof = input.proof_token.as_deref().map(ProofToken::parse);
        let undo = UndoRequest { token: UndoToken::parse(&input.token), proof };
        Ok(match ctx.services().accounts.undo_contact_change(ctx.caller(), undo).await? {
            UndoOutcome::Undone { sessions_ended } => {
                UndoContactChangePayload { sessions_ended: i32::try_from(sessions_ended).unwrap_or(i32::MAX) }.into()
            }
            UndoOutcome::ConfirmationRequired(verification) => UndoConfirmationRequired::new(ctx, *verification).into(),
            UndoOutcome::Rejected(reason) => ProofRejected::for_undo_token(ctx, reason).into(),
            UndoOutcome::ProofRejected(reason) => ProofRejected::new(ctx, reason).into(),
            UndoOutcome::ContactTaken => ContactTaken::new(ctx).into(),
            UndoOutcome::Quota(refused) => QuotaExceeded::new(ctx, refused).into(),
        })
    }

    /// Changes the profile of the signed-in account.
    async fn update_profile(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The fields to change.")] input: UpdateProfileInput,
    ) -> Result<UpdateProfileResult> {
        let signed_in = audit::signed_in(ctx, Act::UpdateProfile).await?;
        let mut fields = Fields::new(ctx);
        let profile = Profile {
            name: fields.change("name", input.name, |text| PersonName::parse(text).map_err(|why| why.reason())),
            nickname: fields
                .change("nickname", input.nickname, |text| Nickname::parse(text).map_err(|why| why.reason())),
            profile_image_url: fields.change("profileImageUrl", input.profile_image_url, ImageUrl::parse),
        };
        if let Some(invalid) = audit::finish(ctx, Act::UpdateProfile, fields).await {
            return Ok(invalid.into());
        }
        Ok(match ctx.services().accounts.update_profile(ctx.caller(), signed_in, profile).await? {
            UpdateProfileOutcome::Changed(account) => {
                UpdateProfilePayload { user: User::new(*account, Some(signed_in.session.clone())) }.into()
            }
            UpdateProfileOutcome::NicknameTaken => NicknameTaken::new(ctx).into(),
            UpdateProfileOutcome::SignedOut => return Err(ctx.unauthenticated()),
        })
    }

    /// Deletes the signed-in account and its personal data, and notifies its contacts. Requires the password or a
    /// recent authentication. Refused for some time after a contact change, also if the change was undone.
    async fn delete_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The current password, required if the authentication is not recent.")]
        input: DeleteAccountInput,
    ) -> Result<DeleteAccountResult> {
        let signed_in = audit::signed_in(ctx, Act::DeleteAccount).await?;
        let password = input.password.map(Secret::new);
        Ok(match ctx.services().accounts.delete(ctx.caller(), signed_in, password.as_ref()).await? {
            DeleteOutcome::Deleted(id) => {
                if ctx.services().sessions.use_cookie() {
                    TokenCookies::of(ctx).clear_refresh_tokens();
                }
                DeleteAccountPayload { id: id.as_str().into() }.into()
            }
            DeleteOutcome::AccountDeleted => return Err(ctx.unauthenticated()),
            DeleteOutcome::CredentialsRejected => CredentialsRejected::new(ctx).into(),
            DeleteOutcome::ReauthenticationRequired(required) => ReauthenticationRequired::new(ctx, &required).into(),
            DeleteOutcome::HeldBack { until } => DeletionHeldBack::new(ctx, until).into(),
            DeleteOutcome::LastAdministrator => LastAdministrator::new(ctx).into(),
            DeleteOutcome::Quota(refused) => QuotaExceeded::new(ctx, refused).into(),
        })
    }
}

async fn change_contact(
    ctx: &Context<'_>,
    kind: ContactKind,
    input: &ChangeContactInput,
) -> Result<ChangeContactResult> {
    let act = match kind {
        ContactKind::Phone => Act::ChangePhone,
        ContactKind::Email => Act::ChangeEmail,
    };
    let signed_in = audit::signed_in(ctx, act).await?;
    let proof = ProofToken::parse(&input.proof_token);
    Ok(match ctx.services().accounts.change_contact(ctx.caller(), signed_in, kind, proof).await? {
        ContactChangeOutcome::Changed(account) => {
            ChangeContactPayload { user: User::new(*account, Some(signed_in.session.clone())) }.into()
        }
        ContactChangeOutcome::ProofRejected(reason) => ProofRejected::new(ctx, reason).into(),
        ContactChangeOutcome::Taken => ContactTaken::new(ctx).into(),
        ContactChangeOutcome::Unchanged => ContactUnchanged::new(ctx).into(),
        ContactChangeOutcome::ReauthenticationRequired(required) => {
            ReauthenticationRequired::new(ctx, &required).into()
        }
        ContactChangeOutcome::Quota(refused) => QuotaExceeded::new(ctx, refused).into(),
    })
}

impl Fields<'_> {
    /// The change of a field: None if it is omitted, Some(None) if it is removed.
    fn change<T>(
        &mut self,
        path: &str,
        given: MaybeUndefined<String>,
        parse: impl Fn(&str) -> std::result::Result<T, &'static str>,
    ) -> Option<Option<T>> {
        match given {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(text) => self.take(path, parse(&text)).map(Some),
        }
    }
}

/// The password has been changed.
#[derive(SimpleObject)]
pub struct ChangePasswordPayload {
    /// Number of sessions that were ended.
    sessions_ended: i32,
    /// New device token of this device, which replaces its previous one. Null in cookie mode, and if other sessions
    /// were kept, because device tokens then stay valid.
    device_token: Option<String>,
}

/// Result of `changePassword`.
#[derive(Union)]
pub enum ChangePasswordResult {
    Payload(ChangePasswordPayload),
    CredentialsRejected(CredentialsRejected),
    PasswordRejected(PasswordRejected),
    ReauthenticationRequired(ReauthenticationRequired),
    QuotaExceeded(QuotaExceeded),
}

/// The contact has been changed.
#[derive(SimpleObject)]
pub struct ChangeContactPayload {
    /// The account after the change.
    user: User,
}

/// Result of `changePhone` and `changeEmail`.
#[derive(Union)]
pub enum ChangeContactResult {
    Payload(ChangeContactPayload),
    ProofRejected(ProofRejected),
    ContactTaken(ContactTaken),
    ContactUnchanged(ContactUnchanged),
    ReauthenticationRequired(ReauthenticationRequired),
    QuotaExceeded(QuotaExceeded),
}

/// The old contact is restored. The account has no password until a new one is set.
#[derive(SimpleObject)]
pub struct UndoContactChangePayload {
    /// Number of sessions that were ended: all sessions of the account.
    sessions_ended: i32,
}

/// Result of `undoContactChange`.
#[derive(Union)]
pub enum UndoContactChangeResult {
    Payload(UndoContactChangePayload),
    UndoConfirmationRequired(UndoConfirmationRequired),
    ProofRejected(ProofRejected),
    ContactTaken(ContactTaken),
    QuotaExceeded(QuotaExceeded),
}

/// The profile has been changed.
#[derive(SimpleObject)]
pub struct UpdateProfilePayload {
    /// The account after the change.
    user: User,
}

/// Result of `updateProfile`.
#[derive(Union)]
pub enum UpdateProfileResult {
    Payload(UpdateProfilePayload),
    InvalidInput(InvalidInput),
    NicknameTaken(NicknameTaken),
}

/// The account has been deleted.
#[derive(SimpleObject)]
pub struct DeleteAccountPayload {
    /// Id of the deleted account.
    id: ID,
}

/// Result of `deleteAccount`.
#[derive(Union)]
pub enum DeleteAccountResult {
    Payload(DeleteAccountPayload),
    CredentialsRejected(CredentialsRejected),
    ReauthenticationRequired(ReauthenticationRequired),
    DeletionHeldBack(DeletionHeldBack),
    LastAdministrator(LastAdministrator),
    QuotaExceeded(QuotaExceeded),
}
