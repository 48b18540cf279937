//! Password reset for users who can't sign in.

use crate::graphql::errors::Result;
use async_graphql::{Context, InputObject, Object, OneofObject, SimpleObject, Union};

use super::{audit, verification::SendVerificationCodeResult};
use crate::{
    account::{Identity, ResetClaim, ResetPasswordOutcome},
    graphql::{
        context::RequestContext,
        input::{ContactInput, Fields},
        problems::{PasswordRejected, ProofRejected, QuotaExceeded},
        types::{Carrier, device_token},
    },
    verification::ProofToken,
};
use domain::contact::{BirthDate, Contact, PersonName};
use platform::{secret::Secret, telemetry::audit::Act};

#[derive(Default)]
pub struct PasswordResetMutation;

/// Input of `requestPasswordReset`. Exactly one field must be set.
#[derive(OneofObject)]
pub enum RequestPasswordResetInput {
    /// Identity of the account: name, birth date and phone number must all match.
    Identity(IdentityInput),
    /// Contact of the account.
    Contact(ContactInput),
}

/// Identity of a user, as stored in their account.
#[derive(InputObject)]
pub struct IdentityInput {
    /// Full name. Case, width, spaces, hyphens, apostrophes, dots, commas, joiners and variation selectors are ignored
    /// in the comparison; other letters and diacritics are significant. The limits are those of SignUpInput.name.
    pub name: String,
    /// Birth date in the format YYYY-MM-DD.
    pub birth_date: String,
    /// Phone number in free form.
    pub phone: String,
}

/// Input of `resetPassword`.
#[derive(InputObject)]
pub struct ResetPasswordInput {
    /// Proof token of a PASSWORD_RESET verification.
    #[graphql(secret)]
    pub proof_token: String,
    /// New password. It must meet passwordPolicy.
    #[graphql(secret)]
    pub new_password: String,
}

#[Object]
impl PasswordResetMutation {
    /// Sends a PASSWORD_RESET code to the account with this identity (name, birth date and phone number) or this
    /// contact.
    async fn request_password_reset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The identity or the contact of the account.")] input: RequestPasswordResetInput,
    ) -> Result<SendVerificationCodeResult> {
        let mut fields = Fields::new(ctx);
        let claim = match &input {
            RequestPasswordResetInput::Identity(input) => identity(&mut fields, input).map(ResetClaim::Identity),
            RequestPasswordResetInput::Contact(input) => fields.contact("contact", input).map(ResetClaim::Contact),
        };
        let channel = claim.as_ref().and_then(|claim| fields.channel("channel", None, &claim.contact()));
        let (Some(claim), Some(channel)) = (claim, channel) else {
            return Ok(audit::invalid(ctx, Act::RequestPasswordReset, fields).await.into());
        };
        let locale = fields.locale(None);
        let device = fields.device(None, None).token;
        let accounts = &ctx.services().accounts;
        let sent = accounts.request_password_reset(ctx.caller(), claim, channel, locale, device).await?;
        SendVerificationCodeResult::from_send(ctx, sent)
    }

    /// Sets a new password with a PASSWORD_RESET proof. Ends all sessions of the account, invalidates its earlier codes
    /// and proofs, removes its known devices and notifies its contacts. Fails with BAD_REQUEST in cookie mode on a
    /// connection that can't set cookies.
    async fn reset_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new password and the proof.")] input: ResetPasswordInput,
    ) -> Result<ResetPasswordResult> {
        Carrier::require(ctx)?;
        let accounts = &ctx.services().accounts;
        let proof = ProofToken::parse(&input.proof_token);
        let reset = accounts.reset_password(ctx.caller(), proof, &Secret::new(input.new_password)).await?;
        Ok(match reset {
            ResetPasswordOutcome::Reset { sessions_ended, notification_queued, device } => ResetPasswordPayload {
                sessions_ended: i32::try_from(sessions_ended).unwrap_or(i32::MAX),
                notification_queued,
                device_token: device_token(ctx, Some(&device)),
            }
            .into(),
            ResetPasswordOutcome::ProofRejected(reason) => ProofRejected::new(ctx, reason).into(),
            ResetPasswordOutcome::PasswordRejected(violations) => {
                PasswordRejected::new(ctx, &violations, &accounts.password_policy()).into()
            }
            ResetPasswordOutcome::Quota(refused) => QuotaExceeded::new(ctx, refused).into(),
        })
    }
}

fn identity(fields: &mut Fields<'_>, input: &IdentityInput) -> Option<Identity> {
    let name = fields.take("identity.name", PersonName::parse(&input.name).map_err(|why| why.reason()));
    let today = fields.today();
    let birth_date =
        fields.take("identity.birthDate", BirthDate::parse(&input.birth_date, today).map_err(|why| why.reason()));
    let phone = match fields.contact("identity", &ContactInput::Phone(input.phone.clone())) {
        Some(Contact::Phone(phone)) => Some(phone),
        Some(Contact::Email(_)) | None => None,
    };
    Some(Identity { name: name?, birth_date: birth_date?, phone: phone? })
}

/// The password has been changed.
#[derive(SimpleObject)]
pub struct ResetPasswordPayload {
    /// Number of sessions that were ended: all sessions of the account.
    sessions_ended: i32,
    /// Whether a notification about the change was queued for delivery to the account's contacts.
    notification_queued: bool,
    /// New device token of this device; all earlier device tokens of the account are invalid. Null in cookie mode.
    device_token: Option<String>,
}

/// Result of `resetPassword`.
#[derive(Union)]
pub enum ResetPasswordResult {
    Payload(ResetPasswordPayload),
    ProofRejected(ProofRejected),
    PasswordRejected(PasswordRejected),
    QuotaExceeded(QuotaExceeded),
}
