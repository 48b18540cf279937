//! What somebody changes of their own account.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result, SimpleObject, Union};

use super::trail;
use crate::{
    account::{ContactChange, Deleted, ImageUrl, PasswordChange, Profile, ProfileChanged, Undo, UndoToken, Undone},
    graphql::{
        context::Asking,
        input::Fields,
        problems::{
            ContactTaken, ContactUnchanged, CredentialsRejected, DeletionHeldBack, InvalidInput, LastAdministrator,
            NicknameTaken, PasswordRejected, ProofRejected, QuotaExceeded, ReauthenticationRequired,
            UndoConfirmationRequired,
        },
        token_cookies::TokenCookies,
        types::{Carrier, User, device_token},
    },
    secret::Secret,
    telemetry::audit::Act,
    verification::ProofToken,
};
use domain::contact::{ContactKind, Nickname, PersonName};

#[derive(Default)]
pub struct AccountMutation;

/// A new password, and the old one.
#[derive(InputObject)]
pub struct ChangePasswordInput {
    /// The present password.
    #[graphql(secret)]
    pub current_password: String,
    /// As passwordPolicy demands.
    #[graphql(secret)]
    pub new_password: String,
    /// Whether other devices stay signed in.
    #[graphql(default_with = "Some(false)")]
    pub keep_other_sessions: Option<bool>,
}

/// The proof that somebody holds their new contact.
#[derive(InputObject)]
pub struct ChangeContactInput {
    /// Of a PHONE_CHANGE or EMAIL_CHANGE verification of this account.
    #[graphql(secret)]
    pub proof_token: String,
}

/// The token that the old contact was told.
#[derive(InputObject)]
pub struct UndoContactChangeInput {
    /// 64 hexadecimal digits.
    #[graphql(secret)]
    pub token: String,
    /// Of the CONTACT_UNDO verification that UndoConfirmationRequired carried. Left out at first.
    #[graphql(secret)]
    pub proof_token: Option<String>,
}

/// What is to change: a field that is left out stays, null takes it away.
#[derive(InputObject)]
pub struct UpdateProfileInput {
    /// The person's legal name, whole and as the person writes it: 1 to 150 characters (Unicode code points in NFC, so at
    /// most 600 bytes of UTF-8) of any script, with the punctuation and digits that names have. Refused are symbols,
    /// emoji, controls, line breaks, direction overrides, and addresses of pages.
    pub name: MaybeUndefined<String>,
    /// How others see them: 2 to 30 visible characters, emoji included; nobody else has it.
    pub nickname: MaybeUndefined<String>,
    /// The address of a picture, http or https.
    pub profile_image_url: MaybeUndefined<String>,
}

/// That somebody means it.
#[derive(InputObject)]
pub struct DeleteAccountInput {
    /// The present password. Left out or null: the access token has to tell of a recent authentication (reauthenticate).
    #[graphql(secret)]
    pub password: Option<String>,
}

#[Object]
impl AccountMutation {
    /// Changes the password of the account that is signed in. Codes and proofs of before are worth nothing then. Its
    /// other sessions are ended and its devices forgotten, unless they are kept; its contacts are told. The present
    /// password is a recent authentication of its own, unless it was set after a contact change that can still be undone.
    /// Without keepOtherSessions it is refused with BAD_REQUEST in cookie mode on a connection that can't set cookies.
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new password, and the old one.")] input: ChangePasswordInput,
    ) -> Result<ChangePasswordResult> {
        let signed_in = trail::signed_in(ctx, Act::ChangePassword).await?;
        let accounts = &ctx.rooms().accounts;
        let (current, new) = (Secret::new(input.current_password), Secret::new(input.new_password));
        let keep = input.keep_other_sessions.unwrap_or(false);
        if !keep {
            Carrier::require(ctx)?;
        }
        Ok(match accounts.change_password(ctx.caller(), signed_in, &current, &new, keep).await? {
            PasswordChange::Changed { sessions_ended, device } => ChangePasswordPayload {
                sessions_ended: i32::try_from(sessions_ended).unwrap_or(i32::MAX),
                device_token: device_token(ctx, device.as_ref()),
            }
            .into(),
            PasswordChange::Gone => return Err(ctx.unauthenticated()),
            PasswordChange::CredentialsRejected => CredentialsRejected::new(ctx).into(),
            PasswordChange::PasswordRejected(violations) => {
                PasswordRejected::new(ctx, &violations, &accounts.password_policy()).into()
            }
            PasswordChange::ReauthenticationRequired(required) => ReauthenticationRequired::new(ctx, &required).into(),
            PasswordChange::Quota(refused) => QuotaExceeded::new(ctx, refused).into(),
        })
    }

    /// Gives the account that is signed in another phone number. Takes a PHONE_CHANGE proof for it, and needs a recent
    /// authentication; a refusal does not spend the proof. The old number is told how to undo it; the account's other
    /// sessions are ended.
    async fn change_phone(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The proof for the new number.")] input: ChangeContactInput,
    ) -> Result<ChangeContactResult> {
        change_contact(ctx, ContactKind::Phone, &input).await
    }

    /// Gives the account that is signed in another e-mail address. Takes an EMAIL_CHANGE proof for it, and needs a recent
    /// authentication; a refusal does not spend the proof. The old address is told how to undo it; the account's other
    /// sessions are ended.
    async fn change_email(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The proof for the new address.")] input: ChangeContactInput,
    ) -> Result<ChangeContactResult> {
        change_contact(ctx, ContactKind::Email, &input).await
    }

    /// Undoes every change of contact of the account that can still be undone, whichever of them the token is of. Ends
    /// all sessions, forgets all devices and takes the password away: the owner chooses a new one with
    /// requestPasswordReset to the contact that is theirs again. Needs no access token, since a thief may have the
    /// session. Where the account has a contact that was not changed, a code is sent to it first: the answer is
    /// UndoConfirmationRequired, and the proof of that code is sent along with the same token.
    async fn undo_contact_change(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token that the old contact was told.")] input: UndoContactChangeInput,
    ) -> Result<UndoContactChangeResult> {
        let proof = input.proof_token.as_deref().map(ProofToken::parse);
        let undo = Undo { token: UndoToken::parse(&input.token), proof };
        Ok(match ctx.rooms().accounts.undo_contact_change(ctx.caller(), undo).await? {
            Undone::Undone { sessions_ended } => {
                UndoContactChangePayload { sessions_ended: i32::try_from(sessions_ended).unwrap_or(i32::MAX) }.into()
            }
            Undone::ConfirmationRequired(verification) => UndoConfirmationRequired::new(ctx, *verification).into(),
            Undone::Rejected(reason) => ProofRejected::of_undo(ctx, reason).into(),
            Undone::ProofRejected(reason) => ProofRejected::new(ctx, reason).into(),
            Undone::ContactTaken => ContactTaken::new(ctx).into(),
            Undone::Quota(refused) => QuotaExceeded::new(ctx, refused).into(),
        })
    }

    /// Changes the profile of the account that is signed in.
    async fn update_profile(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to change.")] input: UpdateProfileInput,
    ) -> Result<UpdateProfileResult> {
        let signed_in = trail::signed_in(ctx, Act::UpdateProfile).await?;
        let mut fields = Fields::new(ctx);
        let profile = Profile {
            name: fields.change("name", input.name, |text| PersonName::parse(text).map_err(|why| why.reason())),
            nickname: fields
                .change("nickname", input.nickname, |text| Nickname::parse(text).map_err(|why| why.reason())),
            profile_image_url: fields.change("profileImageUrl", input.profile_image_url, ImageUrl::parse),
        };
        if let Some(invalid) = trail::finish(ctx, Act::UpdateProfile, fields).await {
            return Ok(invalid.into());
        }
        Ok(match ctx.rooms().accounts.update_profile(ctx.caller(), signed_in, profile).await? {
            ProfileChanged::Changed(account) => {
                UpdateProfilePayload { user: User::new(*account, Some(signed_in.session.clone())) }.into()
            }
            ProfileChanged::NicknameTaken => NicknameTaken::new(ctx).into(),
            ProfileChanged::Gone => return Err(ctx.unauthenticated()),
        })
    }

    /// Erases the account that is signed in, and everything personal with it. Its contacts are told. Needs the password,
    /// or a recent authentication. Held back while a contact change can be undone.
    async fn delete_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The password, given again, where the authentication is not recent.")]
        input: DeleteAccountInput,
    ) -> Result<DeleteAccountResult> {
        let signed_in = trail::signed_in(ctx, Act::DeleteAccount).await?;
        let password = input.password.map(Secret::new);
        Ok(match ctx.rooms().accounts.delete(ctx.caller(), signed_in, password.as_ref()).await? {
            Deleted::Deleted(id) => {
                if ctx.rooms().sessions.use_cookie() {
                    TokenCookies::of(ctx).drop_refresh_token();
                }
                DeleteAccountPayload { id: id.as_str().into() }.into()
            }
            Deleted::Gone => return Err(ctx.unauthenticated()),
            Deleted::CredentialsRejected => CredentialsRejected::new(ctx).into(),
            Deleted::ReauthenticationRequired(required) => ReauthenticationRequired::new(ctx, &required).into(),
            Deleted::HeldBack { until } => DeletionHeldBack::new(ctx, until).into(),
            Deleted::LastAdministrator => LastAdministrator::new(ctx).into(),
            Deleted::Quota(refused) => QuotaExceeded::new(ctx, refused).into(),
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
    let signed_in = trail::signed_in(ctx, act).await?;
    let proof = ProofToken::parse(&input.proof_token);
    Ok(match ctx.rooms().accounts.change_contact(ctx.caller(), signed_in, kind, proof).await? {
        ContactChange::Changed(account) => {
            ChangeContactPayload { user: User::new(*account, Some(signed_in.session.clone())) }.into()
        }
        ContactChange::ProofRejected(reason) => ProofRejected::new(ctx, reason).into(),
        ContactChange::Taken => ContactTaken::new(ctx).into(),
        ContactChange::Unchanged => ContactUnchanged::new(ctx).into(),
        ContactChange::ReauthenticationRequired(required) => ReauthenticationRequired::new(ctx, &required).into(),
        ContactChange::Quota(refused) => QuotaExceeded::new(ctx, refused).into(),
    })
}

impl Fields<'_> {
    /// A field that is left alone, taken away, or set to what it spells.
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

/// The password is changed.
#[derive(SimpleObject)]
pub struct ChangePasswordPayload {
    /// Sessions that were ended by it.
    sessions_ended: i32,
    /// What this device is known by from now on, in place of the token that it had. Null in cookie mode, and where
    /// other sessions were kept: devices stay known then.
    device_token: Option<String>,
}

/// What became of a change of password.
#[derive(Union)]
pub enum ChangePasswordResult {
    Payload(ChangePasswordPayload),
    CredentialsRejected(CredentialsRejected),
    PasswordRejected(PasswordRejected),
    ReauthenticationRequired(ReauthenticationRequired),
    QuotaExceeded(QuotaExceeded),
}

/// The contact is changed.
#[derive(SimpleObject)]
pub struct ChangeContactPayload {
    /// The account as it is now.
    user: User,
}

/// What became of a change of contact.
#[derive(Union)]
pub enum ChangeContactResult {
    Payload(ChangeContactPayload),
    ProofRejected(ProofRejected),
    ContactTaken(ContactTaken),
    ContactUnchanged(ContactUnchanged),
    ReauthenticationRequired(ReauthenticationRequired),
    QuotaExceeded(QuotaExceeded),
}

/// The old contact is the account's again. Its password is gone: a new one has to be chosen.
#[derive(SimpleObject)]
pub struct UndoContactChangePayload {
    /// Sessions that were ended by it: all there were.
    sessions_ended: i32,
}

/// What became of taking a change back.
#[derive(Union)]
pub enum UndoContactChangeResult {
    Payload(UndoContactChangePayload),
    UndoConfirmationRequired(UndoConfirmationRequired),
    ProofRejected(ProofRejected),
    ContactTaken(ContactTaken),
    QuotaExceeded(QuotaExceeded),
}

/// The profile is changed.
#[derive(SimpleObject)]
pub struct UpdateProfilePayload {
    /// The account as it is now.
    user: User,
}

/// What became of a change of profile.
#[derive(Union)]
pub enum UpdateProfileResult {
    Payload(UpdateProfilePayload),
    InvalidInput(InvalidInput),
    NicknameTaken(NicknameTaken),
}

/// The account is erased.
#[derive(SimpleObject)]
pub struct DeleteAccountPayload {
    /// What it was called.
    id: ID,
}

/// What became of erasing it.
#[derive(Union)]
pub enum DeleteAccountResult {
    Payload(DeleteAccountPayload),
    CredentialsRejected(CredentialsRejected),
    ReauthenticationRequired(ReauthenticationRequired),
    DeletionHeldBack(DeletionHeldBack),
    LastAdministrator(LastAdministrator),
    QuotaExceeded(QuotaExceeded),
}
